/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of wire/qp_secret: comparing, every form of stored password, the
 * verifiers of SCRAM; that they are overwritten (R114). */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "wire/qp_base64.h"
#include "wire/qp_secret.h"

/* Of "pencil", with the salt of RFC 7677 3. */
#define PENCIL                                                                 \
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"                             \
    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="                             \
    ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static const struct {
    const char *stored, *password;
    int is_right;
} checks[] = {
    { "secret", "secret", 1 },
    { "secret", "Secret", 0 },
    { "secret", "secret\n", 0 },
    { "secret", "secre", 0 },
    { "secret", "secretsecret", 0 },
    { "secretsecret", "secret", 0 },
    { "secret", "", 0 },
    { "", "", 0 },
    { "", "x", 0 },
    { "{PLAIN}", "", 0 },
    { "{PLAIN}$x", "$x", 1 },
    { "{PLAIN}secret", "secret", 1 },
    { "{PLAIN}secret", "{PLAIN}secret", 0 },
    { "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret", 1 },
    { "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "other", 0 },
    { "$apr1$abcdefgh$GLhHmZz4I0G/qE8gjBsIu1", "wrong", 0 },
    { "$1$abcdefgh$irWbblnpmw.5z7wgBnprh0", "test", 1 },
    { "$5$abcdefgh$qdvcTv0LZNZdlT5oJZ49o5SQ8X7bA9/X.MJjvjS5cW8", "test", 1 },
    { "$5$abcdefgh$qdvcTv0LZNZdlT5oJZ49o5SQ8X7bA9/X.MJjvjS5cW8", "Test", 0 },
    { "$9$", "$9$", 0 },
    { PENCIL, "pencil", 1 },
    { PENCIL, "Pencil", 0 },
    { PENCIL, PENCIL, 0 },
    { "SCRAM-SHA-256$0:W22Z$x:y", "SCRAM-SHA-256$0:W22Z$x:y", 0 },
};

static const char *const no_verifiers[] = {
    "",
    "secret",
    "SCRAM-SHA-256$",
    "SCRAM-SHA-256$4096",
    "SCRAM-SHA-256$4096:W22Z",
    "SCRAM-SHA-256$4096:W22Z$AAAA:AAAA",
    "SCRAM-SHA-256$-1:W22ZaJ0SNY7soEsUEjb6gQ==$"
    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
    ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    "SCRAM-SHA-256$99999999999:W22ZaJ0SNY7soEsUEjb6gQ==$"
    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
    ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    "SCRAM-SHA-256$4096:$"
    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
    ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=",
    "SCRAM-SHA-1$4096:W22ZaJ0SNY7soEsUEjb6gQ==$AAAA:AAAA",
};

static void test_verifier(apr_pool_t *pool)
{
    qp_verifier read, made;
    size_t i;

    ok(qp_secret_parse_verifier(PENCIL, &read, pool), "a verifier");
    is_int(read.iterations, 4096, "its rounds");
    is_int((long long)read.salt_len, 16, "its salt");
    made = read;
    memset(made.stored_key, 0, sizeof(made.stored_key));
    memset(made.server_key, 0, sizeof(made.server_key));
    ok(qp_secret_make_verifier(&made, "pencil"), "made of a password");
    ok(memcmp(made.stored_key, read.stored_key, QP_SHA256_LEN) == 0
           && memcmp(made.server_key, read.server_key, QP_SHA256_LEN) == 0,
       "it is the same");
    for (i = 0; i < QP_ARRAY_LEN(no_verifiers); i++) {
        ok(!qp_secret_parse_verifier(no_verifiers[i], &read, pool),
           "no verifier: %.30s", no_verifiers[i]);
    }
}

static void test_digests(apr_pool_t *pool)
{
    unsigned char out[QP_SHA256_LEN];

    qp_secret_hash("abc", 3, out);
    is_str(qp_base64_encode(out, sizeof(out), pool),
           "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
           "SHA-256, FIPS 180-4");
    qp_secret_hmac("Jefe", 4, "what do ya want for nothing?", 28, out);
    is_str(qp_base64_encode(out, sizeof(out), pool),
           "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=",
           "HMAC, RFC 4231 4.3");
}

int main(void)
{
    char text[] = "secret";
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    for (i = 0; i < QP_ARRAY_LEN(checks); i++) {
        is_int(qp_secret_check(checks[i].stored, checks[i].password),
               checks[i].is_right, "%.20s and %.10s", checks[i].stored,
               checks[i].password);
    }
    ok(qp_secret_equal("", ""), "nothing equals nothing");
    ok(!qp_secret_equal("", "a") && !qp_secret_equal("a", ""), "and no more");
    is_str(qp_secret_clear("{PLAIN}x"), "x", "the clear password");
    is_str(qp_secret_clear("x"), "x", "without a word");
    is_str(qp_secret_clear(PENCIL), NULL, "of a verifier there is none");
    is_str(qp_secret_clear("$1$a$b"), NULL, "of a hash neither");
    is_str(qp_secret_clear("{SHA}x"), NULL, "nor of this one");
    ok(!qp_secret_check_cram_md5("", "<a@b>", ""), "an empty password");
    test_verifier(pool);
    test_digests(pool);
    qp_secret_wipe(NULL);
    qp_secret_wipe(text);
    ok(memcmp(text, "\0\0\0\0\0\0\0", sizeof(text)) == 0, "overwritten");
    apr_pool_destroy(pool);
    return done_testing();
}
