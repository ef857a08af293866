/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_reply.h
 * @brief Writes replies: code, enhanced status, lines (RFC 5321 4.2, RFC 2034).
 */
#ifndef QP_REPLY_H
#define QP_REPLY_H

#include "wire/qp_io.h"

/** The longest line of a reply, line end included (RFC 5321 4.5.3.1.5). */
#define QP_REPLY_LINE_MAX 512

/**
 * Writes one reply. Each line of @a text becomes a line of the reply; what is
 * neither printable ASCII nor a tab becomes '?', what is too long is cut.
 * @param dsn  such as "5.7.1", put in front of each line; NULL or "": none
 */
void qp_reply_write(qp_io *io, int code, const char *dsn, const char *text);

#endif /* QP_REPLY_H */
