/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses senders whose domain is on a list in the DNS. The questions live as
 * long as the transaction. It does not ask whether the domain exists.

=pod

=head1 NAME

rhsbl - refuse senders whose domain is on a list in the DNS

=head1 SYNOPSIS

In F<config/plugins>:

    rhsbl

In F<config/rhsbl_zones>:

    rhsbl.example.org
    domains.example.net=127.0.1.2 it sends spam; see https://example.net/

=head1 DESCRIPTION

At MAIL all lists of config C<rhsbl_zones> are asked about the domain of the
sender, at the same time. Their answers are waited for at the first recipient,
and if one has the domain, recipients are refused.

A line is

    ZONE[=CODE,CODE...] [REASON]

What codes are, and which answers do not count, is described in L<dnsbl>. The
client is told that mail from the domain is not accepted, and why: the reason of
the line, or without one the text that the list has (its TXT record).

The null sender and senders without a domain that can be looked up are not
asked about; clients that may relay or are whitelisted are not refused. Mail to
postmaster and abuse comes through.

A list that does not answer within C<dns_timeout> counts as one that does not
have the domain.

=head1 CONFIGURATION

=over 4

=item disconnect

This word alone, as earlier versions had it, means C<reject_type disconnect>.

=item reject

C<reject no> only logs that a sender is listed, C<reject naughty> marks the
connection, and another plugin refuses later.

=back

=head1 FILES

=over 4

=item F<rhsbl_zones>

The lists. Without any, the plugin does nothing.

=back

=head1 DIAGNOSTICS

=over 4

=item rhsbl: pass, I<DOMAIN> is on no list

It may be followed by C<; no use of ZONE (WHY)> for lists that have not
answered, or with an address that is no answer of a list.

=item rhsbl: skip, null sender

=item rhsbl: skip, I<DOMAIN> cannot be looked up

=item rhsbl: skip, mail to I<USER> is let through

=item rhsbl: fail, Mail from I<DOMAIN> is not accepted: I<TEXT>

The sender is refused. The karma of the connection falls by 1.

=back

=head1 SEE ALSO

L<dnsbl>, L<resolvable_fromhost>, L<uribl>

=cut

*/

#include "dnslist.h"

#include <strings.h>

struct opts {
    int disconnect;
};

struct txn {
    apr_array_header_t *lookups; /* NULL: nobody was asked */
    int is_judged;
};

static const qp_opt opt_table[] = {
    QP_OPT_FLAG(struct opts, disconnect, "disconnect"),
    QP_OPT_END,
};

static qp_rc hook_mail(const qp_plugin *self, qp_session *qp,
                       const qp_mail_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);
    const char *host = arg->sender->host;

    if (qp_is_immune(self, qp)) {
        return QP_DECLINED;
    }
    if (qp_addr_is_null(arg->sender)) {
        qp_skip(self, qp, "null sender");
    }
    else if (!qp_dns_is_name(host)) {
        qp_skip(self, qp, "%s cannot be looked up", host);
    }
    else {
        txn->lookups =
            start_lookups(qp, "rhsbl_zones", NULL, host, qp_txn_pool(qp));
    }
    return QP_DECLINED;
}

static qp_rc refuse_sender(const qp_plugin *self, qp_session *qp,
                           const dnslist_lookup *found)
{
    const struct opts *opt = qp_opts(self);
    struct txn *txn = qp_txn_data(self, qp);
    const char *text = listed_text(qp, found);
    qp_rc rc;

    if (!txn->is_judged) {
        txn->is_judged = 1;
        qp_karma_adjust(qp, -1);
    }
    rc = qp_reject(self, qp, "Mail from %s is not accepted: %s",
                   qp_txn_sender(qp_transaction(qp))->host,
                   text != NULL ? text
                                : apr_pstrcat(qp_pool(qp), "listed by ",
                                              found->zone.name, NULL));
    return rc == QP_DENY && opt->disconnect ? QP_DENY_DISCONNECT : rc;
}

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);
    const dnslist_lookup *found;

    if (txn->lookups == NULL || qp_is_immune(self, qp)) {
        return QP_DECLINED;
    }
    if (strcasecmp(arg->rcpt->user, "postmaster") == 0
        || strcasecmp(arg->rcpt->user, "abuse") == 0) {
        qp_skip(self, qp, "mail to %s is let through", arg->rcpt->user);
        return QP_DECLINED;
    }
    if (judge_lookups(qp, txn->lookups, &found) == QP_YIELD) {
        return QP_YIELD;
    }
    if (found != NULL) {
        return refuse_sender(self, qp, found);
    }
    if (!txn->is_judged) {
        txn->is_judged = 1;
        qp_pass(self, qp, "%s is on no list%s",
                qp_txn_sender(qp_transaction(qp))->host,
                list_useless(qp, txn->lookups));
    }
    return QP_DECLINED;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    return qp_list_check(self, "rhsbl_zones", read_zone);
}

QP_PLUGIN(rhsbl) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .setup = setup,
    .hooks.mail = hook_mail,
    .hooks.rcpt = hook_rcpt,
};
