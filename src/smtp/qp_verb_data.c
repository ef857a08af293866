/* SPDX-License-Identifier: Apache-2.0 */
/* DATA (RFC 5321 4.1.1.4): asks the hooks, receives the message, has it
 * queued. The order of the steps is hooks.md 0.4; each step is the responder
 * of the one before, so that every hook may wait. Between 354 and the final
 * dot the state is the qp_message of the transaction. */

#include "smtp/qp_verb_data.h"

#include <string.h>

#include <apr_strings.h>

#include "smtp/qp_received.h"
#include "smtp/qp_verb.h"
#include "smtp/qp_verdict.h"

static void start_message(qp_session *qp)
{
    qp->message = qp_message_create(qp);
    qp->mode = QP_MODE_DATA;
    qp_session_reply(qp, 354, NULL, "Go ahead, end with a line of one dot");
}

static void respond_data(qp_session *qp, qp_rc rc)
{
    switch (qp_verdict_apply(qp, QP_HOOK_data, rc)) {
    case QP_NEXT_GO:
        start_message(qp);
        break;
    case QP_NEXT_DONE:
        /* The plugin took the message (hooks.md 6.1). */
        qp_verdict_end_txn(qp, "DATA done by a plugin");
        break;
    case QP_NEXT_STAY:
    case QP_NEXT_CLOSE:
        break;
    }
}

void qp_verb_data(qp_session *qp, const qp_verb *verb QP_UNUSED,
                  const char *rest QP_UNUSED)
{
    qp_start_data(qp, NULL, respond_data);
}

/* After the final dot: queue. -------------------------------------------- */

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

static void respond_queue(qp_session *qp, qp_rc rc)
{
    qp_queue_post_arg *facts = NULL;

    if (qp->hooks->counts[QP_HOOK_queue_post] > 0) {
        facts = gather_facts(qp, rc);
    }
    if (rc == QP_OK) {
        add_id(qp);
    }
    qp_session_log(qp, QP_LOG_INFO, "QP1542",
                   "message: %s, from %s, %d recipient(s), %" APR_OFF_T_FMT
                   " octets",
                   qp_hook_rc_name(rc),
                   qp_addr_format(qp->txn->sender, qp_session_pcmd(qp)),
                   qp->txn->rcpts->nelts, qp->txn->wire_size);
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
static void refuse_message(qp_session *qp, const qp_refusal *refusal)
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

/* The final dot has come. */
static void end_message(qp_session *qp)
{
    qp_message *message = qp->message;
    qp_rc verdict = message->verdict;

    if (message->refusal != NULL && message->refusal != &by_plugin) {
        refuse_message(qp, message->refusal);
        return;
    }
    if (verdict != QP_DECLINED) {
        qp->answer = message->answer;
        if (qp->answer.text != NULL) {
            qp->answer.text = apr_pstrdup(qp_session_pcmd(qp), qp->answer.text);
        }
        qp_verdict_apply(qp, QP_HOOK_data_headers_end, verdict);
        return;
    }
    if (qp_header_count(qp->txn->header, "Received") > MAX_HOPS) {
        refuse_message(qp, &too_many_hops);
        return;
    }
    qp_start_data_post_headers(qp, NULL, respond_post_headers);
}

/* While it is received. -------------------------------------------------- */

static void finish_input(qp_session *qp)
{
    if (!qp_message_is_complete(qp->message)) {
        qp->mode = QP_MODE_DATA; /* the body still comes */
        return;
    }
    qp->mode = QP_MODE_COMMAND;
    qp->in_command = 1;
    end_message(qp);
}

/* A refusal that does not disconnect is kept for the end of the message. */
static void respond_headers_end(qp_session *qp, qp_rc rc)
{
    qp_message *message = qp->message;

    if (rc == QP_DENY || rc == QP_DENYSOFT) {
        message->verdict = rc;
        message->answer = qp->answer;
        if (qp->answer.text != NULL) {
            message->answer.text = apr_pstrdup(qp->txn->pool, qp->answer.text);
        }
        qp_message_discard(message, &by_plugin);
    }
    else if (rc != QP_DECLINED) {
        qp->mode = QP_MODE_COMMAND;
        qp_verdict_apply(qp, QP_HOOK_data_headers_end, rc);
        return;
    }
    finish_input(qp);
}

apr_status_t qp_verb_data_read(qp_session *qp)
{
    qp_message *message = qp->message;
    int had_header = message->has_header;
    const char *data = NULL;
    apr_size_t len = 0;
    apr_status_t rv = qp_io_peek(qp->io, &data, &len);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    qp_io_skip(qp->io, qp_message_feed(message, data, len));
    if (qp_message_is_complete(message)) {
        qp_message_finish(message);
    }
    if (message->has_header && !had_header && message->refusal == NULL) {
        qp_start_data_headers_end(qp, NULL, respond_headers_end);
    }
    else if (qp_message_is_complete(message)) {
        finish_input(qp);
    }
    return APR_SUCCESS;
}
