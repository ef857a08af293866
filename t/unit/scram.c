/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of wire/qp_scram: the example of RFC 7677 3, octet for octet, and
 * every way to spoil its last message. */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "wire/qp_scram.h"

#define VERIFIER                                                               \
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"                             \
    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="                             \
    ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define NONCE  "rOprNGfwEbeRWgbNEkqO"
#define SERVER "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define PROOF  "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static const struct {
    const char *message;
    qp_scram_rc rc;
} finals[] = {
    { "c=biws,r=" NONCE SERVER ",p=" PROOF, QP_SCRAM_GOOD },
    { "c=biws,r=" NONCE SERVER ",x=1,p=" PROOF, QP_SCRAM_GOOD },
    { "c=eSws,r=" NONCE SERVER ",p=" PROOF, QP_SCRAM_WRONG },
    { "c=biwsAAAA,r=" NONCE SERVER ",p=" PROOF, QP_SCRAM_WRONG },
    { "c=,r=" NONCE SERVER ",p=" PROOF, QP_SCRAM_WRONG },
    { "c=biws,r=" NONCE ",p=" PROOF, QP_SCRAM_WRONG },
    { "c=biws,r=" NONCE SERVER "x,p=" PROOF, QP_SCRAM_WRONG },
    { "c=biws,r=" NONCE SERVER ",p=" PROOF ",x=1", QP_SCRAM_MALFORMED },
    { "c=biws,r=" NONCE SERVER ",p=" PROOF "AAAA", QP_SCRAM_MALFORMED },
    { "c=biws,r=" NONCE SERVER ",p=AAAA", QP_SCRAM_MALFORMED },
    { "c=biws,r=" NONCE SERVER ",p=", QP_SCRAM_MALFORMED },
    { "c=biws,r=" NONCE SERVER, QP_SCRAM_MALFORMED },
    { "r=" NONCE SERVER ",c=biws,p=" PROOF, QP_SCRAM_MALFORMED },
    { "c=biws", QP_SCRAM_MALFORMED },
    { "", QP_SCRAM_MALFORMED },
};

static qp_scram begin(const qp_verifier *verifier, apr_pool_t *pool)
{
    static const char first[] = "n,,n=user,r=" NONCE;
    qp_scram scram;

    memset(&scram, 0, sizeof(scram));
    scram.pool = pool;
    if (qp_scram_read_first(&scram, first, strlen(first)) != QP_SCRAM_GOOD) {
        diag("the first message is not read");
    }
    qp_scram_challenge(&scram, SERVER, verifier);
    return scram;
}

static void test_example(const qp_verifier *verifier, apr_pool_t *pool)
{
    qp_scram scram = begin(verifier, pool);
    const char *answer;

    is_str(scram.user, "user", "the user");
    is_str(scram.server_first,
           "r=" NONCE SERVER ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
           "the challenge");
    is_int(qp_scram_read_final(&scram, finals[0].message,
                               strlen(finals[0].message), NULL, 0),
           QP_SCRAM_GOOD, "the last message");
    ok(qp_scram_verify(scram.auth_message, scram.proof, verifier, &answer,
                       pool),
       "the proof is right");
    is_str(answer,
           "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "and so is ours");
    scram.proof[31] ^= 1;
    ok(!qp_scram_verify(scram.auth_message, scram.proof, verifier, &answer,
                        pool),
       "one bit is wrong");
}

static void test_finals(const qp_verifier *verifier, apr_pool_t *pool)
{
    qp_scram scram;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(finals); i++) {
        scram = begin(verifier, pool);
        is_int(qp_scram_read_final(&scram, finals[i].message,
                                   strlen(finals[i].message), NULL, 0),
               finals[i].rc, "<%s>", finals[i].message);
    }
    scram = begin(verifier, pool);
    is_int(qp_scram_read_final(&scram, "c=biws\0", 7, NULL, 0),
           QP_SCRAM_MALFORMED, "a NUL");
}

static void test_binding(const qp_verifier *verifier, apr_pool_t *pool)
{
    static const char first[] = "p=tls-exporter,,n=user,r=" NONCE;
    static const char final[] =
        "c=cD10bHMtZXhwb3J0ZXIsLGFiYw==,r=" NONCE SERVER ",p=" PROOF;
    static const struct {
        const char *octets;
        apr_size_t len;
        qp_scram_rc rc;
    } bindings[] = {
        { "abc", 3, QP_SCRAM_GOOD },
        { "abd", 3, QP_SCRAM_WRONG },
        { "ab", 2, QP_SCRAM_WRONG },
        { "abcd", 4, QP_SCRAM_WRONG },
    };
    qp_scram scram;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(bindings); i++) {
        memset(&scram, 0, sizeof(scram));
        scram.pool = pool;
        is_int(qp_scram_read_first(&scram, first, strlen(first)), QP_SCRAM_GOOD,
               "a channel");
        is_str(scram.flag, "p=tls-exporter", "its type");
        qp_scram_challenge(&scram, SERVER, verifier);
        is_int(qp_scram_read_final(&scram, final, strlen(final),
                                   (const unsigned char *)bindings[i].octets,
                                   bindings[i].len),
               bindings[i].rc, "bound to <%s>", bindings[i].octets);
    }
}

int main(void)
{
    qp_verifier verifier;
    apr_pool_t *pool;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    ok(qp_secret_parse_verifier(VERIFIER, &verifier, pool), "a verifier");
    test_example(&verifier, pool);
    test_finals(&verifier, pool);
    test_binding(&verifier, pool);
    apr_pool_destroy(pool);
    return done_testing();
}
