/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of qp_cmdline: command lines, and what the built-in parsers make of
 * them. A line of MAIL or RCPT goes all the way: path, parameters, address.
 * Covers R47, R52, R54, R58.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "wire/qp_cmdline.h"

static void test_split(apr_pool_t *pool)
{
    static const char *const rows[][3] = {
        { "", "", "" },
        { "QUIT", "QUIT", "" },
        { "quit   ", "quit", "" },
        { "QUIT\t", "QUIT", "" },
        { "QUIT \t ", "QUIT", "" },
        { "MAIL FROM:<a@b.c>", "MAIL", "FROM:<a@b.c>" },
        { "Noop   a  b \t", "Noop", "a  b" },
        { "NOOP \ta", "NOOP", "a" },
        { "NOOP\ta b", "NOOP\ta", "b" },
        { " QUIT", "", "QUIT" },
        { "\tQUIT", "", "QUIT" },
        { "   ", "", "" },
        { "\t", "", "" },
    };
    const char *verb;
    const char *rest;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        rest = NULL;
        verb = qp_cmdline_split(apr_pstrdup(pool, rows[i][0]), &rest);
        is_str(verb, rows[i][1], "split \"%s\": verb", rows[i][0]);
        is_str(rest, rows[i][2], "split \"%s\": rest", rows[i][0]);
    }
}

/** How far a line of MAIL or RCPT comes. */
enum outcome {
    GOOD,
    BAD_PATH,   /**< refused by qp_cmdline_path */
    BAD_PARAMS, /**< by qp_cmdline_params */
    BAD_ADDR    /**< by qp_addr_parse, unless mail_pre mends it */
};

/** want: the address text, and behind it each parameter after a ';'. */
struct path_row {
    const char *keyword;
    const char *line;
    enum outcome outcome;
    const char *want;
};

static const struct path_row path_rows[] = {
    { "FROM:", "FROM:<user@example.com>", GOOD, "<user@example.com>" },
    { "FROM:", "FROM: <user@example.com>", GOOD, "<user@example.com>" },
    { "FROM:", "FROM: \t <user@example.com>", GOOD, "<user@example.com>" },
    { "FROM:", "from:<user@example.com>", GOOD, "<user@example.com>" },
    { "FROM:", "From:<user@example.com>", GOOD, "<user@example.com>" },
    { "FROM:", "FROM <user@example.com>", BAD_PATH, NULL },
    { "FROM:", "FROM :<user@example.com>", BAD_PATH, NULL },
    { "FROM:", "<a@b.c>", BAD_PATH, NULL },
    { "FROM:", "TO:<a@b.c>", BAD_PATH, NULL },
    { "FROM:", "FRO", BAD_PATH, NULL },
    { "FROM:", "", BAD_PATH, NULL },
    { "FROM:", "FROM:", BAD_PATH, NULL },
    { "FROM:", "FROM:  \t", BAD_PATH, NULL },
    { "FROM:", "FROM:<>", GOOD, "<>" },
    { "FROM:", "FROM:<> SIZE=100", GOOD, "<>;SIZE=100" },
    { "FROM:", "FROM:<a@b.c> SIZE=100 BODY=8BITMIME", GOOD,
      "<a@b.c>;SIZE=100;BODY=8BITMIME" },
    { "FROM:", "FROM:<a@b.c> size=100", GOOD, "<a@b.c>;size=100" },
    { "FROM:", "FROM:<a@b.c>\tSIZE=100", GOOD, "<a@b.c>;SIZE=100" },
    { "FROM:", "FROM:<a@b.c> FLAG", GOOD, "<a@b.c>;FLAG" },
    { "FROM:", "FROM:<a@b.c>   ", GOOD, "<a@b.c>" },
    { "FROM:", "FROM:<a@b.c> FLAG=", BAD_PARAMS, "<a@b.c>;FLAG=" },
    { "FROM:", "FROM:<a@b.c> FLAG==x", BAD_PARAMS, "<a@b.c>;FLAG==x" },
    { "FROM:", "FROM:<a@b.c> FOO=bar=baz", BAD_PARAMS, "<a@b.c>;FOO=bar=baz" },
    { "FROM:", "FROM:<a@b.c> =x", BAD_PARAMS, "<a@b.c>;=x" },
    { "FROM:", "FROM:<a@b.c> -A=x", BAD_PARAMS, "<a@b.c>;-A=x" },
    { "FROM:", "FROM:<a@b.c> A_B=x", BAD_PARAMS, "<a@b.c>;A_B=x" },
    { "FROM:", "FROM:<a@b.c> SIZE = 1", BAD_PARAMS, "<a@b.c>;SIZE;=;1" },
    { "FROM:", "FROM:<a@b.c> A=\x7f", BAD_PARAMS, "<a@b.c>;A=\x7f" },
    { "FROM:", "FROM:<a@b.c> A=\xc3\xa9", GOOD, "<a@b.c>;A=\xc3\xa9" },
    { "FROM:", "FROM:<a@b.c> A=\xa9", BAD_PARAMS, "<a@b.c>;A=\xa9" },
    { "FROM:", "FROM:<a@b.c> A=\xc2\x85", BAD_PARAMS, "<a@b.c>;A=\xc2\x85" },
    { "FROM:", "FROM:<a@b.c> A=\x01", BAD_PARAMS, "<a@b.c>;A=\x01" },
    { "FROM:", "FROM:<a@b.c> SIZE=1 size=2", BAD_PARAMS,
      "<a@b.c>;SIZE=1;size=2" },
    { "FROM:", "FROM:<a@b.c> FLAG FLAG", BAD_PARAMS, "<a@b.c>;FLAG;FLAG" },
    { "FROM:", "FROM:<a@b.c>SIZE=100", BAD_PATH, NULL },
    { "FROM:", "FROM:<a@b.c>>", BAD_PATH, NULL },
    { "FROM:", "FROM:<a@b.c", BAD_PATH, NULL },
    { "FROM:", "FROM:<a@b.c SIZE=1", BAD_PATH, NULL },
    { "FROM:", "FROM:<", BAD_PATH, NULL },
    { "FROM:", "FROM:a@b.c", BAD_ADDR, "a@b.c" },
    { "FROM:", "FROM:a@b.c SIZE=1", BAD_ADDR, "a@b.c;SIZE=1" },
    { "FROM:", "FROM:user=name@example.net", BAD_ADDR,
      "user=name@example.net" },
    { "FROM:", "FROM:SIZE=100", BAD_ADDR, "SIZE=100" },
    { "FROM:", "FROM:<foo bar@example.com>", BAD_ADDR,
      "<foo bar@example.com>" },
    { "FROM:", "FROM:<foo@example.com> <bar@example.com>", BAD_PARAMS,
      "<foo@example.com>;<bar@example.com>" },
    { "FROM:", "FROM:<foo@example.com>,<bar@example.com>", BAD_PATH, NULL },
    { "FROM:", "FROM:<<foo@example.com>>", BAD_PATH, NULL },
    { "FROM:", "FROM:<foo@example.com> ?bad", BAD_PARAMS,
      "<foo@example.com>;?bad" },
    { "FROM:", "FROM:<a@b.c>  AUTH=<>", GOOD, "<a@b.c>;AUTH=<>" },
    { "FROM:", "FROM:<a@b.c> AUTH=a+40b.c", GOOD, "<a@b.c>;AUTH=a+40b.c" },
    { "FROM:", "FROM:<a@b.c> RET=HDRS ENVID=QQ314159", GOOD,
      "<a@b.c>;RET=HDRS;ENVID=QQ314159" },
    { "FROM:", "FROM:<\"a b\"@b.c> SIZE=1", GOOD, "<\"a b\"@b.c>;SIZE=1" },
    { "FROM:", "FROM:<\"a> SIZE=9\"@b.c> SIZE=1", GOOD,
      "<\"a> SIZE=9\"@b.c>;SIZE=1" },
    { "FROM:", "FROM:<\"a\\\"> b\"@b.c> SIZE=1", GOOD,
      "<\"a\\\"> b\"@b.c>;SIZE=1" },
    { "FROM:", "FROM:<\"a\\\\\"@b.c> SIZE=1", GOOD, "<\"a\\\\\"@b.c>;SIZE=1" },
    { "FROM:", "FROM:<\"a> SIZE=1", BAD_PATH, NULL },
    { "FROM:", "FROM:<\"a\\", BAD_PATH, NULL },
    { "FROM:", "FROM:<foo\"bar@b.c> SIZE=1", BAD_PATH, NULL },
    { "FROM:", "FROM:<@x,@y:a@b.c>", GOOD, "<@x,@y:a@b.c>" },
    { "TO:", "TO:<user@example.com>", GOOD, "<user@example.com>" },
    { "TO:", "To: <user@example.com>", GOOD, "<user@example.com>" },
    { "TO:", "TO:user@example.com", BAD_ADDR, "user@example.com" },
    { "TO:", "TO:postmaster", BAD_ADDR, "postmaster" },
    { "TO:", "TO:abuse", BAD_ADDR, "abuse" },
    { "TO:", "TO:<postmaster>", GOOD, "<postmaster>" },
    { "TO:", "TO:<u@e.c> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;u@e.c", GOOD,
      "<u@e.c>;NOTIFY=SUCCESS,FAILURE;ORCPT=rfc822;u@e.c" },
    { "TO:", "TO:", BAD_PATH, NULL },
    { "TO:", "TO:<>", GOOD, "<>" },
    { "TO:", "<u@e.c>", BAD_PATH, NULL },
    { "TO:", "TO :<u@e.c>", BAD_PATH, NULL },
    { "TO:", "TO;<u@e.c>", BAD_PATH, NULL },
};

/** First and rest, joined by ';'. */
static const char *join(const qp_parsed *parsed, apr_pool_t *pool)
{
    const char *text = parsed->first;
    int i;

    for (i = 0; i < parsed->rest->nelts; i++) {
        text = apr_pstrcat(pool, text, ";",
                           APR_ARRAY_IDX(parsed->rest, i, const char *), NULL);
    }
    return text;
}

static enum outcome parse_rest(const qp_parsed *parsed, apr_pool_t *pool)
{
    apr_table_t *table;
    qp_addr *addr;
    const char *error = qp_cmdline_params(parsed->rest, &table, pool);

    if (error != NULL) {
        return BAD_PARAMS;
    }
    error = qp_addr_parse(parsed->first, &addr, pool);
    return error != NULL ? BAD_ADDR : GOOD;
}

static void test_path(apr_pool_t *pool)
{
    const struct path_row *row;
    const char *error;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(path_rows); i++) {
        qp_parsed parsed = { pool, NULL, NULL, NULL };

        row = &path_rows[i];
        error = qp_cmdline_path(row->line, row->keyword, &parsed);
        if (row->outcome == BAD_PATH) {
            ok(error != NULL && *error != '\0', "\"%s\" is refused", row->line);
            continue;
        }
        if (!is_str(error, NULL, "\"%s\" is taken", row->line)) {
            continue;
        }
        is_str(join(&parsed, pool), row->want, "\"%s\" is split", row->line);
        is_int(parse_rest(&parsed, pool), row->outcome, "\"%s\": outcome",
               row->line);
    }
}

static void test_params(apr_pool_t *pool)
{
    apr_array_header_t *rest =
        qp_str_words("Size=100 x-FLAG body=8BITMIME 8BIT=a%n\"\\;:<>", pool);
    apr_table_t *table = NULL;
    const apr_array_header_t *entries;
    const apr_table_entry_t *entry;

    is_str(qp_cmdline_params(rest, &table, pool), NULL, "parameters");
    is_int(apr_table_elts(table)->nelts, 4, "all are there");
    is_str(apr_table_get(table, "size"), "100", "a value");
    is_str(apr_table_get(table, "x-flag"), "", "no value");
    is_str(apr_table_get(table, "8bit"), "a%n\"\\;:<>", "an odd value");
    entries = apr_table_elts(table);
    entry = (const apr_table_entry_t *)entries->elts;
    is_str(entry[0].key, "size", "keys are in lower case");
    is_str(entry[2].val, "8BITMIME", "values are not");
    is_str(qp_cmdline_params(qp_str_words("", pool), &table, pool), NULL,
           "no parameters");
    is_int(apr_table_elts(table)->nelts, 0, "make an empty table");
}

/** want: host, and behind it each word after a ';'; NULL: refused. */
static void test_hello(apr_pool_t *pool)
{
    static const char *const rows[][2] = {
        { "mail.example.com", "mail.example.com" },
        { "localhost", "localhost" },
        { "my_pc.local.", "my_pc.local." },
        { "[1.2.3.4]", "[1.2.3.4]" },
        { "[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]" },
        { "[", NULL },
        { "[]", NULL },
        { "[1.2.3.4", NULL },
        { "1.2.3.4]", NULL },
        { "[1.2.3.256]", NULL },
        { "[1.2.3.4]x", NULL },
        { "[2001:db8::1]", NULL },
        { "[client.example]", NULL },
        { "2001:db8::1", NULL },
        { "host and  more\twords", "host;and;more;words" },
        { "host (a;b%n)", "host;(a;b%n)" },
        { "", NULL },
        { " \t", NULL },
        { "a\rb", NULL },
        { "a\x01", NULL },
        { "caf\xc3\xa9", NULL },
        { "host caf\xc3\xa9", NULL },
        { "host a\x7f", NULL },
        { "host a\rReceived:", NULL },
        { "a;b", NULL },
        { "a(b)", NULL },
        { "$(id)", NULL },
        { "a/b", NULL },
        { "<a>", NULL },
        { "a@b", NULL },
    };
    const char *error;
    const char *name;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        qp_parsed parsed = { pool, NULL, NULL, NULL };

        error = qp_cmdline_hello(rows[i][0], &parsed);
        if (rows[i][1] == NULL) {
            ok(error != NULL, "HELO \"%s\" is refused", rows[i][0]);
            continue;
        }
        is_str(error, NULL, "HELO \"%s\" is taken", rows[i][0]);
        is_str(join(&parsed, pool), rows[i][1], "HELO \"%s\" is split",
               rows[i][0]);
    }
    for (i = 255; i <= 256; i++) {
        char text[257];
        qp_parsed parsed = { pool, NULL, NULL, NULL };

        memset(text, 'a', i);
        text[i] = '\0';
        name = qp_cmdline_hello(text, &parsed);
        is_int(name == NULL, i == 255, "a host of %d octets", (int)i);
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    test_split(pool);
    test_path(pool);
    test_params(pool);
    test_hello(pool);
    return done_testing();
}
