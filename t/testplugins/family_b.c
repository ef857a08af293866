/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The middle one of three plugins that are derived from each other. It passes
 * on a sender that it has changed. For tests of inheritance; see family_a.c.
 */
#include <apr_strings.h>

#include "qpsmtpd.h"

struct opts {
    int more;
};

struct conn {
    char name; /* of other size than that of the others */
    int calls;
    double unused;
};

static const qp_opt opt_table[] = {
    QP_OPT_INT(struct opts, more, "more", "1", 0, 10),
    QP_OPT_END,
};

static qp_rc hook_mail(const qp_plugin *self, qp_session *qp,
                       const qp_mail_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct conn *conn = qp_conn_data(self, qp);
    qp_addr sender = *arg->sender;
    qp_mail_arg changed = *arg;
    int i;

    conn->calls++;
    for (i = 0; i < opt->more; i++) {
        sender.user = apr_pstrcat(qp_pool(qp), sender.user, "b", NULL);
    }
    changed.sender = &sender;
    return QP_SUPER(self, qp, mail, &changed);
}

QP_PLUGIN(family_b) = {
    .parent = "family_c",
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .conn_size = sizeof(struct conn),
    .hooks.mail = hook_mail,
};
