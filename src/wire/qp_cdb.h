/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_cdb.h
 * @brief Reads constant databases (cdb), as cdbmake and tinycdb write them.
 *
 * A file is read where it has to be, and not mapped: that it is overwritten
 * in place, and not replaced, does no harm.
 */
#ifndef QP_CDB_H
#define QP_CDB_H

#include "base/qp_base.h"

/** Longest value that is read. */
#define QP_CDB_VALUE_MAX 65536

/**
 * Looks for a key.
 * @param value  out: in @a pool, with a NUL behind it
 * @return APR_SUCCESS; APR_NOTFOUND: there is no such key, or no file;
 *         APR_EINVAL: the file is damaged; or an error of the file system
 */
apr_status_t qp_cdb_find(const char *file, const char *key, const char **value,
                         apr_pool_t *pool) QP_CHECKED;

/** Whether the tables of a file are within it. @return as above */
apr_status_t qp_cdb_check(const char *file) QP_CHECKED;

#endif /* QP_CDB_H */
