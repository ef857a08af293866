/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_logging.h
 * @brief Gives log lines to the logging hooks, and what they leave to the sink
 *        below.
 */
#ifndef QP_LOGGING_H
#define QP_LOGGING_H

#include "plugin/qp_hook.h"

/** Between a logger and its sink. Lives as long as the logger. */
typedef struct qp_logging {
    const qp_hook_table *hooks;
    qp_session *qp;          /**< or NULL: lines of the server */
    const qp_log_sink *sink; /**< below */
    void *ctx;
    int is_busy; /**< a session's: a line within a logging hook passes by */
} qp_logging;

/**
 * Puts the hooks in front of a logger's sink; does nothing when no plugin has
 * a logging hook.
 * @param logging  room for it
 */
void qp_logging_install(qp_logging *logging, const qp_hook_table *hooks,
                        qp_session *qp, qp_logger *logger);

#endif /* QP_LOGGING_H */
