/* SPDX-License-Identifier: Apache-2.0 */
/* Greets a client whom the plugins let in. It keeps nothing. */

#include "smtp/qp_greeting.h"

#include <string.h>

#include "smtp/qp_limit.h"

static void greet(qp_session *qp)
{
    const char *text = qp->settings->smtpgreeting;
    const char *protocol = qp->is_lmtp ? "LMTP" : "ESMTP";

    if (text == NULL) {
        qp_session_reply(qp, 220, NULL, "%s %s mod_qpsmtpd", qp->settings->me,
                         protocol);
    }
    else {
        qp_session_reply(qp, 220, NULL, "%s%s%s", text,
                         strstr(text, protocol) != NULL ? "" : " ",
                         strstr(text, protocol) != NULL ? "" : protocol);
    }
}

static void respond_connect(qp_session *qp, qp_rc rc)
{
    if (qp_verdict_apply(qp, QP_HOOK_connect, rc) == QP_NEXT_GO
        && qp_limit_early(qp)) {
        greet(qp);
    }
}

void qp_greeting_start(qp_session *qp)
{
    qp_connect_arg *arg = apr_palloc(qp_session_pcmd(qp), sizeof(*arg));

    arg->remote_ip = qp_conn_remote_ip(qp->conn);
    qp_start_connect(qp, arg, respond_connect);
}
