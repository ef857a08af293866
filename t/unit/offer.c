/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of qp_offer: keywords of EHLO and their bits. */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>

#include "wire/qp_offer.h"

int main(void)
{
    apr_pool_t *pool;
    unsigned int offers = 1;
    int i;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    is_str(qp_offer_parse("", &offers, pool), NULL, "nothing");
    is_int(offers, 0, "is nothing");
    is_str(qp_offer_parse("dsn \tMT-priority  8BitMime", &offers, pool), NULL,
           "several");
    is_int(offers, QP_OFFER_DSN | QP_OFFER_MT_PRIORITY | QP_OFFER_8BITMIME,
           "their bits");
    is_str(qp_offer_parse("DSN DS", &offers, pool), "DS", "an unknown word");
    is_str(qp_offer_parse("DSNX", &offers, pool), "DSNX", "a longer one");
    for (i = 0; i < QP_OFFER_COUNT; i++) {
        is_str(qp_offer_parse(qp_offer_keyword(i), &offers, pool), NULL,
               "keyword %s", qp_offer_keyword(i));
        is_int(offers, 1u << i, "its bit");
    }
    return done_testing();
}
