/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a program about passwords. What it keeps lives as long as the job that
 * runs the program; a program that its session does not wait for any more is
 * killed.

=pod

=head1 NAME

auth/auth_checkpassword - ask a checkpassword program

=head1 SYNOPSIS

In F<config/plugins>:

    auth/auth_checkpassword checkpw /usr/bin/checkpassword-pam
    auth/auth_checkpassword checkpw /usr/bin/checkpassword true /bin/true

or in F<config/smtpauth-checkpassword>:

    /usr/bin/checkpassword /bin/true

=head1 DESCRIPTION

For AUTH PLAIN and LOGIN the program is run with another one as its argument,
which it runs if the password is right. It reads the user, the password and the
time, each with a NUL behind it, from descriptor 3
(L<https://cr.yp.to/checkpwd/interface.html>). What it exits with decides:

=over 4

=item 0: the password is right

=item 1: user or password is wrong

The next plugin is asked.

=item anything else, or no exit within C<timeout>

The client is told to try later, 454.

=back

No shell is involved. The program runs as the user of httpd, in a process group
of its own, with an empty standard input, no other open files, and C<PATH> and
C<PROTO> (C<TCP>) as its only environment; what it prints does not count. Many
checkpassword programs need more rights to read what they need, such as a
setuid bit.

=head1 CONFIGURATION

=over 4

=item checkpw

The program: an absolute path. Without it config C<smtpauth-checkpassword> is
read at each login: both paths, with a blank between them.

=item true

What it is to run; the default is F</bin/true>.

=back

=head1 FILES

=over 4

=item F<smtpauth-checkpassword>

See above.

=back

=head1 DIAGNOSTICS

=over 4

=item auth/auth_checkpassword: pass, I<USER>

=item auth/auth_checkpassword: fail, the user or the password is wrong

=item auth/auth_checkpassword: error, I<PROGRAM>: I<WHAT WENT WRONG>

The program cannot be run, or says nothing of use.

=item auth/auth_checkpassword: error, smtpauth-checkpassword: no absolute path

Nothing is configured.

=back

=head1 SEE ALSO

L<auth/auth_flat_file>, F<docs/plugins.md>

=cut

*/

#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

struct opts {
    const char *checkpw;
    const char *program;
};

static const qp_opt opt_table[] = {
    QP_OPT_STR(struct opts, checkpw, "checkpw", NULL),
    QP_OPT_STR(struct opts, program, "true", "/bin/true"),
    QP_OPT_END,
};

/* What a checkpassword program reads at most, and from where. */
#define INPUT_MAX 512
#define INPUT_FD  3
/* The plugin's own time-out, which cancels the job, comes before. */
#define TIME_MAX  apr_time_from_sec(300)

/* In the job's pool. */
struct check {
    const char *argv[3];
    qp_proc proc;
    char input[INPUT_MAX]; /* overwritten when the program has ended */
    apr_size_t len;
};

/* Of one command. */
struct txn {
    struct check *check;
    qp_wait *done;
};

static apr_status_t run_check(qp_job *job, void *baton)
{
    static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin",
                                       "PROTO=TCP", NULL };
    struct check *check = baton;
    apr_status_t rv;

    check->proc.argv = check->argv;
    check->proc.env = env;
    check->proc.feeds[0].text = "";
    check->proc.feeds[1].fd = INPUT_FD;
    check->proc.feeds[1].text = check->input;
    check->proc.feeds[1].len = check->len;
    rv = qp_proc_run(job, &check->proc, TIME_MAX);
    explicit_bzero(check->input, sizeof(check->input));
    return rv;
}

static void put_text(struct check *check, const char *text)
{
    apr_size_t len = strlen(text) + 1;

    memcpy(check->input + check->len, text, len);
    check->len += len;
}

/* @return whether it can be told to the program at all */
static int make_input(struct check *check, const qp_auth_arg *arg,
                      apr_pool_t *pool)
{
    const char *now =
        apr_psprintf(pool, "%" APR_TIME_T_FMT, apr_time_sec(apr_time_now()));

    if (strlen(arg->user) + strlen(arg->password) + strlen(now) + 3
        > INPUT_MAX) {
        return 0;
    }
    put_text(check, arg->user);
    put_text(check, arg->password);
    put_text(check, now);
    return 1;
}

/* The program and its argument, from the options or from the file. */
static int find_program(const qp_plugin *self, qp_session *qp,
                        struct check *check, apr_pool_t *pool)
{
    const struct opts *opt = qp_opts(self);
    const char *line = qp_config_first(qp, "smtpauth-checkpassword");
    const char *checkpw = opt->checkpw;
    const char *program = opt->program;
    char *last = NULL;

    if (checkpw == NULL && line != NULL) {
        checkpw = apr_strtok(apr_pstrdup(pool, line), " \t", &last);
        line = apr_strtok(NULL, " \t", &last);
        program = line != NULL ? line : program;
    }
    check->argv[0] = checkpw;
    check->argv[1] = program;
    return checkpw != NULL && checkpw[0] == '/' && program[0] == '/';
}

static qp_rc judge_program(const qp_plugin *self, qp_session *qp,
                           const struct txn *txn, const char *user)
{
    const struct check *check = txn->check;
    const qp_proc *proc = &check->proc;

    if (qp_wait_status(txn->done) != APR_SUCCESS) {
        qp_error(self, qp, "%s: %s", check->argv[0],
                 proc->error[0] != '\0' ? proc->error : "it was not run");
        return QP_DENYSOFT;
    }
    if (proc->exit == 0) {
        qp_pass(self, qp, "%s", user);
        return QP_OK;
    }
    if (proc->exit == 1) {
        qp_fail(self, qp, "the user or the password is wrong");
        return QP_DECLINED;
    }
    qp_error(self, qp, "%s: %s %d", check->argv[0],
             proc->signal != 0 ? "ended by signal" : "exit status",
             proc->signal != 0 ? proc->signal : proc->exit);
    return QP_DENYSOFT;
}

static qp_rc hook_password(const qp_plugin *self, qp_session *qp,
                           const qp_auth_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);
    qp_job *job;

    if (txn->done == NULL) {
        job = qp_job_create(qp, qp_txn_pool(qp));
        txn->check = apr_pcalloc(qp_job_pool(job), sizeof(*txn->check));
        if (!find_program(self, qp, txn->check, qp_job_pool(job))) {
            qp_error(self, qp, "smtpauth-checkpassword: no absolute path");
            return QP_DENYSOFT;
        }
        if (!make_input(txn->check, arg, qp_job_pool(job))) {
            qp_fail(self, qp, "the user or the password is wrong");
            return QP_DECLINED;
        }
        txn->done = qp_job_start(job, run_check, txn->check);
    }
    if (!qp_ready(txn->done)) {
        return qp_await(qp, txn->done);
    }
    return judge_program(self, qp, txn, arg->user);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);

    if (opt->checkpw != NULL && opt->checkpw[0] != '/') {
        return "checkpw: the program needs an absolute path";
    }
    return opt->program[0] != '/' ? "true: the program needs an absolute path"
                                  : NULL;
}

QP_PLUGIN(auth_auth_checkpassword) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .setup = setup,
    .hooks.auth_plain = hook_password,
    .hooks.auth_login = hook_password,
};
