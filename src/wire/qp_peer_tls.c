/* SPDX-License-Identifier: Apache-2.0 */
/* TLS on a stream to another server, by OpenSSL. The settings live as long as
 * the configuration and are shared by all threads; each stream has its own
 * SSL. What is said on the stream is the plugin's business. */

#include "wire/qp_peer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <arpa/inet.h>

#include <apr_strings.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct qp_tls {
    SSL_CTX *ctx;
    int verifies;
};

static apr_status_t free_tls(void *data)
{
    qp_tls *tls = data;

    SSL_CTX_free(tls->ctx);
    return APR_SUCCESS;
}

/* What OpenSSL has to say of the last call. */
static const char *tell_error(char *text, apr_size_t len)
{
    unsigned long code = ERR_peek_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

    apr_cpystrn(text, reason != NULL ? reason : "TLS has failed", len);
    ERR_clear_error();
    return text;
}

static const char *complain(const char *what, const char *file,
                            apr_pool_t *pool)
{
    char text[128];

    return apr_psprintf(pool, "%s: \"%s\" cannot be used: %s", what, file,
                        tell_error(text, sizeof(text)));
}

static const char *trust(SSL_CTX *ctx, const qp_tls_files *files,
                         apr_pool_t *pool)
{
    int good = files->ca_file != NULL
                   ? SSL_CTX_load_verify_locations(ctx, files->ca_file, NULL)
                   : SSL_CTX_set_default_verify_paths(ctx);

    if (!good) {
        return complain("trusted certificates",
                        files->ca_file != NULL ? files->ca_file : "the system",
                        pool);
    }
    return NULL;
}

static const char *present(SSL_CTX *ctx, const qp_tls_files *files,
                           apr_pool_t *pool)
{
    const char *key =
        files->key_file != NULL ? files->key_file : files->cert_file;

    if (files->cert_file == NULL) {
        return NULL;
    }
    if (SSL_CTX_use_certificate_chain_file(ctx, files->cert_file) != 1) {
        return complain("certificate", files->cert_file, pool);
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
        return complain("key", key, pool);
    }
    return NULL;
}

const char *qp_tls_create(qp_tls **out, const qp_tls_files *files,
                          apr_pool_t *pool)
{
    qp_tls *tls = apr_pcalloc(pool, sizeof(*tls));
    const char *error;

    ERR_clear_error();
    tls->ctx = SSL_CTX_new(TLS_client_method());
    if (tls->ctx == NULL) {
        return complain("TLS", "OpenSSL", pool);
    }
    apr_pool_cleanup_register(pool, tls, free_tls, apr_pool_cleanup_null);
    tls->verifies = files->verifies;
    /* RFC 8996: nothing below 1.2. */
    if (SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) != 1) {
        return complain("TLS", "1.2", pool);
    }
    SSL_CTX_set_mode(tls->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE
                                   | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(tls->ctx,
                       files->verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       NULL);
    error = files->verifies ? trust(tls->ctx, files, pool) : NULL;
    if (error == NULL) {
        error = present(tls->ctx, files, pool);
    }
    *out = tls;
    return error;
}

/* What a call that did not succeed wants. */
static apr_status_t judge(qp_peer *peer, int n, short *wait)
{
    char text[128];
    int saved = errno;

    switch (SSL_get_error(peer->tls, n)) {
    case SSL_ERROR_WANT_READ:
        *wait = POLLIN;
        return APR_EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        *wait = POLLOUT;
        return APR_EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return APR_EOF;
    case SSL_ERROR_SYSCALL:
        ERR_clear_error();
        return saved != 0 ? saved : APR_ECONNRESET;
    default:
        apr_cpystrn(peer->tls_error, tell_error(text, sizeof(text)),
                    sizeof(peer->tls_error));
        return APR_EGENERAL;
    }
}

static apr_status_t recv_tls(qp_peer *peer, char *data, apr_size_t *len,
                             short *wait)
{
    int n;

    ERR_clear_error();
    errno = 0;
    n = SSL_read(peer->tls, data, (int)*len);
    if (n <= 0) {
        return judge(peer, n, wait);
    }
    *len = (apr_size_t)n;
    return APR_SUCCESS;
}

static apr_status_t send_tls(qp_peer *peer, const char *data, apr_size_t *len,
                             short *wait)
{
    int n;

    ERR_clear_error();
    errno = 0;
    n = SSL_write(peer->tls, data, *len < 65536 ? (int)*len : 65536);
    if (n <= 0) {
        return judge(peer, n, wait);
    }
    *len = (apr_size_t)n;
    return APR_SUCCESS;
}

/* Tells the other side, if that can be done at once. */
static void close_tls(qp_peer *peer)
{
    ERR_clear_error();
    QP_IGNORE(SSL_shutdown(peer->tls), "the connection is closed anyway");
    ERR_clear_error();
    SSL_free(peer->tls);
    peer->tls = NULL;
}

static const qp_peer_way tls_way = { recv_tls, send_tls, close_tls };

static int is_address(const char *host)
{
    unsigned char addr[16];

    return inet_pton(AF_INET, host, addr) == 1
           || inet_pton(AF_INET6, host, addr) == 1;
}

/* Whose certificate it has to be. */
static int set_host(SSL *ssl, const qp_tls *tls, const char *host)
{
    if (is_address(host)) {
        return !tls->verifies
               || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    }
    if (SSL_set_tlsext_host_name(ssl, host) != 1) {
        return 0;
    }
    return !tls->verifies || SSL_set1_host(ssl, host);
}

static apr_status_t shake_hands(qp_peer *peer)
{
    apr_status_t rv = APR_EAGAIN;
    short wait;
    int n;

    while (APR_STATUS_IS_EAGAIN(rv)) {
        ERR_clear_error();
        errno = 0;
        n = SSL_connect(peer->tls);
        if (n == 1) {
            return APR_SUCCESS;
        }
        rv = judge(peer, n, &wait);
        if (APR_STATUS_IS_EAGAIN(rv)) {
            rv = qp_peer_wait(peer, wait, peer->deadline);
            rv = rv == APR_SUCCESS ? APR_EAGAIN : rv;
        }
    }
    return rv;
}

/* The reason why a certificate is not trusted says more than that it is not. */
static apr_status_t refuse(qp_peer *peer, apr_status_t rv)
{
    long verdict = SSL_get_verify_result(peer->tls);

    if (rv == APR_EGENERAL && verdict != X509_V_OK) {
        apr_cpystrn(peer->tls_error, X509_verify_cert_error_string(verdict),
                    sizeof(peer->tls_error));
    }
    qp_peer_note(peer, rv, "start TLS with");
    qp_peer_close(peer);
    return rv;
}

apr_status_t qp_peer_start_tls(qp_peer *peer, const qp_tls *tls,
                               const char *host)
{
    apr_status_t rv = qp_peer_flush(peer);

    if (rv != APR_SUCCESS || peer->fd < 0 || peer->tls != NULL) {
        return rv != APR_SUCCESS
                   ? rv
                   : qp_peer_note(peer, APR_EINVAL, "start TLS with");
    }
    /* What somebody put in behind the answer to STARTTLS must not be taken
     * for something that was said under TLS (CVE-2011-0411). */
    if (peer->in_start < peer->in_end) {
        qp_peer_close(peer);
        return qp_peer_fail(peer, "it goes on in clear behind STARTTLS");
    }
    ERR_clear_error();
    peer->tls = SSL_new(tls->ctx);
    if (peer->tls == NULL || SSL_set_fd(peer->tls, peer->fd) != 1
        || !set_host(peer->tls, tls, host)) {
        return refuse(peer, APR_EGENERAL);
    }
    peer->way = &tls_way;
    rv = shake_hands(peer);
    return rv != APR_SUCCESS ? refuse(peer, rv) : rv;
}

const char *qp_peer_tls(const qp_peer *peer)
{
    return peer->tls != NULL ? SSL_get_version(peer->tls) : NULL;
}
