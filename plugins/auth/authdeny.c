/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets nobody in. It keeps no data.

=pod

=head1 NAME

auth/authdeny - offer AUTH, and let nobody in

=head1 SYNOPSIS

In F<config/plugins>, below other plugins that check passwords, or alone:

    auth/authdeny

=head1 DESCRIPTION

Any user that the plugins above have not decided about is logged and refused.
Alone, it makes the server offer AUTH without there being a user: whoever tries
is to be seen in the log.

=head1 CONFIGURATION

There are no options.

=head1 DIAGNOSTICS

=over 4

=item auth/authdeny: fail, nobody knows this user (I<MECHANISM>)

Somebody has tried.

=back

=head1 SEE ALSO

L<auth/auth_flat_file>, F<docs/plugins.md>

=cut

*/

#include "qpsmtpd.h"

static qp_rc hook_auth(const qp_plugin *self, qp_session *qp,
                       const qp_auth_arg *arg)
{
    qp_fail(self, qp, "nobody knows this user (%s)", arg->mechanism);
    return QP_DECLINED;
}

QP_PLUGIN(auth_authdeny) = { .hooks.auth = hook_auth };
