/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fake_cache.h
 * @brief A cache in memory in place of httpd's, for tests of stores.
 *
 *     fake_cache fake;
 *
 *     fake_cache_init(&fake, pool);
 *     home.caches = &fake.caches;
 *
 * What it answers can be set at any time.
 */
#ifndef FAKE_CACHE_H
#define FAKE_CACHE_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_sha1.h>
#include <apr_strings.h>

#include "plugin/qp_store_cache.h"

typedef struct fake_cache {
    qp_caches caches;
    apr_pool_t *pool;
    apr_hash_t *records;
    pthread_mutex_t mutex;
    const char *which;       /**< it was opened with */
    apr_status_t lock, call; /**< what becomes of these; or APR_SUCCESS */
    const char *lie;         /**< what is found under each key; or NULL */
    apr_size_t lie_len;
} fake_cache;

static const char *fake_open(void *ctx, const char *which, void **cache,
                             apr_pool_t *pconf)
{
    fake_cache *fake = ctx;

    fake->which = apr_pstrdup(fake->pool, which);
    *cache = fake;
    return strcmp(which, "none") == 0 ? "there is no such cache" : NULL;
}

static apr_status_t fake_lock(void *cache, apr_interval_time_t timeout)
{
    fake_cache *fake = cache;

    if (fake->lock != APR_SUCCESS || timeout <= 0) {
        return fake->lock != APR_SUCCESS ? fake->lock : APR_TIMEUP;
    }
    return pthread_mutex_lock(&fake->mutex);
}

static void fake_unlock(void *cache)
{
    fake_cache *fake = cache;

    if (pthread_mutex_unlock(&fake->mutex) != 0) {
        abort();
    }
}

static apr_status_t fake_get(void *cache, const unsigned char *id, char *value,
                             apr_size_t *len, apr_pool_t *pool)
{
    fake_cache *fake = cache;
    const char *found = apr_hash_get(fake->records, id, QP_CACHE_ID_LEN);
    apr_size_t n = found != NULL ? strlen(found) : 0;

    if (fake->lie != NULL) {
        found = fake->lie;
        n = fake->lie_len;
    }
    if (fake->call != APR_SUCCESS) {
        return fake->call;
    }
    if (found == NULL || n > *len) {
        return found == NULL ? APR_NOTFOUND : APR_ENOSPC;
    }
    memcpy(value, found, n);
    *len = n;
    return APR_SUCCESS;
}

static apr_status_t fake_put(void *cache, const unsigned char *id,
                             const char *value, apr_time_t expires,
                             apr_pool_t *pool)
{
    fake_cache *fake = cache;

    if (fake->call != APR_SUCCESS) {
        return fake->call;
    }
    apr_hash_set(fake->records, apr_pmemdup(fake->pool, id, QP_CACHE_ID_LEN),
                 QP_CACHE_ID_LEN, apr_pstrdup(fake->pool, value));
    return APR_SUCCESS;
}

static apr_status_t fake_drop(void *cache, const unsigned char *id,
                              apr_pool_t *pool)
{
    fake_cache *fake = cache;

    apr_hash_set(fake->records, id, QP_CACHE_ID_LEN, NULL);
    return fake->call;
}

static void fake_cache_init(fake_cache *fake, apr_pool_t *pool)
{
    memset(fake, 0, sizeof(*fake));
    fake->caches.ctx = fake;
    fake->caches.open = fake_open;
    fake->caches.lock = fake_lock;
    fake->caches.unlock = fake_unlock;
    fake->caches.get = fake_get;
    fake->caches.put = fake_put;
    fake->caches.drop = fake_drop;
    fake->pool = pool;
    fake->records = apr_hash_make(pool);
    pthread_mutex_init(&fake->mutex, NULL);
}

#endif /* FAKE_CACHE_H */
