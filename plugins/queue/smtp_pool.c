/* SPDX-License-Identifier: Apache-2.0 */
/* The servers of a plugin, and the connections that are kept. The mutex is held
 * for looking and never for talking. */
#include "smtp_pool.h"

#include <pthread.h>

#include <apr_general.h>

/* How long a server that did not answer is tried behind the others. */
#define DOWN_TIME apr_time_from_sec(30)
/* Messages over one connection. */
#define LINK_MAX  100

struct smtp_pool {
    pthread_mutex_t mutex; /* of what follows */
    int is_open;
    smtp_link *kept;
    apr_time_t down_until[SERVERS_MAX];
};

/* Servers. --------------------------------------------------------------- */

/* A number below @a total. */
static int draw(int total)
{
    unsigned int number = 0;

    if (apr_generate_random_bytes((unsigned char *)&number, sizeof(number))
        != APR_SUCCESS) {
        number = (unsigned int)qp_now();
    }
    return (int)(number % (unsigned int)total);
}

/* One of those that are not yet chosen and do not answer worse than @a rank:
 * 2 when they have weight, 1 when they have none, 0 when they are down. */
static int choose_server(const apr_array_header_t *servers, const int *ranks,
                         int rank)
{
    const smtp_server *server;
    int total = 0;
    int lot;
    int i;

    for (i = 0; i < servers->nelts; i++) {
        server = &APR_ARRAY_IDX(servers, i, smtp_server);
        total += ranks[i] == rank ? (rank == 2 ? server->weight : 1) : 0;
    }
    if (total == 0) {
        return -1;
    }
    /* Those without a weight are tried in their order. */
    lot = rank == 2 ? draw(total) : 0;
    for (i = 0; i < servers->nelts; i++) {
        server = &APR_ARRAY_IDX(servers, i, smtp_server);
        if (ranks[i] == rank) {
            lot -= rank == 2 ? server->weight : 1;
        }
        if (ranks[i] == rank && lot < 0) {
            break;
        }
    }
    return i;
}

void smtp_pool_order(smtp_pool *pool, const apr_array_header_t *servers,
                     int *order)
{
    apr_time_t now = qp_now();
    int ranks[SERVERS_MAX];
    int rank = 2;
    int n = 0;
    int i;

    pthread_mutex_lock(&pool->mutex);
    for (i = 0; i < servers->nelts; i++) {
        ranks[i] = APR_ARRAY_IDX(servers, i, smtp_server).weight > 0 ? 2 : 1;
        if (pool->down_until[i] > now) {
            ranks[i] = 0;
        }
    }
    pthread_mutex_unlock(&pool->mutex);
    while (n < servers->nelts) {
        i = choose_server(servers, ranks, rank);
        if (i < 0) {
            rank--;
            continue;
        }
        ranks[i] = -1;
        order[n++] = i;
    }
}

void smtp_pool_mark(smtp_pool *pool, int server, int is_down)
{
    pthread_mutex_lock(&pool->mutex);
    pool->down_until[server] = is_down ? qp_now() + DOWN_TIME : 0;
    pthread_mutex_unlock(&pool->mutex);
}

/* Links. ----------------------------------------------------------------- */

/* Takes those that have been idle for too long off the list. */
static smtp_link *take_old(smtp_pool *pool, apr_interval_time_t idle)
{
    apr_time_t now = qp_now();
    smtp_link **at = &pool->kept;
    smtp_link *old = NULL;
    smtp_link *link;

    while ((link = *at) != NULL) {
        if (now - link->since < idle) {
            at = &link->next;
            continue;
        }
        *at = link->next;
        link->next = old;
        old = link;
    }
    return old;
}

static void close_links(smtp_link *link)
{
    smtp_link *next;

    for (; link != NULL; link = next) {
        next = link->next;
        smtp_link_close(link);
    }
}

smtp_link *smtp_pool_take(smtp_pool *pool, int server, apr_interval_time_t idle)
{
    smtp_link **at = &pool->kept;
    smtp_link *link;
    smtp_link *old;

    pthread_mutex_lock(&pool->mutex);
    old = take_old(pool, idle);
    while (*at != NULL && (*at)->server != server) {
        at = &(*at)->next;
    }
    link = *at;
    if (link != NULL) {
        *at = link->next;
        link->next = NULL;
    }
    pthread_mutex_unlock(&pool->mutex);
    close_links(old);
    /* It has nothing to say to us, unless it closes. */
    if (link != NULL && qp_peer_is_readable(link->peer)) {
        smtp_link_close(link);
        return smtp_pool_take(pool, server, idle);
    }
    return link;
}

void smtp_pool_give(smtp_pool *pool, smtp_link *link, int max)
{
    smtp_link *last = NULL;
    smtp_link *each;
    int n = 0;

    qp_peer_use(link->peer, NULL);
    if (++link->messages >= LINK_MAX || qp_peer_is_readable(link->peer)) {
        smtp_link_close(link);
        return;
    }
    link->since = qp_now();
    pthread_mutex_lock(&pool->mutex);
    for (each = pool->kept; each != NULL; each = each->next) {
        n++;
    }
    if (pool->is_open && n < max) {
        link->next = pool->kept;
        pool->kept = link;
        link = NULL;
    }
    pthread_mutex_unlock(&pool->mutex);
    last = link;
    close_links(last);
}

static apr_status_t close_pool(void *data)
{
    smtp_pool *pool = data;

    pool->is_open = 0;
    close_links(pool->kept);
    pool->kept = NULL;
    return APR_SUCCESS;
}

void smtp_pool_open(smtp_pool *pool, apr_pool_t *pchild)
{
    pool->kept = NULL;
    pool->is_open = 1;
    apr_pool_cleanup_register(pchild, pool, close_pool, apr_pool_cleanup_null);
}

smtp_pool *smtp_pool_make(apr_pool_t *pconf)
{
    smtp_pool *pool = apr_pcalloc(pconf, sizeof(*pool));

    pthread_mutex_init(&pool->mutex, NULL);
    return pool;
}
