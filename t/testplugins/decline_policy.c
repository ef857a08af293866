/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin for the bench: is on the hooks that a policy plugin is usually on,
 * and has nothing to say. Keeps nothing. */

#include "qpsmtpd.h"

static qp_rc hook_connect(const qp_plugin *self, qp_session *qp,
                          const qp_connect_arg *arg)
{
    return QP_DECLINED;
}

static qp_rc hook_mail(const qp_plugin *self, qp_session *qp,
                       const qp_mail_arg *arg)
{
    return QP_DECLINED;
}

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    return QP_DECLINED;
}

QP_PLUGIN(decline_policy) = {
    .hooks.connect = hook_connect,
    .hooks.mail = hook_mail,
    .hooks.rcpt = hook_rcpt,
};
