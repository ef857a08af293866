/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file line.h
 * @brief What a line of the logging plugins looks like, and the words for
 *        levels, for these plugins.
 *
 * Everything is the caller's. Where a line goes is not decided here.
 */
#ifndef LOGGING_LINE_H
#define LOGGING_LINE_H

#include <errno.h>
#include <unistd.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

/** The words of a level, for an option of kind ENUM: the index modulo 8 is the
 *  level. LOGRADAR is an old name of the highest. */
#define LINE_LEVELS                                                            \
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug", "0", \
        "1", "2", "3", "4", "5", "6", "7", "LOGEMERG", "LOGALERT", "LOGCRIT",  \
        "LOGERROR", "LOGWARN", "LOGNOTICE", "LOGINFO", "LOGDEBUG", "LOGRADAR"
#define LINE_LEVEL(index) ((index) % 8)

/** Room for a line with whatever stands in front of it. Not above PIPE_BUF, so
 *  that lines of several writers do not mix in a pipe. */
#define LINE_SIZE         4096

/** Writes "ID (HOOK) PLUGIN: TEXT" as far as it is known. ID is that of the
 *  transaction or connection; "-" is the server. @return the length */
static inline apr_size_t compose_line(char *out, apr_size_t size,
                                      qp_session *qp, const qp_logging_arg *arg)
{
    const char *id = "-";
    int has_hook = arg->hook[0] != '\0';
    int has_plugin = arg->plugin[0] != '\0';
    int len;

    if (qp != NULL) {
        id = qp_transaction(qp) != NULL ? qp_txn_id(qp_transaction(qp))
                                        : qp_conn_id(qp_connection(qp));
    }
    len = apr_snprintf(out, size, "%s %s%s%s%s%s%s", id, has_hook ? "(" : "",
                       arg->hook, has_hook ? ") " : "", arg->plugin,
                       has_plugin ? ": " : "", arg->text);
    return (apr_size_t)len;
}

/** One write for the whole line. @return whether all of it was taken */
static inline int write_line(int fd, const char *line, apr_size_t len)
{
    ssize_t n;

    do {
        n = write(fd, line, len);
    } while (n < 0 && errno == EINTR);
    return n >= 0 && (apr_size_t)n == len;
}

#endif /* LOGGING_LINE_H */
