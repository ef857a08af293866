/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands messages to a QMQP server. What it keeps lives as long as the job that
 * talks to the server, which ends by itself when its session has. It has
 * no queue of its own, and does not try twice.

=pod

=head1 NAME

queue/qmqp-forward - hand messages to a QMQP server

=head1 SYNOPSIS

In F<config/plugins>:

    queue/qmqp-forward queue.example.org
    queue/qmqp-forward 2001:db8::25 628 timeout 2m

With a second server, which is tried when the first does not answer:

    queue/qmqp-forward queue1.example.org
    queue/qmqp-forward:1 queue2.example.org

=head1 DESCRIPTION

Each message is sent to the server in one connection, by the Quick Mail
Queueing Protocol (L<https://cr.yp.to/proto/qmqp.html>). The server takes a
message for all its recipients or for none. What it says becomes the answer to
the client:

=over 4

=item K: accepted

250 C<queued: >I<what the server said>.

=item Z: not now

452 C<deferred: >I<what the server said>.

=item D: refused

552 C<denied: >I<what the server said>.

=back

When there is no such answer, because the server cannot be reached, closes the
connection, or does not speak QMQP, the next queue plugin is asked; if there is
none, the client is answered 451. It tries again later, and so it does when the
server takes longer than C<timeout>, which is answered 452. In both cases it
may be that the server has accepted the message, and the recipients get it
twice.

The message is read from where it is stored, a piece at a time, while it is
sent; a waiting server holds no thread that serves clients. The domain of a
recipient without one is config C<me>.

=head1 CONFIGURATION

=over 4

=item host

Name or address of the server: letters, digits and C<_ - . :> only. It may be
given without its name, as the first word. It has to be given.

=item port

The TCP port. It may be given without its name, as the second word. The default
is 628.

=item connect_timeout

How long to try to connect, over all addresses of the server. It has to be
shorter than C<timeout>, or the next queue plugin is never asked. The default
is 10s.

=item timeout

How long the server may take in all. The default is 30s, as for any plugin.

=back

=head1 DIAGNOSTICS

=over 4

=item queue/qmqp-forward: pass, message I<ID> queued by I<HOST>: I<TEXT>

The server accepted the message.

=item queue/qmqp-forward: fail, message I<ID> deferred by I<HOST>: I<TEXT>

=item queue/qmqp-forward: fail, message I<ID> denied by I<HOST>: I<TEXT>

The server did not.

=item queue/qmqp-forward: error, cannot I<DO SOMETHING> I<HOST>: I<WHY>

=item queue/qmqp-forward: error, cannot read the message

=item queue/qmqp-forward: error, too many messages wait already

There was no answer. The message was not forwarded, as far as is known.

=back

=head1 SEE ALSO

L<queue/maildir>, F<docs/plugins.md>

=cut

*/

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "qpsmtpd.h"
#include "queue_addr.h"

struct opts {
    const char *host;
    int port;
    apr_interval_time_t connect_timeout;
};

static const qp_opt opt_table[] = {
    QP_OPT_WORD_STR(1, struct opts, host, "host", NULL),
    QP_OPT_WORD_INT(2, struct opts, port, "port", "628", 1, 65535),
    QP_OPT_TIME(struct opts, connect_timeout, "connect_timeout", "10s"),
    QP_OPT_END,
};

#define HOST_CHARS                                                             \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:"

/* Octets of an answer, its length and the comma included. */
#define ANSWER_MAX 1024
/* Octets of it that the client gets to see, so that the reply is one line. */
#define TEXT_MAX   400

/* One message on its way; in the job's pool. */
struct forward {
    const char *host;
    int port;
    apr_interval_time_t connect_timeout;
    qp_reader *reader;
    const char *addrs; /* netstrings of the envelope */
    apr_size_t addrs_len;
    qp_peer *peer;
    const char *why;         /* what went wrong, if it was not the peer */
    char answer[ANSWER_MAX]; /* of the server; terminated in the end */
    apr_size_t answer_len;
};

struct txn {
    struct forward *forward;
    qp_wait *done;
};

/* The job: it talks to the server, and does not see the session. ---------- */

static apr_status_t send_message(struct forward *forward, apr_off_t left)
{
    apr_status_t rv = APR_SUCCESS;
    const char *data;
    apr_size_t len;

    while (rv == APR_SUCCESS && left > 0) {
        rv = qp_reader_block(forward->reader, &data, &len);
        if (rv != APR_SUCCESS) {
            forward->why = "cannot read the message";
            return rv;
        }
        rv = qp_peer_write(forward->peer, data, len);
        left -= (apr_off_t)len;
    }
    return rv;
}

/* package   = len ":" message sender 1*rcpt ","    ; the first four lines are
 * message   = netstring                            ; what is counted by len
 * sender    = netstring
 * rcpt      = netstring
 * netstring = 1*DIGIT ":" *OCTET "," */
static apr_status_t send_package(struct forward *forward)
{
    apr_off_t size = qp_reader_length(forward->reader);
    apr_status_t rv;
    char inner[32];
    char head[64];

    apr_snprintf(inner, sizeof(inner), "%" APR_OFF_T_FMT ":", size);
    apr_snprintf(head, sizeof(head), "%" APR_OFF_T_FMT ":%s",
                 (apr_off_t)strlen(inner) + size + 1
                     + (apr_off_t)forward->addrs_len,
                 inner);
    rv = qp_peer_puts(forward->peer, head);
    if (rv == APR_SUCCESS) {
        rv = send_message(forward, size);
    }
    if (rv == APR_SUCCESS) {
        rv = qp_peer_puts(forward->peer, ",");
    }
    if (rv == APR_SUCCESS) {
        rv = qp_peer_write(forward->peer, forward->addrs, forward->addrs_len);
    }
    if (rv == APR_SUCCESS) {
        rv = qp_peer_puts(forward->peer, ",");
    }
    return rv;
}

/* Looks at what has come of the answer, a netstring that is not empty.
 * @return APR_EAGAIN: there is more to come; APR_SUCCESS: it is all there, and
 * is now the text alone */
static apr_status_t judge_answer(struct forward *forward)
{
    const char *answer = forward->answer;
    apr_size_t have = forward->answer_len;
    apr_size_t want = 0;
    apr_size_t i;

    for (i = 0; i < have && apr_isdigit(answer[i]); i++) {
        want = 10 * want + (apr_size_t)(answer[i] - '0');
        if (i + 1 + want + 2 > ANSWER_MAX) {
            return qp_peer_fail(forward->peer, "it is too long");
        }
    }
    if (i == have) {
        return APR_EAGAIN;
    }
    if (answer[i] != ':' || want == 0) {
        return qp_peer_fail(forward->peer, "it is no QMQP");
    }
    if (have < i + 1 + want + 1) {
        return APR_EAGAIN;
    }
    if (answer[i + 1 + want] != ',') {
        return qp_peer_fail(forward->peer, "it is no QMQP");
    }
    memmove(forward->answer, answer + i + 1, want);
    forward->answer[want] = '\0';
    forward->answer_len = want;
    return APR_SUCCESS;
}

static apr_status_t read_answer(struct forward *forward)
{
    apr_status_t rv;
    apr_size_t n;

    while ((rv = judge_answer(forward)) == APR_EAGAIN) {
        rv = qp_peer_read(forward->peer, forward->answer + forward->answer_len,
                          ANSWER_MAX - forward->answer_len, &n);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        forward->answer_len += n;
    }
    return rv;
}

/* Behind the connect the host's deadline is enough: it cancels the job. */
static apr_status_t run_forward(qp_job *job, void *baton)
{
    struct forward *forward = baton;
    apr_status_t rv;

    forward->peer = qp_peer_create(job, qp_job_pool(job));
    qp_peer_deadline(forward->peer, forward->connect_timeout);
    rv = qp_peer_connect(forward->peer, forward->host, forward->port);
    qp_peer_deadline(forward->peer, 0);
    if (rv == APR_SUCCESS) {
        rv = send_package(forward);
    }
    if (rv == APR_SUCCESS) {
        rv = read_answer(forward);
    }
    qp_peer_close(forward->peer);
    return rv;
}

/* The session: it starts the job, and makes an answer of what comes of it.  */

static void add_netstring(apr_array_header_t *addrs, const char *text)
{
    APR_ARRAY_PUSH(addrs, const char *) =
        apr_psprintf(addrs->pool, "%lu:%s,", (unsigned long)strlen(text), text);
}

static void add_envelope(qp_session *qp, struct forward *forward,
                         apr_pool_t *pool)
{
    qp_txn *txn = qp_transaction(qp);
    const apr_array_header_t *rcpts = qp_txn_rcpts(txn);
    apr_array_header_t *addrs =
        apr_array_make(pool, rcpts->nelts + 1, sizeof(const char *));
    const char *me = qp_config_first(qp, "me");
    int i;

    add_netstring(addrs, queue_address(qp_txn_sender(txn), me, pool));
    for (i = 0; i < rcpts->nelts; i++) {
        add_netstring(addrs,
                      queue_address(APR_ARRAY_IDX(rcpts, i, const qp_addr *),
                                    me, pool));
    }
    forward->addrs = apr_array_pstrcat(pool, addrs, '\0');
    forward->addrs_len = strlen(forward->addrs);
}

static qp_wait *start_forward(const qp_plugin *self, qp_session *qp,
                              struct forward **out)
{
    const struct opts *opt = qp_opts(self);
    qp_job *job = qp_job_create(qp, qp_pool(qp));
    apr_pool_t *pool = qp_job_pool(job);
    struct forward *forward = apr_pcalloc(pool, sizeof(*forward));

    forward->host = apr_pstrdup(pool, opt->host);
    forward->port = opt->port;
    forward->connect_timeout = opt->connect_timeout;
    forward->reader = qp_txn_reader(qp_transaction(qp),
                                    QP_READ_MESSAGE | QP_READ_DETACHED, pool);
    add_envelope(qp, forward, pool);
    qp_log(self, qp, QP_LOG_DEBUG, "forwarding to %s:%d", forward->host,
           forward->port);
    *out = forward;
    return qp_job_start(job, run_forward, forward);
}

/* The server's words go to the client as one line of text. */
static const char *clean_text(struct forward *forward)
{
    char *text = forward->answer + 1;
    apr_size_t len = forward->answer_len - 1;
    apr_size_t i;

    if (len > TEXT_MAX) {
        len = TEXT_MAX;
    }
    for (i = 0; i < len; i++) {
        if (!apr_isprint(text[i])) {
            text[i] = ' ';
        }
    }
    text[len] = '\0';
    return text;
}

static qp_rc give_up(const qp_plugin *self, qp_session *qp,
                     const struct forward *forward)
{
    const char *why = forward->why;

    if (why == NULL) {
        why = forward->peer != NULL ? qp_peer_error(forward->peer)
                                    : "too many messages wait already";
    }
    qp_error(self, qp, "%s", why);
    return qp_return_dsn(qp, QP_DECLINED, 4, 1,
                         "The message could not be forwarded");
}

static qp_rc judge_verdict(const qp_plugin *self, qp_session *qp,
                           struct forward *forward)
{
    const char *id = qp_txn_id(qp_transaction(qp));
    const char *text = clean_text(forward);

    switch (forward->answer[0]) {
    case 'K':
        qp_pass(self, qp, "message %s queued by %s: %s", id, forward->host,
                text);
        return qp_return(qp, QP_OK, "queued: %s", text);
    case 'Z':
        qp_fail(self, qp, "message %s deferred by %s: %s", id, forward->host,
                text);
        return qp_return(qp, QP_DENYSOFT, "deferred: %s", text);
    case 'D':
        qp_fail(self, qp, "message %s denied by %s: %s", id, forward->host,
                text);
        return qp_return(qp, QP_DENY, "denied: %s", text);
    default:
        forward->why = apr_psprintf(qp_pool(qp),
                                    "cannot use the answer of %s: it is "
                                    "neither K nor Z nor D",
                                    qp_peer_name(forward->peer));
        return give_up(self, qp, forward);
    }
}

static qp_rc hook_queue(const qp_plugin *self, qp_session *qp,
                        const qp_data_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);
    apr_status_t rv;

    if (txn->done == NULL) {
        txn->done = start_forward(self, qp, &txn->forward);
    }
    if (!qp_ready(txn->done)) {
        return qp_await(qp, txn->done);
    }
    rv = qp_wait_status(txn->done);
    return rv == APR_SUCCESS ? judge_verdict(self, qp, txn->forward)
                             : give_up(self, qp, txn->forward);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);

    if (opt->host == NULL) {
        return "host: the QMQP server has to be given";
    }
    if (opt->host[0] == '\0'
        || strspn(opt->host, HOST_CHARS) != strlen(opt->host)) {
        return apr_psprintf(pconf,
                            "host: \"%s\" is no name or address: letters, "
                            "digits and _-.: only",
                            opt->host);
    }
    return NULL;
}

QP_PLUGIN(queue_qmqp_forward) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .setup = setup,
    .hooks.queue = hook_queue,
};
