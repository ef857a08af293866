/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the PROXY header of a connection from a trusted balancer, before
 * anything else is done with it: below TLS and before there is a session. What
 * follows the header stays where it is, in httpd's core filter. */

#include "httpd/mod_qp.h"

#include <string.h>
#include <sys/socket.h>

#include <apr_strings.h>
#include <util_filter.h>

#include "wire/qp_proxy.h"

APLOG_USE_MODULE(qpsmtpd);

/* Looked at at once. */
#define LOOK_SIZE 512

int mod_qp_proxy_expects(const conn_rec *c, const mod_qp_conf *conf)
{
    qp_ip ip;

    return conf->proxies != NULL && qp_net_ip(c->client_ip, &ip)
           && qp_net_find(conf->proxies, &ip) != NULL;
}

/* Shows what is there, and leaves it there. */
static apr_status_t look(mod_qp_conn *m, char *text, apr_size_t *len)
{
    apr_status_t rv;

    rv = ap_get_brigade(m->c->input_filters, m->io.in, AP_MODE_SPECULATIVE,
                        m->io.can_park ? APR_NONBLOCK_READ : APR_BLOCK_READ,
                        (apr_off_t)*len);
    if (rv == APR_SUCCESS) {
        rv = apr_brigade_flatten(m->io.in, text, len);
    }
    apr_brigade_cleanup(m->io.in);
    return rv == APR_SUCCESS && *len == 0 ? APR_EAGAIN : rv;
}

static apr_status_t take(mod_qp_conn *m, apr_size_t len)
{
    apr_off_t n;
    apr_off_t left = (apr_off_t)len;
    apr_status_t rv = APR_SUCCESS;

    while (left > 0 && rv == APR_SUCCESS) {
        rv = ap_get_brigade(m->c->input_filters, m->io.in, AP_MODE_READBYTES,
                            APR_NONBLOCK_READ, left);
        if (rv == APR_SUCCESS) {
            rv = apr_brigade_length(m->io.in, 1, &n);
        }
        if (rv == APR_SUCCESS) {
            left = n > 0 ? left - n : 0;
        }
        apr_brigade_cleanup(m->io.in);
    }
    return rv;
}

static apr_status_t make_address(apr_sockaddr_t **addr, const char *ip,
                                 int port, apr_pool_t *pool)
{
    int family = strchr(ip, ':') != NULL ? AF_INET6 : AF_INET;

    return apr_sockaddr_info_get(addr, ip, family, (apr_port_t)port, 0, pool);
}

/* From here on the client is who it says, for httpd's log, too. */
static apr_status_t take_peers(conn_rec *c, const qp_proxy *proxy)
{
    apr_sockaddr_t *remote;
    apr_sockaddr_t *local;
    apr_status_t rv;

    rv = make_address(&remote, proxy->remote_ip, proxy->remote_port, c->pool);
    if (rv == APR_SUCCESS) {
        rv = make_address(&local, proxy->local_ip, proxy->local_port, c->pool);
    }
    if (rv == APR_SUCCESS) {
        c->client_addr = remote;
        c->client_ip = apr_pstrdup(c->pool, proxy->remote_ip);
        c->local_addr = local;
        c->local_ip = apr_pstrdup(c->pool, proxy->local_ip);
        c->remote_host = NULL;
    }
    return rv;
}

apr_status_t mod_qp_proxy_read(mod_qp_conn *m)
{
    char text[LOOK_SIZE];
    apr_size_t len;
    apr_size_t used;
    apr_status_t rv;
    qp_proxy_status status = QP_PROXY_MORE;

    while (status == QP_PROXY_MORE) {
        if (qp_now() > m->until) {
            return APR_TIMEUP;
        }
        len = sizeof(text);
        rv = look(m, text, &len);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        status = qp_proxy_feed(m->proxy, text, len, &used);
        rv = take(m, used);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    if (status == QP_PROXY_BAD) {
        return APR_EINVAL;
    }
    return m->proxy->has_peers ? take_peers(m->c, m->proxy) : APR_SUCCESS;
}
