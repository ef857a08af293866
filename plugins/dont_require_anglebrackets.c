/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts angle brackets around addresses that come without. It keeps no data, and
 * does not judge addresses: they are parsed afterwards.

=pod

=head1 NAME

dont_require_anglebrackets - take addresses without angle brackets

=head1 SYNOPSIS

In F<config/plugins>:

    dont_require_anglebrackets

=head1 DESCRIPTION

In MAIL and RCPT an address stands in angle brackets, C<< MAIL FROM:<a@b> >>.
The server refuses C<MAIL FROM:a@b> with 501. Some devices and home-made
programs send that; with this plugin they are understood.

Of all that sends mail without brackets, most is not worth having. Hence the
karma of the connection goes down by 2, for plugins that look at it. A text with
one bracket only is refused as before.

=head1 CONFIGURATION

There are no options.

=head1 DIAGNOSTICS

=over 4

=item dont_require_anglebrackets: pass, brackets put around "I<ADDRESS>"

=back

=head1 SEE ALSO

L<parse_addr_withhelo>, F<docs/plugins.md>

=cut

*/

#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

static qp_rc hook_addr_pre(const qp_plugin *self, qp_session *qp,
                           qp_addr_pre_arg *arg)
{
    size_t len = strlen(arg->addr);

    if (len == 0 || arg->addr[0] == '<' || arg->addr[len - 1] == '>') {
        return QP_DECLINED;
    }
    qp_pass(self, qp, "brackets put around \"%.256s\"", arg->addr);
    qp_karma_adjust(qp, -2);
    arg->addr = apr_pstrcat(qp_pool(qp), "<", arg->addr, ">", NULL);
    return QP_OK;
}

QP_PLUGIN(dont_require_anglebrackets) = {
    .hooks.mail_pre = hook_addr_pre,
    .hooks.rcpt_pre = hook_addr_pre,
};
