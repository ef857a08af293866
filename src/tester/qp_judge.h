/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_judge.h
 * @brief Compares what happened with what a dialog expects.
 */
#ifndef QP_JUDGE_H
#define QP_JUDGE_H

#include "tester/qp_dialog.h"
#include "tester/qp_record.h"

/** Sentences with FILE:LINE that say what is wrong with a play.
 *  @return of const char *; empty: nothing */
apr_array_header_t *qp_judge_record(const qp_dialog *dialog,
                                    const qp_record *record, const char *way,
                                    apr_pool_t *pool);

/** What the server said, without what differs from one session to the next:
 *  ids and dates. */
const char *qp_judge_said(const qp_record *record, apr_pool_t *pool);

#endif /* QP_JUDGE_H */
