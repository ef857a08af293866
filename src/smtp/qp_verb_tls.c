/* SPDX-License-Identifier: Apache-2.0 */
/* STARTTLS (RFC 3207): promises a handshake, which the carrier then does. What
 * is forgotten behind it is in qp_engine_secured(). */

#include "smtp/qp_verb.h"

int qp_verb_offers_tls(const qp_session *qp)
{
    return qp->conn->tls == NULL
           && (qp->carrier->tls_mode == QP_TLS_STARTTLS
               || qp->carrier->tls_mode == QP_TLS_REQUIRED);
}

/* Octets in clear behind the command are nobody's: taken for a command they
 * would be run under TLS, with the trust that it brings (R72). */
static int is_followed(qp_session *qp)
{
    const char *data;
    apr_size_t len;

    return qp_io_peek(qp->io, &data, &len) == APR_SUCCESS;
}

void qp_verb_starttls(qp_session *qp, const qp_verb *verb, const char *rest)
{
    if (qp->conn->tls != NULL) {
        qp_session_error(qp, 503, "5.5.1", "TLS is on already");
        return;
    }
    if (!qp_verb_offers_tls(qp)) {
        qp_verb_unrecognized(qp, verb->name, rest);
        return;
    }
    if (rest[0] != '\0') {
        qp_session_error(qp, 501, "5.5.4", "STARTTLS takes no argument");
        return;
    }
    if (is_followed(qp)) {
        qp_session_log(qp, QP_LOG_INFO, "QP1605",
                       "refused: input behind STARTTLS, before its reply");
        qp_session_reply(qp, 554, "5.5.1", "Nothing may follow STARTTLS");
        qp_session_close(qp, QP_END_DENIED);
        return;
    }
    qp_session_reply(qp, 220, "2.0.0", "Go ahead");
    qp->mode = QP_MODE_TLS;
}
