/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses clients whose address is on a list in the DNS. The questions live as
 * long as the connection. It does not look at names of clients.

=pod

=head1 NAME

dnsbl - refuse clients that are on a list in the DNS

=head1 SYNOPSIS

In F<config/plugins>:

    dnsbl
    dnsbl at connect reject_type disconnect

In F<config/dnsbl_zones>:

    zen.example.org
    list.example.net=127.0.0.2,127.0.0.4/30
    other.example.com:Mail from %IP% is not accepted; see https://example.com/

=head1 DESCRIPTION

When a client connects, all lists of config C<dnsbl_zones> are asked about its
address at the same time, and the client goes on meanwhile. At its first
recipient the answers are there, or are waited for, and if the address is on a
list, recipients are refused. As soon as one list has it, the others are not
waited for.

A line of C<dnsbl_zones> is

    ZONE[=CODE,CODE...][:MESSAGE]

I<ZONE> is the name of the list. Its answer is an address of 127.0.0.0/8, and
each counts, unless codes are given: then one of them has to match. A code is an
address, a network such as C<127.0.0.0/28>, or a number, which is a mask: one of
its bits must be set in the last three octets. Answers in 127.255.255.0/24 say
that the list does not want to be asked by you or by your name server, and
answers outside of 127.0.0.0/8 are none: neither of them ever refuses a client.

The client is shown I<MESSAGE>, with its address in place of C<%IP%>, or without
one the text that the list has (its TXT record). The text of config
C<dnsbl_rejectmsg> stands in a line before it.

Clients that may relay, by then also by AUTH, or are whitelisted are not
refused; nor are addresses and networks of config C<dnsbl_allow>, about which no
list is asked. Mail to postmaster, abuse, mailer-daemon and root comes through,
so that people can ask what is wrong.

A list that does not answer within C<dns_timeout> counts as one that does not
have the address. IPv6 addresses are asked about as RFC 5782 says.

The environment variable RBLSMTPD of other servers has no meaning here, as the
environment is shared by all clients of a process.

=head1 CONFIGURATION

=over 4

=item at

C<rcpt>, the default, or C<connect>: then the answers are waited for before the
client is greeted, and there are no exceptions for recipients.

=item disconnect

This word alone, as earlier versions had it, means C<reject_type disconnect>.

=item reject

C<reject no> only logs that a client is listed, C<reject naughty> marks the
connection, and another plugin refuses later.

=back

=head1 FILES

=over 4

=item F<dnsbl_zones>

The lists. Without any, the plugin does nothing.

=item F<dnsbl_allow>

Addresses, networks and beginnings of addresses that are let in.

=item F<dnsbl_rejectmsg>

A text before the text of the list.

=back

=head1 DIAGNOSTICS

=over 4

=item dnsbl: pass, I<ADDRESS> is on no list

It may be followed by C<; no use of ZONE (WHY)> for lists that have not
answered, or with an address that is no answer of a list: an error code, for
instance. Take such a list out, or ask its operators why.

=item dnsbl: skip, I<ADDRESS> is in dnsbl_allow (I<LINE>)

=item dnsbl: skip, mail to I<USER> is let through

=item dnsbl: fail, I<TEXT>

The client is refused. Its karma falls by 1.

=item dnsbl: I<ADDRESS> is listed by I<ZONE> (I<ANSWER>)

Which list it was; at debug level.

=back

=head1 SEE ALSO

L<rhsbl>, L<dns_whitelist_soft>, F<docs/admin.md> for C<dns_servers>

=cut

*/

#include "dnslist.h"

#include <strings.h>

struct opts {
    int at;
    int disconnect;
};

struct conn {
    apr_array_header_t *lookups; /* NULL: nobody was asked */
    int is_judged;
};

static const char *const places[] = { "rcpt", "connect", NULL };

static const qp_opt opt_table[] = {
    QP_OPT_ENUM(struct opts, at, "at", "rcpt", places),
    QP_OPT_FLAG(struct opts, disconnect, "disconnect"),
    QP_OPT_END,
};

/* RFC 2142 5; who is refused must be able to ask why. */
static int is_special(const char *user)
{
    static const char *const users[] = { "postmaster", "abuse", "mailer-daemon",
                                         "root" };
    size_t i;

    for (i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        if (strcasecmp(user, users[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

static qp_rc refuse_client(const qp_plugin *self, qp_session *qp,
                           const dnslist_lookup *found)
{
    const struct opts *opt = qp_opts(self);
    struct conn *conn = qp_conn_data(self, qp);
    const char *ip = qp_conn_remote_ip(qp_connection(qp));
    const char *lead = qp_config_first(qp, "dnsbl_rejectmsg");
    const char *text = listed_text(qp, found);
    qp_rc rc;

    qp_log(self, qp, QP_LOG_DEBUG, "%s is listed by %s (%s)", ip,
           found->zone.name, qp_dns_get(found->a, 0)->text);
    if (!conn->is_judged) {
        conn->is_judged = 1;
        qp_karma_adjust(qp, -1);
    }
    if (text == NULL) {
        text = apr_psprintf(qp_pool(qp), "%s is listed by %s", ip,
                            found->zone.name);
    }
    rc = qp_reject(self, qp, "%s%s%s", lead != NULL ? lead : "",
                   lead != NULL ? "\n" : "", text);
    return rc == QP_DENY && opt->disconnect ? QP_DENY_DISCONNECT : rc;
}

/* Waits for the answers, and judges. */
static qp_rc judge_client(const qp_plugin *self, qp_session *qp)
{
    struct conn *conn = qp_conn_data(self, qp);
    const dnslist_lookup *found;

    if (conn->lookups == NULL) {
        return QP_DECLINED;
    }
    if (judge_lookups(qp, conn->lookups, &found) == QP_YIELD) {
        return QP_YIELD;
    }
    if (found != NULL) {
        return refuse_client(self, qp, found);
    }
    if (!conn->is_judged) {
        conn->is_judged = 1;
        qp_pass(self, qp, "%s is on no list%s",
                qp_conn_remote_ip(qp_connection(qp)),
                list_useless(qp, conn->lookups));
    }
    return QP_DECLINED;
}

static qp_rc hook_connect(const qp_plugin *self, qp_session *qp,
                          const qp_connect_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct conn *conn = qp_conn_data(self, qp);
    const char *line;

    if (conn->lookups == NULL) {
        line = qp_net_line(qp, "dnsbl_allow", arg->remote_ip);
        if (line != NULL) {
            qp_skip(self, qp, "%s is in dnsbl_allow (%s)", arg->remote_ip,
                    line);
            return QP_DECLINED;
        }
        if (qp_is_immune(self, qp)) {
            return QP_DECLINED;
        }
        conn->lookups = start_lookups(qp, "dnsbl_zones", arg->remote_ip, NULL,
                                      qp_conn_pool(qp));
    }
    return opt->at == 1 ? judge_client(self, qp) : QP_DECLINED;
}

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    const struct conn *conn = qp_conn_data(self, qp);

    if (opt->at == 1 || conn->lookups == NULL || qp_is_immune(self, qp)) {
        return QP_DECLINED;
    }
    if (is_special(arg->rcpt->user)) {
        qp_skip(self, qp, "mail to %s is let through", arg->rcpt->user);
        return QP_DECLINED;
    }
    return judge_client(self, qp);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    return qp_list_check(self, "dnsbl_zones", read_zone);
}

QP_PLUGIN(dnsbl) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .conn_size = sizeof(struct conn),
    .setup = setup,
    .hooks.connect = hook_connect,
    .hooks.rcpt = hook_rcpt,
};
