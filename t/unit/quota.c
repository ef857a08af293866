/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugin/qp_quota: tables of texts and what they come to.
 */
#include "tap.h"

#include <apr_general.h>

#include "plugin/qp_quota.h"

static const struct {
    const char *text;
    int limit; /* -1: refused */
    int seconds;
} rates[] = {
    { "0", 0, 0 },
    { "100/60s", 100, 60 },
    { "100/60", 100, 60 },
    { "1/1s", 1, 1 },
    { "1000000/7d", 1000000, 604800 },
    { "5/2h", 5, 7200 },
    { "", -1, 0 },
    { "100", -1, 0 },
    { "/60s", -1, 0 },
    { "100/", -1, 0 },
    { "100/0", -1, 0 },
    { "100/999ms", -1, 0 },
    { "100/8d", -1, 0 },
    { "1000001/60s", -1, 0 },
    { "-1/60s", -1, 0 },
    { "99999999999999999999/60s", -1, 0 },
    { "100 /60s", -1, 0 },
    { "100/60s x", -1, 0 },
};

static void test_rates(void)
{
    qp_rate rate;
    const char *error;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rates); i++) {
        error = qp_quota_rate(rates[i].text, &rate);
        if (rates[i].limit < 0) {
            ok(error != NULL, "\"%s\" is refused", rates[i].text);
            continue;
        }
        is_str(error, NULL, "%s", rates[i].text);
        is_int(rate.limit, rates[i].limit, "%s", rates[i].text);
        is_int((int)apr_time_sec(rate.period), rates[i].seconds, "its period");
    }
}

static const struct {
    const char *ip;
    int limit;
} found[] = {
    { "192.0.2.9", 7 },    { "192.0.2.200", 9 },      { "192.0.3.1", 50 },
    { "127.0.0.1", 0 },    { "::ffff:192.0.2.9", 7 }, { "2001:db8::1", 3 },
    { "2001:db9::1", 50 }, { "no address", 50 },
};

static void test_quotas(apr_pool_t *pool)
{
    apr_array_header_t *quotas;
    int general;
    size_t i;

    is_str(qp_quota_parse("50 192.0.2.0/25 7 192.0.2. 9 127.0.0.0/8 0\t"
                          "2001:db8::/32 3",
                          &general, &quotas, pool),
           NULL, "a number and networks");
    is_int(general, 50, "the number");
    for (i = 0; i < QP_ARRAY_LEN(found); i++) {
        is_int(qp_quota_find(quotas, found[i].ip, general), found[i].limit,
               "%s", found[i].ip);
    }
    is_str(qp_quota_parse("50", &general, &quotas, pool), NULL, "a number");
    is_int(quotas->nelts, 0, "and no network");
    ok(qp_quota_parse("", &general, &quotas, pool) != NULL, "nothing");
    ok(qp_quota_parse("x", &general, &quotas, pool) != NULL, "no number");
    ok(qp_quota_parse("5 10.", &general, &quotas, pool) != NULL, "no pair");
    ok(qp_quota_parse("5 x 6", &general, &quotas, pool) != NULL, "no network");
    ok(qp_quota_parse("5 10. 6x", &general, &quotas, pool) != NULL,
       "no number behind it");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_rates();
    test_quotas(pool);
    apr_terminate();
    return done_testing();
}
