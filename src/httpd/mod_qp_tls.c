/* SPDX-License-Identifier: Apache-2.0 */
/* TLS by httpd's own mod_ssl. It is kept from taking the connection when it
 * begins, by showing it a virtual host without TLS, and called for when the
 * session wants it. What it offers is decided when httpd starts; the rest
 * belongs to the connection. Nothing here encrypts. */

#include "httpd/mod_qp.h"

#include <string.h>
#include <strings.h>

#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <http_ssl.h>
#include <mod_ssl.h>
#include <mod_ssl_openssl.h>
#include <util_filter.h>

APLOG_USE_MODULE(qpsmtpd);

#define SSL_MODULE   "mod_ssl.c"
/* Octets of binding data: RFC 9266 4.2, and no digest is longer. */
#define EXPORTER_LEN 32

/* The start: what is offered. -------------------------------------------- */

static int is_section_of(const ap_directive_t *node, const server_rec *s)
{
    return s->defn_name != NULL && node->filename != NULL
           && (unsigned)node->line_num == s->defn_line_number
           && strcmp(node->filename, s->defn_name) == 0;
}

static const char *last_args(const ap_directive_t *node, const char *name)
{
    const char *args = NULL;

    for (; node != NULL; node = node->next) {
        if (strcasecmp(node->directive, name) == 0) {
            args = node->args;
        }
    }
    return args;
}

/* The arguments of a directive of another module that count for a virtual
 * host: its own, or else the main server's. mod_ssl tells nobody what it has
 * read, and at apachectl -t it has not looked at it itself. */
static const char *find_args(const server_rec *s, const char *name)
{
    const ap_directive_t *node;
    const char *args = NULL;

    for (node = ap_conftree; node != NULL && s->is_virtual; node = node->next) {
        if (strcasecmp(node->directive, "<VirtualHost") == 0
            && is_section_of(node, s)) {
            args = last_args(node->first_child, name);
        }
    }
    return args != NULL ? args : last_args(ap_conftree, name);
}

int mod_qp_tls_engine(const server_rec *s, apr_pool_t *pool)
{
    const char *args = find_args(s, "SSLEngine");

    return args != NULL && strcasecmp(ap_getword_conf(pool, &args), "on") == 0;
}

/* mod_md, or whoever else brings certificates, needs no file. */
static int has_certificate(const server_rec *s)
{
    return find_args(s, "SSLCertificateFile") != NULL
           || ap_find_linked_module("mod_md.c") != NULL;
}

static const char *find_fault(const server_rec *s, apr_pool_t *pool)
{
    if (ap_find_linked_module(SSL_MODULE) == NULL) {
        return "mod_ssl is not loaded; add its LoadModule line, or write "
               "\"QpsmtpdTLS off\"";
    }
    if (!mod_qp_tls_engine(s, pool)) {
        return "mod_ssl is off here; write \"SSLEngine on\", or \"QpsmtpdTLS "
               "off\"";
    }
    if (!has_certificate(s)) {
        return "there is no certificate; name one by SSLCertificateFile, or "
               "write \"QpsmtpdTLS off\"";
    }
    return NULL;
}

const char *mod_qp_tls_check(server_rec *s, mod_qp_conf *conf, apr_pool_t *pool)
{
    const char *fault;

    if (conf->tls < 0 && mod_qp_tls_engine(s, pool)) {
        conf->tls = QP_TLS_STARTTLS;
    }
    if (conf->tls <= QP_TLS_OFF) {
        conf->tls = QP_TLS_OFF;
        return NULL;
    }
    fault = find_fault(s, pool);
    if (fault == NULL) {
        return NULL;
    }
    if (conf->tls_where != NULL) {
        return apr_psprintf(pool, "%s: QpsmtpdTLS: %s", conf->tls_where, fault);
    }
    return apr_psprintf(pool, "%s:%u: no TLS for this virtual host: %s",
                        s->defn_name, s->defn_line_number, fault);
}

/* The length of a vector of the modules' configurations. */
static int count_modules(void)
{
    const module *m;
    int count = 0;

    for (m = ap_top_module; m != NULL; m = m->next) {
        if (m->module_index >= count) {
            count = m->module_index + 1;
        }
    }
    return count;
}

void mod_qp_tls_prepare(server_rec *s, mod_qp_conf *conf, apr_pool_t *pconf)
{
    const module *ssl = ap_find_linked_module(SSL_MODULE);
    server_rec *shadow;
    void **configs;

    if (ssl == NULL || ssl->create_server_config == NULL) {
        return;
    }
    shadow = apr_pmemdup(pconf, s, sizeof(*s));
    configs = apr_pmemdup(pconf, s->module_config,
                          sizeof(void *) * (size_t)count_modules());
    configs[ssl->module_index] = ssl->create_server_config(pconf, shadow);
    shadow->module_config = (struct ap_conf_vector_t *)configs;
    conf->self = s;
    conf->shadow = shadow;
}

/* A connection begins. --------------------------------------------------- */

static int is_ours(const conn_rec *c)
{
    const mod_qp_conf *conf = mod_qp_conf_of(c->base_server);

    return conf->server != NULL && conf->shadow != NULL && c->master == NULL
           && !c->outgoing;
}

int mod_qp_tls_hold(conn_rec *c, void *socket QP_UNUSED)
{
    if (!is_ours(c)) {
        return DECLINED;
    }
    c->base_server = mod_qp_conf_of(c->base_server)->shadow;
    return OK;
}

/* The shadow has our own configuration in common with the virtual host. */
int mod_qp_tls_release(conn_rec *c, void *socket QP_UNUSED)
{
    const mod_qp_conf *conf = mod_qp_conf_of(c->base_server);

    if (c->base_server != conf->shadow) {
        return DECLINED;
    }
    c->base_server = conf->self;
    return OK;
}

/* With this as the protocol that is spoken, a client may name it by ALPN. */
const char *mod_qp_tls_protocol(const conn_rec *c)
{
    return mod_qp_conf_of(c->base_server)->server != NULL ? "smtp" : NULL;
}

/* The handshake. --------------------------------------------------------- */

/* Lets mod_ssl take the connection after all: by its own hook, of all those
 * that run when a connection begins. */
static apr_status_t insert_filters(conn_rec *c)
{
    const apr_array_header_t *hooks = ap_hook_get_pre_connection();
    const ap_LINK_pre_connection_t *link;
    int i;

    link = (const ap_LINK_pre_connection_t *)hooks->elts;
    for (i = 0; i < hooks->nelts; i++) {
        if (link[i].szName != NULL && strcmp(link[i].szName, SSL_MODULE) == 0
            && link[i].pFunc(c, ap_get_conn_socket(c)) == OK) {
            return APR_SUCCESS;
        }
    }
    ap_log_cerror(APLOG_MARK, APLOG_ERR, 0, c,
                  "QP9108: mod_ssl does not take the connection");
    return APR_EGENERAL;
}

/* Hook of mod_ssl, which has no other way to ask for the connection's SSL. */
static int keep_ssl(conn_rec *c, SSL *ssl, int is_proxy)
{
    mod_qp_conn *m = is_proxy ? NULL : mod_qp_park_of(c);

    if (m != NULL) {
        m->ssl = ssl;
    }
    return OK;
}

void mod_qp_tls_register(void)
{
    APR_OPTIONAL_HOOK(ssl, pre_handshake, keep_ssl, NULL, NULL,
                      APR_HOOK_MIDDLE);
}

static const char *find_variable(void *ctx, const char *name, apr_pool_t *pool)
{
    const mod_qp_conn *m = ctx;
    const char *value =
        ap_ssl_var_lookup(pool, m->c->base_server, m->c, NULL, name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static const char *find_text(const mod_qp_conn *m, const char *name)
{
    return ap_ssl_var_lookup(m->c->pool, m->c->base_server, m->c, NULL, name);
}

static const qp_tls *learn_facts(mod_qp_conn *m)
{
    qp_tls *tls = apr_pcalloc(m->c->pool, sizeof(*tls));
    const char *verified = find_text(m, "SSL_CLIENT_VERIFY");

#define FACT(field, name)                                                      \
    tls->field = find_text(m, name);                                           \
    if (tls->field != NULL && tls->field[0] == '\0') {                         \
        tls->field = NULL;                                                     \
    }
    FACT(protocol, "SSL_PROTOCOL")
    FACT(cipher, "SSL_CIPHER")
    FACT(server_name, "SSL_TLS_SNI")
    FACT(client_subject, "SSL_CLIENT_S_DN")
#undef FACT
    tls->is_verified = verified != NULL && strcmp(verified, "SUCCESS") == 0;
    return tls;
}

apr_status_t mod_qp_tls_shake(mod_qp_conn *m)
{
    apr_status_t rv;

    if (!m->is_shaking) {
        rv = insert_filters(m->c);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        m->is_shaking = 1;
        m->until = qp_now() + m->c->base_server->timeout;
    }
    if (qp_now() > m->until) {
        return APR_TIMEUP; /* all of it has one Timeout, not each octet */
    }
    rv = ap_get_brigade(m->c->input_filters, m->io.in, AP_MODE_INIT,
                        APR_NONBLOCK_READ, 0);
    apr_brigade_cleanup(m->io.in);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!ap_ssl_conn_is_ssl(m->c)) {
        return APR_EGENERAL;
    }
    m->is_shaking = 0;
    mod_qp_io_secure(&m->io, m->ssl);
    qp_engine_secured(m->qp, learn_facts(m));
    return APR_SUCCESS;
}

/* Channel binding. ------------------------------------------------------- */

/* RFC 9266 4.2. Without the extended master secret it binds nothing. */
static const unsigned char *export_key(SSL *ssl, apr_size_t *len,
                                       apr_pool_t *pool)
{
    static const char label[] = "EXPORTER-Channel-Binding";
    unsigned char *data = apr_palloc(pool, EXPORTER_LEN);

    if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1) {
        return NULL;
    }
    *len = EXPORTER_LEN;
    return SSL_export_keying_material(ssl, data, EXPORTER_LEN, label,
                                      sizeof(label) - 1, NULL, 0, 1)
                   == 1
               ? data
               : NULL;
}

/* The digest of the signature of our certificate, but none that is weaker than
 * SHA-256 (RFC 5929 4.1). */
static const EVP_MD *find_digest(const X509 *cert)
{
    int digest = NID_undef;

    if (!OBJ_find_sigid_algs(X509_get_signature_nid(cert), &digest, NULL)
        || digest == NID_undef) {
        return NULL;
    }
    if (digest == NID_md5 || digest == NID_sha1) {
        digest = NID_sha256;
    }
    return EVP_get_digestbynid(digest);
}

static const unsigned char *digest_certificate(SSL *ssl, apr_size_t *len,
                                               apr_pool_t *pool)
{
    const X509 *cert = SSL_get_certificate(ssl);
    const EVP_MD *digest = cert != NULL ? find_digest(cert) : NULL;
    unsigned char *data = apr_palloc(pool, EVP_MAX_MD_SIZE);
    unsigned int count = 0;

    if (digest == NULL || !X509_digest(cert, digest, data, &count)) {
        return NULL;
    }
    *len = count;
    return data;
}

static const unsigned char *find_binding(void *ctx, const char *type,
                                         apr_size_t *len, apr_pool_t *pool)
{
    const mod_qp_conn *m = ctx;

    if (m->ssl == NULL) {
        return NULL;
    }
    if (strcmp(type, "tls-exporter") == 0) {
        return export_key(m->ssl, len, pool);
    }
    if (strcmp(type, "tls-server-end-point") == 0) {
        return digest_certificate(m->ssl, len, pool);
    }
    return NULL;
}

void mod_qp_tls_equip(mod_qp_conn *m, const mod_qp_conf *conf)
{
    m->carrier.tls_mode =
        conf->shadow != NULL ? (qp_tls_mode)conf->tls : QP_TLS_OFF;
    m->carrier.tls_ctx = m;
    m->carrier.tls_variable = find_variable;
    m->carrier.tls_binding = find_binding;
}
