/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_resolver.h
 * @brief The queries of the sessions of a process, on one thread that runs
 *        c-ares.
 *
 * A query has two owners, as a job has: the pool of the session that waits,
 * and the thread. Neither needs the other to be alive.
 */
#ifndef QP_RESOLVER_H
#define QP_RESOLVER_H

#include "wire/qp_dns_query.h"

typedef struct qp_resolver qp_resolver;

/**
 * Makes a resolver, in a child process; it has no thread and no descriptor
 * until there is a question. When @a pool is about to be destroyed, what is
 * under way is given up.
 * @param out  lives as long as @a pool
 */
apr_status_t qp_resolver_create(qp_resolver **out, apr_pool_t *pool) QP_CHECKED;

/** A query that needs no server: of what is no name, or is known already; or
 *  without a resolver. NULL: it has to be asked for. */
qp_dns *qp_resolver_know(qp_resolver *resolver, const qp_dns_question *question,
                         apr_pool_t *pool);

/** Asks. @return never NULL; see qp_dns_query() in qpsmtpd.h */
qp_dns *qp_resolver_ask(qp_resolver *resolver, const qp_dns_question *question,
                        qp_waker *waker, apr_pool_t *pool);

#endif /* QP_RESOLVER_H */
