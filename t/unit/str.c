/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of qp_str: tables of texts and what becomes of them. Each test makes
 * its results in one pool that lives as long as the program.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/qp_str.h"

/** A text with its length, which may hold NUL. */
#define TEXT(literal) literal, sizeof(literal) - 1

static void test_escape(void)
{
    static const struct {
        const char *text;
        apr_size_t len;
        apr_size_t size;
        const char *want;
    } rows[] = {
        { TEXT(""), 8, "" },
        { TEXT("plain text~"), 40, "plain text~" },
        { TEXT("a\r\nb"), 40, "a\\x0d\\x0ab" },
        { TEXT("a\0b"), 40, "a\\x00b" },
        { TEXT("tab\tend"), 40, "tab\\x09end" },
        { TEXT("\x1f\x7f\x80\xff"), 40, "\\x1f\\x7f\\x80\\xff" },
        { TEXT("C:\\x0a"), 40, "C:\\\\x0a" },
        { TEXT("1234567"), 8, "1234567" },
        { TEXT("12345678"), 8, "1234..." },
        { TEXT("123\n"), 8, "123\\x0a" },
        { TEXT("1234\n"), 8, "1234..." },
        { TEXT("123\n5"), 8, "123..." },
        { TEXT("\n\n"), 8, "\\x0a..." },
        { TEXT("\n\n"), 9, "\\x0a\\x0a" },
        { TEXT("\\\\\\\\"), 8, "\\\\\\\\..." },
    };
    char out[40];
    apr_size_t len;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        memset(out, 'Z', sizeof(out));
        len = qp_str_escape(out, rows[i].size, rows[i].text, rows[i].len);
        is_str(out, rows[i].want, "escape row %d", (int)i);
        is_int((long long)len, (long long)strlen(rows[i].want),
               "escape row %d returns its length", (int)i);
        ok(rows[i].size == sizeof(out) || out[rows[i].size] == 'Z',
           "escape row %d stays within its buffer", (int)i);
    }
}

static void test_clean(apr_pool_t *pool)
{
    static const char *const rows[][2] = {
        { "", "" },
        { "plain text~", "plain text~" },
        { "a\tb c", "a\tb c" },
        { "a\r\nb", "a??b" },
        { "caf\xc3\xa9\x7f", "caf???" },
    };
    char *text;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        text = apr_pstrdup(pool, rows[i][0]);
        qp_str_clean(text);
        is_str(text, rows[i][1], "clean row %d", (int)i);
    }
}

/** Joins words as "[one][two]". */
static const char *join(const apr_array_header_t *words, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < words->nelts; i++) {
        text = apr_pstrcat(pool, text, "[",
                           APR_ARRAY_IDX(words, i, const char *), "]", NULL);
    }
    return text;
}

static void test_words(apr_pool_t *pool)
{
    static const char *const rows[][2] = {
        { "", "" },
        { " \t ", "" },
        { "one", "[one]" },
        { " one\ttwo  three ", "[one][two][three]" },
        { "\"a b\"", "[\"a][b\"]" },
        { "a\nb", "[a\nb]" },
    };
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_str(join(qp_str_words(rows[i][0], pool), pool), rows[i][1],
               "words of row %d", (int)i);
    }
}

static void test_args(apr_pool_t *pool)
{
    static const char *const rows[][2] = {
        { "", "" },
        { "  \t", "" },
        { "rcpt_ok", "[rcpt_ok]" },
        { " loglevel\t6  file ", "[loglevel][6][file]" },
        { "reply \"go away\"", "[reply][go away]" },
        { "\"\"", "[]" },
        { "\"\" \"\"", "[][]" },
        { "a \"\" b", "[a][][b]" },
        { "reply=\"go away\"now", "[reply=go awaynow]" },
        { "\"say \\\"no\\\"\"", "[say \"no\"]" },
        { "\"C:\\\\dir\"", "[C:\\dir]" },
        { "\"\\n \\t\"", "[\\n \\t]" },
        { "C:\\dir \\\\x", "[C:\\dir][\\\\x]" },
        { "\"", NULL },
        { "a \"b c", NULL },
        { "\"a\\\"", NULL },
        { "\\\"a b\"", "[\\a b]" },
    };
    apr_array_header_t *words;
    const char *error;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        error = qp_str_args(rows[i][0], &words, pool);
        if (rows[i][1] == NULL) {
            ok(error != NULL, "args refuse row %d", (int)i);
            continue;
        }
        is_str(error, NULL, "args take row %d", (int)i);
        is_str(join(words, pool), rows[i][1], "args of row %d", (int)i);
    }
}

/** One text and its value; refused if good is 0. */
struct number_row {
    const char *text;
    int good;
    apr_int64_t value;
};

static const struct number_row number_rows[] = {
    { "0", 1, 0 },
    { "-0", 1, 0 },
    { "+7", 1, 7 },
    { "007", 1, 7 },
    { "-12", 1, -12 },
    { "9223372036854775807", 1, APR_INT64_MAX },
    { "9223372036854775808", 0, 0 },
    { "-9223372036854775808", 1, APR_INT64_MIN },
    { "-9223372036854775809", 0, 0 },
    { "99999999999999999999999", 0, 0 },
    { "", 0, 0 },
    { "-", 0, 0 },
    { "+-1", 0, 0 },
    { " 1", 0, 0 },
    { "1 ", 0, 0 },
    { "1e9", 0, 0 },
    { "0x10", 0, 0 },
    { "1.5", 0, 0 },
};

static const struct number_row size_rows[] = {
    { "0", 1, 0 },
    { "10000", 1, 10000 },
    { "1K", 1, 1024 },
    { "2k", 1, 2048 },
    { "25M", 1, 26214400 },
    { "3g", 1, APR_INT64_C(3221225472) },
    { "9223372036854775807", 1, APR_INT64_MAX },
    { "9223372036854775808", 0, 0 },
    { "9007199254740991K", 1, APR_INT64_C(9223372036854774784) },
    { "9007199254740992K", 0, 0 },
    { "8589934591G", 1, APR_INT64_C(9223372035781033984) },
    { "8589934592G", 0, 0 },
    { "", 0, 0 },
    { "K", 0, 0 },
    { "-1", 0, 0 },
    { "+1", 0, 0 },
    { "1KB", 0, 0 },
    { "1 K", 0, 0 },
    { "1T", 0, 0 },
    { "1 ", 0, 0 },
    { "1.5M", 0, 0 },
};

static const struct number_row time_rows[] = {
    { "0", 1, 0 },
    { "30", 1, 30000000 },
    { "30s", 1, 30000000 },
    { "250ms", 1, 250000 },
    { "1.5", 1, 1500000 },
    { "0.5ms", 1, 500 },
    { "5m", 1, 300000000 },
    { "1.25h", 1, APR_INT64_C(4500000000) },
    { "4d", 1, APR_INT64_C(345600000000) },
    { "0.000001", 1, 1 },
    { "0.0000019", 1, 1 },
    { "9223372036854.775807", 1, APR_INT64_MAX },
    { "9223372036854.775808", 0, 0 },
    { "9223372036855", 0, 0 },
    { "106751992d", 0, 0 },
    { "", 0, 0 },
    { "s", 0, 0 },
    { "-1s", 0, 0 },
    { ".5", 0, 0 },
    { "5.", 0, 0 },
    { "5.s", 0, 0 },
    { "1.2.3", 0, 0 },
    { "1 s", 0, 0 },
    { "1y", 0, 0 },
    { "1sec", 0, 0 },
};

static int read_number(const char *text, apr_int64_t *value)
{
    return qp_str_number(text, value);
}

static int read_size(const char *text, apr_int64_t *value)
{
    apr_off_t size = -1;
    int good = qp_str_size(text, &size);

    *value = size;
    return good;
}

static int read_time(const char *text, apr_int64_t *value)
{
    apr_interval_time_t interval = -1;
    int good = qp_str_time(text, &interval);

    *value = interval;
    return good;
}

static void test_numbers(const char *what, const struct number_row *rows,
                         size_t nrows,
                         int (*reader)(const char *, apr_int64_t *))
{
    apr_int64_t value;
    size_t i;

    for (i = 0; i < nrows; i++) {
        value = -1;
        is_int(reader(rows[i].text, &value), rows[i].good,
               "%s takes \"%s\": %d", what, rows[i].text, rows[i].good);
        if (rows[i].good) {
            is_int(value, rows[i].value, "%s \"%s\"", what, rows[i].text);
        }
    }
}

static void test_bool(void)
{
    static const struct {
        const char *text;
        int good;
        int value;
    } rows[] = {
        { "0", 1, 0 },  { "no", 1, 0 },   { "Off", 1, 0 }, { "FALSE", 1, 0 },
        { "1", 1, 1 },  { "YES", 1, 1 },  { "on", 1, 1 },  { "True", 1, 1 },
        { "", 0, 0 },   { "2", 0, 0 },    { "y", 0, 0 },   { "yes ", 0, 0 },
        { "00", 0, 0 }, { "nope", 0, 0 },
    };
    int value;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        value = 0;
        is_int(qp_str_bool(rows[i].text, &value), rows[i].good,
               "bool takes \"%s\": %d", rows[i].text, rows[i].good);
        is_int(value, rows[i].value, "bool \"%s\"", rows[i].text);
    }
}

static void test_comments(void)
{
    static const struct {
        const char *text;
        int skipped; /* -1: all, and there is no end */
    } rows[] = {
        { "", 0 },       { "a (b)", 0 },      { " \t\r\n a", 5 },
        { "(b)a", 3 },   { " (b) (c) a", 9 }, { "(b(c)d)a", 7 },
        { "(\\))a", 4 }, { "(\\(b)a", 5 },    { ")a", 0 },
        { "(b", -1 },    { "(b(c)", -1 },     { "(b\\", -1 },
        { "()", 2 },
    };
    const char *end;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        end = qp_str_skip_comments(rows[i].text);
        is_int(end != NULL ? end - rows[i].text : -1, rows[i].skipped,
               "behind comments of \"%s\"", rows[i].text);
    }
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    test_escape();
    test_clean(pool);
    test_words(pool);
    test_args(pool);
    test_numbers("number", number_rows, QP_ARRAY_LEN(number_rows), read_number);
    test_numbers("size", size_rows, QP_ARRAY_LEN(size_rows), read_size);
    test_numbers("time", time_rows, QP_ARRAY_LEN(time_rows), read_time);
    test_bool();
    test_comments();
    return done_testing();
}
