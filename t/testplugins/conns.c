/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin for tests: refuses a client that has more connections open than
 * config max_conn_ip allows. Keeps nothing. */

#include "qpsmtpd.h"

static qp_rc hook_pre_connection(const qp_plugin *self, qp_session *qp,
                                 const qp_pre_connection_arg *arg)
{
    if (arg->max_conn_ip == 0 || arg->conns_of_ip <= arg->max_conn_ip) {
        return QP_DECLINED;
    }
    return qp_return(qp, QP_DENYSOFT, "%d connections of %s", arg->conns_of_ip,
                     arg->remote_ip);
}

QP_PLUGIN(conns) = { .hooks.pre_connection = hook_pre_connection };
