/* SPDX-License-Identifier: Apache-2.0 */
/* Values of limits: rates, and numbers for networks. They live in the pool of
 * the settings. Nothing is counted here. */

#include "plugin/qp_quota.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/qp_str.h"

#define MAX_NUMBER 1000000
#define MAX_PERIOD apr_time_from_sec(7 * 86400)

/* @return the octet behind it, or NULL: it is no number within the bounds */
static const char *read_number(const char *text, int *number)
{
    char *end;
    long value;

    if (text[0] < '0' || text[0] > '9') {
        return NULL;
    }
    value = strtol(text, &end, 10);
    if (value > MAX_NUMBER) {
        return NULL;
    }
    *number = (int)value;
    return end;
}

const char *qp_quota_rate(const char *text, qp_rate *rate)
{
    static const char allowed[] = "must be NUMBER/TIME, such as 100/60s, from "
                                  "1s to 7d, or 0 for no limit";
    const char *p = read_number(text, &rate->limit);

    rate->period = 0;
    if (p != NULL && p[0] == '\0' && rate->limit == 0) {
        return NULL;
    }
    if (p == NULL || p[0] != '/' || !qp_str_time(p + 1, &rate->period)
        || rate->period < apr_time_from_sec(1) || rate->period > MAX_PERIOD) {
        return allowed;
    }
    return NULL;
}

/* @return whether the whole word is a number */
static int is_number(const char *word, int *number)
{
    const char *end = read_number(word, number);

    return end != NULL && end[0] == '\0';
}

const char *qp_quota_parse(const char *text, int *general,
                           apr_array_header_t **quotas, apr_pool_t *pool)
{
    const apr_array_header_t *words = qp_str_words(text, pool);
    const char *const *word = (const char *const *)words->elts;
    const char *error;
    qp_quota *quota;
    int i;

    *quotas = apr_array_make(pool, 2, sizeof(qp_quota));
    if (words->nelts % 2 == 0 || !is_number(word[0], general)) {
        return "must be a number from 0 to 1000000, and then networks, each "
               "with its number behind it: 50 192.0.2.0/24 200";
    }
    for (i = 1; i < words->nelts; i += 2) {
        quota = apr_array_push(*quotas);
        error = qp_net_parse(word[i], &quota->net);
        if (error != NULL) {
            return apr_psprintf(pool, "\"%s\": %s", word[i], error);
        }
        if (!is_number(word[i + 1], &quota->limit)) {
            return apr_psprintf(pool,
                                "\"%s\" is not a number from 0 to 1000000",
                                word[i + 1]);
        }
    }
    return NULL;
}

int qp_quota_find(const apr_array_header_t *quotas, const char *ip, int general)
{
    const qp_quota *quota;
    qp_ip address;
    int i;

    if (!qp_net_ip(ip, &address)) {
        return general;
    }
    for (i = 0; i < quotas->nelts; i++) {
        quota = &APR_ARRAY_IDX(quotas, i, const qp_quota);
        if (qp_net_has(&quota->net, &address)) {
            return quota->limit;
        }
    }
    return general;
}
