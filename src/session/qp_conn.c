/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of a connection: peers, names, flags. They live as long as it
 * does. Nothing here talks to the client or to a plugin. */

#include "session/qp_conn.h"

#include <stdlib.h>

#include <apr_strings.h>

/* Unique over time and processes: 60 random bits as twelve letters and
 * digits. */
static void make_id(char *id)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    unsigned char random[QP_ID_LEN];
    int i;

    if (apr_generate_random_bytes(random, sizeof(random)) != APR_SUCCESS) {
        abort();
    }
    for (i = 0; i < QP_ID_LEN; i++) {
        id[i] = digits[random[i] % 32];
    }
    id[QP_ID_LEN] = '\0';
}

qp_conn *qp_conn_create(const qp_peers *peers, apr_pool_t *pool)
{
    qp_conn *conn = apr_pcalloc(pool, sizeof(*conn));

    conn->pool = pool;
    conn->peers = *peers;
    make_id(conn->id);
    return conn;
}

void qp_conn_set_hello(qp_conn *conn, qp_hello hello, const char *host)
{
    conn->hello = hello;
    apr_cpystrn(conn->hello_host, host, sizeof(conn->hello_host));
}

const char *qp_conn_id(const qp_conn *conn)
{
    return conn->id;
}

const char *qp_conn_remote_ip(const qp_conn *conn)
{
    return conn->peers.remote_ip;
}

const char *qp_conn_remote_host(const qp_conn *conn)
{
    return conn->peers.remote_host != NULL ? conn->peers.remote_host
                                           : "Unknown";
}

int qp_conn_remote_port(const qp_conn *conn)
{
    return conn->peers.remote_port;
}

const char *qp_conn_local_ip(const qp_conn *conn)
{
    return conn->peers.local_ip;
}

int qp_conn_local_port(const qp_conn *conn)
{
    return conn->peers.local_port;
}

const char *qp_conn_hello(const qp_conn *conn)
{
    static const char *const names[] = { "", "helo", "ehlo", "lhlo" };

    return names[conn->hello];
}

const char *qp_conn_hello_host(const qp_conn *conn)
{
    return conn->hello_host;
}

int qp_conn_relay_client(const qp_conn *conn)
{
    return conn->relay_client;
}

void qp_conn_set_relay_client(qp_conn *conn, int may_relay)
{
    conn->relay_client = may_relay != 0;
}

const char *qp_conn_tls_protocol(const qp_conn *conn)
{
    return conn->tls != NULL ? conn->tls->protocol : NULL;
}

const char *qp_conn_tls_cipher(const qp_conn *conn)
{
    return conn->tls != NULL ? conn->tls->cipher : NULL;
}

const char *qp_conn_tls_server_name(const qp_conn *conn)
{
    return conn->tls != NULL ? conn->tls->server_name : NULL;
}

const char *qp_conn_tls_client_subject(const qp_conn *conn)
{
    return conn->tls != NULL ? conn->tls->client_subject : NULL;
}

int qp_conn_tls_client_verified(const qp_conn *conn)
{
    return conn->tls != NULL && conn->tls->is_verified;
}

const char *qp_conn_auth_user(const qp_conn *conn)
{
    return conn->auth_user;
}

const char *qp_conn_auth_mechanism(const qp_conn *conn)
{
    return conn->auth_mechanism;
}

qp_notes *qp_conn_notes(qp_conn *conn)
{
    if (conn->notes == NULL) {
        conn->notes = qp_notes_create(conn->pool);
    }
    return conn->notes;
}
