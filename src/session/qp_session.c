/* SPDX-License-Identifier: Apache-2.0 */
/* The session: replies, state changes, pools, and the services for plugins
 * that need nothing but the session. It lives in the connection's pool. It
 * does not know which verbs and hooks there are. */

#include "session/qp_session.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

static apr_status_t release_session(void *data)
{
    qp_session *qp = data;

    qp_line_clear(&qp->line);
    if (qp->waker != NULL) {
        qp_waker_unref(qp->waker);
        qp->waker = NULL;
    }
    return APR_SUCCESS;
}

qp_session *qp_session_create(const qp_carrier *carrier, const qp_peers *peers,
                              apr_pool_t *pconn)
{
    qp_session *qp = apr_pcalloc(pconn, sizeof(*qp));

    qp->pool = pconn;
    qp->carrier = carrier;
    qp->io = carrier->io;
    qp->conn = qp_conn_create(peers, pconn);
    qp->logger.sink = carrier->log_sink;
    qp->logger.ctx = carrier->log_ctx;
    qp->logger.id = qp->conn->id;
    qp->logger.peer = peers->remote_ip;
    qp->peer_ip = peers->remote_ip;
    qp->current_hook = "";
    apr_pool_cleanup_register(pconn, qp, release_session,
                              apr_pool_cleanup_null);
    return qp;
}

void qp_session_goto(qp_session *qp, qp_state state, const char *why)
{
    static const char *const names[] = { "GREETED", "READY", "MAIL", "RCPT",
                                         "BDAT" };

    if (state != qp->state) {
        qp_session_log(qp, QP_LOG_DEBUG, "QP1001", "%s -> %s (%s)",
                       names[qp->state], names[state], why);
    }
    qp->state = state;
}

apr_pool_t *qp_session_pcmd(qp_session *qp)
{
    if (qp->pcmd == NULL) {
        qp->pcmd = qp_txn_make_pool(qp->pool, qp->carrier->allocator, "pcmd");
    }
    return qp->pcmd;
}

static void forget_command(qp_session *qp)
{
    memset(&qp->answer, 0, sizeof(qp->answer));
    qp->replied = 0;
    qp->verb_state = NULL;
    qp->slots.data = NULL;
    qp->capabilities = NULL;
    qp->each = NULL;
    qp->neach = 0;
    qp->input = NULL;
    qp->chain.room = 0;
}

void qp_session_clear_command(qp_session *qp)
{
    forget_command(qp);
    if (qp->pcmd != NULL) {
        apr_pool_clear(qp->pcmd);
    }
}

void qp_session_drop_pcmd(qp_session *qp)
{
    forget_command(qp);
    if (qp->pcmd != NULL) {
        apr_pool_destroy(qp->pcmd);
        qp->pcmd = NULL;
    }
}

/* An enhanced status must be of the class of its code (RFC 2034 4, R35). */
static const char *match_class(qp_session *qp, int code, const char *dsn)
{
    char *matched;

    if (dsn == NULL || dsn[0] == code / 100 + '0') {
        return dsn;
    }
    matched = apr_pstrdup(qp_session_pcmd(qp), dsn);
    matched[0] = (char)(code / 100 + '0');
    return matched;
}

/* On one line, whatever it is on the wire. */
static void log_reply(qp_session *qp, int code, const char *dsn,
                      const char *text)
{
    char *line;
    char *p;

    if (!qp_log_enabled(&qp->logger, QP_LOG_DEBUG)) {
        return;
    }
    line = apr_pstrdup(qp_session_pcmd(qp), text);
    for (p = line; (p = strchr(p, '\n')) != NULL; p++) {
        *p = '|';
    }
    qp_session_log(qp, QP_LOG_DEBUG, "QP1003", "> %d %s%s%s", code,
                   dsn != NULL ? dsn : "", dsn != NULL ? " " : "", line);
}

static void write_reply(qp_session *qp, int code, const char *dsn,
                        const char *text)
{
    dsn = match_class(qp, code, dsn);
    log_reply(qp, code, dsn, text);
    qp_reply_write(qp->io, code, dsn, text);
}

static void write_each(qp_session *qp, int code, const char *dsn,
                       const char *text)
{
    const qp_each *each = qp->each;

    for (; each < qp->each + qp->neach; each++) {
        if (each->code != 0) {
            write_reply(qp, each->code, each->dsn, each->text);
        }
        else {
            write_reply(qp, code, dsn, text);
        }
    }
}

void qp_session_reply_each(qp_session *qp, int n)
{
    qp->each =
        apr_pcalloc(qp_session_pcmd(qp), (apr_size_t)n * sizeof(qp_each));
    qp->neach = n;
}

static void send_reply(qp_session *qp, int code, const char *dsn,
                       const char *text)
{
    if (qp->replied) {
        qp_session_log(qp, QP_LOG_CRIT, "QP1002",
                       "second reply to one command not sent: %d %s", code,
                       text);
        return;
    }
    qp->replied = 1;
    if (qp->neach > 0) {
        write_each(qp, code, dsn, text);
    }
    else {
        write_reply(qp, code, dsn, text);
    }
}

void qp_session_reply(qp_session *qp, int code, const char *dsn,
                      const char *fmt, ...)
{
    va_list ap;
    const char *text;

    va_start(ap, fmt);
    text = apr_pvsprintf(qp_session_pcmd(qp), fmt, ap);
    va_end(ap);
    send_reply(qp, code, dsn, text);
}

/* @return whether that was one mistake too many, and the session ends */
static int close_on_errors(qp_session *qp)
{
    int n = qp->nerrors + qp->nrefused;

    if (qp->max_errors == 0 || n < qp->max_errors) {
        return 0;
    }
    qp_session_log(qp, QP_LOG_INFO, "QP1004",
                   "closed after %d errors "
                   "(max_errors), %d of them refused recipients",
                   n, qp->nrefused);
    send_reply(qp, 421, "4.7.0", "Too many errors, closing connection");
    qp_session_close(qp, QP_END_DENIED);
    return 1;
}

void qp_session_refuse(qp_session *qp, int code, const char *dsn,
                       const char *text)
{
    qp->nrefused++;
    if (!close_on_errors(qp)) {
        send_reply(qp, code, dsn, text);
    }
}

void qp_session_error(qp_session *qp, int code, const char *dsn,
                      const char *fmt, ...)
{
    va_list ap;
    const char *text;

    va_start(ap, fmt);
    text = apr_pvsprintf(qp_session_pcmd(qp), fmt, ap);
    va_end(ap);
    qp->nerrors++;
    if (!close_on_errors(qp)) {
        send_reply(qp, code, dsn, text);
    }
}

void qp_session_begin_txn(qp_session *qp)
{
    char id[QP_ID_LEN + 12];

    QP_ASSERT(qp->txn == NULL);
    apr_snprintf(id, sizeof(id), "%s.%u", qp->conn->id, ++qp->ntxns);
    qp->txn = qp_txn_create(id, qp->pool, qp->carrier->allocator);
    qp->logger.txn = qp->ntxns;
    qp->is_limited = 0;
}

void qp_session_change_client(qp_session *qp, const qp_peers *peers)
{
    apr_pool_t *pool =
        qp_txn_make_pool(qp->pool, qp->carrier->allocator, "pclient");
    qp_conn *conn = qp_conn_create(peers, pool);

    conn->peers.remote_ip = apr_pstrdup(pool, peers->remote_ip);
    conn->peers.remote_host = apr_pstrdup(pool, peers->remote_host);
    conn->peers.local_ip = apr_pstrdup(pool, peers->local_ip);
    memcpy(conn->id, qp->conn->id, sizeof(conn->id));
    conn->tls = qp->conn->tls;
    qp->conn = conn;
    qp->logger.id = conn->id;
    qp->logger.peer = conn->peers.remote_ip;
    qp->offers = 0;
    if (qp->pclient != NULL) {
        apr_pool_destroy(qp->pclient);
    }
    qp->pclient = pool;
}

void qp_session_add_forwarded(qp_session *qp, const apr_table_t *values)
{
    const apr_array_header_t *list = apr_table_elts(values);
    const apr_table_entry_t *entries = (const void *)list->elts;
    apr_pool_t *pool =
        qp_txn_make_pool(qp->pool, qp->carrier->allocator, "pforward");
    apr_table_t *table = apr_table_make(pool, 8);
    int i;

    if (qp->forwarded != NULL) {
        table = apr_table_clone(pool, qp->forwarded);
        apr_pool_destroy(qp->pforward);
    }
    for (i = 0; i < list->nelts; i++) {
        if (entries[i].val[0] != '\0') {
            apr_table_set(table, entries[i].key, entries[i].val);
        }
        else {
            apr_table_unset(table, entries[i].key);
        }
    }
    qp->pforward = pool;
    qp->forwarded = table;
}

const char *qp_forwarded(qp_session *qp, const char *name)
{
    return qp->forwarded != NULL ? apr_table_get(qp->forwarded, name) : NULL;
}

static void drop_forwarded(qp_session *qp)
{
    if (qp->pforward != NULL) {
        apr_pool_destroy(qp->pforward);
        qp->pforward = NULL;
        qp->forwarded = NULL;
    }
}

void qp_session_drop_txn(qp_session *qp)
{
    if (qp->txn != NULL) {
        drop_forwarded(qp);
        qp_txn_destroy(qp->txn);
        qp->txn = NULL;
        qp->message = NULL;
        qp->logger.txn = 0;
    }
}

void qp_session_close(qp_session *qp, qp_end why)
{
    if (qp->ending == QP_END_NONE) {
        qp->ending = why;
    }
}

/* Services for plugins. -------------------------------------------------- */

static void keep_answer(qp_session *qp, const char *text, int subject,
                        int detail)
{
    qp->answer.text = text;
    qp->answer.subject = subject;
    qp->answer.detail = detail;
}

qp_rc qp_return(qp_session *qp, qp_rc rc, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    keep_answer(qp, apr_pvsprintf(qp_session_pcmd(qp), fmt, ap), 0, 0);
    va_end(ap);
    return rc;
}

qp_rc qp_return_dsn(qp_session *qp, qp_rc rc, int subject, int detail,
                    const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    keep_answer(qp, apr_pvsprintf(qp_session_pcmd(qp), fmt, ap), subject,
                detail);
    va_end(ap);
    return rc;
}

/* Whether a text brings an enhanced status of its own: "5.7.1 ...". */
static int has_status(const char *text)
{
    const char *p = text;
    int dots = 0;

    if (*p != '2' && *p != '4' && *p != '5') {
        return 0;
    }
    while ((*p >= '0' && *p <= '9') || *p == '.') {
        dots += *p++ == '.';
    }
    return dots == 2 && *p == ' ';
}

void qp_respond(qp_session *qp, int code, const char *fmt, ...)
{
    va_list ap;
    const char *text;
    const char *dsn = NULL;

    va_start(ap, fmt);
    text = apr_pvsprintf(qp_session_pcmd(qp), fmt, ap);
    va_end(ap);
    if (code / 100 != 3 && code != 220 && !has_status(text)) {
        dsn = "2.0.0"; /* D5: every reply has one; its class is matched */
    }
    send_reply(qp, code, dsn, text);
}

void qp_rcpt_result(qp_session *qp, int index, qp_rc rc, const char *fmt, ...)
{
    qp_rcpt *rcpt = qp_txn_rcpt(qp->txn, index);
    va_list ap;

    rcpt->result = (int)rc;
    rcpt->result_text = NULL;
    if (fmt != NULL) {
        va_start(ap, fmt);
        rcpt->result_text = apr_pvsprintf(qp->txn->pool, fmt, ap);
        va_end(ap);
    }
}

int qp_has_rcpt_results(qp_session *qp)
{
    return qp->is_lmtp;
}

void qp_add_capability(qp_session *qp, const char *text)
{
    apr_pool_t *pool = qp_session_pcmd(qp);

    if (qp->capabilities == NULL) {
        qp->capabilities = apr_array_make(pool, 4, sizeof(const char *));
    }
    APR_ARRAY_PUSH(qp->capabilities, const char *) = apr_pstrdup(pool, text);
}

const char *qp_current_hook(const qp_session *qp)
{
    return qp->current_hook;
}

qp_conn *qp_connection(qp_session *qp)
{
    return qp->conn;
}

qp_txn *qp_transaction(qp_session *qp)
{
    return qp->txn;
}

apr_pool_t *qp_pool(qp_session *qp)
{
    return qp_session_pcmd(qp);
}

apr_pool_t *qp_txn_pool(qp_session *qp)
{
    return qp->txn != NULL ? qp->txn->pool : qp_session_pcmd(qp);
}

apr_pool_t *qp_conn_pool(qp_session *qp)
{
    return qp->conn->pool;
}

void qp_auth_results_add(qp_session *qp, const char *fmt, ...)
{
    apr_array_header_t **results =
        qp->txn != NULL ? &qp->txn->auth_results : &qp->conn->auth_results;
    apr_pool_t *pool = qp->txn != NULL ? qp->txn->pool : qp->conn->pool;
    va_list ap;

    if (*results == NULL) {
        *results = apr_array_make(pool, 4, sizeof(const char *));
    }
    va_start(ap, fmt);
    APR_ARRAY_PUSH(*results, const char *) = apr_pvsprintf(pool, fmt, ap);
    va_end(ap);
}

void qp_karma_adjust(qp_session *qp, int points)
{
    qp_notes *notes = qp_conn_notes(qp->conn);

    qp_note_set_num(notes, QP_NOTE_KARMA,
                    qp_note_num(notes, QP_NOTE_KARMA) + points);
}

/* Waiting. --------------------------------------------------------------- */

const char *qp_tls_variable(qp_session *qp, const char *name)
{
    const qp_carrier *carrier = qp->carrier;

    if (qp->conn->tls == NULL || carrier->tls_variable == NULL) {
        return NULL;
    }
    return carrier->tls_variable(carrier->tls_ctx, name, qp_session_pcmd(qp));
}

const unsigned char *qp_session_binding(qp_session *qp, const char *type,
                                        apr_size_t *len)
{
    const qp_carrier *carrier = qp->carrier;

    if (qp->conn->tls == NULL || carrier->tls_binding == NULL) {
        return NULL;
    }
    return carrier->tls_binding(carrier->tls_ctx, type, len,
                                qp_session_pcmd(qp));
}

struct conn_rec *qp_httpd_connection(qp_session *qp)
{
    return qp->carrier->httpd;
}

void qp_session_pause(qp_session *qp, qp_wait *wait, qp_resume *resume)
{
    QP_ASSERT(qp->resume == NULL && !qp->chain.running);
    qp->pause = wait;
    qp->resume = resume;
}

qp_waker *qp_session_waker(qp_session *qp)
{
    if (qp->waker == NULL) {
        qp->waker = qp->carrier->make_waker(qp->carrier->waker_ctx);
    }
    return qp->waker;
}

static qp_rc await(qp_session *qp, qp_wait *const *waits, int n, int want_all)
{
    qp->chain.waits =
        apr_pmemdup(qp_session_pcmd(qp), waits, (apr_size_t)n * sizeof(*waits));
    qp->chain.nwaits = n;
    qp->chain.want_all = want_all;
    return QP_YIELD;
}

qp_rc qp_await(qp_session *qp, qp_wait *wait)
{
    return await(qp, &wait, 1, 0);
}

qp_rc qp_await_any(qp_session *qp, qp_wait *const *waits, int n)
{
    return await(qp, waits, n, 0);
}

qp_rc qp_await_all(qp_session *qp, qp_wait *const *waits, int n)
{
    return await(qp, waits, n, 1);
}

qp_wait *qp_timer(qp_session *qp, apr_interval_time_t delay, apr_pool_t *pool)
{
    return qp_timers_add(qp->carrier->timers, delay, qp_session_waker(qp),
                         pool);
}

qp_job *qp_job_create(qp_session *qp, apr_pool_t *pool)
{
    return qp_jobs_prepare(qp->carrier->jobs, qp_session_waker(qp), pool);
}
