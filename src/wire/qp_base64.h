/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_base64.h
 * @brief Base64 (RFC 4648 4) that takes nothing for granted.
 */
#ifndef QP_BASE64_H
#define QP_BASE64_H

#include "base/qp_base.h"

/** @return the text, terminated, in @a pool */
char *qp_base64_encode(const void *data, apr_size_t len, apr_pool_t *pool);

/**
 * Decodes. There may be no octet outside of the alphabet, the padding must be
 * there, and the bits that it leaves over must be zero: each text has one
 * meaning, and each octet string one text.
 * @param out_len  out: how many octets
 * @return them, in @a pool, with a NUL behind them; NULL: this is no base64
 */
char *qp_base64_decode(const char *text, apr_size_t len, apr_size_t *out_len,
                       apr_pool_t *pool) QP_CHECKED;

#endif /* QP_BASE64_H */
