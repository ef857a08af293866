/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers several functions for one hook, and edits its own slots: in noop
 * it runs before all others, in its place, and once more behind it; help is
 * taken away; vrfy is added. Logs "NAME at WHERE". It keeps no data. For tests
 * of qp_register_NAME.
 */
#include "qpsmtpd.h"

static void note(const qp_plugin *self, qp_session *qp, const char *where)
{
    qp_log(self, qp, QP_LOG_INFO, "%s at %s", qp_plugin_name(self), where);
}

static qp_rc noop_in_place(const qp_plugin *self, qp_session *qp,
                           const qp_words_arg *arg)
{
    note(self, qp, "its place");
    return QP_DECLINED;
}

static qp_rc noop_behind(const qp_plugin *self, qp_session *qp,
                         const qp_words_arg *arg)
{
    note(self, qp, "second place");
    return QP_DECLINED;
}

static qp_rc noop_first(const qp_plugin *self, qp_session *qp,
                        const qp_words_arg *arg)
{
    note(self, qp, "the front");
    return QP_DECLINED;
}

static qp_rc hook_help(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    note(self, qp, "help, which was taken away");
    return QP_DECLINED;
}

static qp_rc hook_vrfy(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    return qp_return(qp, QP_OK, "%s says so", qp_plugin_name(self));
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    qp_register_noop(self, noop_behind, QP_IN_ORDER);
    qp_register_noop(self, noop_first, QP_BEFORE_ALL);
    qp_plugin_hooks(self)->help = NULL;
    qp_plugin_hooks(self)->vrfy = hook_vrfy;
    return NULL;
}

QP_PLUGIN(register) = {
    .setup = setup,
    .hooks.noop = noop_in_place,
    .hooks.help = hook_help,
};
