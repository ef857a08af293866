/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crashes when it is asked to, by "VRFY crash". It keeps no data. For tests of
 * what a faulty plugin can do to others.
 */
#include <signal.h>
#include <string.h>

#include "qpsmtpd.h"

static qp_rc hook_vrfy(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    if (strcmp(arg->line, "crash") == 0) {
        /* From the first httpd's handler may return, when another thread has
         * been chosen to die of its own. */
        for (;;) {
            raise(SIGSEGV);
        }
    }
    return QP_DECLINED;
}

QP_PLUGIN(crash) = { .hooks.vrfy = hook_vrfy };
