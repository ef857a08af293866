/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses bounces that cannot be any. Keeps nothing. It does not know what was
 * sent from here, so it cannot tell whether a bounce was asked for.

=pod

=head1 NAME

bogus_bounce - refuse bounces that cannot be any

=head1 SYNOPSIS

In F<config/plugins>:

    bogus_bounce
    bogus_bounce reject naughty

=head1 DESCRIPTION

A bounce has the null sender, C<MAIL FROM:E<lt>E<gt>>, and goes back to the one
who had sent the message, so it has one recipient. Messages with the null
sender and several recipients are refused, and so are those with a field
C<Return-Path> of another sender: this field is made at delivery, from the
sender.

Other senders are not looked at, and neither are clients that may relay or are
whitelisted.

=head1 CONFIGURATION

=over 4

=item action

The word of older versions, which may be given without its name: C<deny>
refuses for good, C<denysoft> for now, C<log> does not refuse. With C<default>,
which is the default, the common arguments C<reject> and C<reject_type> decide.

=back

=head1 DIAGNOSTICS

=over 4

=item bogus_bounce: skip, not a null sender

=item bogus_bounce: pass, a bounce to one recipient

=item bogus_bounce: fail, I<WHY>

The karma of the connection falls by 1.

=back

=head1 SEE ALSO

RFC 5321, sections 4.4 and 4.5.5

=cut

*/

#include <string.h>

#include "qpsmtpd.h"

struct opts {
    int action;
};

enum { BY_DEFAULT, LOG, DENY, DENYSOFT };
static const char *const action_words[] = { "default", "log", "deny",
                                            "denysoft", NULL };

static const qp_opt opt_table[] = {
    QP_OPT_WORD_ENUM(1, struct opts, action, "action", "default", action_words),
    QP_OPT_END,
};

static int is_null_path(const char *value)
{
    value += strspn(value, " \t\n");
    return strncmp(value, "<>", 2) == 0
           && value[2 + strspn(value + 2, " \t\n")] == '\0';
}

/* @return NULL, or why it is no bounce */
static const char *find_fault(qp_txn *txn)
{
    const char *path = qp_header_get(qp_txn_header(txn), "Return-Path", 0);

    if (qp_txn_rcpts(txn)->nelts != 1) {
        return "A bounce goes to one recipient only";
    }
    if (path != NULL && !is_null_path(path)) {
        return "The Return-Path of a bounce is <>";
    }
    return NULL;
}

static qp_rc hook_data_post(const qp_plugin *self, qp_session *qp,
                            const qp_data_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    qp_txn *txn = qp_transaction(qp);
    const char *fault;

    if (!qp_addr_is_null(qp_txn_sender(txn))) {
        qp_skip(self, qp, "not a null sender");
        return QP_DECLINED;
    }
    if (qp_is_immune(self, qp)) {
        return QP_DECLINED;
    }
    fault = find_fault(txn);
    if (fault == NULL) {
        qp_pass(self, qp, "a bounce to one recipient");
        return QP_DECLINED;
    }
    qp_karma_adjust(qp, -1);
    if (opt->action == BY_DEFAULT) {
        return qp_reject(self, qp, "%s", fault);
    }
    qp_fail(self, qp, "%s%s", opt->action == LOG ? "tolerated, " : "", fault);
    if (opt->action == LOG) {
        return QP_DECLINED;
    }
    return qp_return(qp, opt->action == DENY ? QP_DENY : QP_DENYSOFT, "%s",
                     fault);
}

QP_PLUGIN(bogus_bounce) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .hooks.data_post = hook_data_post,
};
