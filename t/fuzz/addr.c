/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of wire/qp_addr: what is taken for an address can be written and
 * read again, and holds nothing that could end a line (R28, R50 to R57, R104).
 */
#include "fuzz.h"

#include "wire/qp_addr.h"

static void check_addr(const qp_addr *addr, int is_utf8, apr_pool_t *pool)
{
    const char *text = qp_addr_format(addr, pool);
    const char *error;
    qp_addr *again;

    fuzz_check(fuzz_is_clean(text) && fuzz_is_clean(qp_addr_text(addr, pool)));
    fuzz_check(strlen(addr->user) <= 64 && strlen(addr->host) <= 255);
    fuzz_check(is_utf8 || !qp_utf8_is_needed(text));
    error = is_utf8 ? qp_addr_parse_utf8(text, &again, pool)
                    : qp_addr_parse(text, &again, pool);
    fuzz_check(error == NULL && qp_addr_equal(addr, again));
    fuzz_check(!is_utf8 || qp_utf8_is_valid(text));
    fuzz_check(strcmp(qp_addr_format(again, pool), text) == 0);
    text = qp_addr_ascii_host(addr, pool);
    fuzz_check(text == NULL || !qp_utf8_is_needed(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();
    const char *path = fuzz_rest(&in, pool);
    qp_addr *strict = NULL;
    qp_addr *wide = NULL;
    const char *error = qp_addr_parse(path, &strict, pool);

    if (error == NULL) {
        check_addr(strict, 0, pool);
    }
    else {
        fuzz_check(fuzz_is_clean(error) && strlen(error) < 200);
    }
    if (qp_addr_parse_utf8(path, &wide, pool) == NULL) {
        check_addr(wide, 1, pool);
    }
    fuzz_check(strict == NULL || error != NULL
               || (wide != NULL && qp_addr_equal(strict, wide)));
    return fuzz_end(pool);
}
