/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of wire/qp_base64: the examples of RFC 4648 10, everything that is no
 * base64, and the way there and back of all lengths. */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>

#include "wire/qp_base64.h"

static const struct {
    const char *text;
    const char *octets; /* NULL: refused */
} cases[] = {
    { "", "" },
    { "Zg==", "f" },
    { "Zm8=", "f"
              "o" },
    { "Zm9v", "foo" },
    { "Zm9vYg==", "foob" },
    { "Zm9vYmE=", "fooba" },
    { "Zm9vYmFy", "foobar" },
    { "+/+/", "\373\377\277" },
    { "Z", NULL },
    { "Zg", NULL },
    { "Zg=", NULL },
    { "Zm9", NULL },
    { "Zg===", NULL },
    { "Zh==", NULL }, /* bits are left over */
    { "Zm9=", NULL },
    { "====", NULL },
    { "=AAA", NULL },
    { "A=AA", NULL },
    { "AA=A", NULL },
    { "Zg==Zg==", NULL },
    { "Zm9v\n", NULL },
    { " Zm9v", NULL },
    { "Zm9v    ", NULL },
    { "Zm-_", NULL },
    { "Zm9\303", NULL },
    { "Zm9*", NULL },
};

static void test_all_lengths(apr_pool_t *pool)
{
    unsigned char octets[256];
    char *text, *back;
    apr_size_t len;
    int good = 1;
    int n;

    for (n = 0; n < 256; n++) {
        octets[n] = (unsigned char)(n * 7 + 3);
    }
    for (n = 0; n <= 256; n++) {
        text = qp_base64_encode(octets, (apr_size_t)n, pool);
        back = qp_base64_decode(text, strlen(text), &len, pool);
        good &= back != NULL && len == (apr_size_t)n
                && memcmp(back, octets, len) == 0 && back[len] == '\0';
    }
    ok(good, "there and back, for all lengths");
}

int main(void)
{
    apr_pool_t *pool;
    apr_size_t len;
    size_t i;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    for (i = 0; i < QP_ARRAY_LEN(cases); i++) {
        is_str(qp_base64_decode(cases[i].text, strlen(cases[i].text), &len,
                                pool),
               cases[i].octets, "decode <%s>", cases[i].text);
    }
    ok(qp_base64_decode("Zm\0v", 4, &len, pool) == NULL, "a NUL");
    test_all_lengths(pool);
    apr_pool_destroy(pool);
    return done_testing();
}
