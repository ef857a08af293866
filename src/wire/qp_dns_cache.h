/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_dns_cache.h
 * @brief What the DNS has said lately, for the sessions of a process.
 */
#ifndef QP_DNS_CACHE_H
#define QP_DNS_CACHE_H

#include "wire/qp_dns.h"

typedef struct qp_dns_cache qp_dns_cache;

/** Lives as long as @a pool. For all threads. */
qp_dns_cache *qp_dns_cache_create(apr_pool_t *pool);

/** @return with a reference, or NULL */
qp_dns_data *qp_dns_cache_get(qp_dns_cache *cache, qp_dns_type type,
                              const char *name, const char *servers);

/** Keeps an answer for its ttl, if that says so; it may be dropped earlier. */
void qp_dns_cache_put(qp_dns_cache *cache, qp_dns_type type, const char *name,
                      const char *servers, qp_dns_data *data);

#endif /* QP_DNS_CACHE_H */
