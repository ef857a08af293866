/* SPDX-License-Identifier: Apache-2.0 */
/* MAIL (RFC 5321 4.1.1.2): opens a transaction and gives it its sender.
 *
 *   mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF */

#include <strings.h>

#include <apr_strings.h>

#include "smtp/qp_limit.h"
#include "smtp/qp_params.h"
#include "smtp/qp_verb.h"

static void accept_sender(qp_session *qp, const qp_envelope *envelope)
{
    qp_txn *txn = qp->txn;

    qp_txn_set_sender(txn, envelope->addr);
    qp_session_goto(qp, QP_STATE_MAIL, "MAIL accepted");
    qp_session_reply(qp, 250, "2.1.0", "Sender %s ok",
                     qp_envelope_text(qp, envelope->addr));
}

static void respond_mail(qp_session *qp, qp_rc rc)
{
    switch (qp_verdict_apply(qp, QP_HOOK_mail, rc)) {
    case QP_NEXT_GO:
        accept_sender(qp, qp->verb_state);
        break;
    case QP_NEXT_DONE:
        /* The plugin may have set the sender itself (hooks.md 4.3). */
        if (qp->txn->sender == NULL) {
            qp_verdict_end_txn(qp, "MAIL done by a plugin");
        }
        else {
            qp_session_goto(qp, QP_STATE_MAIL, "MAIL done by a plugin");
        }
        break;
    case QP_NEXT_STAY:
    case QP_NEXT_CLOSE:
        break;
    }
}

static void judge_sender(qp_session *qp, const qp_envelope *envelope)
{
    qp_envelope *state = qp->verb_state;
    qp_txn *txn = qp->txn;
    const char *body;

    txn->mail_params = apr_table_clone(txn->pool, envelope->params);
    txn->is_smtputf8 = envelope->is_utf8;
    body = apr_table_get(envelope->params, "body");
    txn->is_binary = body != NULL && strcasecmp(body, "BINARYMIME") == 0;
    state->arg.mail.sender = envelope->addr;
    state->arg.mail.params = envelope->params;
    qp_start_mail(qp, &state->arg.mail, respond_mail);
}

static const qp_envelope_kind mail_kind = {
    "mail",           "FROM:", QP_HOOK_mail_parse,
    QP_HOOK_mail_pre, "5.1.7", qp_params_check_mail,
    judge_sender,
};

void qp_verb_mail(qp_session *qp, const qp_verb *verb QP_UNUSED,
                  const char *rest)
{
    qp_settings_renew(qp);
    if (!qp_limit_mail(qp)) {
        return;
    }
    qp_session_begin_txn(qp);
    qp_envelope_start(qp, &mail_kind, rest);
}
