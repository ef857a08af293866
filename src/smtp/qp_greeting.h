/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_greeting.h
 * @brief The greeting: hook connect, and 220 (RFC 5321 3.1).
 */
#ifndef QP_GREETING_H
#define QP_GREETING_H

#include "smtp/qp_verdict.h"

/** Asks the hook connect about the client, and greets it: at the start of the
 *  session, and when XCLIENT brings another client. */
void qp_greeting_start(qp_session *qp);

#endif /* QP_GREETING_H */
