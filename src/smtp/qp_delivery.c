/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a complete message (hooks.md 0.4): each step is the
 * responder of the one before, so that every hook may wait. It does not matter
 * here how the message came. */

#include "smtp/qp_delivery.h"

#include <string.h>

#include <apr_strings.h>

#include "smtp/qp_received.h"

static void respond_queue_post(qp_session *qp, qp_rc rc)
{
    if (rc != QP_OK && rc != QP_DECLINED) {
        qp_session_log(qp, QP_LOG_ERROR, "QP1541", "queue_post: %s %s",
                       qp_hook_rc_name(rc),
                       qp->answer.text != NULL ? qp->answer.text : "");
    }
}

/* What the hook is told must outlive the transaction: it is in pcmd. */
static qp_queue_post_arg *gather_facts(qp_session *qp, qp_rc rc)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    qp_queue_post_arg *arg = apr_palloc(pool, sizeof(*arg));
    const qp_txn *txn = qp->txn;
    apr_array_header_t *rcpts =
        apr_array_make(pool, txn->rcpts->nelts, sizeof(const qp_addr *));
    int i;

    for (i = 0; i < txn->rcpts->nelts; i++) {
        APR_ARRAY_PUSH(rcpts, const qp_addr *) =
            qp_addr_dup(APR_ARRAY_IDX(txn->rcpts, i, const qp_addr *), pool);
    }
    arg->id = apr_pstrdup(pool, txn->id);
    arg->sender = qp_addr_dup(txn->sender, pool);
    arg->rcpts = rcpts;
    arg->size = txn->wire_size;
    arg->rc = rc;
    arg->text = qp->answer.text != NULL ? qp->answer.text : "";
    return arg;
}

/* The id stands in the reply to a queued message (D19). */
static void add_id(qp_session *qp)
{
    const char *text = qp->answer.text;

    if (text == NULL) {
        text = "Queued as";
    }
    else if (strstr(text, qp->txn->id) != NULL) {
        return;
    }
    qp->answer.text =
        apr_pstrcat(qp_session_pcmd(qp), text, " ", qp->txn->id, NULL);
}

/* RFC 2033 4.2: those who have an answer of their own. */
static void tell_each(qp_session *qp)
{
    const qp_txn *txn = qp->txn;
    const qp_rcpt *rcpt;
    const char *text;
    int nrefused = 0;
    int i;

    for (i = 0; i < txn->rcpts->nelts; i++) {
        rcpt = qp_txn_rcpt(txn, i);
        if (rcpt->result != 0 && rcpt->nth >= 0 && rcpt->nth < qp->neach) {
            /* The transaction ends before the reply. */
            text = apr_pstrdup(qp_session_pcmd(qp), rcpt->result_text);
            qp_verdict_tell(QP_HOOK_queue, (qp_rc)rcpt->result, text,
                            &qp->each[rcpt->nth]);
            nrefused += rcpt->result != QP_OK;
        }
    }
    if (nrefused > 0) {
        qp_session_log(qp, QP_LOG_INFO, "QP1607",
                       "%d of %d recipients refused behind the message",
                       nrefused, txn->rcpts->nelts);
    }
}

static void respond_queue(qp_session *qp, qp_rc rc)
{
    qp_queue_post_arg *facts = NULL;

    if (qp->hooks->counts[QP_HOOK_queue_post] > 0) {
        facts = gather_facts(qp, rc);
    }
    if (rc == QP_OK) {
        qp->ncommands = 1; /* max_commands counts from the last message */
        add_id(qp);
    }
    qp_session_log(qp, QP_LOG_INFO, "QP1542",
                   "message: %s, from %s, %d recipient(s), %" APR_OFF_T_FMT
                   " octets",
                   qp_hook_rc_name(rc),
                   qp_addr_format(qp->txn->sender, qp_session_pcmd(qp)),
                   qp->txn->rcpts->nelts, qp->txn->wire_size);
    tell_each(qp);
    if (qp_verdict_apply(qp, QP_HOOK_queue, rc) == QP_NEXT_DONE) {
        qp_verdict_end_txn(qp, "queue done by a plugin");
    }
    if (facts != NULL) {
        QP_IGNORE(qp_io_flush(qp->io), "the engine sees to it later");
        qp_start_queue_post(qp, facts, respond_queue_post);
    }
}

/* A step that lets the message go on starts the next one; a plugin that
 * replied itself ends the transaction. */
static int may_go_on(qp_session *qp, qp_hook_id hook, qp_rc rc)
{
    qp_next next = qp_verdict_apply(qp, hook, rc);

    if (next == QP_NEXT_DONE) {
        qp_verdict_end_txn(qp, "message done by a plugin");
    }
    return next == QP_NEXT_GO;
}

static void respond_queue_pre(qp_session *qp, qp_rc rc)
{
    if (may_go_on(qp, QP_HOOK_queue_pre, rc)) {
        qp_start_queue(qp, NULL, respond_queue);
    }
}

static void respond_data_post(qp_session *qp, qp_rc rc)
{
    if (may_go_on(qp, QP_HOOK_data_post, rc)) {
        qp_start_queue_pre(qp, NULL, respond_queue_pre);
    }
}

static void respond_post_headers(qp_session *qp, qp_rc rc)
{
    if (may_go_on(qp, QP_HOOK_data_post_headers, rc)) {
        qp_received_add(qp);
        qp_start_data_post(qp, NULL, respond_data_post);
    }
}

/* The message is refused at its end, by a limit or the file system. */
void qp_delivery_refuse(qp_session *qp, const qp_refusal *refusal)
{
    char reason[128];
    apr_status_t rv = qp_spool_status(qp->txn->spool);

    if (rv != APR_SUCCESS) {
        apr_strerror(rv, reason, sizeof(reason));
        qp_session_log(qp, QP_LOG_ERROR, "QP1543",
                       "message refused, no spool file in %s: %s",
                       qp->settings->spool_dir, reason);
    }
    else {
        qp_session_log(qp, QP_LOG_INFO, "QP1544",
                       "message refused, %s, %" APR_OFF_T_FMT " octets",
                       refusal->limit, qp->txn->wire_size);
    }
    qp_verdict_end_txn(qp, "message refused");
    qp_session_reply(qp, refusal->code, refusal->dsn, "%s", refusal->text);
    if (refusal->closes) {
        qp_session_close(qp, QP_END_DENIED);
    }
}

/* A message that has come this far is in a loop (RFC 5321 6.3, R31). */
#define MAX_HOPS 100

/* Stands for the verdict of data_headers_end. */
static const qp_refusal by_plugin = { 554, "5.7.1", "Message refused",
                                      "data_headers_end", 0 };

static const qp_refusal too_many_hops = {
    554, "5.4.6", "Too many hops, this message is in a loop",
    "over 100 Received fields", 0
};

int qp_delivery_keep_verdict(qp_session *qp, qp_rc rc)
{
    qp_message *message = qp->message;

    if (rc == QP_DECLINED) {
        return 1;
    }
    if (rc != QP_DENY && rc != QP_DENYSOFT) {
        qp->mode = QP_MODE_COMMAND;
        qp_verdict_apply(qp, QP_HOOK_data_headers_end, rc);
        return 0;
    }
    message->verdict = rc;
    message->answer = qp->answer;
    if (qp->answer.text != NULL) {
        message->answer.text = apr_pstrdup(qp->txn->pool, qp->answer.text);
    }
    qp_message_discard(message, &by_plugin);
    return 1;
}

int qp_delivery_tell_verdict(qp_session *qp)
{
    const qp_message *message = qp->message;

    if (message->refusal != &by_plugin) {
        return 0;
    }
    qp->answer = message->answer;
    if (qp->answer.text != NULL) {
        qp->answer.text = apr_pstrdup(qp_session_pcmd(qp), qp->answer.text);
    }
    qp_verdict_apply(qp, QP_HOOK_data_headers_end, message->verdict);
    return 1;
}

void qp_delivery_start(qp_session *qp)
{
    const qp_refusal *refusal = qp->message->refusal;

    if (qp->is_lmtp) {
        qp_session_reply_each(qp, qp->txn->naccepted);
    }
    if (qp_delivery_tell_verdict(qp)) {
        return;
    }
    if (refusal == NULL
        && qp_header_count(qp->txn->header, "Received") > MAX_HOPS) {
        refusal = &too_many_hops;
    }
    if (refusal != NULL) {
        qp_delivery_refuse(qp, refusal);
        return;
    }
    qp_start_data_post_headers(qp, NULL, respond_post_headers);
}
