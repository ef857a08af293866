/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict table (hooks.md 11 with D2) and how a row is carried out. Const
 * data and the session's; which plugins are asked is decided elsewhere. */

#include "smtp/qp_verdict.h"

#include <string.h>

#include <apr_strings.h>

typedef enum effect {
    STAY,
    RESET,   /* the transaction ends, before the reply (D13) */
    CLOSE,   /* the session ends, after it */
    MISTAKE, /* the client's: it is counted */
    REFUSED, /* a recipient: the same */
} effect;

typedef struct row {
    int code; /* 0: the verb goes on */
    const char *dsn;
    const char *text;
    effect effect;
} row;

/* Columns of the table. */
enum { OK, DENY, SOFT, DENY_DIS, SOFT_DIS, DECLINED, DONE, NCOLUMNS };

#define LATER  "Try again later"
#define POLICY "Refused by policy"

/* A row that is missing lets the verb go on. For DONE, it is what is said in
 * place of a plugin that forgot to reply (D1). */
static const row rows[QP_HOOK_COUNT][NCOLUMNS] = {
    [QP_HOOK_pre_connection] = {
        [DENY] = { 550, "5.7.1", "No service for you", CLOSE },
        [SOFT] = { 451, "4.7.1", LATER, CLOSE },
        [DENY_DIS] = { 550, "5.7.1", "No service for you", CLOSE },
        [SOFT_DIS] = { 451, "4.7.1", LATER, CLOSE },
    },
    [QP_HOOK_connect] = {
        [DENY] = { 550, "5.7.1", "No service for you", CLOSE },
        [SOFT] = { 450, "4.7.1", LATER, CLOSE },
        [DENY_DIS] = { 550, "5.7.1", "No service for you", CLOSE },
        [SOFT_DIS] = { 450, "4.7.1", LATER, CLOSE },
    },
    [QP_HOOK_helo] = {
        [DENY] = { 550, "5.7.1", POLICY, STAY },
        [SOFT] = { 450, "4.7.1", LATER, STAY },
        [DENY_DIS] = { 550, "5.7.1", POLICY, CLOSE },
        [SOFT_DIS] = { 450, "4.7.1", LATER, CLOSE },
    },
    [QP_HOOK_ehlo] = {
        [DENY] = { 550, "5.7.1", POLICY, STAY },
        [SOFT] = { 450, "4.7.1", LATER, STAY },
        [DENY_DIS] = { 550, "5.7.1", POLICY, CLOSE },
        [SOFT_DIS] = { 450, "4.7.1", LATER, CLOSE },
    },
    [QP_HOOK_mail_pre] = {
        [DENY] = { 501, "5.1.7", "Bad sender address", RESET },
        [SOFT] = { 451, "4.1.7", LATER, RESET },
        [DENY_DIS] = { 501, "5.1.7", "Bad sender address", CLOSE },
        [SOFT_DIS] = { 451, "4.1.7", LATER, CLOSE },
    },
    [QP_HOOK_mail] = {
        [DENY] = { 550, "5.7.1", "Sender refused", RESET },
        [SOFT] = { 450, "4.7.1", "Sender refused for now", RESET },
        [DENY_DIS] = { 550, "5.7.1", "Sender refused", CLOSE },
        [SOFT_DIS] = { 421, "4.7.1", "Sender refused for now", CLOSE },
    },
    [QP_HOOK_rcpt_pre] = {
        [DENY] = { 501, "5.1.3", "Bad recipient address", STAY },
        [SOFT] = { 451, "4.1.3", LATER, STAY },
        [DENY_DIS] = { 501, "5.1.3", "Bad recipient address", CLOSE },
        [SOFT_DIS] = { 451, "4.1.3", LATER, CLOSE },
    },
    [QP_HOOK_rcpt] = {
        [DENY] = { 550, "5.7.1", "Relaying denied", REFUSED },
        [SOFT] = { 450, "4.7.1", "Recipient refused for now", STAY },
        [DENY_DIS] = { 550, "5.7.1", "Recipient refused", CLOSE },
        [SOFT_DIS] = { 421, "4.7.1", "Recipient refused for now", CLOSE },
        [DECLINED] = { 450, "4.7.1", "Nobody here decides about this "
                                     "recipient", STAY },
    },
    [QP_HOOK_data] = {
        [DENY] = { 554, "5.7.1", "Message refused", RESET },
        [SOFT] = { 451, "4.7.1", "Message refused for now", RESET },
        [DENY_DIS] = { 554, "5.7.1", "Message refused", CLOSE },
        [SOFT_DIS] = { 421, "4.7.1", "Message refused for now", CLOSE },
    },
    [QP_HOOK_data_headers_end] = {
        [DENY] = { 554, "5.7.1", "Message refused", RESET },
        [SOFT] = { 451, "4.7.1", "Message refused for now", RESET },
        [DENY_DIS] = { 554, "5.7.1", "Message refused", CLOSE },
        [SOFT_DIS] = { 421, "4.7.1", "Message refused for now", CLOSE },
    },
    [QP_HOOK_data_post_headers] = {
        [DENY] = { 552, "5.7.1", "Message refused", RESET },
        [SOFT] = { 452, "4.7.1", "Message refused for now", RESET },
        [DENY_DIS] = { 552, "5.7.1", "Message refused", CLOSE },
        [SOFT_DIS] = { 452, "4.7.1", "Message refused for now", CLOSE },
    },
    [QP_HOOK_data_post] = {
        [DENY] = { 552, "5.7.1", "Message refused", RESET },
        [SOFT] = { 452, "4.7.1", "Message refused for now", RESET },
        [DENY_DIS] = { 552, "5.7.1", "Message refused", CLOSE },
        [SOFT_DIS] = { 452, "4.7.1", "Message refused for now", CLOSE },
    },
    [QP_HOOK_queue_pre] = {
        [DENY] = { 552, "5.7.1", "Message refused", RESET },
        [SOFT] = { 452, "4.7.1", "Message refused for now", RESET },
        [DENY_DIS] = { 552, "5.7.1", "Message refused", CLOSE },
        [SOFT_DIS] = { 452, "4.7.1", "Message refused for now", CLOSE },
    },
    [QP_HOOK_queue] = {
        [OK] = { 250, "2.0.0", "Queued", RESET },
        [DENY] = { 552, "5.7.1", "Message refused", RESET },
        [SOFT] = { 452, "4.3.0", "Message cannot be queued now", RESET },
        [DENY_DIS] = { 552, "5.7.1", "Message refused", CLOSE },
        [SOFT_DIS] = { 421, "4.3.0", "Message cannot be queued now", CLOSE },
        [DECLINED] = { 451, "4.3.0", "Nobody here queues messages", RESET },
    },
    [QP_HOOK_vrfy] = {
        [OK] = { 250, "2.1.5", "User is here", STAY },
        [DENY] = { 554, "5.7.1", "Refused", STAY },
        [DECLINED] = { 252, "2.5.2", "Not verified; send mail and see", STAY },
    },
    [QP_HOOK_noop] = {
        [DENY] = { 500, "5.5.1", "Refused", STAY },
        [DENY_DIS] = { 500, "5.5.1", "Refused", CLOSE },
        [DECLINED] = { 250, "2.0.0", "Nothing done", STAY },
    },
    [QP_HOOK_help] = {
        [DENY] = { 500, "5.5.1", "No help for that", STAY },
    },
    [QP_HOOK_quit] = {
        [OK] = { 221, "2.0.0", "Bye", CLOSE },
        [DENY] = { 221, "2.0.0", "Bye", CLOSE },
        [SOFT] = { 221, "2.0.0", "Bye", CLOSE },
        [DENY_DIS] = { 221, "2.0.0", "Bye", CLOSE },
        [SOFT_DIS] = { 221, "2.0.0", "Bye", CLOSE },
        [DECLINED] = { 221, "2.0.0", "Bye", CLOSE },
        [DONE] = { 221, "2.0.0", "Bye", CLOSE },
    },
    [QP_HOOK_unrecognized_command] = {
        [DENY] = { 500, "5.5.1", "Command refused", MISTAKE },
        [DENY_DIS] = { 521, "5.5.1", "Command refused, closing connection",
                       CLOSE },
        [DECLINED] = { 500, "5.5.1", "Unknown command", MISTAKE },
    },
};

static const row *find_row(qp_hook_id hook, qp_rc rc)
{
    switch (rc) {
    case QP_OK:
        return &rows[hook][OK];
    case QP_DENY:
        return &rows[hook][DENY];
    case QP_DENYSOFT:
        return &rows[hook][SOFT];
    case QP_DENY_DISCONNECT:
        return &rows[hook][DENY_DIS];
    case QP_DENYSOFT_DISCONNECT:
        return &rows[hook][SOFT_DIS];
    case QP_DONE:
        return &rows[hook][DONE];
    case QP_DECLINED:
    case QP_YIELD:
        break;
    }
    return &rows[hook][DECLINED];
}

int qp_verdict_code(qp_hook_id hook, qp_rc rc)
{
    return find_row(hook, rc)->code;
}

/* A text may bring its own enhanced status: "4.2.2 Mailbox is full". */
static int has_status(const char *text)
{
    return strchr("245", text[0]) != NULL && text[0] != '\0' && text[1] == '.'
           && text[strcspn(text, " ")] == ' ';
}

void qp_verdict_tell(qp_hook_id hook, qp_rc rc, const char *text, qp_each *each)
{
    const row *found = find_row(hook, rc);

    each->code = found->code;
    each->text = text != NULL ? text : found->text;
    each->dsn = text != NULL && has_status(text) ? NULL : found->dsn;
}

void qp_verdict_end_txn(qp_session *qp, const char *why)
{
    qp_answer kept = qp->answer;

    if (qp->txn == NULL) {
        return;
    }
    qp_call_reset_transaction(qp->hooks, qp, NULL);
    qp->answer = kept;
    qp_session_drop_txn(qp);
    qp_session_goto(qp, QP_STATE_READY, why);
}

/* The plugin says that it has replied; see that it has (D1). */
static qp_next check_done(qp_session *qp, qp_hook_id hook, const row *found)
{
    if (!qp->replied) {
        qp_session_log(qp, QP_LOG_WARN, "QP1401",
                       "%s: answered DONE in the hook %s without a reply",
                       qp_plugin_name(qp->answered), qp_hook_name(hook));
        qp_session_reply(qp, found->code != 0 ? found->code : 451,
                         found->code != 0 ? found->dsn : "4.3.0", "%s",
                         found->code != 0 ? found->text : LATER);
    }
    return found->effect == CLOSE ? QP_NEXT_CLOSE : QP_NEXT_DONE;
}

/* The status of the answer, else that of the row. */
static const char *choose_status(qp_session *qp, const row *found)
{
    if (qp->answer.subject == 0 && qp->answer.detail == 0) {
        return found->dsn;
    }
    return apr_psprintf(qp_session_pcmd(qp), "%d.%d.%d", found->code / 100,
                        qp->answer.subject, qp->answer.detail);
}

static void send_verdict(qp_session *qp, const row *found)
{
    const char *text = qp->answer.text != NULL ? qp->answer.text : found->text;
    const char *dsn = choose_status(qp, found);

    if (found->effect == MISTAKE) {
        qp_session_error(qp, found->code, dsn, "%s", text);
    }
    else if (found->effect == REFUSED) {
        qp_session_refuse(qp, found->code, dsn, text);
    }
    else {
        qp_session_reply(qp, found->code, dsn, "%s", text);
    }
}

qp_next qp_verdict_apply(qp_session *qp, qp_hook_id hook, qp_rc rc)
{
    const row *found = find_row(hook, rc);

    if (rc == QP_DONE) {
        return check_done(qp, hook, found);
    }
    if (found->code == 0) {
        return QP_NEXT_GO;
    }
    if (found->effect == RESET) {
        qp_verdict_end_txn(qp, qp_hook_rc_name(rc));
    }
    send_verdict(qp, found);
    if (found->effect != CLOSE) {
        return QP_NEXT_STAY;
    }
    qp_session_close(qp, hook == QP_HOOK_pre_connection ? QP_END_REFUSED
                                                        : QP_END_DENIED);
    return QP_NEXT_CLOSE;
}
