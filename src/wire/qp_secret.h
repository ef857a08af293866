/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_secret.h
 * @brief Passwords and what is computed of them. The functions for plugins
 *        are declared in qpsmtpd.h.
 */
#ifndef QP_SECRET_H
#define QP_SECRET_H

#include "base/qp_base.h"

/** Octets of a SHA-256. */
#define QP_SHA256_LEN 32
/** Octets of the salt of a verifier, at most. */
#define QP_SALT_MAX   64

/** What SCRAM stores of a password (RFC 5802 3). */
typedef struct qp_verifier {
    int iterations;
    apr_size_t salt_len;
    unsigned char salt[QP_SALT_MAX];
    unsigned char stored_key[QP_SHA256_LEN];
    unsigned char server_key[QP_SHA256_LEN];
} qp_verifier;

/**
 * Reads a verifier in the form of RFC 5803, which is also that of PostgreSQL:
 * "SCRAM-SHA-256$4096:SALT$STOREDKEY:SERVERKEY", the last three in base64.
 * @return 1, or 0: it is none
 */
int qp_secret_parse_verifier(const char *text, qp_verifier *out,
                             apr_pool_t *pool) QP_CHECKED;

/** Fills in the keys of a verifier whose salt and iterations are set; takes
 *  some milliseconds. @return 1, or 0: OpenSSL cannot */
int qp_secret_make_verifier(qp_verifier *verifier,
                            const char *password) QP_CHECKED;

/** HMAC with SHA-256 (RFC 2104). */
void qp_secret_hmac(const void *key, apr_size_t key_len, const void *data,
                    apr_size_t len, unsigned char out[QP_SHA256_LEN]);

/** SHA-256. */
void qp_secret_hash(const void *data, apr_size_t len,
                    unsigned char out[QP_SHA256_LEN]);

#endif /* QP_SECRET_H */
