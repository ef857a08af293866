/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks of queue/smtp-forward and queue/lmtp: what the job gets of the
 * session, and the answer made of its outcome. */
#include "smtp_hook.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "smtp_job.h"
#include "smtp_opts.h"

/* What the job gets. ------------------------------------------------------ */

static int has_utf8(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text > 127) {
            return 1;
        }
    }
    return 0;
}

/* A parameter as the client has sent it, which the engine has checked. */
static const char *pass_param(const apr_table_t *params, const char *key,
                              const char *name, apr_pool_t *pool)
{
    const char *value = params != NULL ? apr_table_get(params, key) : NULL;

    if (value == NULL || value[0] == '\0') {
        return "";
    }
    return apr_pstrcat(pool, " ", name, "=", value, NULL);
}

/* <postmaster> is the only recipient without a domain (RFC 5321 2.3.5). */
static void add_rcpts(qp_txn *txn, smtp_mail *mail)
{
    const apr_array_header_t *rcpts = qp_txn_rcpts(txn);
    const apr_table_t *params;
    smtp_rcpt *rcpt;
    int i;

    mail->nrcpts = rcpts->nelts;
    mail->rcpts = apr_pcalloc(mail->pool,
                              (apr_size_t)rcpts->nelts * sizeof(*mail->rcpts));
    for (i = 0; i < rcpts->nelts; i++) {
        rcpt = &mail->rcpts[i];
        params = qp_txn_rcpt_params(txn, i);
        rcpt->path = qp_addr_format(APR_ARRAY_IDX(rcpts, i, const qp_addr *),
                                    mail->pool);
        rcpt->params =
            apr_pstrcat(mail->pool,
                        pass_param(params, "notify", "NOTIFY", mail->pool),
                        pass_param(params, "orcpt", "ORCPT", mail->pool), NULL);
        mail->needs_utf8 = mail->needs_utf8 || has_utf8(rcpt->path);
        mail->wants_dsn = mail->wants_dsn || rcpt->params[0] != '\0';
    }
}

static void add_envelope(qp_session *qp, smtp_mail *mail)
{
    qp_txn *txn = qp_transaction(qp);
    const apr_table_t *params = qp_txn_mail_params(txn);
    const char *body = apr_table_get(params, "body");
    apr_size_t len = 0;

    mail->sender = qp_addr_format(qp_txn_sender(txn), mail->pool);
    mail->dsn =
        apr_pstrcat(mail->pool, pass_param(params, "ret", "RET", mail->pool),
                    pass_param(params, "envid", "ENVID", mail->pool), NULL);
    mail->size = qp_txn_data_size(txn);
    mail->wants_8bit = body != NULL && strcasecmp(body, "8BITMIME") == 0;
    mail->is_binary = qp_txn_is_binary(txn);
    mail->wants_utf8 = qp_txn_is_smtputf8(txn);
    mail->needs_utf8 =
        has_utf8(mail->sender)
        || (mail->wants_utf8 && qp_txn_header(txn) != NULL
            && has_utf8(qp_header_text(qp_txn_header(txn), &len, mail->pool)));
    mail->wants_dsn = mail->dsn[0] != '\0';
    mail->is_each = qp_has_rcpt_results(qp);
    add_rcpts(txn, mail);
}

static void describe_client(qp_session *qp, smtp_job *forward)
{
    const qp_conn *conn = qp_connection(qp);
    apr_pool_t *pool = forward->mail.pool;
    smtp_client *client = &forward->client;
    const char *ip = qp_conn_remote_ip(conn);
    const char *user = qp_conn_auth_user(conn);
    const char *name = qp_conn_remote_host(conn);

    client->addr = strchr(ip, ':') != NULL
                       ? apr_pstrcat(pool, "IPV6:", ip, NULL)
                       : apr_pstrdup(pool, ip);
    client->port = apr_itoa(pool, qp_conn_remote_port(conn));
    client->name =
        strcmp(name, "Unknown") != 0 ? apr_pstrdup(pool, name) : NULL;
    client->helo = apr_pstrdup(pool, qp_conn_hello_host(conn));
    client->login = user != NULL ? apr_pstrdup(pool, user) : NULL;
    client->proto = strcmp(qp_conn_hello(conn), "helo") == 0 ? "SMTP" : "ESMTP";
    forward->mail.client = client;
}

static qp_wait *start_forward(const qp_plugin *self, qp_session *qp,
                              smtp_job **out)
{
    const smtp_opts *opt = qp_opts(self);
    qp_job *job = qp_job_create(qp, qp_pool(qp));
    apr_pool_t *pool = qp_job_pool(job);
    smtp_job *forward = apr_pcalloc(pool, sizeof(*forward));
    const char *me = opt->helo;

    if (me == NULL) {
        me = qp_config_first(qp, "me");
    }
    forward->way = opt->way;
    forward->servers = opt->servers;
    forward->pool = opt->pool;
    forward->keep = opt->keep;
    forward->idle = opt->idle;
    forward->outcome = MAIL_NEXT;
    forward->troubles = apr_array_make(pool, 2, sizeof(const char *));
    forward->mail.pool = pool;
    forward->mail.me = apr_pstrdup(pool, me != NULL ? me : "localhost");
    forward->mail.may_send_8bit = opt->eightbit;
    forward->mail.reader =
        qp_txn_reader(qp_transaction(qp), QP_READ_MESSAGE | QP_READ_DETACHED,
                      pool);
    add_envelope(qp, &forward->mail);
    if (opt->xclient) {
        describe_client(qp, forward);
    }
    *out = forward;
    return qp_job_start(job, smtp_job_run, forward);
}

/* What comes of it. ------------------------------------------------------- */

static qp_rc rc_of(const smtp_reply *reply)
{
    if (reply->code / 100 == 2) {
        return QP_OK;
    }
    return reply->code / 100 == 5 ? QP_DENY : QP_DENYSOFT;
}

/* One reply to each recipient, if the client gets them. */
static void tell_each(qp_session *qp, const smtp_mail *mail)
{
    const smtp_reply *reply;
    int i;

    for (i = 0; i < mail->nrcpts && mail->is_each; i++) {
        reply = mail->rcpts[i].reply;
        if (reply == NULL) {
            reply = &mail->reply;
        }
        if (reply->subject == 0 && reply->detail == 0) {
            qp_rcpt_result(qp, i, rc_of(reply), "%s", reply->text);
        }
        else {
            qp_rcpt_result(qp, i, rc_of(reply), "%d.%d.%d %s",
                           reply->code / 100, reply->subject, reply->detail,
                           reply->text);
        }
    }
}

static const char *join_troubles(const smtp_job *forward)
{
    apr_array_header_t *all = forward->troubles;
    const char *text = "no server was tried";
    int i;

    for (i = 0; i < all->nelts; i++) {
        text = i == 0 ? APR_ARRAY_IDX(all, i, const char *)
                      : apr_pstrcat(all->pool, text, "; ",
                                    APR_ARRAY_IDX(all, i, const char *), NULL);
    }
    return text;
}

/* The server is not to be blamed for its last 4xx by "next plugin, please". */
static qp_rc give_up(const qp_plugin *self, qp_session *qp,
                     const smtp_job *forward)
{
    const smtp_reply *reply = &forward->mail.reply;

    qp_error(self, qp, "%s", join_troubles(forward));
    if (reply->code / 100 == 4 && forward->mail.why == NULL) {
        return qp_return_dsn(qp, QP_DENYSOFT, reply->subject, reply->detail,
                             "%s", reply->text);
    }
    return qp_return_dsn(qp, QP_DECLINED, 4, 1,
                         "The message could not be forwarded");
}

static qp_rc accept_mail(const qp_plugin *self, qp_session *qp,
                         const smtp_job *forward)
{
    const smtp_mail *mail = &forward->mail;

    if (forward->troubles->nelts > 0) {
        qp_log(self, qp, QP_LOG_WARN, "%s", join_troubles(forward));
    }
    if (mail->lost_dsn) {
        qp_log(self, qp, QP_LOG_INFO,
               "%s knows no DSN: what the client asked "
               "for is not passed on",
               forward->name);
    }
    tell_each(qp, mail);
    qp_pass(self, qp, "message %s queued by %s: %s",
            qp_txn_id(qp_transaction(qp)), forward->name, mail->reply.text);
    return qp_return(qp, QP_OK, "queued: %s", mail->reply.text);
}

static qp_rc judge_outcome(const qp_plugin *self, qp_session *qp,
                           const smtp_job *forward)
{
    const smtp_mail *mail = &forward->mail;
    const smtp_reply *reply = &mail->reply;

    switch (forward->outcome) {
    case MAIL_SENT:
        return accept_mail(self, qp, forward);
    case MAIL_REFUSED:
        tell_each(qp, mail);
        qp_fail(self, qp, "message %s refused by %s, at %s: %s",
                qp_txn_id(qp_transaction(qp)), forward->name, mail->step,
                smtp_reply_text(reply, qp_pool(qp)));
        return qp_return_dsn(qp, rc_of(reply), reply->subject, reply->detail,
                             "%s", reply->text);
    case MAIL_UNSURE:
        qp_error(self, qp, "%s; it may have the message",
                 mail->why != NULL ? mail->why : "no answer");
        return qp_return_dsn(qp, QP_DENYSOFT, 4, 2,
                             "No answer from the next server");
    case MAIL_BROKEN:
        qp_error(self, qp, "cannot read the message");
        return qp_return_dsn(qp, QP_DENYSOFT, 3, 0,
                             "The message cannot be read");
    case MAIL_STALE:
    case MAIL_UNFIT:
    case MAIL_NEXT:
        break;
    }
    return give_up(self, qp, forward);
}

qp_rc smtp_hook_queue(const qp_plugin *self, qp_session *qp,
                      const qp_data_arg *arg)
{
    smtp_txn *txn = qp_txn_data(self, qp);

    if (txn->done == NULL) {
        txn->done = start_forward(self, qp, &txn->forward);
    }
    if (!qp_ready(txn->done)) {
        return qp_await(qp, txn->done);
    }
    return judge_outcome(self, qp, txn->forward);
}

qp_rc smtp_hook_post_fork(const qp_plugin *self, qp_session *qp,
                          const qp_post_fork_arg *arg)
{
    const smtp_opts *opt = qp_opts(self);

    smtp_pool_open(opt->pool, arg->pchild);
    return QP_DECLINED;
}
