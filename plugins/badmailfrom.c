/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses senders that stand in a list. Its data live as long as the
 * connection. It does not ask whether a sender exists.

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

Regular expressions are compiled each time they are used, so that a change of
the file takes effect at once: keep their number below a thousand. One that
would take too much time or memory for an address does not match, and a warning
says so.

=head1 CONFIGURATION

There are no options but C<reject> and C<reject_type>, which all plugins have:
with C<reject no> a match is logged only, with C<reject naughty> the connection
is marked, and another plugin refuses later.

=head1 FILES

=over 4

=item F<badmailfrom>

The list. It is looked up for each message: a change needs no restart.

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

=item badmailfrom: badmailfrom: "I<PATTERN>": I<WHAT IS WRONG>

A line has to be corrected; a warning, once in a connection.

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
    const char *pattern, *reason;

    if (qp_is_immune(self, qp)) {
        return QP_DECLINED;
    }
    if (qp_addr_is_null(sender)) {
        qp_skip(self, qp, "null sender");
        return QP_DECLINED;
    }
    pattern = find_bad(self, qp, "badmailfrom", sender, &reason);
    if (pattern == NULL) {
        qp_pass(self, qp, "%s is not listed",
                qp_addr_text(sender, qp_pool(qp)));
        return QP_DECLINED;
    }
    qp_karma_adjust(qp, -1);
    qp_log(self, qp, QP_LOG_DEBUG, "%s is listed (%s)",
           qp_addr_text(sender, qp_pool(qp)), pattern);
    return qp_reject(self, qp, "%s",
                     reason[0] != '\0' ? reason : DEFAULT_REASON);
}

QP_PLUGIN(badmailfrom) = {
    .conn_size = sizeof(struct bad_conn),
    .hooks.mail = hook_mail,
};
