/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_notes.h
 * @brief Values that plugins share, by key. The rest is in qpsmtpd.h.
 */
#ifndef QP_NOTES_H
#define QP_NOTES_H

#include "base/qp_base.h"

/** Empty notes, which live as long as @a pool. */
qp_notes *qp_notes_create(apr_pool_t *pool);

/** One note, as it is. */
typedef struct qp_notes_value {
    const char *key;
    const char *text; /**< or NULL */
    apr_int64_t num;
    void *ptr;
} qp_notes_value;

/** Shows all notes to @a show, the last one first. */
void qp_notes_each(const qp_notes *notes,
                   void (*show)(void *ctx, const qp_notes_value *value),
                   void *ctx);

#endif /* QP_NOTES_H */
