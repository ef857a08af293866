/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses clients that other plugins have marked. Keeps nothing: the marks are
 * notes of the connection, and the server's.

=pod

=head1 NAME

naughty - refuse later what other plugins have found

=head1 SYNOPSIS

In F<config/plugins>, below the plugins that mark:

    dnsbl reject naughty
    badmailfrom reject naughty
    naughty reject rcpt

=head1 DESCRIPTION

With C<reject naughty>, a plugin does not refuse what it has found, but marks
the client. This plugin refuses marked clients, at the hook that C<reject>
names. So a client can be looked at early and refused late: when it has had the
chance to log in, which takes all marks away, and when the log knows sender and
recipients.

The client is shown what the plugins have said, a line each. What they say with
C<reject_type> decides how it is refused; if they say nothing, the
C<reject_type> of this plugin does.

It stands below the plugins whose marks it is to see, at the same hook. Marks
that come later, such as that of F<virus/clamdscan>, are seen at the end of the
message or with the next one: whatever C<reject> names, marked clients are
refused at data_post, too.

=head1 CONFIGURATION

=over 4

=item reject

Where marked clients are refused: C<connect>, C<helo> (and EHLO), C<mail>,
C<rcpt>, C<data>, or C<data_post>. The default is C<rcpt>.

=back

The common argument C<reject_type> is C<disconnect> unless it is given.

=head1 DIAGNOSTICS

=over 4

=item naughty: pass, nothing is said of the client

=item naughty: fail, I<WHAT THE PLUGINS HAVE SAID>

=back

=head1 SEE ALSO

F<docs/plugin-list.md>

=cut

*/

#include "qpsmtpd.h"

struct opts {
    int hook;
};

enum { AT_CONNECT, AT_HELO, AT_MAIL, AT_RCPT, AT_DATA, AT_DATA_POST };
static const char *const hook_words[] = { "connect", "helo", "mail",
                                          "rcpt",    "data", "data_post",
                                          NULL };

static const qp_opt opt_table[] = {
    QP_OPT_ENUM(struct opts, hook, "reject", "rcpt", hook_words),
    QP_OPT_END,
};

static qp_rc judge(const qp_plugin *self, qp_session *qp)
{
    qp_rc type;
    const char *text = qp_naughty(qp, &type);

    if (text == NULL) {
        qp_pass(self, qp, "nothing is said of the client");
        return QP_DECLINED;
    }
    if (type == QP_DECLINED) {
        type = qp_reject_type(self, QP_DENY_DISCONNECT);
    }
    qp_fail(self, qp, "%s", text);
    return qp_return(qp, type, "%s", text);
}

static qp_rc connect_handler(const qp_plugin *self, qp_session *qp,
                             const qp_connect_arg *arg)
{
    return judge(self, qp);
}

static qp_rc helo_handler(const qp_plugin *self, qp_session *qp,
                          const qp_helo_arg *arg)
{
    return judge(self, qp);
}

static qp_rc mail_handler(const qp_plugin *self, qp_session *qp,
                          const qp_mail_arg *arg)
{
    return judge(self, qp);
}

static qp_rc rcpt_handler(const qp_plugin *self, qp_session *qp,
                          const qp_rcpt_arg *arg)
{
    return judge(self, qp);
}

static qp_rc data_handler(const qp_plugin *self, qp_session *qp,
                          const qp_data_arg *arg)
{
    return judge(self, qp);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);
    qp_hooks *hooks = qp_plugin_hooks(self);

    hooks->data_post = data_handler;
    switch (opt->hook) {
    case AT_CONNECT:
        hooks->connect = connect_handler;
        break;
    case AT_HELO:
        hooks->helo = helo_handler;
        hooks->ehlo = helo_handler;
        break;
    case AT_MAIL:
        hooks->mail = mail_handler;
        break;
    case AT_RCPT:
        hooks->rcpt = rcpt_handler;
        break;
    case AT_DATA:
        hooks->data = data_handler;
        break;
    case AT_DATA_POST:
        break;
    }
    return NULL;
}

QP_PLUGIN(naughty) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
};
