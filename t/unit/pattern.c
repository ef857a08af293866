/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_pattern: tables of patterns of each kind, faulty ones, and
 * expensive ones.
 */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

#include "wire/qp_pattern.h"

/* So long may the worst expression take; a second is for slow machines. */
#define LONGEST apr_time_from_sec(1)

static const struct {
    qp_pattern_kind kind;
    const char *line;
    const char *text;
    int matches;
} rows[] = {
    { QP_PATTERN_MAIL, "a@b.example", "A@B.Example", 1 },
    { QP_PATTERN_MAIL, "a@b.example", "xa@b.example", 0 },
    { QP_PATTERN_MAIL, "@b.example", "a@b.EXAMPLE", 1 },
    { QP_PATTERN_MAIL, "@b.example", "a@b.example@c.example", 0 },
    { QP_PATTERN_MAIL, "@b.example", "a@c.b.example", 0 },
    { QP_PATTERN_MAIL, "@", "a@", 1 },
    { QP_PATTERN_MAIL, "a+b@c.example", "a+b@c.example", 1 },
    { QP_PATTERN_MAIL, "a+b@c.example", "aab@c.example", 1 },
    { QP_PATTERN_MAIL, "/b.c/", "ABXCD@x", 1 },
    { QP_PATTERN_MAIL, "^b", "ab@x", 0 },
    { QP_PATTERN_MAIL, "^\xc3\xa4$", "\xc3\x84", 1 },
    { QP_PATTERN_MAIL, "^.$", "\xc3\xa4", 1 },
    { QP_PATTERN_MAIL, "^\xe4", "\xe4@x", 1 },
    { QP_PATTERN_MAIL, "^a", "a\xff\xfe", 1 },
    { QP_PATTERN_WORD, "host.example", "HOST.example", 1 },
    { QP_PATTERN_WORD, "host.*", "host.example", 0 },
    { QP_PATTERN_WORD, "host.*", "host.*", 1 },
    { QP_PATTERN_WORD, "/host.*/", "my.host.example", 1 },
    { QP_PATTERN_WORD, "//", "//", 1 },
    { QP_PATTERN_WORD, "/", "/", 1 },
    { QP_PATTERN_HELO, "localhost", "LocalHost", 1 },
    { QP_PATTERN_HELO, "local.host", "localxhost", 0 },
    { QP_PATTERN_HELO, "^\\d+$", "123", 1 },
    { QP_PATTERN_HELO, "^\\d+$", "123x", 0 },
    { QP_PATTERN_HELO, "!\\.", "nodots", 1 },
    { QP_PATTERN_HELO, "!\\.", "with.dots", 0 },
    { QP_PATTERN_HELO, "/(a|b)/", "xbx", 1 },
    { QP_PATTERN_REGEX, "example", "an-example.org", 1 },
    { QP_PATTERN_REGEX, "/example/", "an-example.org", 1 },
    { QP_PATTERN_REGEX, "^example", "an-example.org", 0 },
};

static const struct {
    qp_pattern_kind kind;
    const char *line;
    const char *error;
} faulty[] = {
    { QP_PATTERN_MAIL, "word", "\"word\" is no address" },
    { QP_PATTERN_MAIL, "*@b", "\"*@b\" is no regular expression: quantifier" },
    { QP_PATTERN_MAIL, "/(/ x", "\"/(/\" is no regular expression: missing" },
    { QP_PATTERN_WORD, "/[/", "\"/[/\" is no regular expression: missing" },
    { QP_PATTERN_HELO, "!", NULL },
    { QP_PATTERN_HELO, "(", "\"(\" is no regular expression: missing" },
    { QP_PATTERN_REGEX, "\\", "\"\\\" is no regular expression: \\ at end" },
    { QP_PATTERN_REGEX, "a\\Cb", "\"a\\Cb\" is no regular expression: using" },
};

static const char *const expensive[] = { "^(a+)+$", "^(a|aa)+$", "^(a*)*[bc]$",
                                         "(.*)*(.*)*(.*)*x$",
                                         "^(?:a?){64}a{64}$" };

static void test_rows(apr_pool_t *pool)
{
    qp_pattern *pattern = NULL;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_str(qp_pattern_read(rows[i].line, rows[i].kind, &pattern, pool),
               NULL, "%s", rows[i].line);
        is_int(qp_pattern_match(pattern, rows[i].text), rows[i].matches,
               "kind %d: %s, %s", (int)rows[i].kind, rows[i].line,
               rows[i].text);
    }
}

static void test_faulty(apr_pool_t *pool)
{
    qp_pattern *pattern = NULL;
    const char *error;
    char *longest = apr_palloc(pool, 5001);
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(faulty); i++) {
        error = qp_pattern_read(faulty[i].line, faulty[i].kind, &pattern, pool);
        if (faulty[i].error == NULL) {
            is_str(error, NULL, "%s is none", faulty[i].line);
        }
        else {
            ok(error != NULL
                   && strncmp(error, faulty[i].error, strlen(faulty[i].error))
                          == 0,
               "%s: %s", faulty[i].line, error != NULL ? error : "no fault");
        }
    }
    memset(longest, 'x', 5000);
    longest[5000] = '\0';
    ok(qp_pattern_read(longest, QP_PATTERN_REGEX, &pattern, pool) != NULL,
       "an expression that is too long");
}

static void test_expensive(apr_pool_t *pool)
{
    static const char text[] =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example";
    qp_pattern *pattern = NULL;
    apr_time_t start;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(expensive); i++) {
        is_str(qp_pattern_read(expensive[i], QP_PATTERN_REGEX, &pattern, pool),
               NULL, "%s", expensive[i]);
        start = apr_time_now();
        is_int(qp_pattern_match(pattern, text), -1, "costs too much");
        ok(apr_time_now() - start < LONGEST, "and takes no time");
        is_int(qp_pattern_first_fault(pattern), 1, "to be said");
        is_int(qp_pattern_first_fault(pattern), 0, "once");
    }
}

static void test_parts(apr_pool_t *pool)
{
    qp_pattern *pattern = NULL;
    void *whole = NULL;

    is_str(qp_pattern_read("a@b \t for a reason", QP_PATTERN_MAIL, &pattern,
                           pool),
           NULL, "a line with more");
    is_str(qp_pattern_text(pattern), "a@b", "the pattern");
    is_str(qp_pattern_rest(pattern), "for a reason", "the rest");
    is_str(qp_pattern_read("a@b", QP_PATTERN_MAIL, &pattern, pool), NULL,
           "a line with no more");
    is_str(qp_pattern_rest(pattern), "", "no rest");

    is_str(qp_pattern_mails("a@b", &whole, pool), NULL, "a reader");
    ok(qp_pattern_mails("word", &whole, pool) != NULL, "has faults, too");
    is_str(qp_pattern_words("word", &whole, pool), NULL, "of another kind");
    is_str(qp_pattern_helos("!x", &whole, pool), NULL, "and another");
    is_str(qp_pattern_regexes("x", &whole, pool), NULL, "and another");
    is_int(((apr_array_header_t *)whole)->nelts, 4, "one list of all");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_rows(pool);
    test_faulty(pool);
    test_expensive(pool);
    test_parts(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
