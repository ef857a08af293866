/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin with a name for the module path: Module::Path. It keeps no data. For
 * tests of how plugins are found.
 */
#include "qpsmtpd.h"

static qp_rc hook_noop(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    return qp_return(qp, QP_DENY, "%s was found", qp_plugin_name(self));
}

QP_PLUGIN(Module_Path) = { .hooks.noop = hook_noop };
