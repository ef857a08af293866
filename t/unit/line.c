/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_line: a table, then all short inputs over a small alphabet
 * against a plain reference, in several chunkings (R1 to R6).
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "mem_io.h"
#include "wire/qp_line.h"

/** What came out of an input: "G3:abc " for each line, and the end. */
struct transcript {
    char *text;
    apr_size_t len;
    apr_size_t size;
};

static void note_line(struct transcript *notes, qp_line_kind kind,
                      const char *text, apr_size_t len)
{
    static const char letters[] = { 'G', 'T', 'B', 'C' };

    notes->len +=
        (apr_size_t)snprintf(notes->text + notes->len, notes->size - notes->len,
                             "%c%lu:", letters[kind], (unsigned long)len);
    memcpy(notes->text + notes->len, text, len);
    notes->len += len;
    notes->text[notes->len++] = ' ';
    notes->text[notes->len] = '\0';
}

/* The rules, octet by octet, with the whole input at hand. */
static void read_plainly(const char *in, apr_size_t len, apr_size_t max,
                         struct transcript *notes)
{
    qp_line_kind kind;
    apr_size_t start = 0;
    apr_size_t end;
    apr_size_t body;
    apr_size_t head;
    int too_long;

    while (start < len) {
        for (end = start; end < len && in[end] != '\n'; end++) {
        }
        too_long = end - start + 1 > max;
        while (too_long && end < len
               && !(end > start && in[end] == '\n' && in[end - 1] == '\r')) {
            end++;
        }
        if (end == len) {
            return;
        }
        body = end - start;
        kind = QP_LINE_BARE_LF;
        if (body > 0 && in[end - 1] == '\r') {
            body--;
            kind = QP_LINE_GOOD;
        }
        if (memchr(in + start, '\r', body) || memchr(in + start, 0, body)) {
            kind = QP_LINE_CONTROLS;
        }
        if (too_long) {
            head = max < QP_LINE_START ? max : QP_LINE_START;
            note_line(notes, QP_LINE_TOO_LONG, in + start,
                      strnlen(in + start, head));
        }
        else {
            note_line(notes, kind, in + start, body);
        }
        start = end + 1;
    }
}

/* @return the status that ended it */
static apr_status_t read_all(mem_io *io, qp_line *line, apr_size_t max,
                             struct transcript *notes, apr_pool_t *pool)
{
    qp_line_kind kind;
    apr_size_t len;
    apr_status_t rv;
    char *text;

    for (;;) {
        rv = qp_line_read(line, &io->base, max, &text, &len, &kind, pool);
        if (rv == APR_SUCCESS) {
            if (text[len] != '\0') {
                return APR_EGENERAL;
            }
            note_line(notes, kind, text, len);
        }
        else if (!APR_STATUS_IS_EAGAIN(rv) || mem_io_left(io) == 0) {
            return rv;
        }
    }
}

static const struct {
    const char *in;
    apr_size_t max;
    const char *want;
} cases[] = {
    { "NOOP\r\n", 512, "G4:NOOP " },
    { "\r\n", 512, "G0: " },
    { "NOOP\r\nQUIT\r\n", 512, "G4:NOOP G4:QUIT " },
    { "NOOP\n", 512, "B4:NOOP " },
    { "\nNOOP\r\n", 512, "B0: G4:NOOP " },
    { "NO\rOP\r\n", 512, "C5:NO\rOP " },
    { "NOOP\r\r\n", 512, "C5:NOOP\r " },
    { "NO\rOP\n", 512, "C5:NO\rOP " },
    { "MAIL\013\014\205\r\n", 512, "G7:MAIL\013\014\205 " },
    { "NOOP\r\n", 6, "G4:NOOP " },
    { "NOOP\r\n", 5, "T5:NOOP\r " },
    { "NOOP\r\nQUIT\r\n", 4, "T4:NOOP T4:QUIT " },
    { "NOOPX\nQUIT\r\nX\r\n", 5, "T5:NOOPX G1:X " },
    { "NOOPX\rQUIT\n\rX\r\r\nX\r\n", 5, "T5:NOOPX G1:X " },
    { "NOOP\r\nX\r\n", 0, "T0: T0: " },
    { "incomplete", 512, "" },
    { "incomplete\r", 512, "" },
    { "too long, and incomplete\r", 5, "" },
    { "", 5, "" },
};

static const struct {
    apr_size_t chunk;
    int stutter;
} chunkings[] = { { 0, 0 }, { 1, 0 }, { 1, 1 }, { 2, 1 }, { 3, 0 }, { 5, 0 } };

static void test_table(apr_pool_t *pool)
{
    struct transcript notes = { apr_palloc(pool, 1024), 0, 1024 };
    qp_line line;
    mem_io *io;
    size_t i;
    size_t k;

    for (i = 0; i < QP_ARRAY_LEN(cases); i++) {
        for (k = 0; k < QP_ARRAY_LEN(chunkings); k++) {
            memset(&line, 0, sizeof(line));
            notes.len = 0;
            notes.text[0] = '\0';
            io = mem_io_create(pool);
            io->chunk = chunkings[k].chunk;
            io->stutter = chunkings[k].stutter;
            mem_io_feed_text(io, cases[i].in);
            is_int(read_all(io, &line, cases[i].max, &notes, pool), APR_EAGAIN,
                   "case %d, chunks of %d: waits", (int)i, (int)io->chunk);
            is_str(notes.text, cases[i].want, "case %d, chunks of %d", (int)i,
                   (int)io->chunk);
            qp_line_clear(&line);
        }
    }
}

/* All inputs of up to 6 octets, against the reference. */
static int check_input(const char *in, apr_size_t len, apr_size_t max,
                       apr_pool_t *pool)
{
    struct transcript want = { apr_pcalloc(pool, 512), 0, 512 };
    struct transcript got = { apr_pcalloc(pool, 512), 0, 512 };
    qp_line line;
    mem_io *io;
    size_t k;
    int good = 1;

    read_plainly(in, len, max, &want);
    for (k = 0; k < QP_ARRAY_LEN(chunkings) && good; k++) {
        memset(&line, 0, sizeof(line));
        got.len = 0;
        io = mem_io_create(pool);
        io->chunk = chunkings[k].chunk;
        io->stutter = chunkings[k].stutter;
        mem_io_feed(io, in, len);
        good = read_all(io, &line, max, &got, pool) == APR_EAGAIN
               && got.len == want.len
               && memcmp(got.text, want.text, got.len) == 0;
        qp_line_clear(&line);
    }
    return good;
}

static void test_all_short(apr_pool_t *root)
{
    static const char alphabet[] = { '\r', '\n', 'x', '\0' };
    apr_pool_t *pool;
    char in[6];
    unsigned code;
    unsigned rest;
    apr_size_t len;
    apr_size_t max;
    apr_size_t i;
    int bad = 0;

    apr_pool_create(&pool, root);
    for (len = 1; len <= sizeof(in); len++) {
        for (code = 0; code < 1u << (2 * len); code++) {
            for (i = 0, rest = code; i < len; i++, rest >>= 2) {
                in[i] = alphabet[rest & 3];
            }
            for (max = 0; max <= 6; max++) {
                bad += !check_input(in, len, max, pool);
            }
            apr_pool_clear(pool);
        }
    }
    is_int(bad, 0, "all inputs of up to 6 octets");
    apr_pool_destroy(pool);
}

static void test_ends(apr_pool_t *pool)
{
    static const apr_status_t ends[] = { APR_EOF, APR_ECONNRESET };
    struct transcript notes = { apr_pcalloc(pool, 64), 0, 64 };
    qp_line line = { NULL, 0, 0, "", 0, 0 };
    mem_io *io = mem_io_create(pool);
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(ends); i++) {
        io->at_end = ends[i];
        io->chunk = 2;
        notes.len = 0;
        mem_io_feed_text(io, "A\r\nincomplete\r");
        is_int(read_all(io, &line, 512, &notes, pool), ends[i],
               "status of the end, %d", (int)i);
        is_str(notes.text, "G1:A ", "the incomplete line is dropped");
        ok(line.held == NULL && line.len == 0, "and holds nothing");
    }
    mem_io_feed_text(io, "too long and then over");
    is_int(read_all(io, &line, 5, &notes, pool), APR_ECONNRESET, "again");
    ok(!line.too_long, "a long line is forgotten too");
}

/* A line that comes in pieces is held, and nothing remains of it. */
static void test_held(apr_pool_t *pool)
{
    qp_line line = { NULL, 0, 0, "", 0, 0 };
    mem_io *io = mem_io_create(pool);
    qp_line_kind kind;
    apr_size_t len;
    char *text;
    char *big = apr_palloc(pool, 12288);
    int i;

    mem_io_feed_text(io, "EHLO ");
    is_int(qp_line_read(&line, &io->base, 512, &text, &len, &kind, pool),
           APR_EAGAIN, "a piece waits");
    ok(line.held != NULL, "and is held");
    is_int(mem_io_left(io), 0, "and is taken from the input");
    mem_io_feed_text(io, "x\r\nRSET");
    is_int(qp_line_read(&line, &io->base, 512, &text, &len, &kind, pool),
           APR_SUCCESS, "complete");
    is_str(text, "EHLO x", "the line");
    ok(line.held == NULL, "nothing is held between two lines");
    is_int(mem_io_left(io), 4, "the next line stays in the input");
    memset(big, 'a', 12288);
    memcpy(big + 12288 - 2, "\r\n", 2);
    mem_io_feed_text(io, "\r\n");
    is_int(qp_line_read(&line, &io->base, 512, &text, &len, &kind, pool),
           APR_SUCCESS, "RSET");
    for (i = 0; i < 2; i++) {
        mem_io_feed(io, big, 12288);
        is_int(qp_line_read(&line, &io->base, 12288, &text, &len, &kind, pool),
               APR_SUCCESS, "a line of 12288 octets");
        is_int(len, 12286, "its length");
        is_int(kind, QP_LINE_GOOD, "it is good");
        io->chunk = 1000;
    }
}

/* The limit of a later call is smaller than what is held already. */
static void test_shrunk_limit(apr_pool_t *pool)
{
    qp_line line = { NULL, 0, 0, "", 0, 0 };
    mem_io *io = mem_io_create(pool);
    qp_line_kind kind;
    apr_size_t len;
    char *text;
    char *big = apr_palloc(pool, 3000);

    memset(big, 'a', 3000);
    mem_io_feed(io, big, 3000);
    is_int(qp_line_read(&line, &io->base, 12288, &text, &len, &kind, pool),
           APR_EAGAIN, "3000 octets of a line");
    mem_io_feed_text(io, "\r\n");
    is_int(qp_line_read(&line, &io->base, 512, &text, &len, &kind, pool),
           APR_SUCCESS, "the limit has shrunk");
    is_int(kind, QP_LINE_TOO_LONG, "the line is too long");
    is_str(text, "aaaaaaaa", "and only its start is handed out");
    mem_io_feed_text(io, "A line that ends here\r");
    is_int(qp_line_read(&line, &io->base, 512, &text, &len, &kind, pool),
           APR_EAGAIN, "a line up to its CR");
    mem_io_feed_text(io, "\nQUIT\r\n");
    is_int(qp_line_read(&line, &io->base, 5, &text, &len, &kind, pool),
           APR_SUCCESS, "its end, and the limit has shrunk");
    is_int(kind, QP_LINE_TOO_LONG, "it is too long");
    is_int(mem_io_left(io), 6, "but ends where it ends");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_table(pool);
    test_all_short(pool);
    test_ends(pool);
    test_held(pool);
    test_shrunk_limit(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
