/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of wire/qp_line: lines come out the same however the input is
 * cut, no octet is lost, and a line ends at an LF only (R1 to R6, R104).
 */
#include "fuzz.h"

#include <strings.h>

#include "t/unit/engine_kit.h"
#include "wire/qp_line.h"

/** One way through an input. */
struct run {
    fuzz_input in;
    apr_size_t chunk;
    apr_size_t max;
};

static void note_line(kit_text *notes, qp_line_kind kind, const char *text,
                      apr_size_t len, apr_size_t max)
{
    if (kind == QP_LINE_GOOD || kind == QP_LINE_BARE_LF) {
        fuzz_check(memchr(text, '\r', len) == NULL);
        fuzz_check(strlen(text) == len);
    }
    fuzz_check(memchr(text, '\n', len) == NULL && text[len] == '\0');
    fuzz_check(len < max || strncasecmp(text, "AUTH ", 5) == 0
               || kind == QP_LINE_TOO_LONG);
    fuzz_check(kind != QP_LINE_TOO_LONG || len <= QP_LINE_START);
    fuzz_check(len < QP_LINE_LONG_MAX);
    kit_print(notes, "%d %lu ", (int)kind, (unsigned long)len);
    kit_append(notes, text, len);
}

static int read_lines(const struct run *run, kit_text *notes)
{
    apr_pool_t *pool = fuzz_begin();
    mem_io *io = mem_io_create(pool);
    qp_line line = { 0 };
    qp_line_kind kind;
    apr_size_t len;
    int count = 0;
    char *text;

    io->chunk = run->chunk;
    io->at_end = APR_EOF;
    mem_io_feed(io, (const char *)run->in.next, run->in.left);
    while (qp_line_read(&line, &io->base, run->max, &text, &len, &kind, pool)
           == APR_SUCCESS) {
        note_line(notes, kind, text, len, run->max);
        count++;
    }
    fuzz_check(mem_io_left(io) == 0);
    qp_line_clear(&line);
    fuzz_end(pool);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    struct run run = { .max = 8 + fuzz_byte(&in) };
    kit_text whole = { 0 };
    kit_text cut = { 0 };
    int count = 0;
    size_t i;

    run.chunk = 1 + fuzz_byte(&in) % 16;
    run.in = in;
    for (i = 0; i < in.left; i++) {
        count += in.next[i] == '\n';
    }
    fuzz_check(read_lines(&run, &cut) <= count);
    run.chunk = 0;
    fuzz_check(read_lines(&run, &whole) <= count);
    fuzz_check(
        whole.len == cut.len
        && (whole.len == 0 || memcmp(whole.text, cut.text, cut.len) == 0));
    free(whole.text);
    free(cut.text);
    return 0;
}
