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

#include <apr_lib.h>
#include <apr_strings.h>

#include "qpsmtpd.h"

/* RFC 5321 4.5.3.1.5 has 512 octets; some servers say more. */
#define REPLY_LINE_MAX  2000
#define REPLY_LINES_MAX 128
/* Octets of a text that are kept, so that it fits in a reply of ours. */
#define REPLY_TEXT_MAX  400

typedef struct smtp_reply {
    int code;            /* 0: there was none */
    int subject, detail; /* of the enhanced status (RFC 3463); or 0, 0 */
    char text[REPLY_TEXT_MAX + 1]; /* without it, all lines in one */
} smtp_reply;

/* Is told each line behind the first one, without its code. */
typedef void smtp_on_line(void *baton, const char *text);

/* Up to three digits. @return what is behind them, or NULL */
static const char *scan_number(const char *text, int *number)
{
    int digits = 0;

    *number = 0;
    for (; apr_isdigit(*text) && digits < 3; text++, digits++) {
        *number = *number * 10 + (*text - '0');
    }
    return digits > 0 && !apr_isdigit(*text) ? text : NULL;
}

/* Takes "x.y.z " off the text, if x is the first digit of the code. */
static const char *take_status(smtp_reply *reply, const char *text)
{
    const char *p = text;
    int subject;
    int detail;

    if (*p != '0' + reply->code / 100 || p[1] != '.') {
        return text;
    }
    p = scan_number(p + 2, &subject);
    if (p == NULL || *p != '.') {
        return text;
    }
    p = scan_number(p + 1, &detail);
    if (p == NULL || (*p != ' ' && *p != '\0')) {
        return text;
    }
    reply->subject = subject;
    reply->detail = detail;
    return *p == ' ' ? p + 1 : p;
}

static void add_text(smtp_reply *reply, const char *text)
{
    apr_size_t len = strlen(reply->text);

    if (len > 0 && len < REPLY_TEXT_MAX) {
        reply->text[len++] = ' ';
    }
    for (; *text != '\0' && len < REPLY_TEXT_MAX; text++) {
        reply->text[len++] = apr_isprint(*text) ? *text : ' ';
    }
    reply->text[len] = '\0';
}

/* reply-line = code [ "-" / " " text ] CRLF. @return whether it is one */
static int take_line(smtp_reply *reply, const char *line, apr_size_t len,
                     int *is_last)
{
    int code;

    if (len < 3 || memchr(line, '\0', len) != NULL || line[0] < '2'
        || line[0] > '5' || scan_number(line, &code) != line + 3
        || (line[3] != ' ' && line[3] != '-' && line[3] != '\0')
        || (reply->code != 0 && reply->code != code)) {
        return 0;
    }
    *is_last = line[3] != '-';
    reply->code = code;
    add_text(reply, take_status(reply, line[3] != '\0' ? line + 4 : line + 3));
    return 1;
}

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
