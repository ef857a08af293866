/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of data, exhaustively: every text of up to eight octets out of CR,
 * LF, NUL, dot and x in front of a proper end, cut in every way, against a
 * recognizer that is too simple to be wrong. Covers R5, R8 to R13, R101, R102.
 */
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#include "wire/qp_dot.h"

#define MAX_TEXT 8
#define TAIL     "\r\n.\r\nQUIT\r\n"
#define MAX_ALL  (MAX_TEXT + 16)

static const char octets[] = { '\r', '\n', '\0', '.', 'x' };

/* What is to come of an input. */
struct expected {
    size_t used; /* up to the end of the final dot line */
    char out[2][MAX_ALL];
    size_t len;
    int bare_cr, bare_lf;
    long wire;
};

/* The recognizer: the first CR LF . CR LF, the one of DATA included. */
static size_t find_end(const char *text)
{
    char all[MAX_ALL + 2] = "\r\n";
    size_t at = 0;

    memcpy(all + 2, text, MAX_ALL);
    while (memcmp(all + at, "\r\n.\r\n", 5) != 0) {
        at++;
    }
    return at + 3;
}

static void put(struct expected *want, char keep, char normal)
{
    want->out[QP_DOT_KEEP][want->len] = keep;
    want->out[QP_DOT_NORMALIZE][want->len++] = normal;
}

/* Lines end in CR LF and nothing else; each loses one dot at its start. */
static void expect(const char *text, struct expected *want)
{
    size_t at = 0;
    size_t end;

    memset(want, 0, sizeof(*want));
    want->used = find_end(text);
    end = want->used - 3;
    want->wire = (long)end;
    while (at < end) {
        if (text[at] == '.') {
            at++;
            want->wire--;
        }
        while (memcmp(text + at, "\r\n", 2) != 0) {
            want->bare_cr |= text[at] == '\r';
            want->bare_lf |= text[at] == '\n';
            put(want, text[at], text[at] == '\r' ? '\n' : text[at]);
            at++;
        }
        put(want, '\n', '\n');
        at += 2;
    }
}

/* Bit n of @a cuts: there is a cut behind octet n. */
static int is_as_expected(const char *text, size_t len, unsigned int cuts,
                          qp_dot_policy policy, const struct expected *want)
{
    qp_dot dot = { .policy = policy };
    char out[2 * MAX_ALL];
    apr_size_t outlen;
    size_t got = 0;
    size_t start = 0;
    size_t used = 0;
    size_t at;

    for (at = 1; at <= len && dot.state != QP_DOT_END; at++) {
        if (at == len || (cuts & (1u << (at - 1)))) {
            used = start
                   + qp_dot_feed(&dot, text + start, at - start, out + got,
                                 &outlen);
            got += outlen;
            start = at;
        }
    }
    return dot.state == QP_DOT_END && used == want->used && got == want->len
           && memcmp(out, want->out[policy], got) == 0
           && (int)dot.bare_cr == want->bare_cr
           && (int)dot.bare_lf == want->bare_lf && dot.wire == want->wire;
}

/* @return how many cuts of a text of @a n octets went wrong */
static long try_text(const char *text, size_t n, unsigned int ncuts)
{
    size_t len = n + strlen(TAIL);
    unsigned int all = (1u << (len - 1)) - 1;
    struct expected want;
    unsigned int cuts;
    long bad = 0;
    int policy;

    expect(text, &want);
    for (policy = QP_DOT_KEEP; policy <= QP_DOT_NORMALIZE; policy++) {
        bad += !is_as_expected(text, len, all, (qp_dot_policy)policy, &want);
        for (cuts = 0; cuts < ncuts; cuts++) {
            bad += !is_as_expected(text, len, cuts << (n > 6 ? n - 6 : 0),
                                   (qp_dot_policy)policy, &want);
        }
    }
    return bad;
}

/* All texts of n octets. */
static void test_length(size_t n, unsigned int ncuts)
{
    char text[MAX_ALL] = "";
    size_t digits[MAX_TEXT] = { 0 };
    long ntexts = 0;
    long bad = 0;
    size_t i;

    memcpy(text + n, TAIL, strlen(TAIL));
    for (;;) {
        for (i = 0; i < n; i++) {
            text[i] = octets[digits[i]];
        }
        bad += try_text(text, n, ncuts);
        ntexts++;
        for (i = 0; i < n && ++digits[i] == sizeof(octets); i++) {
            digits[i] = 0;
        }
        if (i == n) {
            break;
        }
    }
    is_int(bad, 0, "%ld texts of %d octets, each cut in %u ways and by octets",
           ntexts, (int)n, ncuts);
}

int main(void)
{
    size_t n;

    /* With the first two octets of the tail, every cut of the shorter ones. */
    for (n = 0; n <= 5; n++) {
        test_length(n, 1u << (n + 4));
    }
    test_length(6, 64);
    test_length(7, 8);
    test_length(8, 4);
    return done_testing();
}
