/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses senders that no answer could ever reach, as their domain has neither
 * MX nor address. The questions live as long as the transaction. It does not
 * connect to anybody.

=pod

=head1 NAME

resolvable_fromhost - refuse senders whose domain cannot take mail

=head1 SYNOPSIS

In F<config/plugins>:

    resolvable_fromhost
    resolvable_fromhost reject_type perm

In F<config/invalid_resolvable_fromhost>:

    10.0.0.0/8
    127.0.0.0/8

=head1 DESCRIPTION

At MAIL the domain of the sender is looked up. It is good if

=over 4

=item *

one of its mail exchangers (MX records) has an address, or

=item *

there are none, and it has an address itself (RFC 5321 5.1).

=back

Addresses in a network of config C<invalid_resolvable_fromhost> do not count.
The ten mail exchangers with the lowest preference are looked at. All questions
are asked at the same time, and the first good address ends the waiting.

A domain that says that it takes no mail (null MX, RFC 7505) is refused for good
with 550 5.7.27. Others that are not good are refused with 450 4.1.8, and the
client may try again: the owner may just be repairing it. If the name servers
have not answered, it is 450 4.4.3.

The null sender, address literals and senders without a domain pass, and so does
a domain that is no name of the DNS, such as one in UTF-8. Clients that may
relay or are whitelisted are not checked.

=head1 CONFIGURATION

=over 4

=item reject

C<reject no> only logs, C<reject naughty> marks the connection.

=item reject_type

Here the default is C<temp>.

=back

=head1 FILES

=over 4

=item F<invalid_resolvable_fromhost>

Addresses, networks and beginnings of addresses that nobody sends mail from.

=back

=head1 DIAGNOSTICS

=over 4

=item resolvable_fromhost: pass, I<DOMAIN> by I<HOST>

=item resolvable_fromhost: pass, address literal

The karma of the connection falls by 1.

=item resolvable_fromhost: skip, null sender

=item resolvable_fromhost: skip, I<DOMAIN> cannot be looked up

=item resolvable_fromhost: fail, The domain I<DOMAIN> has no address for mail

=item resolvable_fromhost: fail, I<DOMAIN> takes no mail

The sender is refused. The karma falls by 1.

=item resolvable_fromhost: fail, no answer about I<DOMAIN> (I<WHY>)

The name servers are at fault, the client's or yours. It may come again.

=back

=head1 SEE ALSO

L<rhsbl>, L<badmailfrom>, F<docs/admin.md> for C<dns_servers>

=cut

*/

#include "resolvable_fromhost.h"

#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

#define MAX_MX 10

struct txn {
    qp_dns *mx;
    qp_dns *own[2];            /* A and AAAA of the domain */
    qp_dns *hosts[2 * MAX_MX]; /* the same of mail exchangers */
    int nhosts;
};

static const qp_opt opt_table[] = {
    QP_OPT_DEFAULT("reject_type", "temp"),
    QP_OPT_END,
};

/* Questions. ------------------------------------------------------------- */

static void start_domain(qp_session *qp, struct txn *txn, const char *domain)
{
    apr_pool_t *pool = qp_txn_pool(qp);

    txn->mx = qp_dns_query(qp, QP_DNS_MX, domain, pool);
    txn->own[0] = qp_dns_query(qp, QP_DNS_A, domain, pool);
    txn->own[1] = qp_dns_query(qp, QP_DNS_AAAA, domain, pool);
}

static void start_hosts(qp_session *qp, struct txn *txn)
{
    apr_pool_t *pool = qp_txn_pool(qp);
    const qp_dns_record *mx;
    int i;

    for (i = 0; i < MAX_MX && (mx = qp_dns_get(txn->mx, i)) != NULL; i++) {
        txn->hosts[txn->nhosts++] = qp_dns_query(qp, QP_DNS_A, mx->text, pool);
        txn->hosts[txn->nhosts++] =
            qp_dns_query(qp, QP_DNS_AAAA, mx->text, pool);
    }
}

/* Verdicts. -------------------------------------------------------------- */

static void note_result(qp_session *qp, const char *result, const char *host)
{
    qp_notes *notes = qp_txn_notes(qp_transaction(qp));

    qp_note_set(notes, RESOLVABLE_NOTE, result);
    qp_note_set(notes, RESOLVABLE_NOTE_HOST, host);
}

static int has_good_address(const qp_plugin *self, qp_session *qp,
                            const qp_dns *dns)
{
    const qp_dns_record *record;
    int i;

    for (i = 0; (record = qp_dns_get(dns, i)) != NULL; i++) {
        if (qp_net_line(qp, "invalid_resolvable_fromhost", record->text)
            == NULL) {
            return 1;
        }
    }
    return 0;
}

/* The servers have not answered: nobody knows. */
static qp_rc refuse_unknown(const qp_plugin *self, qp_session *qp,
                            const char *domain, const qp_dns *dns)
{
    qp_rc rc = qp_reject(self, qp, "no answer about %s (%s)", domain,
                         qp_dns_outcome_text(dns));

    note_result(qp, qp_dns_outcome_text(dns), NULL);
    return rc == QP_DECLINED
               ? rc
               : qp_dsn_temp_resolver_failed(
                   qp,
                   apr_psprintf(qp_pool(qp), "Cannot look up %s now", domain));
}

static qp_rc refuse_sender(const qp_plugin *self, qp_session *qp,
                           const char *domain)
{
    note_result(qp, "no address", NULL);
    qp_karma_adjust(qp, -1);
    return qp_reject_dsn(self, qp, 1, 8,
                         "The domain %s has no address for mail", domain);
}

/* RFC 7505 4.1, 4.2 */
static qp_rc refuse_null_mx(const qp_plugin *self, qp_session *qp,
                            const char *domain)
{
    qp_rc rc = qp_reject(self, qp, "%s takes no mail", domain);

    note_result(qp, "null mx", NULL);
    qp_karma_adjust(qp, -1);
    return rc == QP_DECLINED
               ? rc
               : qp_return_dsn(qp, QP_DENY, 7, 27,
                               "The domain %s takes no mail", domain);
}

/* The first of the answers that is an error, or NULL. */
static const qp_dns *find_error(qp_dns *const *queries, int n)
{
    qp_dns_result result;
    int i;

    for (i = 0; i < n; i++) {
        result = qp_dns_outcome(queries[i]);
        if (result == QP_DNS_TIMEOUT || result == QP_DNS_FAILED) {
            return queries[i];
        }
    }
    return NULL;
}

/* What the addresses that have come so far say. @return QP_YIELD to wait */
static qp_rc judge_addresses(const qp_plugin *self, qp_session *qp,
                             qp_dns *const *queries, int n, const char *domain)
{
    const struct txn *txn = qp_txn_data(self, qp);
    const qp_dns *error;
    int i;

    for (i = 0; i < n; i++) {
        if (has_good_address(self, qp, queries[i])) {
            note_result(qp, queries == txn->own ? "a" : "mx",
                        qp_dns_name(queries[i]));
            qp_pass(self, qp, "%s by %s", domain, qp_dns_name(queries[i]));
            return QP_DECLINED;
        }
    }
    if (!qp_dns_ready(queries, n)) {
        return qp_dns_await_any(qp, queries, n);
    }
    error = find_error(queries, n);
    return error != NULL ? refuse_unknown(self, qp, domain, error)
                         : refuse_sender(self, qp, domain);
}

static int is_null_mx(const qp_dns *mx)
{
    return qp_dns_count(mx) == 1 && strcmp(qp_dns_get(mx, 0)->text, ".") == 0;
}

static qp_rc judge_domain(const qp_plugin *self, qp_session *qp,
                          const char *domain)
{
    struct txn *txn = qp_txn_data(self, qp);

    switch (qp_dns_outcome(txn->mx)) {
    case QP_DNS_PENDING:
        return qp_dns_await(qp, &txn->mx, 1);
    case QP_DNS_FOUND:
        if (is_null_mx(txn->mx)) {
            return refuse_null_mx(self, qp, domain);
        }
        if (txn->nhosts == 0) {
            start_hosts(qp, txn);
        }
        return judge_addresses(self, qp, txn->hosts, txn->nhosts, domain);
    case QP_DNS_NODATA:
        return judge_addresses(self, qp, txn->own, 2, domain);
    case QP_DNS_NXDOMAIN:
    case QP_DNS_BADNAME:
        return refuse_sender(self, qp, domain);
    case QP_DNS_TIMEOUT:
    case QP_DNS_FAILED:
    default:
        return refuse_unknown(self, qp, domain, txn->mx);
    }
}

/* Senders that have no domain to be looked up. @return whether it is one */
static int is_exempt(const qp_plugin *self, qp_session *qp,
                     const qp_addr *sender)
{
    if (qp_addr_is_null(sender)) {
        note_result(qp, "null", NULL);
        qp_skip(self, qp, "null sender");
    }
    else if (sender->host[0] == '[') {
        note_result(qp, "ip", NULL);
        qp_karma_adjust(qp, -1);
        qp_pass(self, qp, "address literal");
    }
    else if (!qp_dns_is_name(sender->host)) {
        qp_skip(self, qp, "%s cannot be looked up", sender->host);
    }
    else {
        return 0;
    }
    return 1;
}

static qp_rc hook_mail(const qp_plugin *self, qp_session *qp,
                       const qp_mail_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);

    if (txn->mx == NULL) {
        if (qp_is_immune(self, qp) || is_exempt(self, qp, arg->sender)) {
            return QP_DECLINED;
        }
        start_domain(qp, txn, arg->sender->host);
    }
    return judge_domain(self, qp, arg->sender->host);
}

QP_PLUGIN(resolvable_fromhost) = {
    .opts = opt_table,
    .txn_size = sizeof(struct txn),
    .hooks.mail = hook_mail,
};
