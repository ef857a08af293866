/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses recipients to certain senders. It keeps no data. It does not ask
 * whether either of them exists.

=pod

=head1 NAME

badmailfromto - refuse mail from certain senders to certain recipients

=head1 SYNOPSIS

In F<config/plugins>, above C<rcpt_ok>:

    badmailfromto

In F<config/badmailfromto>:

    ex@example.com         user@example.org
    @example.net           list@example.org    Members only
    /^newsletter@/         @example.org

=head1 DESCRIPTION

Each recipient is compared with the lines of config C<badmailfromto>, together
with the sender of the message. The first line of which both match decides: the
recipient is refused, and others may get the message. A reason may stand behind
the two; the client is shown it.

Both are patterns as L<badmailfrom> explains them: an address, C<@> and a
domain, or a regular expression. All lines count, however many of them have
this sender.

The null sender of bounces is never refused, and neither are clients that may
relay or are whitelisted.

A line that cannot be understood stops the start. In a file that is changed
later it is reported, and the old list stays in force.

=head1 CONFIGURATION

There are no options but C<reject> and C<reject_type>, which all plugins have.

=head1 FILES

=over 4

=item F<badmailfromto>

The list. A change needs no restart.

=back

=head1 DIAGNOSTICS

=over 4

=item badmailfromto: pass, not listed

=item badmailfromto: skip, null sender

The recipient may go on.

=item badmailfromto: fail, I<REASON>

The recipient is refused.

=item badmailfromto: from I<SENDER> (I<PATTERN>) to I<RECIPIENT> (I<PATTERN>)

Which line it was, at debug level.

=back

=head1 SEE ALSO

L<badmailfrom>, L<badrcptto>, F<docs/plugins.md>

=cut

*/

#include <apr_strings.h>

#include "qpsmtpd.h"

#define KEY            "badmailfromto"
#define DEFAULT_REASON "Mail from this sender to this recipient is not accepted"

struct entry {
    qp_pattern *from;
    qp_pattern *to;
};

/* Makes an array of struct entry. */
static const char *read_entry(const char *line, void **whole, apr_pool_t *pool)
{
    apr_array_header_t *entries = *whole;
    struct entry entry = { NULL, NULL };
    const char *error =
        qp_pattern_read(line, QP_PATTERN_MAIL, &entry.from, pool);

    if (error != NULL) {
        return error;
    }
    line = qp_pattern_rest(entry.from);
    if (line[0] == '\0') {
        return apr_psprintf(pool, "a recipient is missing behind \"%s\"",
                            qp_pattern_text(entry.from));
    }
    error = qp_pattern_read(line, QP_PATTERN_MAIL, &entry.to, pool);
    if (error != NULL) {
        return error;
    }
    if (entries == NULL) {
        entries = apr_array_make(pool, 8, sizeof(entry));
        *whole = entries;
    }
    APR_ARRAY_PUSH(entries, struct entry) = entry;
    return NULL;
}

static const struct entry *find_entry(const qp_plugin *self, qp_session *qp,
                                      const char *from, const char *to)
{
    const apr_array_header_t *entries = qp_list(qp, KEY, read_entry);
    const struct entry *entry;
    int i;

    for (i = 0; entries != NULL && i < entries->nelts; i++) {
        entry = &APR_ARRAY_IDX(entries, i, const struct entry);
        if (qp_pattern_matches(self, qp, entry->from, from)
            && qp_pattern_matches(self, qp, entry->to, to)) {
            return entry;
        }
    }
    return NULL;
}

static const char *pair_text(const qp_addr *addr, apr_pool_t *pool)
{
    return apr_pstrcat(pool, addr->user, "@", addr->host, NULL);
}

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    const qp_addr *sender = qp_txn_sender(qp_transaction(qp));
    const struct entry *entry;
    const char *from, *to, *reason;

    if (qp_is_immune(self, qp)) {
        return QP_DECLINED;
    }
    if (qp_addr_is_null(sender)) {
        qp_skip(self, qp, "null sender");
        return QP_DECLINED;
    }
    from = pair_text(sender, qp_pool(qp));
    to = pair_text(arg->rcpt, qp_pool(qp));
    entry = find_entry(self, qp, from, to);
    if (entry == NULL) {
        qp_pass(self, qp, "not listed");
        return QP_DECLINED;
    }
    qp_log(self, qp, QP_LOG_DEBUG, "from %s (%s) to %s (%s)", from,
           qp_pattern_text(entry->from), to, qp_pattern_text(entry->to));
    reason = qp_pattern_rest(entry->to);
    return qp_reject(self, qp, "%s",
                     reason[0] != '\0' ? reason : DEFAULT_REASON);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    return qp_list_check(self, KEY, read_entry);
}

QP_PLUGIN(badmailfromto) = {
    .setup = setup,
    .hooks.rcpt = hook_rcpt,
};
