/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges a client by the name of its address. It keeps nothing itself: the name
 * is the connection's. It does not compare it with the name in HELO.

=pod

=head1 NAME

fcrdns - check whether the name of a client's address leads back to it

=head1 SYNOPSIS

In F<config/plugins>:

    fcrdns
    fcrdns reject yes

=head1 DESCRIPTION

When a client connects, the names of its address (PTR records) are looked up,
and the addresses of these names. If one of them is the client's again, the name
is verified: it stands in the field Received, and other plugins see it. The
result is added to Authentication-Results as C<iprev> (RFC 8601 2.7.3):

=over 4

=item pass

The name is verified.

=item fail

There are names, but none of them leads back to the address.

=item permerror

The address has no name.

=item temperror

The name servers have not answered within C<dns_timeout>.

=back

Ten names are looked at, at most. Clients on the same host, which have the
address that they connect to, are not checked.

Nobody is refused unless the plugin is told so: many honest servers have no
name, or a wrong one. With C<reject yes> clients are refused for C<fail> and
C<permerror>, never for C<temperror>.

=head1 CONFIGURATION

=over 4

=item reject

Here the default is C<no>. With C<yes> or C<naughty> clients without a verified
name are refused, or marked.

=back

=head1 DIAGNOSTICS

=over 4

=item fcrdns: pass, I<NAME>

The karma of the connection rises by 1.

=item fcrdns: fail, I<ADDRESS> has no name

=item fcrdns: fail, no name of I<ADDRESS> leads back to it: I<NAMES>

With C<tolerated> in front of it unless clients are refused. The karma of the
connection falls by 1.

=item fcrdns: skip, the DNS does not say who I<ADDRESS> is

=item fcrdns: skip, local client

=back

=head1 SEE ALSO

L<dnsbl>, F<docs/admin.md> for C<hostname_lookups> and C<dns_servers>

=cut

*/

#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

static const qp_opt opt_table[] = {
    QP_OPT_DEFAULT("reject", "no"),
    QP_OPT_END,
};

static void add_result(qp_session *qp, const char *result)
{
    qp_auth_results_add(qp, "iprev=%s policy.iprev=%s", result,
                        qp_conn_remote_ip(qp_connection(qp)));
}

static qp_rc refuse_client(const qp_plugin *self, qp_session *qp,
                           const char *text)
{
    qp_karma_adjust(qp, -1);
    if (qp_is_immune(self, qp)) {
        return QP_DECLINED;
    }
    return qp_reject(self, qp, "%s", text);
}

static qp_rc refuse_nameless(const qp_plugin *self, qp_session *qp,
                             const char *ip)
{
    add_result(qp, "permerror");
    return refuse_client(self, qp,
                         apr_psprintf(qp_pool(qp), "%s has no name", ip));
}

static qp_rc refuse_unverified(const qp_plugin *self, qp_session *qp,
                               const char *ip)
{
    add_result(qp, "fail");
    return refuse_client(
        self, qp,
        apr_psprintf(qp_pool(qp), "no name of %s leads back to it: %s", ip,
                     apr_array_pstrcat(qp_pool(qp), qp_client_names(qp), ' ')));
}

/* A client on this host has the address that it connects to. */
static int is_local(qp_session *qp, const char *ip)
{
    return strcmp(ip, qp_conn_local_ip(qp_connection(qp))) == 0;
}

static qp_rc hook_connect(const qp_plugin *self, qp_session *qp,
                          const qp_connect_arg *arg)
{
    const char *ip = arg->remote_ip;

    if (is_local(qp, ip)) {
        qp_skip(self, qp, "local client");
        return QP_DECLINED;
    }
    switch (qp_client_name_verify(qp)) {
    case QP_CLIENT_NAME_PENDING:
        return qp_client_name_await(qp);
    case QP_CLIENT_NAME_PASS:
        add_result(qp, "pass");
        qp_karma_adjust(qp, 1);
        qp_pass(self, qp, "%s", qp_conn_remote_host(qp_connection(qp)));
        return QP_DECLINED;
    case QP_CLIENT_NAME_FAIL:
        return refuse_unverified(self, qp, ip);
    case QP_CLIENT_NAME_NONE:
        return refuse_nameless(self, qp, ip);
    case QP_CLIENT_NAME_TEMPERROR:
    default:
        add_result(qp, "temperror");
        qp_skip(self, qp, "the DNS does not say who %s is", ip);
        return QP_DECLINED;
    }
}

QP_PLUGIN(fcrdns) = {
    .opts = opt_table,
    .hooks.connect = hook_connect,
};
