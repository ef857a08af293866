/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file store_tests.h
 * @brief What every kind of store has to do.
 */
#ifndef STORE_TESTS_H
#define STORE_TESTS_H

#include <pthread.h>

#include "store_kit.h"

static inline void test_values(qp_store *store, apr_pool_t *pool)
{
    char *longest = apr_pcalloc(pool, 602);
    char *big = apr_pcalloc(pool, 502);

    memset(longest, 'k', 600);
    memset(big, 'v', 501);
    is_str(bench_value(store, "a"), "(none)", "no value");
    is_int(qp_store_set(store, "a", "1", 0), APR_SUCCESS, "a value");
    is_str(bench_value(store, "a"), "1", "is there");
    is_int(qp_store_set(store, "a", "two words", 0), APR_SUCCESS, "another");
    is_str(bench_value(store, "a"), "two words", "replaces it");
    is_int(qp_store_set(store, "e", "", 0), APR_SUCCESS, "an empty one");
    is_str(bench_value(store, "e"), "", "is a value, too");
    is_int(qp_store_delete(store, "a"), APR_SUCCESS, "deleted");
    is_str(bench_value(store, "a"), "(none)", "it is gone");
    is_int(qp_store_delete(store, "a"), APR_SUCCESS, "twice");
    is_int(qp_store_set(store, longest, "long", 0), APR_SUCCESS, "a long key");
    is_str(bench_value(store, longest), "long", "is there");
    longest[600] = 'x';
    is_str(bench_value(store, longest), "(none)", "a longer one is another");
    is_int(qp_store_set(store, " \r\n", "odd", 0), APR_SUCCESS, "an odd key");
    is_str(bench_value(store, " \r\n"), "odd", "is there");
    is_str(bench_value(store, " "), "(none)", "and no other");
    is_int(qp_store_set(store, "a", big, 0), APR_ENOSPC, "too long a value");
    ok(strstr(qp_store_error(store), "cannot keep so long a value") != NULL,
       "it is said");
    big[500] = '\0';
    is_int(qp_store_set(store, "a", big, 0), APR_SUCCESS, "the longest value");
    is_str(bench_value(store, "a"), big, "is there");
    is_str(qp_store_error(store), "", "nothing is wrong");
}

static inline void test_numbers(qp_store *store)
{
    apr_int64_t sum = 0;

    is_int(qp_store_add(store, "n", 2, 0, &sum), APR_SUCCESS, "a number");
    is_int(sum, 2, "is the first");
    is_int(qp_store_add(store, "n", -5, 0, &sum), APR_SUCCESS, "and another");
    is_int(sum, -3, "is their sum");
    is_int(qp_store_set(store, "n", "40", 0), APR_SUCCESS, "a value");
    is_int(qp_store_add(store, "n", 2, 0, &sum), APR_SUCCESS, "that is one");
    is_int(sum, 42, "counts as one");
    is_int(qp_store_set(store, "n", "word", 0), APR_SUCCESS, "a word");
    is_int(qp_store_add(store, "n", 2, 0, &sum), APR_EINVAL, "is none");
    is_str(bench_value(store, "n"), "word", "and stays");
}

/* Adds its letter to the value. */
static inline const char *append(const char *old, void *baton,
                                 apr_interval_time_t *ttl, apr_pool_t *pool)
{
    *ttl = 0;
    if (strcmp(baton, "-") == 0) {
        return NULL;
    }
    return apr_pstrcat(pool, old != NULL ? old : "", baton, NULL);
}

static inline void test_changes(qp_store *store)
{
    char *big = apr_pcalloc(store->pool, 502);
    char a[] = "a";
    char b[] = "b";
    char no[] = "-";

    memset(big, 'v', 501);
    is_int(qp_store_update(store, "c", append, a), APR_SUCCESS, "made");
    is_int(qp_store_update(store, "c", append, b), APR_SUCCESS, "changed");
    is_int(qp_store_update(store, "c", append, no), APR_SUCCESS, "left");
    is_str(bench_value(store, "c"), "ab", "the value");
    is_int(qp_store_update(store, "c2", append, no), APR_SUCCESS, "not made");
    is_str(bench_value(store, "c2"), "(none)", "no value");
    is_int(qp_store_update(store, "c", append, big), APR_ENOSPC, "too long");
    is_str(bench_value(store, "c"), "ab", "the old value stays");
}

#define THREADS      4
#define BENCH_ROUNDS 50

/** Threads that add to the same number. */
typedef struct adder {
    bench *b;
    const qp_plugin *plugin;
    apr_pool_t *pool;
    pthread_t thread;
    int may_repeat; /**< a call that took too long, for it has done nothing */
    int failed;
} adder;

static inline void *bench_add_often(void *data)
{
    adder *a = data;
    qp_store *store;
    apr_pool_t *pool;
    apr_status_t rv;
    apr_int64_t sum;
    int i;

    for (i = 0; i < BENCH_ROUNDS; i++) {
        apr_pool_create(&pool, a->pool);
        store = bench_begin(a->b, a->plugin, pool);
        do { /* nothing is added when the others never let it have the lock */
            rv = qp_store_add(store, "shared", 1, 0, &sum);
        } while (APR_STATUS_IS_TIMEUP(rv) && a->may_repeat);
        a->failed += rv != APR_SUCCESS;
        apr_pool_destroy(pool);
    }
    return NULL;
}

static inline void test_threads(bench *b, const qp_plugin *plugin)
{
    adder adders[THREADS];
    qp_store *store = bench_begin(b, plugin, b->pool);
    int failed = 0;
    int i;

    is_int(qp_store_delete(store, "shared"), APR_SUCCESS, "no number");
    for (i = 0; i < THREADS; i++) {
        adders[i].b = b;
        adders[i].plugin = plugin;
        adders[i].may_repeat = plugin->store->kind == &qp_store_dbm_kind;
        adders[i].failed = 0;
        apr_pool_create_unmanaged_ex(&adders[i].pool, NULL, NULL);
        if (pthread_create(&adders[i].thread, NULL, bench_add_often,
                           &adders[i])) {
            abort();
        }
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(adders[i].thread, NULL);
        failed += adders[i].failed;
        apr_pool_destroy(adders[i].pool);
    }
    is_int(failed, 0, "threads that add");
    is_str(apr_strtok(apr_pstrdup(b->pool, bench_value(store, "shared")), " ",
                      &(char *){ NULL }),
           apr_itoa(b->pool, THREADS * BENCH_ROUNDS), "nothing is lost");
}

static inline void bench_test_kind(bench *b, const char *where)
{
    qp_plugin *plugin = bench_open(b, where, "test");
    qp_plugin *other = bench_open(b, where, "other");
    qp_store *store = bench_begin(b, plugin, b->pool);

    test_values(store, b->pool);
    test_numbers(store);
    test_changes(store);
    test_threads(b, plugin);
    is_int(qp_store_set(store, "mine", "1", 0), APR_SUCCESS, "a value");
    if (strncmp(where, "dbm:", 4) != 0) {
        is_str(bench_value(bench_begin(b, other, b->pool), "mine"), "(none)",
               "is not there by another name");
    }
}

static inline void bench_test_expiry(bench *b, const char *where)
{
    qp_store *store = bench_begin(b, bench_open(b, where, "expiry"), b->pool);
    apr_int64_t sum = 0;

    is_int(qp_store_set(store, "e", "1", apr_time_from_sec(100)), APR_SUCCESS,
           "a value for a time");
    is_int(qp_store_add(store, "n", 1, apr_time_from_sec(100), &sum),
           APR_SUCCESS, "a number for a time");
    kit_skip_time(apr_time_from_sec(90));
    is_str(bench_value(store, "e"), "1", "is there before its end");
    is_int(qp_store_add(store, "n", 1, apr_time_from_sec(100), &sum),
           APR_SUCCESS, "what is added");
    is_int(sum, 2, "counts");
    kit_skip_time(apr_time_from_sec(20));
    is_str(bench_value(store, "e"), "(none)", "and not behind it");
    is_int(qp_store_add(store, "n", 1, apr_time_from_sec(100), &sum),
           APR_SUCCESS, "and does not prolong");
    is_int(sum, 1, "the first one's time");
}

#endif /* STORE_TESTS_H */
