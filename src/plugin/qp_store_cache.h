/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_store_cache.h
 * @brief What stores need of the caches that the program has in which the
 *        server runs: httpd has its small object caches. Layers above fill it
 *        in.
 */
#ifndef QP_STORE_CACHE_H
#define QP_STORE_CACHE_H

#include "base/qp_base.h"

/** Octets of the name of a value: it is a hash of its key. */
#define QP_CACHE_ID_LEN 20

/**
 * The caches. All but open() is called in jobs, by several threads; a cache
 * guards itself by its lock, which all processes of the server share and which
 * is held for each of the other calls.
 */
typedef struct qp_caches {
    void *ctx;
    /** In setup. @param which  "PROVIDER" or "PROVIDER:ARGS". @param cache
     *  out: the same for the same words. @return NULL, or what is wrong */
    const char *(*open)(void *ctx, const char *which, void **cache,
                        apr_pool_t *pconf);
    /** @return APR_TIMEUP if others have it for so long */
    apr_status_t (*lock)(void *cache, apr_interval_time_t timeout);
    void (*unlock)(void *cache);
    /** @param len  in: room in @a value; out: octets. @return APR_NOTFOUND */
    apr_status_t (*get)(void *cache, const unsigned char *id, char *value,
                        apr_size_t *len, apr_pool_t *pool);
    /** @param expires  it may be gone before, and may be there for longer */
    apr_status_t (*put)(void *cache, const unsigned char *id, const char *value,
                        apr_time_t expires, apr_pool_t *pool);
    apr_status_t (*drop)(void *cache, const unsigned char *id,
                         apr_pool_t *pool);
} qp_caches;

#endif /* QP_STORE_CACHE_H */
