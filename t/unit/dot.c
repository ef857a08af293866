/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_dot: a table of what does and does not end the data (R8 to
 * R13, R101), then all short inputs over a small alphabet and long random ones
 * against a plain reference, cut in many ways (R5, R102).
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_pools.h>

#include "wire/qp_dot.h"

#define LONG_INPUT 70000

/** Text with a length. */
struct octets {
    char *data;
    apr_size_t len;
};

/** What must come out of an input, or what did. */
struct result {
    int ended;
    apr_size_t used;
    apr_off_t wire;
    apr_off_t longest;
    int bare_cr;
    int bare_lf;
    struct octets message;
};

/** How an input is cut: pieces of first, then of next octets. */
struct cut {
    apr_size_t first;
    apr_size_t next;
};

static struct octets make_octets(apr_size_t size, apr_pool_t *pool)
{
    struct octets made = { apr_palloc(pool, size + 1), 0 };

    return made;
}

static void append(struct octets *to, const char *data, apr_size_t len)
{
    memcpy(to->data + to->len, data, len);
    to->len += len;
}

static struct octets replace(struct octets in, const char *from, const char *to,
                             apr_pool_t *pool)
{
    struct octets out = make_octets(in.len, pool);
    apr_size_t len = strlen(from);
    apr_size_t i = 0;

    while (i < in.len) {
        if (in.len - i >= len && memcmp(in.data + i, from, len) == 0) {
            append(&out, to, strlen(to));
            i += len;
        }
        else {
            append(&out, in.data + i++, 1);
        }
    }
    return out;
}

/* The first place of the end of data in CR LF and the input; -1: none. */
static long find_end(struct octets in)
{
    static const char end[] = "\r\n.\r\n";
    apr_size_t i;

    for (i = 0; i + 5 <= in.len; i++) {
        if (memcmp(in.data + i, end, 5) == 0) {
            return (long)i;
        }
    }
    return -1;
}

/* Facts of the lines, and the message as NORMALIZE makes it. */
static void look_at_lines(struct octets in, struct result *result,
                          struct octets *normal)
{
    apr_off_t line = 0;
    apr_size_t i;

    for (i = 0; i < in.len; i++) {
        if (in.len - i > 1 && memcmp(in.data + i, "\r\n", 2) == 0) {
            append(normal, "\n", 1);
            line = 0;
            i++;
            continue;
        }
        if (in.data[i] == '\r' || in.data[i] == '\n') {
            result->bare_cr |= in.data[i] == '\r';
            result->bare_lf |= in.data[i] == '\n';
            append(normal, "\n", 1);
        }
        else if (in.data[i] != '.' || line > 0) {
            append(normal, in.data + i, 1);
        }
        line++;
        result->longest = line > result->longest ? line : result->longest;
    }
}

/* The reference. The input must end. */
static struct result expect(const char *in, apr_size_t len,
                            qp_dot_policy policy, apr_pool_t *pool)
{
    struct result want = { 0, 0, 0, 0, 0, 0, { NULL, 0 } };
    struct octets text = make_octets(len + 2, pool);
    struct octets normal = make_octets(len, pool);
    long end;

    append(&text, "\r\n", 2);
    append(&text, in, len);
    end = find_end(text);
    want.ended = 1;
    want.used = (apr_size_t)end + 3;
    want.wire = end;
    text.len = (apr_size_t)end + 2;
    want.message = replace(text, "\r\n.", "\r\n", pool);
    want.wire -= (apr_off_t)(text.len - want.message.len);
    want.message.data += 2;
    want.message.len -= 2;
    want.message = replace(want.message, "\r\n", "\n", pool);
    text.data += 2;
    text.len -= 2;
    look_at_lines(text, &want, &normal);
    if (policy == QP_DOT_NORMALIZE) {
        want.message = normal;
    }
    return want;
}

static struct result feed(const char *in, apr_size_t len, struct cut cut,
                          qp_dot_policy policy, apr_pool_t *pool)
{
    struct result got = { 0, 0, 0, 0, 0, 0, { NULL, 0 } };
    qp_dot dot = { .policy = policy };
    apr_size_t piece = cut.first;
    apr_size_t used;
    apr_size_t outlen;
    char *out;

    got.message = make_octets(len + QP_DOT_SLACK, pool);
    do {
        piece = piece < len - got.used ? piece : len - got.used;
        out = malloc(piece + QP_DOT_SLACK);
        used = qp_dot_feed(&dot, in + got.used, piece, out, &outlen);
        append(&got.message, out, outlen);
        free(out);
        got.used += used;
        if (used < piece && dot.state != QP_DOT_END) {
            got.ended = -1;
            return got;
        }
        piece = cut.next;
    } while (got.used < len && dot.state != QP_DOT_END);
    got.ended = dot.state == QP_DOT_END;
    got.wire = dot.wire;
    got.longest = dot.longest;
    got.bare_cr = dot.bare_cr;
    got.bare_lf = dot.bare_lf;
    return got;
}

static int is_same(const struct result *got, const struct result *want)
{
    return got->ended == want->ended && got->used == want->used
           && got->wire == want->wire && got->longest == want->longest
           && got->bare_cr == want->bare_cr && got->bare_lf == want->bare_lf
           && got->message.len == want->message.len
           && memcmp(got->message.data, want->message.data, got->message.len)
                  == 0;
}

static const struct {
    const char *in; /* behind it comes "x" CR LF . CR LF */
    int ends;       /* whether it ends the data by itself */
    const char *message;
} cases[] = {
    { ".\r\n", 1, "" },
    { "a\r\n.\r\n", 1, "a\n" },
    { "a\r\n\r\n.\r\n", 1, "a\n\n" },
    { "a\r\r\n.\r\n", 1, "a\r\n" },
    { "..\r\n.\r\n", 1, ".\n" },
    { ".a\r\n..b\r\n...\r\n.\r\n", 1, "a\n.b\n..\n" },
    { "a\n.\n", 0, "a\n.\n" },
    { "a\n.\r\n", 0, "a\n.\n" },
    { "a\r\n.\n", 0, "a\n\n" },
    { "a\r.\r", 0, "a\r.\r" },
    { "a\r.\r\n", 0, "a\r.\n" },
    { "a\r\n.\r", 0, "a\n\r" },
    { "a\r.\n", 0, "a\r.\n" },
    { "a\n.\r", 0, "a\n.\r" },
    { "a\r\r\n.\r\r\n", 0, "a\r\n\r\n" },
    { "a\r\n.\r\r\n", 0, "a\n\r\n" },
    { "a\r\n. \r\n", 0, "a\n \n" },
    { "a\r\n.\v\r\n", 0, "a\n\v\n" },
    { "a\r\n.\f\r\n", 0, "a\n\f\n" },
    { "a\205.\205", 0, "a\205.\205" },
    { "a\302\205.\302\205", 0, "a\302\205.\302\205" },
    { "a\342\200\250.\342\200\250", 0, "a\342\200\250.\342\200\250" },
    { "a\r\n\357\274\216\r\n", 0, "a\n\357\274\216\n" },
    { ".\n", 0, "\n" },
    { ".\r", 0, "\r" },
    { "a\r..\n", 0, "a\r..\n" },
    { "a\n..\r\n", 0, "a\n..\n" },
};

static void test_table(apr_pool_t *pool)
{
    struct octets in = make_octets(100, pool);
    struct cut cut = { 0, 0 };
    struct result got;
    size_t i;
    apr_size_t len;

    for (i = 0; i < QP_ARRAY_LEN(cases); i++) {
        in.len = 0;
        len = strlen(cases[i].in);
        append(&in, cases[i].in, len);
        append(&in, "x\r\n.\r\n", 6);
        for (cut.first = 1; cut.first <= in.len; cut.first++) {
            cut.next = cut.first;
            got = feed(in.data, in.len, cut, QP_DOT_KEEP, pool);
            got.message.data[got.message.len] = '\0';
            is_int(got.ended == 1 && got.used == len, cases[i].ends,
                   "case %d, pieces of %d: end", (int)i, (int)cut.first);
            ok(strncmp(got.message.data, cases[i].message,
                       strlen(cases[i].message))
                       == 0
                   && strcmp(got.message.data + strlen(cases[i].message),
                             cases[i].ends ? "" : "x\n")
                          == 0,
               "case %d, pieces of %d: message", (int)i, (int)cut.first);
        }
    }
}

/* NUL is an octet like any other (R6). */
static void test_nul(apr_pool_t *pool)
{
    static const char in[] = "\0.\r\n\r\n.\0\r\n\r\n\0.\r\n.\r\n";
    static const char want[] = "\0.\n\n\0\n\n\0.\n";
    struct cut cut = { sizeof(in) - 1, 1 };
    struct result got = feed(in, sizeof(in) - 1, cut, QP_DOT_KEEP, pool);

    ok(got.ended == 1 && got.used == sizeof(in) - 1, "NUL ends nothing");
    ok(got.message.len == sizeof(want) - 1
           && memcmp(got.message.data, want, sizeof(want) - 1) == 0,
       "NUL is kept");
}

/* One input in one piece, octet by octet, and in two pieces in each way. */
static int check_input(const char *in, apr_size_t len, apr_pool_t *pool)
{
    static const qp_dot_policy policies[] = { QP_DOT_KEEP, QP_DOT_NORMALIZE };
    struct cut cut = { 1, 1 };
    struct result want;
    struct result got;
    size_t i;
    int bad = 0;

    for (i = 0; i < QP_ARRAY_LEN(policies); i++) {
        want = expect(in, len, policies[i], pool);
        cut.next = 1;
        for (cut.first = 1; cut.first <= len; cut.first++) {
            got = feed(in, len, cut, policies[i], pool);
            bad += !is_same(&got, &want);
            cut.next = len;
        }
    }
    return bad == 0;
}

static void test_all_short(apr_pool_t *root)
{
    static const char alphabet[] = { '\r', '\n', '.', '\0', 'x' };
    apr_pool_t *pool;
    char in[7 + 5];
    unsigned code;
    unsigned count = 1;
    unsigned rest;
    apr_size_t len;
    apr_size_t i;
    int bad = 0;

    apr_pool_create(&pool, root);
    for (len = 0; len <= 7; len++, count *= 5) {
        memcpy(in + len, "\r\n.\r\n", 5);
        for (code = 0; code < count; code++) {
            for (i = 0, rest = code; i < len; i++, rest /= 5) {
                in[i] = alphabet[rest % 5];
            }
            bad += !check_input(in, len + 5, pool);
            apr_pool_clear(pool);
        }
    }
    is_int(bad, 0, "all inputs of up to 7 octets");
    apr_pool_destroy(pool);
}

/* Lines of text with all kinds of line ends, as random as rand_r() is. */
static apr_size_t make_random(char *in, apr_size_t len, unsigned seed)
{
    static const char *const pieces[] = { "\r\n", "\r\n.", "\r", "\n",  ".",
                                          "\r.",  "\n.",   "x",  "\r\r" };
    apr_size_t used = 0;
    apr_size_t run;
    const char *piece;

    while (used < len - 300) {
        if (rand_r(&seed) % 3 == 0) {
            run = (apr_size_t)rand_r(&seed) % 200;
            memset(in + used, 'a', run);
            used += run;
        }
        piece = pieces[(unsigned)rand_r(&seed) % QP_ARRAY_LEN(pieces)];
        memcpy(in + used, piece, strlen(piece));
        used += strlen(piece);
    }
    memcpy(in + used, "\r\n.\r\n", 5);
    return used + 5;
}

static void test_random(apr_pool_t *root)
{
    static const apr_size_t sizes[] = { 1, 2, 3, 1000, 4096, 8000, 65536 };
    apr_pool_t *pool;
    struct result want;
    struct result got;
    struct cut cut;
    char *in;
    apr_size_t len;
    unsigned seed;
    size_t i;
    int bad = 0;

    apr_pool_create(&pool, root);
    for (seed = 1; seed <= 40; seed++) {
        in = apr_palloc(pool, LONG_INPUT);
        len = make_random(in, LONG_INPUT, seed);
        want = expect(in, len, QP_DOT_KEEP, pool);
        for (i = 0; i < QP_ARRAY_LEN(sizes); i++) {
            cut.first = seed;
            cut.next = sizes[i];
            got = feed(in, len, cut, QP_DOT_KEEP, pool);
            bad += !is_same(&got, &want);
        }
        apr_pool_clear(pool);
    }
    is_int(bad, 0, "long random inputs");
    apr_pool_destroy(pool);
}

/* A line of N octets, and a dot right behind a piece of that size (R11). */
static void test_boundaries(apr_pool_t *root)
{
    static const char tail[] = ".\r\nQUIT\r\n.\r\n";
    static const apr_size_t sizes[] = { 4096, 8192, 16384, 65536 };
    const apr_size_t len = sizeof(tail) - 1;
    apr_pool_t *pool;
    struct cut cut;
    struct result got;
    apr_size_t n;
    char *in;
    size_t i;
    int bad = 0;

    apr_pool_create(&pool, root);
    for (i = 0; i < QP_ARRAY_LEN(sizes); i++) {
        for (n = sizes[i] - 6; n <= sizes[i] + 6; n++) {
            in = apr_palloc(pool, n + len);
            memset(in, 'a', n);
            memcpy(in + n, tail, len);
            cut.first = sizes[i];
            cut.next = sizes[i];
            got = feed(in, n + len, cut, QP_DOT_KEEP, pool);
            bad += got.used != n + len || got.wire != (apr_off_t)(n + len - 3)
                   || got.longest != (apr_off_t)n + 1;
        }
        apr_pool_clear(pool);
    }
    is_int(bad, 0, "a dot behind a long line is in the line");
    apr_pool_destroy(pool);
}

/* What is known before the end has come, and after it. */
static void test_progress(void)
{
    qp_dot dot = { .policy = QP_DOT_KEEP };
    char out[64];
    apr_size_t outlen;

    is_int(qp_dot_feed(&dot, "..ab\r\nc\r\n.", 10, out, &outlen), 10,
           "all is used");
    is_int(dot.wire, 8, "a dot that may be the last is not counted yet");
    is_int(dot.longest, 4, "a stuffed dot counts in a line");
    is_int(qp_dot_feed(&dot, "defghi", 6, out, &outlen), 6, "all is used");
    is_int(dot.wire, 14, "it was none, but a stuffed one");
    is_int(dot.line, 7, "the current line");
    is_int(dot.longest, 7, "a line that has not ended can be the longest");
    is_int(qp_dot_feed(&dot, "\r\n.\r", 4, out, &outlen), 4, "all is used");
    is_int(dot.wire, 16, "a dot and CR are not counted yet");
    is_int(qp_dot_feed(&dot, "x", 1, out, &outlen), 1, "all is used");
    is_int(dot.wire, 18, "they were not the end: the CR counts");
    is_int(outlen, 2, "the CR comes with the next octet");
    is_int(qp_dot_feed(&dot, "\r\n.\r\nNOOP\r\n", 11, out, &outlen), 5,
           "what is behind the end is left alone");
    is_int(dot.state, QP_DOT_END, "the end");
    is_int(qp_dot_feed(&dot, "NOOP\r\n", 6, out, &outlen), 0,
           "nothing is used behind the end");
    is_int(outlen, 0, "and nothing is written");
    is_int(dot.wire, 20, "octets without dots and the last line");
    ok(dot.bare_cr && !dot.bare_lf, "a bare CR, no bare LF");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_table(pool);
    test_nul(pool);
    test_all_short(pool);
    test_random(pool);
    test_boundaries(pool);
    test_progress();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
