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
network such as C<::/0> holds no IPv4 clients. A line that is none of these is
ignored, and a warning says so.

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

=back

Both are looked up for each connection: a change needs no restart.

=head1 DIAGNOSTICS

=over 4

=item relay: pass, I<ADDRESS> is in relayclients (I<LINE>)

The client may relay.

=item relay: skip, I<ADDRESS> is in norelayclients (I<LINE>)

=item relay: skip, I<ADDRESS> is no relay client

The client may not.

=item relay: pass, relay client

=item relay: fail, not a relay client

What C<only yes> says at RCPT.

=item relay: I<FILE>: "I<LINE>" is no address and no network, ignored

A line has to be corrected; a warning.

=back

=head1 SEE ALSO

L<rcpt_ok>, F<docs/plugins.md>

=cut

*/

#include <arpa/inet.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "qpsmtpd.h"

struct opts {
    int only;
};

static const qp_opt opt_table[] = {
    QP_OPT_BOOL(struct opts, only, "only", "no"),
    QP_OPT_END,
};

/* Octets of an IPv6 address, and those in front of the IPv4 address that is
 * mapped into it (RFC 4291 2.5.5.2). */
#define IP_LEN       16
#define V4_START     12
#define V4_BITS      (V4_START * 8)

/* The longest line that can be a network: 45 octets and the mask. */
#define LINE_MAX_LEN 64

/* A network; with IPv4 as ::ffff:a.b.c.d and 96 bits more. */
struct net {
    unsigned char ip[IP_LEN];
    int bits;
};

static const unsigned char v4_mapped[V4_START] = { 0, 0, 0, 0, 0,    0,
                                                   0, 0, 0, 0, 0xff, 0xff };

static int is_v4(const unsigned char *ip)
{
    return memcmp(ip, v4_mapped, V4_START) == 0;
}

/* Reads an address of either kind. */
static int parse_ip(const char *text, unsigned char *ip)
{
    if (strchr(text, ':') != NULL) {
        return inet_pton(AF_INET6, text, ip) == 1;
    }
    memcpy(ip, v4_mapped, V4_START);
    return inet_pton(AF_INET, text, ip + V4_START) == 1;
}

/* Reads the digits behind the slash. */
static int parse_bits(const char *text, int max, int *bits)
{
    const char *p;
    int n = 0;

    for (p = text; apr_isdigit(*p) && p - text < 3; p++) {
        n = n * 10 + (*p - '0');
    }
    *bits = n;
    return p > text && *p == '\0' && n <= max;
}

/* Reads ADDRESS/BITS; text is cut at the slash. */
static int parse_cidr(char *text, char *slash, struct net *net)
{
    int is_v4_text = strchr(text, ':') == NULL;

    *slash = '\0';
    if (!parse_ip(text, net->ip)
        || !parse_bits(slash + 1, is_v4_text ? 32 : 128, &net->bits)) {
        return 0;
    }
    if (is_v4_text) {
        net->bits += V4_BITS;
    }
    return 1;
}

/* Reads "192.0.2." or "2001:db8:", whole parts of an address; the rest is
 * filled up with zeros. */
static int parse_prefix(const char *text, struct net *net)
{
    static const char *const zeros[] = { "0.0.0", "0.0", "0" };
    char full[LINE_MAX_LEN + sizeof("0.0.0")];
    int nparts = 0;
    const char *p;

    for (p = text; *p != '\0'; p++) {
        nparts += *p == '.' || *p == ':';
    }
    if (p[-1] == '.' && nparts >= 1 && nparts <= 3) {
        apr_snprintf(full, sizeof(full), "%s%s", text, zeros[nparts - 1]);
        net->bits = V4_BITS + 8 * nparts;
        return parse_ip(full, net->ip);
    }
    if (p[-1] == ':' && text[0] != ':' && nparts <= 7
        && strstr(text, "::") == NULL) {
        apr_snprintf(full, sizeof(full), "%s:", text);
        net->bits = 16 * nparts;
        return parse_ip(full, net->ip);
    }
    return 0;
}

/* Reads a line of relayclients or norelayclients. */
static int parse_net(const char *line, struct net *net)
{
    char text[LINE_MAX_LEN];
    char *slash;

    if (line[0] == '\0' || strlen(line) >= sizeof(text)) {
        return 0;
    }
    apr_cpystrn(text, line, sizeof(text));
    slash = strchr(text, '/');
    if (slash != NULL) {
        return parse_cidr(text, slash, net);
    }
    net->bits = IP_LEN * 8;
    return parse_ip(text, net->ip) || parse_prefix(text, net);
}

static int is_in_net(const unsigned char *ip, const struct net *net)
{
    int octets = net->bits / 8;
    int rest = net->bits % 8;

    if (is_v4(ip) && net->bits < V4_BITS) {
        return 0;
    }
    if (memcmp(ip, net->ip, octets) != 0) {
        return 0;
    }
    return rest == 0 || ((ip[octets] ^ net->ip[octets]) >> (8 - rest)) == 0;
}

/* The line of the key that holds the address, or NULL. */
static const char *find_line(const qp_plugin *self, qp_session *qp,
                             const char *key, const unsigned char *ip)
{
    const apr_array_header_t *lines = qp_config(qp, key);
    const char *line;
    struct net net;
    int i;

    for (i = 0; i < lines->nelts; i++) {
        line = APR_ARRAY_IDX(lines, i, const char *);
        if (!parse_net(line, &net)) {
            qp_log(self, qp, QP_LOG_WARN,
                   "%s: \"%s\" is no address and no network, ignored", key,
                   line);
        }
        else if (is_in_net(ip, &net)) {
            return line;
        }
    }
    return NULL;
}

/* The client's address; a link-local one may have its interface behind it. */
static int parse_client(const char *remote_ip, unsigned char *ip)
{
    char text[LINE_MAX_LEN];

    apr_cpystrn(text, remote_ip, sizeof(text));
    text[strcspn(text, "%")] = '\0';
    return parse_ip(text, ip);
}

static qp_rc hook_connect(const qp_plugin *self, qp_session *qp,
                          const qp_connect_arg *arg)
{
    qp_conn *conn = qp_connection(qp);
    unsigned char ip[IP_LEN];
    const char *line;

    if (!parse_client(arg->remote_ip, ip)) {
        qp_skip(self, qp, "\"%s\" is no address", arg->remote_ip);
        return QP_DECLINED;
    }
    line = find_line(self, qp, "norelayclients", ip);
    if (line != NULL) {
        qp_skip(self, qp, "%s is in norelayclients (%s)", arg->remote_ip, line);
        qp_conn_set_relay_client(conn, 0);
        return QP_DECLINED;
    }
    line = find_line(self, qp, "relayclients", ip);
    if (line == NULL) {
        qp_skip(self, qp, "%s is no relay client", arg->remote_ip);
        return QP_DECLINED;
    }
    qp_pass(self, qp, "%s is in relayclients (%s)", arg->remote_ip, line);
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

    if (opt->only) {
        qp_plugin_hooks(self)->rcpt = rcpt_handler;
    }
    return NULL;
}

QP_PLUGIN(relay) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
    .hooks.connect = hook_connect,
};
