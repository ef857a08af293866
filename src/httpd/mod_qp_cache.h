/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_qp_cache.h
 * @brief Small object caches of httpd, for stores.
 */
#ifndef MOD_QP_CACHE_H
#define MOD_QP_CACHE_H

#include "httpd/mod_qp.h"
#include "plugin/qp_store_cache.h"

typedef struct mod_qp_caches mod_qp_caches;

/** Hook pre_config: the name of the mutexes. */
int mod_qp_cache_register(apr_pool_t *pconf, apr_pool_t *plog,
                          apr_pool_t *ptemp);
/** What plugins may open stores in, before they are loaded.
 *  @param s  the main server */
const qp_caches *mod_qp_cache_make(server_rec *s, apr_pool_t *pconf,
                                   apr_pool_t *ptemp);
/** In post_config: opens them. @return OK, or an error that is logged */
int mod_qp_cache_start(server_rec *s, apr_pool_t *pconf, apr_pool_t *ptemp);
apr_status_t mod_qp_cache_child_init(server_rec *s,
                                     apr_pool_t *pchild) QP_CHECKED;

#endif /* MOD_QP_CACHE_H */
