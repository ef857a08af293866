/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_str.h
 * @brief Bounded text: escaping, splitting, numbers.
 */
#ifndef QP_STR_H
#define QP_STR_H

#include "base/qp_base.h"

/**
 * Copies @a text to @a out so that it can stand in a log: control characters,
 * octets above 126 and backslashes become \xHH (\\ for a backslash). What does
 * not fit is cut and ends in "...".
 * @param size of @a out, at least 8; the result is always terminated
 * @return the length of the result
 */
apr_size_t qp_str_escape(char *out, apr_size_t size, const char *text,
                         apr_size_t len);

/** Replaces everything but printable ASCII and blanks by '?', in place. */
void qp_str_clean(char *text);

/** Splits at blanks (space and tab). @return of const char *, in @a pool */
apr_array_header_t *qp_str_words(const char *line, apr_pool_t *pool);

/**
 * Splits at blanks as config/plugins does (D17): double quotes protect blanks,
 * and within them a backslash protects a quote or a backslash.
 * @param words out: of const char *, in @a pool
 * @return NULL, or what is wrong
 */
const char *qp_str_args(const char *line, apr_array_header_t **words,
                        apr_pool_t *pool) QP_CHECKED;

/** A decimal number with an optional sign and nothing else.
 *  @return 1, or 0 if it is none or does not fit */
int qp_str_number(const char *text, apr_int64_t *value) QP_CHECKED;

/** Octets: a decimal number, optionally with K, M or G (powers of 1024).
 *  @return 1, or 0 */
int qp_str_size(const char *text, apr_off_t *value) QP_CHECKED;

/** A time: a decimal number (a fraction is allowed), optionally with ms, s, m,
 *  h or d; seconds without. @return 1, or 0 */
int qp_str_time(const char *text, apr_interval_time_t *value) QP_CHECKED;

/** 0/no/off/false or 1/yes/on/true, in any case. @return 1, or 0 */
int qp_str_bool(const char *text, int *value) QP_CHECKED;

/** Behind blanks, line ends and comments of a header, which may be nested (RFC
 *  5322 3.2.2). @return NULL if a comment has no end */
const char *qp_str_skip_comments(const char *text);

#endif /* QP_STR_H */
