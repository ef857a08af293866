/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_reply: the form of replies, whatever the text (R32 to R35).
 */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>

#include "mem_io.h"
#include "wire/qp_reply.h"

static const struct {
    int code;
    const char *dsn;
    const char *text;
    const char *want;
} cases[] = {
    { 250, NULL, "ok", "250 ok\r\n" },
    { 250, "", "ok", "250 ok\r\n" },
    { 250, "2.0.0", "ok", "250 2.0.0 ok\r\n" },
    { 599, "5.7.999", "no", "599 5.7.999 no\r\n" },
    { 200, NULL, "x", "200 x\r\n" },
    { 250, NULL, NULL, "250 \r\n" },
    { 250, "2.0.0", NULL, "250 2.0.0\r\n" },
    { 250, "2.0.0", "", "250 2.0.0\r\n" },
    { 250, NULL, "a\nb", "250-a\r\n250 b\r\n" },
    { 250, NULL, "a\r\nb\r\n", "250-a\r\n250 b\r\n" },
    { 250, NULL, "a\rb\r", "250-a\r\n250 b\r\n" },
    { 250, NULL, "a\n\rb", "250-a\r\n250-\r\n250 b\r\n" },
    { 550, "5.7.1", "a\nb\n", "550-5.7.1 a\r\n550 5.7.1 b\r\n" },
    { 550, "5.7.1", "a\n\nb", "550-5.7.1 a\r\n550-5.7.1\r\n550 5.7.1 b\r\n" },
    { 250, NULL, "\n", "250 \r\n" },
    { 250, NULL, "\na", "250-\r\n250 a\r\n" },
    { 250, NULL, "a\n\n", "250-a\r\n250 \r\n" },
    { 535, "5.7.8", "no <a\001\033\177\200\377>",
      "535 5.7.8 no <a????\?>\r\n" },
    { 535, NULL, "a\tb\vc\fd", "535 a\tb?c?d\r\n" },
    { 535, NULL, "100%s %n \\", "535 100%s %n \\\r\n" },
    { 250, "2\r\n0", "ok", "250 2??0 ok\r\n" },
};

static void test_table(apr_pool_t *pool)
{
    mem_io *io;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(cases); i++) {
        io = mem_io_create(pool);
        qp_reply_write(&io->base, cases[i].code, cases[i].dsn, cases[i].text);
        is_str(mem_io_output(io), cases[i].want, "case %d", (int)i);
        is_int(io->writes, 1, "case %d: one write", (int)i);
        is_int(io->flushes, 0, "case %d: no flush", (int)i);
    }
}

/* Texts around the longest line, and very long ones. */
static void test_long_lines(apr_pool_t *pool)
{
    char *text = apr_palloc(pool, 100001);
    const char *out;
    mem_io *io;
    size_t len;
    size_t want;

    for (len = 495; len <= 100000; len += len < 520 ? 1 : 33000) {
        memset(text, 'a', len);
        text[len] = '\0';
        io = mem_io_create(pool);
        qp_reply_write(&io->base, 550, "5.1.1", text);
        out = mem_io_output(io);
        want = len + 12 < QP_REPLY_LINE_MAX ? len + 12 : QP_REPLY_LINE_MAX;
        is_int((long long)strlen(out), (long long)want, "%d octets of text",
               (int)len);
        ok(strcspn(out, "\r\n") == want - 2
               && strcmp(out + want - 2, "\r\n") == 0
               && strncmp(out, "550 5.1.1 aaa", 13) == 0,
           "%d octets of text: its form", (int)len);
    }
    io = mem_io_create(pool);
    qp_reply_write(&io->base, 550, text, text);
    is_int((long long)mem_io_output_len(io), QP_REPLY_LINE_MAX,
           "an absurd status");
}

/* Checks each line of a reply. @return how many there are, or -1 */
static int count_lines(const char *out, const char *first, const char *last)
{
    const char *end;
    int n = 0;

    while (*out != '\0') {
        end = strstr(out, "\r\n");
        if (end == NULL || end + 2 - out > QP_REPLY_LINE_MAX
            || strncmp(out, end[2] == '\0' ? last : first, strlen(first))) {
            return -1;
        }
        n++;
        out = end + 2;
    }
    return n;
}

static void test_many_lines(apr_pool_t *pool)
{
    char *text = apr_palloc(pool, 1000 * 700 + 1);
    char *p = text;
    mem_io *io = mem_io_create(pool);
    int i;

    for (i = 0; i < 1000; i++) {
        memset(p, 'a', 699);
        p[i % 700] = '\n';
        p[699] = '\n';
        p += 700;
    }
    *p = '\0';
    qp_reply_write(&io->base, 214, "2.0.0", text);
    is_int(count_lines(mem_io_output(io), "214-2.0.0", "214 2.0.0"), 1999,
           "lines of a long reply");
    is_int((long long)io->base.unsent, (long long)mem_io_output_len(io),
           "all octets are counted");
    io = mem_io_create(pool);
    qp_reply_write(&io->base, 250, NULL,
                   "mx.example.org Hi\nPIPELINING\n8BITMIME\nSIZE 10000000\n"
                   "STARTTLS\nAUTH PLAIN LOGIN CRAM-MD5\n"
                   "ENHANCEDSTATUSCODES");
    is_int(io->writes, 1, "an answer to EHLO is one write");
    is_int(count_lines(mem_io_output(io), "250-", "250 "), 7,
           "lines of an answer to EHLO");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_table(pool);
    test_long_lines(pool);
    test_many_lines(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
