/* SPDX-License-Identifier: Apache-2.0 */
/* Compares, checks and wipes secrets. OpenSSL does the arithmetic. Nothing is
 * kept; how long a comparison takes tells nothing but lengths (R78). */

#include "wire/qp_secret.h"

#include <stdlib.h>
#include <string.h>

#include <apr_md5.h>
#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "wire/qp_base64.h"

#define VERIFIER_START "SCRAM-SHA-256$"
#define PLAIN_START    "{PLAIN}"
#define MD5_LEN        16

/* So many rounds take seconds. A client waits for them, and so does the thread
 * of a job. */
#define ITERATIONS_MAX 10000000

void qp_secret_wipe(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
    }
}

/* The time depends on the length of @a b alone. */
int qp_secret_equal(const char *a, const char *b)
{
    apr_size_t len = strlen(b);
    apr_size_t a_len = strlen(a);
    unsigned char differs = a_len != len;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        differs |= (unsigned char)(a[a_len > 0 ? i % a_len : 0] ^ b[i]);
    }
    return differs == 0;
}

void qp_secret_hmac(const void *key, apr_size_t key_len, const void *data,
                    apr_size_t len, unsigned char out[QP_SHA256_LEN])
{
    if (HMAC(EVP_sha256(), key, (int)key_len, data, len, out, NULL) == NULL) {
        abort(); /* only without memory */
    }
}

void qp_secret_hash(const void *data, apr_size_t len,
                    unsigned char out[QP_SHA256_LEN])
{
    SHA256(data, len, out);
}

/* Base64 of so many octets that @a out takes. @return how many, or 0 */
static apr_size_t parse_octets(const char *text, apr_size_t len,
                               unsigned char *out, apr_size_t max,
                               apr_pool_t *pool)
{
    apr_size_t found;
    const char *octets = qp_base64_decode(text, len, &found, pool);

    if (octets == NULL || found > max) {
        return 0;
    }
    memcpy(out, octets, found);
    return found;
}

int qp_secret_parse_verifier(const char *text, qp_verifier *out,
                             apr_pool_t *pool)
{
    const apr_size_t start = sizeof(VERIFIER_START) - 1;
    const char *salt;
    const char *keys;
    const char *last;
    char *end;
    long iterations;

    if (strncmp(text, VERIFIER_START, start) != 0) {
        return 0;
    }
    iterations = strtol(text + start, &end, 10);
    salt = end + 1;
    keys = strchr(text + start, '$');
    if (*end != ':' || iterations < 1 || iterations > ITERATIONS_MAX
        || keys == NULL) {
        return 0;
    }
    last = strchr(keys, ':');
    if (last == NULL) {
        return 0;
    }
    out->iterations = (int)iterations;
    out->salt_len = parse_octets(salt, (apr_size_t)(keys - salt), out->salt,
                                 sizeof(out->salt), pool);
    return out->salt_len > 0
           && parse_octets(keys + 1, (apr_size_t)(last - keys - 1),
                           out->stored_key, QP_SHA256_LEN, pool)
                  == QP_SHA256_LEN
           && parse_octets(last + 1, strlen(last + 1), out->server_key,
                           QP_SHA256_LEN, pool)
                  == QP_SHA256_LEN;
}

int qp_secret_make_verifier(qp_verifier *verifier, const char *password)
{
    unsigned char salted[QP_SHA256_LEN];
    unsigned char client_key[QP_SHA256_LEN];

    if (PKCS5_PBKDF2_HMAC(password, (int)strlen(password), verifier->salt,
                          (int)verifier->salt_len, verifier->iterations,
                          EVP_sha256(), sizeof(salted), salted)
        != 1) {
        return 0;
    }
    qp_secret_hmac(salted, sizeof(salted), "Client Key", 10, client_key);
    qp_secret_hash(client_key, sizeof(client_key), verifier->stored_key);
    qp_secret_hmac(salted, sizeof(salted), "Server Key", 10,
                   verifier->server_key);
    explicit_bzero(salted, sizeof(salted));
    explicit_bzero(client_key, sizeof(client_key));
    return 1;
}

/* A password against a verifier: makes another one and compares. */
static int check_verifier(const char *stored, const char *password)
{
    apr_pool_t *pool;
    qp_verifier verifier;
    unsigned char wanted[QP_SHA256_LEN];
    int is_right = 0;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        abort();
    }
    if (qp_secret_parse_verifier(stored, &verifier, pool)) {
        memcpy(wanted, verifier.stored_key, sizeof(wanted));
        is_right =
            qp_secret_make_verifier(&verifier, password)
            && CRYPTO_memcmp(wanted, verifier.stored_key, sizeof(wanted)) == 0;
    }
    apr_pool_destroy(pool);
    explicit_bzero(&verifier, sizeof(verifier));
    return is_right;
}

/* Neither a hash of crypt(3) or htpasswd nor a verifier. */
static int is_clear(const char *stored)
{
    return stored[0] != '$' && strncmp(stored, "{SHA}", 5) != 0
           && strncmp(stored, VERIFIER_START, sizeof(VERIFIER_START) - 1) != 0;
}

const char *qp_secret_clear(const char *stored)
{
    const apr_size_t start = sizeof(PLAIN_START) - 1;

    if (!is_clear(stored)) {
        return NULL;
    }
    return strncmp(stored, PLAIN_START, start) == 0 ? stored + start : stored;
}

int qp_secret_check(const char *stored, const char *password)
{
    const char *clear = qp_secret_clear(stored);

    if (password[0] == '\0' || stored[0] == '\0') {
        return 0;
    }
    if (clear != NULL) {
        return clear[0] != '\0' && qp_secret_equal(clear, password);
    }
    if (stored[0] == 'S') {
        return check_verifier(stored, password);
    }
    return apr_password_validate(password, stored) == APR_SUCCESS;
}

int qp_secret_check_cram_md5(const char *password, const char *ticket,
                             const char *hash)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char mac[MD5_LEN];
    char hex[2 * MD5_LEN + 1];
    int i;

    if (HMAC(EVP_md5(), password, (int)strlen(password),
             (const unsigned char *)ticket, strlen(ticket), mac, NULL)
        == NULL) {
        return 0; /* a policy of OpenSSL forbids MD5 */
    }
    for (i = 0; i < MD5_LEN; i++) {
        hex[2 * i] = digits[mac[i] >> 4];
        hex[2 * i + 1] = digits[mac[i] & 15];
    }
    hex[2 * MD5_LEN] = '\0';
    explicit_bzero(mac, sizeof(mac));
    return password[0] != '\0' && qp_secret_equal(hash, hex);
}
