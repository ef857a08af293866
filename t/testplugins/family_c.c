/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The eldest of three plugins that are derived from each other. It counts its
 * calls for each connection. For tests of inheritance; see family_a.c.
 */
#include <string.h>

#include "qpsmtpd.h"

struct opts {
    const char *motto;
};

struct conn {
    int calls;
};

static const qp_opt opt_table[] = {
    QP_OPT_STR(struct opts, motto, "motto", "old"),
    QP_OPT_END,
};

static qp_rc hook_mail(const qp_plugin *self, qp_session *qp,
                       const qp_mail_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct conn *conn = qp_conn_data(self, qp);

    conn->calls++;
    return qp_return(qp, QP_DENYSOFT, "c %s %d %s", opt->motto, conn->calls,
                     arg->sender->user);
}

/* Nobody else in the family has this one. */
static qp_rc hook_vrfy(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    const struct opts *opt = qp_opts(self);

    return qp_return(qp, QP_OK, "c %s %s by %s", opt->motto, arg->line,
                     qp_plugin_name(self));
}

/* Waits within a call by QP_SUPER. */
static qp_rc hook_noop(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    apr_pool_t *pool = qp_pool(qp);
    void *timer = NULL;

    apr_pool_userdata_get(&timer, "family_c", pool);
    if (timer == NULL) {
        timer = qp_timer(qp, apr_time_from_msec(20), pool);
        apr_pool_userdata_setn(timer, "family_c", NULL, pool);
    }
    if (!qp_ready(timer)) {
        return qp_await(qp, timer);
    }
    return qp_return(qp, QP_DENY, "c has waited in %s", qp_current_hook(qp));
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);

    return strcmp(opt->motto, "wrong") == 0 ? "motto: c does not like it"
                                            : NULL;
}

QP_PLUGIN(family_c) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .conn_size = sizeof(struct conn),
    .setup = setup,
    .hooks.mail = hook_mail,
    .hooks.vrfy = hook_vrfy,
    .hooks.noop = hook_noop,
};
