/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file http_config.h
 * @brief What the plugin http_config has of a key, from each of its URLs.
 *
 * Values are counted and live in pools of their own; the rest lives as long as
 * the process. Where they come from, and who may touch them when, is not
 * decided here.
 */
#ifndef HTTP_CONFIG_H
#define HTTP_CONFIG_H

#include <stdlib.h>

#include "http_get.h"
#include "user_config.h"

/* The lines of a key. Read-only. */
struct value {
    apr_pool_t *pool;
    apr_array_header_t *lines; /* of const char * */
    unsigned int refs;
};

/* What one URL says of a key. All but value is the thread's alone. */
struct source {
    const char *url;
    const char *shown; /* the same without a password */
    struct http_validators validators;
    struct value *value; /* or NULL; holds a reference */
    int is_failing;
    apr_time_t reminded;
};

struct entry {
    struct entry *next;
    const char *key;
    struct source *sources; /* one for each URL */
    apr_time_t due;         /* when the thread asks again, monotonic */
    int is_tried;           /* it has asked at least once */
};

static inline apr_pool_t *make_pool(void)
{
    apr_pool_t *pool;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        abort();
    }
    apr_pool_tag(pool, "http_config");
    return pool;
}

static inline apr_status_t release_value(void *data)
{
    struct value *value = data;

    if (value != NULL
        && __atomic_sub_fetch(&value->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        apr_pool_destroy(value->pool);
    }
    return APR_SUCCESS;
}

/* @return NULL: the text has no lines; it belongs to the value otherwise */
static inline struct value *make_value(char *text, apr_pool_t *pool)
{
    struct value *value = apr_pcalloc(pool, sizeof(*value));

    value->pool = pool;
    value->refs = 1;
    value->lines = split_lines(text, pool);
    return value->lines->nelts > 0 ? value : NULL;
}

/* "scheme://user:password@host/": all between is left out. */
static inline const char *hide_password(const char *url, apr_pool_t *pool)
{
    const char *host = strstr(url, "://") + 3;
    const char *at = host + strcspn(host, "/?#");

    while (at > host && *at != '@') {
        at--;
    }
    if (*at != '@') {
        return url;
    }
    return apr_pstrcat(pool,
                       apr_pstrmemdup(pool, url, (apr_size_t)(host - url)),
                       at + 1, NULL);
}

#endif /* HTTP_CONFIG_H */
