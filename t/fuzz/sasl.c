/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of wire/qp_base64, qp_sasl, qp_scram and qp_secret: what a client
 * answers in AUTH, and the verifier of a password file (R78, R80, R104).
 */
#include "fuzz.h"

#include "wire/qp_base64.h"
#include "wire/qp_sasl.h"
#include "wire/qp_scram.h"

/* Each text has one meaning, and each octet string one text. */
static void check_base64(const char *text, size_t len, apr_pool_t *pool)
{
    apr_size_t count;
    char *octets = qp_base64_decode(text, len, &count, pool);
    const char *again;

    if (octets != NULL) {
        fuzz_check(count <= len && octets[count] == '\0');
        again = qp_base64_encode(octets, count, pool);
        fuzz_check(strlen(again) == len && memcmp(again, text, len) == 0);
    }
    again = qp_base64_encode(text, len, pool);
    octets = qp_base64_decode(again, strlen(again), &count, pool);
    fuzz_check(octets != NULL && count == len);
    fuzz_check(len == 0 || memcmp(octets, text, len) == 0);
}

/* The parsers write into the message, behind which is a NUL. */
static char *copy_message(const fuzz_input *in, apr_pool_t *pool)
{
    char *message = apr_pmemdup(pool, in->next, in->left + 1);

    message[in->left] = '\0';
    return message;
}

static void check_simple(const fuzz_input *in, apr_pool_t *pool)
{
    qp_sasl_plain plain;
    qp_sasl_token token;
    const char *user;
    char *digest;

    if (qp_sasl_parse_plain(copy_message(in, pool), in->left, &plain)) {
        fuzz_check(strlen(plain.authzid) + strlen(plain.user)
                       + strlen(plain.password) + 2
                   == in->left);
    }
    if (qp_sasl_parse_cram(copy_message(in, pool), in->left, &user, &digest)) {
        fuzz_check(strlen(digest) == 32 && strlen(user) < in->left);
        fuzz_check(strspn(digest, "0123456789abcdef") == 32);
    }
    if (qp_sasl_parse_bearer(copy_message(in, pool), in->left, &token, pool)) {
        fuzz_check(strlen(token.token) < in->left && token.port >= 0
                   && token.port <= 65535);
    }
    if (qp_sasl_parse_xoauth2(copy_message(in, pool), in->left, &token)) {
        fuzz_check(strlen(token.token) < in->left);
    }
}

/* A stranger without the password is never let in. */
static void check_scram(const fuzz_input *in, apr_pool_t *pool)
{
    qp_verifier verifier = { .iterations = 4096, .salt_len = 16 };
    qp_scram scram = { .pool = pool };
    fuzz_input rest = *in;
    const char *first = fuzz_text(&rest, pool);
    const char *out;

    if (qp_scram_read_first(&scram, first, strlen(first)) != QP_SCRAM_GOOD) {
        return;
    }
    fuzz_check(fuzz_is_clean(scram.nonce) && scram.nonce[0] != '\0');
    out = qp_scram_challenge(&scram, "ourpart", &verifier);
    fuzz_check(fuzz_is_clean(out));
    out = fuzz_text(&rest, pool);
    if (qp_scram_read_final(&scram, out, strlen(out), NULL, 0)
        == QP_SCRAM_GOOD) {
        fuzz_check(!qp_scram_verify(scram.auth_message, scram.proof, &verifier,
                                    &out, pool));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* With room for a NUL. */
    char *octets = malloc(size + 1);
    fuzz_input in = { (const uint8_t *)octets, size };
    apr_pool_t *pool = fuzz_begin();
    qp_verifier verifier;

    fuzz_check(octets != NULL);
    if (size > 0) {
        memcpy(octets, data, size);
    }
    octets[size] = '\0';
    check_base64(octets, size, pool);
    check_simple(&in, pool);
    check_scram(&in, pool);
    if (qp_secret_parse_verifier(octets, &verifier, pool)) {
        fuzz_check(verifier.iterations > 0 && verifier.salt_len > 0
                   && verifier.salt_len <= QP_SALT_MAX);
    }
    free(octets);
    return fuzz_end(pool);
}
