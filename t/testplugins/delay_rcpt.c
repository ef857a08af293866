/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets each recipient wait, without a thread: `delay_rcpt delay 500ms`. Then
 * the next plugin is asked. Its data lives as long as the connection. For
 * tests of hooks that wait.
 */
#include "qpsmtpd.h"

struct opts {
    apr_interval_time_t delay;
};

struct conn {
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
    struct conn *conn = qp_conn_data(self, qp);

    if (conn->delay == NULL) {
        qp_log(self, qp, QP_LOG_INFO, "%s waits", arg->rcpt->user);
        conn->delay = qp_timer(qp, opt->delay, qp_pool(qp));
    }
    if (!qp_ready(conn->delay)) {
        return qp_await(qp, conn->delay);
    }
    conn->delay = NULL;
    qp_log(self, qp, QP_LOG_INFO, "%s goes on", arg->rcpt->user);
    return QP_DECLINED;
}

QP_PLUGIN(delay_rcpt) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .conn_size = sizeof(struct conn),
    .hooks.rcpt = hook_rcpt,
};
