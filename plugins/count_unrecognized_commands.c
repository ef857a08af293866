/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hangs up on clients that send too many unknown commands. The count lives as
 * long as the connection. It does not judge what the commands were.

=pod

=head1 NAME

count_unrecognized_commands - close the connection after some unknown commands

=head1 SYNOPSIS

In F<config/plugins>:

    count_unrecognized_commands
    count_unrecognized_commands 4
    count_unrecognized_commands max 10

=head1 DESCRIPTION

A mail client that is in order sends no command that the server does not know.
Those who do are broken, or are no mail clients at all: web browsers, scanners,
or programs that go on sending a message that was refused as if its text were
commands. Each unknown command is answered 500; the one that fills the measure
is answered 521, and the connection is closed.

Commands of other plugins do not count if those plugins stand above this one in
F<config/plugins>. Commands that the server knows and cannot take at the
moment do not count either.

=head1 CONFIGURATION

=over 4

=item max

How many unknown commands there may be in a connection; the last of them is
the one that closes it. It may be given without its name, as the first word.
From 1 to 1000; the default is 4.

=back

=head1 DIAGNOSTICS

=over 4

=item count_unrecognized_commands: fail, unknown command "I<VERB>", I<N> of
I<MAX>

An unknown command was counted. With I<N> equal to I<MAX> the connection is
closed.

=back

=head1 SEE ALSO

F<docs/plugins.md>

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
    QP_OPT_WORD_INT(1, struct opts, max, "max", "4", 1, 1000),
    QP_OPT_END,
};

static qp_rc hook_unrecognized_command(const qp_plugin *self, qp_session *qp,
                                       const qp_command_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct conn *conn = qp_conn_data(self, qp);

    conn->count++;
    qp_fail(self, qp, "unknown command \"%.32s\", %d of %d", arg->verb,
            conn->count, opt->max);
    if (conn->count < opt->max) {
        return QP_DECLINED;
    }
    return qp_return(qp, QP_DENY_DISCONNECT,
                     "Too many unknown commands, closing the connection");
}

QP_PLUGIN(count_unrecognized_commands) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .conn_size = sizeof(struct conn),
    .hooks.unrecognized_command = hook_unrecognized_command,
};
