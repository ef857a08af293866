/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups of a session in the DNS, with the settings in force, and the verified
 * name of its client. The latter lives in the connection's pool, as there is
 * one of it. How questions are asked is not known here. */

#include "plugin/qp_lookup.h"

#include <arpa/inet.h>
#include <string.h>

#include <apr_strings.h>

/* Names of an address that are looked at (RFC 8601 2.7.3). */
#define MAX_NAMES 10

static qp_dns_question make_question(qp_session *qp, qp_dns_type type,
                                     const char *name)
{
    const qp_settings *settings = qp->settings;
    qp_dns_question question = { name, type, NULL, 0, 1 };

    if (settings != NULL) {
        question.servers = settings->dns_servers;
        question.timeout = settings->dns_timeout;
        question.tries = settings->dns_tries;
    }
    return question;
}

qp_dns *qp_dns_query(qp_session *qp, qp_dns_type type, const char *name,
                     apr_pool_t *pool)
{
    qp_dns_question question = make_question(qp, type, name);
    qp_dns *dns = qp_resolver_know(qp->carrier->resolver, &question, pool);

    if (dns == NULL) {
        dns = qp_resolver_ask(qp->carrier->resolver, &question,
                              qp_session_waker(qp), pool);
    }
    return dns;
}

qp_dns *qp_dns_query_ptr(qp_session *qp, const char *ip, apr_pool_t *pool)
{
    const char *name = qp_dns_reverse(ip, NULL, pool);

    return qp_dns_query(qp, QP_DNS_PTR, name != NULL ? name : "", pool);
}

int qp_dns_ready(qp_dns *const *queries, int n)
{
    int i;

    for (i = 0; i < n; i++) {
        if (queries[i] != NULL && !qp_ready(qp_dns_wait(queries[i]))) {
            return 0;
        }
    }
    return 1;
}

/* Handles of those that are not ready. @return how many */
static int list_pending(qp_session *qp, qp_dns *const *queries, int n,
                        qp_wait ***waits)
{
    int npending = 0;
    int i;

    *waits = apr_palloc(qp_pool(qp), (apr_size_t)n * sizeof(qp_wait *));
    for (i = 0; i < n; i++) {
        if (!qp_dns_ready(queries + i, 1)) {
            (*waits)[npending++] = qp_dns_wait(queries[i]);
        }
    }
    QP_ASSERT(npending > 0);
    return npending;
}

qp_rc qp_dns_await(qp_session *qp, qp_dns *const *queries, int n)
{
    qp_wait **waits;
    int npending = list_pending(qp, queries, n, &waits);

    return qp_await_all(qp, waits, npending);
}

qp_rc qp_dns_await_any(qp_session *qp, qp_dns *const *queries, int n)
{
    qp_wait **waits;
    int npending = list_pending(qp, queries, n, &waits);

    return qp_await_any(qp, waits, npending);
}

const char *qp_dns_outcome_text(const qp_dns *dns)
{
    switch (qp_dns_outcome(dns)) {
    case QP_DNS_FOUND:
        return "found";
    case QP_DNS_NODATA:
        return "no such record";
    case QP_DNS_NXDOMAIN:
        return "no such name";
    case QP_DNS_BADNAME:
        return "not a name";
    case QP_DNS_TIMEOUT:
        return "no answer in time";
    case QP_DNS_FAILED:
        return "the name server failed";
    case QP_DNS_PENDING:
    default:
        return "no answer yet";
    }
}

/* The client's name. ------------------------------------------------------ */

/** In the connection's pool. */
struct qp_client_lookup {
    const char *ip;
    unsigned char octets[16];
    apr_size_t len;             /* of octets: 4 or 16 */
    qp_dns *names;              /* PTR */
    qp_dns *forward[MAX_NAMES]; /* A or AAAA of each */
    int nforward;
    qp_client_name outcome;
    apr_array_header_t *found; /* of const char * */
};

typedef struct qp_client_lookup client_lookup;

static void read_ip(client_lookup *lookup)
{
    struct in6_addr v6;

    if (inet_pton(AF_INET, lookup->ip, lookup->octets) == 1) {
        lookup->len = 4;
    }
    else if (inet_pton(AF_INET6, lookup->ip, &v6) == 1) {
        lookup->len = IN6_IS_ADDR_V4MAPPED(&v6) ? 4 : 16;
        memcpy(lookup->octets, v6.s6_addr + 16 - lookup->len, lookup->len);
    }
}

static client_lookup *start_lookup(qp_session *qp)
{
    client_lookup *lookup = apr_pcalloc(qp->conn->pool, sizeof(*lookup));

    lookup->ip = apr_pstrdup(qp->conn->pool, qp_conn_remote_ip(qp->conn));
    read_ip(lookup);
    lookup->found = apr_array_make(qp->conn->pool, 2, sizeof(const char *));
    lookup->names = qp_dns_query_ptr(qp, lookup->ip, qp->conn->pool);
    return lookup;
}

/* Looks up the addresses of the names. */
static void take_names(qp_session *qp, client_lookup *lookup)
{
    qp_dns_type type = lookup->len == 4 ? QP_DNS_A : QP_DNS_AAAA;
    const qp_dns_record *record;
    int i;

    for (i = 0; i < MAX_NAMES; i++) {
        record = qp_dns_get(lookup->names, i);
        if (record == NULL) {
            break;
        }
        APR_ARRAY_PUSH(lookup->found, const char *) = record->text;
        lookup->forward[lookup->nforward++] =
            qp_dns_query(qp, type, record->text, qp->conn->pool);
    }
}

static qp_client_name judge_names(qp_session *qp, client_lookup *lookup)
{
    switch (qp_dns_outcome(lookup->names)) {
    case QP_DNS_FOUND:
        take_names(qp, lookup);
        return QP_CLIENT_NAME_PENDING;
    case QP_DNS_NODATA:
    case QP_DNS_NXDOMAIN:
    case QP_DNS_BADNAME:
        return QP_CLIENT_NAME_NONE;
    case QP_DNS_PENDING:
    case QP_DNS_TIMEOUT:
    case QP_DNS_FAILED:
    default:
        return QP_CLIENT_NAME_TEMPERROR;
    }
}

static int leads_back(const client_lookup *lookup, const qp_dns *forward)
{
    const qp_dns_record *record;
    int i;

    for (i = 0; (record = qp_dns_get(forward, i)) != NULL; i++) {
        if (record->data_len == lookup->len
            && memcmp(record->data, lookup->octets, lookup->len) == 0) {
            return 1;
        }
    }
    return 0;
}

static qp_client_name judge_addresses(qp_session *qp,
                                      const client_lookup *lookup)
{
    qp_client_name outcome = QP_CLIENT_NAME_FAIL;
    qp_dns_result result;
    int i;

    for (i = 0; i < lookup->nforward; i++) {
        if (leads_back(lookup, lookup->forward[i])) {
            qp->conn->peers.remote_host =
                APR_ARRAY_IDX(lookup->found, i, const char *);
            return QP_CLIENT_NAME_PASS;
        }
        result = qp_dns_outcome(lookup->forward[i]);
        if (result == QP_DNS_TIMEOUT || result == QP_DNS_FAILED) {
            outcome = QP_CLIENT_NAME_TEMPERROR;
        }
    }
    return outcome;
}

qp_client_name qp_client_name_verify(qp_session *qp)
{
    client_lookup *lookup = qp->conn->lookup;

    /* The address may be another one since then: behind a proxy. */
    if (lookup == NULL
        || strcmp(lookup->ip, qp_conn_remote_ip(qp->conn)) != 0) {
        lookup = qp->conn->lookup = start_lookup(qp);
    }
    if (lookup->outcome == QP_CLIENT_NAME_PENDING && lookup->nforward == 0
        && qp_dns_ready(&lookup->names, 1)) {
        lookup->outcome = judge_names(qp, lookup);
    }
    if (lookup->outcome == QP_CLIENT_NAME_PENDING && lookup->nforward > 0
        && qp_dns_ready(lookup->forward, lookup->nforward)) {
        lookup->outcome = judge_addresses(qp, lookup);
    }
    return lookup->outcome;
}

qp_rc qp_client_name_await(qp_session *qp)
{
    client_lookup *lookup = qp->conn->lookup;

    QP_ASSERT(lookup != NULL);
    return lookup->nforward > 0
               ? qp_dns_await(qp, lookup->forward, lookup->nforward)
               : qp_dns_await(qp, &lookup->names, 1);
}

const apr_array_header_t *qp_client_names(qp_session *qp)
{
    return qp->conn->lookup != NULL
               ? qp->conn->lookup->found
               : apr_array_make(qp_pool(qp), 0, sizeof(const char *));
}

static qp_rc verify_name(const qp_plugin *self QP_UNUSED, qp_session *qp,
                         const qp_connect_arg *arg QP_UNUSED)
{
    if (qp_client_name_verify(qp) == QP_CLIENT_NAME_PENDING) {
        return qp_client_name_await(qp);
    }
    return QP_DECLINED;
}

qp_plugin *qp_lookup_plugin(const qp_plugin_home *home, apr_pool_t *pool)
{
    qp_plugin *plugin = apr_pcalloc(pool, sizeof(*plugin));

    plugin->name = "hostname_lookups";
    plugin->hooks.connect = verify_name;
    plugin->conn_slot = plugin->txn_slot = -1;
    plugin->home = home;
    return plugin;
}
