/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugins/uribl: which hosts are found in a text, whatever hides them,
 * and what the lines of uribl_zones mean.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/qp_base.h"
#include "plugins/uribl_scan.h"
#include "plugins/uribl_zone.h"

/* The hosts of a text, with blanks between; fed in pieces of @a chunk. */
static const char *find(const char *text, apr_size_t len, apr_size_t chunk,
                        apr_pool_t *pool)
{
    scan *s = apr_pcalloc(pool, sizeof(*s));
    apr_size_t n;

    s->pool = pool;
    s->max = 5;
    s->hosts = apr_array_make(pool, 5, sizeof(const char *));
    for (; len > 0; text += n, len -= n) {
        n = len < chunk ? len : chunk;
        feed_text(s, text, n);
    }
    finish_scan(s);
    return apr_array_pstrcat(pool, s->hosts, ' ');
}

static const struct {
    const char *text, *hosts;
} rows[] = {
    { "see http://example.com/ now", "example.com" },
    { "HTTPS://WWW.Example.COM:8080?x", "www.example.com" },
    { "<a href=\"http://a.example/x\">b.example</a>", "a.example" },
    { "www.example.org. And xwww.example.net", "www.example.org" },
    { "http://user:pass@evil.example/@good.example", "evil.example" },
    { "http://a@b@c.example", "c.example" },
    { "http:// http://", "" },
    { "://x.example", "x.example" },
    { "http://a.example/?u=http://b.example/", "a.example b.example" },
    { "http://a.example http://A.example", "a.example" },
    { "http://a.example\\b", "a.example" },
    { "http://a.example#http", "a.example" },
    { "http://[2001:db8::1]/", "" },
    { "ht=74p://a.ex=\namp=6Ce/", "a.example" },
    { "http:=2F=2Fa.example=20b", "a.example" },
    { "http://%61.ex%61mple/", "a.example" },
    { "http://&#97;.ex&#x61;mple/", "a.example" },
    { "http://=25=36=31.example/", "a.example" },
    { "http://a.exam&#112;le&#47;x", "a.example" },
    { "http://&#0;a.example", "" },
    { "http://&#a;b.example", "" },
    { "a=b=c==http://a.example", "a.example" },
    { "100%http://a.example", "a.example" },
    { "&&&#&#;&#x;http://a.example", "a.example" },
    { "http://a.example=", "a.example" },
    { "http://a.example%2", "a.example" },
    { "http://a.example&#4", "a.example" },
    { "http://3221225985/ http://0xc0.2.1/", "3221225985 0xc0.2.1" },
    { "http://a1.x http://a2.x http://a3.x http://a4.x http://a5.x http://a6.x",
      "a1.x a2.x a3.x a4.x a5.x" },
    { "", "" },
};

static void test_find(apr_pool_t *pool)
{
    apr_size_t len;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        len = strlen(rows[i].text);
        is_str(find(rows[i].text, len, len + 1, pool), rows[i].hosts, "<%s>",
               rows[i].text);
        is_str(find(rows[i].text, len, 1, pool), rows[i].hosts,
               "the same by octets");
    }
    is_str(find("http://a.example\0b", 18, 99, pool), "a.example", "a NUL");
}

/* One long word, with a host somewhere in it. */
static void test_long(apr_pool_t *pool)
{
    static const char link[] = "http://a.example/";
    char text[5000];
    int nfound = 0;
    size_t at;

    for (at = 0; at + sizeof(link) < sizeof(text); at++) {
        memset(text, 'x', sizeof(text));
        memcpy(text + at, link, sizeof(link) - 1);
        nfound += strcmp(find(text, sizeof(text), 700, pool), "a.example") == 0;
        apr_pool_clear(pool);
    }
    is_int(nfound, (int)at, "wherever it is in a long word");
    memset(text, 'x', sizeof(text));
    memcpy(text, "http://", 7);
    is_str(find(text, sizeof(text), 700, pool), "", "a host that is too long");
}

/* Octets of all kinds: it ends, and stays inside of its buffers. */
static void test_noise(apr_pool_t *pool)
{
    static const char set[] = "=%&#x;0aF \n.:/@w<\x80\xff";
    char text[4000];
    unsigned int seed = 1;
    int ends = 0;
    int round;
    size_t i;

    for (round = 0; round < 300; round++) {
        for (i = 0; i < sizeof(text); i++) {
            seed = seed * 1103515245u + 12345u;
            text[i] = set[(seed >> 16) % (sizeof(set) - 1)];
        }
        ends += find(text, sizeof(text), 64, pool) != NULL;
        apr_pool_clear(pool);
    }
    is_int(ends, round, "noise is read to its end");
}

/* Lines. ----------------------------------------------------------------- */

static const char *read_line(const char *line, const uribl_zone **zone,
                             apr_pool_t *pool)
{
    void *whole = NULL;
    const char *error = read_uribl_zone(line, &whole, pool);

    *zone = whole != NULL
                ? &APR_ARRAY_IDX((apr_array_header_t *)whole, 0, uribl_zone)
                : NULL;
    return error;
}

static int matches(const char *line, const char *ip, apr_pool_t *pool)
{
    unsigned char octets[4] = { 0, 0, 0, 0 };
    qp_dns_record record = { ip, strlen(ip), octets, 4, 0, 0 };
    const uribl_zone *zone;

    if (read_line(line, &zone, pool) != NULL || zone->masks == NULL
        || inet_pton(AF_INET, ip, octets) != 1) {
        return -1;
    }
    return is_listed_by(&record, zone->masks);
}

static void test_lines(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "",       "a..b",  "a.b 0",          "a.b x",
        "a.b 1,", "a.b -", "a.b 4294967296", "a.b 1 no"
    };
    const uribl_zone *zone;
    size_t i;

    is_str(read_line("a.b", &zone, pool), NULL, "a zone alone");
    ok(zone->masks == NULL && zone->action == URIBL_DEFAULT, "with defaults");
    is_str(read_line("a.b 2,-6 Deny", &zone, pool), NULL, "all of it");
    is_int(zone->action, URIBL_DENY, "its action");
    is_int(matches("a.b 4", "127.0.0.6", pool), 1, "a bit");
    is_int(matches("a.b 8", "127.0.0.6", pool), 0, "another bit");
    is_int(matches("a.b -6", "127.0.0.6", pool), 1, "all bits");
    is_int(matches("a.b -6", "127.0.0.4", pool), 0, "one of them");
    is_int(matches("a.b -6,4", "127.0.0.4", pool), 1, "the second mask");
    is_int(matches("a.b 0x00fffffe", "127.0.1.0", pool), 1,
           "a hexadecimal one");
    is_int(matches("a.b 2", "127.255.255.254", pool), 0, "an error code");
    is_int(matches("a.b 2", "192.0.2.2", pool), 0, "no answer of a list");
    for (i = 0; i < QP_ARRAY_LEN(bad); i++) {
        ok(read_line(bad[i], &zone, pool) != NULL, "bad: <%s>", bad[i]);
    }
}

int main(void)
{
    apr_pool_t *pool;
    apr_pool_t *temp;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    apr_pool_create(&temp, pool);
    test_find(pool);
    test_long(temp);
    test_noise(temp);
    test_lines(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
