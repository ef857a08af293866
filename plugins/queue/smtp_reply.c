/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of a server: line by line, up to a bound. Keeps nothing. */
#include "smtp_reply.h"

#include <string.h>

#include <apr_strings.h>

#define REPLY_LINES_MAX 128

apr_status_t smtp_reply_read(qp_peer *peer, smtp_reply *reply,
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

const char *smtp_reply_text(const smtp_reply *reply, apr_pool_t *pool)
{
    if (reply->subject == 0 && reply->detail == 0) {
        return apr_psprintf(pool, "%d %s", reply->code, reply->text);
    }
    return apr_psprintf(pool, "%d %d.%d.%d %s", reply->code, reply->code / 100,
                        reply->subject, reply->detail, reply->text);
}

void smtp_reply_make(smtp_reply *reply, int code, int subject, int detail,
                     const char *text)
{
    reply->code = code;
    reply->subject = subject;
    reply->detail = detail;
    apr_cpystrn(reply->text, text, sizeof(reply->text));
}
