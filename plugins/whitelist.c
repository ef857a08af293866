/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says to whom policy does not apply. What it finds are notes of the
 * connection or of the transaction. It accepts nothing by itself.

=pod

=head1 NAME

whitelist - exempt hosts, senders and recipients from policy

=head1 SYNOPSIS

In F<config/plugins>, above the plugins that others are to be exempt from:

    whitelist
    whitelist per_recipient 1 merge 0

In F<config/whitelisthosts>:

    192.0.2.1
    198.51.100.0/24
    2001:db8:1::/48

In F<config/whitelisthelo>:

    mail.example.net

In F<config/whitelistsenders>, and in F<config/whitelistrcpt>:

    friend@example.com
    example.net

=head1 DESCRIPTION

Plugins that refuse by policy leave alone

=over 4

=item *

a client with an address in C<whitelisthosts>, in all that it does. The karma of
its connection rises by 5;

=item *

a HELO or EHLO with a name in C<whitelisthelo>;

=item *

a message with a sender in C<whitelistsenders>. The null sender of bounces is
never in it;

=item *

a recipient in C<whitelistrcpt>. L<greylisting> lets a message pass if all of
its recipients are.

=back

Which plugins take notice is said in their manuals: those that look whether a
client "may relay or is whitelisted".

To be whitelisted is no permission to relay, and makes no recipient acceptable:
that is up to L<relay> and L<rcpt_ok>. Mind that a client can call itself, and
its sender, as it likes: only an address is hard to forge.

A line of C<whitelisthosts> is an address, a network with its bits, or the
first parts of an address, as C<192.0.2.>. A line of C<whitelistsenders> and
C<whitelistrcpt> is an address, or a domain, without its sub-domains, with or
without C<@>. In these two and in C<whitelisthelo> it may also be a
Perl-compatible regular expression between slashes, which is looked for in the
address or name. Upper and lower case are the same.

=head2 For each recipient

With C<per_recipient>, the lists are those of each recipient, such as
L<user_config> reads them, and they are looked into for each RCPT. A recipient
is then exempt from policy if the client, its HELO, the sender or the recipient
itself stands in the list, and other recipients of the message are not.

=head1 CONFIGURATION

=over 4

=item per_recipient

Whether the lists are those of the recipient. The default is no.

=item merge

With C<per_recipient>: whether the server's lists count besides those of a
recipient, and not only where it has none. The default is yes.

=back

=head1 FILES

=over 4

=item F<whitelisthosts>

=item F<whitelisthelo>

=item F<whitelistsenders>

=item F<whitelistrcpt>

The lists. A change needs no restart. A line that cannot be understood stops the
start, and later keeps the old list in force.

=back

=head1 DIAGNOSTICS

=over 4

=item whitelist: pass, I<WHAT> is in I<LIST> (I<LINE>)

It is exempt from policy.

=back

Nothing is logged of those who are in no list.

=head1 SEE ALSO

L<relay>, L<user_config>, L<greylisting>, F<docs/plugins.md>

=cut

*/

#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

#define HOSTS   "whitelisthosts"
#define HELO    "whitelisthelo"
#define SENDERS "whitelistsenders"
#define RCPT    "whitelistrcpt"

struct opts {
    int per_recipient;
    int merge;
};

/* A line of whitelisthosts. */
struct host {
    const char *line;
    qp_net net;
};

static const qp_opt opt_table[] = {
    QP_OPT_BOOL(struct opts, per_recipient, "per_recipient", "no"),
    QP_OPT_BOOL(struct opts, merge, "merge", "yes"),
    QP_OPT_END,
};

/* ---- the lists ----------------------------------------------------------- */

/* Makes an array of struct host. The first parts of an address did not need a
 * dot behind them in qpsmtpd. */
static const char *read_host(const char *line, void **whole, apr_pool_t *pool)
{
    apr_array_header_t *hosts = *whole;
    struct host host = { apr_pstrdup(pool, line), { { { 0 } }, 0 } };
    const char *fault = qp_net_parse(line, &host.net);

    if (fault != NULL
        && qp_net_parse(apr_pstrcat(pool, line, ".", NULL), &host.net)
               != NULL) {
        return apr_psprintf(pool, "\"%s\": %s", line, fault);
    }
    if (hosts == NULL) {
        hosts = apr_array_make(pool, 8, sizeof(host));
        *whole = hosts;
    }
    APR_ARRAY_PUSH(hosts, struct host) = host;
    return NULL;
}

static const char *find_host(const void *list, const char *ip)
{
    const apr_array_header_t *hosts = list;
    const struct host *host;
    qp_ip client;
    int i;

    if (!qp_net_ip(ip, &client)) {
        return NULL;
    }
    for (i = 0; hosts != NULL && i < hosts->nelts; i++) {
        host = &APR_ARRAY_IDX(hosts, i, const struct host);
        if (qp_net_has(&host->net, &client)) {
            return host->line;
        }
    }
    return NULL;
}

/* What is looked for in one of the lists. */
struct search {
    const qp_plugin *self;
    qp_session *qp;
    const char *key;
    const char *ip;      /* or NULL */
    const char *name;    /* or NULL */
    const qp_addr *addr; /* or NULL */
};

static const char *find_name(const struct search *search, const void *list,
                             const char *name)
{
    const qp_pattern *found =
        qp_pattern_find(search->self, search->qp, list, name);

    return found != NULL ? qp_pattern_text(found) : NULL;
}

/* An address is listed by itself, or by its domain, with @ or without. */
static const char *find_addr(const struct search *search, const void *list)
{
    const qp_addr *addr = search->addr;
    apr_pool_t *pool = qp_pool(search->qp);
    const char *found =
        find_name(search, list,
                  apr_pstrcat(pool, addr->user, "@", addr->host, NULL));

    if (found == NULL && addr->host[0] != '\0') {
        found = find_name(search, list, addr->host);
    }
    if (found == NULL && addr->host[0] != '\0') {
        found =
            find_name(search, list, apr_pstrcat(pool, "@", addr->host, NULL));
    }
    return found;
}

static qp_list_reader *reader_of(const struct search *search)
{
    return search->ip != NULL ? read_host : qp_pattern_words;
}

static const char *find_in(const struct search *search, const void *list)
{
    if (list == NULL) {
        return NULL;
    }
    if (search->ip != NULL) {
        return find_host(list, search->ip);
    }
    return search->name != NULL ? find_name(search, list, search->name)
                                : find_addr(search, list);
}

/* @param rcpt  whose lists, or NULL
 * @return the line, or NULL */
static const char *find_line(const struct search *search, const qp_addr *rcpt)
{
    const struct opts *opt = qp_opts(search->self);
    qp_list_reader *read = reader_of(search);
    const char *line = NULL;

    if (rcpt != NULL) {
        line =
            find_in(search, qp_user_list(search->qp, rcpt, search->key, read));
    }
    if (line == NULL && (rcpt == NULL || opt->merge)) {
        line = find_in(search, qp_list(search->qp, search->key, read));
    }
    return line;
}

static const char *search_text(const struct search *search)
{
    if (search->addr != NULL) {
        return qp_addr_text(search->addr, qp_pool(search->qp));
    }
    return search->ip != NULL ? search->ip : search->name;
}

/* @return whether it is there, and then that is logged */
static int is_listed(const struct search *search, const qp_addr *rcpt)
{
    const char *line = find_line(search, rcpt);

    if (line != NULL) {
        qp_pass(search->self, search->qp, "%s is in %s (%s)",
                search_text(search), search->key, line);
    }
    return line != NULL;
}

/* ---- the hooks ----------------------------------------------------------- */

static qp_rc hook_connect(const qp_plugin *self, qp_session *qp,
                          const qp_connect_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct search search = {
        .self = self, .qp = qp, .key = HOSTS, .ip = arg->remote_ip
    };

    if (!opt->per_recipient && is_listed(&search, NULL)) {
        qp_note_set(qp_conn_notes(qp_connection(qp)), QP_NOTE_WHITELISTHOST,
                    "1");
        qp_karma_adjust(qp, 5);
    }
    return QP_DECLINED;
}

static qp_rc hook_helo(const qp_plugin *self, qp_session *qp,
                       const qp_helo_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct search search = {
        .self = self, .qp = qp, .key = HELO, .name = arg->host
    };
    qp_notes *notes = qp_conn_notes(qp_connection(qp));

    qp_note_set(notes, QP_NOTE_WHITELISTHELO, NULL);
    if (!opt->per_recipient && is_listed(&search, NULL)) {
        qp_note_set(notes, QP_NOTE_WHITELISTHELO, arg->host);
    }
    return QP_DECLINED;
}

static qp_rc hook_mail(const qp_plugin *self, qp_session *qp,
                       const qp_mail_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct search search = {
        .self = self, .qp = qp, .key = SENDERS, .addr = arg->sender
    };

    if (!opt->per_recipient && !qp_addr_is_null(arg->sender)
        && is_listed(&search, NULL)) {
        qp_note_set(qp_txn_notes(qp_transaction(qp)), QP_NOTE_WHITELISTSENDER,
                    "1");
    }
    return QP_DECLINED;
}

/* Whether the client, its hello or the sender is in the recipient's lists. */
static int is_listed_for(const qp_plugin *self, qp_session *qp,
                         const qp_addr *rcpt)
{
    const qp_conn *conn = qp_connection(qp);
    const qp_addr *sender = qp_txn_sender(qp_transaction(qp));
    struct search host = {
        .self = self, .qp = qp, .key = HOSTS, .ip = qp_conn_remote_ip(conn)
    };
    struct search helo = {
        .self = self, .qp = qp, .key = HELO, .name = qp_conn_hello_host(conn)
    };
    struct search from = {
        .self = self, .qp = qp, .key = SENDERS, .addr = sender
    };

    return is_listed(&host, rcpt) || is_listed(&helo, rcpt)
           || (!qp_addr_is_null(sender) && is_listed(&from, rcpt));
}

static void remember_rcpt(qp_notes *notes, const qp_addr *rcpt,
                          apr_pool_t *ptxn)
{
    apr_array_header_t *rcpts = qp_note_ptr(notes, QP_NOTE_WHITELISTRCPT);
    qp_addr *copy = apr_palloc(ptxn, sizeof(*copy));

    if (rcpts == NULL) {
        rcpts = apr_array_make(ptxn, 4, sizeof(const qp_addr *));
        qp_note_set_ptr(notes, QP_NOTE_WHITELISTRCPT, rcpts);
    }
    copy->user = apr_pstrdup(ptxn, rcpt->user);
    copy->host = apr_pstrdup(ptxn, rcpt->host);
    APR_ARRAY_PUSH(rcpts, const qp_addr *) = copy;
}

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    const qp_addr *whose = opt->per_recipient ? arg->rcpt : NULL;
    struct search search = {
        .self = self, .qp = qp, .key = RCPT, .addr = arg->rcpt
    };
    qp_notes *notes = qp_txn_notes(qp_transaction(qp));
    int is_exempt = whose != NULL && is_listed_for(self, qp, whose);

    if (!is_exempt) {
        is_exempt = is_listed(&search, whose);
    }
    qp_note_set(notes, QP_NOTE_WHITELISTED, is_exempt ? "1" : NULL);
    if (is_exempt) {
        remember_rcpt(notes, arg->rcpt, qp_txn_pool(qp));
    }
    return QP_DECLINED;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const char *error = qp_list_check(self, HOSTS, read_host);

    if (error == NULL) {
        error = qp_list_check(self, HELO, qp_pattern_words);
    }
    if (error == NULL) {
        error = qp_list_check(self, SENDERS, qp_pattern_words);
    }
    if (error == NULL) {
        error = qp_list_check(self, RCPT, qp_pattern_words);
    }
    return error;
}

QP_PLUGIN(whitelist) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
    .hooks.connect = hook_connect,
    .hooks.helo = hook_helo,
    .hooks.ehlo = hook_helo,
    .hooks.mail = hook_mail,
    .hooks.rcpt = hook_rcpt,
};
