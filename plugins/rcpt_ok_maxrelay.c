/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does what rcpt_ok does, and hangs up on clients that try to relay again and
 * again. The count lives as long as the connection. It decides nothing about
 * recipients itself.

=pod

=head1 NAME

rcpt_ok_maxrelay - rcpt_ok, with a limit to attempts to relay

=head1 SYNOPSIS

In F<config/plugins>, instead of C<rcpt_ok> and as the last plugin that deals
with recipients:

    rcpt_ok_maxrelay
    rcpt_ok_maxrelay 5
    rcpt_ok_maxrelay max 20

=head1 DESCRIPTION

The plugin inherits L<rcpt_ok>, which is loaded for it, and passes its answers
on. It counts the recipients that C<rcpt_ok> refuses. As soon as there are more
of them than allowed, the client is answered 550 and the connection is closed:
whoever goes on trying is looking for an open relay.

Do not load C<rcpt_ok> beside it: the first of the two would answer, and the
other one would not be asked.

=head1 CONFIGURATION

=over 4

=item max

How many refused recipients a connection may have. It may be given without its
name, as the first word. From 0 to 1000; 0 means that there is no limit. The
default is 5.

=back

=head1 DIAGNOSTICS

The lines of L<rcpt_ok> appear under the name of this plugin. Besides:

=over 4

=item rcpt_ok_maxrelay: attempt I<N> to relay, I<MAX> are allowed

Logged as information when the connection is closed.

=back

=head1 SEE ALSO

L<rcpt_ok>, F<docs/plugins.md>

=cut

*/

#include "qpsmtpd.h"

struct opts {
    int max;
};

struct conn {
    int refused;
};

static const qp_opt opt_table[] = {
    QP_OPT_WORD_INT(1, struct opts, max, "max", "5", 0, 1000),
    QP_OPT_END,
};

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct conn *conn = qp_conn_data(self, qp);
    qp_rc rc = QP_SUPER(self, qp, rcpt, arg);

    if (rc != QP_DENY || opt->max == 0) {
        return rc;
    }
    conn->refused++;
    if (conn->refused <= opt->max) {
        return rc;
    }
    qp_log(self, qp, QP_LOG_INFO, "attempt %d to relay, %d are allowed",
           conn->refused, opt->max);
    return qp_dsn_relaying_denied_rc(qp, QP_DENY_DISCONNECT,
                                     "Too many attempts to relay");
}

QP_PLUGIN(rcpt_ok_maxrelay) = {
    .parent = "rcpt_ok",
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .conn_size = sizeof(struct conn),
    .hooks.rcpt = hook_rcpt,
};
