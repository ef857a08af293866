/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_delivery.h
 * @brief From the end of a message to the reply: hooks, Received, queue.
 */
#ifndef QP_DELIVERY_H
#define QP_DELIVERY_H

#include "smtp/qp_message.h"
#include "smtp/qp_verdict.h"

/** The message of the session is complete: refuses it, or asks the hooks from
 *  data_post_headers to queue, and replies. */
void qp_delivery_start(qp_session *qp);

/** Refuses the message for a limit or the file system, and ends the
 *  transaction. */
void qp_delivery_refuse(qp_session *qp, const qp_refusal *refusal);

/**
 * Takes the verdict of data_headers_end. One that does not disconnect is kept
 * for the end of the message, or of its chunk.
 * @return whether to read on; else it has replied, and the session closes
 */
int qp_delivery_keep_verdict(qp_session *qp, qp_rc rc);

/** Replies with a verdict that was kept. @return whether there was one */
int qp_delivery_tell_verdict(qp_session *qp);

#endif /* QP_DELIVERY_H */
