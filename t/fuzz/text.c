/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of wire/qp_utf8, with iconv for a reference, and of
 * qp_date_parse (R55, R62, R117).
 */
#include "fuzz.h"

#include <iconv.h>

#include "wire/qp_header.h"
#include "wire/qp_utf8.h"

/* Whether the C library can read it, without surrogates and with what UTF-16
 * has a place for. */
static int is_utf8(char *text)
{
    iconv_t handle = iconv_open("UTF-32LE", "UTF-8");
    size_t len = strlen(text);
    size_t room = 4 * len + 4;
    char *wide = malloc(room);
    char *to = wide;
    size_t rc;

    fuzz_check(handle != (iconv_t)-1 && wide != NULL);
    rc = iconv(handle, &text, &len, &to, &room);
    iconv_close(handle);
    free(wide);
    return rc != (size_t)-1 && len == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();
    char *text = fuzz_rest(&in, pool);
    apr_time_exp_t parts;
    const char *ascii;
    apr_time_t when;

    fuzz_check(qp_utf8_is_valid(text) == is_utf8(text));
    if (qp_utf8_is_valid(text)) {
        fuzz_check(!qp_utf8_is_printable(text) || fuzz_is_clean(text));
        ascii = qp_utf8_ascii_domain(text, pool);
        fuzz_check(ascii == NULL || !qp_utf8_is_needed(ascii));
    }
    if (qp_date_parse(text, &when)) {
        fuzz_check(apr_time_exp_gmt(&parts, when) == APR_SUCCESS);
        fuzz_check(parts.tm_year > -2000 && parts.tm_year < 8200);
    }
    return fuzz_end(pool);
}
