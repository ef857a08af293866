/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whitelists clients whose address is on a list of good ones in the DNS. The
 * questions live as long as the connection. It refuses nobody.

=pod

=head1 NAME

dns_whitelist_soft - do not check clients that a list in the DNS vouches for

=head1 SYNOPSIS

In F<config/plugins>, above the plugins that need not check such clients:

    dns_whitelist_soft
    dnsbl

In F<config/whitelist_zones>:

    list.example.org
    white.example.net=127.0.0.0/16 known to example.net

=head1 DESCRIPTION

When a client connects, the lists of config C<whitelist_zones> are asked about
its address, all at the same time. Their answers are waited for at MAIL. If one
has the address, the note C<whitelisthost> of the connection is set, and the
plugins of policy that are asked from then on let the client pass. It does not
allow a client to relay.

A line is C<ZONE[=CODE,CODE...] [REASON]>; what codes are is described in
L<dnsbl>. The note is the reason, or without one the text of the list.

A list that does not answer within C<dns_timeout> counts as one that does not
have the address.

=head1 CONFIGURATION

There are no options of its own.

=head1 FILES

=over 4

=item F<whitelist_zones>

The lists. Without any, the plugin does nothing.

=back

=head1 DIAGNOSTICS

=over 4

=item dns_whitelist_soft: pass, I<ADDRESS> is whitelisted by I<ZONE>

=item dns_whitelist_soft: skip, I<ADDRESS> is on no list

It may be followed by C<; no use of ZONE (WHY)> for lists that have not
answered, or with an address that is no answer of a list.

=back

=head1 SEE ALSO

L<dnsbl>

=cut

*/

#include "dnslist.h"

struct conn {
    apr_array_header_t *lookups;
    int is_judged;
};

static qp_rc hook_connect(const qp_plugin *self, qp_session *qp,
                          const qp_connect_arg *arg)
{
    struct conn *conn = qp_conn_data(self, qp);

    conn->lookups = start_lookups(qp, "whitelist_zones", arg->remote_ip, NULL,
                                  qp_conn_pool(qp));
    return QP_DECLINED;
}

static void note_client(const qp_plugin *self, qp_session *qp,
                        const dnslist_lookup *found)
{
    const char *text = listed_text(qp, found);

    qp_note_set(qp_conn_notes(qp_connection(qp)), QP_NOTE_WHITELISTHOST,
                text != NULL ? text : found->zone.name);
    qp_pass(self, qp, "%s is whitelisted by %s",
            qp_conn_remote_ip(qp_connection(qp)), found->zone.name);
}

static qp_rc hook_mail(const qp_plugin *self, qp_session *qp,
                       const qp_mail_arg *arg)
{
    struct conn *conn = qp_conn_data(self, qp);
    const dnslist_lookup *found;

    if (conn->is_judged || conn->lookups == NULL) {
        return QP_DECLINED;
    }
    if (judge_lookups(qp, conn->lookups, &found) == QP_YIELD) {
        return QP_YIELD;
    }
    conn->is_judged = 1;
    if (found != NULL) {
        note_client(self, qp, found);
    }
    else {
        qp_skip(self, qp, "%s is on no list%s",
                qp_conn_remote_ip(qp_connection(qp)),
                list_useless(qp, conn->lookups));
    }
    return QP_DECLINED;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    return qp_list_check(self, "whitelist_zones", read_zone);
}

QP_PLUGIN(dns_whitelist_soft) = {
    .conn_size = sizeof(struct conn),
    .setup = setup,
    .hooks.connect = hook_connect,
    .hooks.mail = hook_mail,
};
