/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets more lines pass of messages that are refused than of those that are
 * accepted, or the other way round. It keeps the lines in question until that
 * is known, in a pool of the connection. Writing them is left to the plugins
 * below.

=pod

=head1 NAME

logging/adaptive - log refused mail at one level, and accepted mail at another

=head1 SYNOPSIS

In F<config/logging>, above the plugin that writes:

    logging/adaptive accept warn reject debug
    logging/file loglevel debug /var/log/qpsmtpd/smtp.log

=head1 DESCRIPTION

How much one wants to know about a message depends on what became of it, which
is not known while the lines are written. So this plugin holds them back:

=over 4

=item *

Lines up to the lower one of the two levels pass at once.

=item *

Those above the higher one are dropped.

=item *

Those between are kept until a plugin refuses something, for good or for now;
then they pass up to the level C<reject>, and so does all that follows in this
transaction. If it ends without, they pass up to the level C<accept>, with the
prefix.

=back

What is said before the first transaction, such as about the connection and
HELO, belongs to the first one, and what is said between two of them to the
next; at the end of the session the rest is decided in the same way. A refusal
outside of a transaction counts until the next one ends.

Kept lines appear later than they were said, as lines of this plugin at their
own level:

    k3v9x0a1.2 (reset_transaction) logging/adaptive: `(rcpt) rcpt_ok: pass, ...

At most 64 KiB are kept for a session; how many lines there were beyond is said
in their place.

This plugin writes nothing. Those below it see what passes, and have to log at
the higher level; without one it is httpd's error log, which needs C<LogLevel
qpsmtpd:debug> or the like.

=head1 CONFIGURATION

=over 4

=item accept

The level for accepted mail: C<emerg>, C<alert>, C<crit>, C<error>, C<warn>,
C<notice>, C<info> or C<debug>, in any case, as a number from 0 to 7, or as
C<LOGINFO> and so on. The default is C<error>.

=item reject

The level for refused mail; C<warn> unless given.

=item prefix

What stands in front of a kept line of accepted mail, so that it can be told
from the others; C<`> unless given.

=back

=head1 DIAGNOSTICS

=over 4

=item logging/adaptive: I<N> more lines were not kept

At the higher level.

=back

=head1 SEE ALSO

L<logging/file>, L<logging/debug_plugin>, F<docs/plugins.md>

=cut

*/

#include <string.h>

#include "line.h"

/* What may be kept of a session, in octets. */
#define KEEP_MAX (64 * 1024)

struct opts {
    int accept; /* both: see LINE_LEVEL */
    int reject;
    const char *prefix;
};

/* A line that is kept. */
struct kept {
    struct kept *next;
    int level;
    const char *text; /* as the plugin wrote it: not escaped */
};

struct conn {
    apr_pool_t *pool; /* of the lines; NULL: there are none */
    struct kept *first;
    struct kept **end;
    apr_size_t size;
    int nlost;
    int is_denied; /* outside of a transaction */
    int is_over;   /* nothing more will be decided */
};

struct txn {
    int is_denied;
};

static const char *const levels[] = { LINE_LEVELS, NULL };

static const qp_opt opt_table[] = {
    QP_OPT_ENUM(struct opts, accept, "accept", "error", levels),
    QP_OPT_ENUM(struct opts, reject, "reject", "warn", levels),
    QP_OPT_STR(struct opts, prefix, "prefix", "`"),
    QP_OPT_END,
};

static int lower_level(const struct opts *opt)
{
    int accept = LINE_LEVEL(opt->accept);
    int reject = LINE_LEVEL(opt->reject);

    return accept < reject ? accept : reject;
}

static int higher_level(const struct opts *opt)
{
    int accept = LINE_LEVEL(opt->accept);
    int reject = LINE_LEVEL(opt->reject);

    return accept > reject ? accept : reject;
}

static int is_denied(const qp_plugin *self, qp_session *qp)
{
    const struct conn *conn = qp_conn_data(self, qp);
    const struct txn *txn;

    if (conn->is_denied || qp_transaction(qp) == NULL) {
        return conn->is_denied;
    }
    txn = qp_txn_data(self, qp);
    return txn->is_denied;
}

/* ---- keeping ------------------------------------------------------------- */

static int hex_value(char digit)
{
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

/* The octet of \xHH; 0 for everything else, and for \x00, which must not cut
 * the text short. */
static int escaped_octet(const char *text)
{
    if (text[0] != '\\' || text[1] != 'x' || text[2] == '\0'
        || text[3] == '\0') {
        return 0;
    }
    return hex_value(text[2]) * 16 + hex_value(text[3]);
}

/* The text of a line is escaped, \\ and \xHH, and will be once more when it is
 * passed on. */
static void unescape(char *text)
{
    char *out = text;
    int octet;

    while (*text != '\0') {
        octet = escaped_octet(text);
        if (octet != 0) {
            *out++ = (char)octet;
            text += 4;
        }
        else {
            text += text[0] == '\\' && text[1] == '\\';
            *out++ = *text++;
        }
    }
    *out = '\0';
}

static void keep_line(struct conn *conn, qp_session *qp,
                      const qp_logging_arg *arg)
{
    struct kept *kept;
    char *text;

    if (conn->pool == NULL) {
        apr_pool_create(&conn->pool, qp_conn_pool(qp));
        apr_pool_tag(conn->pool, "logging/adaptive");
        conn->first = NULL;
        conn->end = &conn->first;
        conn->size = 0;
        conn->nlost = 0;
    }
    if (conn->size > KEEP_MAX) {
        conn->nlost++;
        return;
    }
    text = apr_pstrdup(conn->pool, arg->text);
    unescape(text);
    kept = apr_pcalloc(conn->pool, sizeof(*kept));
    kept->level = arg->level;
    kept->text =
        apr_pstrcat(conn->pool, arg->hook[0] != '\0' ? "(" : "", arg->hook,
                    arg->hook[0] != '\0' ? ") " : "", arg->plugin,
                    arg->plugin[0] != '\0' ? ": " : "", text, NULL);
    *conn->end = kept;
    conn->end = &kept->next;
    conn->size += 2 * strlen(text) + sizeof(*kept);
}

static qp_rc hook_logging(const qp_plugin *self, qp_session *qp,
                          const qp_logging_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct conn *conn;
    int limit;

    if (arg->level <= lower_level(opt)) {
        return QP_DECLINED;
    }
    if (arg->level > higher_level(opt)) {
        return QP_OK;
    }
    if (qp == NULL || strcmp(arg->plugin, qp_plugin_name(self)) == 0) {
        return QP_DECLINED;
    }
    conn = qp_conn_data(self, qp);
    limit = LINE_LEVEL(is_denied(self, qp) ? opt->reject : opt->accept);
    if (is_denied(self, qp) || conn->is_over) {
        return arg->level <= limit ? QP_DECLINED : QP_OK;
    }
    keep_line(conn, qp, arg);
    return QP_OK;
}

/* ---- deciding ------------------------------------------------------------ */

/* The kept lines pass, up to a level. */
static void pass_kept(const qp_plugin *self, qp_session *qp, int limit,
                      const char *prefix)
{
    struct conn *conn = qp_conn_data(self, qp);
    const struct kept *kept;

    if (conn->pool == NULL) {
        return;
    }
    for (kept = conn->first; kept != NULL; kept = kept->next) {
        if (kept->level <= limit) {
            qp_log(self, qp, kept->level, "%s%s", prefix, kept->text);
        }
    }
    if (conn->nlost > 0 && limit == higher_level(qp_opts(self))) {
        qp_log(self, qp, limit, "%s%d more lines were not kept", prefix,
               conn->nlost);
    }
    apr_pool_destroy(conn->pool);
    conn->pool = NULL;
}

static void decide(const qp_plugin *self, qp_session *qp)
{
    const struct opts *opt = qp_opts(self);

    if (is_denied(self, qp)) {
        pass_kept(self, qp, LINE_LEVEL(opt->reject), "");
    }
    else {
        pass_kept(self, qp, LINE_LEVEL(opt->accept), opt->prefix);
    }
}

static qp_rc hook_deny(const qp_plugin *self, qp_session *qp,
                       const qp_verdict_arg *arg)
{
    struct conn *conn = qp_conn_data(self, qp);

    if (qp_transaction(qp) != NULL) {
        ((struct txn *)qp_txn_data(self, qp))->is_denied = 1;
    }
    else {
        conn->is_denied = 1;
    }
    decide(self, qp);
    return QP_DECLINED;
}

static qp_rc hook_reset_transaction(const qp_plugin *self, qp_session *qp,
                                    const qp_reset_arg *arg)
{
    struct conn *conn = qp_conn_data(self, qp);

    decide(self, qp);
    conn->is_denied = 0;
    return QP_DECLINED;
}

static qp_rc hook_post_connection(const qp_plugin *self, qp_session *qp,
                                  const qp_end_arg *arg)
{
    struct conn *conn = qp_conn_data(self, qp);

    decide(self, qp);
    conn->is_over = 1;
    return QP_DECLINED;
}

QP_PLUGIN(logging_adaptive) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .conn_size = sizeof(struct conn),
    .txn_size = sizeof(struct txn),
    .hooks.logging = hook_logging,
    .hooks.deny = hook_deny,
    .hooks.reset_transaction = hook_reset_transaction,
    .hooks.post_connection = hook_post_connection,
};
