/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_load.h
 * @brief Finds the shared object of a plugin and checks that it fits.
 */
#ifndef QP_LOAD_H
#define QP_LOAD_H

#include "base/qp_base.h"

/** Where plugins are searched (D16). */
typedef struct qp_load_path {
    const apr_array_header_t *dirs; /**< of const char *, first to last */
    const char *module_path;        /**< for names with :: */
    const char *config_dir;         /**< for relative folders and options */
    apr_array_header_t *loaders;    /**< of qp_loader *, first to last */
} qp_load_path;

/** A plugin as it comes from its file. */
typedef struct qp_load_result {
    qp_plugin_def def;
    void *baton; /**< of its loader, or NULL */
} qp_load_result;

/**
 * Loads a plugin's record, zero-extended to the size of this server's.
 * @param name  without :N
 * @param out  in @a pconf
 * @return NULL, or a sentence that says what to do: no such file (and where it
 *         was searched), not a plugin, built for another ABI
 */
const char *qp_load_plugin(const char *name, const qp_load_path *path,
                           qp_load_result *out, apr_pool_t *pconf) QP_CHECKED;

/** Whether there is a file for a plugin, be it any good or not. */
int qp_load_exists(const char *name, const qp_load_path *path,
                   apr_pool_t *pool);

/** Compares what a plugin was built for with what this server offers.
 *  @return NULL, or the difference in words */
const char *qp_load_check_abi(const qp_abi *abi, apr_pool_t *pool) QP_CHECKED;

#endif /* QP_LOAD_H */
