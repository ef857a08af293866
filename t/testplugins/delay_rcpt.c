/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets each recipient wait, without a thread: `delay_rcpt delay 500ms`. Then
 * the next plugin is asked. Its data lives as long as the transaction. For
 * tests of hooks that wait.
 */
#include "qpsmtpd.h"

struct opts {
    apr_interval_time_t delay;
};

struct txn {
    qp_wait *delay;
};

static const qp_opt opt_table[] = {
    QP_OPT_TIME(struct opts, delay, "delay", "1s"),
    QP_OPT_END,
};

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct txn *txn = qp_txn_data(self, qp);

    if (txn->delay == NULL) {
        qp_log(self, qp, QP_LOG_INFO, "%s waits", arg->rcpt->user);
        txn->delay = qp_timer(qp, opt->delay, qp_txn_pool(qp));
    }
    if (!qp_ready(txn->delay)) {
        return qp_await(qp, txn->delay);
    }
    txn->delay = NULL;
    qp_log(self, qp, QP_LOG_INFO, "%s goes on", arg->rcpt->user);
    return QP_DECLINED;
}

QP_PLUGIN(delay_rcpt) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .hooks.rcpt = hook_rcpt,
};
