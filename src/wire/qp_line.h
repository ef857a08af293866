/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_line.h
 * @brief Splits input into command lines, resumable at any octet.
 */
#ifndef QP_LINE_H
#define QP_LINE_H

#include "wire/qp_io.h"

/** Octets of a line that begins with "AUTH ", line end included (RFC 4954
 *  4). */
#define QP_LINE_LONG_MAX 12288

/** Octets that are kept of a line that is too long: enough to see the verb. */
#define QP_LINE_START    8

/** What a line is like (RFC 5321 2.3.8; R1 to R4, R6). */
typedef enum qp_line_kind {
    QP_LINE_GOOD,
    QP_LINE_TOO_LONG, /**< read to its end and thrown away */
    QP_LINE_BARE_LF,  /**< ended by LF without CR */
    QP_LINE_CONTROLS  /**< a bare CR or a NUL within */
} qp_line_kind;

/** State of the splitter. All zero at the start; holds memory only while a
 *  line is incomplete. */
typedef struct qp_line {
    char *held; /**< from malloc: what came of an incomplete line */
    apr_size_t len;
    apr_size_t cap;
    char start[QP_LINE_START + 1]; /**< too_long: how it began */
    int too_long;                  /**< the rest of the line is thrown away */
    int last_cr; /**< too_long: the last octet thrown away was CR */
} qp_line;

/**
 * Reads the next line, without its line end.
 * @param max   octets of a line, its line end included; but see
 *              QP_LINE_LONG_MAX
 * @param text  out: terminated, in @a pool; of a line that is too long its
 *              first QP_LINE_START octets
 * @param len   out: its length; a NUL within does not end it
 * @param kind  out: the first thing that is wrong with it
 * @return APR_SUCCESS; APR_EAGAIN when the line is not complete yet; APR_EOF
 *         (an incomplete line is dropped) or another error of @a io
 */
apr_status_t qp_line_read(qp_line *line, qp_io *io, apr_size_t max, char **text,
                          apr_size_t *len, qp_line_kind *kind,
                          apr_pool_t *pool) QP_CHECKED;

/** Frees what an incomplete line holds. */
void qp_line_clear(qp_line *line);

#endif /* QP_LINE_H */
