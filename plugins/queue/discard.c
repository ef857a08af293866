/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes messages and throws them away. It keeps no data. It does not tell the
 * client.

=pod

=head1 NAME

queue/discard - accept messages and throw them away

=head1 SYNOPSIS

In F<config/plugins>, above the plugin that really queues:

    queue/discard if_noted
    queue/maildir /var/mail/qpsmtpd

or alone, for a server that tests clients:

    queue/discard

=head1 DESCRIPTION

The client is told that the message is queued, and the message is gone.

With C<if_noted> that happens only to messages which another plugin has marked
by the transaction note C<discard_mail> (QP_NOTE_DISCARD_MAIL in
F<qpsmtpd.h>). All others go on to the next queue plugin.

All extensions are offered for such messages, for what is thrown away needs no
care. With another queue plugin besides, those that it declares, too, are
offered.

A sender whose message is discarded by mistake never learns of it. Refusing a
message is nearly always better.

=head1 CONFIGURATION

=over 4

=item if_noted

Discard only messages that are marked. The word stands alone, without a value.

=back

=head1 DIAGNOSTICS

=over 4

=item queue/discard: pass, discarded message I<ID>

The message was thrown away.

=item queue/discard: skip, message is not marked

The message goes on to the next queue plugin.

=back

=head1 SEE ALSO

L<queue/maildir>, F<docs/plugins.md>

=cut

*/

#include "qpsmtpd.h"

struct opts {
    int if_noted;
};

static const qp_opt opt_table[] = {
    QP_OPT_FLAG(struct opts, if_noted, "if_noted"),
    QP_OPT_END,
};

/* The mark may be a text or a number. */
static int is_marked(qp_txn *txn)
{
    const qp_notes *notes = qp_txn_notes(txn);

    return qp_note_get(notes, QP_NOTE_DISCARD_MAIL) != NULL
           || qp_note_num(notes, QP_NOTE_DISCARD_MAIL) != 0;
}

static qp_rc hook_queue(const qp_plugin *self, qp_session *qp,
                        const qp_data_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    qp_txn *txn = qp_transaction(qp);

    if (opt->if_noted && !is_marked(txn)) {
        qp_skip(self, qp, "message is not marked");
        return QP_DECLINED;
    }
    qp_pass(self, qp, "discarded message %s", qp_txn_id(txn));
    return qp_return(qp, QP_OK, "queued as %s", qp_txn_id(txn));
}

/* Nothing is lost on the way to nowhere. */
static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    qp_plugin_declare(self, QP_CAN_BINARYMIME | QP_CAN_SMTPUTF8 | QP_CAN_DSN
                                | QP_CAN_DELIVERBY | QP_CAN_MT_PRIORITY
                                | QP_CAN_REQUIRETLS);
    return NULL;
}

QP_PLUGIN(queue_discard) = {
    .setup = setup,
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .hooks.queue = hook_queue,
};
