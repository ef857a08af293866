/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_store.h
 * @brief Values that outlive the session: what stores have in common.
 *
 * What plugins use is public, and declared in qpsmtpd.h.
 */
#ifndef QP_STORE_H
#define QP_STORE_H

#include "plugin/qp_config.h"
#include "plugin/qp_plugin.h"

/** What is added, and for how long a number is there that was not. */
typedef struct qp_store_sum {
    apr_int64_t by;
    apr_interval_time_t ttl;
} qp_store_sum;

/** A kind of store. Keys are QP_STORE_KEY_MAX octets at most. */
typedef struct qp_store_kind {
    const char *name;
    /** @param rest  behind "NAME:", or "". @return NULL, or what is wrong */
    const char *(*open)(struct qp_store_home *home, const char *rest);
    apr_status_t (*get)(qp_store *store, const char *key, const char **value);
    /** @param value  NULL: it is deleted */
    apr_status_t (*set)(qp_store *store, const char *key, const char *value,
                        apr_interval_time_t ttl);
    apr_status_t (*update)(qp_store *store, const char *key,
                           qp_store_change *change, void *baton);
    /** Or NULL, if it is an update like others. APR_EINVAL: no number */
    apr_status_t (*add)(qp_store *store, const char *key,
                        const qp_store_sum *what, apr_int64_t *sum);
} qp_store_kind;

/** Of a plugin. Lives in pconf; its state guards itself. */
typedef struct qp_store_home {
    const qp_store_kind *kind;
    const char *name;
    const char *spool_dir;
    const char *config_dir;
    const struct qp_caches *caches; /**< or NULL */
    void *state;                    /**< the kind's own */
    apr_pool_t *pool;
} qp_store_home;

/** Of a job. Lives in its pool. */
struct qp_store {
    qp_store_home *home;
    qp_job *job;
    apr_pool_t *pool;
    apr_time_t deadline; /**< of the call */
    char error[512];
};

extern const qp_store_kind qp_store_dbm_kind;
extern const qp_store_kind qp_store_redis_kind;
extern const qp_store_kind qp_store_cache_kind;

/** Says what went wrong. @return @a rv */
apr_status_t qp_store_note(qp_store *store, apr_status_t rv, const char *doing);

#endif /* QP_STORE_H */
