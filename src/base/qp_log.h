/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_log.h
 * @brief Log lines: level, tag, session; where they go is the sink's.
 */
#ifndef QP_LOG_H
#define QP_LOG_H

#include <stdarg.h>

#include "base/qp_base.h"

/** One line on its way to the sink. */
typedef struct qp_log_event {
    int level;          /**< QP_LOG_... */
    const char *tag;    /**< "QPnnnn" */
    const char *id;     /**< of the connection, or NULL */
    const char *peer;   /**< address of the client, or NULL */
    unsigned txn;       /**< number of the open transaction, or 0 */
    const char *hook;   /**< or "" */
    const char *plugin; /**< or "" */
    const char *text;   /**< escaped, one line */
} qp_log_event;

/** Where lines go. Installed by the layers above. */
typedef struct qp_log_sink {
    /** Whether a line of this level would be written at all. */
    int (*enabled)(void *ctx, int level);
    void (*write)(void *ctx, const qp_log_event *event);
} qp_log_sink;

/** Who is logging. Lives as long as its owner, a session or a server. */
typedef struct qp_logger {
    const qp_log_sink *sink; /**< NULL: nothing is written */
    void *ctx;
    const char *id;
    const char *peer;
    unsigned txn;
} qp_logger;

/** The longest text of a line, in octets, before it is cut. */
#define QP_LOG_TEXT_MAX 2048

/** Tag of the lines that plugins write, by verdict. */
#define QP_TAG_PLUGIN   "QP2000"
#define QP_TAG_PASS     "QP2001"
#define QP_TAG_FAIL     "QP2002"
#define QP_TAG_SKIP     "QP2003"
#define QP_TAG_ERROR    "QP2004"
#define QP_TAG_FAULT    "QP2005"

int qp_log_enabled(const qp_logger *logger, int level);

/** A line of the engine. @a tag is unique to the call. */
void qp_log_write(const qp_logger *logger, int level, const char *tag,
                  const char *fmt, ...) QP_PRINTF(4, 5);

/** A line of a plugin at a hook. */
void qp_log_vplugin(const qp_logger *logger, int level, const char *tag,
                    const char *plugin, const char *hook, const char *lead,
                    const char *fmt, va_list ap) QP_PRINTF(7, 0);

/** Writes "TAG: [ID PEER tN] PLUGIN: TEXT" as far as it is known.
 *  @return the length */
apr_size_t qp_log_compose(const qp_log_event *event, char *out,
                          apr_size_t size);

#endif /* QP_LOG_H */
