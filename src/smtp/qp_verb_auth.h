/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_verb_auth.h
 * @brief AUTH: what the engine calls for the client's answers.
 */
#ifndef QP_VERB_AUTH_H
#define QP_VERB_AUTH_H

#include "session/qp_session.h"

/** Reads an answer of the client, in QP_MODE_AUTH, and goes on with it.
 *  @return as qp_line_read() */
apr_status_t qp_verb_auth_read(qp_session *qp) QP_CHECKED;

#endif /* QP_VERB_AUTH_H */
