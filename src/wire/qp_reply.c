/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes replies. Composes in a buffer on the stack, keeps nothing. It does
 * not choose codes or texts, and does not flush.
 *
 *     reply      = *( code "-" [ text ] CRLF ) code SP [ text ] CRLF
 *     text       = [ dsn ] [ SP ] *( HTAB / %d32-126 )
 *
 * RFC 5321 4.2, RFC 2034 4.
 */
#include "wire/qp_reply.h"

#include <string.h>

/** A usual reply, also to EHLO, fits and goes out in one write. */
#define BUFFER_SIZE 4096

/** A reply in the making. */
struct composer {
    qp_io *io;
    int code;
    const char *dsn;
    apr_size_t len;
    apr_size_t line_end; /**< where the text of the line must end */
    char buffer[BUFFER_SIZE];
};

static void write_buffer(struct composer *reply)
{
    if (reply->len > 0) {
        qp_io_write(reply->io, reply->buffer, reply->len);
    }
    reply->len = 0;
}

/* Appends as much as the line can take. Nothing of the text can end the line
 * (R34). */
static void put_text(struct composer *reply, const char *text, apr_size_t len)
{
    apr_size_t room = reply->line_end - reply->len;
    apr_size_t i;
    char octet;

    len = len < room ? len : room;
    for (i = 0; i < len; i++) {
        octet = text[i];
        if ((octet < ' ' || octet > '~') && octet != '\t') {
            octet = '?';
        }
        reply->buffer[reply->len++] = octet;
    }
}

static void put_line(struct composer *reply, char mark, const char *text,
                     apr_size_t len)
{
    if (BUFFER_SIZE - reply->len < QP_REPLY_LINE_MAX) {
        write_buffer(reply);
    }
    reply->line_end = reply->len + QP_REPLY_LINE_MAX - 2;
    reply->buffer[reply->len++] = (char)('0' + reply->code / 100);
    reply->buffer[reply->len++] = (char)('0' + reply->code / 10 % 10);
    reply->buffer[reply->len++] = (char)('0' + reply->code % 10);
    reply->buffer[reply->len++] = mark;
    put_text(reply, reply->dsn, strlen(reply->dsn));
    if (reply->dsn[0] != '\0' && len > 0) {
        put_text(reply, " ", 1);
    }
    put_text(reply, text, len);
    reply->buffer[reply->len++] = '\r';
    reply->buffer[reply->len++] = '\n';
}

/* CR LF, LF and CR each end one line. */
static const char *skip_newline(const char *p)
{
    if (p[0] == '\r' && p[1] == '\n') {
        return p + 2;
    }
    return *p != '\0' ? p + 1 : p;
}

void qp_reply_write(qp_io *io, int code, const char *dsn, const char *text)
{
    struct composer reply;
    const char *next;
    apr_size_t len;

    QP_ASSERT(code >= 200 && code <= 599);
    reply.io = io;
    reply.code = code;
    reply.dsn = dsn != NULL ? dsn : "";
    reply.len = 0;
    text = text != NULL ? text : "";
    do {
        len = strcspn(text, "\r\n");
        next = skip_newline(text + len);
        put_line(&reply, *next != '\0' ? '-' : ' ', text, len);
        text = next;
    } while (*text != '\0');
    write_buffer(&reply);
}
