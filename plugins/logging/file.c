/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes log lines to a file whose name may follow the time and the session,
 * or to a program. Open files are counted and closed with their last user: the
 * process, a session or a transaction. It does not rotate or remove files.

=pod

=head1 NAME

logging/file - log to a file or to a program

=head1 SYNOPSIS

In F<config/logging>:

    logging/file loglevel info /var/log/qpsmtpd/smtp.log
    logging/file loglevel info nosplit /var/log/qpsmtpd/%Y-%m-%d.log
    logging/file loglevel debug /var/log/qpsmtpd/sessions/%i
    logging/file loglevel crit tee "|/usr/local/bin/page-me smtp"

=head1 DESCRIPTION

Writes the lines up to a level. Each line is written as a whole, so that those
of several threads and processes do not mix. It looks like this:

    Tue Nov 24 12:03:25 2026 mx1[1234]: k3v9x0a1.2 (rcpt) rcpt_ok: pass, ...

These are the time, the host and the process, the id of the connection with the
number of the transaction, or C<-> for what belongs to no connection, the hook,
the plugin and its text. Hook and plugin are missing if it is the server that
speaks.

What has been written is done with: plugins below and httpd's error log do not
get it, unless C<tee> says so. Lines above the level go on to them.

The file is opened by the child processes of httpd, so their C<User> must be
able to create it, or to write to it if it is there. New ones get the mode
0640. A file that has been renamed or removed, as logrotate does it, is
replaced by a new one within a second.

When the file cannot be opened or written, lines go on to the plugins below and
at last to httpd's error log, and one line there says why. It is tried again
every second.

=head2 Names of files

Whatever strftime(3) knows is replaced by the time, and C<%i> by the id of the
session (C<server> for what belongs to none): F</var/log/qpsmtpd/%Y%m%d.log>.
C<%%> is a percent sign. Folders must be there. With C<%i> each session has a
file of its own, and holds it open.

By default, a line goes to the file of its moment, so that a session may be
split over two of them when the name changes. C<nosplit> and C<tsplit> keep it
together.

=head2 Programs

C<|> and the absolute path of a program, with its arguments, in double quotes
in all: each child process of httpd starts it, and writes to its standard
input. No shell is involved. The program is started again, at most every five
seconds, when it has ended; it gets the end of its input when the process
ends. Lines that it does not read in time go on to the plugins below.

=head1 CONFIGURATION

=over 4

=item loglevel

The highest level that is written: C<emerg>, C<alert>, C<crit>, C<error>,
C<warn>, C<notice>, C<info> or C<debug>, in any case, as a number from 0 to 7,
or as C<LOGINFO> and so on. The default is C<warn>.

=item split

A session may be split between two files. That is the default.

=item nosplit

All lines of a session go to the file that was right at its begin.

=item tsplit

The same for a transaction: a session may be split between two of them.

=item reopen

The file is opened anew at the begin of each session; with C<tsplit>, of each
transaction. That is hardly ever needed, as changes are noticed anyhow.

=item tsformat

What stands for the time in a line, for strftime(3). The default is
C<%a %b %d %T %Y>.

=item tee

What has been written goes to the plugins below, too, and at the end to httpd's
error log.

=item path

The file, or C<|> and a program. It can stand without the word C<path>, and has
to be there.

=back

=head1 DIAGNOSTICS

These go to httpd's error log.

=over 4

=item logging/file: I<FILE>: cannot be opened (written, started): I<REASON>

An error, said once until it has worked again.

=back

=head1 SEE ALSO

L<logging/syslog>, L<logging/apache>, L<logging/devnull>, F<docs/plugins.md>

=cut

*/

#include <string.h>

#include <apr_network_io.h>
#include <apr_thread_mutex.h>

#include "line.h"
#include "out.h"

#define NAME_MAX_LEN  1024
#define TIME_MAX_LEN  256
/* Seconds until a program that has ended is started again. */
#define RESTART_AFTER 5

struct shared;

struct opts {
    const char *path;
    const char *tsformat;
    int level; /* see LINE_LEVEL */
    int split, nosplit, tsplit;
    int reopen;
    int tee;
    struct shared *shared; /* made by setup */
};

/* Where lines go for the time being; of the process, a session, or a
 * transaction. */
struct place {
    struct out *out;  /* or NULL; holds a reference */
    apr_time_t check; /* second at which the name is looked at again */
    int is_owned;     /* by the pool of its session or transaction */
};

/* What the sessions of a process share. It is made in pconf by setup, is empty
 * in the parent process, and filled in each child by post_fork, before there
 * are threads. The mutex guards place, trouble. */
struct shared {
    apr_thread_mutex_t *mutex; /* NULL: not in a child process */
    struct place place;
    char **program;      /* NULL: it is a file */
    int has_id;          /* the name has a %i */
    int is_failing;      /* atomic: it was said that it does not work */
    const char *trouble; /* what failed, to be said soon; or NULL */
    char what[NAME_MAX_LEN];
    int error;
    char host[APRMAXHOSTLEN + 1];
};

static const char *const levels[] = { LINE_LEVELS, NULL };

static const qp_opt opt_table[] = {
    QP_OPT_ROW(QP_KIND_ENUM, 0, QP_FIELD(struct opts, level, int), "loglevel",
               "warn", 0, 0, levels),
    QP_OPT_FLAG(struct opts, split, "split"),
    QP_OPT_FLAG(struct opts, nosplit, "nosplit"),
    QP_OPT_FLAG(struct opts, tsplit, "tsplit"),
    QP_OPT_FLAG(struct opts, reopen, "reopen"),
    QP_OPT_STR(struct opts, tsformat, "tsformat", "%a %b %d %T %Y"),
    QP_OPT_FLAG(struct opts, tee, "tee"),
    QP_OPT_WORD_STR(1, struct opts, path, "path", NULL),
    QP_OPT_END,
};

/* To be called with the mutex; tell_trouble writes the line. */
static void note_trouble(struct shared *shared, const char *name,
                         const char *what, int error)
{
    if (!__atomic_exchange_n(&shared->is_failing, 1, __ATOMIC_ACQ_REL)) {
        apr_cpystrn(shared->what, name, sizeof(shared->what));
        shared->trouble = what;
        shared->error = error;
    }
}

/* ---- which file ---------------------------------------------------------- */

/* The pattern with %i replaced; the rest is left to strftime. */
static void put_id(const char *pattern, const char *id, char *out,
                   apr_size_t size)
{
    char *end = out + size;

    while (*pattern != '\0' && end - out > 2) {
        if (pattern[0] == '%' && pattern[1] == 'i') {
            out = apr_cpystrn(out, id, (apr_size_t)(end - out));
            pattern += 2;
        }
        else {
            if (pattern[0] == '%' && pattern[1] != '\0') {
                *out++ = *pattern++;
            }
            *out++ = *pattern++;
        }
    }
    *out = '\0';
}

static void make_name(const struct opts *opt, qp_session *qp, apr_time_t now,
                      char *name)
{
    char pattern[NAME_MAX_LEN];
    const char *id = "server";
    apr_time_exp_t parts;
    apr_size_t len;

    if (qp != NULL) {
        id = qp_conn_id(qp_connection(qp));
    }
    put_id(opt->path, id, pattern, sizeof(pattern));
    apr_time_exp_lt(&parts, now);
    name[0] = '\0';
    apr_strftime(name, &len, NAME_MAX_LEN, pattern, &parts);
}

static void open_place(struct shared *shared, struct place *place,
                       const char *name)
{
    int error;

    if (place->out != NULL && strcmp(place->out->name, name) == 0
        && is_there(place->out)) {
        return;
    }
    release_out(place->out);
    place->out = open_file(name, &error);
    if (place->out == NULL) {
        note_trouble(shared, name, "opened", error);
    }
}

static void start_program(struct shared *shared, struct place *place,
                          apr_time_t second)
{
    int error;

    if (place->out == NULL) {
        place->check = second + RESTART_AFTER;
        place->out = start_out(shared->program, &error);
        if (place->out == NULL) {
            note_trouble(shared, shared->program[0], "started", error);
        }
    }
}

/* Looks at the name again, at most once a second. @a qp is NULL unless the
 * place is a session's own. */
static void check_place(const struct opts *opt, struct place *place,
                        qp_session *qp)
{
    struct shared *shared = opt->shared;
    apr_time_t now = apr_time_now();
    apr_time_t second = apr_time_sec(now);
    char name[NAME_MAX_LEN];

    /* The clock may have been set back. */
    if (second < place->check && second > place->check - 2 * RESTART_AFTER) {
        return;
    }
    place->check = second + 1;
    if (shared->program != NULL) {
        start_program(shared, place, second);
        return;
    }
    make_name(opt, qp, now, name);
    open_place(shared, place, name);
}

static void forget_place(struct place *place)
{
    release_out(place->out);
    place->out = NULL;
    place->check = 0;
}

static apr_status_t clean_place(void *data)
{
    struct place *place = data;

    forget_place(place);
    place->is_owned = 0;
    return APR_SUCCESS;
}

/* What was opened for a session or a transaction is closed with it. */
static void own_place(struct place *place, apr_pool_t *pool)
{
    if (!place->is_owned) {
        place->is_owned = 1;
        apr_pool_cleanup_register(pool, place, clean_place,
                                  apr_pool_cleanup_null);
    }
}

/* A session or a transaction begins, and takes the file of the moment. */
static void fill_place(const struct opts *opt, struct place *place,
                       qp_session *qp)
{
    struct shared *shared = opt->shared;

    if (shared->has_id) {
        check_place(opt, place, qp);
        return;
    }
    if (opt->reopen) {
        forget_place(&shared->place);
    }
    check_place(opt, &shared->place, NULL);
    place->out = share_out(shared->place.out);
}

/* The place of a line. It is filled. */
static struct place *find_place(const qp_plugin *self, qp_session *qp)
{
    const struct opts *opt = qp_opts(self);
    struct shared *shared = opt->shared;
    struct place *place = NULL;
    int is_kept = 1;

    if (qp != NULL && shared->program == NULL) {
        if (opt->tsplit && qp_transaction(qp) != NULL) {
            place = qp_txn_data(self, qp);
            own_place(place, qp_txn_pool(qp));
        }
        else if (opt->nosplit || shared->has_id) {
            is_kept = opt->nosplit;
            place = qp_conn_data(self, qp);
            own_place(place, qp_conn_pool(qp));
        }
    }
    if (place == NULL) {
        place = &shared->place;
        check_place(opt, place, NULL);
    }
    else if (place->out == NULL || !is_kept) {
        fill_place(opt, place, qp);
    }
    return place;
}

/* ---- lines --------------------------------------------------------------- */

static apr_size_t compose_all(const qp_plugin *self, qp_session *qp,
                              const qp_logging_arg *arg, char *line)
{
    const struct opts *opt = qp_opts(self);
    apr_time_exp_t parts;
    apr_size_t len = 0;

    apr_time_exp_lt(&parts, apr_time_now());
    line[0] = '\0';
    apr_strftime(line, &len, TIME_MAX_LEN, opt->tsformat, &parts);
    len += (apr_size_t)apr_snprintf(line + len, LINE_SIZE - len,
                                    " %s[%ld]: ", opt->shared->host,
                                    (long)getpid());
    len += compose_line(line + len, LINE_SIZE - len - 1, qp, arg);
    line[len++] = '\n';
    return len;
}

/* A program that does not read in time is in no trouble; one that has ended is
 * started again when it is time. */
static void take_failure(struct shared *shared, struct out *out, int error)
{
    if (out->program > 0 && error == EAGAIN) {
        return;
    }
    apr_thread_mutex_lock(shared->mutex);
    if (error != EPIPE) {
        note_trouble(shared, out->name, "written", error);
    }
    if (out->program > 0 && shared->place.out == out) {
        release_out(out);
        shared->place.out = NULL;
    }
    apr_thread_mutex_unlock(shared->mutex);
}

static int write_out(struct shared *shared, struct out *out, const char *line,
                     apr_size_t len)
{
    errno = ENOSPC; /* for a line that is taken in part */
    if (write_line(out->fd, line, len)) {
        if (__atomic_load_n(&shared->is_failing, __ATOMIC_RELAXED)) {
            __atomic_store_n(&shared->is_failing, 0, __ATOMIC_RELEASE);
        }
        return 1;
    }
    take_failure(shared, out, errno);
    return 0;
}

/* The server takes this line round the logging plugins. It is said once, so it
 * could not come back here for ever. */
static void tell_trouble(const qp_plugin *self)
{
    struct shared *shared = ((const struct opts *)qp_opts(self))->shared;
    char what[NAME_MAX_LEN];
    const char *trouble;
    char reason[128];
    int error;

    apr_thread_mutex_lock(shared->mutex);
    trouble = shared->trouble;
    error = shared->error;
    shared->trouble = NULL;
    if (trouble != NULL) {
        apr_cpystrn(what, shared->what, sizeof(what));
    }
    apr_thread_mutex_unlock(shared->mutex);
    if (trouble != NULL) {
        apr_strerror(APR_FROM_OS_ERROR(error), reason, sizeof(reason));
        qp_log(self, NULL, QP_LOG_ERROR, "%s: cannot be %s: %s", what, trouble,
               reason);
    }
}

static qp_rc hook_logging(const qp_plugin *self, qp_session *qp,
                          const qp_logging_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct shared *shared = opt->shared;
    char line[LINE_SIZE];
    struct out *out;
    int is_written = 0;

    if (arg->level > LINE_LEVEL(opt->level) || shared->mutex == NULL) {
        return QP_DECLINED;
    }
    apr_thread_mutex_lock(shared->mutex);
    out = share_out(find_place(self, qp)->out);
    apr_thread_mutex_unlock(shared->mutex);
    if (out != NULL) {
        is_written =
            write_out(shared, out, line, compose_all(self, qp, arg, line));
        release_out(out);
    }
    if (!is_written) {
        tell_trouble(self);
    }
    return is_written && !opt->tee ? QP_OK : QP_DECLINED;
}

/* Only with `reopen`, and if the session has no place of its own. */
static qp_rc hook_pre_connection(const qp_plugin *self, qp_session *qp,
                                 const qp_pre_connection_arg *arg)
{
    struct shared *shared = ((const struct opts *)qp_opts(self))->shared;

    if (shared->mutex != NULL) {
        apr_thread_mutex_lock(shared->mutex);
        forget_place(&shared->place);
        apr_thread_mutex_unlock(shared->mutex);
    }
    return QP_DECLINED;
}

/* ---- start and end ------------------------------------------------------- */

static apr_status_t close_shared(void *data)
{
    struct shared *shared = data;

    shared->mutex = NULL;
    forget_place(&shared->place);
    return APR_SUCCESS;
}

static qp_rc hook_post_fork(const qp_plugin *self, qp_session *qp,
                            const qp_post_fork_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct shared *shared = opt->shared;

    if (apr_gethostname(shared->host, APRMAXHOSTLEN, arg->pchild)
        != APR_SUCCESS) {
        apr_cpystrn(shared->host, "localhost", sizeof(shared->host));
    }
    if (apr_thread_mutex_create(&shared->mutex, APR_THREAD_MUTEX_DEFAULT,
                                arg->pchild)
        != APR_SUCCESS) {
        shared->mutex = NULL;
        return qp_fault(self, NULL, "there is no mutex");
    }
    apr_pool_cleanup_register(arg->pchild, shared, close_shared,
                              apr_pool_cleanup_null);
    if (!shared->has_id) {
        check_place(opt, &shared->place, NULL);
    }
    tell_trouble(self);
    return QP_DECLINED;
}

/* A %i that does not belong to a %%. */
static int has_id(const char *path)
{
    for (; *path != '\0'; path++) {
        if (path[0] == '%' && path[1] != '\0') {
            path++;
            if (*path == 'i') {
                return 1;
            }
        }
    }
    return 0;
}

static const char *read_program(const struct opts *opt, apr_pool_t *pconf)
{
    struct shared *shared = opt->shared;

    if (apr_tokenize_to_argv(opt->path + 1, &shared->program, pconf)
            != APR_SUCCESS
        || shared->program[0] == NULL || shared->program[0][0] != '/') {
        return "path: behind | there must be the absolute path of a program, "
               "and its arguments";
    }
    return NULL;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    struct opts *opt = qp_opts_edit(self);
    char text[TIME_MAX_LEN];
    apr_time_exp_t parts;
    apr_size_t len = 0;

    opt->shared = apr_pcalloc(pconf, sizeof(*opt->shared));
    apr_time_exp_lt(&parts, apr_time_now());
    apr_strftime(text, &len, sizeof(text), opt->tsformat, &parts);
    if (len == 0) {
        return "tsformat: it makes no time, or a very long one";
    }
    if (opt->split + opt->nosplit + opt->tsplit > 1) {
        return "split, nosplit, tsplit: only one of them is possible";
    }
    if (opt->path == NULL || (opt->path[0] != '/' && opt->path[0] != '|')) {
        return "path: the absolute path of a file must be given, or | and a "
               "program";
    }
    if (opt->path[0] == '|') {
        return read_program(opt, pconf);
    }
    if (strlen(opt->path) > NAME_MAX_LEN / 2) {
        return "path: it is too long";
    }
    opt->shared->has_id = has_id(opt->path);
    if (opt->reopen && !opt->nosplit && !opt->tsplit) {
        qp_plugin_hooks(self)->pre_connection = hook_pre_connection;
    }
    return NULL;
}

QP_PLUGIN(logging_file) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .conn_size = sizeof(struct place),
    .txn_size = sizeof(struct place),
    .setup = setup,
    .hooks.logging = hook_logging,
    .hooks.post_fork = hook_post_fork,
};
