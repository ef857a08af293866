/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_mech.h
 * @brief The mechanisms of AUTH: one table, and who may use which.
 */
#ifndef QP_MECH_H
#define QP_MECH_H

#include "smtp/qp_auth.h"

/** Why a client cannot use a mechanism now. */
typedef enum qp_mech_use {
    QP_MECH_USABLE,
    QP_MECH_UNKNOWN,   /**< no plugin, or not what the connection has */
    QP_MECH_FORBIDDEN, /**< config auth_mechanisms does not have it */
    QP_MECH_NEEDS_TLS
} qp_mech_use;

/** @return the mechanism (any case), or NULL */
const qp_mech *qp_mech_find(const char *name);

qp_mech_use qp_mech_check(qp_session *qp, const qp_mech *mech);

/** Whether some plugin serves any mechanism: else there is no AUTH. */
int qp_mech_is_served(const qp_session *qp);

/** Whether TLS must come before any AUTH, and has not. */
int qp_mech_wants_tls(const qp_session *qp);

/** The line of EHLO, "AUTH ...", or NULL: nothing to offer. */
const char *qp_mech_offer(qp_session *qp, apr_pool_t *pool);

/* Where the longer ones begin. */
qp_auth_step qp_mech_scram_start, qp_mech_token_start, qp_mech_token_external;

#endif /* QP_MECH_H */
