/* SPDX-License-Identifier: Apache-2.0 */
/* A policy plugin for tests: it has something against every client, at the
 * hook that it is told. */

#include <string.h>

#include "qpsmtpd.h"

struct opts {
    const char *at;
    const char *text;
};

static const qp_opt opt_table[] = {
    QP_OPT_WORD_STR(1, struct opts, at, "at", "connect"),
    QP_OPT_WORD_STR(2, struct opts, text, "text", "is not liked"),
    QP_OPT_END,
};

static qp_rc judge(const qp_plugin *self, qp_session *qp)
{
    const struct opts *opt = qp_opts(self);

    return strcmp(opt->at, qp_current_hook(qp)) == 0
               ? qp_reject(self, qp, "%s", opt->text)
               : QP_DECLINED;
}

static qp_rc hook_connect(const qp_plugin *self, qp_session *qp,
                          const qp_connect_arg *arg)
{
    return judge(self, qp);
}

static qp_rc hook_helo(const qp_plugin *self, qp_session *qp,
                       const qp_helo_arg *arg)
{
    return judge(self, qp);
}

static qp_rc hook_mail(const qp_plugin *self, qp_session *qp,
                       const qp_mail_arg *arg)
{
    return judge(self, qp);
}

static qp_rc hook_data(const qp_plugin *self, qp_session *qp,
                       const qp_data_arg *arg)
{
    return judge(self, qp);
}

QP_PLUGIN(mark) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .hooks.connect = hook_connect,
    .hooks.helo = hook_helo,
    .hooks.mail = hook_mail,
    .hooks.data = hook_data,
    .hooks.data_post = hook_data,
};
