/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file smtp_pool.h
 * @brief The servers of a plugin: which one is tried first, which one is left
 *        alone for a while, and the connections that are kept for the next
 *        message.
 *
 * All threads of a child process share it; it is made in pconf by setup, and
 * open from post_fork to the end of the process.
 */
#ifndef SMTP_POOL_H
#define SMTP_POOL_H

#include "smtp_link.h"

/** Servers of a plugin. */
#define SERVERS_MAX 32

typedef struct smtp_pool smtp_pool;

/** In setup. */
smtp_pool *smtp_pool_make(apr_pool_t *pconf);

/** In post_fork. */
void smtp_pool_open(smtp_pool *pool, apr_pool_t *pchild);

/** The order in which the servers are tried.
 *  @param servers  of smtp_server
 *  @param order    out: their indices, SERVERS_MAX at most */
void smtp_pool_order(smtp_pool *pool, const apr_array_header_t *servers,
                     int *order);

/** Says how a server is: one that is down is tried behind the others. */
void smtp_pool_mark(smtp_pool *pool, int server, int is_down);

/** A link to a server that seems to be alive, or NULL. */
smtp_link *smtp_pool_take(smtp_pool *pool, int server,
                          apr_interval_time_t idle);

/** Keeps a link, or closes it. @param max  so many are kept */
void smtp_pool_give(smtp_pool *pool, smtp_link *link, int max);

#endif /* SMTP_POOL_H */
