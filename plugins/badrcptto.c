/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses recipients that stand in a list. It keeps no data. It does not say
 * which recipients there are.

=pod

=head1 NAME

badrcptto - refuse mail to listed recipients

=head1 SYNOPSIS

In F<config/plugins>, above C<rcpt_ok>:

    badrcptto

In F<config/badrcptto>:

    former-employee@example.org
    sales@example.org      Please write to service@example.org
    @old.example.org       This domain is no longer in use
    /^test\d*@/

=head1 DESCRIPTION

Each recipient is compared with the lines of config C<badrcptto>, which have
the form that L<badmailfrom> explains: a pattern, and perhaps a reason behind
it. The first line that matches decides: the recipient is refused, with the
reason, or else as an unknown user with 550 5.1.1.

It is of use where a domain takes mail for every local part, or to retire an
address. The recipient C<postmaster> without a domain is never refused, and
clients that may relay or are whitelisted may send to listed recipients.

=head1 CONFIGURATION

=over 4

=item lists

The config keys to look into, one after the other. A list whose name ends in
C<_patterns> has regular expressions only. The default is
C<badrcptto,badrcptto_patterns>.

=back

=head1 FILES

=over 4

=item F<badrcptto>

=item F<badrcptto_patterns>

The lists. A change needs no restart; one with a fault is not taken up.

=back

=head1 DIAGNOSTICS

=over 4

=item badrcptto: pass, I<RECIPIENT> is not listed

=item badrcptto: skip, recipient without a domain

The recipient may go on.

=item badrcptto: fail, I<RECIPIENT> is listed (I<PATTERN>)

The recipient is refused. The karma of the connection falls by 2.

=item badrcptto: "I<PATTERN>": takes too many steps for I<RECIPIENT>

The expression should be written simpler; a warning, once for each.

=back

=head1 SEE ALSO

L<badmailfrom>, L<rcpt_ok>, F<docs/plugins.md>

=cut

*/

#include "badmailfrom.h"

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    const qp_addr *rcpt = arg->rcpt;
    const qp_pattern *found;
    const char *reason;

    if (qp_is_immune(self, qp)) {
        return QP_DECLINED;
    }
    if (rcpt->host[0] == '\0') {
        qp_skip(self, qp, "recipient without a domain");
        return QP_DECLINED;
    }
    found = find_listed(self, qp, rcpt);
    if (found == NULL) {
        qp_pass(self, qp, "%s is not listed", qp_addr_text(rcpt, qp_pool(qp)));
        return QP_DECLINED;
    }
    qp_karma_adjust(qp, -2);
    qp_fail(self, qp, "%s is listed (%s)", qp_addr_text(rcpt, qp_pool(qp)),
            qp_pattern_text(found));
    reason = qp_pattern_rest(found);
    if (reason[0] == '\0') {
        return qp_dsn_no_such_user(qp, NULL);
    }
    return qp_return(qp, QP_DENY, "%s", reason);
}

static const qp_opt opt_table[] = {
    QP_OPT_LIST(struct bad_opts, lists, "lists",
                "badrcptto,badrcptto_patterns"),
    QP_OPT_END,
};

QP_PLUGIN(badrcptto) = {
    .opts = opt_table,
    .opts_size = sizeof(struct bad_opts),
    .setup = check_lists,
    .hooks.rcpt = hook_rcpt,
};
