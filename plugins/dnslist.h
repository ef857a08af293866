/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dnslist.h
 * @brief Lists that are kept in the DNS (RFC 5782), for the plugins that ask
 *        them: the questions, and the verdict.
 *
 * All zones are asked at the same time; what they answer is judged as it comes.
 */
#ifndef DNSLIST_H
#define DNSLIST_H

#include "dnslist_zone.h"

/* Octets of a text of a list that a client is shown. */
#define DNSLIST_TEXT_MAX 200

/** One question to one zone. */
typedef struct dnslist_lookup {
    dnslist_zone zone;
    qp_dns *a;
    qp_dns *txt; /* NULL with a message */
} dnslist_lookup;

/* The questions. --------------------------------------------------------- */

static void start_lookup(qp_session *qp, const dnslist_zone *zone,
                         const char *name, dnslist_lookup *lookup,
                         apr_pool_t *pool)
{
    lookup->zone.name = apr_pstrdup(pool, zone->name);
    if (zone->codes != NULL) {
        lookup->zone.codes = apr_array_copy(pool, zone->codes);
    }
    lookup->a = qp_dns_query(qp, QP_DNS_A, name, pool);
    if (zone->message != NULL) {
        lookup->zone.message = apr_pstrdup(pool, zone->message);
    }
    else {
        lookup->txt = qp_dns_query(qp, QP_DNS_TXT, name, pool);
    }
}

/* The name to be asked for; "" if there is none. */
static const char *make_name(qp_session *qp, const dnslist_zone *zone,
                             const char *ip, const char *domain)
{
    const char *name;

    if (domain != NULL) {
        return apr_pstrcat(qp_pool(qp), domain, ".", zone->name, NULL);
    }
    name = qp_dns_reverse(ip, zone->name, qp_pool(qp));
    return name != NULL ? name : "";
}

/**
 * Asks all zones of a key.
 * @param ip      an address; or NULL
 * @param domain  a name, if it is NULL
 * @return of dnslist_lookup; they live as long as @a pool
 */
static apr_array_header_t *start_lookups(qp_session *qp, const char *key,
                                         const char *ip, const char *domain,
                                         apr_pool_t *pool)
{
    const apr_array_header_t *zones = qp_list(qp, key, read_zone);
    apr_array_header_t *lookups =
        apr_array_make(pool, 4, sizeof(dnslist_lookup));
    const dnslist_zone *zone;
    dnslist_lookup *lookup;
    int i;

    for (i = 0; zones != NULL && i < zones->nelts; i++) {
        zone = &APR_ARRAY_IDX(zones, i, dnslist_zone);
        lookup = apr_array_push(lookups);
        memset(lookup, 0, sizeof(*lookup));
        start_lookup(qp, zone, make_name(qp, zone, ip, domain), lookup, pool);
    }
    return lookups;
}

/* The verdict. ----------------------------------------------------------- */

static int is_listed(const dnslist_lookup *lookup)
{
    const qp_dns_record *record;
    int i;

    for (i = 0; (record = qp_dns_get(lookup->a, i)) != NULL; i++) {
        if (is_hit(record, &lookup->zone)) {
            return 1;
        }
    }
    return 0;
}

/**
 * What has come so far: the first zone that lists, as soon as its text is
 * there; else nothing, when all have answered.
 * @param found  out: a dnslist_lookup, or NULL
 * @return QP_YIELD to be returned, or QP_DECLINED
 */
static qp_rc judge_lookups(qp_session *qp, const apr_array_header_t *lookups,
                           const dnslist_lookup **found)
{
    qp_dns **pending = apr_palloc(qp_pool(qp), (apr_size_t)(lookups->nelts + 1)
                                                   * sizeof(qp_dns *));
    const dnslist_lookup *lookup;
    int npending = 0;
    int i;

    *found = NULL;
    for (i = 0; i < lookups->nelts; i++) {
        lookup = &APR_ARRAY_IDX(lookups, i, dnslist_lookup);
        if (!qp_dns_ready(&lookup->a, 1)) {
            pending[npending++] = lookup->a;
        }
        else if (is_listed(lookup)) {
            *found = lookup;
            return qp_dns_ready(&lookup->txt, 1)
                       ? QP_DECLINED
                       : qp_dns_await(qp, &lookup->txt, 1);
        }
    }
    return npending > 0 ? qp_dns_await_any(qp, pending, npending) : QP_DECLINED;
}

/* Zones that have not answered, or not with what lists answer, for the log:
 * "; no answer of use from A, B", or "". */
static const char *list_useless(qp_session *qp,
                                const apr_array_header_t *lookups)
{
    const dnslist_lookup *lookup;
    const char *text = "";
    qp_dns_result result;
    int i;

    for (i = 0; i < lookups->nelts; i++) {
        lookup = &APR_ARRAY_IDX(lookups, i, dnslist_lookup);
        result = qp_dns_outcome(lookup->a);
        if (result != QP_DNS_NODATA && result != QP_DNS_NXDOMAIN) {
            text = apr_psprintf(qp_pool(qp), "%s%s%s (%s)", text,
                                text[0] == '\0' ? "; no use of " : ", ",
                                lookup->zone.name,
                                result == QP_DNS_FOUND
                                    ? qp_dns_get(lookup->a, 0)->text
                                    : qp_dns_outcome_text(lookup->a));
        }
    }
    return text;
}

/* What a stranger has written, for a reply: short, and of one line. */
static const char *clean_text(qp_session *qp, const qp_dns_record *record)
{
    apr_size_t len =
        record->len < DNSLIST_TEXT_MAX ? record->len : DNSLIST_TEXT_MAX;
    char *text = apr_pstrmemdup(qp_pool(qp), record->text, len);
    apr_size_t i;

    for (i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~') {
            text[i] = '?';
        }
    }
    return text;
}

/* Why a zone lists: the message of its line, or its text, or NULL. In a message
 * %IP% stands for the client's address. */
static const char *listed_text(qp_session *qp, const dnslist_lookup *lookup)
{
    const char *text = lookup->zone.message;
    const qp_dns_record *record;
    const char *place;

    if (text == NULL) {
        record = qp_dns_get(lookup->txt, 0);
        return record != NULL && record->len > 0 ? clean_text(qp, record)
                                                 : NULL;
    }
    place = strstr(text, "%IP%");
    return place == NULL
               ? text
               : apr_psprintf(qp_pool(qp), "%.*s%s%s", (int)(place - text),
                              text, qp_conn_remote_ip(qp_connection(qp)),
                              place + 4);
}

#endif /* DNSLIST_H */
