/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_engine.h
 * @brief Advances a session as far as its input goes. Never blocks.
 *
 * The caller creates a session, runs it, does what the answer says, and runs
 * it again, on any thread, until the answer is QP_WANT_CLOSE.
 */
#ifndef QP_ENGINE_H
#define QP_ENGINE_H

#include "plugin/qp_server.h"

/** What a session waits for. */
typedef enum qp_want {
    QP_WANT_INPUT,  /**< the client: until it sends something */
    QP_WANT_OUTPUT, /**< the client: until it reads what is unsent */
    QP_WANT_WAKE,   /**< its waker alone: there is input that must wait */
    QP_WANT_WAKE_OR_INPUT, /**< its waker, or the client, which may leave */
    QP_WANT_TLS,  /**< a handshake; then qp_engine_secured(), or QP_END_TLS */
    QP_WANT_CLOSE /**< it has ended, with its hooks: close the connection */
} qp_want;

/**
 * Begins a session. Nothing is said before qp_engine_run().
 * @param carrier  must outlive the session
 * @param pconn    pool of the connection; when it goes and the session has not
 *                 ended, it ends as QP_END_LOST
 */
qp_session *qp_engine_begin(qp_server *server, const qp_carrier *carrier,
                            const qp_peers *peers, apr_pool_t *pconn);

qp_want qp_engine_run(qp_session *qp);

/** The handshake has succeeded. What was said before is forgotten (RFC 3207
 *  4.2). @param tls  must live as long as the connection */
void qp_engine_secured(qp_session *qp, const qp_tls *tls);

/**
 * Ends a session from outside: time is up, the server stops, the connection
 * is gone. Says 421 where somebody may hear it, and runs the hooks of the end
 * once (D8). Output may be left unsent.
 */
void qp_engine_end(qp_session *qp, qp_end why);

/** Whether the session waits for a command and has no transaction open: the
 *  moment to end it when the server stops. */
int qp_engine_is_idle(const qp_session *qp);

#endif /* QP_ENGINE_H */
