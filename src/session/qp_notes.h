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

#endif /* QP_NOTES_H */
