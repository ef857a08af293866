/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks for links in a message whose domain is on a list in the DNS. Its
 * questions live as long as the transaction. It follows no link.

=pod

=head1 NAME

uribl - find messages with links to listed domains

=head1 SYNOPSIS

In F<config/plugins>, below the plugins that cost less:

    uribl
    uribl action deny scan-headers yes

In F<config/uribl_zones>:

    multi.example.org 14 deny
    uri.example.net 2,4 add-header

=head1 DESCRIPTION

When a message is complete, the hosts of links in it are collected: what stands
behind C<://>, and words that begin with C<www.>. The encodings that hide them
(C<=XX> and soft line breaks of quoted-printable, C<%XX>, C<&#NN;>) are undone.
Text that is encoded in base64 is not looked into. All lists of config
C<uribl_zones> are asked at the same time about

=over 4

=item *

the registered domain of each host, by the Public Suffix List, and up to three
longer names, towards the host itself: for C<a.b.example.co.uk> that are
C<example.co.uk>, C<b.example.co.uk> and C<a.b.example.co.uk>;

=item *

IPv4 addresses that stand for a host, in decimal, octal or hexadecimal form, as
L<dnsbl> does.

=back

A line of C<uribl_zones> is

    ZONE [MASK,MASK...] [ACTION]

A link is listed if the answer of the zone, taken as a number of 32 bits, has
one of the bits of a I<MASK>; of C<-N> all bits of N are wanted. Answers in
127.255.255.0/24 are error codes of a list, those outside of 127.0.0.0/8 are
none: neither of them counts. I<ACTION> is what comes of it:

=over 4

=item add-header

A field C<X-URIBL-Match> says which link is listed by which list. Such fields
that the message brings are removed.

=item deny

The message is refused with 552.

=item denysoft

The same with 452.

=item log

It is only logged.

=back

If several links are listed, the strictest action counts.

A list that does not answer within C<dns_timeout> counts as one that does not
have the link. Clients that may relay or are whitelisted are not checked.

=head1 CONFIGURATION

=over 4

=item action

What comes of links that are listed by a zone without an action of its own:
C<add-header>, the default, C<deny>, C<denysoft> or C<log>.

=item mask

The mask of zones without one. The default is 0x00fffffe.

=item scan-headers

C<yes>: links in the header section count, too. The default is C<no>.

=item check-headers

The same, as earlier versions called it.

=item checkip

C<no>: addresses are not asked about. The default is C<yes>.

=item scan-size

How much of a message is looked at. The default is 1M.

=item max-hosts

How many hosts of a message are asked about: the first ones. The default is 20.

=back

=head1 FILES

=over 4

=item F<uribl_zones>

The lists. Without any, the plugin does nothing.

=item F<uribl_whitelist_domains>

Registered domains, or hosts, that are not asked about.

=back

=head1 DIAGNOSTICS

=over 4

=item uribl: pass, none of I<N> hosts is listed

=item uribl: skip, no links

=item uribl: fail, I<NAME> is listed by I<ZONE>: I<TEXT>

One line for each message; with C<add-header> or C<log> the message goes on. Its
karma falls by 1.

=item uribl: too many links, some are not asked about

A message with more hosts, or names, than are asked about.

=back

=head1 SEE ALSO

L<rhsbl>, L<dnsbl>, L<https://publicsuffix.org/>

=cut

*/

#include "uribl_scan.h"
#include "uribl_zone.h"

#include <libpsl.h>

#define MATCH_FIELD "X-URIBL-Match"
/* Names that are asked about a host. */
#define MAX_LEVELS  4
/* Questions for one message, and those about why. */
#define MAX_LOOKUPS 400
#define MAX_HITS    10
#define MAX_TEXT    200

struct opts {
    int action;
    const char *mask;
    int scan_headers, check_headers, checkip;
    apr_off_t scan_size;
    int max_hosts;
};

/** One question. */
struct lookup {
    const char *name; /* without the zone */
    const char *zone;
    apr_array_header_t *masks;
    uribl_action action;
};

struct txn {
    qp_dns **queries; /* NULL: the message was not looked at */
    struct lookup *lookups;
    int n;
    int nhosts;
    const struct lookup *hits[MAX_HITS];
    qp_dns *texts[MAX_HITS];
    int nhits; /* -1 as long as they are not looked for */
};

static const qp_opt opt_table[] = {
    QP_OPT_ENUM(struct opts, action, "action", "add-header", uribl_actions),
    QP_OPT_STR(struct opts, mask, "mask", "0x00fffffe"),
    QP_OPT_BOOL(struct opts, scan_headers, "scan-headers", "no"),
    QP_OPT_BOOL(struct opts, check_headers, "check-headers", "no"),
    QP_OPT_BOOL(struct opts, checkip, "checkip", "yes"),
    QP_OPT_SIZE(struct opts, scan_size, "scan-size", "1M"),
    QP_OPT_INT(struct opts, max_hosts, "max-hosts", "20", 1, 1000),
    QP_OPT_END,
};

/* The message. ----------------------------------------------------------- */

static apr_status_t scan_body(const struct opts *opt, qp_txn *mail, scan *s)
{
    qp_reader *reader = qp_txn_reader(mail, QP_READ_BODY, s->pool);
    apr_off_t left = opt->scan_size;
    apr_status_t rv = APR_EOF;
    const char *data;
    apr_size_t len;

    while (left > 0
           && (rv = qp_reader_block(reader, &data, &len)) == APR_SUCCESS) {
        len = (apr_off_t)len < left ? len : (apr_size_t)left;
        feed_text(s, data, len);
        left -= (apr_off_t)len;
    }
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

/* @return the hosts of links, or NULL when it cannot be read */
static apr_array_header_t *find_hosts(const qp_plugin *self, qp_session *qp)
{
    const struct opts *opt = qp_opts(self);
    qp_txn *mail = qp_transaction(qp);
    scan *s = apr_pcalloc(qp_pool(qp), sizeof(*s));
    const char *text;
    apr_size_t len;

    s->pool = qp_pool(qp);
    s->max = opt->max_hosts;
    s->hosts = apr_array_make(s->pool, 8, sizeof(const char *));
    if (opt->scan_headers || opt->check_headers) {
        text = qp_header_text(qp_txn_header(mail), &len, s->pool);
        feed_text(s, text, len);
        finish_scan(s);
    }
    if (scan_body(opt, mail, s) != APR_SUCCESS) {
        return NULL;
    }
    finish_scan(s);
    return s->hosts;
}

/* The names that are asked about. ----------------------------------------- */

static void add_ip(const char *host, apr_array_header_t *names,
                   apr_pool_t *pool)
{
    struct in_addr in;
    const unsigned char *ip = (const unsigned char *)&in;

    if (inet_aton(host, &in) != 0) {
        APR_ARRAY_PUSH(names, const char *) =
            apr_psprintf(pool, "%d.%d.%d.%d", ip[3], ip[2], ip[1], ip[0]);
    }
}

/* The registered domain, and names that are longer by a label each. */
static void add_levels(qp_session *qp, const char *host,
                       apr_array_header_t *names)
{
    const char *domain = psl_registrable_domain(psl_builtin(), host);
    const char *p = domain;
    int n;

    if (domain == NULL || !qp_dns_is_name(host)
        || qp_config_has(qp, "uribl_whitelist_domains", domain)
        || qp_config_has(qp, "uribl_whitelist_domains", host)) {
        return;
    }
    for (n = 0; n < MAX_LEVELS; n++) {
        APR_ARRAY_PUSH(names, const char *) = p;
        if (p == host) {
            return;
        }
        for (p--; p > host && p[-1] != '.'; p--) {
            continue;
        }
    }
}

static apr_array_header_t *list_names(const qp_plugin *self, qp_session *qp,
                                      const apr_array_header_t *hosts)
{
    const struct opts *opt = qp_opts(self);
    apr_array_header_t *names =
        apr_array_make(qp_pool(qp), 16, sizeof(const char *));
    struct in_addr in;
    const char *host;
    int i;

    for (i = 0; i < hosts->nelts; i++) {
        host = APR_ARRAY_IDX(hosts, i, const char *);
        if (inet_aton(host, &in) == 0) {
            add_levels(qp, host, names);
        }
        else if (opt->checkip) {
            add_ip(host, names, qp_pool(qp));
        }
    }
    return names;
}

static int is_asked(const struct txn *txn, const char *name, const char *zone)
{
    int i;

    for (i = 0; i < txn->n; i++) {
        if (strcmp(txn->lookups[i].name, name) == 0
            && strcmp(txn->lookups[i].zone, zone) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The lines of the key do not live as long as the questions. */
static void start_lookup(const qp_plugin *self, qp_session *qp,
                         const uribl_zone *zone, const char *name)
{
    const struct opts *opt = qp_opts(self);
    struct txn *txn = qp_txn_data(self, qp);
    apr_pool_t *pool = qp_txn_pool(qp);
    struct lookup *lookup = &txn->lookups[txn->n];

    if (is_asked(txn, name, zone->name)) {
        return;
    }
    lookup->name = apr_pstrdup(pool, name);
    lookup->zone = apr_pstrdup(pool, zone->name);
    lookup->action = zone->action == URIBL_DEFAULT ? (uribl_action)opt->action
                                                   : zone->action;
    if (zone->masks != NULL) {
        lookup->masks = apr_array_copy(pool, zone->masks);
    }
    else if (read_masks(opt->mask, &lookup->masks, pool) != NULL) {
        return; /* setup has read it before */
    }
    txn->queries[txn->n++] =
        qp_dns_query(qp, QP_DNS_A,
                     apr_pstrcat(pool, name, ".", zone->name, NULL), pool);
}

/* @return 0: the message cannot be read */
static int start_lookups(const qp_plugin *self, qp_session *qp)
{
    const apr_array_header_t *zones =
        qp_list(qp, "uribl_zones", read_uribl_zone);
    struct txn *txn = qp_txn_data(self, qp);
    apr_array_header_t *hosts = find_hosts(self, qp);
    apr_array_header_t *names;
    int nzones = zones != NULL ? zones->nelts : 0;
    int i;

    if (hosts == NULL) {
        return 0;
    }
    names = list_names(self, qp, hosts);
    txn->queries = apr_pcalloc(qp_txn_pool(qp), MAX_LOOKUPS * sizeof(qp_dns *));
    txn->lookups =
        apr_pcalloc(qp_txn_pool(qp), MAX_LOOKUPS * sizeof(struct lookup));
    txn->nhosts = hosts->nelts;
    txn->nhits = -1;
    for (i = 0; i < names->nelts * nzones && txn->n < MAX_LOOKUPS; i++) {
        start_lookup(self, qp, &APR_ARRAY_IDX(zones, i % nzones, uribl_zone),
                     APR_ARRAY_IDX(names, i / nzones, const char *));
    }
    if (i < names->nelts * nzones
        || hosts->nelts == ((const struct opts *)qp_opts(self))->max_hosts) {
        qp_log(self, qp, QP_LOG_INFO,
               "too many links, some are not asked about");
    }
    return 1;
}

/* The answers. ----------------------------------------------------------- */

static int is_hit(const struct lookup *lookup, const qp_dns *dns)
{
    const qp_dns_record *record;
    int i;

    for (i = 0; (record = qp_dns_get(dns, i)) != NULL; i++) {
        if (is_listed_by(record, lookup->masks)) {
            return 1;
        }
    }
    return 0;
}

/* What is listed, the strictest action first; and why. */
static void find_hits(qp_session *qp, struct txn *txn)
{
    int action;
    int i;

    txn->nhits = 0;
    for (action = URIBL_DENY; action >= URIBL_LOG; action--) {
        for (i = 0; i < txn->n && txn->nhits < MAX_HITS; i++) {
            if ((int)txn->lookups[i].action == action
                && is_hit(&txn->lookups[i], txn->queries[i])) {
                txn->hits[txn->nhits] = &txn->lookups[i];
                txn->texts[txn->nhits++] =
                    qp_dns_query(qp, QP_DNS_TXT, qp_dns_name(txn->queries[i]),
                                 qp_txn_pool(qp));
            }
        }
    }
}

/* "NAME is listed by ZONE: TEXT". The text is a stranger's. */
static const char *describe_hit(qp_session *qp, const struct txn *txn, int i)
{
    const qp_dns_record *record = qp_dns_get(txn->texts[i], 0);
    char *text = apr_psprintf(qp_pool(qp), "%s is listed by %s%s%.*s",
                              txn->hits[i]->name, txn->hits[i]->zone,
                              record != NULL ? ": " : "", MAX_TEXT,
                              record != NULL ? record->text : "");
    char *p;

    for (p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || (unsigned char)*p > '~') {
            *p = '?';
        }
    }
    return text;
}

static void add_fields(qp_session *qp, const struct txn *txn)
{
    qp_header *header = qp_txn_header(qp_transaction(qp));
    int i;

    for (i = 0; i < txn->nhits; i++) {
        if (txn->hits[i]->action >= URIBL_HEADER) {
            qp_header_add(header, MATCH_FIELD, describe_hit(qp, txn, i),
                          QP_HEADER_END);
        }
    }
}

static qp_rc act(const qp_plugin *self, qp_session *qp, const struct txn *txn)
{
    const char *text = describe_hit(qp, txn, 0);
    qp_rc rc;

    qp_karma_adjust(qp, -1);
    if (txn->hits[0]->action == URIBL_DENY) {
        rc = qp_reject(self, qp, "%s", text);
        if (rc != QP_DECLINED) {
            return rc;
        }
    }
    else {
        qp_fail(self, qp, "%s", text);
    }
    if (txn->hits[0]->action == URIBL_DENYSOFT) {
        return qp_return(qp, QP_DENYSOFT, "%s", text);
    }
    add_fields(qp, txn);
    return QP_DECLINED;
}

static qp_rc judge_message(const qp_plugin *self, qp_session *qp)
{
    struct txn *txn = qp_txn_data(self, qp);

    if (!qp_dns_ready(txn->queries, txn->n)) {
        return qp_dns_await(qp, txn->queries, txn->n);
    }
    if (txn->nhits < 0) {
        find_hits(qp, txn);
    }
    if (!qp_dns_ready(txn->texts, txn->nhits)) {
        return qp_dns_await(qp, txn->texts, txn->nhits);
    }
    if (txn->nhits > 0) {
        return act(self, qp, txn);
    }
    if (txn->nhosts == 0) {
        qp_skip(self, qp, "no links");
    }
    else {
        qp_pass(self, qp, "none of %d hosts is listed", txn->nhosts);
    }
    return QP_DECLINED;
}

static qp_rc hook_data_post(const qp_plugin *self, qp_session *qp,
                            const qp_data_arg *arg)
{
    const struct txn *txn = qp_txn_data(self, qp);

    if (txn->queries == NULL) {
        if (qp_is_immune(self, qp)) {
            return QP_DECLINED;
        }
        qp_header_delete(qp_txn_header(qp_transaction(qp)), MATCH_FIELD, -1);
        if (!start_lookups(self, qp)) {
            qp_error(self, qp, "the message cannot be read");
            return QP_DENYSOFT;
        }
    }
    return judge_message(self, qp);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);
    apr_array_header_t *masks;
    const char *error = read_masks(opt->mask, &masks, pconf);

    return error != NULL ? apr_pstrcat(pconf, "mask: ", error, NULL)
                         : qp_list_check(self, "uribl_zones", read_uribl_zone);
}

QP_PLUGIN(uribl) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .setup = setup,
    .hooks.data_post = hook_data_post,
};
