/* SPDX-License-Identifier: Apache-2.0 */
/* MAIL (RFC 5321 4.1.1.2): opens a transaction and gives it its sender.
 *
 *   mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
 *
 * Parameters: SIZE (RFC 1870) and BODY (RFC 6152). */

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "smtp/qp_envelope.h"
#include "smtp/qp_verb.h"

/* More digits than a 64-bit number has are too big, not wrapped (R59). */
static int check_size(qp_session *qp, const char *value)
{
    size_t zeros = strspn(value, "0");
    size_t digits = strspn(value + zeros, "0123456789");
    apr_off_t limit = qp->settings->databytes;
    apr_int64_t size = APR_INT64_MAX;

    if (zeros + digits == 0 || value[zeros + digits] != '\0') {
        return qp_envelope_refuse(qp, 501, "5.5.4", "SIZE is not a number");
    }
    if (digits < 19) {
        size = apr_atoi64(value);
    }
    if (digits > 19 || (limit > 0 && size > limit)) {
        qp_session_log(qp, QP_LOG_INFO, "QP1511",
                       "SIZE=%s is over databytes (%" APR_OFF_T_FMT ")", value,
                       limit);
        qp_verdict_end_txn(qp, "MAIL refused");
        qp_session_reply(qp, 552, "5.3.4", "Message too big");
        return 0;
    }
    return 1;
}

static int check_params(qp_session *qp, const qp_envelope *envelope)
{
    const apr_array_header_t *params = apr_table_elts(envelope->params);
    const apr_table_entry_t *entries = (const void *)params->elts;
    int i;

    for (i = 0; i < params->nelts; i++) {
        if (strcmp(entries[i].key, "size") == 0) {
            if (!check_size(qp, entries[i].val)) {
                return 0;
            }
        }
        else if (strcmp(entries[i].key, "body") != 0) {
            return qp_envelope_refuse(qp, 555, "5.5.4",
                                      "Unknown parameter of MAIL");
        }
        else if (strcasecmp(entries[i].val, "7BIT") != 0
                 && strcasecmp(entries[i].val, "8BITMIME") != 0) {
            return qp_envelope_refuse(qp, 501, "5.5.4",
                                      "BODY is 7BIT or 8BITMIME");
        }
    }
    return 1;
}

static void accept_sender(qp_session *qp, const qp_envelope *envelope)
{
    qp_txn *txn = qp->txn;

    qp_txn_set_sender(txn, envelope->addr);
    txn->mail_params = apr_table_clone(txn->pool, envelope->params);
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

    state->arg.mail.sender = envelope->addr;
    state->arg.mail.params = envelope->params;
    qp_start_mail(qp, &state->arg.mail, respond_mail);
}

static const qp_envelope_kind mail_kind = {
    "mail",  "FROM:",      QP_HOOK_mail_parse, QP_HOOK_mail_pre,
    "5.1.7", check_params, judge_sender,
};

void qp_verb_mail(qp_session *qp, const qp_verb *verb QP_UNUSED,
                  const char *rest)
{
    qp_settings_renew(qp);
    qp_session_begin_txn(qp);
    qp_envelope_start(qp, &mail_kind, rest);
}
