/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_script.h
 * @brief A dialog as the client plays it: what it sends together, and how many
 *        lines it reads before.
 */
#ifndef QP_SCRIPT_H
#define QP_SCRIPT_H

#include "tester/qp_dialog.h"

/** What the client says in one go. */
typedef struct qp_script_turn {
    const char *text;
    apr_size_t len;
    int nlines; /**< of the server, that must have come before */
} qp_script_turn;

typedef struct qp_script {
    const qp_dialog *dialog;
    apr_array_header_t *turns; /**< of qp_script_turn */
    int nlines; /**< before the client leaves; INT_MAX if none is expected: it
                     leaves when the server has no more to do */
} qp_script;

/**
 * Divides a dialog.
 * @param is_batch  all that may be pipelined (RFC 2920) in one turn; else what
 *                  stands together in the file
 */
qp_script *qp_script_create(const qp_dialog *dialog, int is_batch,
                            apr_pool_t *pool);

#endif /* QP_SCRIPT_H */
