/* SPDX-License-Identifier: Apache-2.0 */
/* What the options come to, at the start: servers, TLS, login. */
#include "smtp_opts.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#define HOST_CHARS                                                             \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:"

const char *const smtp_opts_tls[] = { "no", "may", "must", "verify", NULL };

static const char *add_server(smtp_opts *opt, const char *host, int port,
                              int weight, apr_pool_t *pconf)
{
    smtp_server *server;

    if (opt->servers->nelts == SERVERS_MAX) {
        return "hosts: there are too many";
    }
    if (host[0] != '/'
        && (host[0] == '\0' || strspn(host, HOST_CHARS) != strlen(host))) {
        return apr_psprintf(pconf,
                            "\"%s\" is no host: letters, digits and _-.: "
                            "only, or the path of a socket",
                            host);
    }
    server = apr_array_push(opt->servers);
    server->host = host;
    server->port = host[0] == '/' ? 0 : port;
    server->weight = weight;
    server->name =
        host[0] == '/'
            ? host
            : apr_psprintf(pconf,
                           strchr(host, ':') != NULL ? "[%s]:%d" : "%s:%d",
                           host, port);
    return NULL;
}

/* A number at the end of a host, behind a mark. @return NULL, or what is wrong
 */
static const char *cut_number(char *text, char mark, int max, int *number)
{
    char *at = strrchr(text, mark);
    char *end = NULL;
    apr_int64_t value;

    if (at == NULL) {
        return NULL;
    }
    value = apr_strtoi64(at + 1, &end, 10);
    if (at[1] == '\0' || *end != '\0' || value < 0 || value > max) {
        return "is not HOST, HOST:PORT or HOST:PORT*WEIGHT";
    }
    *at = '\0';
    *number = (int)value;
    return NULL;
}

/* Whether a port may stand at the end. That of an IPv6 address without brackets
 * is the end of the address. */
static int may_have_port(const char *host)
{
    const char *colon = strchr(host, ':');

    if (host[0] == '[') {
        return host[strlen(host) - 1] != ']';
    }
    return host[0] != '/' && colon != NULL && strchr(colon + 1, ':') == NULL;
}

/* host = ( name / "[" address "]" / path ) [ ":" port ] [ "*" weight ], or an
 * IPv6 address [ "*" weight ] */
static const char *parse_host(smtp_opts *opt, const char *text,
                              apr_pool_t *pconf)
{
    char *host = apr_pstrdup(pconf, text);
    int weight = 1;
    int port = opt->port;
    const char *error = cut_number(host, '*', 100, &weight);
    apr_size_t len;

    if (error == NULL && may_have_port(host)) {
        error = cut_number(host, ':', 65535, &port);
    }
    if (error != NULL || port == 0) {
        return apr_psprintf(pconf, "hosts: \"%s\" %s", text,
                            error != NULL ? error : "has port 0");
    }
    len = strlen(host);
    if (host[0] == '[' && len > 2 && host[len - 1] == ']') {
        host[len - 1] = '\0';
        host++;
    }
    return add_server(opt, host, port, weight, pconf);
}

static const char *read_hosts(smtp_opts *opt, apr_pool_t *pconf)
{
    const char *error = NULL;
    const char *host;
    int i;

    opt->servers = apr_array_make(pconf, 4, sizeof(smtp_server));
    if (opt->host != NULL) {
        error = add_server(opt, opt->host, opt->port, 1, pconf);
    }
    for (i = 0; opt->hosts != NULL && i < opt->hosts->nelts && error == NULL;
         i++) {
        host = APR_ARRAY_IDX(opt->hosts, i, const char *);
        error = host[0] == '\0' ? "hosts: one is empty"
                                : parse_host(opt, host, pconf);
    }
    if (error == NULL && opt->servers->nelts == 0) {
        error = "host: the server has to be given";
    }
    return error;
}

/* One line USER:PASSWORD; what is behind the first colon is the password. */
static const char *read_auth(smtp_opts *opt, apr_pool_t *pconf)
{
    apr_file_t *file = NULL;
    char line[1024] = "";
    char *colon;
    apr_status_t rv;

    if (opt->auth == NULL) {
        return NULL;
    }
    rv = apr_file_open(&file, opt->auth, APR_READ | APR_BUFFERED,
                       APR_OS_DEFAULT, pconf);
    if (rv != APR_SUCCESS) {
        return apr_psprintf(pconf, "auth: cannot read %s: %s", opt->auth,
                            apr_strerror(rv, line, sizeof(line)));
    }
    rv = apr_file_gets(line, sizeof(line), file);
    apr_file_close(file);
    line[strcspn(line, "\r\n")] = '\0';
    colon = strchr(line, ':');
    if (rv != APR_SUCCESS || colon == NULL || colon == line) {
        return apr_psprintf(pconf,
                            "auth: the first line of %s is not "
                            "USER:PASSWORD",
                            opt->auth);
    }
    *colon = '\0';
    opt->way->user = apr_pstrdup(pconf, line);
    opt->way->password = apr_pstrdup(pconf, colon + 1);
    return NULL;
}

static const char *read_tls(smtp_opts *opt, apr_pool_t *pconf)
{
    qp_tls_files files = { .verifies = opt->tls == TLS_VERIFY,
                           .ca_file = opt->tls_ca,
                           .cert_file = opt->tls_cert,
                           .key_file = opt->tls_key };

    if (opt->smtps && opt->tls == TLS_NO) {
        return "smtps: needs TLS, and tls is no";
    }
    if (opt->tls_key != NULL && opt->tls_cert == NULL) {
        return "tls_key: there is no tls_cert";
    }
    return opt->tls == TLS_NO ? NULL
                              : qp_tls_create(&opt->way->tls, &files, pconf);
}

/* The options are read-only to all but setup. */
static smtp_opts *own_opts(qp_plugin *self)
{
    const void *opts = qp_opts(self);
    smtp_opts *opt;

    memcpy(&opt, &opts, sizeof(opt));
    return opt;
}

const char *smtp_opts_prepare(qp_plugin *self, int is_lmtp, apr_pool_t *pconf)
{
    smtp_opts *opt = own_opts(self);
    smtp_way *way = apr_pcalloc(pconf, sizeof(*way));
    const char *error;

    opt->way = way;
    opt->pool = smtp_pool_make(pconf);
    way->is_lmtp = is_lmtp;
    way->is_smtps = opt->smtps;
    way->tls_mode = opt->tls;
    way->tls_name = opt->tls_name;
    way->connect_timeout = opt->connect_timeout;
    way->reply_timeout = opt->reply_timeout;
    error = read_hosts(opt, pconf);
    if (error == NULL) {
        error = read_tls(opt, pconf);
    }
    if (error == NULL) {
        error = read_auth(opt, pconf);
    }
    qp_plugin_declare(self, QP_CAN_SMTPUTF8 | (opt->dsn ? QP_CAN_DSN : 0u)
                                | (opt->binarymime ? QP_CAN_BINARYMIME : 0u));
    return error;
}
