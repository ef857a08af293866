/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands messages to Exim as batched SMTP. What it keeps lives as long as the
 * job that runs Exim.

=pod

=head1 NAME

queue/exim-bsmtp - hand messages to Exim

=head1 SYNOPSIS

In F<config/plugins>:

    queue/exim-bsmtp
    queue/exim-bsmtp /usr/sbin/exim4 timeout 2m

=head1 DESCRIPTION

For each message Exim is started, without a shell, with the argument C<-bS>. It
reads the envelope and the message from stdin, as a batch of SMTP commands: all
recipients get the message, or none does. What comes of it becomes the answer to
the client:

=over 4

=item exit status 0

250: Exim has the message. If it has ended without reading all of a message that
is larger than a pipe holds (64 KiB), it is 452.

=item exit status 2, and Exim says 500 to 599

552, with the words of Exim: the message is refused for good.

=item exit status 2, and Exim says 400 to 499

452, with the words of Exim.

=item everything else, also a signal

452: not now.

=back

If Exim cannot be started, the next queue plugin is asked; if there is none, the
client is answered 451. When C<timeout> is over, Exim is killed with all that it
has started, and the client is answered 452.

Exim believes the sender only if the user as which httpd runs is one of its
C<trusted_users>. Recipients without a domain are left as they are: Exim has
C<qualify_recipient> for them. It reads neither C<acl_smtp_mail> nor the other
rules for SMTP; C<acl_not_smtp> is the one it looks at.

Lines end with CR LF, and a CR within a line becomes a blank. Exim gets stdin,
stdout and stderr, no other descriptor, and no environment but C<PATH>.

=head1 CONFIGURATION

=over 4

=item exim_path

The path of Exim. It may be given without its name, as the first word. The
default is F</usr/sbin/rsmtp>.

=item timeout

How long it may take. The default is 1m.

=back

=head1 DIAGNOSTICS

=over 4

=item queue/exim-bsmtp: pass, message I<ID> queued

=item queue/exim-bsmtp: fail, message I<ID> refused: I<CODE> I<TEXT>

=item queue/exim-bsmtp: error, message I<ID> not queued: I<WHY> I<TEXT>

Exim did not say what is wrong with the message; I<TEXT> is what it wrote to
stderr.

=item queue/exim-bsmtp: error, cannot start I<PROGRAM>: I<WHY>

=item queue/exim-bsmtp: error, too many messages wait already

=back

=head1 SEE ALSO

L<queue/pipe>, L<queue/smtp-forward>, L<exim(8)>

=cut

*/

#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"
#include "queue_proc.h"
#include "smtp_line.h"

struct opts {
    const char *program;
};

static const qp_opt opt_table[] = {
    QP_OPT_WORD_STR(1, struct opts, program, "exim_path", "/usr/sbin/rsmtp"),
    QP_OPT_DEFAULT("timeout", "1m"),
    QP_OPT_END,
};

/* Octets of the batch that are made at once. */
#define PIECE     8192
/* What Exim's exit status is when it has refused the only message. */
#define NONE_DONE 2

/* Where in the batch we are. */
typedef enum batch_part { PART_ENVELOPE, PART_MESSAGE, PART_END } batch_part;

/* The batch as it is made; in the job's pool. */
struct batch {
    batch_part part;
    const char *envelope;
    qp_reader *reader;
    const char *block; /* of the reader: what is left of it */
    apr_size_t block_len;
    int at_start; /* of a line */
    apr_size_t len;
    char piece[PIECE];
};

/* In the job's pool. */
struct queuing {
    const char *argv[3];
    struct batch batch;
    qp_proc proc;
};

struct txn {
    struct queuing *queuing;
    qp_wait *done;
};

/* The batch. -------------------------------------------------------------- */

static void add_octet(struct batch *batch, char octet)
{
    batch->piece[batch->len++] = octet;
}

/* A dot that begins a line is doubled (RFC 5321 4.5.2). Exim would take a CR
 * alone for the end of a line, and with a dot behind it for that of the
 * message. It takes at most two octets. */
static void stuff_octet(struct batch *batch, char octet)
{
    if (octet == '\n') {
        add_octet(batch, '\r');
    }
    else if (octet == '.' && batch->at_start) {
        add_octet(batch, '.');
    }
    add_octet(batch, octet);
    if (octet == '\r') {
        batch->piece[batch->len - 1] = ' ';
    }
    batch->at_start = octet == '\n';
}

static apr_status_t fill_piece(struct batch *batch)
{
    apr_status_t rv = APR_SUCCESS;

    while (batch->len + 2 <= PIECE) {
        if (batch->block_len == 0) {
            rv = qp_reader_block(batch->reader, &batch->block,
                                 &batch->block_len);
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        stuff_octet(batch, *batch->block++);
        batch->block_len--;
    }
    return rv;
}

static apr_status_t end_batch(struct batch *batch, const char **data,
                              apr_size_t *len)
{
    *data = batch->at_start ? ".\r\nQUIT\r\n" : "\r\n.\r\nQUIT\r\n";
    *len = strlen(*data);
    batch->part = PART_END;
    return APR_SUCCESS;
}

static apr_status_t next_piece(void *baton, const char **data, apr_size_t *len)
{
    struct batch *batch = baton;
    apr_status_t rv;

    if (batch->part == PART_END) {
        return APR_EOF;
    }
    if (batch->part == PART_ENVELOPE) {
        *data = batch->envelope;
        *len = strlen(batch->envelope);
        batch->part = PART_MESSAGE;
        return APR_SUCCESS;
    }
    batch->len = 0;
    rv = fill_piece(batch);
    if (!APR_STATUS_IS_EOF(rv) && rv != APR_SUCCESS) {
        return rv;
    }
    if (batch->len == 0) {
        return end_batch(batch, data, len);
    }
    *data = batch->piece;
    *len = batch->len;
    return APR_SUCCESS;
}

/* What the job gets. ------------------------------------------------------ */

static apr_status_t run_exim(qp_job *job, void *baton)
{
    struct queuing *queuing = baton;

    return qp_proc_run(job, &queuing->proc, QUEUE_LONGEST);
}

static const char *make_envelope(qp_session *qp, apr_pool_t *pool)
{
    const qp_txn *txn = qp_transaction(qp);
    const apr_array_header_t *rcpts = qp_txn_rcpts(txn);
    const char *me = qp_config_first(qp, "me");
    apr_array_header_t *lines =
        apr_array_make(pool, rcpts->nelts + 2, sizeof(const char *));
    int i;

    APR_ARRAY_PUSH(lines, const char *) =
        apr_pstrcat(pool, "EHLO ", me != NULL ? me : "localhost",
                    "\r\nMAIL FROM:", qp_addr_format(qp_txn_sender(txn), pool),
                    qp_txn_is_smtputf8(txn) ? " SMTPUTF8\r\n" : "\r\n", NULL);
    for (i = 0; i < rcpts->nelts; i++) {
        APR_ARRAY_PUSH(lines, const char *) =
            apr_pstrcat(pool, "RCPT TO:",
                        qp_addr_format(APR_ARRAY_IDX(rcpts, i, const qp_addr *),
                                       pool),
                        "\r\n", NULL);
    }
    APR_ARRAY_PUSH(lines, const char *) = "DATA\r\n";
    return apr_array_pstrcat(pool, lines, '\0');
}

static qp_wait *start_queuing(const qp_plugin *self, qp_session *qp,
                              struct queuing **out)
{
    const struct opts *opt = qp_opts(self);
    qp_job *job = qp_job_create(qp, qp_pool(qp));
    apr_pool_t *pool = qp_job_pool(job);
    struct queuing *queuing = apr_pcalloc(pool, sizeof(*queuing));

    queuing->argv[0] = opt->program;
    queuing->argv[1] = "-bS";
    queuing->batch.at_start = 1;
    queuing->batch.envelope = make_envelope(qp, pool);
    queuing->batch.reader =
        qp_txn_reader(qp_transaction(qp), QP_READ_MESSAGE | QP_READ_DETACHED,
                      pool);
    queuing->proc.argv = queuing->argv;
    queuing->proc.feeds[0].next = next_piece;
    queuing->proc.feeds[0].baton = &queuing->batch;
    *out = queuing;
    return qp_job_start(job, run_exim, queuing);
}

/* What comes of it. ------------------------------------------------------- */

/* Exim's stdout begins with the reply that would have gone to a client.
 * @return whether it is a refusal */
static int find_refusal(const qp_proc *proc, smtp_reply *reply)
{
    apr_size_t len = strcspn(proc->out, "\r\n");
    char line[QP_PROC_TEXT + 1];
    int is_last;

    memset(reply, 0, sizeof(*reply));
    if (proc->exit != NONE_DONE) {
        return 0;
    }
    memcpy(line, proc->out, len);
    line[len] = '\0';
    return take_line(reply, line, len, &is_last) && reply->code >= 400;
}

static qp_rc judge_end(const qp_plugin *self, qp_session *qp,
                       const qp_proc *proc)
{
    const char *id = qp_txn_id(qp_transaction(qp));
    smtp_reply reply;

    if (queue_is_taken(self, qp, proc)) {
        return qp_return(qp, QP_OK, "queued");
    }
    if (find_refusal(proc, &reply)) {
        qp_fail(self, qp, "message %s refused: %d %s", id, reply.code,
                reply.text);
        return qp_return_dsn(qp, reply.code >= 500 ? QP_DENY : QP_DENYSOFT,
                             reply.subject, reply.detail, "%s", reply.text);
    }
    return queue_defer(self, qp, proc);
}

static qp_rc hook_queue(const qp_plugin *self, qp_session *qp,
                        const qp_data_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);

    if (txn->done == NULL) {
        txn->done = start_queuing(self, qp, &txn->queuing);
    }
    return queue_follow(self, qp, txn->done, &txn->queuing->proc, judge_end);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);

    return queue_check_program("exim_path", opt->program, pconf);
}

QP_PLUGIN(queue_exim_bsmtp) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .setup = setup,
    .hooks.queue = hook_queue,
};
