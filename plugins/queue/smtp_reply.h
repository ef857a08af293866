/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file smtp_reply.h
 * @brief Replies of an SMTP or LMTP server (RFC 5321 4.2), for the plugins that
 *        are its clients. They are hostile input: bounded, strictly parsed, and
 *        printable when they leave this file.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include <string.h>

#include <apr_strings.h>

#include "smtp_line.h"

/* RFC 5321 4.5.3.1.5 has 512 octets; some servers say more. */
#define REPLY_LINE_MAX  2000
#define REPLY_LINES_MAX 128
/* Is told each line behind the first one, without its code. */
typedef void smtp_on_line(void *baton, const char *text);

/* Reads one reply. @a on_line: or NULL */
static apr_status_t read_reply(qp_peer *peer, smtp_reply *reply,
                               smtp_on_line *on_line, void *baton)
{
    const char *line = NULL;
    apr_size_t len = 0;
    apr_status_t rv;
    int is_last = 0;
    int n;

    memset(reply, 0, sizeof(*reply));
    for (n = 0; !is_last && n < REPLY_LINES_MAX; n++) {
        rv = qp_peer_line(peer, REPLY_LINE_MAX, &line, &len);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (!take_line(reply, line, len, &is_last)) {
            return qp_peer_fail(peer, "it is no SMTP");
        }
        if (n > 0 && on_line != NULL && len > 4) {
            on_line(baton, line + 4);
        }
    }
    if (!is_last) {
        return qp_peer_fail(peer, "it has too many lines");
    }
    return APR_SUCCESS;
}

/* "550 5.1.1 No such user", for the log. */
static const char *reply_text(const smtp_reply *reply, apr_pool_t *pool)
{
    if (reply->subject == 0 && reply->detail == 0) {
        return apr_psprintf(pool, "%d %s", reply->code, reply->text);
    }
    return apr_psprintf(pool, "%d %d.%d.%d %s", reply->code, reply->code / 100,
                        reply->subject, reply->detail, reply->text);
}

/* One of our own, in place of the server's. */
static void make_reply(smtp_reply *reply, int code, int subject, int detail,
                       const char *text)
{
    reply->code = code;
    reply->subject = subject;
    reply->detail = detail;
    apr_cpystrn(reply->text, text, sizeof(reply->text));
}

#endif /* SMTP_REPLY_H */
