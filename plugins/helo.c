/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks the name that a client gives in HELO or EHLO. What it asks the DNS
 * lives as long as the command or, in a transaction, as that. A DNS that does
 * not answer is no reason to refuse.

=pod

=head1 NAME

helo - check the name that a client gives in HELO or EHLO

=head1 SYNOPSIS

In F<config/plugins>, below L<relay> and L<whitelist>:

    helo
    helo policy rfc
    helo policy strict reject naughty
    helo reject_type temp

In F<config/badhelo>:

    # nobody but we ourselves is called this
    mx.example.org
    # a regular expression: names with three dashes in a row
    ^.*---
    # and one that must match: only names below example.com
    !\.example\.com$

=head1 DESCRIPTION

Programs that send spam often lie when they say HELO, or do not know what to
say. How much of that is held against a client is the C<policy>:

=over 4

=item badhelo

The name is in config C<badhelo>. A line is a name, in any case; if there is one
of C<{ } [ ] ( ) ^ $ | * + ? \ !> in it, it is a regular expression, and one
behind C<!> stands for all names that it does not match.

=item lenient

The same, and: C<localhost> from another host; an address in brackets that is
not the client's, unless it is a private one, as clients behind a router do not
know better; an address without brackets.

=item rfc

The same, and: an address in brackets that is not the client's, also a private
one; a name without a dot, or with characters that no host name has; a name
that has no address in the DNS; a client whose address has no name.

=item strict

The same, and: any address in brackets; a name that does not go with the client.
It does if one of its addresses is the client's, or is near to it (in the same
/24 of IPv4 or /96 of IPv6), or if a name of the client's address is this name,
or has the same last two parts.

=back

The first of these that applies refuses the client: 550, and the connection is
closed, unless C<reject> or C<reject_type> say something else. If the DNS does
not answer, what it was asked for is passed over. RFC 5321 4.1.4 forbids to
refuse mail because a name cannot be verified: C<rfc> and C<strict> find many
clients that are in order but for this. Try C<reject no> first, and read the
log.

Relay clients and whitelisted ones are not checked. But clients that log in do
so after EHLO: do not use C<strict> where they come from private networks.

A refusal lowers the karma of the connection by 1; if, with C<rfc> or C<strict>,
both directions of the DNS go with the client, it is raised by 1.

Each message gets a field C<X-HELO> with the name.

=head1 CONFIGURATION

=over 4

=item policy

badhelo, lenient, rfc or strict; the default is lenient.

=item timeout

How long the DNS may take; the default is 5s.

=item reject

=item reject_type

As in all plugins, but that the default of C<reject_type> is disconnect.

=back

=head1 FILES

=over 4

=item F<badhelo>

Names and regular expressions. Changes need no restart.

=back

=head1 DIAGNOSTICS

=over 4

=item helo: pass, I<NAME>

=item helo: fail, I<REASON>

=back

=head1 SEE ALSO

L<fcrdns>, L<whitelist>, F<docs/plugins.md>

=cut

*/

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "helo.h"

#define KEY      "badhelo"
/* Bits of an address that must be the same for "near". */
#define NEAR_V4  (96 + 24)
#define NEAR_V6  96
#define MAX_TEXT 64 /* of an address literal */
#define IPV6_TAG "IPv6:"
#define HOST_CHARS                                                             \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."

/* Each policy has the tests of those before. */
enum policy { BADHELO, LENIENT, RFC, STRICT };

struct opts {
    int policy;
};

/* One HELO. In a transaction, that lives longer. */
struct txn {
    qp_dns *forward[2]; /* A and AAAA of the name */
};

/* A name, and who gives it. */
struct claim {
    const qp_plugin *self;
    qp_session *qp;
    const char *host;
    const char *client_ip;
    qp_ip client;
    int is_literal;
    int policy;
};

static const char *const policies[] = { "badhelo", "lenient", "rfc", "strict",
                                        NULL };

static const qp_opt opt_table[] = {
    QP_OPT_ENUM(struct opts, policy, "policy", "lenient", policies),
    QP_OPT_DEFAULT("reject_type", "disconnect"),
    QP_OPT_DEFAULT("timeout", "5s"),
    QP_OPT_END,
};

/* ---- tests: the reason to refuse, or NULL -------------------------------- */

static const char *is_listed(const struct claim *claim)
{
    const void *list = qp_list(claim->qp, KEY, qp_pattern_helos);
    const qp_pattern *found =
        qp_pattern_find(claim->self, claim->qp, list, claim->host);

    return found != NULL ? "your HELO name is not welcome here" : NULL;
}

static const char *is_false_localhost(const struct claim *claim)
{
    qp_conn *conn = qp_connection(claim->qp);

    if (strcasecmp(claim->host, "localhost") != 0
        && strcasecmp(claim->host, "localhost.localdomain") != 0) {
        return NULL;
    }
    if (qp_net_is_loopback(&claim->client)
        || strcmp(qp_conn_local_ip(conn), claim->client_ip) == 0) {
        return NULL;
    }
    return "you are not localhost";
}

/* Reads [1.2.3.4] or [IPv6:2001:db8::1] (RFC 5321 4.1.3). */
static int read_literal(const char *host, qp_ip *ip)
{
    char text[MAX_TEXT];
    size_t len = strlen(host);

    if (len < 3 || len >= sizeof(text) || host[len - 1] != ']') {
        return 0;
    }
    apr_cpystrn(text, host + 1, len - 1);
    if (strncasecmp(text, IPV6_TAG, strlen(IPV6_TAG)) == 0) {
        return qp_net_ip(text + strlen(IPV6_TAG), ip);
    }
    return qp_net_ip(text, ip);
}

/* Networks that many hosts have at the same time: RFC 1918, RFC 3927,
 * RFC 6598, RFC 4193, RFC 4291 2.5.6, and the host itself. */
static int is_private(const qp_ip *ip)
{
    static const char *const texts[] = { "10.0.0.0/8",     "172.16.0.0/12",
                                         "192.168.0.0/16", "169.254.0.0/16",
                                         "100.64.0.0/10",  "fc00::/7",
                                         "fe80::/10" };
    qp_net net;
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (qp_net_parse(texts[i], &net) == NULL && qp_net_has(&net, ip)) {
            return 1;
        }
    }
    return qp_net_is_loopback(ip);
}

static const char *is_forged_literal(const struct claim *claim)
{
    qp_ip ip;

    if (!claim->is_literal) {
        return NULL;
    }
    if (!read_literal(claim->host, &ip)) {
        return "your HELO name is no address literal";
    }
    if (memcmp(&ip, &claim->client, sizeof(ip)) == 0
        || (claim->policy == LENIENT && is_private(&ip))) {
        return NULL;
    }
    return "the address in your HELO is not yours";
}

static const char *is_plain_ip(const struct claim *claim)
{
    qp_ip ip;

    return qp_net_ip(claim->host, &ip) ? "an address in HELO needs brackets"
                                       : NULL;
}

static const char *is_not_fqdn(const struct claim *claim)
{
    if (claim->is_literal) {
        return NULL;
    }
    if (strspn(claim->host, HOST_CHARS) < strlen(claim->host)) {
        return "your HELO name has characters that no host name has";
    }
    return strchr(claim->host, '.') == NULL
               ? "your HELO name is not fully qualified"
               : NULL;
}

static const char *is_literal(const struct claim *claim)
{
    return claim->is_literal ? "no addresses are taken in HELO" : NULL;
}

static const struct {
    enum policy policy; /* from this one on */
    const char *(*run)(const struct claim *claim);
} tests[] = {
    { BADHELO, is_listed },         { LENIENT, is_false_localhost },
    { LENIENT, is_forged_literal }, { LENIENT, is_plain_ip },
    { RFC, is_not_fqdn },           { STRICT, is_literal },
};

static const char *run_tests(const struct claim *claim)
{
    const char *reason = NULL;
    size_t i;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]) && reason == NULL; i++) {
        if ((int)tests[i].policy <= claim->policy) {
            reason = tests[i].run(claim);
        }
    }
    return reason;
}

/* ---- the DNS ------------------------------------------------------------- */

static int is_near(const qp_ip *client, const char *text)
{
    qp_net net;

    if (!qp_net_ip(text, &net.ip)) {
        return 0;
    }
    net.bits = qp_net_is_v4(&net.ip) ? NEAR_V4 : NEAR_V6;
    return qp_net_has(&net, client);
}

static int has_near_address(const struct claim *claim, const qp_dns *dns)
{
    const qp_dns_record *record;
    int i;

    for (i = 0; (record = qp_dns_get(dns, i)) != NULL; i++) {
        if (is_near(&claim->client, record->text)) {
            return 1;
        }
    }
    return 0;
}

/* The last two parts of a name; the whole one if it has no more. */
static const char *last_parts(const char *name)
{
    const char *p = name + strlen(name);
    int ndots = 0;

    while (p > name) {
        ndots += p[-1] == '.';
        if (ndots == 2) {
            return p;
        }
        p--;
    }
    return name;
}

static int has_near_name(const struct claim *claim)
{
    const apr_array_header_t *names = qp_client_names(claim->qp);
    const char *name;
    int i;

    for (i = 0; i < names->nelts; i++) {
        name = APR_ARRAY_IDX(names, i, const char *);
        if (strcasecmp(last_parts(name), last_parts(claim->host)) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Whether the DNS says so, and not only that it does not know. */
static int says_nothing(const qp_dns *dns)
{
    qp_dns_result result = qp_dns_outcome(dns);

    return result == QP_DNS_NODATA || result == QP_DNS_NXDOMAIN
           || result == QP_DNS_BADNAME;
}

static int is_unknown(const qp_dns *dns)
{
    return qp_dns_outcome(dns) != QP_DNS_FOUND && !says_nothing(dns);
}

/* What has come of the questions. */
static const char *judge_dns(const struct claim *claim, const struct txn *txn)
{
    qp_client_name client = qp_client_name_verify(claim->qp);
    qp_notes *notes = qp_conn_notes(qp_connection(claim->qp));
    int forward = has_near_address(claim, txn->forward[0])
                  || has_near_address(claim, txn->forward[1]);
    int reverse = has_near_name(claim);

    qp_note_set_num(notes, QP_NOTE_HELO_FORWARD_MATCH, forward);
    qp_note_set_num(notes, QP_NOTE_HELO_REVERSE_MATCH, reverse);
    if (forward && reverse) {
        qp_karma_adjust(claim->qp, 1);
        return NULL;
    }
    if (says_nothing(txn->forward[0]) && says_nothing(txn->forward[1])) {
        return "your HELO name has no address";
    }
    if (client == QP_CLIENT_NAME_NONE) {
        return "your address has no name";
    }
    if (claim->policy < STRICT || forward || reverse
        || client == QP_CLIENT_NAME_TEMPERROR || is_unknown(txn->forward[0])
        || is_unknown(txn->forward[1])) {
        return NULL;
    }
    return "your HELO name does not go with your address";
}

/* @return QP_YIELD to be called again; else all answers are there */
static qp_rc ask_dns(const struct claim *claim, struct txn *txn)
{
    apr_pool_t *pool = qp_txn_pool(claim->qp);

    if (txn->forward[0] == NULL) {
        txn->forward[0] = qp_dns_query(claim->qp, QP_DNS_A, claim->host, pool);
        txn->forward[1] =
            qp_dns_query(claim->qp, QP_DNS_AAAA, claim->host, pool);
        qp_client_name_verify(claim->qp); /* at the same time */
    }
    if (!qp_dns_ready(txn->forward, 2)) {
        return qp_dns_await(claim->qp, txn->forward, 2);
    }
    return qp_client_name_verify(claim->qp) == QP_CLIENT_NAME_PENDING
               ? qp_client_name_await(claim->qp)
               : QP_DECLINED;
}

/* ---- the hooks ----------------------------------------------------------- */

static qp_rc settle_claim(const struct claim *claim, const char *reason)
{
    if (reason == NULL) {
        qp_pass(claim->self, claim->qp, "%.255s", claim->host);
        return QP_DECLINED;
    }
    qp_karma_adjust(claim->qp, -1);
    return qp_reject(claim->self, claim->qp, "%s", reason);
}

static qp_rc hook_helo(const qp_plugin *self, qp_session *qp,
                       const qp_helo_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct txn *txn = qp_txn_data(self, qp);
    struct claim claim = {
        .self = self, .qp = qp, .host = arg->host, .policy = opt->policy
    };
    const char *reason = NULL;

    claim.client_ip = qp_conn_remote_ip(qp_connection(qp));
    claim.is_literal = arg->host[0] == '[';
    if (!qp_net_ip(claim.client_ip, &claim.client)) {
        memset(&claim.client, 0, sizeof(claim.client));
    }
    if (txn->forward[0] == NULL) {
        if (qp_is_immune(self, qp)) {
            return QP_DECLINED;
        }
        reason = run_tests(&claim);
    }
    if (reason == NULL && opt->policy >= RFC && !claim.is_literal) {
        if (ask_dns(&claim, txn) == QP_YIELD) {
            return QP_YIELD;
        }
        reason = judge_dns(&claim, txn);
        txn->forward[0] = NULL;
    }
    return settle_claim(&claim, reason);
}

static qp_rc hook_data_post(const qp_plugin *self, qp_session *qp,
                            const qp_data_arg *arg)
{
    qp_header *header = qp_txn_header(qp_transaction(qp));

    qp_header_delete(header, "X-HELO", -1);
    qp_header_add(header, "X-HELO", qp_conn_hello_host(qp_connection(qp)),
                  QP_HEADER_END);
    return QP_DECLINED;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    return qp_list_check(self, KEY, qp_pattern_helos);
}

QP_PLUGIN(helo) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .setup = setup,
    .hooks.helo = hook_helo,
    .hooks.ehlo = hook_helo,
    .hooks.data_post = hook_data_post,
};
