/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file smtp_hook.h
 * @brief What queue/smtp-forward and queue/lmtp have in common: the options,
 *        the job that sends a message, and the answer made of its outcome.
 */
#ifndef SMTP_HOOK_H
#define SMTP_HOOK_H

#include <apr_file_io.h>

#include "smtp_pool.h"

#define HOST_CHARS                                                             \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:"

struct opts {
    const char *host;
    int port;
    apr_array_header_t *hosts;
    apr_interval_time_t connect_timeout;
    apr_interval_time_t reply_timeout;
    const char *helo;
    int tls;
    int smtps;
    const char *tls_ca, *tls_cert, *tls_key, *tls_name;
    const char *auth;
    int xclient;
    int eightbit;
    int dsn;
    int keep;
    apr_interval_time_t idle;
    int single;
    /* made by setup */
    struct smtp_way *way;
    apr_array_header_t *servers; /* of smtp_server */
    struct smtp_pool *pool;
};

/* What the job works on; in its pool. */
struct forward {
    const smtp_way *way;
    const apr_array_header_t *servers;
    smtp_pool *pool;
    int keep;
    apr_interval_time_t idle;
    smtp_mail mail;
    smtp_client client;
    /* out */
    smtp_outcome outcome;
    const char *name;             /* of the last server */
    apr_array_header_t *troubles; /* of const char * */
};

struct txn {
    struct forward *forward;
    qp_wait *done;
};

/* The job. --------------------------------------------------------------- */

static void note_trouble(struct forward *forward, const char *why)
{
    APR_ARRAY_PUSH(forward->troubles, const char *) =
        apr_pstrdup(forward->mail.pool, why);
}

static smtp_outcome use_link(struct forward *forward, smtp_link *link)
{
    smtp_mail *mail = &forward->mail;
    int server = link->server;
    smtp_outcome outcome;

    qp_reader_rewind(mail->reader);
    outcome = transact(link, forward->way, mail);
    if (outcome == MAIL_NEXT && mail->why != NULL) {
        note_trouble(forward, mail->why);
    }
    else if (outcome == MAIL_NEXT) {
        note_trouble(forward,
                     apr_psprintf(mail->pool, "%s says to %s: %s",
                                  qp_peer_name(link->peer), mail->step,
                                  reply_text(&mail->reply, mail->pool)));
    }
    if (outcome == MAIL_SENT || outcome == MAIL_REFUSED) {
        give_link(forward->pool, link,
                  mail->client == NULL ? forward->keep : 0);
    }
    else {
        close_link(link);
    }
    mark_server(forward->pool, server, outcome == MAIL_NEXT);
    return outcome;
}

static smtp_outcome try_server(qp_job *job, struct forward *forward, int i)
{
    const smtp_server *server =
        &APR_ARRAY_IDX(forward->servers, i, smtp_server);
    smtp_outcome outcome = MAIL_STALE;
    smtp_link *link;

    forward->name = server->name;
    /* One that is kept may have died without our noticing. */
    while (outcome == MAIL_STALE
           && (link = take_link(forward->pool, i, forward->idle)) != NULL) {
        qp_peer_use(link->peer, job);
        outcome = use_link(forward, link);
    }
    if (outcome != MAIL_STALE) {
        return outcome;
    }
    link = make_link(job, i);
    if (open_link(link, forward->way, server, forward->mail.me,
                  forward->mail.client)
        != APR_SUCCESS) {
        note_trouble(forward, qp_peer_error(link->peer));
        mark_server(forward->pool, i, 1);
        close_link(link);
        return MAIL_NEXT;
    }
    return use_link(forward, link);
}

static apr_status_t run_forward(qp_job *job, void *baton)
{
    struct forward *forward = baton;
    int order[SERVERS_MAX];
    int i;

    order_servers(forward->pool, forward->servers, order);
    forward->outcome = MAIL_NEXT;
    for (i = 0; i < forward->servers->nelts && forward->outcome == MAIL_NEXT
                && !qp_job_is_cancelled(job);
         i++) {
        forward->outcome = try_server(job, forward, order[i]);
    }
    return APR_SUCCESS;
}

/* The session: what the job gets. ---------------------------------------- */

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
    mail->wants_utf8 = qp_txn_is_smtputf8(txn);
    mail->needs_utf8 =
        has_utf8(mail->sender)
        || (mail->wants_utf8 && qp_txn_header(txn) != NULL
            && has_utf8(qp_header_text(qp_txn_header(txn), &len, mail->pool)));
    mail->wants_dsn = mail->dsn[0] != '\0';
    mail->is_each = qp_has_rcpt_results(qp);
    add_rcpts(txn, mail);
}

static void describe_client(qp_session *qp, struct forward *forward)
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
                              struct forward **out)
{
    const struct opts *opt = qp_opts(self);
    qp_job *job = qp_job_create(qp, qp_pool(qp));
    apr_pool_t *pool = qp_job_pool(job);
    struct forward *forward = apr_pcalloc(pool, sizeof(*forward));
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
    return qp_job_start(job, run_forward, forward);
}

/* The session: what comes of it. ----------------------------------------- */

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

static const char *join_troubles(const struct forward *forward)
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
                     const struct forward *forward)
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
                         const struct forward *forward)
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
                           const struct forward *forward)
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
                reply_text(reply, qp_pool(qp)));
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
    case MAIL_NEXT:
        break;
    }
    return give_up(self, qp, forward);
}

static qp_rc hook_queue(const qp_plugin *self, qp_session *qp,
                        const qp_data_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);

    if (txn->done == NULL) {
        txn->done = start_forward(self, qp, &txn->forward);
    }
    if (!qp_ready(txn->done)) {
        return qp_await(qp, txn->done);
    }
    return judge_outcome(self, qp, txn->forward);
}

static qp_rc hook_post_fork(const qp_plugin *self, qp_session *qp,
                            const qp_post_fork_arg *arg)
{
    const struct opts *opt = qp_opts(self);

    open_pool(opt->pool, arg->pchild);
    return QP_DECLINED;
}

/* The start. ------------------------------------------------------------- */

static const char *add_server(struct opts *opt, const char *host, int port,
                              int weight, apr_pool_t *pconf)
{
    smtp_server *server;

    if (opt->servers->nelts == SERVERS_MAX) {
        return "hosts: there are too many";
    }
    if (host[0] != '/'
        && (host[0] == '\0' || strspn(host, HOST_CHARS) != strlen(host))) {
        return apr_psprintf(pconf,
                            "\"%s\" is no host: letters, digits and _-.: "
                            "only, or the path of a socket",
                            host);
    }
    server = apr_array_push(opt->servers);
    server->host = host;
    server->port = host[0] == '/' ? 0 : port;
    server->weight = weight;
    server->name =
        host[0] == '/'
            ? host
            : apr_psprintf(pconf,
                           strchr(host, ':') != NULL ? "[%s]:%d" : "%s:%d",
                           host, port);
    return NULL;
}

/* A number at the end of a host, behind a mark. @return NULL, or what is wrong
 */
static const char *cut_number(char *text, char mark, int max, int *number)
{
    char *at = strrchr(text, mark);
    char *end = NULL;
    apr_int64_t value;

    if (at == NULL) {
        return NULL;
    }
    value = apr_strtoi64(at + 1, &end, 10);
    if (at[1] == '\0' || *end != '\0' || value < 0 || value > max) {
        return "is not HOST, HOST:PORT or HOST:PORT*WEIGHT";
    }
    *at = '\0';
    *number = (int)value;
    return NULL;
}

/* host = ( name / "[" address "]" / path ) [ ":" port ] [ "*" weight ] */
static const char *parse_host(struct opts *opt, const char *text,
                              apr_pool_t *pconf)
{
    char *host = apr_pstrdup(pconf, text);
    int weight = 1;
    int port = opt->port;
    const char *error = cut_number(host, '*', 100, &weight);
    apr_size_t len;

    if (error == NULL && host[0] != '/' && host[strlen(host) - 1] != ']') {
        error = cut_number(host, ':', 65535, &port);
    }
    if (error != NULL || port == 0) {
        return apr_psprintf(pconf, "hosts: \"%s\" %s", text,
                            error != NULL ? error : "has port 0");
    }
    len = strlen(host);
    if (host[0] == '[' && len > 2 && host[len - 1] == ']') {
        host[len - 1] = '\0';
        host++;
    }
    return add_server(opt, host, port, weight, pconf);
}

static const char *read_hosts(struct opts *opt, apr_pool_t *pconf)
{
    const char *error = NULL;
    const char *host;
    int i;

    opt->servers = apr_array_make(pconf, 4, sizeof(smtp_server));
    if (opt->host != NULL) {
        error = add_server(opt, opt->host, opt->port, 1, pconf);
    }
    for (i = 0; opt->hosts != NULL && i < opt->hosts->nelts && error == NULL;
         i++) {
        host = APR_ARRAY_IDX(opt->hosts, i, const char *);
        error = host[0] == '\0' ? "hosts: one is empty"
                                : parse_host(opt, host, pconf);
    }
    if (error == NULL && opt->servers->nelts == 0) {
        error = "host: the server has to be given";
    }
    return error;
}

/* One line USER:PASSWORD; what is behind the first colon is the password. */
static const char *read_auth(struct opts *opt, apr_pool_t *pconf)
{
    apr_file_t *file = NULL;
    char line[1024] = "";
    char *colon;
    apr_status_t rv;

    if (opt->auth == NULL) {
        return NULL;
    }
    rv = apr_file_open(&file, opt->auth, APR_READ | APR_BUFFERED,
                       APR_OS_DEFAULT, pconf);
    if (rv != APR_SUCCESS) {
        return apr_psprintf(pconf, "auth: cannot read %s: %s", opt->auth,
                            apr_strerror(rv, line, sizeof(line)));
    }
    rv = apr_file_gets(line, sizeof(line), file);
    apr_file_close(file);
    line[strcspn(line, "\r\n")] = '\0';
    colon = strchr(line, ':');
    if (rv != APR_SUCCESS || colon == NULL || colon == line) {
        return apr_psprintf(pconf,
                            "auth: the first line of %s is not "
                            "USER:PASSWORD",
                            opt->auth);
    }
    *colon = '\0';
    opt->way->user = apr_pstrdup(pconf, line);
    opt->way->password = apr_pstrdup(pconf, colon + 1);
    return NULL;
}

static const char *read_tls(struct opts *opt, apr_pool_t *pconf)
{
    qp_tls_files files = { .verifies = opt->tls == TLS_VERIFY,
                           .ca_file = opt->tls_ca,
                           .cert_file = opt->tls_cert,
                           .key_file = opt->tls_key };

    if (opt->smtps && opt->tls == TLS_NO) {
        return "smtps: needs TLS, and tls is no";
    }
    if (opt->tls_key != NULL && opt->tls_cert == NULL) {
        return "tls_key: there is no tls_cert";
    }
    return opt->tls == TLS_NO ? NULL
                              : qp_tls_create(&opt->way->tls, &files, pconf);
}

/* The options are read-only to all but setup. */
static struct opts *own_opts(qp_plugin *self)
{
    const void *opts = qp_opts(self);
    struct opts *opt;

    memcpy(&opt, &opts, sizeof(opt));
    return opt;
}

/* Fills what the options come to. */
static const char *prepare(qp_plugin *self, int is_lmtp, apr_pool_t *pconf)
{
    struct opts *opt = own_opts(self);
    smtp_way *way = apr_pcalloc(pconf, sizeof(*way));
    const char *error;

    opt->way = way;
    opt->pool = make_pool(pconf);
    way->is_lmtp = is_lmtp;
    way->is_smtps = opt->smtps;
    way->tls_mode = opt->tls;
    way->tls_name = opt->tls_name;
    way->connect_timeout = opt->connect_timeout;
    way->reply_timeout = opt->reply_timeout;
    error = read_hosts(opt, pconf);
    if (error == NULL) {
        error = read_tls(opt, pconf);
    }
    if (error == NULL) {
        error = read_auth(opt, pconf);
    }
    qp_plugin_declare(self, QP_CAN_SMTPUTF8 | (opt->dsn ? QP_CAN_DSN : 0u));
    return error;
}

#endif /* SMTP_HOOK_H */
