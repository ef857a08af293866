/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hangs up on clients that send NOOP and nothing else. The count lives as long
 * as the connection. Commands that are refused before a hook is asked do not
 * concern it.

=pod

=head1 NAME

noop_counter - close the connection after some NOOP in a row

=head1 SYNOPSIS

In F<config/plugins>:

    noop_counter
    noop_counter 10
    noop_counter max 10

=head1 DESCRIPTION

NOOP does nothing but keep a connection open. A client may want that now and
then; one that sends NOOP after NOOP holds a place that others could have. The
NOOP that fills the measure is answered 500, and the connection is closed.

Only NOOPs in a row count: HELO, EHLO, MAIL, RCPT, DATA, VRFY, HELP and the end
of a transaction, by RSET for instance, begin a new count. Unknown commands, and
an RSET that has nothing to end, do not.

=head1 CONFIGURATION

=over 4

=item max

How many NOOPs in a row there may be; the last of them is the one that closes
the connection. It may be given without its name, as the first word. From 1 to
1000; the default is 3.

=back

=head1 DIAGNOSTICS

=over 4

=item noop_counter: pass, I<N> of I<MAX>

A NOOP was counted, and answered.

=item noop_counter: fail, I<MAX> in a row

The connection is closed.

=back

=head1 SEE ALSO

L<count_unrecognized_commands>, F<docs/plugins.md>

=cut

*/

#include "qpsmtpd.h"

struct opts {
    int max;
};

struct conn {
    int count;
};

static const qp_opt opt_table[] = {
    QP_OPT_WORD_INT(1, struct opts, max, "max", "3", 1, 1000),
    QP_OPT_END,
};

static qp_rc hook_noop(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct conn *conn = qp_conn_data(self, qp);

    conn->count++;
    if (conn->count < opt->max) {
        qp_pass(self, qp, "%d of %d", conn->count, opt->max);
        return QP_DECLINED;
    }
    qp_fail(self, qp, "%d in a row", opt->max);
    return qp_return(qp, QP_DENY_DISCONNECT,
                     "%d times NOOP and nothing else, closing the connection",
                     opt->max);
}

static qp_rc start_anew(const qp_plugin *self, qp_session *qp)
{
    struct conn *conn = qp_conn_data(self, qp);

    conn->count = 0;
    return QP_DECLINED;
}

/* One function for each type of argument. */
#define START_ANEW(hook, type)                                                 \
    static qp_rc hook_##hook(const qp_plugin *self, qp_session *qp,            \
                             const type *arg)                                  \
    {                                                                          \
        return start_anew(self, qp);                                           \
    }
START_ANEW(helo, qp_helo_arg)
START_ANEW(mail, qp_mail_arg)
START_ANEW(rcpt, qp_rcpt_arg)
START_ANEW(data, qp_data_arg)
START_ANEW(reset_transaction, qp_reset_arg)
START_ANEW(vrfy, qp_words_arg)

QP_PLUGIN(noop_counter) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .conn_size = sizeof(struct conn),
    .hooks.noop = hook_noop,
    .hooks.helo = hook_helo,
    .hooks.ehlo = hook_helo,
    .hooks.mail = hook_mail,
    .hooks.rcpt = hook_rcpt,
    .hooks.data = hook_data,
    .hooks.reset_transaction = hook_reset_transaction,
    .hooks.vrfy = hook_vrfy,
    .hooks.help = hook_vrfy,
};
