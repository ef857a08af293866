/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_received.h
 * @brief Received and Authentication-Results of a message (RFC 5321 4.4, RFC
 *        8601, D20).
 */
#ifndef QP_RECEIVED_H
#define QP_RECEIVED_H

#include "plugin/qp_server.h"

/** Puts Received on top of the header of the open transaction, and above it
 *  Authentication-Results if there are any. Asks the received_line hook. */
void qp_received_add(qp_session *qp);

#endif /* QP_RECEIVED_H */
