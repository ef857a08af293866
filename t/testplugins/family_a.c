/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The youngest of three plugins that are derived from each other. Its answer
 * is that of its parents, turned into a refusal for good. It has a hook for
 * noop, which only its grandparent has besides, and none for vrfy. It keeps no
 * data. For tests of inheritance.
 */
#include <apr_strings.h>

#include "qpsmtpd.h"

struct opts {
    const char *prefix;
};

static const qp_opt opt_table[] = {
    QP_OPT_WORD_STR(1, struct opts, prefix, "prefix", "a"),
    QP_OPT_END,
};

static qp_rc hook_mail(const qp_plugin *self, qp_session *qp,
                       const qp_mail_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    qp_addr sender = *arg->sender;
    qp_mail_arg changed = *arg;
    qp_rc rc;

    sender.user = apr_pstrcat(qp_pool(qp), opt->prefix, sender.user, NULL);
    changed.sender = &sender;
    rc = QP_SUPER(self, qp, mail, &changed);
    return rc == QP_DENYSOFT ? QP_DENY : rc;
}

static qp_rc hook_noop(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    return QP_SUPER(self, qp, noop, arg);
}

/* Nobody above has it. */
static qp_rc hook_help(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    qp_rc rc = QP_SUPER(self, qp, help, arg);

    return rc == QP_DECLINED ? qp_return(qp, QP_OK, "a declines") : rc;
}

QP_PLUGIN(family_a) = {
    .parent = "family_b",
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .hooks.mail = hook_mail,
    .hooks.noop = hook_noop,
    .hooks.help = hook_help,
};
