/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of data in a session: every text of up to four octets out of CR, LF,
 * NUL, dot and x, at the start of a message, in its header and in its body, for
 * each bare_newline, taken and thrown away. The message has one reply, what is
 * behind its end is commands, and nothing depends on the pieces in which it
 * came. Covers R5, R8 to R15, R101.
 */
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "engine_kit.h"

#define MAX_TEXT 4
#define OPEN                                                                   \
    "EHLO client.example\r\nMAIL FROM:<a@example.net>\r\n"                     \
    "RCPT TO:<b@example.org>\r\nDATA\r\n"
#define TAIL "\r\n.\r\nQUIT\r\n"
#define ROOM 64

static const char octets[] = { '\r', '\n', '\0', '.', 'x' };
static const char *const policies[] = { "reject", "normalize",
                                        "accept-in-body" };
static const char *const heads[] = { "", "A: b\r\n", "A: b\r\n\r\n" };

/* One input, and what is known of it without looking at how it came. */
struct input {
    char text[ROOM];
    size_t len;
    size_t end;       /* behind the final dot line */
    int has_bare;     /* in the message */
    int ncommands;    /* behind it */
    apr_size_t limit; /* databytes, or 0 */
    int is_too_big;   /* it is thrown away */
    int policy;       /* index of policies */
};

/* The size of the message, without stuffed dots (RFC 1870 3). */
static size_t measure(const struct input *input)
{
    size_t size = input->end - 3;
    size_t i;

    for (i = 0; i < input->end - 3; i++) {
        if (input->text[i] == '.'
            && (i == 0
                || (i > 1 && memcmp(input->text + i - 2, "\r\n", 2) == 0))) {
            size--;
        }
    }
    return size;
}

static void read_input(struct input *input)
{
    char all[ROOM + 2] = "\r\n";
    size_t i = 0;

    memcpy(all + 2, input->text, input->len);
    while (memcmp(all + i, "\r\n.\r\n", 5) != 0) {
        i++;
    }
    input->end = i + 3;
    input->is_too_big = input->limit > 0 && measure(input) > input->limit;
    input->has_bare = 0;
    input->ncommands = 0;
    for (i = 0; i < input->len; i++) {
        if (i >= input->end) {
            input->ncommands += input->text[i] == '\n';
        }
        else if (input->text[i] == '\r') {
            input->has_bare |= input->text[i + 1] != '\n';
        }
        else if (input->text[i] == '\n') {
            input->has_bare |= i == 0 || input->text[i - 1] != '\r';
        }
    }
}

/* @return the reply to the message; 0 when the number of replies is wrong */
static int play(engine_kit *kit, const struct input *input, size_t piece)
{
    const char *out;
    int code;
    size_t at;
    size_t n;

    kit_open(kit);
    kit_talk(kit, OPEN);
    mem_io_clear_output(kit->io);
    for (at = 0; at < input->len && kit->want != QP_WANT_CLOSE; at += n) {
        n = input->len - at < piece ? input->len - at : piece;
        mem_io_feed(kit->io, input->text + at, n);
        kit_run(kit);
    }
    out = mem_io_output(kit->io);
    code = atoi(out);
    if (code != 521 && kit_count(out, "\n") != 1 + input->ncommands) {
        return 0;
    }
    return (code == 250) == (kit->stored.len > 0) ? code : 0;
}

static int is_allowed(const struct input *input, int code)
{
    if (!input->has_bare || strcmp(policies[input->policy], "normalize") == 0) {
        return code == (input->is_too_big ? 552 : 250);
    }
    if (strcmp(policies[input->policy], "reject") == 0) {
        return code == 521;
    }
    return code == 521 || code == (input->is_too_big ? 552 : 250);
}

static int is_good(engine_kit *kit, const struct input *input)
{
    static const size_t pieces[] = { ROOM, 1, 2, 3 };
    int code = play(kit, input, pieces[0]);
    size_t i;

    for (i = 1; i < QP_ARRAY_LEN(pieces); i++) {
        if (play(kit, input, pieces[i]) != code) {
            diag("not the same in pieces of %d octets", (int)pieces[i]);
            return 0;
        }
    }
    return is_allowed(input, code);
}

/* All texts of n octets behind one head. */
static long count_bad(engine_kit *kit, struct input *input, const char *head,
                      size_t n)
{
    size_t digits[MAX_TEXT] = { 0 };
    size_t start = strlen(head);
    long bad = 0;
    size_t i;

    memcpy(input->text, head, start);
    memcpy(input->text + start + n, TAIL, strlen(TAIL));
    input->len = start + n + strlen(TAIL);
    for (;;) {
        for (i = 0; i < n; i++) {
            input->text[start + i] = octets[digits[i]];
        }
        read_input(input);
        bad += !is_good(kit, input);
        for (i = 0; i < n && ++digits[i] == sizeof(octets); i++) {
            digits[i] = 0;
        }
        if (i == n) {
            return bad;
        }
    }
}

static void test_policy(engine_kit *kit, int policy, int is_too_big)
{
    struct input input = { .policy = policy, .limit = is_too_big ? 1 : 0 };
    size_t head;
    size_t n;
    long bad = 0;

    kit_reset(kit);
    kit_set(kit, "bare_newline", policies[policy]);
    kit_set(kit, "max_errors", "0");
    kit_set(kit, "databytes", is_too_big ? "1" : "0");
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    for (head = 0; head < QP_ARRAY_LEN(heads); head++) {
        for (n = 0; n <= MAX_TEXT; n++) {
            bad += count_bad(kit, &input, heads[head], n);
        }
    }
    is_int(bad, 0, "%s, %s", policies[policy],
           is_too_big ? "thrown away" : "taken");
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;
    int policy;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    for (policy = 0; policy < 3; policy++) {
        test_policy(kit, policy, 0);
        test_policy(kit, policy, 1);
    }
    apr_pool_destroy(pool);
    return done_testing();
}
