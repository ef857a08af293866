/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_header.h
 * @brief The header section of a message: parse, get, change, write.
 *
 * Fields keep their order, folding and octets (R16). The functions for plugins
 * are declared in qpsmtpd.h. A section and all its memory live in one pool.
 */
#ifndef QP_HEADER_H
#define QP_HEADER_H

#include "base/qp_str.h"

/**
 * Parses a header section with LF line ends, without the empty line. Lines
 * that are neither field nor continuation are kept at their place and written
 * out again, but are not to be found by name (R18, R19). A first line
 * "From ..." (mbox) becomes a field Mail-From with the whole line in it.
 * @param text  copied
 */
qp_header *qp_header_parse(const char *text, apr_size_t len, apr_pool_t *pool);

/** Whether a header section may begin with this line: a field, or an mbox
 *  "From " line. @a len without the line end. */
int qp_header_may_start(const char *line, apr_size_t len);

#endif /* QP_HEADER_H */
