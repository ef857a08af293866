/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_params.h
 * @brief The parameters of MAIL and RCPT: which are known, and their values.
 */
#ifndef QP_PARAMS_H
#define QP_PARAMS_H

#include "smtp/qp_envelope.h"

/**
 * Checks the parameters of a command: each is of an extension that the client
 * was offered, and well formed (R58 to R60).
 * @return whether they are; else it has replied
 */
int qp_params_check_mail(qp_session *qp, const qp_envelope *envelope);
int qp_params_check_rcpt(qp_session *qp, const qp_envelope *envelope);

#endif /* QP_PARAMS_H */
