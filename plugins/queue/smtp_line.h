/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file smtp_line.h
 * @brief One line of an SMTP reply (RFC 5321 4.2), whatever it comes by. It is
 *        hostile input: bounded, strictly parsed, and printable when it leaves
 *        this file.
 */
#ifndef SMTP_LINE_H
#define SMTP_LINE_H

#include <string.h>

#include <apr_lib.h>

#include "qpsmtpd.h"

/* Octets of a text that are kept, so that it fits in a reply of ours. */
#define REPLY_TEXT_MAX 400

typedef struct smtp_reply {
    int code;            /* 0: there was none */
    int subject, detail; /* of the enhanced status (RFC 3463); or 0, 0 */
    char text[REPLY_TEXT_MAX + 1]; /* without it, all lines in one */
} smtp_reply;

/* Up to three digits. @return what is behind them, or NULL */
static inline const char *scan_number(const char *text, int *number)
{
    int digits = 0;

    *number = 0;
    for (; apr_isdigit(*text) && digits < 3; text++, digits++) {
        *number = *number * 10 + (*text - '0');
    }
    return digits > 0 && !apr_isdigit(*text) ? text : NULL;
}

/* Takes "x.y.z " off the text, if x is the first digit of the code. */
static inline const char *take_status(smtp_reply *reply, const char *text)
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

static inline void add_text(smtp_reply *reply, const char *text)
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
static inline int take_line(smtp_reply *reply, const char *line, apr_size_t len,
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

#endif /* SMTP_LINE_H */
