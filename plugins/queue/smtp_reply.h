/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file smtp_reply.h
 * @brief Replies of an SMTP or LMTP server (RFC 5321 4.2), for the plugins that
 *        are its clients. They are hostile input: bounded, strictly parsed, and
 *        printable when they leave this module.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "smtp_line.h"

/** RFC 5321 4.5.3.1.5 has 512 octets; some servers say more. */
#define REPLY_LINE_MAX 2000

/** Is told each line behind the first one, without its code. */
typedef void smtp_on_line(void *baton, const char *text);

/** Reads one reply. @param on_line  or NULL */
apr_status_t smtp_reply_read(qp_peer *peer, smtp_reply *reply,
                             smtp_on_line *on_line, void *baton);

/** "550 5.1.1 No such user", for the log. */
const char *smtp_reply_text(const smtp_reply *reply, apr_pool_t *pool);

/** One of our own, in place of the server's. */
void smtp_reply_make(smtp_reply *reply, int code, int subject, int detail,
                     const char *text);

#endif /* SMTP_REPLY_H */
