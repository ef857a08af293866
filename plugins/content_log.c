/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a copy of every message in a file. What it keeps in memory lives as
 * long as the job that writes. It does not rotate or remove files.

=pod

=head1 NAME

content_log - keep a copy of every message

=head1 SYNOPSIS

In F<config/plugins>, behind the plugins that change messages:

    content_log
    content_log dir /var/spool/archive

In F<config/content_log_file>:

    %Y/%m-%d

=head1 DESCRIPTION

Every message that is complete, whatever becomes of it then, is added to the end
of a file: header as it is at that moment, empty line, body. There is nothing
between two messages. It is meant for the search for faults, or as an archive.

B<It keeps letters of other people.> See to it that this is allowed, who can
read the folder, and when the files are removed. They are made with mode 0600.

Messages that come at the same time follow each other, as several processes wait
for each other. A message that could not be written as a whole, for instance
because the disk is full, is taken out again. Whatever goes wrong, mail goes on
without a copy, and the log says so; only when the disk takes longer than the
common argument C<timeout>, 1m unless it is given, the client is answered 452.

=head1 CONFIGURATION

=over 4

=item dir

The folder that a relative name starts from. The default is the config folder,
in which the server can usually not write.

=back

=head1 FILES

=over 4

=item F<content_log_enabled>

With C<no>, C<off>, C<false> or C<0> there are no copies. It is looked at for
each message.

=item F<content_log_file>

The name of the file, in which the sequences of L<strftime(3)> stand for the
local time. The default is F<mail/%Y%m%d>. The folder of the file is made if
its own folder exists.

=back

=head1 DIAGNOSTICS

=over 4

=item content_log: skip, not enabled

=item content_log: pass, saved to I<FILE>

=item content_log: error, cannot I<DO SOMETHING> I<FILE>: I<WHY>

There is no copy of this message.

=back

=head1 SEE ALSO

F<docs/plugin-list.md>

=cut

*/

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

struct opts {
    const char *dir;
};

static const qp_opt opt_table[] = {
    QP_OPT_PATH(struct opts, dir, "dir", "."),
    QP_OPT_DEFAULT("timeout", "1m"),
    QP_OPT_END,
};

#define DEFAULT_FILE "mail/%Y%m%d"

/* Another message is being written: how often to look, and how many times. */
#define LOOK_EVERY   20 /* ms */
#define MAX_LOOKS    500

/* One message to save; in the job's pool. */
struct copy {
    const char *file;
    qp_reader *reader;
    const char *doing; /* what failed */
};

struct txn {
    struct copy *copy;
    qp_wait *done;
};

/* The job. ---------------------------------------------------------------- */

static apr_status_t fail(struct copy *copy, const char *doing)
{
    copy->doing = doing;
    return errno;
}

/* Files are 0600, and not opened through a link that somebody put there
 * (R109). */
static apr_status_t open_file(struct copy *copy, apr_pool_t *pool, int *fd)
{
    const int flags =
        O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    const char *slash = strrchr(copy->file, '/');
    struct stat st;

    *fd = open(copy->file, flags, 0600);
    if (*fd < 0 && errno == ENOENT && slash != NULL
        && mkdir(apr_pstrmemdup(pool, copy->file,
                                (apr_size_t)(slash - copy->file)),
                 0700)
               == 0) {
        *fd = open(copy->file, flags, 0600);
    }
    if (*fd < 0 || fstat(*fd, &st) != 0) {
        return fail(copy, "open");
    }
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return fail(copy, "use, since it is no file,");
    }
    return APR_SUCCESS;
}

/* The lock is of this opening of the file, so threads wait for each other,
 * too. */
static apr_status_t lock_file(qp_job *job, struct copy *copy, int fd)
{
    int looks = 0;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return fail(copy, "lock");
        }
        if (qp_job_is_cancelled(job) || ++looks > MAX_LOOKS) {
            errno = ETIMEDOUT;
            return fail(copy, "lock");
        }
        poll(NULL, 0, LOOK_EVERY);
    }
    return APR_SUCCESS;
}

static apr_status_t write_all(struct copy *copy, int fd, const char *data,
                              apr_size_t len)
{
    ssize_t n;

    while (len > 0) {
        n = write(fd, data, len);
        if (n < 0 && errno != EINTR) {
            return fail(copy, "write to");
        }
        if (n > 0) {
            data += n;
            len -= (apr_size_t)n;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t write_message(struct copy *copy, int fd)
{
    apr_status_t rv = APR_SUCCESS;
    const char *data;
    apr_size_t len;

    while (rv == APR_SUCCESS) {
        rv = qp_reader_block(copy->reader, &data, &len);
        if (rv == APR_SUCCESS) {
            rv = write_all(copy, fd, data, len);
        }
        else if (rv != APR_EOF) {
            copy->doing = "read the message for";
        }
    }
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

/* Adds the message as a whole, or not at all. */
static apr_status_t add_message(struct copy *copy, int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    apr_status_t rv;

    if (size < 0) {
        return fail(copy, "find the end of");
    }
    rv = write_message(copy, fd);
    if (rv != APR_SUCCESS && ftruncate(fd, size) != 0) {
        copy->doing = "take half a message out of";
    }
    return rv;
}

static apr_status_t save_copy(qp_job *job, void *baton)
{
    struct copy *copy = baton;
    apr_status_t rv;
    int fd = -1;

    rv = open_file(copy, qp_job_pool(job), &fd);
    if (rv == APR_SUCCESS) {
        rv = lock_file(job, copy, fd);
    }
    if (rv == APR_SUCCESS) {
        rv = add_message(copy, fd);
    }
    if (fd >= 0) {
        close(fd);
    }
    return rv;
}

/* The session. ------------------------------------------------------------ */

static int is_enabled(qp_session *qp)
{
    static const char *const words[] = { "0", "no", "off", "false" };
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (qp_config_has(qp, "content_log_enabled", words[i])) {
            return 0;
        }
    }
    return 1;
}

/* @return the name of the file for now, or NULL */
static const char *name_file(const qp_plugin *self, qp_session *qp,
                             apr_pool_t *pool)
{
    const struct opts *opt = qp_opts(self);
    const char *pattern = qp_config_first(qp, "content_log_file");
    apr_time_exp_t now;
    char name[1024];
    apr_size_t len;

    if (pattern == NULL) {
        pattern = DEFAULT_FILE;
    }
    if (apr_time_exp_lt(&now, apr_time_now()) != APR_SUCCESS
        || apr_strftime(name, &len, sizeof(name), pattern, &now) != APR_SUCCESS
        || len == 0) {
        return NULL;
    }
    return name[0] == '/' ? apr_pstrdup(pool, name)
                          : apr_pstrcat(pool, opt->dir, "/", name, NULL);
}

static int start_copy(const qp_plugin *self, qp_session *qp, struct txn *txn)
{
    qp_job *job = qp_job_create(qp, qp_txn_pool(qp));
    apr_pool_t *pool = qp_job_pool(job);
    struct copy *copy = apr_pcalloc(pool, sizeof(*copy));

    copy->file = name_file(self, qp, pool);
    if (copy->file == NULL) {
        qp_error(self, qp, "content_log_file: no name comes of it");
        return 0;
    }
    copy->reader = qp_txn_reader(qp_transaction(qp),
                                 QP_READ_MESSAGE | QP_READ_DETACHED, pool);
    txn->copy = copy;
    txn->done = qp_job_start(job, save_copy, copy);
    return 1;
}

static qp_rc hook_data_post(const qp_plugin *self, qp_session *qp,
                            const qp_data_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);
    char reason[128];
    apr_status_t rv;

    if (txn->done == NULL) {
        if (!is_enabled(qp)) {
            qp_skip(self, qp, "not enabled");
            return QP_DECLINED;
        }
        if (!start_copy(self, qp, txn)) {
            return QP_DECLINED;
        }
    }
    if (!qp_ready(txn->done)) {
        return qp_await(qp, txn->done);
    }
    rv = qp_wait_status(txn->done);
    if (rv == APR_SUCCESS) {
        qp_pass(self, qp, "saved to %s", txn->copy->file);
    }
    else {
        qp_error(self, qp, "cannot %s %s: %s",
                 txn->copy->doing != NULL ? txn->copy->doing : "begin to write",
                 txn->copy->file, apr_strerror(rv, reason, sizeof(reason)));
    }
    return QP_DECLINED;
}

QP_PLUGIN(content_log) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .hooks.data_post = hook_data_post,
};
