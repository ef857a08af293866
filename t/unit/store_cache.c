/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugin/qp_store_cache: what every store does, and caches that are
 * not there, are out of order, or have the values of others.
 */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>

#include "store_tests.h"

#include "fake_cache.h"

static void test_cache(bench *b)
{
    static const char *const lies[] = { "", "x", "12", "1x a", "5 a" };
    qp_plugin *plugin = bench_plugin(b);
    fake_cache fake;
    qp_store *store;
    apr_int64_t sum;
    size_t i;

    fake_cache_init(&fake, b->pool);
    ok(strstr(qp_store_open(plugin, "socache:x", "x"), "is a part of httpd")
           != NULL,
       "without httpd");
    b->kit->home.caches = &fake.caches;
    is_str(qp_store_open(plugin, "socache:none", "x"), "there is no such cache",
           "a wrong cache");
    bench_test_kind(b, "socache:fake:with arguments");
    is_str(fake.which, "fake:with arguments", "how it was opened");
    bench_test_expiry(b, "socache:fake");
    store = bench_begin(b, bench_open(b, "socache:fake", "lies"), b->pool);
    for (i = 0; i < QP_ARRAY_LEN(lies); i++) {
        fake.lie = lies[i];
        fake.lie_len = strlen(lies[i]);
        is_str(bench_value(store, "a"),
               strchr(lies[i], ' ') == lies[i] + 1
                   ? "(none)"
                   : "socache: cannot use a value of "
                     "others: Invalid argument",
               "\"%s\"", lies[i]);
    }
    fake.lie = "0 a\0b";
    fake.lie_len = 5;
    ok(strstr(bench_value(store, "a"), "of others") != NULL, "with a NUL");
    fake.lie = NULL;
    fake.call = APR_EGENERAL;
    ok(strstr(bench_value(store, "a"), "cannot read:") != NULL, "no reading");
    ok(qp_store_add(store, "a", 1, 0, &sum) == APR_EGENERAL, "no adding");
    /* What some say without a server. */
    fake.call = APR_NOTFOUND;
    is_int(qp_store_add(store, "a", 1, 0, &sum), APR_NOTFOUND, "no writing");
    ok(strstr(qp_store_error(store), "cannot write:") != NULL, "is said");
    fake.call = APR_SUCCESS;
    fake.lock = APR_TIMEUP;
    is_str(bench_value(store, "a"),
           "socache: cannot get the lock: it takes too long", "no lock");
    b->kit->home.caches = NULL;
}

int main(void)
{
    bench b;

    apr_initialize();
    memset(&b, 0, sizeof(b));
    apr_pool_create(&b.pool, NULL);
    b.kit = kit_create(b.pool);
    bench_set_up(&b);
    test_cache(&b);
    apr_pool_destroy(b.pool);
    apr_terminate();
    return done_testing();
}
