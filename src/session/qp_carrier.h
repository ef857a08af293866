/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_carrier.h
 * @brief What a session is carried by: its octets, its log, what wakes it, and
 *        what all sessions of the process have in common.
 */
#ifndef QP_CARRIER_H
#define QP_CARRIER_H

#include "base/qp_log.h"
#include "session/qp_conn.h"
#include "wire/qp_io.h"
#include "wire/qp_job.h"
#include "wire/qp_rate.h"
#include "wire/qp_resolver.h"
#include "wire/qp_timer.h"

/** What carries a session. */
typedef struct qp_carrier {
    qp_io *io;
    const qp_log_sink *log_sink;
    void *log_ctx;
    /** Makes what wakes this session; called when a hook first awaits. */
    qp_waker *(*make_waker)(void *ctx);
    void *waker_ctx;
    /** Whether the process is being torn down; or NULL: never. Then a session
     *  ends without hooks. @a ctx is waker_ctx. */
    int (*is_gone)(void *ctx);
    qp_timers *timers;
    qp_jobs *jobs;
    apr_allocator_t *allocator; /**< of memory that comes and goes; or NULL */
    qp_tls_mode tls_mode;
    void *tls_ctx;
    /** A fact of a connection with TLS, by mod_ssl's name; or NULL. */
    const char *(*tls_variable)(void *ctx, const char *name, apr_pool_t *pool);
    /** Channel binding data (RFC 5056) of a type such as "tls-exporter".
     *  @return NULL: there is none of that type */
    const unsigned char *(*tls_binding)(void *ctx, const char *type,
                                        apr_size_t *len, apr_pool_t *pool);
    qp_resolver *resolver;  /**< NULL: every query fails */
    struct conn_rec *httpd; /**< for plugins; NULL if it is not httpd */
    qp_rates *rates;        /**< or NULL: nothing is counted */
    apr_uint64_t rate_key;  /**< of the client, in them */
} qp_carrier;

#endif /* QP_CARRIER_H */
