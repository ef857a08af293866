/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of qp_xtext: RFC 3461 4, strictly. */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>

#include "wire/qp_xtext.h"

static const char *const rows[][2] = {
    { "", "" },
    { "plain", "plain" },
    { "a+2Bb+3Dc", "a+b=c" },
    { "e+40example.org", "e@example.org" },
    { "+20", " " },
    { "+0A", "\n" },
    { "+FF", "\xff" },
    { "~!\"#", "~!\"#" },
    { "+2b", NULL },
    { "+2", NULL },
    { "+", NULL },
    { "+G0", NULL },
    { "+0G", NULL },
    { "a+00b", NULL },
    { "a b", NULL },
    { "a=b", NULL },
    { "a\x7f", NULL },
    { "a\n", NULL },
    { "\xc3\xa9", NULL },
};

int main(void)
{
    apr_pool_t *pool;
    char all[256];
    size_t i;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_str(qp_xtext_decode(rows[i][0], pool), rows[i][1], "row %d", (int)i);
    }
    for (i = 0; i < 255; i++) {
        all[i] = (char)(i + 1);
    }
    all[255] = '\0';
    is_str(qp_xtext_decode(qp_xtext_encode(all, pool), pool), all,
           "every octet there and back");
    is_str(qp_xtext_encode("a+b=c d", pool), "a+2Bb+3Dc+20d",
           "what is encoded");
    return done_testing();
}
