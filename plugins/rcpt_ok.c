/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says which recipients this server takes mail for. It keeps no data beyond
 * one command. It does not know which mailboxes exist, only which domains.

=pod

=head1 NAME

rcpt_ok - accept recipients of our domains, refuse to relay to others

=head1 SYNOPSIS

In F<config/plugins>, as the last plugin that deals with recipients:

    rcpt_ok

In F<config/rcpthosts>, one domain a line:

    example.org
    .lists.example.org

=head1 DESCRIPTION

Without a plugin that accepts a recipient no mail gets in. This is the plugin
that does. Plugins that refuse recipients stand above it in F<config/plugins>,
for the first answer wins.

A recipient is accepted if

=over 4

=item *

the client may relay: L<relay> knows its address, or it has authenticated;

=item *

its domain is the server's own name, that is config C<me>;

=item *

its domain is a line of C<rcpthosts>;

=item *

its domain ends in a line of C<rcpthosts> that begins with a dot. The line
C<.example.org> stands for C<a.example.org> and C<a.b.example.org>, and not for
C<example.org>, which needs a line of its own;

=item *

it is C<postmaster> without a domain. (C<abuse> would do as well, but the server
takes no other name without a domain.)

=back

A domain in UTF-8 is compared with A-labels (C<xn-->...), and needs such a line.

Domains are compared without regard to case. All other recipients are refused
with 550 5.7.1.

A local part with C<%>, C<!> or C<@> in it, such as C<user%elsewhere@ours>,
C<elsewhere!user@ours> or C<"user@elsewhere"@ours>, asks the next server to
pass the message on (RFC 5321 appendix C calls it explicit source routing).
It is refused even if the domain is ours, because the software behind this
server may still follow it. Clients that may relay are free to use it.

That a client or sender is whitelisted has no effect here: it is no permission
to relay.

=head1 CONFIGURATION

There are no options.

=head1 FILES

The config keys, each a file of the config folder or a C<QpsmtpdSet>, are

=over 4

=item F<me>

The name of this server.

=item F<rcpthosts>

The domains that mail is accepted for, one a line.

=back

Both are looked up for each recipient: a change needs no restart.

=head1 DIAGNOSTICS

=over 4

=item rcpt_ok: pass, relay client

=item rcpt_ok: pass, local domain I<DOMAIN>

=item rcpt_ok: pass, I<USER> without a domain

The recipient was accepted.

=item rcpt_ok: fail, relaying denied to I<RECIPIENT>

=item rcpt_ok: fail, source route in I<RECIPIENT>

The recipient was refused.

=back

=head1 SEE ALSO

L<relay>, L<rcpt_ok_maxrelay>, F<docs/plugins.md>

=cut

*/

#include <string.h>
#include <strings.h>

#include "qpsmtpd.h"

/* Whether host is a sub-domain of what follows the dot of the line. */
static int is_below(const char *host, const char *line)
{
    size_t len = strlen(host);
    size_t suffix = strlen(line);

    return suffix > 1 && len > suffix
           && strcasecmp(host + len - suffix, line) == 0;
}

static int is_local_domain(qp_session *qp, const char *host)
{
    const char *me = qp_config_first(qp, "me");
    const apr_array_header_t *lines;
    const char *line;
    int i;

    if (me != NULL && strcasecmp(host, me) == 0) {
        return 1;
    }
    lines = qp_config(qp, "rcpthosts");
    for (i = 0; i < lines->nelts; i++) {
        line = APR_ARRAY_IDX(lines, i, const char *);
        if (line[0] == '.' ? is_below(host, line)
                           : strcasecmp(host, line) == 0) {
            return 1;
        }
    }
    return 0;
}

/* RFC 5321 4.5.1: postmaster has to work without a domain; RFC 2142 asks for
 * abuse in the same breath. */
static int is_role(const char *user)
{
    return strcasecmp(user, "postmaster") == 0
           || strcasecmp(user, "abuse") == 0;
}

static qp_rc refuse(const qp_plugin *self, qp_session *qp, const char *why,
                    const qp_addr *rcpt)
{
    qp_fail(self, qp, "%s %s", why, qp_addr_text(rcpt, qp_pool(qp)));
    return qp_dsn_relaying_denied(qp, NULL);
}

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    const qp_addr *rcpt = arg->rcpt;
    const char *host = qp_addr_ascii_host(rcpt, qp_pool(qp));

    if (qp_conn_relay_client(qp_connection(qp))) {
        qp_pass(self, qp, "relay client");
        return QP_OK;
    }
    if (rcpt->host[0] == '\0' && is_role(rcpt->user)) {
        qp_pass(self, qp, "%s without a domain", rcpt->user);
        return QP_OK;
    }
    if (rcpt->host[0] == '\0'
        || !is_local_domain(qp, host != NULL ? host : rcpt->host)) {
        return refuse(self, qp, "relaying denied to", rcpt);
    }
    if (strpbrk(rcpt->user, "%!@") != NULL) {
        return refuse(self, qp, "source route in", rcpt);
    }
    qp_pass(self, qp, "local domain %s", rcpt->host);
    return QP_OK;
}

QP_PLUGIN(rcpt_ok) = {
    .hooks.rcpt = hook_rcpt,
};
