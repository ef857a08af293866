/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the end of DATA and takes the stuffed dots out. The machine lives in
 * its owner and allocates nothing. It does not refuse: that there was a bare
 * CR or LF, or a long line, is only noted.
 *
 *     data       = *line "." CRLF
 *     line       = [ "." ] *octet CRLF    ; without CRLF within
 *
 * RFC 5321 4.1.1.4 and 4.5.2. Runs of text are copied by memchr and memcpy;
 * the states other than TEXT see one octet at a time.
 */
#include "wire/qp_dot.h"

#include <string.h>

/** What is left of the input, and where the output goes. */
struct cursor {
    const char *in;
    const char *end;
    const char *next_lf; /**< the first LF found so far, or end; or NULL */
    char *out;
};

/* Octets of the input that belong to a state whose outcome is open: they may
 * turn out to be the final dot line. */
static int count_pending(qp_dot_state state)
{
    switch (state) {
    case QP_DOT_DOT:
        return 1;
    case QP_DOT_DOT_CR:
        return 2;
    case QP_DOT_END:
        return 3;
    case QP_DOT_LINE_START:
    case QP_DOT_TEXT:
    case QP_DOT_CR:
        break;
    }
    return 0;
}

static inline void end_line(qp_dot *dot, struct cursor *cur)
{
    if (dot->line > dot->longest) {
        dot->longest = dot->line;
    }
    dot->line = 0;
    dot->state = QP_DOT_LINE_START;
    *cur->out++ = '\n';
}

static inline void copy_run(qp_dot *dot, struct cursor *cur, const char *stop)
{
    apr_size_t len = (apr_size_t)(stop - cur->in);

    memcpy(cur->out, cur->in, len);
    cur->out += len;
    cur->in = stop;
    dot->line += (apr_off_t)len;
}

/* A CR that turned out not to be followed by LF. */
static void put_bare_cr(qp_dot *dot, struct cursor *cur)
{
    dot->bare_cr = 1;
    dot->line++;
    *cur->out++ = dot->policy == QP_DOT_NORMALIZE ? '\n' : '\r';
}

static void put_bare_lf(qp_dot *dot, struct cursor *cur)
{
    dot->bare_lf = 1;
    dot->line++;
    *cur->out++ = '\n';
    cur->in++;
}

/* The search for LF is not repeated for each CR in front of it: an input of
 * nothing but CR would take quadratic time. */
static const char *find_lf(struct cursor *cur)
{
    apr_size_t len = (apr_size_t)(cur->end - cur->in);

    if (cur->next_lf == NULL || cur->next_lf < cur->in) {
        cur->next_lf = memchr(cur->in, '\n', len);
        if (cur->next_lf == NULL) {
            cur->next_lf = cur->end;
        }
    }
    return cur->next_lf;
}

/* In a line, with at least one octet at hand. */
static void feed_text(qp_dot *dot, struct cursor *cur)
{
    const char *lf = find_lf(cur);
    const char *cr = memchr(cur->in, '\r', (apr_size_t)(lf - cur->in));

    if (cr != NULL) {
        copy_run(dot, cur, cr);
        cur->in++;
        dot->state = QP_DOT_CR;
        return;
    }
    copy_run(dot, cur, lf);
    if (lf < cur->end) {
        put_bare_lf(dot, cur);
    }
}

/* At the start of a line. A dot there is either the end or was stuffed: it
 * goes in both cases. */
static void feed_line_start(qp_dot *dot, struct cursor *cur)
{
    dot->state = QP_DOT_TEXT;
    if (*cur->in == '.' && !dot->no_dots) {
        dot->state = QP_DOT_DOT;
        cur->in++;
    }
}

/* A stuffed dot is an octet of the line, but not of the message's size (RFC
 * 1870 3). */
static void take_dot(qp_dot *dot)
{
    dot->line++;
    dot->wire--;
}

static void feed_dot(qp_dot *dot, struct cursor *cur)
{
    if (*cur->in == '\r') {
        dot->state = QP_DOT_DOT_CR;
        cur->in++;
        return;
    }
    take_dot(dot);
    dot->state = QP_DOT_TEXT;
}

static void feed_dot_cr(qp_dot *dot, struct cursor *cur)
{
    if (*cur->in == '\n') {
        dot->state = QP_DOT_END;
        cur->in++;
        return;
    }
    take_dot(dot);
    put_bare_cr(dot, cur);
    dot->state = QP_DOT_TEXT;
}

static void feed_cr(qp_dot *dot, struct cursor *cur)
{
    if (*cur->in == '\n') {
        cur->in++;
        end_line(dot, cur);
        return;
    }
    put_bare_cr(dot, cur);
    dot->state = QP_DOT_TEXT;
}

static void feed_state(qp_dot *dot, struct cursor *cur)
{
    switch (dot->state) {
    case QP_DOT_LINE_START:
        feed_line_start(dot, cur);
        break;
    case QP_DOT_DOT:
        feed_dot(dot, cur);
        break;
    case QP_DOT_DOT_CR:
        feed_dot_cr(dot, cur);
        break;
    case QP_DOT_TEXT:
        feed_text(dot, cur);
        break;
    case QP_DOT_CR:
        feed_cr(dot, cur);
        break;
    case QP_DOT_END:
        break;
    }
}

apr_size_t qp_dot_feed(qp_dot *dot, const char *in, apr_size_t len, char *out,
                       apr_size_t *outlen)
{
    struct cursor cur;
    int pending = count_pending(dot->state);
    apr_size_t used;

    cur.in = in;
    cur.end = in + len;
    cur.next_lf = NULL;
    cur.out = out;
    while (cur.in < cur.end && dot->state != QP_DOT_END) {
        feed_state(dot, &cur);
    }
    used = (apr_size_t)(cur.in - in);
    dot->wire += (apr_off_t)used + pending - count_pending(dot->state);
    if (dot->line > dot->longest) {
        dot->longest = dot->line;
    }
    *outlen = (apr_size_t)(cur.out - out);
    return used;
}

apr_size_t qp_dot_finish(qp_dot *dot, char *out)
{
    struct cursor cur = { .out = out };

    if (dot->state == QP_DOT_CR) {
        put_bare_cr(dot, &cur);
    }
    if (dot->line > dot->longest) {
        dot->longest = dot->line;
    }
    dot->state = QP_DOT_END;
    return (apr_size_t)(cur.out - out);
}
