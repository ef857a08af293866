/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file uribl_scan.h
 * @brief Decodes the text of a message octet by octet, whatever its structure
 *        is: the encodings that hide links are undone where they are met. It
 *        takes linear time; the text is hostile.
 */
#ifndef URIBL_SCAN_H
#define URIBL_SCAN_H

#include "uribl_word.h"

/* Escapes. --------------------------------------------------------------- */

static int hex_value(char c)
{
    return apr_isdigit(c) ? c - '0' : apr_tolower(c) - 'a' + 10;
}

/* "=XX" and "%XX". @return 1: *c is what it stands for; 0: it may become one;
 * -1: it is none */
static int read_hex(const scan_stage *stage, char *c)
{
    const char *held = stage->held;

    if (stage->nheld < 3) {
        return stage->nheld < 2 || apr_isxdigit(held[1]) ? 0 : -1;
    }
    if (!apr_isxdigit(held[2])) {
        return -1;
    }
    *c = (char)(hex_value(held[1]) << 4 | hex_value(held[2]));
    return 1;
}

/* "&#NN;" and "&#xHH;", in the same way. What is not ASCII cannot be in a host
 * and becomes a question mark. */
static int read_entity(const scan_stage *stage, char *c)
{
    const char *held = stage->held;
    int n = stage->nheld;
    int base = n > 2 && apr_tolower(held[2]) == 'x' ? 16 : 10;
    apr_int64_t value;
    char *end;

    if (held[n - 1] != ';') {
        return n < SCAN_ESCAPE && (n < 2 || held[1] == '#')
                       && (n < 3 || apr_isxdigit(held[n - 1])
                           || (n == 3 && base == 16))
                   ? 0
                   : -1;
    }
    value = n > 3 ? apr_strtoi64(held + (base == 16 ? 3 : 2), &end, base) : 0;
    *c = value > 0 && value < 127 ? (char)value : '?';
    return n > 3 && *end == ';' ? 1 : -1;
}

static void feed_stage(scan *s, int i, char c);

static void pass_on(scan *s, int i, char c)
{
    if (i + 1 < (int)(sizeof(s->stages) / sizeof(s->stages[0]))) {
        feed_stage(s, i + 1, c);
    }
    else {
        feed_word(s, c);
    }
}

/* It was no escape: its first octet is itself, the others are looked at. */
static void release_held(scan *s, int i)
{
    scan_stage was = s->stages[i];
    int k;

    s->stages[i].nheld = 0;
    pass_on(s, i, was.held[0]);
    for (k = 1; k < was.nheld; k++) {
        feed_stage(s, i, was.held[k]);
    }
}

static void feed_stage(scan *s, int i, char c)
{
    scan_stage *stage = &s->stages[i];
    int is_begin = i == 0 ? c == '=' : c == '%' || c == '&';
    int rv;

    if (stage->nheld == 0 && !is_begin) {
        pass_on(s, i, c);
        return;
    }
    stage->held[stage->nheld++] = c;
    stage->held[stage->nheld] = '\0';
    if (i == 0 && stage->nheld == 2 && c == '\n') {
        stage->nheld = 0; /* a soft line break (RFC 2045 6.7) */
        return;
    }
    rv = stage->held[0] == '&' ? read_entity(stage, &c) : read_hex(stage, &c);
    if (rv > 0) {
        stage->nheld = 0;
        pass_on(s, i, c);
    }
    else if (rv < 0) {
        release_held(s, i);
    }
}

static void feed_text(scan *s, const char *text, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        feed_stage(s, 0, text[i]);
    }
}

/* The end of the text. */
static void finish_scan(scan *s)
{
    feed_text(s, "\n\n\n", 3);
}

#endif /* URIBL_SCAN_H */
