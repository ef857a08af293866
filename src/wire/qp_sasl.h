/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_sasl.h
 * @brief What clients send in the simple mechanisms of SASL, decoded already.
 *
 * The parsers write NULs into the message and point into it: it is one secret,
 * which its owner wipes. Each returns 1, or 0: the message is malformed.
 */
#ifndef QP_SASL_H
#define QP_SASL_H

#include "base/qp_base.h"

/** Octets of a user's name (RFC 4616 2 wants as many). */
#define QP_SASL_NAME_MAX 255

/** The mechanisms of AUTH; smtp/qp_mech.c has what they do. */
#define QP_SASL_MECHS                                                          \
    "SCRAM-SHA-256-PLUS, SCRAM-SHA-256, CRAM-MD5, PLAIN, LOGIN, "              \
    "OAUTHBEARER, XOAUTH2, EXTERNAL"

/** Of PLAIN (RFC 4616). */
typedef struct qp_sasl_plain {
    const char *authzid; /**< or "" */
    const char *user;
    char *password;
} qp_sasl_plain;

/** Of OAUTHBEARER (RFC 7628) and XOAUTH2. */
typedef struct qp_sasl_token {
    const char *user; /**< as the client says, or "" */
    char *token;
    const char *host; /**< or "" */
    int port;         /**< or 0 */
} qp_sasl_token;

int qp_sasl_parse_plain(char *message, apr_size_t len,
                        qp_sasl_plain *out) QP_CHECKED;

/** Of CRAM-MD5 (RFC 2195 2): "user digest", 32 hexadecimal digits, which are
 *  made small letters. */
int qp_sasl_parse_cram(char *message, apr_size_t len, const char **user,
                       char **digest) QP_CHECKED;

int qp_sasl_parse_bearer(char *message, apr_size_t len, qp_sasl_token *out,
                         apr_pool_t *pool) QP_CHECKED;
int qp_sasl_parse_xoauth2(char *message, apr_size_t len,
                          qp_sasl_token *out) QP_CHECKED;

/**
 * The start of a GS2 message (RFC 5801 4): "n,," or "y,a=name," or
 * "p=tls-exporter,,".
 * @param rest  in and out: the message; out: what is behind the header
 * @param flag  out: the text of the first part
 * @param authzid  out: the name, or ""; in @a pool
 */
int qp_sasl_parse_gs2(const char **rest, const char **flag,
                      const char **authzid, apr_pool_t *pool) QP_CHECKED;

/** Decodes a saslname (RFC 5802 5.1): =2C and =3D. @return NULL: malformed */
const char *qp_sasl_decode_name(const char *text, apr_size_t len,
                                apr_pool_t *pool);

/** Whether a name can be that of a user: not empty, not too long, no control
 *  characters, which no back end should see. */
int qp_sasl_is_name(const char *name);

/** Whether it is one of QP_SASL_MECHS, in any case. */
int qp_sasl_is_mech(const char *name);

#endif /* QP_SASL_H */
