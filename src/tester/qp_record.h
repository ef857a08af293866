/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_record.h
 * @brief What happened in a session, in order: the transcript.
 */
#ifndef QP_RECORD_H
#define QP_RECORD_H

#include <stdio.h>

#include <apr_thread_mutex.h>

#include "base/qp_base.h"

/** One line of a transcript. */
typedef struct qp_event {
    char kind; /**< C S L V N M, as in a dialog */
    int level; /**< L: QP_LOG_...; V: the qp_rc; C: 1 without line end */
    const char *text;
} qp_event;

/** Lives in its pool. Job threads may log, hence the mutex. */
typedef struct qp_record {
    apr_pool_t *pool;
    apr_thread_mutex_t *mutex;
    apr_array_header_t *events; /**< of qp_event */
    int nreplies;               /**< lines of S */
    int has_bare;               /**< a reply had a bare CR or LF */
    int has_left;               /**< the server was told that the client left */
    int is_stuck;               /**< it waited too long for something */
    int nspooled;               /**< files left in the spool folder */
    const char *fault;          /**< why there was no session, or NULL */
} qp_record;

apr_status_t qp_record_create(qp_record **out, apr_pool_t *pool) QP_CHECKED;

/** Adds a line; @a text is copied and made printable. */
void qp_record_add(qp_record *record, char kind, int level, const char *text,
                   apr_size_t len);

/** Prints the transcript: with @a verbose also log lines and QP_DECLINED. */
void qp_record_print(qp_record *record, int verbose, FILE *out);

#endif /* QP_RECORD_H */
