/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns every client away for now, before the greeting. It keeps no data, and
 * it deliberately makes no exceptions.

=pod

=head1 NAME

temp_disable_connection - refuse all clients for the time being

=head1 SYNOPSIS

In F<config/plugins>, as the first line:

    temp_disable_connection

=head1 DESCRIPTION

Every client is answered 450 instead of a greeting, and the connection is
closed. Clients that are mail servers keep their mail and come back later, so
that nothing is lost as long as it lasts for hours and not for days.

It is meant for maintenance of what stands behind the server: a mailbox store
that moves, a queue that has to drain. It is also the shortest plugin there is,
and a good one to begin one's own with.

=head1 CONFIGURATION

There are no options.

=head1 DIAGNOSTICS

=over 4

=item temp_disable_connection: fail, service is disabled

A client was turned away.

=back

=head1 SEE ALSO

F<docs/plugins.md>, F<src/qpsmtpd.h>

=cut

*/

#include "qpsmtpd.h"

static qp_rc hook_connect(const qp_plugin *self, qp_session *qp,
                          const qp_connect_arg *arg)
{
    qp_fail(self, qp, "service is disabled");
    return qp_dsn_sys_not_accepting_mail(
        qp, "No mail is taken at the moment, please come back later");
}

QP_PLUGIN(temp_disable_connection) = {
    .hooks.connect = hook_connect,
};
