/* SPDX-License-Identifier: Apache-2.0 */
/* Queries: how they are made, how they end, and what they know then. One has
 * two owners, the session's pool and the resolver, and lives until both have
 * let go. Who asks whom is not known here. */

#include "wire/qp_dns_query.h"

#include <stdlib.h>
#include <string.h>

void qp_dns_query_unref(qp_dns *dns)
{
    if (__atomic_sub_fetch(&dns->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        if (dns->data != NULL) {
            qp_dns_data_unref(dns->data);
        }
        free(dns->servers);
        free(dns);
    }
}

static apr_status_t leave_query(void *data)
{
    qp_dns_query_unref(data);
    return APR_SUCCESS;
}

qp_dns *qp_dns_query_make(const qp_dns_question *question, apr_pool_t *pool)
{
    qp_dns *dns = calloc(1, sizeof(*dns));

    if (dns == NULL
        || (question->servers != NULL
            && (dns->servers = strdup(question->servers)) == NULL)) {
        abort();
    }
    dns->refs = 1;
    dns->type = question->type;
    dns->timeout = question->timeout;
    dns->tries = question->tries;
    if (!qp_dns_normalize(dns->name, question->name)) {
        dns->name[0] = '\0';
    }
    memcpy(dns->asked, dns->name, sizeof(dns->asked));
    apr_pool_cleanup_register(pool, dns, leave_query, apr_pool_cleanup_null);
    return dns;
}

qp_dns *qp_dns_query_known(const qp_dns_question *question, qp_dns_data *data,
                           apr_pool_t *pool)
{
    qp_dns *dns = qp_dns_query_make(question, pool);

    dns->data = data;
    dns->wait = qp_wait_create_plain(pool);
    qp_wait_mark(dns->wait, APR_SUCCESS);
    return dns;
}

void qp_dns_query_finish(qp_dns *dns, qp_dns_data *data)
{
    dns->is_over = 1;
    dns->data = data;
    qp_wait_complete(dns->wait, APR_SUCCESS);
}

/* What a query knows. ----------------------------------------------------- */

qp_wait *qp_dns_wait(const qp_dns *dns)
{
    return dns->wait;
}

const char *qp_dns_name(const qp_dns *dns)
{
    return dns->name;
}

qp_dns_result qp_dns_outcome(const qp_dns *dns)
{
    return qp_ready(dns->wait) ? dns->data->result : QP_DNS_PENDING;
}

int qp_dns_count(const qp_dns *dns)
{
    return qp_ready(dns->wait) ? dns->data->count : 0;
}

const qp_dns_record *qp_dns_get(const qp_dns *dns, int i)
{
    return i >= 0 && i < qp_dns_count(dns) ? &dns->data->records[i] : NULL;
}
