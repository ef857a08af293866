/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the DNS, addresses as names, lists of servers, and the records that
 * are kept of an answer. Records come from malloc and are counted: threads
 * share them. Nothing is sent here. */

#include "wire/qp_dns.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define MAX_LABEL   63
#define V4_LEN      4
#define V6_LEN      16
/* Servers of a list; each is asked in turn. */
#define MAX_SERVERS 8

/* Records. --------------------------------------------------------------- */

qp_dns_data *qp_dns_data_create(qp_dns_result result)
{
    qp_dns_data *data = calloc(1, sizeof(*data));

    if (data == NULL) {
        abort();
    }
    data->refs = 1;
    data->result = result;
    return data;
}

void qp_dns_data_ref(qp_dns_data *data)
{
    __atomic_add_fetch(&data->refs, 1, __ATOMIC_RELAXED);
}

void qp_dns_data_unref(qp_dns_data *data)
{
    int i;

    if (__atomic_sub_fetch(&data->refs, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    for (i = 0; i < data->count; i++) {
        /* Text and data are one piece, which begins with the text. */
        free((void *)(uintptr_t)data->records[i].text);
    }
    free(data);
}

/* Names. ----------------------------------------------------------------- */

/* Host names, and what else is asked for: _dmarc.example.org, and names such as
 * 0/25.2.0.192.in-addr.arpa (RFC 2317 4). */
static int is_name_char(char c)
{
    return apr_isalnum(c) || c == '-' || c == '_' || c == '/';
}

int qp_dns_normalize(char *to, const char *name)
{
    apr_size_t len = strlen(name);
    apr_size_t label = 0;
    apr_size_t i;

    if (len > 0 && name[len - 1] == '.') {
        len--;
    }
    if (len == 0 || len > QP_DNS_NAME_MAX) {
        return 0;
    }
    for (i = 0; i < len; i++) {
        if (name[i] == '.') {
            if (label == 0) {
                return 0;
            }
            label = 0;
        }
        else if (!is_name_char(name[i]) || ++label > MAX_LABEL) {
            return 0;
        }
        to[i] = (char)apr_tolower(name[i]);
    }
    to[len] = '\0';
    return label > 0;
}

int qp_dns_is_name(const char *name)
{
    char copy[QP_DNS_NAME_MAX + 1];

    return qp_dns_normalize(copy, name);
}

/* Addresses as names. ---------------------------------------------------- */

static const char *reverse_v4(const unsigned char *ip, const char *zone,
                              apr_pool_t *pool)
{
    return apr_psprintf(pool, "%d.%d.%d.%d.%s", ip[3], ip[2], ip[1], ip[0],
                        zone != NULL ? zone : "in-addr.arpa");
}

/* RFC 3596 2.5, RFC 5782 2.4 */
static const char *reverse_v6(const unsigned char *ip, const char *zone,
                              apr_pool_t *pool)
{
    static const char digits[] = "0123456789abcdef";
    char text[4 * V6_LEN + 1];
    char *p = text;
    int i;

    for (i = V6_LEN - 1; i >= 0; i--) {
        *p++ = digits[ip[i] & 15];
        *p++ = '.';
        *p++ = digits[ip[i] >> 4];
        *p++ = '.';
    }
    *p = '\0';
    return apr_pstrcat(pool, text, zone != NULL ? zone : "ip6.arpa", NULL);
}

const char *qp_dns_reverse(const char *ip, const char *zone, apr_pool_t *pool)
{
    unsigned char octets[V6_LEN];

    if (inet_pton(AF_INET, ip, octets) == 1) {
        return reverse_v4(octets, zone, pool);
    }
    if (inet_pton(AF_INET6, ip, octets) != 1) {
        return NULL;
    }
    if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)octets)) {
        return reverse_v4(octets + V6_LEN - V4_LEN, zone, pool);
    }
    return reverse_v6(octets, zone, pool);
}

/* Servers. --------------------------------------------------------------- */

static int parse_port(const char *text, int *port)
{
    const char *p;
    int n = 0;

    for (p = text; apr_isdigit(*p) && p - text < 5; p++) {
        n = n * 10 + (*p - '0');
    }
    *port = n;
    return p > text && *p == '\0' && n > 0 && n < 65536;
}

/* Takes a word apart, in place. @return the address, or NULL */
static const char *split_server(char *word, int *port)
{
    char *end;

    *port = 53;
    if (word[0] == '[') {
        end = strchr(word, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':')
            || (end[1] == ':' && !parse_port(end + 2, port))) {
            return NULL;
        }
        *end = '\0';
        return word + 1;
    }
    end = strchr(word, ':');
    if (end != NULL && strchr(end + 1, ':') == NULL) {
        *end = '\0';
        return parse_port(end + 1, port) ? word : NULL;
    }
    return word;
}

/* @return NULL, or what is wrong */
static const char *add_server(char **csv, const char *word, apr_pool_t *pool)
{
    unsigned char octets[V6_LEN];
    const char *ip;
    int port;
    int is_v6;

    ip = split_server(apr_pstrdup(pool, word), &port);
    is_v6 = ip != NULL && inet_pton(AF_INET6, ip, octets) == 1;
    if (ip == NULL || (!is_v6 && inet_pton(AF_INET, ip, octets) != 1)) {
        return apr_psprintf(pool,
                            "dns_servers: \"%s\" is no ADDRESS, ADDRESS:PORT "
                            "or [ADDRESS]:PORT",
                            word);
    }
    *csv = apr_psprintf(pool, "%s%s%s%s%s:%d", *csv != NULL ? *csv : "",
                        *csv != NULL ? "," : "", is_v6 ? "[" : "", ip,
                        is_v6 ? "]" : "", port);
    return NULL;
}

const char *qp_dns_servers(const char *list, const char **csv, apr_pool_t *pool)
{
    static const char blanks[] = " \t,";
    const char *error = NULL;
    char *servers = NULL;
    apr_size_t len;
    int n = 0;

    for (; error == NULL; list += len, n++) {
        list += strspn(list, blanks);
        len = strcspn(list, blanks);
        if (len == 0) {
            break;
        }
        error =
            n < MAX_SERVERS
                ? add_server(&servers, apr_pstrmemdup(pool, list, len), pool)
                : "dns_servers: more than 8 servers";
    }
    *csv = servers;
    return error;
}
