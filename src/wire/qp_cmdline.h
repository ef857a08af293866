/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_cmdline.h
 * @brief The built-in parsers of command lines (core.md 3 in the strict form
 *        of RFC 5321 4.1.1).
 */
#ifndef QP_CMDLINE_H
#define QP_CMDLINE_H

#include "wire/qp_addr.h"

/**
 * Splits a line at its first run of blanks, in place.
 * @param rest  out: behind the blanks, trailing blanks removed; "" if none
 * @return the verb, in its own case; "" for an empty or blank-led line
 */
const char *qp_cmdline_split(char *line, const char **rest);

/**
 * Reads "FROM:<path> KEY=VALUE ..." (keyword "FROM:") or the same with "TO:".
 * Blanks behind the colon are tolerated. The address text keeps whatever
 * brackets it has, so that mail_pre may add them; text glued behind ">" is
 * refused. Nothing behind the colon is refused.
 * @param out  first: the address text; rest: the parameters as written
 * @return NULL, or a sentence for the 501
 */
const char *qp_cmdline_path(const char *line, const char *keyword,
                            qp_parsed *out) QP_CHECKED;

/**
 * Turns "KEY=VALUE" and "KEY" into a table: keys in lower case, "" without a
 * value. A keyword is [A-Za-z0-9][A-Za-z0-9-]*, a value has no '=', blank or
 * control, and is UTF-8 (RFC 5321 4.1.2, RFC 6531 3.3). A keyword twice is
 * refused.
 * @param table  out: in @a pool
 * @return NULL, or a sentence for the 501
 */
const char *qp_cmdline_params(const apr_array_header_t *rest,
                              apr_table_t **table, apr_pool_t *pool) QP_CHECKED;

/**
 * Reads the argument of HELO or EHLO: a domain or an address literal; other
 * words are kept. Refused: nothing, controls, 8-bit octets, anything outside
 * letters, digits and "-._" in a name, a malformed literal, over 255 octets.
 * @return NULL, or a sentence for the 501
 */
const char *qp_cmdline_hello(const char *line, qp_parsed *out) QP_CHECKED;

#endif /* QP_CMDLINE_H */
