/* SPDX-License-Identifier: Apache-2.0 */
/* RCPT (RFC 5321 4.1.1.3): adds a recipient to the transaction.
 *
 *   rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" /
 *          Forward-path ) [SP Rcpt-parameters] CRLF */

#include "smtp/qp_params.h"
#include "smtp/qp_verb.h"

static int check_rcpt(qp_session *qp, const qp_envelope *envelope)
{
    if (qp_addr_is_null(envelope->addr)) {
        return qp_envelope_refuse(qp, 501, "5.1.3",
                                  "A recipient cannot be null");
    }
    return qp_params_check_rcpt(qp, envelope);
}

/* The last recipient has a reply that says so. */
static void count_rcpt(qp_txn *txn)
{
    qp_txn_rcpt(txn, txn->rcpts->nelts - 1)->nth = txn->naccepted++;
}

static void accept_rcpt(qp_session *qp, const qp_envelope *envelope)
{
    qp_txn *txn = qp->txn;

    qp_txn_add_rcpt(txn, envelope->addr);
    count_rcpt(txn);
    qp_txn_rcpt(txn, txn->rcpts->nelts - 1)->params =
        apr_table_clone(txn->pool, envelope->params);
    qp->nrefused -= qp->nrefused > 0;
    qp_session_goto(qp, QP_STATE_RCPT, "RCPT accepted");
    qp_session_reply(qp, 250, "2.1.5", "Recipient %s ok",
                     qp_envelope_text(qp, envelope->addr));
}

static void respond_rcpt(qp_session *qp, qp_rc rc)
{
    switch (qp_verdict_apply(qp, QP_HOOK_rcpt, rc)) {
    case QP_NEXT_GO:
        accept_rcpt(qp, qp->verb_state);
        break;
    case QP_NEXT_DONE:
        /* The plugin may have added it itself (hooks.md 5.2). */
        if (qp->txn->rcpts->nelts > 0) {
            qp_session_goto(qp, QP_STATE_RCPT, "RCPT done by a plugin");
        }
        break;
    case QP_NEXT_STAY:
    case QP_NEXT_CLOSE:
        break;
    }
}

static void judge_rcpt(qp_session *qp, const qp_envelope *envelope)
{
    qp_envelope *state = qp->verb_state;

    state->arg.rcpt.rcpt = envelope->addr;
    state->arg.rcpt.params = envelope->params;
    qp_start_rcpt(qp, &state->arg.rcpt, respond_rcpt);
}

static const qp_envelope_kind rcpt_kind = {
    "rcpt",  "TO:",      QP_HOOK_rcpt_parse, QP_HOOK_rcpt_pre,
    "5.1.3", check_rcpt, judge_rcpt,
};

void qp_verb_rcpt(qp_session *qp, const qp_verb *verb QP_UNUSED,
                  const char *rest)
{
    int limit = qp->settings->max_recipients;

    if (qp->txn->rcpts->nelts >= limit) {
        qp_session_log(qp, qp->is_limited ? QP_LOG_DEBUG : QP_LOG_INFO,
                       "QP1521", "recipient refused, over max_recipients (%d)",
                       limit);
        qp->is_limited = 1; /* the log gets one line for each message */
        qp_session_reply(qp, 452, "4.5.3", "Too many recipients");
        return;
    }
    qp_envelope_start(qp, &rcpt_kind, rest);
}
