/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of qp_addr: a table of paths (what RFC 5321 4.1.2 allows and what
 * mail servers were seen to take by mistake), the limits of lengths, and
 * random addresses there and back. Covers R28, R50, R51, R52, R53, R55.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "wire/qp_addr.h"

#define NRANDOM 20000

/** A path; user NULL: refused; format NULL: the same as the path. */
struct row {
    const char *path;
    const char *user;
    const char *host;
    const char *format;
};

static const struct row rows[] = {
    { "<>", "", "", NULL },
    { "<postmaster>", "postmaster", "", NULL },
    { "<Postmaster>", "postmaster", "", "<postmaster>" },
    { "<POSTMASTER>", "postmaster", "", "<postmaster>" },
    { "<Postmaster@example.com>", "Postmaster", "example.com", NULL },
    { "<abuse>", NULL, NULL, NULL },
    { "<user>", NULL, NULL, NULL },
    { "<\"postmaster\">", NULL, NULL, NULL },
    { "<foo@example.com>", "foo", "example.com", NULL },
    { "<foo@EXAMPLE.com>", "foo", "EXAMPLE.com", NULL },
    { "<foo@localhost>", "foo", "localhost", NULL },
    { "<foo@foo.x.example.com>", "foo", "foo.x.example.com", NULL },
    { "<foo@3com.com>", "foo", "3com.com", NULL },
    { "<foo@123>", "foo", "123", NULL },
    { "<foo@xn--bcher-kva.example>", "foo", "xn--bcher-kva.example", NULL },
    { "<foo@example.com.>", NULL, NULL, NULL },
    { "<foo@example.com >", NULL, NULL, NULL },
    { "< foo@example.com>", NULL, NULL, NULL },
    { "<foo bar@example.com>", NULL, NULL, NULL },
    { "<ask @perl.org>", NULL, NULL, NULL },
    { "<ask@ perl.org>", NULL, NULL, NULL },
    { "<\"foo bar\"@example.com>", "foo bar", "example.com", NULL },
    { "<\"foo\\ bar\"@example.com>", "foo bar", "example.com",
      "<\"foo bar\"@example.com>" },
    { "<\"a\\\"b\"@example.com>", "a\"b", "example.com", NULL },
    { "<\"a\\\\b\"@example.com>", "a\\b", "example.com", NULL },
    { "<\"\"@example.com>", "", "example.com", NULL },
    { "<\"plain\"@example.com>", "plain", "example.com",
      "<plain@example.com>" },
    { "<\"a..b\"@example.com>", "a..b", "example.com", NULL },
    { "<\"a>b\"@example.com>", "a>b", "example.com", NULL },
    { "<\"a@b@c.com\"@example.com>", "a@b@c.com", "example.com", NULL },
    { "<\"musa_ibrah@caramail.comandrea.luger\"@wifo.ac.at>",
      "musa_ibrah@caramail.comandrea.luger", "wifo.ac.at", NULL },
    { "<a..b@example.com>", NULL, NULL, NULL },
    { "<.a@example.com>", NULL, NULL, NULL },
    { "<a.@example.com>", NULL, NULL, NULL },
    { "<a.b.c@example.com>", "a.b.c", "example.com", NULL },
    { "<user@example.com#>", NULL, NULL, NULL },
    { "<user@-example.com>", NULL, NULL, NULL },
    { "<user@example-.com>", NULL, NULL, NULL },
    { "<user@example.com->", NULL, NULL, NULL },
    { "<user@ex-am--ple.com>", "user", "ex-am--ple.com", NULL },
    { "<user@exa_mple.com>", NULL, NULL, NULL },
    { "<user@[1.2.3.4]>", "user", "[1.2.3.4]", NULL },
    { "<user@[255.255.255.255]>", "user", "[255.255.255.255]", NULL },
    { "<user@[999.2.3.4]>", NULL, NULL, NULL },
    { "<user@[1.2.3.256]>", NULL, NULL, NULL },
    { "<user@[01.2.3.4]>", NULL, NULL, NULL },
    { "<user@[1.2.3]>", NULL, NULL, NULL },
    { "<user@[1.2.3.4.5]>", NULL, NULL, NULL },
    { "<user@[1.2.3.4 ]>", NULL, NULL, NULL },
    { "<user@[1.2.3.4>", NULL, NULL, NULL },
    { "<user@1.2.3.4]>", NULL, NULL, NULL },
    { "<user@[1.2.3.4]]>", NULL, NULL, NULL },
    { "<user@[]>", NULL, NULL, NULL },
    { "<user@[>", NULL, NULL, NULL },
    { "<user@]>", NULL, NULL, NULL },
    { "<user@[IPv6:::1]>", "user", "[IPv6:::1]", NULL },
    { "<user@[ipv6:::1]>", "user", "[ipv6:::1]", NULL },
    { "<user@[IPv6:2001:db8::1]>", "user", "[IPv6:2001:db8::1]", NULL },
    { "<user@[IPv6:::ffff:1.2.3.4]>", "user", "[IPv6:::ffff:1.2.3.4]", NULL },
    { "<user@[IPv6:1:2:3:4:5:6:7:8]>", "user", "[IPv6:1:2:3:4:5:6:7:8]", NULL },
    { "<user@[IPv6:1:2:3:4:5:6:7]>", NULL, NULL, NULL },
    { "<user@[IPv6:1:2:3:4:5:6:7:8:9]>", NULL, NULL, NULL },
    { "<user@[IPv6:1::2::3]>", NULL, NULL, NULL },
    { "<user@[IPv6:fe80::1%eth0]>", NULL, NULL, NULL },
    { "<user@[IPv6:12345::1]>", NULL, NULL, NULL },
    { "<user@[IPv6:1.2.3.4]>", NULL, NULL, NULL },
    { "<user@[IPv6:]>", NULL, NULL, NULL },
    { "<user@[IPv6:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]>", NULL,
      NULL, NULL },
    { "<user@[2001:db8::1]>", NULL, NULL, NULL },
    { "<user@[x400:abc]>", NULL, NULL, NULL },
    { "<user@1.2.3.4>", NULL, NULL, NULL },
    { "<user@1.2.3>", NULL, NULL, NULL },
    { "<user@1.2.3.4.example>", "user", "1.2.3.4.example", NULL },
    { "<user@example..com>", NULL, NULL, NULL },
    { "<user@.example.com>", NULL, NULL, NULL },
    { "<user@.>", NULL, NULL, NULL },
    { "<@a:postmaster@test>", "postmaster", "test", "<postmaster@test>" },
    { "<@a,@b:user@test>", "user", "test", "<user@test>" },
    { "<@a.example,@b:\"x y\"@test>", "x y", "test", "<\"x y\"@test>" },
    { "<@a:postmaster>", NULL, NULL, NULL },
    { "<@a:>", NULL, NULL, NULL },
    { "<@a,:user@test>", NULL, NULL, NULL },
    { "<@a,b:user@test>", NULL, NULL, NULL },
    { "<@a, @b:user@test>", NULL, NULL, NULL },
    { "<@:user@test>", NULL, NULL, NULL },
    { "<@a@b:user@test>", NULL, NULL, NULL },
    { "<@a_b:user@test>", NULL, NULL, NULL },
    { "<@a:@b:user@test>", NULL, NULL, NULL },
    { "<@192.168.1.1>", NULL, NULL, NULL },
    { "<@example.com>", NULL, NULL, NULL },
    { "<matt@>", NULL, NULL, NULL },
    { "<@>", NULL, NULL, NULL },
    { "<a@b@c.com>", NULL, NULL, NULL },
    { "<user=name@example.net>", "user=name", "example.net", NULL },
    { "<user+tag@example.com>", "user+tag", "example.com", NULL },
    { "<user%host@example.com>", "user%host", "example.com", NULL },
    { "<host!user@example.com>", "host!user", "example.com", NULL },
    { "<-user@example.com>", "-user", "example.com", NULL },
    { "<!#$%&'*+-/=?^_`{|}~@example.com>", "!#$%&'*+-/=?^_`{|}~", "example.com",
      NULL },
    { "<postmaster@>", NULL, NULL, NULL },
    { "<<foo@example.com>>", NULL, NULL, NULL },
    { "<foo@example.com>>", NULL, NULL, NULL },
    { "<foo@example.com", NULL, NULL, NULL },
    { "foo@example.com>", NULL, NULL, NULL },
    { "foo@example.com", NULL, NULL, NULL },
    { "postmaster", NULL, NULL, NULL },
    { "", NULL, NULL, NULL },
    { "<", NULL, NULL, NULL },
    { ">", NULL, NULL, NULL },
    { "< >", NULL, NULL, NULL },
    { "<foo@ex ample.com>", NULL, NULL, NULL },
    { "<foo\x09@example.com>", NULL, NULL, NULL },
    { "<foo()@example.com>", NULL, NULL, NULL },
    { "<(foo)@example.com>", NULL, NULL, NULL },
    { "<foo,bar@example.com>", NULL, NULL, NULL },
    { "<,foo@example.com>", NULL, NULL, NULL },
    { "<foo:bar@example.com>", NULL, NULL, NULL },
    { "<foo;bar@example.com>", NULL, NULL, NULL },
    { "<foo\\@bar@example.com>", NULL, NULL, NULL },
    { "<\"foo@example.com>", NULL, NULL, NULL },
    { "<\"foo\\\"@example.com>", NULL, NULL, NULL },
    { "<\"foo\\>", NULL, NULL, NULL },
    { "<\"foo\"bar@example.com>", NULL, NULL, NULL },
    { "<\"foo\".bar@example.com>", NULL, NULL, NULL },
    { "<foo\"bar@example.com>", NULL, NULL, NULL },
    { "<\"foo\"@>", NULL, NULL, NULL },
    { "<\"foo\">", NULL, NULL, NULL },
    { "<\"a\rb\"@example.com>", NULL, NULL, NULL },
    { "<\"a\\\rb\"@example.com>", NULL, NULL, NULL },
    { "<\"a\nb\"@example.com>", NULL, NULL, NULL },
    { "<\"a\tb\"@example.com>", NULL, NULL, NULL },
    { "<\"a\x7f\"@example.com>", NULL, NULL, NULL },
    { "<a\x7f@example.com>", NULL, NULL, NULL },
    { "<\xc3\xa9t\xc3\xa9@test>", NULL, NULL, NULL },
    { "<t\xc3\xa9@test>", NULL, NULL, NULL },
    { "<\"t\xc3\xa9\"@test>", NULL, NULL, NULL },
    { "<user@t\xc3\xa9st.com>", NULL, NULL, NULL },
    { "<#@[]>", NULL, NULL, NULL },
    { "<user@[undefined]>", NULL, NULL, NULL },
    { "<user@[10.0.0.1].com>", NULL, NULL, NULL },
};

static void test_rows(apr_pool_t *pool)
{
    const struct row *row;
    const char *error;
    qp_addr *addr;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        row = &rows[i];
        addr = NULL;
        error = qp_addr_parse(row->path, &addr, pool);
        if (row->user == NULL) {
            ok(error != NULL && *error != '\0', "%s is refused", row->path);
            continue;
        }
        if (!ok(error == NULL, "%s is taken", row->path)) {
            diag("%s", error);
            continue;
        }
        is_str(addr->user, row->user, "%s: user", row->path);
        is_str(addr->host, row->host, "%s: host", row->path);
        is_str(qp_addr_format(addr, pool),
               row->format != NULL ? row->format : row->path, "%s: format",
               row->path);
    }
}

/** "<" and @a nlocal letters "@" and labels, @a ndomain octets in all, ">". */
static const char *make_path(int nlocal, int ndomain, apr_pool_t *pool)
{
    char *path = apr_palloc(pool, (apr_size_t)(nlocal + ndomain) + 4);
    char *p = path;
    int i;

    *p++ = '<';
    memset(p, 'a', (size_t)nlocal);
    p += nlocal;
    *p++ = '@';
    for (i = 1; i <= ndomain; i++) {
        *p++ = i % 50 == 0 && i < ndomain ? '.' : 'b';
    }
    *p++ = '>';
    *p = '\0';
    return path;
}

static void test_lengths(apr_pool_t *pool)
{
    static const struct {
        int nlocal;
        int ndomain;
        int good;
    } sizes[] = {
        { 64, 10, 1 }, { 65, 10, 0 },  { 2000, 10, 0 }, { 1, 255, 1 },
        { 1, 256, 0 }, { 1, 2000, 0 }, { 64, 189, 1 },
    };
    const char *path;
    const char *name64 =
        "\"1234567890123456789012345678901234567890123456789012345678901 \"";
    qp_addr *addr;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(sizes); i++) {
        path = make_path(sizes[i].nlocal, sizes[i].ndomain, pool);
        is_int(qp_addr_parse(path, &addr, pool) == NULL, sizes[i].good,
               "local part of %d and domain of %d octets", sizes[i].nlocal,
               sizes[i].ndomain);
    }
    path = apr_pstrcat(pool, "<", name64, "@example.com>", NULL);
    is_str(qp_addr_parse(path, &addr, pool), NULL, "quotes within the 64");
    is_str(qp_addr_format(addr, pool), path, "and back");
    path = apr_pstrcat(pool, "<\"0", name64 + 1, "@example.com>", NULL);
    ok(qp_addr_parse(path, &addr, pool) != NULL, "quotes beyond the 64");
    path = make_path(60, 180, pool);
    path = apr_pstrcat(pool, "<@route123456:", path + 1, NULL);
    is_int((long long)strlen(path), 256, "a path of 256 octets");
    ok(qp_addr_parse(path, &addr, pool) == NULL, "is taken");
    path = apr_pstrcat(pool, "<@r", path + 2, NULL);
    ok(qp_addr_parse(path, &addr, pool) != NULL, "with a longer route not");
}

/** With SMTPUTF8 (RFC 6531 3.3); user NULL: refused. */
static const struct row utf8_rows[] = {
    { "<foo@example.com>", "foo", "example.com", NULL },
    { "<>", "", "", NULL },
    { "<\xc3\xa9@example.com>", "\xc3\xa9", "example.com", NULL },
    { "<t\xc3\xa9.x@example.com>", "t\xc3\xa9.x", "example.com", NULL },
    { "<\xe4\xbe\x8b@\xe4\xbe\x8b\xe3\x81\x88.example>", "\xe4\xbe\x8b",
      "\xe4\xbe\x8b\xe3\x81\x88.example", NULL },
    { "<a@b\xc3\xbc"
      "cher.example>",
      "a",
      "b\xc3\xbc"
      "cher.example",
      NULL },
    { "<\"\xc3\xa9 x\"@example.com>", "\xc3\xa9 x", "example.com", NULL },
    { "<\"\xc3\xa9\"@example.com>", "\xc3\xa9", "example.com",
      "<\xc3\xa9@example.com>" },
    { "<\"\\\xc3\xa9\"@example.com>", "\xc3\xa9", "example.com",
      "<\xc3\xa9@example.com>" },
    { "<\xf0\x9f\x93\xa7@example.com>", "\xf0\x9f\x93\xa7", "example.com",
      NULL },
    { "<@\xc3\xa9.example:a@example.com>", "a", "example.com",
      "<a@example.com>" },
    { "<\xc3\xa9>", NULL, NULL, NULL },
    { "<\xc3\xa9@>", NULL, NULL, NULL },
    { "<\xc3\xa9..x@example.com>", NULL, NULL, NULL },
    { "<\xc3\xa9@x@example.com>", NULL, NULL, NULL },
    { "<\xe9@example.com>", NULL, NULL, NULL },
    { "<a@\xe9.example>", NULL, NULL, NULL },
    { "<a\xc3@example.com>", NULL, NULL, NULL },
    { "<a\xc0\xae@example.com>", NULL, NULL, NULL },
    { "<a\xc2\x85@example.com>", NULL, NULL, NULL },
    { "<a\xe2\x80\xa8@example.com>", NULL, NULL, NULL },
    { "<\"a\xe2\x80\xa9\"@example.com>", NULL, NULL, NULL },
    { "<a@-\xc3\xa9.example>", NULL, NULL, NULL },
    { "<a@\xc3\xa9-.example>", NULL, NULL, NULL },
    { "<a@\xc3\xa9..example>", NULL, NULL, NULL },
    { "<a@[\xc3\xa9]>", NULL, NULL, NULL },
};

/** Refused by libidn2, and without it taken. */
static const char *const bad_names[] = {
    "<a@\xe2\x98\x83.example>",   "<a@x\xe2\x80\x8b.example>",
    "<a@x\xe3\x80\x82y.example>", "<a@\xef\xbc\xa1.example>",
    "<a@\xc3\x89.example>",       "<a@e\xcc\x81.example>",
    "<a@\xcc\x81.example>",
};

static void test_utf8(apr_pool_t *pool)
{
    const struct row *row;
    qp_addr *addr;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(utf8_rows); i++) {
        row = &utf8_rows[i];
        if (row->user == NULL) {
            ok(qp_addr_parse_utf8(row->path, &addr, pool) != NULL,
               "%s is refused", row->path);
            continue;
        }
        if (!is_str(qp_addr_parse_utf8(row->path, &addr, pool), NULL,
                    "%s is taken", row->path)) {
            continue;
        }
        is_str(addr->user, row->user, "%s: user", row->path);
        is_str(addr->host, row->host, "%s: host", row->path);
        is_str(qp_addr_format(addr, pool),
               row->format != NULL ? row->format : row->path, "%s: format",
               row->path);
    }
    for (i = 0; i < QP_ARRAY_LEN(bad_names); i++) {
        is_int(qp_addr_parse_utf8(bad_names[i], &addr, pool) != NULL,
               qp_utf8_has_idn(), "%s is no name", bad_names[i]);
    }
}

/** "<a@" and a label of @a n octets "." @a n2 octets. */
static void test_labels(apr_pool_t *pool)
{
    static const int sizes[][3] = {
        { 63, 1, 1 }, { 64, 1, 0 }, { 1, 63, 1 }, { 1, 64, 0 }, { 63, 63, 1 },
    };
    const char *path;
    qp_addr *addr;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(sizes); i++) {
        path = apr_psprintf(pool, "<a@%.*s.%.*s>", sizes[i][0],
                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                            sizes[i][1],
                            "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                            "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
        is_int(qp_addr_parse(path, &addr, pool) == NULL, sizes[i][2],
               "labels of %d and %d octets", sizes[i][0], sizes[i][1]);
    }
}

static void test_ascii_host(apr_pool_t *pool)
{
    static const qp_addr plain = { "a", "Example.ORG" };
    static const qp_addr literal = { "a", "[192.0.2.1]" };
    static const qp_addr none = { "", "" };
    static const qp_addr unicode = { "a", "\xc3\xa9.example" };

    is_str(qp_addr_ascii_host(&plain, pool), "Example.ORG", "a plain host");
    is_str(qp_addr_ascii_host(&literal, pool), "[192.0.2.1]", "a literal");
    is_str(qp_addr_ascii_host(&none, pool), "", "none");
    is_str(qp_addr_ascii_host(&unicode, pool),
           qp_utf8_has_idn() ? "xn--9ca.example" : NULL, "in UTF-8");
}

static void test_compare(apr_pool_t *pool)
{
    static const qp_addr null = { "", "" };
    static const qp_addr empty = { "", "example.com" };
    static const qp_addr ask = { "ask", "perl.org" };
    static const qp_addr ask_upper = { "ask", "PERL.ORG" };
    static const qp_addr upper = { "Ask", "perl.org" };
    static const qp_addr odd = { "a b", "perl.org" };
    static const qp_addr bare = { "postmaster", "" };
    qp_addr *copy;

    ok(qp_addr_is_null(&null), "null is null");
    ok(!qp_addr_is_null(&empty), "an empty local part is not");
    ok(!qp_addr_is_null(&bare), "nor is the bare postmaster");
    ok(qp_addr_equal(&ask, &ask_upper), "domains are equal in any case");
    ok(!qp_addr_equal(&ask, &upper), "local parts are not");
    ok(!qp_addr_equal(&null, &empty), "null differs from an empty user");
    ok(qp_addr_equal(&null, &null), "null equals null");
    is_str(qp_addr_text(&null, pool), "<>", "text of null");
    is_str(qp_addr_text(&ask, pool), "ask@perl.org", "text");
    is_str(qp_addr_text(&odd, pool), "a b@perl.org", "text is not quoted");
    is_str(qp_addr_text(&bare, pool), "postmaster", "text without domain");
    is_str(qp_addr_format(&bare, pool), "<postmaster>",
           "format without domain");
    copy = qp_addr_dup(&ask, pool);
    ok(copy != &ask && copy->user != ask.user && copy->host != ask.host,
       "a copy has its own memory");
    ok(qp_addr_equal(copy, &ask), "and the same content");
}

/** What no parser lets through, but a plugin may build. */
static void test_hostile(apr_pool_t *pool)
{
    static const qp_addr crlf = { "a\r\nb", "example.com" };
    static const qp_addr host = { "a", "b> SIZE=1\r\nRCPT TO:<c" };

    is_str(qp_addr_format(&crlf, pool), "<\"a??b\"@example.com>",
           "no line end in a local part");
    is_str(qp_addr_format(&host, pool), "<a@b??SIZE=1??RCPT?TO:?c>",
           "no line end, bracket or blank in a domain");
}

static unsigned int next_random(apr_uint64_t *state)
{
    *state = *state * APR_UINT64_C(6364136223846793005)
             + APR_UINT64_C(1442695040888963407);
    return (unsigned int)(*state >> 33);
}

/** Fills with octets of @a set. */
static const char *random_text(apr_uint64_t *state, const char *set,
                               unsigned int max, apr_pool_t *pool)
{
    unsigned int len = next_random(state) % (max + 1);
    char *text = apr_palloc(pool, len + 1);
    size_t nset = strlen(set);
    unsigned int i;

    for (i = 0; i < len; i++) {
        text[i] = set[next_random(state) % nset];
    }
    text[len] = '\0';
    return text;
}

/** Any printable local part comes back from its format. */
static void test_random_users(apr_pool_t *parent)
{
    static const char *const sets[] = { "ab.", "a\"\\ @<>,.", "aZ09!#$%&'*+-",
                                        " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
                                        "ab" };
    apr_uint64_t state = 20080101;
    apr_pool_t *pool;
    qp_addr addr;
    qp_addr *back;
    const char *text;
    int bad = 0;
    int i;

    apr_pool_create(&pool, parent);
    for (i = 0; i < NRANDOM; i++) {
        apr_pool_clear(pool);
        addr.user = random_text(&state, sets[i % 5], 30, pool);
        addr.host = i % 7 == 0 ? "[IPv6:2001:db8::1]" : "example.com";
        text = qp_addr_format(&addr, pool);
        if (qp_addr_parse(text, &back, pool) != NULL
            || !qp_addr_equal(&addr, back)
            || strcmp(addr.host, back->host) != 0) {
            diag("%s does not come back", text);
            bad++;
        }
    }
    is_int(bad, 0, "%d random local parts come back", NRANDOM);
    apr_pool_destroy(pool);
}

/** Whatever is taken has a format that is taken again, and the same. */
static void test_random_paths(apr_pool_t *parent)
{
    static const char set[] = "ab1.-@\"\\ ,:[]<>IPv6_\xc3\r";
    apr_uint64_t state = 5321;
    apr_pool_t *pool;
    qp_addr *addr;
    qp_addr *back;
    const char *text;
    int taken = 0;
    int bad = 0;
    int i;

    apr_pool_create(&pool, parent);
    for (i = 0; i < NRANDOM; i++) {
        apr_pool_clear(pool);
        text = apr_pstrcat(pool, "<", random_text(&state, set, 6, pool),
                           i % 2 == 0 ? "@" : "\"@a",
                           random_text(&state, set, 5, pool), ">", NULL);
        if (qp_addr_parse(text, &addr, pool) != NULL) {
            continue;
        }
        taken++;
        if (qp_addr_parse(qp_addr_format(addr, pool), &back, pool) != NULL
            || !qp_addr_equal(addr, back)
            || strpbrk(qp_addr_format(addr, pool), "\r\n\xc3") != NULL) {
            diag("%s does not come back", text);
            bad++;
        }
    }
    ok(taken > 20, "%d of %d random paths are taken", taken, NRANDOM);
    is_int(bad, 0, "and all come back");
    apr_pool_destroy(pool);
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    test_rows(pool);
    test_lengths(pool);
    test_utf8(pool);
    test_labels(pool);
    test_ascii_host(pool);
    test_compare(pool);
    test_hostile(pool);
    test_random_users(pool);
    test_random_paths(pool);
    return done_testing();
}
