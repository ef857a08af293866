/* SPDX-License-Identifier: Apache-2.0 */
/* Stores in the caches of the program that the server runs in. A cache knows
 * neither names of stores nor changes, and its clock is coarse: so a value is
 * found by a hash of store and key, its end stands before it, and whoever uses
 * a cache has its lock. The cache itself is behind qp_caches. */

#include "plugin/qp_store.h"

#include <string.h>

#include <apr_sha1.h>
#include <apr_strings.h>

#include "plugin/qp_store_cache.h"

/* A value with its end before it. */
#define RECORD_MAX (QP_STORE_VALUE_MAX + 32)

/* Lives in pconf. */
typedef struct cache_home {
    const qp_caches *caches;
    void *cache;
} cache_home;

static const char *open_home(qp_store_home *home, const char *rest)
{
    cache_home *own = apr_pcalloc(home->pool, sizeof(*own));

    if (home->caches == NULL) {
        return "store: socache is a part of httpd, and this is another program";
    }
    own->caches = home->caches;
    home->state = own;
    return own->caches->open(own->caches->ctx, rest, &own->cache, home->pool);
}

static void make_id(const qp_store *store, const char *key, unsigned char *id)
{
    const char *name = store->home->name;
    apr_sha1_ctx_t context;

    apr_sha1_init(&context);
    apr_sha1_update(&context, name, (unsigned int)strlen(name) + 1);
    apr_sha1_update(&context, key, (unsigned int)strlen(key));
    apr_sha1_final(id, &context);
}

static apr_status_t take_lock(qp_store *store)
{
    const cache_home *own = store->home->state;
    apr_interval_time_t left = store->deadline - qp_now();
    apr_status_t rv = own->caches->lock(own->cache, left > 0 ? left : 0);

    return rv == APR_SUCCESS ? rv : qp_store_note(store, rv, "get the lock");
}

static void leave_lock(const qp_store *store)
{
    const cache_home *own = store->home->state;

    own->caches->unlock(own->cache);
}

/* Record: the end in microseconds, or 0; a blank; the value. What others have
 * put there is not looked at. @return APR_NOTFOUND, also behind the end */
static apr_status_t read_record(qp_store *store, char *record, apr_size_t len,
                                const char **value)
{
    char *end = NULL;
    apr_int64_t expires;

    record[len] = '\0';
    expires = apr_strtoi64(record, &end, 10);
    if (end == record || *end != ' ' || memchr(record, '\0', len) != NULL) {
        return qp_store_note(store, APR_EINVAL, "use a value of others");
    }
    if (expires > 0 && expires <= apr_time_now()) {
        return APR_NOTFOUND;
    }
    *value = end + 1;
    return APR_SUCCESS;
}

static apr_status_t get_locked(qp_store *store, const char *key,
                               const char **value)
{
    const cache_home *own = store->home->state;
    char *record = apr_palloc(store->pool, RECORD_MAX + 1);
    unsigned char id[QP_CACHE_ID_LEN];
    apr_size_t len = RECORD_MAX;
    apr_status_t rv;

    *value = NULL;
    make_id(store, key, id);
    rv = own->caches->get(own->cache, id, record, &len, store->pool);
    if (rv == APR_SUCCESS) {
        return read_record(store, record, len, value);
    }
    return APR_STATUS_IS_NOTFOUND(rv) ? APR_NOTFOUND
                                      : qp_store_note(store, rv, "read");
}

/* A cache that cannot be reached may say that it has nothing: to a change that
 * is an error. */
static apr_status_t put_locked(qp_store *store, const char *key,
                               const char *value, apr_interval_time_t ttl)
{
    const cache_home *own = store->home->state;
    apr_time_t expires = ttl > 0 ? apr_time_now() + ttl : 0;
    unsigned char id[QP_CACHE_ID_LEN];
    const char *record =
        apr_psprintf(store->pool, "%" APR_TIME_T_FMT " %s", expires, value);
    apr_status_t rv;

    make_id(store, key, id);
    rv = own->caches->put(own->cache, id, record, expires, store->pool);
    return rv == APR_SUCCESS ? rv : qp_store_note(store, rv, "write");
}

static apr_status_t drop_locked(qp_store *store, const char *key)
{
    const cache_home *own = store->home->state;
    unsigned char id[QP_CACHE_ID_LEN];
    const char *old;
    apr_status_t rv = get_locked(store, key, &old);

    if (rv != APR_SUCCESS) {
        return APR_STATUS_IS_NOTFOUND(rv) ? APR_SUCCESS : rv;
    }
    make_id(store, key, id);
    rv = own->caches->drop(own->cache, id, store->pool);
    return rv == APR_SUCCESS || APR_STATUS_IS_NOTFOUND(rv)
               ? APR_SUCCESS
               : qp_store_note(store, rv, "delete");
}

static apr_status_t get_value(qp_store *store, const char *key,
                              const char **value)
{
    apr_status_t rv = take_lock(store);

    if (rv == APR_SUCCESS) {
        rv = get_locked(store, key, value);
        leave_lock(store);
    }
    return rv;
}

static apr_status_t set_value(qp_store *store, const char *key,
                              const char *value, apr_interval_time_t ttl)
{
    apr_status_t rv = take_lock(store);

    if (rv == APR_SUCCESS) {
        rv = value != NULL ? put_locked(store, key, value, ttl)
                           : drop_locked(store, key);
        leave_lock(store);
    }
    return rv;
}

static apr_status_t change_locked(qp_store *store, const char *key,
                                  qp_store_change *change, void *baton)
{
    apr_interval_time_t ttl = 0;
    const char *value;
    apr_status_t rv = get_locked(store, key, &value);

    if (rv != APR_SUCCESS && !APR_STATUS_IS_NOTFOUND(rv)) {
        return rv;
    }
    value = change(value, baton, &ttl, store->pool);
    return value != NULL ? put_locked(store, key, value, ttl) : APR_SUCCESS;
}

static apr_status_t update_value(qp_store *store, const char *key,
                                 qp_store_change *change, void *baton)
{
    apr_status_t rv = take_lock(store);

    if (rv == APR_SUCCESS) {
        rv = change_locked(store, key, change, baton);
        leave_lock(store);
    }
    return rv;
}

const qp_store_kind qp_store_cache_kind = {
    .name = "socache",
    .open = open_home,
    .get = get_value,
    .set = set_value,
    .update = update_value,
};
