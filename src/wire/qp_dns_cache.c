/* SPDX-License-Identifier: Apache-2.0 */
/* A table of recent answers. An answer has one place that it can be in, and
 * takes it from the one before: so the table is bounded, and needs no order.
 * The servers of the administrator keep more; this one saves the way there. */

#include "wire/qp_dns_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PLACES  1024
/* Seconds, whatever an answer says: lists of addresses change. */
#define MAX_TTL 300

typedef struct place {
    char *key;
    qp_dns_data *data; /* NULL: free */
    apr_int64_t until; /* monotonic, in seconds */
} place;

struct qp_dns_cache {
    pthread_mutex_t mutex;
    place places[PLACES];
};

static unsigned int hash_text(unsigned int hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    }
    return hash;
}

static place *find_place(qp_dns_cache *cache, qp_dns_type type,
                         const char *name, const char *servers)
{
    unsigned int hash = hash_text(2166136261u + (unsigned int)type, name);

    return &cache->places[hash_text(hash, servers) % PLACES];
}

static void empty_place(place *p)
{
    if (p->data != NULL) {
        qp_dns_data_unref(p->data);
        free(p->key);
        p->data = NULL;
    }
}

/* The key is "TYPE NAME SERVERS". */
static int is_for(const place *p, qp_dns_type type, const char *name,
                  const char *servers)
{
    size_t len = strlen(name);

    return p->data != NULL && (unsigned char)p->key[0] == (unsigned int)type
           && strncmp(p->key + 1, name, len) == 0 && p->key[1 + len] == ' '
           && strcmp(p->key + 2 + len, servers) == 0;
}

static char *make_key(qp_dns_type type, const char *name, const char *servers)
{
    size_t len = strlen(name);
    size_t more = strlen(servers);
    char *key = malloc(len + more + 3);

    if (key == NULL) {
        abort();
    }
    key[0] = (char)type;
    memcpy(key + 1, name, len);
    key[1 + len] = ' ';
    memcpy(key + 2 + len, servers, more + 1);
    return key;
}

static apr_status_t empty_cache(void *data)
{
    qp_dns_cache *cache = data;
    int i;

    for (i = 0; i < PLACES; i++) {
        empty_place(&cache->places[i]);
    }
    pthread_mutex_destroy(&cache->mutex);
    return APR_SUCCESS;
}

qp_dns_cache *qp_dns_cache_create(apr_pool_t *pool)
{
    qp_dns_cache *cache = apr_pcalloc(pool, sizeof(*cache));

    pthread_mutex_init(&cache->mutex, NULL);
    apr_pool_cleanup_register(pool, cache, empty_cache, apr_pool_cleanup_null);
    return cache;
}

qp_dns_data *qp_dns_cache_get(qp_dns_cache *cache, qp_dns_type type,
                              const char *name, const char *servers)
{
    qp_dns_data *data = NULL;
    place *p;

    servers = servers != NULL ? servers : "";
    p = find_place(cache, type, name, servers);
    pthread_mutex_lock(&cache->mutex);
    if (is_for(p, type, name, servers) && apr_time_sec(qp_now()) < p->until) {
        data = p->data;
        qp_dns_data_ref(data);
    }
    pthread_mutex_unlock(&cache->mutex);
    return data;
}

void qp_dns_cache_put(qp_dns_cache *cache, qp_dns_type type, const char *name,
                      const char *servers, qp_dns_data *data)
{
    apr_uint32_t ttl = data->ttl < MAX_TTL ? data->ttl : MAX_TTL;
    place *p;

    if (ttl == 0) {
        return;
    }
    servers = servers != NULL ? servers : "";
    p = find_place(cache, type, name, servers);
    pthread_mutex_lock(&cache->mutex);
    empty_place(p);
    p->key = make_key(type, name, servers);
    p->data = data;
    p->until = apr_time_sec(qp_now()) + ttl;
    qp_dns_data_ref(data);
    pthread_mutex_unlock(&cache->mutex);
}
