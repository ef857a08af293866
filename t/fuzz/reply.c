/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of wire/qp_reply: whatever a plugin or client text brings, each
 * line of a reply is well formed (R32 to R34).
 */
#include "fuzz.h"

#include "t/unit/mem_io.h"
#include "wire/qp_reply.h"

static void check_line(const char *line, size_t len, int is_last)
{
    size_t i;

    fuzz_check(len >= 6 && len <= QP_REPLY_LINE_MAX);
    fuzz_check(strncmp(line, "550", 3) == 0);
    fuzz_check(line[3] == (is_last ? ' ' : '-'));
    fuzz_check(memcmp(line + len - 2, "\r\n", 2) == 0);
    for (i = 0; i < len - 2; i++) {
        fuzz_check((line[i] >= ' ' && line[i] <= '~') || line[i] == '\t');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const statuses[] = { NULL, "", "5.7.1", "5.123.456" };
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();
    const char *dsn = statuses[fuzz_byte(&in) & 3];
    mem_io *io = mem_io_create(pool);
    const char *out;
    const char *end;

    qp_reply_write(&io->base, 550, dsn, fuzz_rest(&in, pool));
    out = mem_io_output(io);
    fuzz_check(strlen(out) == mem_io_output_len(io) && out[0] != '\0');
    while (*out != '\0') {
        end = strchr(out, '\n');
        fuzz_check(end != NULL);
        check_line(out, (size_t)(end - out) + 1, end[1] == '\0');
        out = end + 1;
    }
    return fuzz_end(pool);
}
