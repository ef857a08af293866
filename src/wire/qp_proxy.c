/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a PROXY header octet by octet, so that it may be cut anywhere and what
 * follows it is left alone. It holds what it has to look at, and counts what it
 * only skips. Who may send one is decided elsewhere. */

#include "wire/qp_proxy.h"

#include <arpa/inet.h>
#include <string.h>

static const unsigned char signature[12] = {
    0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a
};

#define V2_HEAD  16
#define V2_INET  12
#define V2_INET6 36

/* Version 1: a line.
 *
 *   "PROXY" SP ("TCP4" / "TCP6") SP source SP destination SP port SP port CRLF
 *   "PROXY UNKNOWN" *octet CRLF */

/* @return the octet behind the number, or NULL */
static const char *read_port(const char *p, int *port)
{
    int digits = 0;

    *port = 0;
    while (p[digits] >= '0' && p[digits] <= '9' && digits < 6) {
        *port = 10 * *port + (p[digits++] - '0');
    }
    if (digits == 0 || *port > 65535 || (digits > 1 && p[0] == '0')) {
        return NULL;
    }
    return p + digits;
}

/* @return the octet behind the blank, or NULL */
static const char *read_ip(const char *p, int family, char *ip)
{
    unsigned char octets[QP_IP_LEN];
    size_t len = strcspn(p, " ");

    if (len >= QP_PROXY_IP_MAX || p[len] != ' ') {
        return NULL;
    }
    memcpy(ip, p, len);
    ip[len] = '\0';
    return inet_pton(family, ip, octets) == 1 ? p + len + 1 : NULL;
}

static qp_proxy_status parse_line(qp_proxy *proxy, const char *p)
{
    int family = strncmp(p, "TCP4 ", 5) == 0 ? AF_INET : AF_INET6;

    if (strncmp(p, "UNKNOWN", 7) == 0 && (p[7] == ' ' || p[7] == '\0')) {
        return QP_PROXY_DONE;
    }
    if (strncmp(p, "TCP4 ", 5) != 0 && strncmp(p, "TCP6 ", 5) != 0) {
        return QP_PROXY_BAD;
    }
    p = read_ip(p + 5, family, proxy->remote_ip);
    if (p != NULL) {
        p = read_ip(p, family, proxy->local_ip);
    }
    if (p != NULL) {
        p = read_port(p, &proxy->remote_port);
    }
    if (p == NULL || *p != ' ') {
        return QP_PROXY_BAD;
    }
    p = read_port(p + 1, &proxy->local_port);
    if (p == NULL || *p != '\0') {
        return QP_PROXY_BAD;
    }
    proxy->has_peers = 1;
    return QP_PROXY_DONE;
}

static qp_proxy_status look_v1(qp_proxy *proxy)
{
    static const char word[] = "PROXY ";
    char line[QP_PROXY_V1_MAX];
    apr_size_t n = proxy->nheld;

    if (memcmp(proxy->held, word, n < 6 ? n : 6) != 0) {
        return QP_PROXY_BAD;
    }
    if (proxy->held[n - 1] != '\n') {
        return n < QP_PROXY_V1_MAX ? QP_PROXY_MORE : QP_PROXY_BAD;
    }
    if (n < 8 || proxy->held[n - 2] != '\r'
        || memchr(proxy->held, '\0', n) != NULL) {
        return QP_PROXY_BAD;
    }
    memcpy(line, proxy->held, n - 2);
    line[n - 2] = '\0';
    return parse_line(proxy, line + 6);
}

/* Version 2: signature, version and command, family and protocol, length; then
 * the addresses, and further fields that are skipped. */

static int read_number(const unsigned char *p)
{
    return p[0] << 8 | p[1];
}

static apr_size_t addresses_size(const qp_proxy *proxy)
{
    switch (proxy->held[13]) {
    case 0x11:
        return V2_INET;
    case 0x21:
        return V2_INET6;
    default:
        return 0; /* UNSPEC, datagrams, unix: nothing that we could use */
    }
}

static void take_addresses(qp_proxy *proxy)
{
    const unsigned char *p = proxy->held + V2_HEAD;
    int is_v4 = proxy->held[13] == 0x11;
    int family = is_v4 ? AF_INET : AF_INET6;
    int size = is_v4 ? 4 : QP_IP_LEN;

    proxy->has_peers =
        inet_ntop(family, p, proxy->remote_ip, QP_PROXY_IP_MAX) != NULL
        && inet_ntop(family, p + size, proxy->local_ip, QP_PROXY_IP_MAX)
               != NULL;
    proxy->remote_port = read_number(p + 2 * size);
    proxy->local_port = read_number(p + 2 * size + 2);
}

/* The head is there: how much follows it, and how much of that counts. */
static qp_proxy_status look_head(qp_proxy *proxy, apr_size_t *length,
                                 apr_size_t *wanted)
{
    int is_local = proxy->held[12] == 0x20;

    *length = (apr_size_t)read_number(proxy->held + 14);
    *wanted = is_local ? 0 : addresses_size(proxy);
    if ((!is_local && proxy->held[12] != 0x21) || *length < *wanted) {
        return QP_PROXY_BAD;
    }
    return QP_PROXY_MORE;
}

static qp_proxy_status look_v2(qp_proxy *proxy)
{
    apr_size_t n = proxy->nheld;
    apr_size_t length;
    apr_size_t wanted;

    if (memcmp(proxy->held, signature,
               n < sizeof(signature) ? n : sizeof(signature))
        != 0) {
        return QP_PROXY_BAD;
    }
    if (n < V2_HEAD) {
        return QP_PROXY_MORE;
    }
    if (look_head(proxy, &length, &wanted) == QP_PROXY_BAD) {
        return QP_PROXY_BAD;
    }
    if (n < V2_HEAD + wanted) {
        return QP_PROXY_MORE;
    }
    if (wanted > 0) {
        take_addresses(proxy);
    }
    proxy->todo = length - wanted;
    return proxy->todo > 0 ? QP_PROXY_MORE : QP_PROXY_DONE;
}

qp_proxy_status qp_proxy_feed(qp_proxy *proxy, const char *data, apr_size_t len,
                              apr_size_t *used)
{
    apr_size_t at = 0;
    apr_size_t step;

    while (proxy->status == QP_PROXY_MORE && at < len) {
        if (proxy->todo > 0) {
            step = len - at < proxy->todo ? len - at : proxy->todo;
            proxy->todo -= step;
            at += step;
            proxy->status = proxy->todo > 0 ? QP_PROXY_MORE : QP_PROXY_DONE;
            continue;
        }
        proxy->held[proxy->nheld++] = (unsigned char)data[at++];
        proxy->status =
            proxy->held[0] == signature[0] ? look_v2(proxy) : look_v1(proxy);
    }
    *used = at;
    return proxy->status;
}
