/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file clamdscan_answer.h
 * @brief Reads what clamd answers, for plugin virus/clamdscan.
 *
 * An answer names what was scanned, and ends with a NUL: "stream: OK",
 * "fd[9]: NAME FOUND", "/path: TEXT ERROR".
 */
#ifndef CLAMDSCAN_ANSWER_H
#define CLAMDSCAN_ANSWER_H

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "qpsmtpd.h"

/* Octets of an answer, and of the name of a virus that is made of it. */
#define MAX_ANSWER 4096
#define MAX_NAME   100

enum way { BY_STREAM, BY_FILE, BY_NAME };

/* One message to scan; in the job's pool. */
struct scan {
    apr_pool_t *pool;
    const char *host; /* or a path */
    int port;         /* 0: it is a path */
    enum way by;
    const char *file; /* to be written, unless it goes BY_STREAM */
    qp_reader *reader;
    apr_time_t end;
    qp_peer *peer;
    const char *virus; /* that was found */
};

/* Behind what was scanned and ": ". @return NULL if the answer is of something
 * else */
static inline const char *skip_subject(const struct scan *scan,
                                       const char *answer)
{
    apr_size_t len = 0;

    if (scan->by == BY_STREAM && strncmp(answer, "stream", 6) == 0) {
        len = 6;
    }
    else if (scan->by == BY_NAME
             && strncmp(answer, scan->file, strlen(scan->file)) == 0) {
        len = strlen(scan->file);
    }
    else if (scan->by == BY_FILE && strncmp(answer, "fd[", 3) == 0) {
        len = 3 + strspn(answer + 3, "0123456789");
        len = len > 3 && answer[len] == ']' ? len + 1 : 0;
    }
    return len > 0 && strncmp(answer + len, ": ", 2) == 0 ? answer + len + 2
                                                          : NULL;
}

/* A name that may stand in a reply, in the header and in the log. */
static inline const char *clean_virus(const char *name, apr_size_t len,
                                      apr_pool_t *pool)
{
    char *clean = apr_pstrmemdup(pool, name, len > MAX_NAME ? MAX_NAME : len);
    char *p;

    for (p = clean; *p != '\0'; p++) {
        if (!apr_isgraph(*p)) {
            *p = '_';
        }
    }
    return clean;
}

/* Nothing but these two forms is a verdict. */
static inline apr_status_t judge_answer(struct scan *scan, const char *answer)
{
    static const char found[] = " FOUND";
    const apr_size_t tail = sizeof(found) - 1;
    const char *verdict = skip_subject(scan, answer);
    apr_size_t len = verdict != NULL ? strlen(verdict) : 0;

    if (verdict != NULL && strcmp(verdict, "OK") == 0) {
        return APR_SUCCESS;
    }
    if (len > tail && strcmp(verdict + len - tail, found) == 0) {
        scan->virus = clean_virus(verdict, len - tail, scan->pool);
        return APR_SUCCESS;
    }
    return qp_peer_fail(scan->peer, "it says \"%.200s\"", answer);
}

#endif /* CLAMDSCAN_ANSWER_H */
