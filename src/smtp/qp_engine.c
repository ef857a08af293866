/* SPDX-License-Identifier: Apache-2.0 */
/* The engine: greets, reads commands and messages, flushes, waits, ends. Its
 * state is the session; between two calls nothing of it is on a stack. It does
 * not know what carries the octets. */

#include "smtp/qp_engine.h"

#include "smtp/qp_auth.h"
#include "smtp/qp_greeting.h"
#include "smtp/qp_limit.h"
#include "smtp/qp_verb.h"
#include "smtp/qp_verb_auth.h"
#include "smtp/qp_verb_bdat.h"
#include "smtp/qp_verb_data.h"
#include "smtp/qp_verdict.h"

/* From here on output is sent although more input is waiting, so that what a
 * client does not read stays bounded (R90). */
#define OUTPUT_MAX 16384

/* With the whole process nothing is left that hooks could run on. */
static apr_status_t end_lost(void *data)
{
    qp_session *qp = data;

    if (qp->carrier->is_gone != NULL
        && qp->carrier->is_gone(qp->carrier->waker_ctx)) {
        qp->ended = 1;
    }
    qp_engine_end(qp, QP_END_LOST);
    return APR_SUCCESS;
}

qp_session *qp_engine_begin(qp_server *server, const qp_carrier *carrier,
                            const qp_peers *peers, apr_pool_t *pconn)
{
    qp_session *qp = qp_session_create(carrier, peers, pconn);

    qp->config = server->config;
    qp->settings_cache = server->settings;
    qp->hooks = &server->hooks;
    qp->secret = server->secret;
    if (server->hooks.counts[QP_HOOK_logging] > 0) {
        qp_logging_install(apr_pcalloc(pconn, sizeof(qp_logging)),
                           &server->hooks, qp, &qp->logger);
    }
    if (carrier->tls_mode == QP_TLS_IMPLICIT) {
        qp->mode = QP_MODE_TLS;
    }
    else {
        qp->in_command = 1; /* the greeting is a reply */
    }
    qp_settings_renew(qp);
    qp->is_lmtp = qp->settings->protocol == QP_PROTOCOL_LMTP;
    qp_session_log(qp, QP_LOG_INFO, "QP1601", "connect to %s:%d",
                   peers->local_ip, peers->local_port);
    apr_pool_pre_cleanup_register(pconn, qp, end_lost);
    return qp;
}

/* Start. ----------------------------------------------------------------- */

static void respond_pre_connection(qp_session *qp, qp_rc rc)
{
    if (qp_verdict_apply(qp, QP_HOOK_pre_connection, rc) == QP_NEXT_GO) {
        qp_greeting_start(qp);
    }
}

static void start_session(qp_session *qp)
{
    const qp_peers *peers = &qp->conn->peers;
    qp_pre_connection_arg *arg;

    qp->mode = QP_MODE_COMMAND;
    if (!qp_limit_connection(qp)) {
        return;
    }
    arg = apr_palloc(qp_session_pcmd(qp), sizeof(*arg));
    arg->remote_ip = peers->remote_ip;
    arg->remote_port = peers->remote_port;
    arg->local_ip = peers->local_ip;
    arg->local_port = peers->local_port;
    arg->max_conn_ip =
        qp_quota_find(qp->settings->conn_quotas, peers->remote_ip,
                      qp->settings->max_conn_ip);
    arg->conns_of_ip = peers->conns_of_ip;
    qp_start_pre_connection(qp, arg, respond_pre_connection);
}

/* TLS. ------------------------------------------------------------------- */

/* Whoever has spoken in clear may have been somebody else. */
static void forget_all(qp_session *qp)
{
    qp_auth_forget(qp);
    qp_verdict_end_txn(qp, "STARTTLS");
    qp_session_drop_pcmd(qp);
    qp_line_clear(&qp->line);
    qp_conn_set_hello(qp->conn, QP_HELLO_NONE, "");
    qp->offers = 0;
    qp_session_goto(qp, QP_STATE_GREETED, "STARTTLS");
}

void qp_engine_secured(qp_session *qp, const qp_tls *tls)
{
    qp->conn->tls = tls;
    qp_session_log(qp, QP_LOG_INFO, "QP1604", "TLS: %s %s, for %s%s%s",
                   tls->protocol, tls->cipher,
                   tls->server_name != NULL ? tls->server_name : "no name",
                   tls->client_subject != NULL ? ", client " : "",
                   tls->client_subject != NULL ? tls->client_subject : "");
    if (qp->carrier->tls_mode == QP_TLS_IMPLICIT) {
        qp->mode = QP_MODE_START;
        qp->in_command = 1;
        return;
    }
    forget_all(qp);
    qp->mode = QP_MODE_COMMAND;
}

/* Commands. -------------------------------------------------------------- */

/* @return what is wrong with a line, or NULL */
static const char *find_fault(const qp_session *qp, qp_line_kind kind)
{
    switch (kind) {
    case QP_LINE_TOO_LONG:
        return "Line too long";
    case QP_LINE_CONTROLS:
        return "Control characters in a command";
    case QP_LINE_BARE_LF:
        if (qp->settings->bare_newline != QP_BARE_NORMALIZE) {
            return "Lines must end in CR LF";
        }
        break;
    case QP_LINE_GOOD:
        break;
    }
    return NULL;
}

static void run_line(qp_session *qp, char *text, qp_line_kind kind)
{
    const char *fault = find_fault(qp, kind);

    if (fault == NULL) {
        qp_verb_dispatch(qp, text);
    }
    else {
        qp_verb_refuse(qp, text, fault);
    }
}

static apr_status_t read_command(qp_session *qp)
{
    char *text;
    apr_size_t len;
    qp_line_kind kind;
    apr_status_t rv;

    if (!qp_limit_binary(qp)) {
        return APR_SUCCESS;
    }
    rv = qp_line_read(&qp->line, qp->io, (apr_size_t)qp->settings->max_line,
                      &text, &len, &kind, qp_session_pcmd(qp));
    if (rv == APR_SUCCESS) {
        qp->in_command = 1;
        qp->began = 0;
        if (qp_limit_command(qp)) {
            run_line(qp, text, kind);
        }
    }
    return rv;
}

/* A command has run its course; it must have been answered (D1). */
static void finish_command(qp_session *qp)
{
    qp->in_command = 0;
    if (!qp->replied) {
        qp_session_log(qp, QP_LOG_CRIT, "QP1602", "a command had no reply");
        qp_session_reply(qp, 451, "4.3.0", "Internal error");
    }
    qp_session_clear_command(qp);
}

/* The end. --------------------------------------------------------------- */

static const char *end_name(qp_end why)
{
    static const char *const names[] = { "-",
                                         "quit",
                                         "quit",
                                         "refused",
                                         "closed by us",
                                         "connection lost",
                                         "timeout",
                                         "server stops",
                                         "no TLS handshake",
                                         "connection taken away" };

    return names[why];
}

static void say_goodbye(qp_session *qp, qp_end why)
{
    qp_session_drop_pcmd(qp);
    if (why == QP_END_TIMEOUT) {
        qp_session_reply(qp, 421, "4.4.2", "Timeout, closing connection");
    }
    else {
        qp_session_reply(qp, 421, "4.3.2", "Server is restarting, try again");
    }
    QP_IGNORE(qp_io_flush(qp->io), "nobody may be listening");
}

static void run_end_hooks(qp_session *qp, qp_end why)
{
    if (why == QP_END_REFUSED) {
        return;
    }
    if (why != QP_END_QUIT_OWN) {
        qp_call_disconnect(qp->hooks, qp, NULL);
    }
    qp_verdict_end_txn(qp, "end of session");
    qp_call_post_connection(qp->hooks, qp, NULL);
}

void qp_engine_end(qp_session *qp, qp_end why)
{
    if (qp->ended) {
        return;
    }
    qp->ended = 1;
    qp_hook_cancel(qp);
    qp->resume = NULL;
    qp_auth_end(qp);
    /* Amid a handshake nothing may be said, in clear or not (R72). */
    if ((why == QP_END_TIMEOUT || why == QP_END_STOPPING)
        && qp->mode != QP_MODE_TLS) {
        say_goodbye(qp, why);
    }
    run_end_hooks(qp, why);
    /* Why it was refused has been said: not a further line for each of many. */
    qp_session_log(qp, why == QP_END_REFUSED ? QP_LOG_DEBUG : QP_LOG_INFO,
                   "QP1603", "disconnect, %s, after %u transaction(s)",
                   end_name(why), qp->ntxns);
    qp_session_drop_txn(qp);
    qp_session_drop_pcmd(qp);
    qp_line_clear(&qp->line);
    qp_settings_drop(qp);
}

int qp_engine_is_idle(const qp_session *qp)
{
    return (qp->mode == QP_MODE_COMMAND || qp->mode == QP_MODE_AUTH)
           && qp->txn == NULL && !qp->chain.running && !qp->in_command;
}

/* The loop. -------------------------------------------------------------- */

/* Sends what there is. @return whether the session has to wait, or has ended,
 * and then in @a want what for */
static int flush_output(qp_session *qp, qp_want *want)
{
    apr_status_t rv = qp_io_flush(qp->io);

    if (rv == APR_SUCCESS) {
        return 0;
    }
    *want = QP_WANT_OUTPUT;
    if (!APR_STATUS_IS_EAGAIN(rv)) {
        qp_engine_end(qp, QP_END_EOF);
        *want = QP_WANT_CLOSE;
    }
    return 1;
}

static apr_status_t read_input(qp_session *qp)
{
    switch (qp->mode) {
    case QP_MODE_START:
        start_session(qp);
        return APR_SUCCESS;
    case QP_MODE_DATA:
        return qp_verb_data_read(qp);
    case QP_MODE_CHUNK:
        return qp_verb_bdat_read(qp);
    case QP_MODE_AUTH:
        return qp_verb_auth_read(qp);
    case QP_MODE_TLS:
    case QP_MODE_COMMAND:
        break;
    }
    return read_command(qp);
}

static void go_on(qp_session *qp)
{
    qp_resume *resume = qp->resume;

    if (resume == NULL) {
        qp_hook_resume(qp);
        return;
    }
    qp->resume = NULL;
    resume(qp);
}

/* A hook, or the engine, waits. What it has said goes out first, then there is
 * one look at the client, on which all depends: a client that leaves cancels
 * what its session waits for, but not the message that it has handed over
 * (R39).
 * @return whether to stop, and then in @a want why */
static int wait_for_hook(qp_session *qp, qp_want *want)
{
    const char *data;
    apr_size_t len;
    apr_status_t rv;

    if (flush_output(qp, want) && *want == QP_WANT_CLOSE) {
        return 1;
    }
    rv = qp_io_peek(qp->io, &data, &len);
    if (qp->resume == NULL ? qp_hook_is_ready(qp) : qp_ready(qp->pause)) {
        go_on(qp);
        return 0;
    }
    if (APR_STATUS_IS_EAGAIN(rv)) {
        *want = QP_WANT_WAKE_OR_INPUT;
        return 1;
    }
    if (rv == APR_SUCCESS
        || (APR_STATUS_IS_EOF(rv) && qp->resume == NULL
            && qp_hook_keeps_message(qp))) {
        *want = QP_WANT_WAKE;
        return 1;
    }
    qp_engine_end(qp, QP_END_EOF);
    *want = QP_WANT_CLOSE;
    return 1;
}

/* One step. @return whether to stop, and then in @a want why */
static int take_step(qp_session *qp, qp_want *want)
{
    apr_status_t rv;

    if (qp->chain.running || qp->resume != NULL) {
        return wait_for_hook(qp, want);
    }
    if (qp->in_command && qp->mode != QP_MODE_START) {
        finish_command(qp);
    }
    if ((qp->ending != QP_END_NONE || qp->io->unsent > OUTPUT_MAX)
        && flush_output(qp, want)) {
        return 1;
    }
    if (qp->ending != QP_END_NONE) {
        qp_engine_end(qp, qp->ending);
        *want = QP_WANT_CLOSE;
        return 1;
    }
    if (qp->mode == QP_MODE_TLS) {
        if (!flush_output(qp, want)) {
            *want = QP_WANT_TLS;
        }
        return 1;
    }
    rv = read_input(qp);
    if (rv == APR_SUCCESS) {
        return 0;
    }
    /* A client that has closed its side may still read its replies (R39). */
    if ((APR_STATUS_IS_EAGAIN(rv) || APR_STATUS_IS_EOF(rv))
        && flush_output(qp, want)) {
        return 1;
    }
    if (APR_STATUS_IS_EAGAIN(rv) && qp_limit_is_late(qp)) {
        qp_engine_end(qp, QP_END_TIMEOUT);
        return 1;
    }
    if (APR_STATUS_IS_EAGAIN(rv)) {
        qp_session_drop_pcmd(qp);
        *want = QP_WANT_INPUT;
        return 1;
    }
    qp_engine_end(qp, QP_END_EOF);
    *want = QP_WANT_CLOSE;
    return 1;
}

qp_want qp_engine_run(qp_session *qp)
{
    qp_want want = QP_WANT_CLOSE;

    while (!qp->ended && !take_step(qp, &want)) {
        continue;
    }
    return want;
}
