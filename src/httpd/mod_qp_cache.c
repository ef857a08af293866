/* SPDX-License-Identifier: Apache-2.0 */
/* Small object caches of httpd (ap_socache.h) for stores of plugins. The same
 * words mean the same cache, in all virtual hosts. Each has a mutex that all
 * children share: providers know no changes, and some no other process. A cache
 * is made in check_config, so that a wrong word stops the start; it is opened
 * by root in post_config, and lives as long as pconf, as providers want it: so
 * what is on this machine does not outlive a restart. */

#include "httpd/mod_qp_cache.h"

#include <string.h>

#include <ap_provider.h>
#include <ap_socache.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <util_mutex.h>

APLOG_USE_MODULE(qpsmtpd);

#define MUTEX_TYPE     "qpsmtpd-store"

/* Of values that have no end. */
#define LONGEST        apr_time_from_sec(10 * 365 * 86400)
/* memcached takes a longer time for a date (its doc/protocol.txt). */
#define LONGEST_MEMC   apr_time_from_sec(30 * 86400 - 60)
/* Some providers count in seconds, and refuse 0. */
#define SHORTEST       apr_time_from_sec(2)

/* What stores look like, for providers that ask. */
#define AVERAGE_RECORD 100
#define SWEEP_INTERVAL apr_time_from_sec(60)

typedef struct cache {
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *instance;
    apr_global_mutex_t *mutex; /* NULL before post_config */
    const char *which;
    server_rec *s; /* the main server */
} cache;

/* Lives in pconf. */
struct mod_qp_caches {
    qp_caches base;
    apr_hash_t *by_words; /* of cache */
    server_rec *s;
    apr_pool_t *ptemp; /* of check_config */
};

/* ---- in jobs ------------------------------------------------------------- */

static apr_status_t lock_cache(void *data, apr_interval_time_t timeout)
{
    cache *own = data;
    apr_status_t rv = apr_global_mutex_timedlock(own->mutex, timeout);

    /* The mechanism that "Mutex" asks for may know no time. */
    return APR_STATUS_IS_ENOTIMPL(rv) ? apr_global_mutex_lock(own->mutex) : rv;
}

static void unlock_cache(void *data)
{
    cache *own = data;

    QP_IGNORE(apr_global_mutex_unlock(own->mutex), "the lock is ours");
}

static apr_status_t get_record(void *data, const unsigned char *id, char *value,
                               apr_size_t *len, apr_pool_t *pool)
{
    cache *own = data;
    unsigned int n = (unsigned int)*len;
    apr_status_t rv =
        own->provider->retrieve(own->instance, own->s, id, QP_CACHE_ID_LEN,
                                (unsigned char *)value, &n, pool);

    *len = n;
    /* What mod_socache_dbm says of what is not there. */
    return rv == APR_EGENERAL ? APR_NOTFOUND : rv;
}

static apr_status_t put_record(void *data, const unsigned char *id,
                               const char *value, apr_time_t expires,
                               apr_pool_t *pool)
{
    cache *own = data;
    apr_time_t now = apr_time_now();
    apr_interval_time_t longest =
        strcmp(own->provider->name, "memcache") == 0 ? LONGEST_MEMC : LONGEST;

    if (expires == 0 || expires > now + longest) {
        expires = now + longest;
    }
    if (expires < now + SHORTEST) {
        expires = now + SHORTEST;
    }
    return own->provider->store(own->instance, own->s, id, QP_CACHE_ID_LEN,
                                expires,
                                (unsigned char *)apr_pstrdup(pool, value),
                                (unsigned int)strlen(value), pool);
}

static apr_status_t drop_record(void *data, const unsigned char *id,
                                apr_pool_t *pool)
{
    cache *own = data;

    return own->provider->remove(own->instance, own->s, id, QP_CACHE_ID_LEN,
                                 pool);
}

/* ---- the start ----------------------------------------------------------- */

/* Those that are loaded; "shmcb" may be there as "default", too. */
static const char *list_providers(apr_pool_t *pool)
{
    apr_array_header_t *all =
        ap_list_provider_names(pool, AP_SOCACHE_PROVIDER_GROUP,
                               AP_SOCACHE_PROVIDER_VERSION);
    const char *names = "";
    const char *name;
    int i;

    for (i = 0; i < all->nelts; i++) {
        name = APR_ARRAY_IDX(all, i, ap_list_provider_names_t).provider_name;
        names = apr_pstrcat(pool, names, i > 0 ? ", " : "", name, NULL);
    }
    return names[0] != '\0' ? names : "none";
}

static const char *make_cache(const mod_qp_caches *caches, const char *which,
                              cache *made, apr_pool_t *pconf)
{
    const char *colon = strchr(which, ':');
    const char *name =
        colon != NULL ? apr_pstrndup(pconf, which, (apr_size_t)(colon - which))
                      : which;
    const char *args = colon != NULL && colon[1] != '\0' ? colon + 1 : NULL;
    const char *error;

    made->which = apr_pstrdup(pconf, which);
    made->s = caches->s;
    made->provider = ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, name,
                                        AP_SOCACHE_PROVIDER_VERSION);
    if (made->provider == NULL) {
        return apr_psprintf(pconf,
                            "store: httpd has no cache \"%s\"; load its module "
                            "mod_socache_%s before, or take one of: %s",
                            name, name[0] != '\0' ? name : "shmcb",
                            list_providers(pconf));
    }
    error = made->provider->create(&made->instance, args, caches->ptemp, pconf);
    return error == NULL
               ? NULL
               : apr_psprintf(pconf, "store: socache:%s: %s", which, error);
}

static const char *open_cache(void *ctx, const char *which, void **out,
                              apr_pool_t *pconf)
{
    mod_qp_caches *caches = ctx;
    cache *found = apr_hash_get(caches->by_words, which, APR_HASH_KEY_STRING);
    const char *error = NULL;

    if (found == NULL) {
        found = apr_pcalloc(pconf, sizeof(*found));
        error = make_cache(caches, which, found, pconf);
        if (error == NULL) {
            apr_hash_set(caches->by_words, found->which, APR_HASH_KEY_STRING,
                         found);
        }
    }
    *out = found;
    return error;
}

const qp_caches *mod_qp_cache_make(server_rec *s, apr_pool_t *pconf,
                                   apr_pool_t *ptemp)
{
    mod_qp_caches *caches = apr_pcalloc(pconf, sizeof(*caches));

    caches->base.ctx = caches;
    caches->base.open = open_cache;
    caches->base.lock = lock_cache;
    caches->base.unlock = unlock_cache;
    caches->base.get = get_record;
    caches->base.put = put_record;
    caches->base.drop = drop_record;
    caches->by_words = apr_hash_make(pconf);
    caches->s = s;
    caches->ptemp = ptemp;
    mod_qp_conf_of(s)->caches = caches;
    return &caches->base;
}

int mod_qp_cache_register(apr_pool_t *pconf, apr_pool_t *plog QP_UNUSED,
                          apr_pool_t *ptemp QP_UNUSED)
{
    return ap_mutex_register(pconf, MUTEX_TYPE, NULL, APR_LOCK_DEFAULT_TIMED, 0)
                   == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

static apr_status_t destroy_cache(void *data)
{
    cache *own = data;

    own->provider->destroy(own->instance, own->s);
    return APR_SUCCESS;
}

static apr_status_t start_cache(cache *own, int number, apr_pool_t *pconf)
{
    struct ap_socache_hints hints = { QP_CACHE_ID_LEN, AVERAGE_RECORD,
                                      SWEEP_INTERVAL };
    apr_status_t rv =
        ap_global_mutex_create(&own->mutex, NULL, MUTEX_TYPE,
                               apr_itoa(pconf, number), own->s, pconf, 0);

    if (rv == APR_SUCCESS) {
        rv = own->provider->init(own->instance, "qpsmtpd", &hints, own->s,
                                 pconf);
    }
    if (rv == APR_SUCCESS) {
        apr_pool_cleanup_register(pconf, own, destroy_cache,
                                  apr_pool_cleanup_null);
    }
    return rv;
}

int mod_qp_cache_start(server_rec *s, apr_pool_t *pconf, apr_pool_t *ptemp)
{
    const mod_qp_caches *caches = mod_qp_conf_of(s)->caches;
    apr_hash_index_t *at;
    int number = 0;
    apr_status_t rv;
    void *data;
    cache *own;

    if (caches == NULL) {
        return OK;
    }
    for (at = apr_hash_first(ptemp, caches->by_words); at != NULL;
         at = apr_hash_next(at)) {
        apr_hash_this(at, NULL, NULL, &data);
        own = data;
        rv = start_cache(own, number++, pconf);
        if (rv != APR_SUCCESS) {
            ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_EMERG, rv, s,
                         "QP9107: the store socache:%s cannot be opened; see "
                         "the lines before this one",
                         own->which);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}

apr_status_t mod_qp_cache_child_init(server_rec *s, apr_pool_t *pchild)
{
    const mod_qp_caches *caches = mod_qp_conf_of(s)->caches;
    apr_hash_index_t *at;
    apr_status_t rv = APR_SUCCESS;
    void *data;
    cache *own;

    if (caches == NULL) {
        return APR_SUCCESS;
    }
    for (at = apr_hash_first(pchild, caches->by_words);
         at != NULL && rv == APR_SUCCESS; at = apr_hash_next(at)) {
        apr_hash_this(at, NULL, NULL, &data);
        own = data;
        rv = apr_global_mutex_child_init(&own->mutex,
                                         apr_global_mutex_lockfile(own->mutex),
                                         pchild);
    }
    return rv;
}
