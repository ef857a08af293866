/* SPDX-License-Identifier: Apache-2.0 */
/* The names of service extensions. Const data. Which of them a session is
 * offered is decided where EHLO is answered. */
#include "wire/qp_offer.h"

#include <strings.h>

#include "base/qp_str.h"

#define KEYWORD(name, word) word,
static const char *const keywords[] = { QP_OFFER_LIST(KEYWORD) };

const char *qp_offer_keyword(int i)
{
    return keywords[i];
}

static unsigned int find_bit(const char *word)
{
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(keywords); i++) {
        if (strcasecmp(word, keywords[i]) == 0) {
            return 1u << i;
        }
    }
    return 0;
}

const char *qp_offer_parse(const char *words, unsigned int *offers,
                           apr_pool_t *pool)
{
    const apr_array_header_t *list = qp_str_words(words, pool);
    const char *word;
    unsigned int bit;
    int i;

    *offers = 0;
    for (i = 0; i < list->nelts; i++) {
        word = APR_ARRAY_IDX(list, i, const char *);
        bit = find_bit(word);
        if (bit == 0) {
            return word;
        }
        *offers |= bit;
    }
    return NULL;
}
