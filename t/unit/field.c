/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of qp_field: fields in two orders, found by number and put where they
 * belong, against a plain array; and of renaming, which needs both orders, with
 * every octet of the value. Covers R6, R92.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

#include "wire/qp_field.h"
#include "wire/qp_header.h"

#define NFIELDS       200

/** A text with its length, which may hold NUL. */
#define TEXT(literal) literal, sizeof(literal) - 1

static qp_field *make_field(int seq, qp_fields *group, apr_pool_t *pool)
{
    qp_field *field = apr_pcalloc(pool, sizeof(*field));

    field->seq = seq;
    field->group = group;
    return field;
}

/** @return whether seeking each in turn finds the numbers of the array */
static int agrees(qp_fields *fields, const int *seqs, int n)
{
    qp_field *found;
    int i;

    for (i = 0; i < n; i++) {
        found = qp_fields_seek(fields, i * 7 % n);
        if (found == NULL || found->seq != seqs[i * 7 % n]) {
            return 0;
        }
    }
    return fields->count == n && qp_fields_seek(fields, n) == NULL
           && qp_fields_seek(fields, -1) == NULL;
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/** Fields put in anyhow stand in order, wherever the cursor was. */
static void test_insert(apr_pool_t *pool)
{
    qp_fields *fields = qp_fields_create(QP_FIELDS_BY_NAME, pool);
    int seqs[NFIELDS];
    int bad = 0;
    int i;

    for (i = 0; i < NFIELDS; i++) {
        seqs[i] = i * 73 % (NFIELDS + 1);
        qp_fields_insert(fields, make_field(seqs[i], fields, pool));
        qsort(seqs, (size_t)i + 1, sizeof(int), compare);
        if (i % 5 == 0) {
            bad += !agrees(fields, seqs, i + 1);
        }
    }
    is_int(bad, 0, "fields stand where they belong");
    ok(fields->first->seq == seqs[0] && fields->last->seq == seqs[NFIELDS - 1],
       "from first to last");
    while (fields->count > 1) {
        qp_fields_remove(fields, qp_fields_seek(fields, 1));
    }
    ok(agrees(fields, seqs, 1), "and go again");
    qp_fields_remove(fields, fields->first);
    ok(fields->first == NULL && fields->last == NULL
           && qp_fields_seek(fields, 0) == NULL,
       "to the last one");
}

/** Lines that are no fields have a place, but no number. */
static void test_lines(apr_pool_t *pool)
{
    qp_fields *fields = qp_fields_create(QP_FIELDS_BY_PLACE, pool);

    qp_fields_append(fields, make_field(1, NULL, pool));
    qp_fields_append(fields, make_field(2, fields, pool));
    qp_fields_append(fields, make_field(3, NULL, pool));
    qp_fields_prepend(fields, make_field(0, fields, pool));
    is_int(fields->count, 2, "two of four are fields");
    is_int(qp_fields_seek(fields, 1)->seq, 2, "the second");
    is_int(qp_fields_seek(fields, 0)->seq, 0, "the first");
}

static void test_names(apr_pool_t *pool)
{
    apr_hash_t *groups = apr_hash_make(pool);
    qp_fields *group = qp_fields_need(groups, "X-Spam");
    char name[QP_FIELD_NAME_MAX + 2];

    ok(qp_fields_find(groups, "x-sPAM") == group, "a name in any case");
    ok(qp_fields_need(groups, "x-spam") == group, "is the same name");
    ok(qp_fields_find(groups, "x-spa") == NULL, "a shorter one is not");
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    ok(qp_fields_find(groups, name) == NULL, "nor one that is too long");
}

/* Renaming, by way of the header. ------------------------------------------ */

static void test_rename(apr_pool_t *pool)
{
    static const char text[] = "A: 1\nb : nul\0 and\r\n more\0\nA:2\nC: \n"
                               "a: the end";
    static const char want[] = "Old: 1\nb : nul\0 and\r\n more\0\nOld:2\nC: \n"
                               "Old: the end";
    static const char then[] = "Old: 1\nX-B : nul\0 and\r\n more\0\nOld:2\n"
                               "X-B: \nOld: the end";
    qp_header *header = qp_header_parse(TEXT(text), pool);
    const char *got;
    apr_size_t len;

    is_int(qp_header_rename(header, "a", -1, "Old"), 3, "all of a name");
    got = qp_header_text(header, &len, pool);
    ok(len == sizeof(want) - 1 && memcmp(got, want, len) == 0,
       "keep their places and the rest of the section");
    is_int(qp_header_count(header, "A"), 0, "none has the old name");
    is_str(qp_header_get(header, "old", 2), "the end", "but the new one");
    is_int(qp_header_rename(header, "C", 0, "X-B"), 1, "one");
    is_int(qp_header_rename(header, "B", 0, "X-B"), 1, "and one before it");
    got = qp_header_text(header, &len, pool);
    ok(len == sizeof(then) - 1 && memcmp(got, then, len) == 0,
       "with every octet behind the name");
    is_str(qp_header_get(header, "x-b", 0), "nul", "they are in order");
    is_str(qp_header_get(header, "x-b", 1), "", "by their place");
    got = qp_header_raw(header, "X-B", 0, &len);
    ok(len == 23 && memcmp(got, "X-B : nul\0 and\r\n more\0\n", 23) == 0,
       "as a whole, with NUL");
    ok(qp_header_raw(header, "X-B", 2, &len) == NULL && len == 0,
       "nothing of what is not there");
    is_int(qp_header_rename(header, "X-B", 2, "Y"), 0, "nor a new name");
    is_int(qp_header_rename(header, "None", -1, "Y"), 0, "of no name at all");
    is_int(qp_header_rename(header, "Old", 0, ""), 0, "nor an empty one");
    is_int(qp_header_rename(header, "Old", -1, "OLD"), 3, "in other letters");
    is_str(qp_header_get(header, "old", 2), "the end", "it is the same name");
    is_int(qp_header_rename(header, "Old", 1, "X: 1\nEvil"), 1, "a bad name");
    is_str(qp_header_get(header, "X--1-Evil", 0), "2", "is cleaned (R28)");
    qp_header_add(header, "OLD", "4", QP_HEADER_END);
    is_str(qp_header_get(header, "old", 2), "4", "fields can be added then");
}

/** Many of both names: a scan for each place would take minutes (R92). */
static void test_rename_many(apr_pool_t *pool)
{
    enum { HALF = 60000 };
    char *text = apr_palloc(pool, HALF * 8);
    apr_time_t start = apr_time_now();
    qp_header *header;
    int renamed = 0;
    int i;

    for (i = 0; i < HALF; i++) {
        memcpy(text + i * 4, "a:1\n", 4);
        memcpy(text + (HALF + i) * 4, "b:2\n", 4);
    }
    header = qp_header_parse(text, HALF * 8, pool);
    while (qp_header_get(header, "a", 0) != NULL) {
        renamed += qp_header_rename(header, "a", 0, "b");
    }
    is_int(renamed, HALF, "each is renamed");
    is_int(qp_header_count(header, "b"), 2 * HALF, "none is lost");
    is_str(qp_header_get(header, "b", HALF - 1), "1", "they are in order");
    is_str(qp_header_get(header, "b", HALF), "2", "of their places");
    ok(apr_time_now() - start < apr_time_from_sec(20),
       "within reasonable time");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    test_insert(pool);
    test_lines(pool);
    test_names(pool);
    test_rename(pool);
    test_rename_many(pool);
    return done_testing();
}
