/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses senders that stand in a list. It keeps no data. It does not ask
 * whether a sender exists.

=pod

=head1 NAME

badmailfrom - refuse mail from listed senders

=head1 SYNOPSIS

In F<config/plugins>:

    badmailfrom
    badmailfrom reject naughty

In F<config/badmailfrom>:

    spammer@example.com
    @example.net           We do not take mail from example.net
    /^bounce-\d+@/         No more of these bounces, please

=head1 DESCRIPTION

The sender of each message is compared with the lines of config
C<badmailfrom>. The first line that matches decides: the sender is refused. A
reason may stand behind the pattern, after a blank; the client is shown it.

A pattern is one of

=over 4

=item *

a whole address;

=item *

C<@> and a domain, for all addresses of this domain and none of its
sub-domains;

=item *

a Perl-compatible regular expression that is found anywhere in
I<user>C<@>I<domain>: any pattern with one of C</ ^ $ * + ! % ? \> in it. It
may stand between slashes, and has to if it has none of the other characters.
It cannot hold blanks; C<\s> stands for one.

=back

Upper and lower case are the same. The null sender of bounces is never refused,
and neither are clients that may relay or are whitelisted.

Config C<badmailfrom_patterns> is a second list, with regular expressions only,
such as C<example\.(com|net)$>.

A line that cannot be understood stops the start. In a file that is changed
later it is reported, and the old list stays in force. An expression that would
take too many steps for an address does not match, and a warning says so.

=head1 CONFIGURATION

=over 4

=item lists

The config keys to look into, one after the other. A list whose name ends in
C<_patterns> has regular expressions only. The default is
C<badmailfrom,badmailfrom_patterns>.

=back

With the option C<reject no>, which all plugins have, a match is logged only;
with C<reject naughty> the connection is marked, and another plugin refuses
later.

=head1 FILES

=over 4

=item F<badmailfrom>

=item F<badmailfrom_patterns>

The lists. A change needs no restart.

=back

=head1 DIAGNOSTICS

=over 4

=item badmailfrom: pass, I<SENDER> is not listed

=item badmailfrom: skip, null sender

The sender may go on.

=item badmailfrom: fail, I<REASON>

The sender is refused. The karma of the connection falls by 1.

=item badmailfrom: I<SENDER> is listed (I<PATTERN>)

Which line it was, at debug level.

=item badmailfrom: "I<PATTERN>": takes too many steps for I<SENDER>

The expression should be written simpler; a warning, once for each.

=back

=head1 SEE ALSO

L<badrcptto>, L<pcre2pattern(3)>, F<docs/plugins.md>

=cut

*/

#include "badmailfrom.h"

#define DEFAULT_REASON "Mail from this sender is not accepted"

static qp_rc hook_mail(const qp_plugin *self, qp_session *qp,
                       const qp_mail_arg *arg)
{
    const qp_addr *sender = arg->sender;
    const qp_pattern *found;
    const char *reason;

    if (qp_is_immune(self, qp)) {
        return QP_DECLINED;
    }
    if (qp_addr_is_null(sender)) {
        qp_skip(self, qp, "null sender");
        return QP_DECLINED;
    }
    found = find_listed(self, qp, sender);
    if (found == NULL) {
        qp_pass(self, qp, "%s is not listed",
                qp_addr_text(sender, qp_pool(qp)));
        return QP_DECLINED;
    }
    qp_karma_adjust(qp, -1);
    qp_log(self, qp, QP_LOG_DEBUG, "%s is listed (%s)",
           qp_addr_text(sender, qp_pool(qp)), qp_pattern_text(found));
    reason = qp_pattern_rest(found);
    return qp_reject(self, qp, "%s",
                     reason[0] != '\0' ? reason : DEFAULT_REASON);
}

static const qp_opt opt_table[] = {
    QP_OPT_LIST(struct bad_opts, lists, "lists",
                "badmailfrom,badmailfrom_patterns"),
    QP_OPT_END,
};

QP_PLUGIN(badmailfrom) = {
    .opts = opt_table,
    .opts_size = sizeof(struct bad_opts),
    .setup = check_lists,
    .hooks.mail = hook_mail,
};
