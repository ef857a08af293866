/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a log line through the logging plugins (hooks.md 8.1). A line
 * that all of them decline, or that there are none for, goes to the sink of
 * the layer above: httpd's error log. Keeps nothing but where that is. */

#include "plugin/qp_logging.h"

#include <string.h>

/* Each logging plugin has a threshold of its own. */
static int is_enabled(void *ctx QP_UNUSED, int level QP_UNUSED)
{
    return 1;
}

static void pass_on(const qp_logging *logging, const qp_log_event *event)
{
    if (logging->sink != NULL
        && logging->sink->enabled(logging->ctx, event->level)) {
        logging->sink->write(logging->ctx, event);
    }
}

/* What a logging plugin itself has to say cannot go through the plugins. A
 * session knows that one is running; without one only the name tells. */
static int is_by_logger(const qp_logging *logging, const qp_log_event *event)
{
    const qp_hook_entry *entry = logging->hooks->entries[QP_HOOK_logging];
    int n = logging->hooks->counts[QP_HOOK_logging];

    while (n-- > 0) {
        if (strcmp(event->plugin, entry[n].self->name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void write_event(void *ctx, const qp_log_event *event)
{
    qp_logging *logging = ctx;
    qp_logging_arg arg = { event->level, event->hook, event->plugin,
                           event->text };
    qp_answer kept = { NULL, 0, 0 };
    const qp_plugin *answered = NULL;
    qp_rc rc;

    if (logging->is_busy
        || (logging->qp == NULL && is_by_logger(logging, event))) {
        pass_on(logging, event);
        return;
    }
    if (logging->qp != NULL) {
        kept = logging->qp->answer;
        answered = logging->qp->answered;
        logging->is_busy = 1;
    }
    rc = qp_call_logging(logging->hooks, logging->qp, &arg);
    if (logging->qp != NULL) {
        logging->qp->answer = kept;
        logging->qp->answered = answered;
        logging->is_busy = 0;
    }
    if (rc == QP_DECLINED) {
        pass_on(logging, event);
    }
}

static const qp_log_sink sink = { is_enabled, write_event };

void qp_logging_install(qp_logging *logging, const qp_hook_table *hooks,
                        qp_session *qp, qp_logger *logger)
{
    if (hooks->counts[QP_HOOK_logging] == 0) {
        return;
    }
    logging->hooks = hooks;
    logging->qp = qp;
    logging->sink = logger->sink;
    logging->ctx = logger->ctx;
    logging->is_busy = 0;
    logger->sink = &sink;
    logger->ctx = logging;
}
