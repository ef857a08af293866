/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_dot.h
 * @brief Finds the end of DATA and takes the stuffed dots out.
 *
 * Only CR LF . CR LF ends the data (D4, R8); the line end of the DATA command
 * counts as the first CR LF. Resumable at any octet; no allocation.
 */
#ifndef QP_DOT_H
#define QP_DOT_H

#include "base/qp_base.h"

typedef enum qp_dot_state {
    QP_DOT_LINE_START, /**< behind CR LF, or at the very start */
    QP_DOT_DOT,        /**< a dot at the start of a line */
    QP_DOT_DOT_CR,     /**< the same, and CR */
    QP_DOT_TEXT,
    QP_DOT_CR, /**< CR in a line */
    QP_DOT_END
} qp_dot_state;

/** What to make of a CR or LF that is not part of CR LF (config
 *  bare_newline). QP_DOT_KEEP copies them; QP_DOT_NORMALIZE writes LF for
 *  each. Neither makes a line end as far as dots are concerned. */
typedef enum qp_dot_policy { QP_DOT_KEEP, QP_DOT_NORMALIZE } qp_dot_policy;

/** The machine. Set policy and no_dots, zero the rest. */
typedef struct qp_dot {
    qp_dot_policy policy;
    qp_dot_state state;
    apr_off_t wire;           /**< octets of the message as they were sent,
                                   without stuffed dots and the final line
                                   (RFC 1870 3) */
    apr_off_t line;           /**< octets of the current line so far */
    apr_off_t longest;        /**< of the longest line, without its line end */
    unsigned int no_dots : 1; /**< the message comes in chunks: a dot is text,
                                   and the end is said (qp_dot_finish) */
    unsigned int bare_lf : 1; /**< there was one */
    unsigned int bare_cr : 1;
} qp_dot;

/** How much larger than the input the output of one call can be. */
#define QP_DOT_SLACK 2

/**
 * Takes @a len octets of input and writes the message with LF line ends.
 * @param out     room for @a len + QP_DOT_SLACK octets; must not overlap @a in
 * @param outlen  out: how many were written
 * @return how many octets of input were used: all, or fewer when
 *         dot->state has become QP_DOT_END
 */
apr_size_t qp_dot_feed(qp_dot *dot, const char *in, apr_size_t len, char *out,
                       apr_size_t *outlen);

/**
 * Ends a message without dots: a last line without line end stays without, a
 * CR at its end is a bare one.
 * @param out  room for QP_DOT_SLACK octets
 * @return how many were written
 */
apr_size_t qp_dot_finish(qp_dot *dot, char *out);

#endif /* QP_DOT_H */
