/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_dialog.h
 * @brief A golden session in a file: what the client says, what is expected.
 *
 * The format is in docs/plugins.md, chapter 10.
 */
#ifndef QP_DIALOG_H
#define QP_DIALOG_H

#include "base/qp_base.h"

/** One line of the file. */
typedef struct qp_dialog_line {
    char kind;        /**< C S L X V N M E; K: a setting */
    int number;       /**< in the file, from 1 */
    const char *key;  /**< of a setting; else NULL */
    const char *text; /**< C: octets to send; may contain NUL */
    apr_size_t len;
} qp_dialog_line;

/** Lives in the pool that it was read with. */
typedef struct qp_dialog {
    const char *file;
    const char *name;          /**< the file's, without folder and .smtp */
    apr_array_header_t *lines; /**< of qp_dialog_line, in order */
    int nsteps;                /**< lines of C and S */
    int nfaults;               /**< lines of E */
} qp_dialog;

/** Text of the line "S: <eof>". */
#define QP_DIALOG_EOF "<eof>"

/**
 * Reads a file.
 * @return NULL, or "FILE:LINE: what is wrong"
 */
const char *qp_dialog_read(qp_dialog **out, const char *file,
                           apr_pool_t *pool) QP_CHECKED;

/** A dialog of which only the client's part is known: @a len octets. */
qp_dialog *qp_dialog_create(const char *name, const char *input, apr_size_t len,
                            apr_pool_t *pool);

/** The words of a setting that is for the player, such as "chunkings"; NULL if
 *  it is not there. */
const char *qp_dialog_option(const qp_dialog *dialog, const char *key);

/** Whether a setting is for the player and no config file. */
int qp_dialog_is_option(const char *key);

/** Whether @a word is one of the option's words, or there is no such option. */
int qp_dialog_wants(const qp_dialog *dialog, const char *key, const char *word);

#endif /* QP_DIALOG_H */
