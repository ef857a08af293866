/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands messages to qmail-queue, or to a program that is called in its place.
 * What it keeps lives as long as the job that runs the program.

=pod

=head1 NAME

queue/qmail-queue - put messages into qmail's queue

=head1 SYNOPSIS

In F<config/plugins>:

    queue/qmail-queue
    queue/qmail-queue /usr/local/bin/qmail-scanner timeout 2m

=head1 DESCRIPTION

For each message the program is started, without a shell. It reads the message
from descriptor 0, and from descriptor 1 the envelope: C<F>, the sender, NUL;
for each recipient C<T>, the address, NUL; and a last NUL. Its exit status
becomes the answer to the client:

=over 4

=item 0

250: the message is in the queue. If the program has ended without reading a
message that is larger than a pipe holds (64 KiB), it is 452.

=item 11 to 40

552: the message is refused for good.

=item everything else, also a signal

452: not now.

=back

If the program cannot be started, the next queue plugin is asked; if there is
none, the client is answered 451. When C<timeout> is over, it is killed with all
that it has started, and the client is answered 452.

It gets no other descriptors but stderr, and no environment but C<PATH>. The
domain of a recipient without one is config C<me>.

=head1 CONFIGURATION

=over 4

=item program

The path of the program. It may be given without its name, as the first word.
The default is F</var/qmail/bin/qmail-queue>.

=item timeout

How long it may take. The default is 1m.

=back

=head1 DIAGNOSTICS

=over 4

=item queue/qmail-queue: pass, message I<ID> queued

=item queue/qmail-queue: fail, message I<ID> refused: exit status I<N> I<TEXT>

=item queue/qmail-queue: error, message I<ID> not queued: I<WHY> I<TEXT>

The program did not say that it is queued; I<TEXT> is what it wrote to stderr.

=item queue/qmail-queue: error, cannot start I<PROGRAM>: I<WHY>

=item queue/qmail-queue: error, too many messages wait already

=back

=head1 SEE ALSO

L<queue/pipe>, L<queue/qmqp-forward>, L<qmail-queue(8)>

=cut

*/

#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"
#include "queue_addr.h"
#include "queue_proc.h"

struct opts {
    const char *program;
};

static const qp_opt opt_table[] = {
    QP_OPT_WORD_STR(1, struct opts, program, "program",
                    "/var/qmail/bin/qmail-queue"),
    QP_OPT_DEFAULT("timeout", "1m"),
    QP_OPT_END,
};

/* In the job's pool. */
struct queuing {
    const char *argv[2];
    qp_proc proc;
};

struct txn {
    struct queuing *queuing;
    qp_wait *done;
};

static apr_status_t run_program(qp_job *job, void *baton)
{
    struct queuing *queuing = baton;

    return qp_proc_run(job, &queuing->proc, QUEUE_LONGEST);
}

static char *add_address(char *to, char mark, const char *address)
{
    apr_size_t len = strlen(address) + 1;

    *to++ = mark;
    memcpy(to, address, len);
    return to + len;
}

/* F sender NUL *( T recipient NUL ) NUL */
static void add_envelope(qp_session *qp, qp_proc_feed *feed, apr_pool_t *pool)
{
    const apr_array_header_t *rcpts = qp_txn_rcpts(qp_transaction(qp));
    const char *me = qp_config_first(qp, "me");
    const char *sender =
        queue_address(qp_txn_sender(qp_transaction(qp)), me, pool);
    const char **list =
        apr_palloc(pool, (apr_size_t)(rcpts->nelts + 1) * sizeof(*list));
    apr_size_t len = strlen(sender) + 3;
    char *text;
    char *to;
    int i;

    for (i = 0; i < rcpts->nelts; i++) {
        list[i] =
            queue_address(APR_ARRAY_IDX(rcpts, i, const qp_addr *), me, pool);
        len += strlen(list[i]) + 2;
    }
    text = apr_palloc(pool, len);
    to = add_address(text, 'F', sender);
    for (i = 0; i < rcpts->nelts; i++) {
        to = add_address(to, 'T', list[i]);
    }
    *to = '\0';
    feed->fd = 1;
    feed->text = text;
    feed->len = len;
}

static qp_wait *start_queuing(const qp_plugin *self, qp_session *qp,
                              struct queuing **out)
{
    const struct opts *opt = qp_opts(self);
    qp_job *job = qp_job_create(qp, qp_pool(qp));
    apr_pool_t *pool = qp_job_pool(job);
    struct queuing *queuing = apr_pcalloc(pool, sizeof(*queuing));

    queuing->argv[0] = opt->program;
    queuing->proc.argv = queuing->argv;
    queuing->proc.feeds[0].reader =
        qp_txn_reader(qp_transaction(qp), QP_READ_MESSAGE | QP_READ_DETACHED,
                      pool);
    add_envelope(qp, &queuing->proc.feeds[1], pool);
    *out = queuing;
    return qp_job_start(job, run_program, queuing);
}

static qp_rc judge_end(const qp_plugin *self, qp_session *qp,
                       const qp_proc *proc)
{
    const char *id = qp_txn_id(qp_transaction(qp));

    if (queue_is_taken(self, qp, proc)) {
        return qp_return(qp, QP_OK, "queued");
    }
    if (proc->exit >= 11 && proc->exit <= 40) {
        qp_fail(self, qp, "message %s refused: exit status %d %s", id,
                proc->exit, proc->err);
        return qp_return_dsn(qp, QP_DENY, 3, 0, "The message is refused");
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

    return queue_check_program("program", opt->program, pconf);
}

QP_PLUGIN(queue_qmail_queue) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .setup = setup,
    .hooks.queue = hook_queue,
};
