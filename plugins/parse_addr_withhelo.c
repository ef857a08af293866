/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds clients that say HELO to the protocol that they have chosen. It keeps
 * no data, and leaves addresses and parameters of EHLO clients alone.

=pod

=head1 NAME

parse_addr_withhelo - refuse parameters of MAIL and RCPT behind HELO

=head1 SYNOPSIS

In F<config/plugins>:

    parse_addr_withhelo

=head1 DESCRIPTION

A client that says EHLO is told which extensions there are, and may then use
parameters such as C<SIZE=1000>. One that says HELO is told nothing, so that it
cannot know of any (RFC 5321 3.2). Programs that send parameters nevertheless
have not been written with care. Their MAIL or RCPT is answered 501.

The server itself answers 555 to parameters that it has not offered, after it
has looked at the address. With this plugin the answer is 501, and what is wrong
is the syntax.

=head1 CONFIGURATION

There are no options.

=head1 DIAGNOSTICS

=over 4

=item parse_addr_withhelo: fail, "I<PARAMETER>" behind HELO

The command was refused.

=back

=head1 SEE ALSO

L<dont_require_anglebrackets>, F<docs/plugins.md>

=cut

*/

#include <string.h>

#include "qpsmtpd.h"

static qp_rc parse_path(const qp_plugin *self, qp_session *qp, const char *verb,
                        const char *line, qp_parsed *out)
{
    qp_rc rc = qp_parse_path(verb, line, out);

    if (rc != QP_OK || out->rest->nelts == 0) {
        return rc;
    }
    qp_fail(self, qp, "\"%.80s\" behind HELO",
            APR_ARRAY_IDX(out->rest, 0, const char *));
    out->error = "no parameters are allowed behind HELO, use EHLO";
    return QP_DENY;
}

static qp_rc hook_parse(const qp_plugin *self, qp_session *qp,
                        qp_parse_arg *arg)
{
    if (strcmp(qp_conn_hello(qp_connection(qp)), "helo") != 0) {
        return QP_DECLINED;
    }
    arg->parse = parse_path;
    return QP_OK;
}

QP_PLUGIN(parse_addr_withhelo) = {
    .hooks.mail_parse = hook_parse,
    .hooks.rcpt_parse = hook_parse,
};
