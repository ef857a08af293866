/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_opt.h
 * @brief Fills a struct from words, as an option table says.
 */
#ifndef QP_OPT_H
#define QP_OPT_H

#include "base/qp_str.h"

/** A table and the struct that it fills. */
typedef struct qp_opt_target {
    const qp_opt *table; /**< or NULL */
    void *dest;
} qp_opt_target;

/**
 * Sets the defaults of all targets, as the targets before may have changed
 * them (QP_OPT_DEFAULT), then reads @a args. A word is looked for
 * as a name in each target in turn; else it is the next bare word of the first
 * target that has one; else it goes to the first target's REST; else it is
 * refused.
 * @param args  of const char *
 * @param dir   folder that relative PATHs start from
 * @param pool  for texts and lists; as long as the structs
 * @return NULL, or a sentence that names the option and what is allowed, such
 *         as: max: "1e9" is not a number within 0..1000
 */
const char *qp_opt_parse(const qp_opt_target *targets, int ntargets,
                         const apr_array_header_t *args, const char *dir,
                         apr_pool_t *pool) QP_CHECKED;

/** Sets the field of one row. @return NULL, or a sentence as above */
const char *qp_opt_set(const qp_opt *opt, void *dest, const char *value,
                       const char *dir, apr_pool_t *pool) QP_CHECKED;

#endif /* QP_OPT_H */
