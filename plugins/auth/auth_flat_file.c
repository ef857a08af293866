/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks passwords against a list. What it keeps lives as long as the command
 * or the job that does the arithmetic.

=pod

=head1 NAME

auth/auth_flat_file - users and passwords from a file

=head1 SYNOPSIS

In F<config/plugins>:

    auth/auth_flat_file

In F<config/flat_auth_pw>:

    joe@example.com:in clear
    ann@example.com:{PLAIN}$in clear
    tom@example.com:$2y$10$zPsxIKOBzeCzuO0sdUuYUeBmvTLa2JgFDC2MBXPkQ/3K9cYbQAN/y
    eve@example.com:SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk...:c2VydmVy...

=head1 DESCRIPTION

A line of config C<flat_auth_pw> is the name of a user, a colon and a
password. Upper and lower case of the name are the same; the first line with
the name counts. It is the whole name that the client gives, with its domain if
it stands there with one. The password is one of

=over 4

=item *

text in clear; with C<{PLAIN}> before it, if it begins like one of those that
follow;

=item *

a hash of B<htpasswd>, that is C<$2y$...>, C<$apr1$...> or C<{SHA}...>;

=item *

a hash of crypt(3), C<$1$>, C<$5$>, C<$6$>, C<$y$>. Those of two characters of
salt, without a C<$>, are not known;

=item *

a verifier of SCRAM, C<SCRAM-SHA-256$I<ROUNDS>:I<SALT>$I<KEY>:I<KEY>> (RFC
5803), such as PostgreSQL keeps for its users.

=back

Which mechanisms a user can use depends on it:

    in clear        PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-256 and -PLUS
    hash            PLAIN, LOGIN
    verifier        PLAIN, LOGIN, SCRAM-SHA-256 and -PLUS

With another mechanism the user is not known. Hashes are checked by a job, so
that no session waits for those of others; one with many rounds may take a
second. A user that is not in the list takes as long as one with the password of
the first line: use the same kind of hash in all lines.

The file must be readable for the user of httpd, and should be for nobody else.

=head1 CONFIGURATION

There are no options.

=head1 FILES

=over 4

=item F<flat_auth_pw>

The list. It is looked up for each login: a change needs no restart.

=back

=head1 DIAGNOSTICS

=over 4

=item auth/auth_flat_file: pass, I<USER>

The password is right.

=item auth/auth_flat_file: fail, wrong password of I<USER>

=item auth/auth_flat_file: skip, this user is not in the list

=item auth/auth_flat_file: skip, the password of I<USER> is not stored in a
form for I<MECHANISM>

The next plugin is asked.

=item auth/auth_flat_file: error, the password of I<USER> could not be checked

There are too many jobs. The client is told to try later.

=back

=head1 SEE ALSO

L<auth/authdeny>, L<auth/httpd>, L<htpasswd(1)>, F<docs/plugins.md>

=cut

*/

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

/* In the job's pool; overwritten when the job is done. */
struct check {
    char *stored;
    char *password;
    int is_right;
};

/* Of one command. */
struct txn {
    struct check *check;
    qp_wait *done;
    int is_known;
};

/* @return the password that is stored, or NULL. @a first: out: that of the
 * first line, or NULL */
static const char *find_user(qp_session *qp, const char *user,
                             const char **first)
{
    const apr_array_header_t *lines = qp_config(qp, "flat_auth_pw");
    size_t len = strlen(user);
    const char *line, *colon;
    int i;

    *first = NULL;
    for (i = 0; i < lines->nelts; i++) {
        line = APR_ARRAY_IDX(lines, i, const char *);
        colon = strchr(line, ':');
        if (colon == NULL) {
            continue;
        }
        if (*first == NULL) {
            *first = colon + 1;
        }
        if ((size_t)(colon - line) == len
            && strncasecmp(line, user, len) == 0) {
            return colon + 1;
        }
    }
    return NULL;
}

/* PLAIN and LOGIN. ------------------------------------------------------- */

static apr_status_t check_password(qp_job *job, void *baton)
{
    struct check *check = baton;

    check->is_right = qp_secret_check(check->stored, check->password);
    qp_secret_wipe(check->stored);
    qp_secret_wipe(check->password);
    return APR_SUCCESS;
}

/* With a user who is not there it is done all the same, for the time that it
 * takes. */
static void start_check(qp_session *qp, struct txn *txn, const qp_auth_arg *arg)
{
    qp_job *job = qp_job_create(qp, qp_txn_pool(qp));
    apr_pool_t *pool = qp_job_pool(job);
    struct check *check = apr_pcalloc(pool, sizeof(*check));
    const char *first;
    const char *stored = find_user(qp, arg->user, &first);

    txn->is_known = stored != NULL;
    if (stored == NULL) {
        stored = first != NULL ? first : "";
    }
    check->stored = apr_pstrdup(pool, stored);
    check->password = apr_pstrdup(pool, arg->password);
    txn->check = check;
    txn->done = qp_job_start(job, check_password, check);
}

static qp_rc hook_password(const qp_plugin *self, qp_session *qp,
                           const qp_auth_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);

    if (txn->done == NULL) {
        start_check(qp, txn, arg);
    }
    if (!qp_ready(txn->done)) {
        return qp_await(qp, txn->done);
    }
    if (!txn->is_known) {
        qp_skip(self, qp, "this user is not in the list");
        return QP_DECLINED;
    }
    if (qp_wait_status(txn->done) != APR_SUCCESS) {
        qp_error(self, qp, "the password of %s could not be checked",
                 arg->user);
        return QP_DENYSOFT;
    }
    if (!txn->check->is_right) {
        qp_fail(self, qp, "wrong password of %s", arg->user);
        return QP_DENY;
    }
    qp_pass(self, qp, "%s", arg->user);
    return QP_OK;
}

/* CRAM-MD5 and SCRAM. ---------------------------------------------------- */

static qp_rc skip_form(const qp_plugin *self, qp_session *qp, const char *user,
                       const char *mechanism)
{
    qp_skip(self, qp, "the password of %s is not stored in a form for %s", user,
            mechanism);
    return QP_DECLINED;
}

static qp_rc hook_auth_cram_md5(const qp_plugin *self, qp_session *qp,
                                const qp_auth_arg *arg)
{
    const char *first;
    const char *stored = find_user(qp, arg->user, &first);
    const char *clear = qp_secret_clear(stored != NULL ? stored : "nobody");
    int is_right = qp_secret_check_cram_md5(clear != NULL ? clear : "nobody",
                                            arg->ticket, arg->hash);

    if (stored == NULL) {
        qp_skip(self, qp, "this user is not in the list");
        return QP_DECLINED;
    }
    if (clear == NULL) {
        return skip_form(self, qp, arg->user, arg->mechanism);
    }
    if (!is_right) {
        qp_fail(self, qp, "wrong password of %s", arg->user);
        return QP_DENY;
    }
    qp_pass(self, qp, "%s", arg->user);
    return QP_OK;
}

static qp_rc hook_auth_scram(const qp_plugin *self, qp_session *qp,
                             qp_auth_scram_arg *arg)
{
    const char *first;
    const char *stored = find_user(qp, arg->user, &first);
    const char *clear;

    if (stored == NULL) {
        qp_skip(self, qp, "this user is not in the list");
        return QP_DECLINED;
    }
    clear = qp_secret_clear(stored);
    if (clear != NULL && clear[0] != '\0') {
        arg->password = apr_pstrdup(arg->pool, clear);
    }
    else if (stored[0] == 'S') {
        arg->verifier = apr_pstrdup(arg->pool, stored);
    }
    else {
        return skip_form(self, qp, arg->user, arg->mechanism);
    }
    qp_log(self, qp, QP_LOG_DEBUG, "%s is in the list", arg->user);
    return QP_OK;
}

QP_PLUGIN(auth_auth_flat_file) = {
    .txn_size = sizeof(struct txn),
    .hooks.auth_plain = hook_password,
    .hooks.auth_login = hook_password,
    .hooks.auth_cram_md5 = hook_auth_cram_md5,
    .hooks.auth_scram = hook_auth_scram,
};
