/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_dns_query.h
 * @brief One question of a session to the DNS, and its answer. What plugins see
 *        of it is declared in qpsmtpd.h.
 */
#ifndef QP_DNS_QUERY_H
#define QP_DNS_QUERY_H

#include "wire/qp_dns.h"
#include "wire/qp_wait.h"

/** A question; the texts are copied. */
typedef struct qp_dns_question {
    const char *name;
    qp_dns_type type;
    const char *servers; /**< of qp_dns_servers(); NULL: /etc/resolv.conf */
    apr_interval_time_t timeout; /**< for all of it */
    int tries;                   /**< of each server */
} qp_dns_question;

struct qp_resolver;
struct qp_dns_lane;

/** Counted, from malloc. The session reads it when the handle is ready. */
struct qp_dns {
    unsigned int refs;
    qp_dns_type type;
    qp_wait *wait;
    qp_dns_data *data;            /* NULL until it is over */
    struct qp_resolver *resolver; /* NULL: no thread knows it */
    qp_dns *next;                 /* in either list */
    qp_dns **link;                /* what points to it, when it is active */
    struct qp_dns_lane *lane;     /* when it is with c-ares */
    apr_time_t deadline;          /* monotonic */
    char *servers;                /* or NULL */
    apr_interval_time_t timeout;
    int tries;
    int nhops;
    int is_over; /* the handle is complete; c-ares may not know */
    char name[QP_DNS_NAME_MAX + 1];
    char asked[QP_DNS_NAME_MAX + 1]; /* the name, or the end of its aliases */
};

/** A query with one reference, which is that of the pool, and no handle. */
qp_dns *qp_dns_query_make(const qp_dns_question *question, apr_pool_t *pool);

/** One that is over before anybody has waited. Takes @a data over. */
qp_dns *qp_dns_query_known(const qp_dns_question *question, qp_dns_data *data,
                           apr_pool_t *pool);

/** Makes the handle ready. Takes @a data over. */
void qp_dns_query_finish(qp_dns *dns, qp_dns_data *data);

void qp_dns_query_unref(qp_dns *dns);

#endif /* QP_DNS_QUERY_H */
