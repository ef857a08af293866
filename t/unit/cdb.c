/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_cdb and plugin/qp_map: files of every size, which are made
 * here, and damaged ones.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"
#include "wire/qp_cdb.h"

#define MAX_RECORDS 2000

/** A database while it is made. */
typedef struct maker {
    kit_text out;
    int count;
    uint32_t hashes[MAX_RECORDS];
    uint32_t places[MAX_RECORDS];
} maker;

static void put_number(maker *m, uint32_t number)
{
    char octets[4] = { (char)(number & 255), (char)(number >> 8 & 255),
                       (char)(number >> 16 & 255), (char)(number >> 24) };

    kit_append(&m->out, octets, 4);
}

static void put_record(maker *m, const char *key, const char *value)
{
    uint32_t hash = 5381;
    const char *p;

    if (m->count == 0 && m->out.len == 0) {
        for (hash = 0; hash < 512; hash++) {
            put_number(m, 0);
        }
        hash = 5381;
    }
    for (p = key; *p != '\0'; p++) {
        hash = (hash * 33) ^ (unsigned char)*p;
    }
    m->hashes[m->count] = hash;
    m->places[m->count++] = (uint32_t)m->out.len;
    put_number(m, (uint32_t)strlen(key));
    put_number(m, (uint32_t)strlen(value));
    kit_append(&m->out, key, strlen(key));
    kit_append(&m->out, value, strlen(value));
}

static void set_number(maker *m, size_t at, uint32_t number)
{
    int i;

    for (i = 0; i < 4; i++) {
        m->out.text[at + (size_t)i] = (char)(number >> 8 * i & 255);
    }
}

static void put_table(maker *m, uint32_t table)
{
    uint32_t slots[2 * MAX_RECORDS][2];
    uint32_t n = 0;
    uint32_t at;
    int i;

    for (i = 0; i < m->count; i++) {
        n += m->hashes[i] % 256 == table ? 2 : 0;
    }
    memset(slots, 0, sizeof(slots));
    for (i = 0; i < m->count; i++) {
        if (m->hashes[i] % 256 == table) {
            at = m->hashes[i] / 256 % n;
            while (slots[at][1] != 0) {
                at = (at + 1) % n;
            }
            slots[at][0] = m->hashes[i];
            slots[at][1] = m->places[i];
        }
    }
    set_number(m, table * 8, (uint32_t)m->out.len);
    set_number(m, table * 8 + 4, n);
    for (at = 0; at < n; at++) {
        put_number(m, slots[at][0]);
        put_number(m, slots[at][1]);
    }
}

static void write_octets(const char *path, const char *data, size_t len,
                         apr_pool_t *pool)
{
    apr_file_t *file;

    if (apr_file_open(&file, path,
                      APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE,
                      APR_FPROT_OS_DEFAULT, pool)
            != APR_SUCCESS
        || apr_file_write_full(file, data, len, NULL) != APR_SUCCESS) {
        abort();
    }
    apr_file_close(file);
}

static void finish(maker *m, const char *path, apr_pool_t *pool)
{
    uint32_t table;

    for (table = 0; table < 256; table++) {
        put_table(m, table);
    }
    write_octets(path, m->out.text, m->out.len, pool);
}

static const char *look(const char *path, const char *key, apr_pool_t *pool)
{
    const char *value = NULL;
    apr_status_t rv = qp_cdb_find(path, key, &value, pool);

    if (rv == APR_EINVAL) {
        return "(damaged)";
    }
    return rv == APR_SUCCESS ? value : "(none)";
}

static void test_many(const char *path, maker *m, apr_pool_t *pool)
{
    char *longest = apr_pcalloc(pool, 701);
    char key[16];
    int wrong = 0;
    int i;

    memset(longest, 'k', 700);
    put_record(m, "", "an empty key");
    put_record(m, "empty", "");
    put_record(m, longest, "a long key");
    for (i = 0; i < 1500; i++) {
        apr_snprintf(key, sizeof(key), "key%d", i);
        put_record(m, key, key + 3);
    }
    put_record(m, "key7", "the second of two");
    finish(m, path, pool);
    is_int(qp_cdb_check(path), APR_SUCCESS, "a file of 1500 records");
    for (i = 0; i < 1500; i++) {
        apr_snprintf(key, sizeof(key), "key%d", i);
        wrong += strcmp(look(path, key, pool), key + 3) != 0;
    }
    is_int(wrong, 0, "each of them is there");
    is_str(look(path, "key1500", pool), "(none)", "another one is not");
    is_str(look(path, "", pool), "an empty key", "an empty key");
    is_str(look(path, "empty", pool), "", "an empty value");
    is_str(look(path, longest, pool), "a long key", "a long key");
    longest[699] = 'x';
    is_str(look(path, longest, pool), "(none)", "with another end");
}

/* Whatever a file is cut or changed to, an answer comes of it. */
static void test_damaged(const char *path, maker *m, apr_pool_t *pool)
{
    size_t len = m->out.len;
    size_t at;
    int damaged = 0;

    is_int(qp_cdb_check("/nonexistent"), APR_NOTFOUND, "no file");
    is_str(look("/nonexistent", "a", pool), "(none)", "has no keys");
    write_octets(path, "", 0, pool);
    is_int(qp_cdb_check(path), APR_EINVAL, "an empty file");
    is_str(look(path, "a", pool), "(damaged)", "is damaged");
    is_int(qp_cdb_check("/tmp"), APR_EINVAL, "a folder");
    write_octets(path, m->out.text, len - 1, pool);
    is_int(qp_cdb_check(path), APR_EINVAL, "without its end");
    for (at = 0; at < len; at += 97) {
        write_octets(path, m->out.text, at, pool);
        damaged += strcmp(look(path, "key77", pool), "(damaged)") == 0;
    }
    ok(damaged > 0, "files that are cut off: %d are damaged", damaged);
    for (at = 0; at < 2048; at++) {
        m->out.text[at] = (char)0xff;
    }
    write_octets(path, m->out.text, len, pool);
    is_str(look(path, "key77", pool), "(damaged)", "tables out of the file");
}

static void test_map(engine_kit *kit)
{
    static maker m;
    const char *path = apr_pstrcat(kit->pool, kit->dir, "/m.cdb", NULL);
    qp_plugin plugin = { .name = "test", .home = &kit->home };
    const char *value = NULL;
    const char *fault;

    put_record(&m, "a", "1");
    finish(&m, path, kit->pool);
    kit->path.config_dir = kit->dir;
    is_str(kit_start(kit), NULL, "a server");
    kit_open(kit);
    is_str(qp_map_check(&plugin, "m"), NULL, "a map");
    is_str(qp_map_check(&plugin, "none"), NULL, "a map without a file");
    is_int(qp_map_find(kit->qp, "m", "a", &value), APR_SUCCESS, "a name");
    is_str(value, "1", "its value");
    is_int(qp_map_find(kit->qp, "m", "b", &value), APR_NOTFOUND, "another");
    is_int(qp_map_find(kit->qp, "none", "a", &value), APR_NOTFOUND, "no map");
    write_octets(path, "text\n", 5, kit->pool);
    fault = qp_map_check(&plugin, "m");
    ok(fault != NULL && strstr(fault, "/m.cdb: is no cdb file") != NULL, "%s",
       fault != NULL ? fault : "no fault");
    is_int(qp_map_find(kit->qp, "m", "a", &value), APR_EINVAL, "a text");
    ok(strstr(kit_view(&kit->log), "/m.cdb: is no cdb file") != NULL, "logged");
    kit_close(kit);
    free(m.out.text);
}

int main(void)
{
    static maker m;
    apr_pool_t *pool;
    engine_kit *kit;
    const char *path;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    path = apr_pstrcat(pool, kit->dir, "/test.cdb", NULL);
    test_many(path, &m, pool);
    test_damaged(path, &m, pool);
    test_map(kit);
    free(m.out.text);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
