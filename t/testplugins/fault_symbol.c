/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls functions that no server has. It must stop the start with a sentence.
 * It keeps no data.
 */
#include "qpsmtpd.h"

QP_EXPORT void qp_of_the_future(qp_session *qp);

static qp_rc hook_noop(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    qp_of_the_future(qp);
    return QP_DECLINED;
}

QP_PLUGIN(fault_symbol) = { .hooks.noop = hook_noop };
