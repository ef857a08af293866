/* SPDX-License-Identifier: Apache-2.0 */
/* SCRAM: parses the client's two messages, makes the server's, and checks the
 * proof. It asks nobody for passwords and knows nothing of SMTP. User names
 * and passwords are taken as they come: whoever stores ones that are not ASCII
 * stores them as clients prepare them (RFC 4013). */

#include "wire/qp_scram.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/crypto.h>

#include "wire/qp_base64.h"
#include "wire/qp_sasl.h"

/* A client's part of the nonce. */
#define NONCE_MAX 256

/* Takes "X=value" up to a comma or the end.
 * @return the value in @a pool, or NULL; *p is then behind it */
static const char *take_attribute(const char **p, char name, apr_pool_t *pool)
{
    apr_size_t len;
    const char *value;

    if ((*p)[0] != name || (*p)[1] != '=') {
        return NULL;
    }
    len = strcspn(*p + 2, ",");
    value = apr_pstrmemdup(pool, *p + 2, len);
    *p += 2 + len;
    *p += **p == ',';
    return value;
}

/* printable, without commas (RFC 5802 7) */
static int is_nonce(const char *nonce)
{
    const char *p;

    for (p = nonce; *p > ' ' && *p < 0x7f; p++) {
        continue;
    }
    return *p == '\0' && p > nonce && p - nonce <= NONCE_MAX;
}

/* client-first-message = gs2-header "n=" saslname ",r=" nonce ["," extensions]
 * An extension that must be understood ("m=") is not. */
qp_scram_rc qp_scram_read_first(qp_scram *scram, const char *message,
                                apr_size_t len)
{
    const char *p = message;
    const char *name;

    if (strlen(message) != len
        || !qp_sasl_parse_gs2(&p, &scram->flag, &scram->authzid, scram->pool)) {
        return QP_SCRAM_MALFORMED;
    }
    scram->header =
        apr_pstrmemdup(scram->pool, message, (apr_size_t)(p - message));
    scram->client_first = apr_pstrdup(scram->pool, p);
    name = take_attribute(&p, 'n', scram->pool);
    scram->nonce = take_attribute(&p, 'r', scram->pool);
    if (name == NULL || scram->nonce == NULL || !is_nonce(scram->nonce)) {
        return QP_SCRAM_MALFORMED;
    }
    scram->user = qp_sasl_decode_name(name, strlen(name), scram->pool);
    return scram->user != NULL ? QP_SCRAM_GOOD : QP_SCRAM_MALFORMED;
}

const char *qp_scram_challenge(qp_scram *scram, const char *nonce,
                               const qp_verifier *verifier)
{
    scram->nonce = apr_pstrcat(scram->pool, scram->nonce, nonce, NULL);
    scram->server_first =
        apr_psprintf(scram->pool, "r=%s,s=%s,i=%d", scram->nonce,
                     qp_base64_encode(verifier->salt, verifier->salt_len,
                                      scram->pool),
                     verifier->iterations);
    return scram->server_first;
}

/* Whether what the client says of its channel is what we see (RFC 5802 6):
 * the header that it began with, and the binding data behind it. */
static int is_bound(const qp_scram *scram, const char *text,
                    const unsigned char *binding, apr_size_t len)
{
    apr_size_t header_len = strlen(scram->header);
    apr_size_t found;
    const char *octets =
        qp_base64_decode(text, strlen(text), &found, scram->pool);

    return octets != NULL && found == header_len + len
           && memcmp(octets, scram->header, header_len) == 0
           && (len == 0
               || CRYPTO_memcmp(octets + header_len, binding, len) == 0);
}

/* client-final-message = "c=" base64 ",r=" nonce ["," extensions] ",p=" base64
 */
qp_scram_rc qp_scram_read_final(qp_scram *scram, const char *message,
                                apr_size_t len, const unsigned char *binding,
                                apr_size_t binding_len)
{
    const char *p = message;
    const char *channel = take_attribute(&p, 'c', scram->pool);
    const char *nonce = take_attribute(&p, 'r', scram->pool);
    const char *proof;
    const char *octets;
    apr_size_t found;

    if (strlen(message) != len || channel == NULL || nonce == NULL) {
        return QP_SCRAM_MALFORMED;
    }
    proof = strstr(p - 1, ",p=");
    if (proof == NULL || strchr(proof + 1, ',') != NULL) {
        return QP_SCRAM_MALFORMED;
    }
    octets =
        qp_base64_decode(proof + 3, strlen(proof + 3), &found, scram->pool);
    if (octets == NULL || found != QP_SHA256_LEN) {
        return QP_SCRAM_MALFORMED;
    }
    memcpy(scram->proof, octets, QP_SHA256_LEN);
    scram->auth_message =
        apr_psprintf(scram->pool, "%s,%s,%.*s", scram->client_first,
                     scram->server_first, (int)(proof - message), message);
    if (!is_bound(scram, channel, binding, binding_len)
        || strcmp(nonce, scram->nonce) != 0) {
        return QP_SCRAM_WRONG;
    }
    return QP_SCRAM_GOOD;
}

/* ClientProof XOR ClientSignature is ClientKey, whose hash is stored
 * (RFC 5802 3). */
int qp_scram_verify(const char *auth_message,
                    const unsigned char proof[QP_SHA256_LEN],
                    const qp_verifier *verifier, const char **out,
                    apr_pool_t *pool)
{
    apr_size_t len = strlen(auth_message);
    unsigned char key[QP_SHA256_LEN];
    unsigned char hash[QP_SHA256_LEN];
    int is_right;
    int i;

    qp_secret_hmac(verifier->stored_key, QP_SHA256_LEN, auth_message, len, key);
    for (i = 0; i < QP_SHA256_LEN; i++) {
        key[i] ^= proof[i];
    }
    qp_secret_hash(key, sizeof(key), hash);
    is_right = CRYPTO_memcmp(hash, verifier->stored_key, sizeof(hash)) == 0;
    explicit_bzero(key, sizeof(key));
    qp_secret_hmac(verifier->server_key, QP_SHA256_LEN, auth_message, len,
                   hash);
    *out = apr_pstrcat(pool, "v=", qp_base64_encode(hash, sizeof(hash), pool),
                       NULL);
    return is_right;
}
