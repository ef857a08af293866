/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_addr.h
 * @brief Addresses: parse, format, compare (RFC 5321 4.1.2).
 *
 * The public functions on qp_addr are declared in qpsmtpd.h.
 */
#ifndef QP_ADDR_H
#define QP_ADDR_H

#include "base/qp_str.h"
#include "wire/qp_utf8.h"

/**
 * Parses a path of ASCII with its angle brackets: "<>", "<postmaster>" (any
 * case), "<user@domain>", "<\"quoted local\"@domain>", "<user@[1.2.3.4]>",
 * "<@a,@b:user@domain>" (the source route is dropped). Lengths by RFC 5321
 * 4.5.3.1: local part 64, domain 255, its labels 63 (RFC 1035); path 256 where
 * a source route makes it longer than its two parts allow.
 * @param out  in @a pool
 * @return NULL, or a short sentence for the client
 */
const char *qp_addr_parse(const char *path, qp_addr **out,
                          apr_pool_t *pool) QP_CHECKED;

/** The same for a message with SMTPUTF8 (RFC 6531 3.3): valid UTF-8 may stand
 *  in both parts; domains in it are checked as far as libidn2 is there. */
const char *qp_addr_parse_utf8(const char *path, qp_addr **out,
                               apr_pool_t *pool) QP_CHECKED;

/** Whether @a host is an address literal with its brackets (RFC 5321 4.1.3). */
int qp_addr_is_literal(const char *host);

/** A copy that lives in @a pool. */
qp_addr *qp_addr_dup(const qp_addr *addr, apr_pool_t *pool);

#endif /* QP_ADDR_H */
