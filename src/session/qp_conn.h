/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_conn.h
 * @brief The facts of one connection.
 */
#ifndef QP_CONN_H
#define QP_CONN_H

#include "session/qp_notes.h"
#include "session/qp_slots.h"

/** Octets of a domain (RFC 5321 4.5.3.1.2). */
#define QP_HOST_MAX 255
#define QP_ID_LEN   12

typedef enum qp_hello {
    QP_HELLO_NONE,
    QP_HELLO_HELO,
    QP_HELLO_EHLO,
    QP_HELLO_LHLO
} qp_hello;

/** What the transport knows of the peers. The texts must live as long as the
 *  connection. */
typedef struct qp_peers {
    const char *remote_ip;
    const char *remote_host; /**< verified name, or NULL */
    const char *local_ip;
    int remote_port;
    int local_port;
    int conns_of_ip;  /**< open connections of remote_ip */
    int conns_of_all; /**< of everybody */
} qp_peers;

/** Where TLS stands for a session. */
typedef enum qp_tls_mode {
    QP_TLS_OFF,      /**< the carrier has none */
    QP_TLS_STARTTLS, /**< offered (RFC 3207) */
    QP_TLS_REQUIRED, /**< ... and no mail without it */
    QP_TLS_IMPLICIT  /**< before the greeting (RFC 8314 3.3) */
} qp_tls_mode;

/** What TLS says of a connection. The texts live as long as it does. */
typedef struct qp_tls {
    const char *protocol;       /**< such as TLSv1.3 */
    const char *cipher;         /**< OpenSSL's name */
    const char *server_name;    /**< that the client asked for, or NULL */
    const char *client_subject; /**< of its certificate, or NULL: none */
    int is_verified;            /**< that certificate, by a known CA */
} qp_tls;

/** Lives in pconn. Written by the session's thread only. */
struct qp_conn {
    apr_pool_t *pool;
    char id[QP_ID_LEN + 1];
    qp_peers peers;
    qp_hello hello;
    char hello_host[QP_HOST_MAX + 1]; /**< in place: EHLO may come often */
    int relay_client;
    const qp_tls *tls;                /**< NULL in clear */
    const char *auth_user;            /**< or NULL */
    const char *auth_mechanism;       /**< or NULL */
    const char *auth_failed;          /**< mechanism of the last failure */
    int auth_failures;                /**< so far; STARTTLS changes nothing */
    int relay_by_auth;                /**< relay_client comes of AUTH alone */
    apr_array_header_t *auth_results; /**< of const char *, or NULL */
    qp_notes *notes;
    struct qp_client_lookup *lookup; /**< of the client's name, or NULL */
    qp_slots slots;
};

/** @param peers  copied; its texts are not */
qp_conn *qp_conn_create(const qp_peers *peers, apr_pool_t *pool);

/** Takes the name of an accepted HELO or EHLO; NONE forgets it. */
void qp_conn_set_hello(qp_conn *conn, qp_hello hello, const char *host);

#endif /* QP_CONN_H */
