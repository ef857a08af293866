/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses messages that go round in circles. Keeps nothing. It counts and does
 * not compare: it does not know which of the hosts were passed twice.

=pod

=head1 NAME

loop - refuse messages that have been through too many hosts

=head1 SYNOPSIS

In F<config/plugins>:

    loop
    loop 30

=head1 DESCRIPTION

Every host that a message passes adds a field C<Received>, and some that
deliver it add C<Delivered-To>. A message with as many of them as C<hops>, the
C<Received> of this server included, is taken for one that goes round in
circles, and refused with 552 5.4.6.

The server itself refuses messages with more than 100 C<Received>. This plugin
is for a lower limit, and for loops between mailboxes of one host.

Relay clients are not exempt: it is loops within one's own hosts that last.

=head1 CONFIGURATION

=over 4

=item hops

How many fields are too many. It may be given without its name, as the first
word. The default is 100.

=back

The common arguments C<reject> and C<reject_type> are honoured.

=head1 DIAGNOSTICS

=over 4

=item loop: pass, I<N> hops

=item loop: fail, the message has made I<N> hops, it is in a loop

=back

=head1 SEE ALSO

RFC 5321, section 6.3

=cut

*/

#include "qpsmtpd.h"

struct opts {
    int hops;
};

static const qp_opt opt_table[] = {
    QP_OPT_WORD_INT(1, struct opts, hops, "hops", "100", 1, 100000),
    QP_OPT_END,
};

static qp_rc hook_data_post(const qp_plugin *self, qp_session *qp,
                            const qp_data_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    const qp_header *header = qp_txn_header(qp_transaction(qp));
    int hops = qp_header_count(header, "Received")
               + qp_header_count(header, "Delivered-To");

    if (hops < opt->hops) {
        qp_pass(self, qp, "%d hops", hops);
        return QP_DECLINED;
    }
    return qp_reject_dsn(self, qp, 4, 6,
                         "the message has made %d hops, it is in a loop", hops);
}

QP_PLUGIN(loop) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .hooks.data_post = hook_data_post,
};
