/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_scram.h
 * @brief The server's side of SCRAM-SHA-256 and -PLUS (RFC 5802, RFC 7677).
 *
 *     qp_scram_read_first()    what the client begins with
 *     qp_scram_challenge()     what it is answered
 *     qp_scram_read_final()    its proof
 *     qp_scram_verify()        whether that is right, and our own proof
 */
#ifndef QP_SCRAM_H
#define QP_SCRAM_H

#include "wire/qp_secret.h"

/** Rounds and octets of salt where we choose them (RFC 7677 4). */
#define QP_SCRAM_ITERATIONS 4096
#define QP_SCRAM_SALT_LEN   16

/** How a message of the client is. */
typedef enum qp_scram_rc {
    QP_SCRAM_GOOD,
    QP_SCRAM_MALFORMED, /**< not what the RFC allows */
    QP_SCRAM_WRONG      /**< it is, and the login has failed */
} qp_scram_rc;

/** One exchange. All texts live in the pool that was given. */
typedef struct qp_scram {
    apr_pool_t *pool;
    const char *flag;    /**< of the GS2 header: "n", "y", "p=TYPE" */
    const char *header;  /**< the whole of it */
    const char *authzid; /**< or "" */
    const char *user;
    const char *nonce;        /**< the client's, then both */
    const char *client_first; /**< without header */
    const char *server_first;
    const char *auth_message;
    unsigned char proof[QP_SHA256_LEN];
} qp_scram;

/** @param scram  zeroed but for its pool */
qp_scram_rc qp_scram_read_first(qp_scram *scram, const char *message,
                                apr_size_t len) QP_CHECKED;

/** @param nonce  the server's part: printable, no commas
 *  @return the message for the client */
const char *qp_scram_challenge(qp_scram *scram, const char *nonce,
                               const qp_verifier *verifier);

/** @param binding  the channel binding data that the flag asks for, or NULL
 *  and 0 */
qp_scram_rc qp_scram_read_final(qp_scram *scram, const char *message,
                                apr_size_t len, const unsigned char *binding,
                                apr_size_t binding_len) QP_CHECKED;

/** @param out  the message that proves to the client who we are; in @a pool
 *  @return 1: the client has proved that it knows the password; or 0 */
int qp_scram_verify(const char *auth_message,
                    const unsigned char proof[QP_SHA256_LEN],
                    const qp_verifier *verifier, const char **out,
                    apr_pool_t *pool) QP_CHECKED;

#endif /* QP_SCRAM_H */
