/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_verdict.h
 * @brief What an answer of a hook means to the client: code, text, what next.
 */
#ifndef QP_VERDICT_H
#define QP_VERDICT_H

#include "plugin/qp_server.h"

/** What the verb does next. */
typedef enum qp_next {
    QP_NEXT_GO,   /**< nothing was said: the verb does its work and replies */
    QP_NEXT_STAY, /**< the client has its reply, the session goes on */
    QP_NEXT_DONE, /**< the same, and the plugin gave it */
    QP_NEXT_CLOSE /**< the same, and the session ends */
} qp_next;

/**
 * Carries out a verdict: ends the transaction where that is due, replies with
 * the plugin's text or the default one, closes where that is due.
 */
qp_next qp_verdict_apply(qp_session *qp, qp_hook_id hook, qp_rc rc);

/** Ends the open transaction, if any: its hook runs, its memory goes, the
 *  session is READY (D13). The answer of the running hook is kept. */
void qp_verdict_end_txn(qp_session *qp, const char *why);

/** What one recipient is told that has an answer of its own in the hook queue.
 *  @param text  of the plugin, or NULL */
void qp_verdict_tell(qp_hook_id hook, qp_rc rc, const char *text,
                     qp_each *each);

/** The code of a hook and an answer, for tests; 0 if there is none. */
int qp_verdict_code(qp_hook_id hook, qp_rc rc);

#endif /* QP_VERDICT_H */
