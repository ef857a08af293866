/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of qp_header: octets there and back, fields by name and by place,
 * changes, values that try to begin a line of their own, random changes
 * against a plain model, and large sections. Covers R16, R18, R19, R28, R92.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

#include "wire/qp_header.h"

#define NRANDOM       3000
#define NMODEL        400

/** A text with its length, which may hold NUL. */
#define TEXT(literal) literal, sizeof(literal) - 1

static int text_is(const qp_header *header, const char *want, apr_size_t len,
                   apr_pool_t *pool)
{
    apr_size_t got;
    const char *text = qp_header_text(header, &got, pool);

    return got == len && memcmp(text, want, len) == 0 && text[got] == '\0';
}

static void is_text(const qp_header *header, const char *want, const char *name,
                    apr_pool_t *pool)
{
    apr_size_t len;

    is_str(qp_header_text(header, &len, pool), want, "%s", name);
    is_int((long long)len, (long long)strlen(want), "%s: length", name);
}

static int count_fields(const qp_header *header)
{
    const char *name;
    const char *value;
    int n = 0;

    while (qp_header_field(header, n, &name, &value)) {
        n++;
    }
    return n;
}

/** Sections that come back as they are, and how many fields they have. */
static void test_round_trip(apr_pool_t *pool)
{
    static const struct {
        const char *text;
        apr_size_t len;
        int fields;
    } rows[] = {
        { TEXT(""), 0 },
        { TEXT("Subject: one\n"), 1 },
        { TEXT("Subject: no line end"), 1 },
        { TEXT("A: 1\nB: 2\n\t folded\n  twice \nC:3\n"), 3 },
        { TEXT("A: 1\nno colon here\nB: 2\n"), 2 },
        { TEXT("A: 1\nno colon\n and its fold\nnone\nB: 2"), 2 },
        { TEXT("junk\njunk\nA: 1\n"), 1 },
        { TEXT(" blank-led\n more\nA: 1\n"), 1 },
        { TEXT(" blank-led without end"), 0 },
        { TEXT("Name : value\nOther\t \t:\tvalue\n"), 2 },
        { TEXT("Two words: value\n"), 0 },
        { TEXT("Empty:\nEmpty: \nEmpty:\t\n"), 3 },
        { TEXT(": no name\n:\n"), 0 },
        { TEXT("Trail: blanks  \t \n"), 1 },
        { TEXT("A: cr\rin\r side\r\nB: 2\n"), 2 },
        { TEXT("A: nul\0in\0side\nB: 2\n"), 2 },
        { TEXT("A\0: nul in name\n\0\nB: 2\n"), 1 },
        { TEXT("A: caf\xc3\xa9 \xff\x80\n"), 1 },
        { TEXT("caf\xc3\xa9: 8-bit name\n"), 0 },
        { TEXT("A: 1\n \n \t\nB: 2\n"), 2 },
        { TEXT("A: 1\n\nB: 2\n"), 2 },
        { TEXT("A:\n next line\n"), 1 },
        { TEXT("From : me\n"), 1 },
        { TEXT("A: 1\nFrom not first\n"), 1 },
        { TEXT(">From quoted\nA: 1\n"), 1 },
        { TEXT("\n"), 0 },
        { TEXT("\n\n\n"), 0 },
        { TEXT("~!#$%&'*+-^_`|{}: all of ftext\n"), 1 },
    };
    qp_header *header;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        header = qp_header_parse(rows[i].text, rows[i].len, pool);
        ok(text_is(header, rows[i].text, rows[i].len, pool),
           "section %d comes back", (int)i);
        is_int(count_fields(header), rows[i].fields,
               "section %d: number of fields", (int)i);
    }
}

static qp_header *parse(const char *text, apr_pool_t *pool)
{
    return qp_header_parse(text, strlen(text), pool);
}

static void test_get(apr_pool_t *pool)
{
    static const struct {
        const char *name;
        int index;
        const char *want;
    } rows[] = {
        { "Subject", 0, "one" },
        { "subject", 1, " two " },
        { "SUBJECT", 2, "" },
        { "Subject", 3, "three\n and\n\tmore" },
        { "Subject", 4, NULL },
        { "Subject", -1, NULL },
        { "Subject", 2147483647, NULL },
        { "Subject", 0, "one" },
        { "Tight", 0, "x:y" },
        { "Blank", 0, "behind the name" },
        { "Next", 0, "\n line" },
        { "Nul", 0, "cut" },
        { "No", 0, NULL },
        { "garbage", 0, NULL },
        { "Subjec", 0, NULL },
        { "Subject:", 0, NULL },
        { "", 0, NULL },
    };
    static const char text[] =
        "Subject: one\nsubject:  two \nTight:x:y\nSUBJECT:\ngarbage\n"
        " Subject: fold of garbage\nBlank \t: behind the name\nNext:\n line\n"
        "Nul:\tcut\0off\nSubject: three\n and\n\tmore";
    qp_header *header = qp_header_parse(TEXT(text), pool);
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_str(qp_header_get(header, rows[i].name, rows[i].index), rows[i].want,
               "get %s %d", rows[i].name, rows[i].index);
    }
    is_int(qp_header_count(header, "sUBJECT"), 4, "count in any case");
    is_int(qp_header_count(header, "No"), 0, "count of none");
}

static void test_field(apr_pool_t *pool)
{
    qp_header *header =
        parse("junk\nOne: 1\njunk\njunk\ntWo : 2\nThree:\n 3\njunk\n", pool);
    static const char *const want[][2] = { { "One", "1" },
                                           { "tWo", "2" },
                                           { "Three", "\n 3" } };
    static const int order[] = { 0, 1, 2, 1, 0, 2, 0 };
    const char *name = "untouched";
    const char *value = "untouched";
    size_t i;

    ok(!qp_header_field(header, 3, &name, &value), "no field behind the last");
    ok(!qp_header_field(header, -1, &name, &value), "nor before the first");
    is_str(name, "untouched", "and nothing is written");
    for (i = 0; i < QP_ARRAY_LEN(order); i++) {
        ok(qp_header_field(header, order[i], &name, &value), "field %d",
           order[i]);
        is_str(name, want[order[i]][0], "its name");
        is_str(value, want[order[i]][1], "its value");
    }
}

static void test_mbox(apr_pool_t *pool)
{
    qp_header *header =
        parse("From a@b.c Mon Jan  1\nFrom: me\nFrom x y\n", pool);

    is_str(qp_header_get(header, "Mail-From", 0), "From a@b.c Mon Jan  1",
           "a first line of mbox is a field");
    is_str(qp_header_get(header, "From", 0), "me", "not From");
    is_text(header, "Mail-From: From a@b.c Mon Jan  1\nFrom: me\nFrom x y\n",
            "and no text is lost", pool);
    header = parse("From a:b: c", pool);
    is_text(header, "Mail-From: From a:b: c", "colons, no line end", pool);
    header = parse("From \n fold\n", pool);
    is_str(qp_header_get(header, "mail-from", 0), "From \n fold", "a fold");
}

static void test_may_start(void)
{
    static const struct {
        const char *line;
        apr_size_t len;
        int want;
    } rows[] = {
        { TEXT("Subject: x"), 1 },
        { TEXT("A:"), 1 },
        { TEXT("A : x"), 1 },
        { TEXT("From a@b.c Mon"), 1 },
        { TEXT("From "), 1 },
        { TEXT("From: x"), 1 },
        { TEXT("From"), 0 },
        { TEXT("from a@b.c"), 0 },
        { TEXT(""), 0 },
        { TEXT(" A: x"), 0 },
        { TEXT("\tA: x"), 0 },
        { TEXT("Dear John,"), 0 },
        { TEXT("Dear John: x"), 0 },
        { TEXT(": x"), 0 },
        { TEXT("A\0: x"), 0 },
        { TEXT("\xc3\xa9: x"), 0 },
        { TEXT("A"), 0 },
        { TEXT("A "), 0 },
    };
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_int(qp_header_may_start(rows[i].line, rows[i].len), rows[i].want,
               "a section may start with \"%s\": %d", rows[i].line,
               rows[i].want);
    }
    is_int(qp_header_may_start("Abc", 2), 0, "no look beyond the length");
    is_int(qp_header_may_start("A:", 1), 0, "not even for the colon");
}

static void test_add(apr_pool_t *pool)
{
    qp_header *header = parse("A: 1\njunk\nB: 2", pool);

    qp_header_add(header, "Received", "top", QP_HEADER_TOP);
    qp_header_add(header, "a", "end", QP_HEADER_END);
    qp_header_add(header, "A", "first", QP_HEADER_TOP);
    is_text(header, "A: first\nReceived: top\nA: 1\njunk\nB: 2\na: end\n",
            "added on top and at the end", pool);
    is_int(qp_header_count(header, "A"), 3, "three of one name");
    is_str(qp_header_get(header, "A", 0), "first", "the first");
    is_str(qp_header_get(header, "A", 1), "1", "the second");
    is_str(qp_header_get(header, "A", 2), "end", "the last");
    header = parse("", pool);
    qp_header_add(header, "X", "", QP_HEADER_END);
    qp_header_add(header, "Y", "\n fold", QP_HEADER_TOP);
    is_text(header, "Y:\n fold\nX:\n", "to an empty section", pool);
    header = parse(" lead\n more", pool);
    qp_header_add(header, "X", "1", QP_HEADER_TOP);
    is_text(header, " lead\n more\nX: 1\n",
            "a blank-led first line is not swallowed", pool);
    header = parse("no end", pool);
    qp_header_add(header, "X", "1", QP_HEADER_TOP);
    is_text(header, "X: 1\nno end", "a last line without end stays", pool);
    qp_header_add(header, "Y", "2", QP_HEADER_END);
    is_text(header, "X: 1\nno end\nY: 2\n", "until one follows", pool);
}

/** Names and values of plugins, which may hold what a client sent. */
static void test_clean(apr_pool_t *pool)
{
    static const char *const rows[][3] = {
        { "X", "plain", "X: plain\n" },
        { "X", "caf\xc3\xa9\ttab", "X: caf\xc3\xa9\ttab\n" },
        { "X", "folded\n here\n\tand here", "X: folded\n here\n\tand here\n" },
        { "X", "crlf\r\n fold", "X: crlf\n fold\n" },
        { "X", "a\nBcc: evil", "X: a Bcc: evil\n" },
        { "X", "a\r\nBcc: evil", "X: a Bcc: evil\n" },
        { "X", "a\rBcc: evil", "X: a Bcc: evil\n" },
        { "X", "a\n\nbody", "X: a  body\n" },
        { "X", "a\n \n\nbody", "X: a    body\n" },
        { "X", "a\n \t\n b", "X: a  \t\n b\n" },
        { "X", "a\n \r\n b", "X: a  \n b\n" },
        { "X", "a\n \r b", "X: a    b\n" },
        { "X", "a\n\r b", "X: a   b\n" },
        { "X", "a\r\r\n b", "X: a \n b\n" },
        { "X", "line end\n", "X: line end\n" },
        { "X", "line end\r\n\r\n", "X: line end\n" },
        { "X", "a\n ", "X: a  \n" },
        { "X", "a\n \x01\n b", "X: a   \n b\n" },
        { "X", "\nBcc: evil", "X:  Bcc: evil\n" },
        { "X", "\n", "X:\n" },
        { "X", "\x01\x7f\x1b[m", "X:    [m\n" },
        { "X", "%s%n", "X: %s%n\n" },
        { "X: 1\nBcc", "evil", "X--1-Bcc: evil\n" },
        { "a b\tc\r", "v", "a-b-c-: v\n" },
        { "caf\xc3\xa9", "v", "caf--: v\n" },
        { "", "v", "" },
    };
    qp_header *header;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        header = parse("", pool);
        qp_header_add(header, rows[i][0], rows[i][1], QP_HEADER_END);
        is_text(header, rows[i][2], apr_psprintf(pool, "clean row %d", (int)i),
                pool);
        header = parse("X: old\n", pool);
        if (strcmp(rows[i][0], "X") == 0) {
            is_int(qp_header_replace(header, "x", 0, rows[i][1]), 1,
                   "replace row %d", (int)i);
            is_text(header, rows[i][2], "with the same result", pool);
        }
    }
}

static void test_replace(apr_pool_t *pool)
{
    qp_header *header = parse("A: 1\nsUb : x\nB: 2\nSub:\ty", pool);

    is_int(qp_header_replace(header, "Sub", 2, "no"), 0, "none to replace");
    is_int(qp_header_replace(header, "Sub", -1, "no"), 0, "nor before");
    is_int(qp_header_replace(header, "None", 0, "no"), 0, "nor of that name");
    is_text(header, "A: 1\nsUb : x\nB: 2\nSub:\ty", "nothing has changed",
            pool);
    is_int(qp_header_replace(header, "SUB", 0, "new\n fold"), 1,
           "the first is replaced");
    is_int(qp_header_replace(header, "SUB", 1, "end"), 1, "and the last");
    is_text(header, "A: 1\nsUb: new\n fold\nB: 2\nSub: end\n",
            "in its place, with its name as it was", pool);
    is_str(qp_header_get(header, "Sub", 0), "new\n fold", "the new value");
}

static void test_delete(apr_pool_t *pool)
{
    static const char text[] = "A: 1\nb: 2\nA: 3\n fold\njunk\na: 4\nA: 5";
    qp_header *header = parse(text, pool);

    is_int(qp_header_delete(header, "A", 4), 0, "none to delete");
    is_int(qp_header_delete(header, "A", -2), 0, "nor with a strange index");
    is_int(qp_header_delete(header, "C", -1), 0, "nor of that name");
    is_text(header, text, "nothing has changed", pool);
    is_int(qp_header_delete(header, "a", 1), 1, "one");
    is_text(header, "A: 1\nb: 2\njunk\na: 4\nA: 5", "is gone with its folds",
            pool);
    is_int(qp_header_count(header, "A"), 3, "the others are not");
    is_str(qp_header_get(header, "A", 1), "4", "and move up");
    is_int(qp_header_delete(header, "A", -1), 3, "all");
    is_text(header, "b: 2\njunk\n", "are gone", pool);
    is_str(qp_header_get(header, "A", 0), NULL, "not to be got");
    is_int(qp_header_delete(header, "A", -1), 0, "not to be deleted twice");
    qp_header_add(header, "A", "again", QP_HEADER_TOP);
    is_text(header, "A: again\nb: 2\njunk\n", "one comes again", pool);
    is_int(qp_header_delete(header, "B", 0), 1, "the last field");
    is_int(count_fields(header), 1, "leaves one");
}

static unsigned int next_random(apr_uint64_t *state)
{
    *state = *state * APR_UINT64_C(6364136223846793005)
             + APR_UINT64_C(1442695040888963407);
    return (unsigned int)(*state >> 33);
}

/** Any octets come back, and no name or value is read beyond its end. */
static void test_random_text(apr_pool_t *parent)
{
    static const char set[] = "\n\n\n::  \tAAbBFrom-\r\0\xc3\x7f";
    apr_uint64_t state = 5322;
    apr_pool_t *pool;
    qp_header *header;
    const char *name;
    const char *value;
    char text[120];
    apr_size_t len;
    apr_size_t k;
    int bad = 0;
    int i;
    int n;

    apr_pool_create(&pool, parent);
    for (i = 0; i < NRANDOM; i++) {
        apr_pool_clear(pool);
        len = next_random(&state) % sizeof(text);
        for (k = 0; k < len; k++) {
            text[k] = set[next_random(&state) % (sizeof(set) - 1)];
        }
        header = qp_header_parse(text, len, pool);
        /* "From ..." cannot start it: then it is not to come back. */
        if (len > 4 && memcmp(text, "From ", 5) == 0) {
            continue;
        }
        bad += !text_is(header, text, len, pool);
        for (n = 0; qp_header_field(header, n, &name, &value); n++) {
            bad += qp_header_count(header, name) == 0
                   || strlen(name) + strlen(value) > len;
        }
    }
    is_int(bad, 0, "%d random sections come back", NRANDOM);
    apr_pool_destroy(pool);
}

/** The plain model of a section: fields in an array. */
struct model {
    char name[64];
    int value[64];
    int n;
};

/** @return the place of the index-th field of a name, or -1 */
static int find_in_model(const struct model *model, char name, int index)
{
    int i;

    for (i = 0; i < model->n; i++) {
        if (model->name[i] == name && index-- == 0) {
            return i;
        }
    }
    return -1;
}

static void insert_in_model(struct model *model, int at, char name, int value)
{
    memmove(model->name + at + 1, model->name + at, (size_t)(model->n - at));
    memmove(model->value + at + 1, model->value + at,
            (size_t)(model->n - at) * sizeof(int));
    model->name[at] = name;
    model->value[at] = value;
    model->n++;
}

static void remove_from_model(struct model *model, int at)
{
    model->n--;
    memmove(model->name + at, model->name + at + 1, (size_t)(model->n - at));
    memmove(model->value + at, model->value + at + 1,
            (size_t)(model->n - at) * sizeof(int));
}

/** One random change to both. @return whether the answers agree */
static int change_both(qp_header *header, struct model *model,
                       apr_uint64_t *state, apr_pool_t *pool)
{
    int number = (int)(next_random(state) % 1000);
    int index = (int)(next_random(state) % 4);
    char name[3] = { (char)('a' + next_random(state) % 3), '\0', '\0' };
    const char *value = apr_itoa(pool, number);
    unsigned int what = next_random(state) % 7;
    int at = find_in_model(model, name[0], index);

    if (what < 3 && model->n < 60) {
        qp_header_add(header, name, value,
                      what == 0 ? QP_HEADER_END : QP_HEADER_TOP);
        insert_in_model(model, what == 0 ? model->n : 0, name[0], number);
        return 1;
    }
    if (what == 3) {
        if (at >= 0) {
            model->value[at] = number;
        }
        return qp_header_replace(header, name, index, value) == (at >= 0);
    }
    if (what == 4) {
        if (at >= 0) {
            model->name[at] = (char)('a' + number % 3);
        }
        name[1] = (char)('a' + number % 3);
        return qp_header_rename(header, apr_pstrndup(pool, name, 1), index,
                                name + 1)
               == (at >= 0);
    }
    if (at >= 0) {
        remove_from_model(model, at);
    }
    return qp_header_delete(header, name, index) == (at >= 0);
}

/** @return whether both say the same about one field by place and name */
static int compare_both(const qp_header *header, const struct model *model,
                        apr_uint64_t *state, apr_pool_t *pool)
{
    int n = (int)(next_random(state) % 64);
    char name[2] = { (char)('a' + next_random(state) % 3), '\0' };
    int index = n % 8;
    int at = find_in_model(model, name[0], index);
    const char *value = qp_header_get(header, name, index);
    const char *found;

    if ((value != NULL) != (at >= 0)
        || (value != NULL && atoll(value) != model->value[at])) {
        return 0;
    }
    if (!qp_header_field(header, n, &found, &value)) {
        return n >= model->n;
    }
    return n < model->n && found[0] == model->name[n]
           && strcmp(value, apr_itoa(pool, model->value[n])) == 0;
}

static void test_model(apr_pool_t *parent)
{
    apr_uint64_t state = 1;
    apr_pool_t *pool;
    qp_header *header;
    int bad = 0;
    int i;
    int k;

    apr_pool_create(&pool, parent);
    for (i = 0; i < NMODEL; i++) {
        struct model model = { "abacb", { 1, 2, 3, 4, 5 }, 5 };

        apr_pool_clear(pool);
        header = parse("a: 1\njunk\nb: 2\na: 3\njunk\njunk\nc: 4\nb: 5", pool);
        for (k = 0; k < 100; k++) {
            bad += !change_both(header, &model, &state, pool);
            bad += !compare_both(header, &model, &state, pool);
        }
        bad += count_fields(header) != model.n;
    }
    is_int(bad, 0, "%d random changes agree with the model", NMODEL * 100);
    apr_pool_destroy(pool);
}

/** All that a plugin may do with each field of a large section. */
static int use_all(qp_header *header, const char *field)
{
    const char *name;
    const char *value;
    int seen = 0;
    int i;

    for (i = 0; i < 500; i++) {
        qp_header_add(header, "Received", "again", QP_HEADER_TOP);
    }
    for (i = 0; i < qp_header_count(header, field); i++) {
        seen += qp_header_get(header, field, i) != NULL;
    }
    for (i = qp_header_count(header, field) - 1; i >= 0; i--) {
        seen += qp_header_get(header, field, i) != NULL;
    }
    for (i = 0; qp_header_field(header, i, &name, &value); i++) {
        seen++;
    }
    i = 0;
    while (qp_header_field(header, i, &name, &value)) {
        if (i % 2 == 1) {
            seen += qp_header_delete(header, name, 0);
        }
        i++;
    }
    while (qp_header_get(header, field, 0) != NULL) {
        seen += qp_header_delete(header, field, 0);
    }
    return seen;
}

/** Linear work (R92): a quadratic one would take minutes. */
static void test_large(apr_pool_t *parent)
{
    static const char *const lines[] = { "a:\n",    "junk\n", "a: 1\njunk\n",
                                         " fold\n", "\n",     "a: 1\nb: 2\n" };
    apr_size_t size = 1 << 20;
    apr_pool_t *pool;
    qp_header *header;
    apr_time_t start;
    char *text;
    size_t len;
    size_t i;
    size_t k;

    apr_pool_create(&pool, parent);
    text = apr_palloc(pool, size);
    for (i = 0; i < QP_ARRAY_LEN(lines); i++) {
        len = strlen(lines[i]);
        for (k = 0; k < size; k++) {
            text[k] = lines[i][k % len];
        }
        start = apr_time_now();
        header = qp_header_parse(text, size, pool);
        ok(text_is(header, text, size, pool), "1 MiB of row %d comes back",
           (int)i);
        ok(use_all(header, "a") >= 500, "all its fields are used");
        ok(apr_time_now() - start < apr_time_from_sec(20),
           "within reasonable time");
    }
    for (k = 0; k < size; k++) {
        text[k] = 'x';
    }
    text[size - 1] = ':';
    header = qp_header_parse(text, size, pool);
    ok(text_is(header, text, size, pool), "1 MiB of name comes back");
    is_int(count_fields(header), 0, "and is no field");
    apr_pool_destroy(pool);
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    test_round_trip(pool);
    test_get(pool);
    test_field(pool);
    test_mbox(pool);
    test_may_start();
    test_add(pool);
    test_clean(pool);
    test_replace(pool);
    test_delete(pool);
    test_random_text(pool);
    test_model(pool);
    test_large(pool);
    return done_testing();
}
