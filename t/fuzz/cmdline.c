/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of wire/qp_cmdline and wire/qp_xtext: a line of MAIL, RCPT or
 * HELO, its parameters, and their values (R47, R52, R58, R104).
 */
#include "fuzz.h"

#include "wire/qp_cmdline.h"
#include "wire/qp_xtext.h"

static void check_value(const char *value, apr_pool_t *pool)
{
    const char *text = qp_xtext_decode(value, pool);

    fuzz_check(fuzz_is_clean(value) && strpbrk(value, "= ") == NULL);
    if (text != NULL) {
        fuzz_check(strlen(text) <= strlen(value));
    }
    text = qp_xtext_encode(value, pool);
    text = qp_xtext_decode(text, pool);
    fuzz_check(text != NULL && strcmp(text, value) == 0);
}

static void check_params(const apr_array_header_t *rest, apr_pool_t *pool)
{
    const apr_array_header_t *rows;
    apr_table_t *table;
    int i;

    if (qp_cmdline_params(rest, &table, pool) != NULL) {
        return;
    }
    rows = apr_table_elts(table);
    fuzz_check(rows->nelts == (rest != NULL ? rest->nelts : 0));
    for (i = 0; i < rows->nelts; i++) {
        const apr_table_entry_t *row =
            &APR_ARRAY_IDX(rows, i, apr_table_entry_t);

        fuzz_check(row->key[0] != '\0' && fuzz_is_clean(row->key));
        check_value(row->val, pool);
    }
}

static void check_path(const char *line, const char *keyword, apr_pool_t *pool)
{
    qp_parsed out = { .pool = pool };
    const char *error = qp_cmdline_path(line, keyword, &out);
    qp_addr *addr;

    if (error != NULL) {
        fuzz_check(fuzz_is_clean(error));
        return;
    }
    fuzz_check(out.first != NULL);
    error = qp_addr_parse_utf8(out.first, &addr, pool);
    fuzz_check(error == NULL || fuzz_is_clean(error));
    check_params(out.rest, pool);
}

static void check_hello(const char *line, apr_pool_t *pool)
{
    qp_parsed out = { .pool = pool };

    if (qp_cmdline_hello(line, &out) == NULL) {
        fuzz_check(out.first != NULL && out.first[0] != '\0');
        fuzz_check(strlen(out.first) <= 255 && fuzz_is_clean(out.first));
        fuzz_check(strpbrk(out.first, " ()<>\"\\;") == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();
    char *line = fuzz_rest(&in, pool);
    const char *whole = apr_pstrdup(pool, line);
    const char *rest;
    const char *verb = qp_cmdline_split(line, &rest);

    fuzz_check(strlen(verb) + strlen(rest) <= strlen(whole));
    fuzz_check(strchr(verb, ' ') == NULL);
    fuzz_check(strncmp(verb, whole, strlen(verb)) == 0);
    check_path(rest, "FROM:", pool);
    check_path(rest, "TO:", pool);
    check_hello(rest, pool);
    rest = qp_xtext_decode(whole, pool);
    rest = qp_xtext_decode(qp_xtext_encode(whole, pool), pool);
    fuzz_check(rest != NULL && strcmp(rest, whole) == 0);
    return fuzz_end(pool);
}
