/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file store_kit.h
 * @brief Stores for the tests of stores.
 */
#ifndef STORE_KIT_H
#define STORE_KIT_H

#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"
#include "plugin/qp_store.h"

/** What the tests share. */
typedef struct bench {
    engine_kit *kit;
    apr_pool_t *pool;
    const char *dir; /* temporary */
    qp_waker waker;
} bench;

/* It is never asked to wake anybody. */
static inline void wake_nobody(qp_waker *waker)
{
}

static inline qp_plugin *bench_plugin(bench *b)
{
    qp_plugin *plugin = apr_pcalloc(b->pool, sizeof(*plugin));

    plugin->name = "test";
    plugin->home = &b->kit->home;
    return plugin;
}

static inline qp_plugin *bench_open(bench *b, const char *where,
                                    const char *name)
{
    qp_plugin *plugin = bench_plugin(b);

    is_str(qp_store_open(plugin, where, name), NULL, "%s", where);
    return plugin;
}

static inline qp_store *bench_begin(bench *b, const qp_plugin *plugin,
                                    apr_pool_t *pool)
{
    return qp_store_begin(plugin, qp_jobs_prepare(b->kit->carrier.jobs,
                                                  &b->waker, pool));
}

/* @return the value, or what went wrong */
static inline const char *bench_value(qp_store *store, const char *key)
{
    const char *value = NULL;
    apr_status_t rv = qp_store_get(store, key, &value);

    if (APR_STATUS_IS_NOTFOUND(rv)) {
        return "(none)";
    }
    return rv == APR_SUCCESS ? value : qp_store_error(store);
}

static inline void bench_set_up(bench *b)
{
    const char *spool = apr_pstrcat(b->pool, b->kit->dir, "/spool", NULL);

    b->dir = b->kit->dir;
    b->waker.wake = wake_nobody;
    b->waker.destroy = wake_nobody;
    b->waker.refs = 1;
    b->kit->path.config_dir = b->dir;
    if (mkdir(spool, 0700) != 0 && errno != EEXIST) {
        abort();
    }
    kit_set(b->kit, "spool_dir", spool);
    is_str(kit_start(b->kit), NULL, "a server");
}

#endif /* STORE_KIT_H */
