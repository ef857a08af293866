/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_conffile.h
 * @brief Reads a file of the config folder (core.md 10.3).
 *
 * One value a line; blanks around it go; empty lines and lines that begin with
 * # are no values. "$include NAME" inserts another file of the folder, an
 * absolute file, or every plain file of a folder (sorted, none that begins
 * with a dot).
 */
#ifndef QP_CONFFILE_H
#define QP_CONFFILE_H

#include "base/qp_str.h"

typedef struct qp_conffile_line {
    const char *text;
    const char *file; /**< where it stands */
    int number;       /**< from 1 */
} qp_conffile_line;

/** What was read. Lives in the pool it was read into. */
typedef struct qp_conffile {
    apr_array_header_t *lines; /**< of qp_conffile_line */
    apr_array_header_t *seen;  /**< what it was made of, for _changed */
} qp_conffile;

/**
 * Reads the file of a key.
 * @param dir  the config folder
 * @param out  never NULL, also after a fault, when it tells by
 *             qp_conffile_changed() whether to try again; no lines when the
 *             file does not exist
 * @return NULL, or "FILE:LINE: what is wrong": unreadable, a missing include,
 *         a circle of includes, a NUL or a line over 64 KiB
 */
const char *qp_conffile_read(const char *dir, const char *key,
                             qp_conffile **out, apr_pool_t *pool) QP_CHECKED;

/** The same for the file with this path; what it includes is looked for in
 *  @a dir. */
const char *qp_conffile_read_path(const char *dir, const char *path,
                                  qp_conffile **out,
                                  apr_pool_t *pool) QP_CHECKED;

/** Whether a file or folder it was made of has changed since, has gone, or has
 *  come into being. */
int qp_conffile_changed(const qp_conffile *file, apr_pool_t *pool);

#endif /* QP_CONFFILE_H */
