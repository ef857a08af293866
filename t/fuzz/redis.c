/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of what Redis answers to plugin/qp_store_redis, in several calls
 * over connections that are kept (R111, R117).
 */
#include "actor.h"

#include "plugin/qp_store.h"

enum { CALLS = 4 };

/* Longer each time, until it is given up. */
static const char *change_value(const char *old, void *baton,
                                apr_interval_time_t *ttl, apr_pool_t *pool)
{
    const char *now = old != NULL ? apr_pstrcat(pool, old, "x", NULL) : "first";

    *ttl = 1000;
    return strlen(now) % 3 == 0 ? NULL : now;
}

static apr_status_t get_value(qp_store *store)
{
    const char *value = NULL;
    apr_status_t rv = qp_store_get(store, "key", &value);

    fuzz_check((rv == APR_SUCCESS) == (value != NULL));
    if (rv == APR_SUCCESS) {
        fuzz_check(strlen(value) <= QP_STORE_VALUE_MAX + 64);
    }
    return rv;
}

static void call(qp_store *store, unsigned int which)
{
    apr_int64_t sum = 0;
    apr_status_t rv = APR_SUCCESS;

    switch (which & 3) {
    case 0:
        rv = get_value(store);
        break;
    case 1:
        rv = qp_store_set(store, "key", "value", 1);
        break;
    case 2:
        rv = qp_store_add(store, "key", 2, 5000, &sum);
        break;
    default:
        rv = qp_store_update(store, "key", change_value, NULL);
        break;
    }
    fuzz_check(rv == APR_SUCCESS || APR_STATUS_IS_NOTFOUND(rv)
               || *qp_store_error(store) != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const places[] = { "redis.example", "pass@[::1]:7#3",
                                          "/redis.sock", "word@/redis.sock#0" };
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();
    unsigned int how = fuzz_byte(&in);
    unsigned int calls = fuzz_byte(&in);
    qp_store_home home = { .kind = &qp_store_redis_kind, .name = "name" };
    qp_store store = { .home = &home, .pool = pool };
    int i;

    home.pool = pool;
    store.job = actor_job(pool);
    fuzz_check(home.kind->open(&home, places[how & 3]) == NULL);
    actor_begin(&in, how >> 4);
    for (i = 0; i < CALLS; i++) {
        call(&store, calls >> (2 * i));
    }
    return fuzz_end(pool);
}
