/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends log lines to the syslog daemon of this host. There is one socket for
 * each process, opened when it is first needed. It does not use syslog(3),
 * whose name and facility belong to the whole process.

=pod

=head1 NAME

logging/syslog - log to syslog

=head1 SYNOPSIS

In F<config/logging>:

    logging/syslog
    logging/syslog loglevel info ident mx1 facility local3

=head1 DESCRIPTION

Sends the lines up to a level to the syslog daemon of this host. A line looks
like this, behind what the daemon adds:

    qpsmtpd[1234]: k3v9x0a1.2 (rcpt) rcpt_ok: pass, example.org is in rcpthosts

These are the name and the process, the id of the connection with the number of
the transaction, or C<-> for what belongs to no connection, the hook, the plugin
and its text. Hook and plugin are missing if it is the server that speaks.

What has been sent is done with: plugins below and httpd's error log do not get
it, unless C<tee> says so. Lines above the level go on to them. So do those that
the daemon does not take at once, for the server does not wait for it. A daemon
that has been started again is found again within a second.

=head1 CONFIGURATION

=over 4

=item loglevel

The highest level that is sent: C<emerg>, C<alert>, C<crit>, C<error>, C<warn>,
C<notice>, C<info> or C<debug>, in any case, as a number from 0 to 7, or as
C<LOGINFO> and so on. It can stand without the word C<loglevel>. The default is
C<warn>.

=item priority

The priority of all lines in syslog, such as C<notice> or C<LOG_NOTICE>. By
default it is that of the line's level; the word for that is C<level>.

=item ident

The name in front of the lines; C<qpsmtpd> unless given.

=item facility

C<mail>, which is the default, C<daemon>, C<user>, C<local0> to C<local7> or
another one of syslog(3), or the same as C<LOG_MAIL>.

=item logsock

The socket of the daemon, for datagrams; F</dev/log> unless given. A httpd with
C<ChrootDir> needs it there.

=item tee

What has been sent goes to the plugins below, too, and at the end to httpd's
error log.

=back

=head1 DIAGNOSTICS

=over 4

=item logging/syslog: I<SOCKET>: cannot be reached: I<REASON>

An error in httpd's error log, said once until it has worked again.

=back

=head1 SEE ALSO

L<logging/file>, L<logging/apache>, F<docs/plugins.md>

=cut

*/

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <apr_thread_mutex.h>

#include "line.h"

struct shared;

struct opts {
    int level;    /* see LINE_LEVEL */
    int priority; /* index of priorities */
    int facility; /* index of facilities */
    const char *ident;
    const char *logsock;
    int tee;
    struct shared *shared; /* made by setup */
};

/* What the sessions of a process share. It is made in pconf by setup, is empty
 * in the parent process, and filled in each child by post_fork, before there
 * are threads. */
struct shared {
    apr_thread_mutex_t *mutex; /* of all below; NULL: not in a child process */
    int fd;                    /* or -1 */
    apr_time_t tried;          /* when the socket was last opened */
    int is_failing;            /* it was said that it does not work */
    int trouble;               /* an errno that is to be said soon; or 0 */
};

static const char *const levels[] = { LINE_LEVELS, NULL };

/* The index modulo 8 is the priority, but for the last one. */
static const char *const priorities[] = {
    "emerg",     "alert",     "crit",        "err",        "warning",
    "notice",    "info",      "debug",       "LOG_EMERG",  "LOG_ALERT",
    "LOG_CRIT",  "LOG_ERR",   "LOG_WARNING", "LOG_NOTICE", "LOG_INFO",
    "LOG_DEBUG", LINE_LEVELS, "level",       NULL
};
#define PRIORITY_OF_LEVEL                                                      \
    ((int)(sizeof(priorities) / sizeof(priorities[0])) - 2)

/* In the order of RFC 5424 6.2.1, without those that have no name. The index
 * modulo NFACILITIES counts. */
#define NFACILITIES  20
#define FIRST_LOCAL  12
#define LOCAL_NUMBER 16
static const char *const facilities[] = {
    "kern",       "user",       "mail",         "daemon",
    "auth",       "syslog",     "lpr",          "news",
    "uucp",       "cron",       "authpriv",     "ftp",
    "local0",     "local1",     "local2",       "local3",
    "local4",     "local5",     "local6",       "local7",
    "LOG_KERN",   "LOG_USER",   "LOG_MAIL",     "LOG_DAEMON",
    "LOG_AUTH",   "LOG_SYSLOG", "LOG_LPR",      "LOG_NEWS",
    "LOG_UUCP",   "LOG_CRON",   "LOG_AUTHPRIV", "LOG_FTP",
    "LOG_LOCAL0", "LOG_LOCAL1", "LOG_LOCAL2",   "LOG_LOCAL3",
    "LOG_LOCAL4", "LOG_LOCAL5", "LOG_LOCAL6",   "LOG_LOCAL7",
    NULL
};

static const qp_opt opt_table[] = {
    QP_OPT_ROW(QP_KIND_ENUM, 1, QP_FIELD(struct opts, level, int), "loglevel",
               "warn", 0, 0, levels),
    QP_OPT_ENUM(struct opts, priority, "priority", "level", priorities),
    QP_OPT_STR(struct opts, ident, "ident", "qpsmtpd"),
    QP_OPT_ENUM(struct opts, facility, "facility", "mail", facilities),
    QP_OPT_PATH(struct opts, logsock, "logsock", "/dev/log"),
    QP_OPT_FLAG(struct opts, tee, "tee"),
    QP_OPT_END,
};

/* ---- the socket ---------------------------------------------------------- */

static void close_socket(struct shared *shared)
{
    if (shared->fd >= 0) {
        close(shared->fd);
        shared->fd = -1;
    }
}

/* @return 0, or an errno */
static int open_socket(struct shared *shared, const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error;

    shared->tried = qp_now();
    if (fd < 0) {
        return errno;
    }
    apr_cpystrn(addr.sun_path, path, sizeof(addr.sun_path));
    if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
        error = errno;
        close(fd);
        return error;
    }
    shared->fd = fd;
    return 0;
}

/* The first failure is said by tell_trouble. */
static void note_trouble(struct shared *shared, int error)
{
    if (!shared->is_failing) {
        shared->is_failing = 1;
        shared->trouble = error;
    }
}

static int send_line(struct shared *shared, const char *line, apr_size_t len)
{
    ssize_t n;

    if (shared->fd < 0) {
        return ENOTCONN;
    }
    do {
        n = send(shared->fd, line, len, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? errno : 0;
}

/* The socket is opened again, at most once a second, when the daemon has gone.
 * @return whether the line was taken */
static int send_again(const struct opts *opt, const char *line, apr_size_t len)
{
    struct shared *shared = opt->shared;
    apr_time_t now = qp_now();
    int error = send_line(shared, line, len);

    if (error != 0 && error != EAGAIN && error != ENOBUFS) {
        close_socket(shared);
        if (now >= shared->tried + APR_USEC_PER_SEC) {
            error = open_socket(shared, opt->logsock);
            if (error == 0) {
                error = send_line(shared, line, len);
            }
        }
        if (error != 0) {
            note_trouble(shared, error);
        }
    }
    if (error == 0) {
        shared->is_failing = 0;
    }
    return error == 0;
}

/* ---- lines --------------------------------------------------------------- */

/* What is in front: <PRIORITY>TIME IDENT[PID]: (RFC 3164 4.1, without a host,
 * as local daemons want it). */
static apr_size_t put_header(const struct opts *opt, int level, char *line)
{
    int priority = opt->priority % 8;
    int facility = opt->facility % NFACILITIES;
    apr_time_exp_t now;

    if (opt->priority == PRIORITY_OF_LEVEL) {
        priority = level;
    }
    if (facility >= FIRST_LOCAL) {
        facility += LOCAL_NUMBER - FIRST_LOCAL;
    }
    apr_time_exp_lt(&now, apr_time_now());
    return (apr_size_t)apr_snprintf(line, LINE_SIZE,
                                    "<%d>%s %2d %02d:%02d:%02d %s[%ld]: ",
                                    facility * 8 + priority,
                                    apr_month_snames[now.tm_mon], now.tm_mday,
                                    now.tm_hour, now.tm_min, now.tm_sec,
                                    opt->ident, (long)getpid());
}

/* The server takes this line round the logging plugins. It is said once, so it
 * could not come back here for ever. */
static void tell_trouble(const qp_plugin *self)
{
    const struct opts *opt = qp_opts(self);
    char reason[128];
    int error;

    apr_thread_mutex_lock(opt->shared->mutex);
    error = opt->shared->trouble;
    opt->shared->trouble = 0;
    apr_thread_mutex_unlock(opt->shared->mutex);
    if (error != 0) {
        apr_strerror(APR_FROM_OS_ERROR(error), reason, sizeof(reason));
        qp_log(self, NULL, QP_LOG_ERROR, "%s: cannot be reached: %s",
               opt->logsock, reason);
    }
}

static qp_rc hook_logging(const qp_plugin *self, qp_session *qp,
                          const qp_logging_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    char line[LINE_SIZE];
    apr_size_t len;
    int is_sent;

    if (arg->level > LINE_LEVEL(opt->level) || opt->shared->mutex == NULL) {
        return QP_DECLINED;
    }
    len = put_header(opt, arg->level, line);
    len += compose_line(line + len, sizeof(line) - len, qp, arg);
    apr_thread_mutex_lock(opt->shared->mutex);
    is_sent = send_again(opt, line, len);
    apr_thread_mutex_unlock(opt->shared->mutex);
    if (!is_sent) {
        tell_trouble(self);
    }
    return is_sent && !opt->tee ? QP_OK : QP_DECLINED;
}

/* ---- start and end ------------------------------------------------------- */

static apr_status_t close_shared(void *data)
{
    struct shared *shared = data;

    shared->mutex = NULL;
    close_socket(shared);
    return APR_SUCCESS;
}

static qp_rc hook_post_fork(const qp_plugin *self, qp_session *qp,
                            const qp_post_fork_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct shared *shared = opt->shared;
    int error;

    if (apr_thread_mutex_create(&shared->mutex, APR_THREAD_MUTEX_DEFAULT,
                                arg->pchild)
        != APR_SUCCESS) {
        shared->mutex = NULL;
        return qp_fault(self, NULL, "there is no mutex");
    }
    apr_pool_cleanup_register(arg->pchild, shared, close_shared,
                              apr_pool_cleanup_null);
    error = open_socket(shared, opt->logsock);
    if (error != 0) {
        note_trouble(shared, error);
    }
    tell_trouble(self);
    return QP_DECLINED;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    struct opts *opt = qp_opts_edit(self);
    struct sockaddr_un addr;

    opt->shared = apr_pcalloc(pconf, sizeof(*opt->shared));
    opt->shared->fd = -1;
    if (strlen(opt->logsock) >= sizeof(addr.sun_path)) {
        return "logsock: the path is too long for a socket";
    }
    if (opt->ident[0] == '\0' || strlen(opt->ident) > 64
        || strpbrk(opt->ident, " :[]") != NULL) {
        return "ident: a word of at most 64 letters, without blanks, colons "
               "and brackets";
    }
    return NULL;
}

QP_PLUGIN(logging_syslog) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
    .hooks.logging = hook_logging,
    .hooks.post_fork = hook_post_fork,
};
