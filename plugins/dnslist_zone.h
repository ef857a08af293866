/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dnslist_zone.h
 * @brief The lines of config keys that name lists in the DNS (RFC 5782), and
 *        which answers of a list count.
 *
 * A line is ZONE[=CODE,...][:MESSAGE], or with a blank in place of the colon.
 */
#ifndef DNSLIST_ZONE_H
#define DNSLIST_ZONE_H

#include <arpa/inet.h>
#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

/** What an answer may be: in a network, or with a bit of a mask. */
typedef struct dnslist_code {
    qp_net net;
    apr_uint32_t mask; /* 0: the network counts */
} dnslist_code;

/** One line. */
typedef struct dnslist_zone {
    const char *name;
    const char *message;       /* NULL: the list's own text */
    apr_array_header_t *codes; /* of dnslist_code; NULL: 127.0.0.0/8 */
} dnslist_zone;

/* The lines. ------------------------------------------------------------- */

static const char *read_code(const char *text, dnslist_code *code)
{
    if (text[strspn(text, "0123456789")] == '\0') {
        code->mask = (apr_uint32_t)apr_strtoi64(text, NULL, 10);
        return code->mask != 0 ? NULL : "a mask of 0 matches nothing";
    }
    return qp_net_parse(text, &code->net);
}

static const char *read_codes(const char *text, dnslist_zone *zone,
                              apr_pool_t *pool)
{
    char *rest = apr_pstrdup(pool, text);
    const char *error = NULL;
    dnslist_code *code;
    char *comma;

    zone->codes = apr_array_make(pool, 2, sizeof(dnslist_code));
    for (; error == NULL && rest != NULL; rest = comma) {
        comma = strchr(rest, ',');
        if (comma != NULL) {
            *comma++ = '\0';
        }
        code = apr_array_push(zone->codes);
        memset(code, 0, sizeof(*code));
        error = read_code(rest, code);
    }
    return error;
}

/* For qp_list(): what the lines come to is an array of dnslist_zone. */
static const char *read_zone(const char *line, void **whole, apr_pool_t *pool)
{
    apr_size_t len = strcspn(line, ": \t");
    char *name = apr_pstrmemdup(pool, line, len);
    const char *message = line + len + strspn(line + len, ": \t");
    char *codes = strchr(name, '=');
    dnslist_zone zone = { name, *message != '\0' ? message : NULL, NULL };
    const char *error = NULL;

    if (codes != NULL) {
        *codes++ = '\0';
        error = read_codes(codes, &zone, pool);
    }
    if (error != NULL || !qp_dns_is_name(name)) {
        return apr_psprintf(pool, "\"%s\": %s", line,
                            error != NULL ? error : "no name of a zone");
    }
    zone.message =
        zone.message != NULL ? apr_pstrdup(pool, zone.message) : NULL;
    if (*whole == NULL) {
        *whole = apr_array_make(pool, 4, sizeof(dnslist_zone));
    }
    *(dnslist_zone *)apr_array_push(*whole) = zone;
    return NULL;
}

/* Answers. --------------------------------------------------------------- */

static int matches_codes(const qp_dns_record *record,
                         const apr_array_header_t *codes, const qp_ip *ip)
{
    const dnslist_code *code;
    apr_uint32_t value;
    int i;

    memcpy(&value, record->data, sizeof(value));
    for (i = 0; i < codes->nelts; i++) {
        code = &APR_ARRAY_IDX(codes, i, dnslist_code);
        if (code->mask != 0 ? (ntohl(value) & 0xffffff & code->mask) != 0
                            : qp_net_has(&code->net, ip)) {
            return 1;
        }
    }
    return 0;
}

/* Whether an answer of a list means "listed". 127.255.255.x are error codes,
 * and what is not in 127.0.0.0/8 comes from somebody else (RFC 5782 2.1). */
static int is_hit(const qp_dns_record *record, const dnslist_zone *zone)
{
    const unsigned char *octets = record->data;
    qp_ip ip;

    if (record->data_len != 4 || octets[0] != 127
        || (octets[1] == 255 && octets[2] == 255)
        || !qp_net_ip(record->text, &ip)) {
        return 0;
    }
    return zone->codes == NULL || matches_codes(record, zone->codes, &ip);
}

#endif /* DNSLIST_ZONE_H */
