/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_proxy: headers in one piece, cut at each octet, and broken
 * at each octet. What stands behind a header must be left alone.
 */
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/qp_proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

struct sample {
    const char *text;
    size_t len;
    const char *wanted; /* NULL: refused */
};

#define SAMPLE(text, wanted)                                                   \
    {                                                                          \
        text, sizeof(text) - 1, wanted                                         \
    }

static const struct sample samples[] = {
    SAMPLE("PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\r\n",
           "192.0.2.1 40000 198.51.100.2 25"),
    SAMPLE("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n", "2001:db8::1 0 ::1 65535"),
    SAMPLE("PROXY UNKNOWN\r\n", "own"),
    SAMPLE("PROXY UNKNOWN ffff::1 whatever 5\r\n", "own"),
    SAMPLE("PROXY TCP4 192.0.2.1 198.51.100.2 40000 65536\r\n", NULL),
    SAMPLE("PROXY TCP4 192.0.2.1 198.51.100.2 40000 025\r\n", NULL),
    SAMPLE("PROXY TCP4 192.0.2.1 198.51.100.2 40000 \r\n", NULL),
    SAMPLE("PROXY TCP4 192.0.2.1 198.51.100.2 40000 25 \r\n", NULL),
    SAMPLE("PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\n", NULL),
    SAMPLE("PROXY TCP4 192.0.2.1  198.51.100.2 40000 25\r\n", NULL),
    SAMPLE("PROXY TCP4 192.0.2.1 198.51.100.2\r\n", NULL),
    SAMPLE("PROXY TCP4 192.0.2.256 198.51.100.2 40000 25\r\n", NULL),
    SAMPLE("PROXY TCP4 2001:db8::1 ::1 40000 25\r\n", NULL),
    SAMPLE("PROXY TCP6 192.0.2.1 198.51.100.2 40000 25\r\n", NULL),
    SAMPLE("PROXY TCP4 example.org 198.51.100.2 40000 25\r\n", NULL),
    SAMPLE("PROXY TCP4 192.0.2.1\0 198.51.100.2 40000 25\r\n", NULL),
    SAMPLE("PROXY UDP4 192.0.2.1 198.51.100.2 40000 25\r\n", NULL),
    SAMPLE("PROXY UNKNOWNS\r\n", NULL),
    SAMPLE("PROXY \r\n", NULL),
    SAMPLE("proxy TCP4 192.0.2.1 198.51.100.2 40000 25\r\n", NULL),
    SAMPLE("EHLO client.example\r\n", NULL),
    SAMPLE("\r\n", NULL),
    SAMPLE("\x16\x03\x01", NULL),
    SAMPLE(SIGNATURE "\x21\x11\0\x0c"
                     "\xc0\0\x02\x01\xc6\x33\x64\x02\x9c\x40\0\x19",
           "192.0.2.1 40000 198.51.100.2 25"),
    SAMPLE(SIGNATURE "\x21\x11\0\x13"
                     "\xc0\0\x02\x01\xc6\x33\x64\x02\x9c\x40\0\x19"
                     "\x04\0\x04noop",
           "192.0.2.1 40000 198.51.100.2 25"),
    SAMPLE(SIGNATURE "\x21\x21\0\x24"
                     " \x01\r\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
                     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x9c\x40\0\x19",
           "2001:db8::1 40000 ::1 25"),
    SAMPLE(SIGNATURE "\x20\0\0\0", "own"),
    SAMPLE(SIGNATURE "\x20\x11\0\x0c"
                     "\xc0\0\x02\x01\xc6\x33\x64\x02\x9c\x40\0\x19",
           "own"),
    SAMPLE(SIGNATURE "\x20\0\0\x03xyz", "own"),
    SAMPLE(SIGNATURE "\x21\0\0\x02xy", "own"),
    SAMPLE(SIGNATURE "\x21\x12\0\x0c"
                     "\xc0\0\x02\x01\xc6\x33\x64\x02\x9c\x40\0\x19",
           "own"),
    SAMPLE(SIGNATURE "\x21\x11\0\x0b"
                     "\xc0\0\x02\x01\xc6\x33\x64\x02\x9c\x40\0",
           NULL),
    SAMPLE(SIGNATURE "\x22\x11\0\0", NULL),
    SAMPLE(SIGNATURE "\x11\x11\0\x0c", NULL),
};

static const char *show_proxy(const qp_proxy *proxy)
{
    static char shown[128];

    if (proxy->status != QP_PROXY_DONE) {
        return proxy->status == QP_PROXY_BAD ? NULL : "not complete";
    }
    if (!proxy->has_peers) {
        return "own";
    }
    snprintf(shown, sizeof(shown), "%s %d %s %d", proxy->remote_ip,
             proxy->remote_port, proxy->local_ip, proxy->local_port);
    return shown;
}

/* In pieces of so many octets, with more behind it. */
static void test_sample(const struct sample *sample, size_t piece)
{
    char all[512];
    qp_proxy proxy;
    size_t at = 0;
    apr_size_t used = 0;
    size_t len;

    memcpy(all, sample->text, sample->len);
    memcpy(all + sample->len, "NOOP\r\n", 6);
    memset(&proxy, 0, sizeof(proxy));
    while (proxy.status == QP_PROXY_MORE && at < sample->len + 6) {
        len = sample->len + 6 - at < piece ? sample->len + 6 - at : piece;
        if (qp_proxy_feed(&proxy, all + at, len, &used) == QP_PROXY_MORE) {
            is_int((int)used, (int)len, "an incomplete one takes everything");
        }
        at += used;
    }
    is_str(show_proxy(&proxy), sample->wanted, "pieces of %d: \"%.40s\"",
           (int)piece, sample->text);
    if (sample->wanted != NULL) {
        is_int((int)at, (int)sample->len, "and nothing behind it is taken");
    }
}

/* A header that is cut off is none, wherever. */
static void test_cut(const struct sample *sample)
{
    qp_proxy proxy;
    apr_size_t used;
    size_t len;
    int wrong = 0;

    for (len = 0; len < sample->len; len++) {
        memset(&proxy, 0, sizeof(proxy));
        wrong +=
            qp_proxy_feed(&proxy, sample->text, len, &used) != QP_PROXY_MORE;
    }
    is_int(wrong, 0, "is not complete before its end: \"%.40s\"", sample->text);
}

/* As long as there can be one, and longer. */
static void test_length(void)
{
    char line[300];
    qp_proxy proxy;
    apr_size_t used;

    memset(line, 'x', sizeof(line));
    memcpy(line, "PROXY UNKNOWN ", 14);
    memcpy(line + QP_PROXY_V1_MAX - 2, "\r\n", 2);
    memset(&proxy, 0, sizeof(proxy));
    is_int(qp_proxy_feed(&proxy, line, sizeof(line), &used), QP_PROXY_DONE,
           "107 octets are a line");
    is_int((int)used, QP_PROXY_V1_MAX, "all of them are taken");
    line[QP_PROXY_V1_MAX - 2] = 'x';
    line[QP_PROXY_V1_MAX - 1] = '\r';
    line[QP_PROXY_V1_MAX] = '\n';
    memset(&proxy, 0, sizeof(proxy));
    is_int(qp_proxy_feed(&proxy, line, sizeof(line), &used), QP_PROXY_BAD,
           "108 are too many");
    is_int((int)used, QP_PROXY_V1_MAX, "and no more is looked at");
}

/* The largest that version 2 can be. */
static void test_fields(void)
{
    static const char head[] = SIGNATURE "\x21\x11\xff\xff"
                                         "\xc0\0\x02\x01\xc6\x33\x64\x02"
                                         "\x9c\x40\0\x19";
    size_t size = 16 + 65535;
    char *all = calloc(1, size + 4);
    qp_proxy proxy;
    apr_size_t used;
    apr_size_t at;

    memcpy(all, head, sizeof(head) - 1);
    memset(&proxy, 0, sizeof(proxy));
    is_int(qp_proxy_feed(&proxy, all, 1000, &used), QP_PROXY_MORE,
           "fields are skipped");
    at = used;
    is_int(qp_proxy_feed(&proxy, all + at, size + 4 - at, &used), QP_PROXY_DONE,
           "up to their end");
    is_int((int)(at + used), (int)size, "and not beyond");
    is_str(show_proxy(&proxy), "192.0.2.1 40000 198.51.100.2 25",
           "the addresses are kept");
    free(all);
}

int main(void)
{
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(samples); i++) {
        test_sample(&samples[i], 1);
        test_sample(&samples[i], 7);
        test_sample(&samples[i], 512);
        if (samples[i].wanted != NULL) {
            test_cut(&samples[i]);
        }
    }
    test_length();
    test_fields();
    return done_testing();
}
