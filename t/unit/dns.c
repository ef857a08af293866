/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_dns, qp_dns_parse and qp_dns_cache: names, lists of
 * servers, answers of every kind, each also cut off at every octet and with
 * every octet changed, and what is kept of them.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "wire/qp_dns.h"
#include "wire/qp_dns_cache.h"

/* Names. ----------------------------------------------------------------- */

static void test_names(void)
{
    static const struct {
        const char *name;
        int good;
    } rows[] = {
        { "example.org", 1 },
        { "example.org.", 1 },
        { "a", 1 },
        { "_dmarc.a-b.example", 1 },
        { "0/25.2.example", 1 },
        { "", 0 },
        { ".", 0 },
        { "..", 0 },
        { "a..b", 0 },
        { ".a", 0 },
        { "a b", 0 },
        { "a\\.b", 0 },
        { "a\nb", 0 },
        { "[192.0.2.1]", 0 },
        { "\xc3\xa4.example", 0 },
        { "a..", 0 },
    };
    char name[300];
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_int(qp_dns_is_name(rows[i].name), rows[i].good, "name <%s>",
               rows[i].name);
    }
    memset(name, 'a', 64);
    name[63] = '\0';
    is_int(qp_dns_is_name(name), 1, "a label of 63 octets");
    name[63] = 'a';
    name[64] = '\0';
    is_int(qp_dns_is_name(name), 0, "one of 64");
    for (i = 0; i < 254; i++) {
        name[i] = i % 2 ? '.' : 'a';
    }
    name[253] = '\0';
    is_int(qp_dns_is_name(name), 1, "a name of 253 octets");
    name[253] = '.';
    name[254] = '\0';
    is_int(qp_dns_is_name(name), 1, "and a dot");
    name[254] = 'a';
    name[255] = '\0';
    is_int(qp_dns_is_name(name), 0, "one of 255");
    is_int(qp_dns_normalize(name, "ExAmple.ORG."), 1, "normal form");
    is_str(name, "example.org", "is lower case without a dot");
}

static void test_reverse(apr_pool_t *pool)
{
    is_str(qp_dns_reverse("192.0.2.1", "list.example", pool),
           "1.2.0.192.list.example", "IPv4");
    is_str(qp_dns_reverse("192.0.2.1", NULL, pool), "1.2.0.192.in-addr.arpa",
           "of PTR");
    is_str(qp_dns_reverse("::ffff:192.0.2.1", "l", pool), "1.2.0.192.l",
           "a mapped one");
    is_str(qp_dns_reverse("2001:db8::567:89ab", NULL, pool),
           "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
           "ip6.arpa",
           "IPv6 (RFC 3596 2.5)");
    is_str(qp_dns_reverse("192.0.2", "l", pool), NULL, "no address");
    is_str(qp_dns_reverse("", "l", pool), NULL, "nothing");
}

static void test_servers(apr_pool_t *pool)
{
    static const struct {
        const char *list, *csv;
    } rows[] = {
        { "", NULL },
        { "192.0.2.1", "192.0.2.1:53" },
        { "192.0.2.1:5353", "192.0.2.1:5353" },
        { "::1", "[::1]:53" },
        { "[::1]", "[::1]:53" },
        { " [2001:db8::1]:5, 192.0.2.1 ", "[2001:db8::1]:5,192.0.2.1:53" },
    };
    static const char *const bad[] = {
        "localhost",
        "192.0.2",
        "192.0.2.1:",
        "192.0.2.1:0",
        "[::1",
        "[::1]x",
        "192.0.2.1:65536",
        "192.0.2.1:5x",
        "[::1]:",
        "192.0.2.1;",
        "1.2.3.4:5:6",
        "1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 "
        "1.1.1.1",
    };
    const char *csv;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_str(qp_dns_servers(rows[i].list, &csv, pool), NULL, "<%s>",
               rows[i].list);
        is_str(csv, rows[i].csv, "for c-ares");
    }
    for (i = 0; i < QP_ARRAY_LEN(bad); i++) {
        ok(qp_dns_servers(bad[i], &csv, pool) != NULL, "bad: <%s>", bad[i]);
    }
}

/* Answers. --------------------------------------------------------------- */

/** A message as it is written. */
struct packet {
    unsigned char octets[2048];
    size_t len;
};

static void put(struct packet *p, const void *octets, size_t len)
{
    memcpy(p->octets + p->len, octets, len);
    p->len += len;
}

static void put16(struct packet *p, int value)
{
    unsigned char octets[2] = { (unsigned char)(value >> 8),
                                (unsigned char)value };

    put(p, octets, 2);
}

/* "example.org" as labels; "@12" is a pointer. */
static void put_name(struct packet *p, const char *name)
{
    unsigned char len;

    for (; *name != '\0'; name += name[len] == '.' ? len + 1 : len) {
        if (*name == '@') {
            put16(p, 0xc000 | atoi(name + 1));
            return;
        }
        len = (unsigned char)strcspn(name, ".");
        put(p, &len, 1);
        put(p, name, len);
    }
    put(p, "", 1);
}

/* Records of the authority section, added to those of the answer. */
#define AUTHORITY(n) ((n) << 16)

/* The header and the question. */
static void begin(struct packet *p, int rcode, const char *name, int type,
                  int counts)
{
    memset(p, 0, sizeof(*p));
    put16(p, 0x1234);
    put16(p, 0x8180 | rcode);
    put16(p, 1);
    put16(p, counts & 0xffff);
    put16(p, counts >> 16);
    put16(p, 0);
    put_name(p, name);
    put16(p, type);
    put16(p, 1);
}

static void put_frame(struct packet *p, const char *owner, int type, int ttl,
                      int len)
{
    put_name(p, owner);
    put16(p, type);
    put16(p, 1);
    put16(p, 0);
    put16(p, ttl);
    put16(p, len);
}

#define put_record(p, owner, type, ttl, data, len)                             \
    do {                                                                       \
        put_frame(p, owner, type, ttl, (int)(len));                            \
        put(p, data, len);                                                     \
    } while (0)

static void put_named(struct packet *p, const char *owner, int type,
                      int preference, const char *target)
{
    struct packet name = { .len = 0 };

    if (type == QP_DNS_MX) {
        put16(&name, preference);
    }
    put_name(&name, target);
    put_record(p, owner, type, 300, name.octets, name.len);
}

static void put_soa(struct packet *p, const char *owner, int ttl, int minimum)
{
    struct packet soa = { .len = 0 };
    int i;

    put_name(&soa, "ns.example");
    put_name(&soa, "admin.example");
    for (i = 0; i < 9; i++) {
        put16(&soa, 0);
    }
    put16(&soa, minimum);
    put_record(p, owner, QP_DNS_SOA, ttl, soa.octets, soa.len);
}

/* "RESULT[/TTL] TEXT TEXT ..." of what is read. */
static const char *show(const struct packet *p, const char *name,
                        qp_dns_type type, apr_pool_t *pool)
{
    static const char *const words[] = { "PENDING",  "FOUND",   "NODATA",
                                         "NXDOMAIN", "BADNAME", "TIMEOUT",
                                         "FAILED" };
    char next[QP_DNS_NAME_MAX + 1];
    qp_dns_data *data;
    const char *text;
    int i;

    data = qp_dns_parse(p->octets, p->len, name, type, next);
    text = apr_psprintf(pool, "%s/%u", words[data->result], data->ttl);
    for (i = 0; i < data->count; i++) {
        text =
            apr_psprintf(pool, "%s %s%s", text,
                         type == QP_DNS_MX
                             ? apr_psprintf(pool,
                                            "%d:", data->records[i].preference)
                             : "",
                         data->records[i].text);
    }
    if (next[0] != '\0') {
        text = apr_pstrcat(pool, text, " -> ", next, NULL);
    }
    qp_dns_data_unref(data);
    return text;
}

static int count_words(const char *text)
{
    int n = 1;

    for (; *text != '\0'; text++) {
        n += *text == ' ';
    }
    return n;
}

static void test_found(apr_pool_t *pool)
{
    static const char txt[] = "\x05hello\x06 world";
    struct packet p;

    begin(&p, 0, "A.example", QP_DNS_A, 2);
    put_record(&p, "@12", QP_DNS_A, 300, "\xc0\x00\x02\x01", 4);
    put_record(&p, "a.EXAMPLE", QP_DNS_A, 200, "\xc0\x00\x02\x02", 4);
    is_str(show(&p, "a.example", QP_DNS_A, pool),
           "FOUND/200 192.0.2.1 192.0.2.2", "A");
    begin(&p, 0, "a.example", QP_DNS_AAAA, 1);
    put_record(&p, "@12", QP_DNS_AAAA, 1,
               "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    is_str(show(&p, "a.example", QP_DNS_AAAA, pool), "FOUND/1 2001:db8::1",
           "AAAA");
    begin(&p, 0, "a.example", QP_DNS_MX, 3);
    put_named(&p, "@12", QP_DNS_MX, 20, "m2.Example");
    put_named(&p, "@12", QP_DNS_MX, 10, "m1.@14");
    put_named(&p, "@12", QP_DNS_MX, 20, "m3.example");
    is_str(show(&p, "a.example", QP_DNS_MX, pool),
           "FOUND/300 10:m1.example 20:m2.example 20:m3.example",
           "MX in order");
    begin(&p, 0, "a.example", QP_DNS_MX, 1);
    put_named(&p, "@12", QP_DNS_MX, 0, "");
    is_str(show(&p, "a.example", QP_DNS_MX, pool), "FOUND/300 0:.",
           "null MX (RFC 7505)");
    begin(&p, 0, "a.example", QP_DNS_TXT, 2);
    put_record(&p, "@12", QP_DNS_TXT, 9, txt, sizeof(txt) - 1);
    put_record(&p, "@12", QP_DNS_TXT, 9, "", 1);
    is_str(show(&p, "a.example", QP_DNS_TXT, pool), "FOUND/9 hello world ",
           "TXT in one");
    begin(&p, 0, "a.example", QP_DNS_PTR, 1);
    put_named(&p, "@12", QP_DNS_PTR, 0, "host.example");
    is_str(show(&p, "a.example", QP_DNS_PTR, pool), "FOUND/300 host.example",
           "PTR");
    begin(&p, 0, "a.example", QP_DNS_SOA, 1);
    put_soa(&p, "@12", 60, 30);
    is_str(show(&p, "a.example", QP_DNS_SOA, pool), "FOUND/60 ns.example",
           "SOA");
    begin(&p, 0, "a.example", QP_DNS_TLSA, 1);
    put_record(&p, "@12", QP_DNS_TLSA, 5, "\3\1\1\0", 4);
    is_str(show(&p, "a.example", QP_DNS_TLSA, pool), "FOUND/5 ", "TLSA");
}

static void test_nothing(apr_pool_t *pool)
{
    struct packet p;

    begin(&p, 3, "a.example", QP_DNS_A, 0 + AUTHORITY(1));
    put_soa(&p, "@14", 60, 30);
    is_str(show(&p, "a.example", QP_DNS_A, pool), "NXDOMAIN/30",
           "no such name, and for how long");
    begin(&p, 0, "a.example", QP_DNS_A, 0 + AUTHORITY(1));
    put_soa(&p, "@14", 20, 30);
    is_str(show(&p, "a.example", QP_DNS_A, pool), "NODATA/20",
           "no such record");
    begin(&p, 0, "a.example", QP_DNS_A, 0);
    is_str(show(&p, "a.example", QP_DNS_A, pool), "NODATA/0",
           "the same, not to be kept");
    begin(&p, 2, "a.example", QP_DNS_A, 0);
    is_str(show(&p, "a.example", QP_DNS_A, pool), "FAILED/0", "SERVFAIL");
    begin(&p, 5, "a.example", QP_DNS_A, 1);
    put_record(&p, "@12", QP_DNS_A, 300, "\xc0\x00\x02\x01", 4);
    is_str(show(&p, "a.example", QP_DNS_A, pool), "FAILED/0",
           "REFUSED, whatever else it says");
}

static void test_alias(apr_pool_t *pool)
{
    struct packet p;
    int i;

    begin(&p, 0, "a.example", QP_DNS_A, 3);
    put_record(&p, "c.example", QP_DNS_A, 300, "\xc0\x00\x02\x01", 4);
    put_named(&p, "b.example", 5, 0, "c.example");
    put_named(&p, "@12", 5, 0, "b.example");
    is_str(show(&p, "a.example", QP_DNS_A, pool), "FOUND/300 192.0.2.1",
           "aliases, in any order");
    begin(&p, 0, "a.example", QP_DNS_A, 1);
    put_named(&p, "@12", 5, 0, "b.other");
    is_str(show(&p, "a.example", QP_DNS_A, pool), "NODATA/0 -> b.other",
           "an alias alone: its target has to be asked for");
    begin(&p, 0, "a.example", QP_DNS_A, 1 + AUTHORITY(1));
    put_named(&p, "@12", 5, 0, "b.other");
    put_soa(&p, "other", 60, 60);
    is_str(show(&p, "a.example", QP_DNS_A, pool), "NODATA/60",
           "an alias without such a record");
    begin(&p, 3, "a.example", QP_DNS_A, 1);
    put_named(&p, "@12", 5, 0, "b.other");
    is_str(show(&p, "a.example", QP_DNS_A, pool), "NXDOMAIN/0",
           "an alias of nothing");
    begin(&p, 0, "a.example", QP_DNS_A, 2);
    put_named(&p, "@12", 5, 0, "b.example");
    put_named(&p, "b.example", 5, 0, "a.example");
    is_str(show(&p, "a.example", QP_DNS_A, pool), "FAILED/0", "a loop");
    begin(&p, 0, "n00.example", QP_DNS_A, 20);
    for (i = 0; i < 20; i++) {
        put_named(&p, apr_psprintf(pool, "n%02d.example", i), 5, 0,
                  apr_psprintf(pool, "n%02d.example", i + 1));
    }
    is_str(show(&p, "n00.example", QP_DNS_A, pool), "FAILED/0",
           "too many aliases");
}

/* What does not belong to the question is not believed. */
static void test_foreign(apr_pool_t *pool)
{
    struct packet p;
    int i;

    begin(&p, 0, "a.example", QP_DNS_A, 2);
    put_record(&p, "b.example", QP_DNS_A, 300, "\xc0\x00\x02\x09", 4);
    put_record(&p, "@12", QP_DNS_A, 300, "\xc0\x00\x02\x01", 4);
    is_str(show(&p, "a.example", QP_DNS_A, pool), "FOUND/300 192.0.2.1",
           "a record of another name");
    begin(&p, 0, "b.example", QP_DNS_A, 1);
    put_record(&p, "a.example", QP_DNS_A, 300, "\xc0\x00\x02\x01", 4);
    is_str(show(&p, "a.example", QP_DNS_A, pool), "FAILED/0",
           "another question");
    begin(&p, 0, "a.example", QP_DNS_AAAA, 1);
    put_record(&p, "@12", QP_DNS_A, 300, "\xc0\x00\x02\x01", 4);
    is_str(show(&p, "a.example", QP_DNS_A, pool), "FAILED/0",
           "a question of another type");
    begin(&p, 0, "a.example", QP_DNS_A, 1);
    put_record(&p, "@12", QP_DNS_A, 300, "\xc0\x00\x02\x01\x05", 5);
    is_str(show(&p, "a.example", QP_DNS_A, pool), "FAILED/0",
           "an address of five octets");
    begin(&p, 0, "a.example", QP_DNS_TXT, 1);
    put_record(&p, "@12", QP_DNS_TXT, 300, "\x05hell", 5);
    is_str(show(&p, "a.example", QP_DNS_TXT, pool), "FAILED/0",
           "a string beyond its record");
    begin(&p, 0, "a.example", QP_DNS_PTR, 2);
    put_named(&p, "@12", QP_DNS_PTR, 0, "evil\r\nX-Y: z.example");
    put_named(&p, "@12", QP_DNS_PTR, 0, "good.example");
    is_str(show(&p, "a.example", QP_DNS_PTR, pool), "FOUND/300 good.example",
           "a name that is none");
    begin(&p, 0, "a.example", QP_DNS_A, 99);
    for (i = 0; i < 99; i++) {
        put_record(&p, "@12", QP_DNS_A, 300, "\xc0\x00\x02\x01", 4);
    }
    is_int(count_words(show(&p, "a.example", QP_DNS_A, pool)),
           1 + QP_DNS_MAX_RECORDS, "too many records");
}

/* Pointers. -------------------------------------------------------------- */

static void test_pointers(apr_pool_t *pool)
{
    struct packet p;
    int here;

    begin(&p, 0, "a.example", QP_DNS_PTR, 1);
    here = (int)p.len;
    put_frame(&p, apr_psprintf(pool, "@%d", here), QP_DNS_PTR, 1, 1);
    put(&p, "", 1);
    is_str(show(&p, "a.example", QP_DNS_PTR, pool), "FAILED/0",
           "a pointer to itself");
    begin(&p, 0, "a.example", QP_DNS_PTR, 1);
    here = (int)p.len;
    put_frame(&p, apr_psprintf(pool, "@%d", here + 2), QP_DNS_PTR, 1, 1);
    put(&p, "", 1);
    is_str(show(&p, "a.example", QP_DNS_PTR, pool), "FAILED/0",
           "a pointer forward");
    begin(&p, 0, "a.example", QP_DNS_PTR, 1);
    here = (int)p.len;
    put_frame(&p, apr_psprintf(pool, "b.@%d", here), QP_DNS_PTR, 1, 1);
    put(&p, "", 1);
    is_str(show(&p, "a.example", QP_DNS_PTR, pool), "FAILED/0",
           "a name that contains itself");
}

/* Whatever is cut off or changed, reading ends, and stays inside: the copy has
 * nothing behind it, which the address sanitizer watches. */
static void test_damage(apr_pool_t *pool)
{
    struct packet p;
    struct packet q;
    unsigned char *copy;
    char next[QP_DNS_NAME_MAX + 1];
    qp_dns_data *data;
    int nfound = 0;
    size_t i;
    int bit;

    begin(&p, 0, "a.example", QP_DNS_MX, 3 + AUTHORITY(1));
    put_named(&p, "@12", 5, 0, "b.example");
    put_named(&p, "b.@14", QP_DNS_MX, 10, "m1.@14");
    put_named(&p, "b.@14", QP_DNS_MX, 10, "m2.example");
    put_soa(&p, "@14", 60, 60);
    for (i = 0; i <= p.len; i++) {
        copy = malloc(i + 1);
        memcpy(copy, p.octets, i);
        copy = realloc(copy, i > 0 ? i : 1);
        data = qp_dns_parse(copy, i, "a.example", QP_DNS_MX, next);
        nfound += data->result == QP_DNS_FOUND;
        qp_dns_data_unref(data);
        free(copy);
    }
    ok(nfound >= 1 && nfound <= 60,
       "cut off: only behind the answers it is one (%d)", nfound);
    for (i = 0; i < p.len; i++) {
        for (bit = 0; bit < 256; bit++) {
            q = p;
            q.octets[i] = (unsigned char)bit;
            data = qp_dns_parse(q.octets, q.len, "a.example", QP_DNS_MX, next);
            nfound += data->result;
            qp_dns_data_unref(data);
        }
    }
    ok(nfound > 0, "every octet changed: read to its end");
}

/* The cache. ------------------------------------------------------------- */

static void test_cache(apr_pool_t *parent)
{
    apr_pool_t *pool;
    qp_dns_cache *cache;
    qp_dns_data *data;
    qp_dns_data *got;
    int i;

    apr_pool_create(&pool, parent);
    cache = qp_dns_cache_create(pool);
    data = qp_dns_data_create(QP_DNS_NXDOMAIN);
    qp_dns_cache_put(cache, QP_DNS_A, "a.example", NULL, data);
    ok(qp_dns_cache_get(cache, QP_DNS_A, "a.example", NULL) == NULL,
       "without a time it is not kept");
    data->ttl = 60;
    qp_dns_cache_put(cache, QP_DNS_A, "a.example", NULL, data);
    got = qp_dns_cache_get(cache, QP_DNS_A, "a.example", NULL);
    ok(got == data, "with one it is");
    qp_dns_data_unref(got);
    ok(qp_dns_cache_get(cache, QP_DNS_AAAA, "a.example", NULL) == NULL,
       "another type");
    ok(qp_dns_cache_get(cache, QP_DNS_A, "a.exampl", NULL) == NULL,
       "another name");
    ok(qp_dns_cache_get(cache, QP_DNS_A, "a.example", "192.0.2.1:53") == NULL,
       "other servers");
    for (i = 0; i < 5000; i++) {
        qp_dns_cache_put(cache, QP_DNS_A, apr_psprintf(pool, "n%d.example", i),
                         "192.0.2.1:53", data);
    }
    got = qp_dns_cache_get(cache, QP_DNS_A, "n4999.example", "192.0.2.1:53");
    ok(got == data, "the newest of many");
    qp_dns_data_unref(got);
    ok((int)data->refs <= 1025, "it is bounded");
    apr_pool_destroy(pool);
    is_int(data->refs, 1, "and lets go of all");
    qp_dns_data_unref(data);
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_names();
    test_reverse(pool);
    test_servers(pool);
    test_found(pool);
    test_nothing(pool);
    test_alias(pool);
    test_foreign(pool);
    test_pointers(pool);
    test_damage(pool);
    test_cache(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
