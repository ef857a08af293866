/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks: parses addresses and networks, and matches them. Keeps nothing, and
 * looks up no names. Where the lines come from is the caller's business.
 */
#include "wire/qp_net.h"

#include <arpa/inet.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* Octets in front of the IPv4 address in its IPv6 form (RFC 4291 2.5.5.2). */
#define V4_START     12
#define V4_BITS      (V4_START * 8)
#define ALL_BITS     (QP_IP_LEN * 8)

/* The longest text that can be a network: 45 octets and the mask. */
#define TEXT_MAX_LEN 64

static const unsigned char v4_mapped[V4_START] = { 0, 0, 0, 0, 0,    0,
                                                   0, 0, 0, 0, 0xff, 0xff };

int qp_net_is_v4(const qp_ip *ip)
{
    return memcmp(ip->octets, v4_mapped, V4_START) == 0;
}

/* Reads an address of either kind. */
static int parse_ip(const char *text, qp_ip *ip)
{
    if (strchr(text, ':') != NULL) {
        return inet_pton(AF_INET6, text, ip->octets) == 1;
    }
    memcpy(ip->octets, v4_mapped, V4_START);
    return inet_pton(AF_INET, text, ip->octets + V4_START) == 1;
}

int qp_net_ip(const char *text, qp_ip *ip)
{
    char bare[TEXT_MAX_LEN];

    apr_cpystrn(bare, text, sizeof(bare));
    bare[strcspn(bare, "%")] = '\0'; /* the interface (RFC 4007 11) */
    return parse_ip(bare, ip);
}

int qp_net_is_loopback(const qp_ip *ip)
{
    static const qp_ip v6 = { { [QP_IP_LEN - 1] = 1 } };

    return qp_net_is_v4(ip) ? ip->octets[V4_START] == 127
                            : memcmp(ip, &v6, sizeof(v6)) == 0;
}

/* Reads the digits behind the slash. */
static int parse_bits(const char *text, int max, int *bits)
{
    const char *p;
    int n = 0;

    for (p = text; apr_isdigit(*p) && p - text < 3; p++) {
        n = n * 10 + (*p - '0');
    }
    *bits = n;
    return p > text && *p == '\0' && n <= max;
}

/* Reads ADDRESS/BITS; text is cut at the slash. */
static const char *parse_cidr(char *text, char *slash, qp_net *net)
{
    int is_v4_text = strchr(text, ':') == NULL;

    *slash = '\0';
    if (!parse_ip(text, &net->ip)) {
        return "what stands in front of the slash is no address";
    }
    if (!parse_bits(slash + 1, is_v4_text ? 32 : 128, &net->bits)) {
        return is_v4_text
                   ? "behind the slash of an IPv4 network stands 0 to 32"
                   : "behind the slash of an IPv6 network stands 0 to 128";
    }
    if (is_v4_text) {
        net->bits += V4_BITS;
    }
    return NULL;
}

/* Reads "192.0.2." or "2001:db8:", whole parts of an address; the rest is
 * filled up with zeros. */
static int parse_prefix(const char *text, qp_net *net)
{
    static const char *const zeros[] = { "0.0.0", "0.0", "0" };
    char full[TEXT_MAX_LEN + sizeof("0.0.0")];
    int nparts = 0;
    const char *p;

    for (p = text; *p != '\0'; p++) {
        nparts += *p == '.' || *p == ':';
    }
    if (p[-1] == '.' && nparts >= 1 && nparts <= 3) {
        apr_snprintf(full, sizeof(full), "%s%s", text, zeros[nparts - 1]);
        net->bits = V4_BITS + 8 * nparts;
        return parse_ip(full, &net->ip);
    }
    if (p[-1] == ':' && text[0] != ':' && nparts <= 7
        && strstr(text, "::") == NULL) {
        apr_snprintf(full, sizeof(full), "%s:", text);
        net->bits = 16 * nparts;
        return parse_ip(full, &net->ip);
    }
    return 0;
}

/* Why a text that can be read in no way is none, as far as a guess helps. */
static const char *explain(const char *text)
{
    const char *digits = "0123456789abcdefABCDEF.:";

    if (strspn(text, digits) < strlen(text)) {
        return "no address and no network; names are not looked up";
    }
    return "no address and no network; the beginning of one ends in the dot "
           "or colon behind a whole part, as 192.0.2. or 2001:db8:";
}

const char *qp_net_parse(const char *text, qp_net *net)
{
    char copy[TEXT_MAX_LEN];
    char *slash;

    if (text[0] == '\0') {
        return "an empty text is no network";
    }
    if (strlen(text) >= sizeof(copy)) {
        return "too long for a network";
    }
    apr_cpystrn(copy, text, sizeof(copy));
    slash = strchr(copy, '/');
    if (slash != NULL) {
        return parse_cidr(copy, slash, net);
    }
    net->bits = ALL_BITS;
    if (parse_ip(copy, &net->ip) || parse_prefix(copy, net)) {
        return NULL;
    }
    return explain(copy);
}

int qp_net_has(const qp_net *net, const qp_ip *ip)
{
    int octets = net->bits / 8;
    int rest = net->bits % 8;

    if (qp_net_is_v4(ip) && net->bits < V4_BITS) {
        return 0;
    }
    if (memcmp(ip->octets, net->ip.octets, octets) != 0) {
        return 0;
    }
    return rest == 0
           || ((ip->octets[octets] ^ net->ip.octets[octets]) >> (8 - rest))
                  == 0;
}

const char *qp_net_parse_all(const apr_array_header_t *texts,
                             apr_array_header_t **nets, apr_pool_t *pool)
{
    const char *text, *fault;
    int i;

    *nets = apr_array_make(pool, texts->nelts, sizeof(qp_net));
    for (i = 0; i < texts->nelts; i++) {
        text = APR_ARRAY_IDX(texts, i, const char *);
        fault = qp_net_parse(text, apr_array_push(*nets));
        if (fault != NULL) {
            return apr_psprintf(pool, "\"%s\": %s", text, fault);
        }
    }
    return NULL;
}

const qp_net *qp_net_find(const apr_array_header_t *nets, const qp_ip *ip)
{
    const qp_net *net;
    int i;

    for (i = 0; i < nets->nelts; i++) {
        net = &APR_ARRAY_IDX(nets, i, qp_net);
        if (qp_net_has(net, ip)) {
            return net;
        }
    }
    return NULL;
}
