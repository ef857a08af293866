/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_limit.h
 * @brief The limits of what a client may do, and what it is told at one.
 */
#ifndef QP_LIMIT_H
#define QP_LIMIT_H

#include "plugin/qp_settings.h"

/** Before anybody is asked about a new connection. @return 1: go on; 0: it has
 *  been told 421, and the session ends as refused */
int qp_limit_connection(qp_session *qp);

/** Before the greeting, which a client has to wait for (RFC 5321 4.3.1).
 *  @return as above */
int qp_limit_early(qp_session *qp);

/** Behind a command whose reply a client has to wait for (RFC 2920 3.1).
 *  @return as above */
int qp_limit_pipelining(qp_session *qp, const char *verb);

/** What the first octet of a session says about its client. @return as above */
int qp_limit_binary(qp_session *qp);

/** One more command. @return as above */
int qp_limit_command(qp_session *qp);

/** One more message. @return 1: go on; 0: it has been told why not */
int qp_limit_mail(qp_session *qp);

/** Call when a session is about to wait for its client. @return whether what
 *  the client has begun takes it too long; that has been logged */
int qp_limit_is_late(qp_session *qp);

#endif /* QP_LIMIT_H */
