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

the file F<morercpthosts.cdb> has its domain as a key, or the part behind one of
its dots, with that dot. That is for many domains;

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

The config keys, each a file of the config folder or a C<QpsmtpdSet> (but for
the last, which is a file only), are

=over 4

=item F<me>

The name of this server.

=item F<rcpthosts>

The domains that mail is accepted for, one a line.

=item F<morercpthosts.cdb>

A constant database, such as C<cdb -c> of tinycdb makes it. Its keys are domains
in lower case; values do not count. It does not have to be there.

=back

All are looked up for each recipient: a change needs no restart.

=head1 DIAGNOSTICS

=over 4

=item rcpt_ok: pass, relay client

=item rcpt_ok: pass, local domain I<DOMAIN>

=item rcpt_ok: pass, I<USER> without a domain

The recipient was accepted.

=item rcpt_ok: fail, relaying denied to I<RECIPIENT>

=item rcpt_ok: fail, source route in I<RECIPIENT>

The recipient was refused.

=item rcpt_ok: error, the domains that are ours cannot be looked up

F<morercpthosts.cdb> cannot be read, as another line says. The recipient was
refused for now.

=back

=head1 SEE ALSO

L<relay>, L<rcpt_ok_maxrelay>, F<docs/plugins.md>

=cut

*/

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "qpsmtpd.h"

#define MAP "morercpthosts"

/* Whether host is a sub-domain of what follows the dot of the line. */
static int is_below(const char *host, const char *line)
{
    size_t len = strlen(host);
    size_t suffix = strlen(line);

    return suffix > 1 && len > suffix
           && strcasecmp(host + len - suffix, line) == 0;
}

/* In the map a domain is in lower case, and what is for sub-domains begins
 * with a dot. @return 1, 0, or -1: the map cannot be read */
static int is_in_map(qp_session *qp, const char *host)
{
    char *name = apr_pstrdup(qp_pool(qp), host);
    const char *value, *at;
    apr_status_t rv;
    char *p;

    for (p = name; *p != '\0'; p++) {
        *p = (char)apr_tolower(*p);
    }
    rv = qp_map_find(qp, MAP, name, &value);
    for (at = strchr(name, '.'); at != NULL && APR_STATUS_IS_NOTFOUND(rv);
         at = strchr(at + 1, '.')) {
        rv = qp_map_find(qp, MAP, at, &value);
    }
    if (rv == APR_SUCCESS) {
        return 1;
    }
    return APR_STATUS_IS_NOTFOUND(rv) ? 0 : -1;
}

/* @return 1, 0, or -1: it is not known */
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
    return is_in_map(qp, host);
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
    int is_local = 0;

    if (qp_conn_relay_client(qp_connection(qp))) {
        qp_pass(self, qp, "relay client");
        return QP_OK;
    }
    if (rcpt->host[0] == '\0' && is_role(rcpt->user)) {
        qp_pass(self, qp, "%s without a domain", rcpt->user);
        return QP_OK;
    }
    if (rcpt->host[0] != '\0') {
        is_local = is_local_domain(qp, host != NULL ? host : rcpt->host);
    }
    if (is_local < 0) {
        qp_error(self, qp, "the domains that are ours cannot be looked up");
        return qp_dsn_net_directory_server_failed(qp, NULL);
    }
    if (!is_local) {
        return refuse(self, qp, "relaying denied to", rcpt);
    }
    if (strpbrk(rcpt->user, "%!@") != NULL) {
        return refuse(self, qp, "source route in", rcpt);
    }
    qp_pass(self, qp, "local domain %s", rcpt->host);
    return QP_OK;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    return qp_map_check(self, MAP);
}

QP_PLUGIN(rcpt_ok) = {
    .setup = setup,
    .hooks.rcpt = hook_rcpt,
};
