/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads config keys of single mailboxes from files of their owners. Nothing is
 * kept: a file is read when it is asked for, into the memory of the command.
 * It runs no programs and follows no links.

=pod

=head1 NAME

user_config - let users have config files of their own

=head1 SYNOPSIS

In F<config/plugins>:

    user_config /home/%u/.qpsmtpd
    user_config /var/mail/config/%h/%u

=head1 DESCRIPTION

A plugin may ask for a config key on behalf of a mailbox. This one looks for a
file with the name of the key in the folder of that mailbox. If it is there, its
lines are the value, even if there are none. If not, the value is that of the
whole server.

Lines are trimmed; empty ones, and those that begin with C<#>, do not count.
There is no C<$include>, which would let a user read what the server can read.

In the path, C<%u> is the local part, C<%h> the domain in lower case and C<%a>
the two with a C<@> between them; C<%%> is a percent sign. They come from the
client, so a mailbox has no folder, and is answered for by the server's files,
if what stands for C<%u> or C<%h> is empty, begins with a dot, has a slash in
it, or is longer than 255 octets.

The file must be a plain one, with at most 64 KiB, that the C<User> of httpd
can read. A symbolic link in its place is not followed. It is read by the thread
of the session, so it should be on a local disk.

Which keys are asked for in this way is up to the plugins: their manuals tell.

=head1 CONFIGURATION

=over 4

=item path

The folder of a mailbox, an absolute path. It can stand without the word
C<path>, and has to be there; there is no default.

=back

=head1 DIAGNOSTICS

=over 4

=item user_config: I<FILE>: I<REASON>

A warning, once in a connection: the file is there, but it cannot be used. The
value of the server is taken.

=back

=head1 SEE ALSO

L<http_config>, F<docs/plugins.md>

=cut

*/

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "user_config.h"

/* Octets of a file, and of a name in a path. */
#define FILE_MAX_LEN 65536
#define NAME_MAX_LEN 255

struct opts {
    const char *path;
};

struct conn {
    int has_warned;
};

static const qp_opt opt_table[] = {
    QP_OPT_WORD_STR(1, struct opts, path, "path", NULL),
    QP_OPT_END,
};

/* ---- the path ------------------------------------------------------------ */

/* Whether a text of a stranger may be a name in a path. */
static int is_name(const char *text)
{
    return text[0] != '\0' && text[0] != '.' && strchr(text, '/') == NULL
           && strlen(text) <= NAME_MAX_LEN;
}

static const char *lower_host(const qp_addr *addr, apr_pool_t *pool)
{
    char *host = apr_pstrdup(pool, addr->host);
    char *p;

    for (p = host; *p != '\0'; p++) {
        *p = (char)apr_tolower(*p);
    }
    return host;
}

/* What a letter behind a percent sign stands for; NULL: there is none that is
 * fit for a path. */
static const char *expand_letter(char letter, const qp_addr *addr,
                                 apr_pool_t *pool)
{
    const char *text = NULL;

    switch (letter) {
    case '%':
        return "%";
    case 'u':
        text = addr->user;
        break;
    case 'h':
        text = lower_host(addr, pool);
        break;
    case 'a':
        text = apr_pstrcat(pool, addr->user, "@", lower_host(addr, pool), NULL);
        break;
    default:
        break;
    }
    return text != NULL && is_name(text) ? text : NULL;
}

/* @return NULL: the mailbox can have no file */
static const char *make_path(const char *pattern, const qp_user_config_arg *arg)
{
    const char *path = "";
    const char *value;
    apr_size_t len;

    while (*pattern != '\0') {
        len = strcspn(pattern, "%");
        path = apr_pstrcat(arg->pool, path,
                           apr_pstrmemdup(arg->pool, pattern, len), NULL);
        pattern += len;
        if (*pattern == '%') {
            value = expand_letter(pattern[1], arg->addr, arg->pool);
            if (value == NULL) {
                return NULL;
            }
            path = apr_pstrcat(arg->pool, path, value, NULL);
            pattern += 2;
        }
    }
    return apr_pstrcat(arg->pool, path, "/", arg->key, NULL);
}

/* ---- the file ------------------------------------------------------------ */

/* Reads what fstat has seen. @param text  one octet longer than that
 * @return NULL, or what is wrong */
static const char *read_all(int fd, char *text, apr_size_t size)
{
    apr_size_t len = 0;
    ssize_t n = 1;

    while (n != 0 && len < size) {
        n = read(fd, text + len, size - len);
        if (n > 0) {
            len += (apr_size_t)n;
        }
        else if (n < 0 && errno != EINTR) {
            return "it cannot be read";
        }
    }
    text[len] = '\0';
    return strlen(text) == len ? NULL : "it is no text: there is a NUL in it";
}

/* Does not wait for the writer of a FIFO. @return NULL, or what is wrong;
 * *text stays NULL if there is no file */
static const char *read_file(const char *path, char **text, apr_pool_t *pool)
{
    int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW;
    int fd = open(path, flags);
    const char *error = NULL;
    struct stat info;

    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return NULL;
        }
        return errno == ELOOP ? "it is a symbolic link" : "it cannot be opened";
    }
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        error = "it is no plain file";
    }
    else if (info.st_size > FILE_MAX_LEN) {
        error = "it is larger than 64 KiB";
    }
    else {
        *text = apr_palloc(pool, (apr_size_t)info.st_size + 1);
        error = read_all(fd, *text, (apr_size_t)info.st_size);
    }
    close(fd);
    return error;
}

/* Once in a connection, so that a client cannot fill the log with it. */
static void warn_of_file(const qp_plugin *self, qp_session *qp,
                         const char *path, const char *error)
{
    struct conn *conn = qp_conn_data(self, qp);

    if (!conn->has_warned) {
        conn->has_warned = 1;
        qp_log(self, qp, QP_LOG_WARN, "%s: %s", path, error);
    }
}

static qp_rc hook_user_config(const qp_plugin *self, qp_session *qp,
                              qp_user_config_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    const char *path;
    const char *error;
    char *text = NULL;

    if (!is_name(arg->key)) {
        return QP_DECLINED;
    }
    path = make_path(opt->path, arg);
    if (path == NULL) {
        return QP_DECLINED;
    }
    error = read_file(path, &text, arg->pool);
    if (error != NULL) {
        warn_of_file(self, qp, path, error);
        return QP_DECLINED;
    }
    if (text == NULL) {
        return QP_DECLINED;
    }
    arg->lines = split_lines(text, arg->pool);
    return QP_OK;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);
    const char *p = opt->path;

    if (p == NULL || p[0] != '/') {
        return "path: the absolute path of a mailbox's folder must be given, "
               "such as /home/%u/.qpsmtpd";
    }
    while ((p = strchr(p, '%')) != NULL) {
        if (p[1] == '\0' || strchr("uha%", p[1]) == NULL) {
            return "path: behind % there must be u, h, a or another %";
        }
        p += 2;
    }
    return NULL;
}

QP_PLUGIN(user_config) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .conn_size = sizeof(struct conn),
    .setup = setup,
    .hooks.user_config = hook_user_config,
};
