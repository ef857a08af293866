/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks the clients that may send to any domain, by their address. It keeps
 * no data of its own; the mark is the connection's. It looks up no names.

=pod

=head1 NAME

relay - say which clients may send mail to any domain

=head1 SYNOPSIS

In F<config/plugins>, above the plugins that make a difference for relay
clients:

    relay
    relay only yes

In F<config/relayclients>:

    127.0.0.1
    ::1
    192.0.2.0/24
    198.51.100.
    2001:db8:1::/48

=head1 DESCRIPTION

When a client connects, its address is looked for in config C<norelayclients>
and then in config C<relayclients>. In the first, it loses the permission to
relay that it may already have, and the second is not asked. In the second, it
may relay from now on: most policy plugins let it pass unseen, and L<rcpt_ok>
accepts every recipient. A client that stands in neither is left as it is. It
can still get the permission by AUTH.

A line of these files is one of

=over 4

=item *

an address, such as C<192.0.2.17> or C<2001:db8::25>;

=item *

a network in CIDR form, such as C<192.0.2.0/24> or C<2001:db8::/32>. Its first
and its last address belong to it. Bits behind the mask are ignored;

=item *

the beginning of an address, in whole parts and with the dot or colon behind
them: C<192.0.2.> means C<192.0.2.0/24>, C<2001:db8:> means C<2001:db8::/32>.

=back

An IPv4 address is the same in its IPv6 form C<::ffff:192.0.2.17>, but an IPv6
network such as C<::/0> holds no IPv4 clients. A line that is none of these
stops the start; if it comes in later, the old list stays in force.

The loopback addresses are no exception: neither C<127.0.0.1> nor C<::1> may
relay unless it is listed. Mind what can connect from there, such as a proxy or
a web application on the same host.

The environment variable RELAYCLIENT of other servers has no meaning here, as
the environment is shared by all clients of a process.

=head1 CONFIGURATION

=over 4

=item only

With C<only yes>, nobody but relay clients may send: at RCPT they are accepted
and all others are refused. That suits a submission server, which has no
domains of its own. The default is no.

=back

=head1 FILES

=over 4

=item F<relayclients>

Who may relay.

=item F<norelayclients>

Who may not, even if a line of F<relayclients> would allow it: a host in an
allowed network, for instance.

=item F<morerelayclients.cdb>

A constant database, such as C<cdb -c> of tinycdb makes it, of further clients
that may relay. Its keys are addresses, or the first parts of an IPv4 address
with the dot behind them (C<192.0.2.>), or the first digits of an IPv6 address
that is written with all its zeros (C<2001:0db8:00>); values do not count. It
does not have to be there.

=back

All are looked up for each connection: a change needs no restart.

=head1 DIAGNOSTICS

=over 4

=item relay: pass, I<ADDRESS> is in relayclients (I<LINE>)

=item relay: pass, I<ADDRESS> is in morerelayclients

The client may relay.

=item relay: skip, I<ADDRESS> is in norelayclients (I<LINE>)

=item relay: skip, I<ADDRESS> is no relay client

The client may not.

=item relay: pass, relay client

=item relay: fail, not a relay client

What C<only yes> says at RCPT.

=back

=head1 SEE ALSO

L<rcpt_ok>, F<docs/plugins.md>

=cut

*/

#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

#define MAP "morerelayclients"

struct opts {
    int only;
};

static const qp_opt opt_table[] = {
    QP_OPT_BOOL(struct opts, only, "only", "no"),
    QP_OPT_END,
};

/* Shorter and shorter beginnings of an address, down to its first part.
 * @return whether one of them is a key of the map */
static int is_begun(qp_session *qp, char *text, const char *ends)
{
    size_t len = strlen(text);
    const char *value;
    apr_status_t rv = qp_map_find(qp, MAP, text, &value);

    while (APR_STATUS_IS_NOTFOUND(rv) && len > 1) {
        text[--len] = '\0';
        if (ends == NULL || strchr(ends, text[len - 1]) != NULL) {
            rv = qp_map_find(qp, MAP, text, &value);
        }
    }
    return rv == APR_SUCCESS;
}

/* As eight groups of four digits, for the keys of the map. */
static char *expand_v6(const qp_ip *ip, apr_pool_t *pool)
{
    static const char digits[] = "0123456789abcdef";
    char *text = apr_palloc(pool, 5 * QP_IP_LEN / 2);
    char *to = text;
    int i;

    for (i = 0; i < QP_IP_LEN; i++) {
        if (i > 0 && i % 2 == 0) {
            *to++ = ':';
        }
        *to++ = digits[ip->octets[i] >> 4];
        *to++ = digits[ip->octets[i] & 15];
    }
    *to = '\0';
    return text;
}

/* Whether the address, or its beginning, is a key of morerelayclients.cdb. */
static int is_in_map(qp_session *qp, const char *text)
{
    apr_pool_t *pool = qp_pool(qp);
    const char *value;
    apr_status_t rv;
    qp_ip ip;

    if (!qp_net_ip(text, &ip)) {
        return 0;
    }
    if (qp_net_is_v4(&ip)) {
        return is_begun(qp,
                        apr_psprintf(pool, "%d.%d.%d.%d", ip.octets[12],
                                     ip.octets[13], ip.octets[14],
                                     ip.octets[15]),
                        ".");
    }
    rv = qp_map_find(qp, MAP, text, &value);
    if (APR_STATUS_IS_NOTFOUND(rv)) {
        return is_begun(qp, expand_v6(&ip, pool), NULL);
    }
    return rv == APR_SUCCESS;
}

static qp_rc hook_connect(const qp_plugin *self, qp_session *qp,
                          const qp_connect_arg *arg)
{
    qp_conn *conn = qp_connection(qp);
    const char *line;

    line = qp_net_line(qp, "norelayclients", arg->remote_ip);
    if (line != NULL) {
        qp_skip(self, qp, "%s is in norelayclients (%s)", arg->remote_ip, line);
        qp_conn_set_relay_client(conn, 0);
        return QP_DECLINED;
    }
    line = qp_net_line(qp, "relayclients", arg->remote_ip);
    if (line != NULL) {
        qp_pass(self, qp, "%s is in relayclients (%s)", arg->remote_ip, line);
    }
    else if (is_in_map(qp, arg->remote_ip)) {
        qp_pass(self, qp, "%s is in %s", arg->remote_ip, MAP);
    }
    else {
        qp_skip(self, qp, "%s is no relay client", arg->remote_ip);
        return QP_DECLINED;
    }
    qp_conn_set_relay_client(conn, 1);
    return QP_DECLINED;
}

/* Only with the option `only`: nobody else may send. */
static qp_rc rcpt_handler(const qp_plugin *self, qp_session *qp,
                          const qp_rcpt_arg *arg)
{
    if (qp_conn_relay_client(qp_connection(qp))) {
        qp_pass(self, qp, "relay client");
        return QP_OK;
    }
    qp_fail(self, qp, "not a relay client");
    return qp_dsn_relaying_denied(qp, NULL);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);
    const char *error = qp_list_check(self, "norelayclients", qp_net_lines);

    if (opt->only) {
        qp_plugin_hooks(self)->rcpt = rcpt_handler;
    }
    if (error == NULL) {
        error = qp_list_check(self, "relayclients", qp_net_lines);
    }
    return error != NULL ? error : qp_map_check(self, MAP);
}

QP_PLUGIN(relay) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
    .hooks.connect = hook_connect,
};
