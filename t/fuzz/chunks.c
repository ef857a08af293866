/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of BDAT: the input says what the chunks are. A message that is
 * accepted is what was in them, one that is refused is not stored, and each
 * command has one reply, none of it for octets of a chunk (R63 to R67, R104).
 */
#include "fuzz.h"

#include "t/unit/engine_kit.h"

/** A session in the making. */
struct script {
    kit_text wire;
    kit_text message; /* octets of all chunks */
    int commands;
    int is_whole; /* there was a LAST */
};

static engine_kit *kit;

static void remove_kit(void)
{
    apr_pool_destroy(kit->pool);
}

static void make_kit(void)
{
    if (kit == NULL) {
        kit = kit_create(fuzz_begin());
        atexit(remove_kit);
        kit_set(kit, "databytes", "2000");
        kit_set(kit, "pipelining", "lenient");
        kit_set(kit, "max_errors", "0");
        kit_plugin(kit, &kit_base_def, "base", kit);
        fuzz_check(kit_start(kit) == NULL);
    }
}

/* A chunk is an octet for the length, one for the kind, and its octets. */
static void add_chunk(struct script *script, fuzz_input *in)
{
    size_t len = fuzz_byte(in) % 64;
    unsigned int kind = fuzz_byte(in);
    int is_last = kind % 8 == 0;

    len = len < in->left ? len : in->left;
    kit_print(&script->wire, "%s %lu%s\r\n", kind & 8 ? "BDAT" : "bdat",
              (unsigned long)len, is_last ? " LAST" : "");
    kit_append(&script->wire, (const char *)in->next, len);
    if (!script->is_whole) {
        kit_append(&script->message, (const char *)in->next, len);
    }
    script->is_whole |= is_last;
    script->commands++;
    in->next += len;
    in->left -= len;
}

static void check_replies(const char *out, const struct script *script,
                          apr_pool_t *pool)
{
    const char *codes = kit_codes(out, pool);
    size_t count = (strlen(codes) + 1) / 4;

    fuzz_check(strncmp(codes, "220 250 250 250 ", 16) == 0);
    /* A bare line end is the end of the session. */
    if (strcmp(codes + strlen(codes) - 3, "521") == 0) {
        fuzz_check(count < 5 + (size_t)script->commands);
        return;
    }
    fuzz_check(count == 5 + (size_t)script->commands);
    fuzz_check(strcmp(codes + strlen(codes) - 3, "221") == 0);
}

/* What is stored ends with what was sent: in front of it stands our Received.
 * Line ends are LF. A header without its end gets one. */
static void check_stored(const struct script *script)
{
    const char *sent = kit_view(&script->message);
    const char *stored = kit_view(&kit->stored);
    size_t left = kit->stored.len;
    size_t i;

    if (kit->stored.len == 0 || strncmp(sent, "From ", 5) == 0
        || (strstr(sent, "\r\n\r\n") == NULL
            && strncmp(sent, "\r\n", 2) != 0)) {
        return;
    }
    fuzz_check(script->is_whole && strncmp(stored, "Received: ", 10) == 0);
    for (i = script->message.len; i > 0; i--) {
        if (i < script->message.len && memcmp(sent + i - 1, "\r\n", 2) == 0) {
            continue;
        }
        fuzz_check(left > 0 && stored[left - 1] == sent[i - 1]);
        left--;
    }
}

/* One in which all went well has told so. */
static void check_verdict(const char *out)
{
    int queued = kit_count(out, "250 2.0.0 Queued as");

    fuzz_check((queued > 0) == (kit->stored.len > 0) && queued <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    struct script script = { .commands = 0 };
    apr_pool_t *pool = fuzz_begin();

    make_kit();
    kit_open(kit);
    kit->io->chunk = fuzz_byte(&in) % 16;
    kit_run(kit);
    kit_print(&script.wire, "EHLO c.example\r\nMAIL FROM:<a@b.example>\r\n"
                            "RCPT TO:<b@example.org>\r\n");
    while (in.left > 0) {
        add_chunk(&script, &in);
    }
    kit_print(&script.wire, "QUIT\r\n");
    mem_io_feed(kit->io, script.wire.text, script.wire.len);
    kit_run(kit);
    check_replies(mem_io_output(kit->io), &script, pool);
    check_stored(&script);
    check_verdict(mem_io_output(kit->io));
    kit_close(kit);
    free(script.wire.text);
    free(script.message.text);
    return fuzz_end(pool);
}
