/* SPDX-License-Identifier: Apache-2.0 */
/* Stores for plugins: which kind of store a plugin has, keys of any length, and
 * what all kinds do in the same way. Where the values are is the kinds' to
 * know. */

#include "plugin/qp_store.h"

#include <string.h>

#include <apr_sha1.h>
#include <apr_strings.h>

/* How long a call may take. */
#define CALL_TIME   apr_time_from_sec(5)
/* A thousand years from 1970: what is beyond is none of ours. */
#define EXPIRES_MAX apr_time_from_sec(APR_INT64_C(31536000000))

static const qp_store_kind *const kinds[] = { &qp_store_dbm_kind,
                                              &qp_store_redis_kind,
                                              &qp_store_cache_kind };

static const char *spool_dir(const qp_plugin *self)
{
    const char *dir = QP_SPOOL_DIR;
    qp_config_value *value;

    if (self->home->config == NULL) {
        return dir;
    }
    value = qp_config_get(self->home->config, "spool_dir");
    if (value->lines->nelts > 0) {
        dir = apr_pstrdup(self->home->pool,
                          APR_ARRAY_IDX(value->lines, 0, const char *));
    }
    qp_config_value_release(value);
    return dir;
}

const char *qp_store_open(qp_plugin *self, const char *where, const char *name)
{
    apr_pool_t *pconf = self->home->pool;
    qp_store_home *home = apr_pcalloc(pconf, sizeof(*home));
    size_t len = strcspn(where, ":");
    size_t i;

    home->name = apr_pstrdup(pconf, name);
    home->pool = pconf;
    home->config_dir = self->home->path->config_dir;
    home->spool_dir = spool_dir(self);
    home->caches = self->home->caches;
    for (i = 0; i < QP_ARRAY_LEN(kinds); i++) {
        if (strlen(kinds[i]->name) == len
            && strncmp(kinds[i]->name, where, len) == 0) {
            home->kind = kinds[i];
            self->store = home;
            return kinds[i]->open(home,
                                  where[len] == ':' ? where + len + 1 : "");
        }
    }
    return apr_psprintf(pconf,
                        "store: \"%s\" is none of dbm, dbm:PATH, "
                        "redis:HOST:PORT, redis:/SOCKET and "
                        "socache:PROVIDER",
                        where);
}

qp_store *qp_store_begin(const qp_plugin *self, qp_job *job)
{
    qp_store *store = apr_pcalloc(qp_job_pool(job), sizeof(*store));

    QP_ASSERT(self->store != NULL);
    store->home = self->store;
    store->job = job;
    store->pool = qp_job_pool(job);
    return store;
}

apr_status_t qp_store_note(qp_store *store, apr_status_t rv, const char *doing)
{
    char why[128];

    apr_snprintf(store->error, sizeof(store->error), "%s: cannot %s: %s",
                 store->home->kind->name, doing,
                 APR_STATUS_IS_TIMEUP(rv) ? "it takes too long"
                                          : apr_strerror(rv, why, sizeof(why)));
    return rv;
}

const char *qp_store_error(const qp_store *store)
{
    return store->error;
}

/* A key with blanks or control characters, or a long one, is a hash. */
static const char *short_key(const char *key, apr_pool_t *pool)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char sum[APR_SHA1_DIGESTSIZE];
    char *hex = apr_palloc(pool, 2 * sizeof(sum) + 6);
    apr_sha1_ctx_t context;
    const char *p = key;
    size_t i;

    while ((unsigned char)*p > ' ' && *p != 0x7f) {
        p++;
    }
    if (*p == '\0' && key[0] != '\0' && p - key <= QP_STORE_KEY_MAX) {
        return key;
    }
    apr_sha1_init(&context);
    apr_sha1_update(&context, key, (unsigned int)strlen(key));
    apr_sha1_final(sum, &context);
    memcpy(hex, "sha1:", 5);
    for (i = 0; i < sizeof(sum); i++) {
        hex[5 + 2 * i] = digits[sum[i] >> 4];
        hex[6 + 2 * i] = digits[sum[i] & 15];
    }
    hex[5 + 2 * sizeof(sum)] = '\0';
    return hex;
}

static const char *begin_call(qp_store *store, const char *key)
{
    store->deadline = qp_now() + CALL_TIME;
    store->error[0] = '\0';
    return short_key(key, store->pool);
}

apr_status_t qp_store_get(qp_store *store, const char *key, const char **value)
{
    key = begin_call(store, key);
    return store->home->kind->get(store, key, value);
}

apr_status_t qp_store_set(qp_store *store, const char *key, const char *value,
                          apr_interval_time_t ttl)
{
    key = begin_call(store, key);
    if (strlen(value) > QP_STORE_VALUE_MAX) {
        return qp_store_note(store, APR_ENOSPC, "keep so long a value");
    }
    return store->home->kind->set(store, key, value, ttl);
}

apr_status_t qp_store_delete(qp_store *store, const char *key)
{
    key = begin_call(store, key);
    return store->home->kind->set(store, key, NULL, 0);
}

/* A change that keeps an eye on what the plugin's own one makes. */
struct guarded {
    qp_store_change *change;
    void *baton;
    int is_too_long;
};

static const char *guard_change(const char *old, void *baton,
                                apr_interval_time_t *ttl, apr_pool_t *pool)
{
    struct guarded *guarded = baton;
    const char *value = guarded->change(old, guarded->baton, ttl, pool);

    guarded->is_too_long = value != NULL && strlen(value) > QP_STORE_VALUE_MAX;
    return guarded->is_too_long ? NULL : value;
}

apr_status_t qp_store_update(qp_store *store, const char *key,
                             qp_store_change *change, void *baton)
{
    struct guarded guarded = { change, baton, 0 };
    apr_status_t rv;

    key = begin_call(store, key);
    rv = store->home->kind->update(store, key, guard_change, &guarded);
    if (rv == APR_SUCCESS && guarded.is_too_long) {
        rv = qp_store_note(store, APR_ENOSPC, "keep so long a value");
    }
    return rv;
}

/* Of qp_store_add. Behind the number stands when it expires, so that adding
 * does not prolong its life. */
struct addition {
    const qp_store_sum *what;
    apr_int64_t sum;
    int is_number;
};

/* "SUM" or "SUM EXPIRES". @return whether it is that, and may be added to */
static int read_sum(const char *text, apr_int64_t *sum, apr_time_t *expires)
{
    char *end = NULL;

    *sum = apr_strtoi64(text, &end, 10);
    if (end == text || (*end != '\0' && *end != ' ')) {
        return 0;
    }
    *expires = *end == ' ' ? apr_strtoi64(end + 1, NULL, 10) : 0;
    return *expires <= EXPIRES_MAX;
}

static const char *add_number(const char *old, void *baton,
                              apr_interval_time_t *ttl, apr_pool_t *pool)
{
    struct addition *addition = baton;
    apr_time_t now = apr_time_now();
    apr_time_t expires =
        addition->what->ttl > 0 ? now + addition->what->ttl : 0;

    addition->sum = 0;
    addition->is_number =
        (old == NULL || read_sum(old, &addition->sum, &expires))
        && !__builtin_add_overflow(addition->sum, addition->what->by,
                                   &addition->sum);
    if (!addition->is_number) {
        return NULL;
    }
    *ttl = 0;
    if (expires > 0) {
        *ttl = expires > now ? expires - now : 1;
    }
    return apr_psprintf(pool, "%" APR_INT64_T_FMT " %" APR_TIME_T_FMT,
                        addition->sum, expires);
}

apr_status_t qp_store_add(qp_store *store, const char *key, apr_int64_t by,
                          apr_interval_time_t ttl, apr_int64_t *sum)
{
    const qp_store_sum what = { by, ttl };
    struct addition addition = { &what, 0, 1 };
    apr_status_t rv;

    key = begin_call(store, key);
    if (store->home->kind->add != NULL) {
        return store->home->kind->add(store, key, &what, sum);
    }
    rv = store->home->kind->update(store, key, add_number, &addition);
    if (rv == APR_SUCCESS && !addition.is_number) {
        rv = qp_store_note(store, APR_EINVAL, "add to what is no number");
    }
    *sum = addition.sum;
    return rv;
}
