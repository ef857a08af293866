/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of qp_utf8: forms of UTF-8 that are none (RFC 3629), characters that
 * end a line somewhere, and domains in ASCII. Covers R8, R28, R62.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>

#include "wire/qp_utf8.h"

static const struct {
    const char *text;
    int needed;
    int valid;
    int printable;
} rows[] = {
    { "", 0, 1, 1 },
    { "plain", 0, 1, 1 },
    { "a\tb", 0, 1, 0 },
    { "a\rb", 0, 1, 0 },
    { "a\x7f", 0, 1, 0 },
    { "\xc3\xa9", 1, 1, 1 },
    { "\xe2\x82\xac", 1, 1, 1 },
    { "\xf0\x9f\x93\xa7", 1, 1, 1 },
    { "\xf4\x8f\xbf\xbf", 1, 1, 1 },
    { "\xef\xbf\xbd", 1, 1, 1 },
    { "\xc2\xa0", 1, 1, 1 },
    { "\xc2\x80", 1, 1, 0 },
    { "\xc2\x85", 1, 1, 0 },
    { "\xc2\x9f", 1, 1, 0 },
    { "\xe2\x80\xa8", 1, 1, 0 },
    { "\xe2\x80\xa9", 1, 1, 0 },
    { "\xe2\x80\xa7", 1, 1, 1 },
    { "\xe9", 1, 0, 0 },
    { "\xc3", 1, 0, 0 },
    { "\xc3(", 1, 0, 0 },
    { "a\x80", 1, 0, 0 },
    { "\xbf", 1, 0, 0 },
    { "\xc0\xaf", 1, 0, 0 },
    { "\xc1\xbf", 1, 0, 0 },
    { "\xe0\x80\x8a", 1, 0, 0 },
    { "\xe0\x9f\xbf", 1, 0, 0 },
    { "\xf0\x80\x80\x8a", 1, 0, 0 },
    { "\xf0\x8f\xbf\xbf", 1, 0, 0 },
    { "\xed\xa0\x80", 1, 0, 0 },
    { "\xed\xbf\xbf", 1, 0, 0 },
    { "\xee\x80\x80", 1, 1, 1 },
    { "\xf4\x90\x80\x80", 1, 0, 0 },
    { "\xf5\x80\x80\x80", 1, 0, 0 },
    { "\xf8\x88\x80\x80\x80", 1, 0, 0 },
    { "\xff", 1, 0, 0 },
    { "\xe2\x82", 1, 0, 0 },
    { "\xf0\x9f\x93", 1, 0, 0 },
    { "\xf0\x9f\x93x", 1, 0, 0 },
};

static void test_rows(void)
{
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_int(qp_utf8_is_needed(rows[i].text), rows[i].needed,
               "row %d: not ASCII", (int)i);
        is_int(qp_utf8_is_valid(rows[i].text), rows[i].valid, "row %d: valid",
               (int)i);
        is_int(qp_utf8_is_printable(rows[i].text), rows[i].printable,
               "row %d: printable", (int)i);
    }
}

/* U+0080 to U+10FFFF, and what comes in between. */
static void test_all(void)
{
    char text[5] = "";
    unsigned int code;
    int nvalid = 0;

    for (code = 0x10000; code <= 0x10ffff; code++) {
        text[0] = (char)(0xf0 | code >> 18);
        text[1] = (char)(0x80 | (code >> 12 & 0x3f));
        text[2] = (char)(0x80 | (code >> 6 & 0x3f));
        text[3] = (char)(0x80 | (code & 0x3f));
        nvalid += qp_utf8_is_valid(text);
    }
    is_int(nvalid, 0x100000, "all of four octets are valid");
    text[3] = '\0';
    for (code = 0, nvalid = 0; code <= 0xffff; code++) {
        text[0] = (char)(0xe0 | code >> 12);
        text[1] = (char)(0x80 | (code >> 6 & 0x3f));
        text[2] = (char)(0x80 | (code & 0x3f));
        nvalid += qp_utf8_is_valid(text);
    }
    is_int(nvalid, 0x10000 - 0x800 - 0x800,
           "of three: not the short ones, not the surrogates");
}

static void test_domains(apr_pool_t *pool)
{
    static const char *const domains[][2] = {
        { "example.org", "example.org" },
        { "EXAMPLE.org", "EXAMPLE.org" },
        { "b\xc3\xbc"
          "cher.example",
          "xn--bcher-kva.example" },
        { "B\xc3\xbc"
          "CHER.Example",
          "xn--bcher-kva.example" },
        { "b\xc3\x9c"
          "cher.example",
          NULL },
        { "fa\xc3\x9f.de", "xn--fa-hia.de" },
        { "\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
          "xn--r8jz45g.xn--zckzah" },
        { "a\xe2\x80\x8b.example", NULL },
        { "\xcc\x81x.example", NULL },
        { "\xe2\x98\x83\xe2\x80\x8e.example", NULL },
    };
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(domains); i++) {
        if (!qp_utf8_has_idn() && qp_utf8_is_needed(domains[i][0])) {
            is_str(qp_utf8_ascii_domain(domains[i][0], pool), NULL,
                   "domain %d: without libidn2 none", (int)i);
            continue;
        }
        is_str(qp_utf8_ascii_domain(domains[i][0], pool), domains[i][1],
               "domain %d", (int)i);
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    test_rows();
    test_all();
    test_domains(pool);
    return done_testing();
}
