/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin for tests: refuses a client that has more connections open than it
 * is told. Keeps nothing. */

#include "qpsmtpd.h"

struct opts {
    int max;
};

static const qp_opt opt_table[] = {
    QP_OPT_INT(struct opts, max, "max", "6", 1, 1000),
    QP_OPT_END,
};

static qp_rc hook_pre_connection(const qp_plugin *self, qp_session *qp,
                                 const qp_pre_connection_arg *arg)
{
    const struct opts *opt = qp_opts(self);

    if (arg->conns_of_ip <= opt->max) {
        return QP_DECLINED;
    }
    return qp_return(qp, QP_DENYSOFT, "%d connections of %s", arg->conns_of_ip,
                     arg->remote_ip);
}

QP_PLUGIN(conns) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .hooks.pre_connection = hook_pre_connection,
};
