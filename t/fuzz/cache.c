/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of plugin/qp_store_cache and of what qp_store adds up: the values
 * that a cache has, which may be on another host, and what becomes of its
 * faults (R111, R117).
 */
#include "fuzz.h"

#include "plugin/qp_store.h"
#include "plugin/qp_store_cache.h"

enum { CALLS = 4 };

/* A cache that answers with a line of the input each time. */
typedef struct cache {
    fuzz_input in;
    int is_locked;
} cache;

static const char *open_cache(void *ctx, const char *which, void **out,
                              apr_pool_t *pconf)
{
    *out = ctx;
    return NULL;
}

static apr_status_t lock_cache(void *ctx, apr_interval_time_t timeout)
{
    cache *c = ctx;

    fuzz_check(!c->is_locked && timeout > 0);
    if (fuzz_byte(&c->in) == 0xff) {
        return APR_TIMEUP;
    }
    c->is_locked = 1;
    return APR_SUCCESS;
}

static void unlock_cache(void *ctx)
{
    cache *c = ctx;

    fuzz_check(c->is_locked);
    c->is_locked = 0;
}

static apr_status_t get_line(void *ctx, const unsigned char *id, char *value,
                             apr_size_t *len, apr_pool_t *pool)
{
    cache *c = ctx;
    size_t room = *len;

    fuzz_check(c->is_locked);
    if (c->in.left == 0) {
        return APR_NOTFOUND;
    }
    for (*len = 0; *len < room && c->in.left > 0; ++*len) {
        value[*len] = (char)fuzz_byte(&c->in);
        if (value[*len] == '\n') {
            return APR_SUCCESS;
        }
    }
    return c->in.left > 0 ? APR_ENOSPC : APR_SUCCESS;
}

static apr_status_t put_value(void *ctx, const unsigned char *id,
                              const char *value, apr_time_t expires,
                              apr_pool_t *pool)
{
    cache *c = ctx;
    char *end = NULL;

    fuzz_check(c->is_locked && expires >= 0);
    fuzz_check(strtoll(value, &end, 10) == expires && *end == ' ');
    return fuzz_byte(&c->in) == 0xff ? APR_EGENERAL : APR_SUCCESS;
}

static apr_status_t drop_value(void *ctx, const unsigned char *id,
                               apr_pool_t *pool)
{
    cache *c = ctx;

    fuzz_check(c->is_locked);
    return fuzz_byte(&c->in) == 0xff ? APR_NOTFOUND : APR_SUCCESS;
}

static void call(qp_store *store, unsigned int which)
{
    const char *value = NULL;
    apr_int64_t sum = 0;
    apr_status_t rv = APR_SUCCESS;

    switch (which & 3) {
    case 0:
        rv = qp_store_get(store, "key", &value);
        fuzz_check((rv == APR_SUCCESS) == (value != NULL));
        break;
    case 1:
        rv = qp_store_set(store, "key", "value", 1000);
        break;
    case 2:
        rv = qp_store_delete(store, "key");
        break;
    default:
        rv = qp_store_add(store, "key", which & 4 ? 7 : -7,
                          apr_time_from_sec(60), &sum);
        break;
    }
    fuzz_check(rv == APR_SUCCESS || APR_STATUS_IS_NOTFOUND(rv)
               || *qp_store_error(store) != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cache c = { .in = { data, size } };
    const qp_caches caches = { .ctx = &c,
                               .open = open_cache,
                               .lock = lock_cache,
                               .unlock = unlock_cache,
                               .get = get_line,
                               .put = put_value,
                               .drop = drop_value };
    apr_pool_t *pool = fuzz_begin();
    unsigned int calls = fuzz_byte(&c.in);
    qp_store_home home = { .kind = &qp_store_cache_kind, .name = "name" };
    qp_store store = { .home = &home, .pool = pool };
    int i;

    home.pool = pool;
    home.caches = &caches;
    fuzz_check(home.kind->open(&home, "any") == NULL);
    for (i = 0; i < CALLS; i++) {
        call(&store, calls >> (2 * i));
        fuzz_check(!c.is_locked);
    }
    return fuzz_end(pool);
}
