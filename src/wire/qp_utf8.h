/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_utf8.h
 * @brief UTF-8 in addresses, and domains in their ASCII form (RFC 6531, 5891).
 */
#ifndef QP_UTF8_H
#define QP_UTF8_H

#include "base/qp_base.h"

/** Whether there is an octet that is not ASCII. */
int qp_utf8_is_needed(const char *text);

/** Whether the text is UTF-8 in its shortest form (RFC 3629), without
 *  surrogates. ASCII is. */
int qp_utf8_is_valid(const char *text);

/** Whether valid UTF-8 can stand in a line: nothing in it is a control
 *  character or the end of a line or paragraph. */
int qp_utf8_is_printable(const char *text);

/**
 * The form of a domain that the DNS has: U-labels as A-labels, the rest as it
 * is. Without libidn2 only domains that are ASCII have one.
 * @return in @a pool; or NULL if there is no such form
 */
const char *qp_utf8_ascii_domain(const char *domain, apr_pool_t *pool);

/** Whether U-labels can be checked: libidn2 is there. */
int qp_utf8_has_idn(void);

#endif /* QP_UTF8_H */
