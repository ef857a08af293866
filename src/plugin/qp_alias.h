/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_alias.h
 * @brief Names that plugins had in qpsmtpd, with the arguments of then (D18).
 */
#ifndef QP_ALIAS_H
#define QP_ALIAS_H

#include "plugin/qp_plugin.h"

/** What an old name stands for beside a new one. */
typedef struct qp_alias {
    const char *was;        /**< the old name; NULL: it was none */
    const char *switch_key; /**< the line counts only if this config key is
                                 true; or NULL */
} qp_alias;

/**
 * Puts a line with an old name into today's words; others stay as they are.
 * @return NULL, or what is wrong with the arguments
 */
const char *qp_alias_apply(qp_plugin_line *line, qp_alias *out,
                           apr_pool_t *pool) QP_CHECKED;

/** What to do instead of loading a plugin of qpsmtpd that there is not; NULL:
 *  it is not known. */
const char *qp_alias_remedy(const char *name);

#endif /* QP_ALIAS_H */
