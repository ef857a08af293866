/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands messages to a program that delivers them, as sendmail or Dovecot's
 * deliver do. What it keeps lives as long as the job that runs the program.

=pod

=head1 NAME

queue/pipe - hand messages to a program

=head1 SYNOPSIS

In F<config/plugins>:

    queue/pipe /usr/sbin/sendmail -oi -f %s -- %r
    queue/pipe each /usr/lib/dovecot/dovecot-lda -f %s -d %r

=head1 DESCRIPTION

For each message the program is started, without a shell, and reads the message
from stdin, with LF line ends. Of its arguments,

=over 4

=item %r

becomes the recipients, an argument for each,

=item %s

the sender, which is empty for a bounce,

=item %i

the id of the message;

=item %%

begins one that is to begin with C<%>.

=back

They are replaced only where they are the whole argument, and nothing in an
address is special. An address that begins with C<-> is refused (5.1.3, 5.1.7),
because the program might take it for an option.

The exit status, as in F<sysexits.h>, becomes the answer to the client:

=over 4

=item 0

250: delivered. If the program has ended without reading a message that is
larger than a pipe holds (64 KiB), it is 452.

=item 65, 67, 68, 69, 77

552: refused for good (5.6.0, 5.1.1, 5.1.2, 5.3.0, 5.7.1).

=item everything else, also a signal

452: not now.

=back

If the program cannot be started, the next queue plugin is asked; if there is
none, the client is answered 451. When C<timeout> is over, it is killed with all
that it has started, and the client is answered 452.

It gets stdin, stdout, stderr and no other descriptors, and no environment but
C<PATH>.

With C<each> it is started for one recipient after the other. A client that
speaks LMTP is told for each what came of it. One that speaks SMTP has one
answer; when some were delivered and others not, it is told the refusal, and if
it sends the message again, those who have it get it twice.

=head1 CONFIGURATION

=over 4

=item program

The path of the program, and its arguments; without a name.

=item each

Starts the program once for each recipient.

=item timeout

How long all may take. The default is 1m.

=back

=head1 DIAGNOSTICS

=over 4

=item queue/pipe: pass, message I<ID> taken by I<PROGRAM>

=item queue/pipe: fail, message I<ID> refused by I<PROGRAM>: exit status I<N> I<TEXT>

=item queue/pipe: fail, an address begins with -

=item queue/pipe: error, message I<ID> not taken by I<PROGRAM>: I<WHY> I<TEXT>

The program did not say that it is delivered; I<TEXT> is what it wrote to
stderr.

=item queue/pipe: error, cannot start I<PROGRAM>: I<WHY>

=item queue/pipe: error, too many messages wait already

=back

=head1 SEE ALSO

L<queue/qmail-queue>, L<queue/lmtp>, L<queue/maildir>

=cut

*/

#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"
#include "queue_addr.h"
#include "queue_proc.h"

struct opts {
    apr_array_header_t *words;
    int each;
};

static const qp_opt opt_table[] = {
    QP_OPT_REST(struct opts, words, "program"),
    QP_OPT_FLAG(struct opts, each, "each"),
    QP_OPT_DEFAULT("timeout", "1m"),
    QP_OPT_END,
};

/* What an exit status says that is for good (sysexits.h). */
static const struct {
    int exit;
    int subject, detail;
    const char *text;
} refusals[] = {
    { 65, 6, 0, "The message is faulty" },
    { 67, 1, 1, "No such user here" },
    { 68, 1, 2, "No such host" },
    { 69, 3, 0, "The service is not available" },
    { 77, 7, 1, "Not allowed" },
};

/* One run; in the job's pool. */
struct run {
    qp_proc proc;
    int rcpt; /* index; -1: all */
    int has_ended;
};

/* One message on its way; in the job's pool. */
struct delivery {
    qp_reader *reader;
    struct run *runs;
    int nruns;
};

struct txn {
    struct delivery *delivery;
    qp_wait *done;
};

static apr_status_t run_all(qp_job *job, void *baton)
{
    struct delivery *delivery = baton;
    apr_status_t rv = APR_SUCCESS;
    struct run *run;
    int i;

    for (i = 0; i < delivery->nruns && rv == APR_SUCCESS; i++) {
        run = &delivery->runs[i];
        qp_reader_rewind(delivery->reader);
        run->proc.feeds[0].reader = delivery->reader;
        rv = qp_proc_run(job, &run->proc, QUEUE_LONGEST);
        run->has_ended = rv == APR_SUCCESS;
    }
    return i > 1 && !APR_STATUS_IS_EINTR(rv) ? APR_SUCCESS : rv;
}

/* What the job gets. ------------------------------------------------------ */

/* @a only: index of the one recipient, or -1 for all */
static void add_rcpts(const qp_txn *txn, int only, apr_array_header_t *argv)
{
    const apr_array_header_t *rcpts = qp_txn_rcpts(txn);
    int i;

    for (i = 0; i < rcpts->nelts; i++) {
        if (only < 0 || only == i) {
            APR_ARRAY_PUSH(argv, const char *) =
                queue_address(APR_ARRAY_IDX(rcpts, i, const qp_addr *), NULL,
                              argv->pool);
        }
    }
}

static void make_argv(const struct opts *opt, const qp_txn *txn,
                      struct run *run, apr_pool_t *pool)
{
    apr_array_header_t *argv = apr_array_make(pool, 16, sizeof(const char *));
    const char *word;
    int i;

    for (i = 0; i < opt->words->nelts; i++) {
        word = APR_ARRAY_IDX(opt->words, i, const char *);
        if (strcmp(word, "%r") == 0) {
            add_rcpts(txn, run->rcpt, argv);
            continue;
        }
        if (strcmp(word, "%s") == 0) {
            word = queue_address(qp_txn_sender(txn), NULL, pool);
        }
        else if (strcmp(word, "%i") == 0) {
            word = apr_pstrdup(pool, qp_txn_id(txn));
        }
        else if (word[0] == '%' && word[1] == '%') {
            word++;
        }
        APR_ARRAY_PUSH(argv, const char *) = word;
    }
    APR_ARRAY_PUSH(argv, const char *) = NULL;
    run->proc.argv = (const char *const *)argv->elts;
}

static qp_wait *start_delivery(const qp_plugin *self, qp_session *qp,
                               struct delivery **out)
{
    const struct opts *opt = qp_opts(self);
    qp_txn *txn = qp_transaction(qp);
    qp_job *job = qp_job_create(qp, qp_pool(qp));
    apr_pool_t *pool = qp_job_pool(job);
    struct delivery *delivery = apr_pcalloc(pool, sizeof(*delivery));
    int i;

    delivery->nruns = opt->each ? qp_txn_rcpts(txn)->nelts : 1;
    delivery->runs = apr_pcalloc(pool, (apr_size_t)delivery->nruns
                                           * sizeof(*delivery->runs));
    delivery->reader =
        qp_txn_reader(txn, QP_READ_MESSAGE | QP_READ_DETACHED, pool);
    for (i = 0; i < delivery->nruns; i++) {
        delivery->runs[i].rcpt = opt->each ? i : -1;
        make_argv(opt, txn, &delivery->runs[i], pool);
    }
    *out = delivery;
    return qp_job_start(job, run_all, delivery);
}

/* What comes of it. ------------------------------------------------------- */

/* @return the row of refusals, or -1: it is none of them */
static int find_refusal(const qp_proc *proc)
{
    apr_size_t i;

    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (proc->exit == refusals[i].exit) {
            return (int)i;
        }
    }
    return -1;
}

static qp_rc rate_run(const struct run *run)
{
    if (run->has_ended && run->proc.exit == 0 && !run->proc.is_unread) {
        return QP_OK;
    }
    return run->has_ended && find_refusal(&run->proc) >= 0 ? QP_DENY
                                                           : QP_DENYSOFT;
}

/* Of several the worst counts, and each client that can hears all. */
static const struct run *weigh_runs(qp_session *qp,
                                    const struct delivery *delivery)
{
    const struct run *worst = &delivery->runs[0];
    const struct run *run;
    qp_rc rc;
    int i;

    for (i = 0; i < delivery->nruns; i++) {
        run = &delivery->runs[i];
        rc = rate_run(run);
        if (run->rcpt >= 0 && qp_has_rcpt_results(qp)) {
            qp_rcpt_result(qp, i, rc, "%s",
                           rc == QP_OK ? "delivered" : "not delivered");
        }
        if (rc == QP_DENY || (rc == QP_DENYSOFT && rate_run(worst) == QP_OK)) {
            worst = rate_run(worst) == QP_DENY ? worst : run;
        }
    }
    return worst;
}

static qp_rc judge_runs(const qp_plugin *self, qp_session *qp,
                        const struct delivery *delivery)
{
    const struct run *run = weigh_runs(qp, delivery);
    const char *id = qp_txn_id(qp_transaction(qp));
    const char *program = delivery->runs[0].proc.argv[0];
    const char *end = run->has_ended ? queue_tell_end(&run->proc, qp_pool(qp))
                                     : run->proc.error;
    qp_rc rc = rate_run(run);
    int row;

    if (rc == QP_OK) {
        qp_pass(self, qp, "message %s taken by %s", id, program);
        return qp_return(qp, QP_OK, "queued");
    }
    if (rc == QP_DENY) {
        row = find_refusal(&run->proc);
        qp_fail(self, qp, "message %s refused by %s: %s %s", id, program, end,
                run->proc.err);
        return qp_return_dsn(qp, QP_DENY, refusals[row].subject,
                             refusals[row].detail, "%s", refusals[row].text);
    }
    qp_error(self, qp, "message %s not taken by %s: %s %s", id, program, end,
             run->proc.err);
    return qp_return_dsn(qp, QP_DENYSOFT, 3, 0,
                         "The message cannot be delivered now");
}

/* @return QP_OK if all addresses can be arguments */
static qp_rc check_addresses(const qp_plugin *self, qp_session *qp)
{
    const qp_txn *txn = qp_transaction(qp);
    const apr_array_header_t *rcpts = qp_txn_rcpts(txn);
    int i;

    if (qp_txn_sender(txn)->user[0] == '-') {
        qp_fail(self, qp, "an address begins with -");
        return qp_dsn_addr_bad_from_syntax(qp, NULL);
    }
    for (i = 0; i < rcpts->nelts; i++) {
        if (APR_ARRAY_IDX(rcpts, i, const qp_addr *)->user[0] == '-') {
            qp_fail(self, qp, "an address begins with -");
            return qp_dsn_addr_bad_dest_syntax(qp, NULL);
        }
    }
    return QP_OK;
}

static qp_rc hook_queue(const qp_plugin *self, qp_session *qp,
                        const qp_data_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);
    qp_rc rc;

    if (txn->done == NULL) {
        rc = check_addresses(self, qp);
        if (rc != QP_OK) {
            return rc;
        }
        txn->done = start_delivery(self, qp, &txn->delivery);
    }
    if (!qp_ready(txn->done)) {
        return qp_await(qp, txn->done);
    }
    if (qp_wait_status(txn->done) == APR_SUCCESS) {
        return judge_runs(self, qp, txn->delivery);
    }
    return queue_give_up(self, qp, &txn->delivery->runs[0].proc);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);
    const char *program;

    if (opt->words == NULL || opt->words->nelts == 0) {
        return "program: the program has to be given";
    }
    program = APR_ARRAY_IDX(opt->words, 0, const char *);
    return queue_check_program("program", program, pconf);
}

QP_PLUGIN(queue_pipe) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .setup = setup,
    .hooks.queue = hook_queue,
};
