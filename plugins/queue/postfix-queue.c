/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts messages into Postfix's queue. What it keeps lives as long as the job
 * that talks to Postfix.

=pod

=head1 NAME

queue/postfix-queue - put messages into Postfix's queue

=head1 SYNOPSIS

In F<config/plugins>:

    queue/postfix-queue FLAG_MASK_EXTERNAL
    queue/postfix-queue /var/spool/postfix-in/public/cleanup FLAG_HOLD

=head1 DESCRIPTION

Each message is given to Postfix's cleanup(8) on the same host, as Postfix's own
smtpd(8) does it: by a socket in the file system, and before the client is
answered. Postfix takes a message for all its recipients or for none. What it
says becomes the answer to the client:

=over 4

=item it is in the queue

250, with the id that Postfix has given it.

=item the message is too large, goes round in circles, or is refused by header
and body checks or a milter

552; if a check says so, 452.

=item all else

452: not now.

=back

When Postfix cannot be reached, or what speaks at the socket is no cleanup(8),
the next queue plugin is asked; if there is none, the client is answered 451.
When it goes away after it has all of the message, nobody knows whether the
message is in the queue: the client is answered 452, and tries again.

The socket is in a folder for the group C<postdrop> alone; the user as which
httpd runs has to be in it. This is a protocol within Postfix, which is not made
for others, and may change with any version of it. 3.7 is what it is tested
with. L<queue/smtp-forward> and L<queue/lmtp> do not have these restrictions.

Recipients without a domain are left as they are, and Postfix adds its
C<myorigin>. The parameters of DSN (NOTIFY, RET, ENVID, ORCPT) are not handed
on.

=head1 CONFIGURATION

=over 4

=item socket

The path of the socket. It may be given without its name, as the first word.
Without it, config C<cleanup_sockets> has paths, a line each, which are tried
one after the other; if there is none, it is
F</var/spool/postfix/public/cleanup>.

=item FLAG_FILTER

The header and body checks of Postfix are applied.

=item FLAG_BCC_OK

The maps that add recipients are: C<always_bcc>, C<sender_bcc_maps>,
C<recipient_bcc_maps>.

=item FLAG_MAP_OK

The maps that change addresses are, such as C<virtual_alias_maps>.

=item FLAG_MILTER

The milters in C<non_smtpd_milters> are.

=item FLAG_MASK_EXTERNAL

All four, as for mail that Postfix gets from others. Without any flag none is.

=item FLAG_HOLD

Messages are put on hold.

=item timeout

How long it may take. The default is 1m.

=back

=head1 DIAGNOSTICS

=over 4

=item queue/postfix-queue: pass, message I<ID> queued as I<QUEUE-ID>

=item queue/postfix-queue: fail, message I<ID> refused as I<QUEUE-ID>: I<TEXT>

=item queue/postfix-queue: error, message I<ID> not queued as I<QUEUE-ID>: I<TEXT>

Postfix could not queue it; its own log says why.

=item queue/postfix-queue: error, cannot I<DO SOMETHING> I<SOCKET>: I<WHY>

With C<; it may have the message> behind it, if it may.

=item queue/postfix-queue: error, cannot read the message

=item queue/postfix-queue: error, too many messages wait already

=back

=head1 SEE ALSO

L<queue/smtp-forward>, L<queue/lmtp>, L<cleanup(8)>

=cut

*/

#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"
#include "queue_addr.h"
#include "postfix_attr.h"
#include "smtp_line.h"

struct opts {
    const char *socket;
    int filter, bcc, map, milter, external, hold;
};

static const qp_opt opt_table[] = {
    QP_OPT_WORD_STR(1, struct opts, socket, "socket", NULL),
    QP_OPT_FLAG(struct opts, filter, "FLAG_FILTER"),
    QP_OPT_FLAG(struct opts, bcc, "FLAG_BCC_OK"),
    QP_OPT_FLAG(struct opts, map, "FLAG_MAP_OK"),
    QP_OPT_FLAG(struct opts, milter, "FLAG_MILTER"),
    QP_OPT_FLAG(struct opts, external, "FLAG_MASK_EXTERNAL"),
    QP_OPT_FLAG(struct opts, hold, "FLAG_HOLD"),
    QP_OPT_DEFAULT("timeout", "1m"),
    QP_OPT_END,
};

#define DEFAULT_SOCKET  "/var/spool/postfix/public/cleanup"
#define CONNECT_TIMEOUT apr_time_from_sec(10)
/* Octets of a line in one record, as Postfix's smtpd has it. */
#define LINE_PART       2048

/* What cleanup is to do. */
enum {
    CLEANUP_FILTER = 1 << 1,
    CLEANUP_HOLD = 1 << 2,
    CLEANUP_BCC_OK = 1 << 4,
    CLEANUP_MAP_OK = 1 << 5,
    CLEANUP_MILTER = 1 << 6,
    CLEANUP_SMTPUTF8 = 1 << 8
};
#define CLEANUP_EXTERNAL                                                       \
    (CLEANUP_FILTER | CLEANUP_BCC_OK | CLEANUP_MAP_OK | CLEANUP_MILTER)

/* What it says in its status that is about the message. The first one that is
 * set counts; no other bit is about the message. */
static const struct {
    int bit;
    const char *reply;
} refusals[] = {
    { 1 << 3, "550 5.7.1 The message is refused" },
    { 1 << 2, "552 5.3.4 The message is too large" },
    { 1 << 4, "554 5.4.6 Too many hops" },
    { 1 << 8, "451 4.7.1 The message is deferred" },
};

/* One message on its way; in the job's pool. */
struct handover {
    apr_array_header_t *sockets; /* of const char * */
    int flags;
    const char *sender;
    apr_array_header_t *rcpts; /* of const char * */
    const char *arrival;
    int is_8bit;
    qp_reader *reader;
    qp_peer *peer;
    const char *why; /* what went wrong, if it was not the peer */
    int is_sent;     /* all of it */
    cleanup_hello hello;
    cleanup_answer answer;
};

struct txn {
    struct handover *handover;
    qp_wait *done;
};

/* The job: it talks to Postfix, and does not see the session. ------------- */

static apr_status_t connect_one(struct handover *handover)
{
    apr_status_t rv = APR_EGENERAL;
    int i;

    for (i = 0; i < handover->sockets->nelts && rv != APR_SUCCESS; i++) {
        qp_peer_deadline(handover->peer, CONNECT_TIMEOUT);
        rv = qp_peer_connect_unix(handover->peer,
                                  APR_ARRAY_IDX(handover->sockets, i,
                                                const char *));
        if (rv == APR_SUCCESS) {
            rv = read_hello(handover->peer, &handover->hello);
        }
    }
    qp_peer_deadline(handover->peer, 0);
    return rv;
}

static apr_status_t send_envelope(struct handover *handover)
{
    qp_peer *peer = handover->peer;
    apr_status_t rv = put_flags(peer, handover->flags);
    int i;

    if (rv == APR_SUCCESS) {
        rv = put_text(peer, RECORD_TIME, handover->arrival);
    }
    if (rv == APR_SUCCESS && handover->is_8bit) {
        rv = put_text(peer, RECORD_ATTR, "encoding=8bit");
    }
    if (rv == APR_SUCCESS) {
        rv = put_text(peer, RECORD_FROM, handover->sender);
    }
    for (i = 0; i < handover->rcpts->nelts && rv == APR_SUCCESS; i++) {
        rv = put_text(peer, RECORD_RCPT,
                      APR_ARRAY_IDX(handover->rcpts, i, const char *));
    }
    return rv == APR_SUCCESS ? put_text(peer, RECORD_MESG, "") : rv;
}

/* A line that is longer than a part comes in several. */
typedef struct liner {
    qp_peer *peer;
    apr_size_t len;
    int is_within; /* a part of the line is sent */
    char part[LINE_PART];
} liner;

static apr_status_t put_part(liner *line, char type)
{
    apr_status_t rv = put_record(line->peer, type, line->part, line->len);

    line->len = 0;
    line->is_within = type == RECORD_CONT;
    return rv;
}

static apr_status_t put_block(liner *line, const char *data, apr_size_t len)
{
    const char *end = data + len;
    apr_status_t rv = APR_SUCCESS;
    const char *lf;
    apr_size_t n;

    while (data < end && rv == APR_SUCCESS) {
        if (line->len == LINE_PART && *data != '\n') {
            rv = put_part(line, RECORD_CONT);
        }
        n = LINE_PART - line->len;
        n = (apr_size_t)(end - data) < n ? (apr_size_t)(end - data) : n;
        lf = memchr(data, '\n', n);
        n = lf != NULL ? (apr_size_t)(lf - data) : n;
        memcpy(line->part + line->len, data, n);
        line->len += n;
        data += n;
        if (data < end && *data == '\n' && rv == APR_SUCCESS) {
            rv = put_part(line, RECORD_NORM);
            data++;
        }
    }
    return rv;
}

static apr_status_t send_message(struct handover *handover)
{
    liner line = { .peer = handover->peer };
    apr_status_t rv = APR_SUCCESS;
    const char *data;
    apr_size_t len;

    while (rv == APR_SUCCESS) {
        rv = qp_reader_block(handover->reader, &data, &len);
        if (APR_STATUS_IS_EOF(rv)) {
            break;
        }
        if (rv != APR_SUCCESS) {
            handover->why = "cannot read the message";
            return rv;
        }
        rv = put_block(&line, data, len);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    if (line.len > 0 || line.is_within) {
        return put_part(&line, RECORD_NORM);
    }
    return APR_SUCCESS;
}

static apr_status_t run_handover(qp_job *job, void *baton)
{
    struct handover *handover = baton;
    apr_status_t rv;

    handover->peer = qp_peer_create(job, qp_job_pool(job));
    rv = connect_one(handover);
    if (rv == APR_SUCCESS) {
        rv = send_envelope(handover);
    }
    if (rv == APR_SUCCESS) {
        rv = send_message(handover);
    }
    if (rv == APR_SUCCESS) {
        rv = put_text(handover->peer, RECORD_XTRA, "");
    }
    if (rv == APR_SUCCESS) {
        rv = put_text(handover->peer, RECORD_END, "");
    }
    if (rv == APR_SUCCESS) {
        handover->is_sent = 1;
        rv = read_answer(handover->peer, &handover->answer);
    }
    qp_peer_close(handover->peer);
    return rv;
}

/* The session: it starts the job, and makes an answer of what comes of it.  */

static int flags_of(const struct opts *opt, const qp_txn *txn)
{
    return (opt->filter ? CLEANUP_FILTER : 0) | (opt->bcc ? CLEANUP_BCC_OK : 0)
           | (opt->map ? CLEANUP_MAP_OK : 0)
           | (opt->milter ? CLEANUP_MILTER : 0)
           | (opt->external ? CLEANUP_EXTERNAL : 0)
           | (opt->hold ? CLEANUP_HOLD : 0)
           | (qp_txn_is_smtputf8(txn) ? CLEANUP_SMTPUTF8 : 0);
}

static void add_sockets(const struct opts *opt, qp_session *qp,
                        struct handover *handover, apr_pool_t *pool)
{
    const apr_array_header_t *lines = qp_config(qp, "cleanup_sockets");
    int i;

    handover->sockets =
        apr_array_make(pool, lines->nelts + 1, sizeof(const char *));
    if (opt->socket != NULL || lines->nelts == 0) {
        APR_ARRAY_PUSH(handover->sockets, const char *) =
            apr_pstrdup(pool,
                        opt->socket != NULL ? opt->socket : DEFAULT_SOCKET);
        return;
    }
    for (i = 0; i < lines->nelts; i++) {
        APR_ARRAY_PUSH(handover->sockets, const char *) =
            apr_pstrdup(pool, APR_ARRAY_IDX(lines, i, const char *));
    }
}

static void add_envelope(const qp_txn *txn, struct handover *handover,
                         apr_pool_t *pool)
{
    const apr_array_header_t *rcpts = qp_txn_rcpts(txn);
    const char *body = apr_table_get(qp_txn_mail_params(txn), "body");
    apr_time_t now = apr_time_now();
    int i;

    handover->arrival =
        apr_psprintf(pool, "%" APR_TIME_T_FMT " %" APR_TIME_T_FMT,
                     apr_time_sec(now), (apr_time_t)apr_time_usec(now));
    handover->is_8bit = body != NULL && strcasecmp(body, "8BITMIME") == 0;
    handover->sender = queue_address(qp_txn_sender(txn), NULL, pool);
    handover->rcpts = apr_array_make(pool, rcpts->nelts, sizeof(const char *));
    for (i = 0; i < rcpts->nelts; i++) {
        APR_ARRAY_PUSH(handover->rcpts, const char *) =
            queue_address(APR_ARRAY_IDX(rcpts, i, const qp_addr *), NULL, pool);
    }
}

static qp_wait *start_handover(const qp_plugin *self, qp_session *qp,
                               struct handover **out)
{
    const struct opts *opt = qp_opts(self);
    qp_txn *txn = qp_transaction(qp);
    qp_job *job = qp_job_create(qp, qp_pool(qp));
    apr_pool_t *pool = qp_job_pool(job);
    struct handover *handover = apr_pcalloc(pool, sizeof(*handover));

    handover->flags = flags_of(opt, txn);
    handover->reader =
        qp_txn_reader(txn, QP_READ_MESSAGE | QP_READ_DETACHED, pool);
    add_sockets(opt, qp, handover, pool);
    add_envelope(txn, handover, pool);
    *out = handover;
    return qp_job_start(job, run_handover, handover);
}

static qp_rc give_up(const qp_plugin *self, qp_session *qp,
                     const struct handover *handover)
{
    const char *why = handover->why;

    if (why == NULL) {
        why = handover->peer != NULL ? qp_peer_error(handover->peer)
                                     : "too many messages wait already";
    }
    if (handover->is_sent) {
        qp_error(self, qp, "%s; it may have the message", why);
        return qp_return_dsn(qp, QP_DENYSOFT, 4, 2, "No answer from Postfix");
    }
    qp_error(self, qp, "%s", why);
    return qp_return_dsn(qp, QP_DECLINED, 3, 0,
                         "The message could not be queued");
}

/* Postfix's reason may have a status of its own in front, which says whether
 * it is for good. @return whether the status is about the message */
static int find_refusal(const cleanup_answer *answer, smtp_reply *reply)
{
    const char *usual = NULL;
    char line[CLEANUP_VALUE_MAX + 8];
    apr_size_t i;
    int is_last;

    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (usual == NULL && (answer->status & refusals[i].bit)) {
            usual = refusals[i].reply;
        }
    }
    memset(reply, 0, sizeof(*reply));
    if (usual == NULL) {
        return 0;
    }
    if (answer->reason[0] == '4' || answer->reason[0] == '5') {
        apr_snprintf(line, sizeof(line), "%c50 %s", answer->reason[0],
                     answer->reason);
        usual = line;
    }
    return take_line(reply, usual, strlen(usual), &is_last);
}

static qp_rc judge_answer(const qp_plugin *self, qp_session *qp,
                          const struct handover *handover)
{
    const char *id = qp_txn_id(qp_transaction(qp));
    const char *queue_id = handover->hello.queue_id;
    const cleanup_answer *answer = &handover->answer;
    smtp_reply reply;

    if (answer->status == 0) {
        qp_pass(self, qp, "message %s queued as %s", id, queue_id);
        return qp_return(qp, QP_OK, "queued as %s", queue_id);
    }
    if (find_refusal(answer, &reply)) {
        qp_fail(self, qp, "message %s refused as %s: %s", id, queue_id,
                reply.text);
        return qp_return_dsn(qp, reply.code >= 500 ? QP_DENY : QP_DENYSOFT,
                             reply.subject, reply.detail, "%s", reply.text);
    }
    qp_error(self, qp, "message %s not queued as %s: status %d %s", id,
             queue_id, answer->status, answer->reason);
    return qp_return_dsn(qp, QP_DENYSOFT, 3, 0,
                         "The message cannot be queued now");
}

static qp_rc hook_queue(const qp_plugin *self, qp_session *qp,
                        const qp_data_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);

    if (txn->done == NULL) {
        txn->done = start_handover(self, qp, &txn->handover);
    }
    if (!qp_ready(txn->done)) {
        return qp_await(qp, txn->done);
    }
    return qp_wait_status(txn->done) == APR_SUCCESS
               ? judge_answer(self, qp, txn->handover)
               : give_up(self, qp, txn->handover);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);

    if (opt->socket != NULL && opt->socket[0] != '/') {
        return apr_psprintf(pconf, "socket: \"%s\" is no path from /",
                            opt->socket);
    }
    return NULL;
}

QP_PLUGIN(queue_postfix_queue) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .setup = setup,
    .hooks.queue = hook_queue,
};
