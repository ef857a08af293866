/* SPDX-License-Identifier: Apache-2.0 */
/* The store of config values (qp_config_value.c). Its entries live as long as
 * the process, since there are as many as there are keys. Parsing values is
 * qp_settings' and the plugins' business. */

#include "plugin/qp_config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_file_info.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#define CHECK_EVERY  apr_time_from_sec(1)
/* How often the same fault of a file is logged again. */
#define REMIND_EVERY apr_time_from_sec(300)
/* Values of hooks whose forms are kept. */
#define MAX_FOREIGN  64

typedef struct config_entry {
    const char *key;
    qp_config_value *value; /* holds one reference; never NULL */
    apr_time_t checked;
    apr_time_t reminded;
    int is_faulty; /* the file has a fault, the value is older */
} config_entry;

struct qp_config_store {
    qp_config_source source;
    apr_pool_t *pool;
    apr_thread_mutex_t *mutex; /* NULL at start, when there is one thread */
    apr_hash_t *entries;
    qp_config_value *foreign[MAX_FOREIGN]; /* of hooks, or NULL */
    int next_foreign;
};

static apr_status_t release_entries(void *data)
{
    qp_config_store *store = data;
    apr_hash_index_t *index;
    void *value;
    int i;

    if (store->entries == NULL) {
        return APR_SUCCESS; /* released with the child's pool */
    }
    for (index = apr_hash_first(NULL, store->entries); index != NULL;
         index = apr_hash_next(index)) {
        apr_hash_this(index, NULL, NULL, &value);
        qp_config_value_release(((config_entry *)value)->value);
    }
    for (i = 0; i < MAX_FOREIGN; i++) {
        if (store->foreign[i] != NULL) {
            qp_config_value_release(store->foreign[i]);
        }
    }
    store->entries = NULL;
    return APR_SUCCESS;
}

qp_config_store *qp_config_create(const qp_config_source *source,
                                  apr_pool_t *pool)
{
    qp_config_store *store = apr_pcalloc(pool, sizeof(*store));

    store->source = *source;
    store->pool = pool;
    store->entries = apr_hash_make(pool);
    apr_pool_cleanup_register(pool, store, release_entries,
                              apr_pool_cleanup_null);
    return store;
}

const char *qp_config_dir(const qp_config_store *store)
{
    return store->source.dir;
}

/* What was read before the fork stays in force until a file changes. New
 * entries must not come from pconf, which is not this store's alone. */
apr_status_t qp_config_child_init(qp_config_store *store, apr_pool_t *pchild)
{
    apr_status_t rv = apr_pool_create(&store->pool, pchild);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_tag(store->pool, "qp_config");
    store->entries = apr_hash_copy(store->pool, store->entries);
    apr_pool_cleanup_register(store->pool, store, release_entries,
                              apr_pool_cleanup_null);
    return apr_thread_mutex_create(&store->mutex, APR_THREAD_MUTEX_DEFAULT,
                                   store->pool);
}

static void take_default(qp_config_store *store, qp_config_value *value,
                         const char *key)
{
    const apr_array_header_t *lines = NULL;

    if (store->source.defaults != NULL) {
        lines = apr_hash_get(store->source.defaults, key, APR_HASH_KEY_STRING);
    }
    if (lines != NULL) {
        value->lines = lines; /* lives in pconf, longer than any session */
        value->where = apr_pstrcat(value->pool, key, " (default)", NULL);
    }
}

/* @param fault  out: NULL, or what is wrong, in the value's pool */
static qp_config_value *read_value(qp_config_store *store, const char *key,
                                   const char **fault)
{
    qp_config_value *value = qp_config_value_make(key);
    qp_conffile *file = NULL;

    *fault =
        key[0] == '/'
            ? qp_conffile_read_path(store->source.dir, key, &file, value->pool)
            : qp_conffile_read(store->source.dir, key, &file, value->pool);
    if (*fault != NULL) {
        return value;
    }
    value->file = file;
    if (file->lines->nelts > 0) {
        qp_config_value_take(value, file);
    }
    else {
        take_default(store, value, key);
    }
    return value;
}

/* A value of httpd's configuration does not change. */
static qp_config_value *find_set(qp_config_store *store, const char *key)
{
    const apr_array_header_t *lines = NULL;
    qp_config_value *value;

    if (store->source.sets != NULL) {
        lines = apr_hash_get(store->source.sets, key, APR_HASH_KEY_STRING);
    }
    if (lines == NULL) {
        return NULL;
    }
    value = qp_config_value_make(key);
    value->lines = lines;
    value->where = apr_pstrcat(value->pool, "QpsmtpdSet ", key, NULL);
    if (store->source.wheres != NULL) {
        value->where = apr_pstrcat(value->pool,
                                   apr_hash_get(store->source.wheres, key,
                                                APR_HASH_KEY_STRING),
                                   ": ", value->where, NULL);
    }
    return value;
}

/* A fault keeps the old value in force and says so (D15). */
static void report_fault(qp_config_store *store, config_entry *entry,
                         const char *fault)
{
    apr_time_t now = apr_time_now();

    if (!entry->is_faulty || entry->reminded + REMIND_EVERY < now) {
        qp_log_write(store->source.logger, QP_LOG_ERROR, "QP1201",
                     "%s; the old value stays in force", fault);
        entry->reminded = now;
    }
    entry->is_faulty = 1;
}

static int is_outdated(const config_entry *entry)
{
    return entry->is_faulty || qp_config_value_has_changed(entry->value);
}

static void refresh_entry(qp_config_store *store, config_entry *entry)
{
    qp_config_value *fresh;
    const char *fault;

    if (!is_outdated(entry)) {
        return;
    }
    fresh = read_value(store, entry->key, &fault);
    if (fault == NULL) {
        fault = qp_config_value_inherit(fresh, entry->value);
    }
    if (fault != NULL) {
        report_fault(store, entry, fault);
        qp_config_value_release(fresh);
        return;
    }
    qp_config_value_release(entry->value);
    entry->value = fresh;
    entry->is_faulty = 0;
}

static config_entry *add_entry(qp_config_store *store, const char *key,
                               qp_config_value *value)
{
    config_entry *entry = apr_pcalloc(store->pool, sizeof(*entry));

    entry->key = apr_pstrdup(store->pool, key);
    entry->checked = apr_time_now();
    entry->value = value;
    apr_hash_set(store->entries, entry->key, APR_HASH_KEY_STRING, entry);
    return entry;
}

/* A first value that is faulty is the default, until the file is mended. */
static config_entry *make_entry(qp_config_store *store, const char *key)
{
    qp_config_value *value = find_set(store, key);
    config_entry *entry;
    const char *fault = NULL;

    if (value == NULL) {
        value = read_value(store, key, &fault);
    }
    entry = add_entry(store, key, value);
    if (fault != NULL) {
        take_default(store, value, key);
        report_fault(store, entry, fault);
    }
    return entry;
}

static qp_config_value *get_locked(qp_config_store *store, const char *key)
{
    config_entry *entry =
        apr_hash_get(store->entries, key, APR_HASH_KEY_STRING);
    apr_time_t now;

    if (entry == NULL) {
        entry = make_entry(store, key);
    }
    else {
        now = apr_time_now();
        if (now >= entry->checked + CHECK_EVERY || now < entry->checked) {
            entry->checked = now;
            refresh_entry(store, entry);
        }
    }
    __atomic_add_fetch(&entry->value->refs, 1, __ATOMIC_RELAXED);
    return entry->value;
}

static void lock_store(qp_config_store *store)
{
    if (store->mutex != NULL) {
        apr_thread_mutex_lock(store->mutex);
    }
}

static void unlock_store(qp_config_store *store)
{
    if (store->mutex != NULL) {
        apr_thread_mutex_unlock(store->mutex);
    }
}

qp_config_value *qp_config_get(qp_config_store *store, const char *key)
{
    qp_config_value *value;

    lock_store(store);
    value = get_locked(store, key);
    unlock_store(store);
    return value;
}

void *qp_config_form(qp_config_store *store, const char *key,
                     qp_config_query *query)
{
    void *whole;

    lock_store(store);
    query->value = get_locked(store, key);
    whole = qp_config_value_form(query->value, query->read, &query->fault);
    unlock_store(store);
    return whole;
}

/* The oldest one goes. */
static qp_config_value *add_foreign(qp_config_store *store, const char *key,
                                    const apr_array_header_t *lines)
{
    qp_config_value *value = qp_config_value_make(key);
    apr_array_header_t *copy =
        apr_array_make(value->pool, lines->nelts, sizeof(const char *));
    int i;

    for (i = 0; i < lines->nelts; i++) {
        APR_ARRAY_PUSH(copy, const char *) =
            apr_pstrdup(value->pool, APR_ARRAY_IDX(lines, i, const char *));
    }
    value->lines = copy;
    i = store->next_foreign;
    store->next_foreign = (i + 1) % MAX_FOREIGN;
    if (store->foreign[i] != NULL) {
        qp_config_value_release(store->foreign[i]);
    }
    store->foreign[i] = value;
    return value;
}

void *qp_config_form_lines(qp_config_store *store, const char *key,
                           const apr_array_header_t *lines,
                           qp_config_query *query)
{
    qp_config_value *value = NULL;
    void *whole;
    int i;

    lock_store(store);
    for (i = 0; i < MAX_FOREIGN && value == NULL; i++) {
        if (store->foreign[i] != NULL
            && qp_config_value_is(store->foreign[i], key, lines)) {
            value = store->foreign[i];
        }
    }
    if (value == NULL) {
        value = add_foreign(store, key, lines);
    }
    __atomic_add_fetch(&value->refs, 1, __ATOMIC_RELAXED);
    query->value = value;
    whole = qp_config_value_form(query->value, query->read, &query->fault);
    unlock_store(store);
    return whole;
}

const char *qp_config_read(qp_config_store *store, const char *key,
                           qp_config_value **out)
{
    config_entry *entry =
        apr_hash_get(store->entries, key, APR_HASH_KEY_STRING);
    qp_config_value *value;
    const char *fault = NULL;

    if (entry == NULL) {
        value = find_set(store, key);
        if (value == NULL) {
            value = read_value(store, key, &fault);
        }
        if (fault != NULL) {
            fault = apr_pstrdup(store->pool, fault);
            qp_config_value_release(value);
            return fault;
        }
        entry = add_entry(store, key, value);
    }
    __atomic_add_fetch(&entry->value->refs, 1, __ATOMIC_RELAXED);
    *out = entry->value;
    return NULL;
}

/* A key is a word; names with a dot are something else's files. */
static int may_be_key(const apr_finfo_t *info)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    return info->filetype == APR_REG
           && strspn(info->name, allowed) == strlen(info->name);
}

const char *qp_config_preload(qp_config_store *store)
{
    apr_pool_t *scratch;
    apr_dir_t *dir;
    apr_finfo_t info;
    qp_config_value *value;
    const char *fault = NULL;

    if (apr_pool_create(&scratch, store->pool) != APR_SUCCESS) {
        abort();
    }
    if (apr_dir_open(&dir, store->source.dir, scratch) != APR_SUCCESS) {
        apr_pool_destroy(scratch);
        return apr_psprintf(store->pool,
                            "%s: the config folder cannot be read; make it, "
                            "or name another by QpsmtpdConfigDir",
                            store->source.dir);
    }
    while (fault == NULL
           && apr_dir_read(&info, APR_FINFO_TYPE | APR_FINFO_NAME, dir)
                  == APR_SUCCESS) {
        if (may_be_key(&info)
            && apr_hash_get(store->entries, info.name, APR_HASH_KEY_STRING)
                   == NULL) {
            fault = qp_config_read(store, info.name, &value);
            if (fault == NULL) {
                qp_config_value_release(value);
            }
        }
    }
    apr_pool_destroy(scratch);
    return fault;
}

/* Services for plugins. -------------------------------------------------- */

static apr_status_t release_value(void *data)
{
    qp_config_value_release(data);
    return APR_SUCCESS;
}

const apr_array_header_t *qp_config_ask(qp_session *qp, const char *key)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    qp_config_arg arg = { key, pool, NULL };
    qp_answer kept = qp->answer;
    apr_hash_t *sets = qp->config->source.sets;
    qp_rc rc;

    if (qp->hooks->counts[QP_HOOK_config] == 0
        || (sets != NULL
            && apr_hash_get(sets, key, APR_HASH_KEY_STRING) != NULL)) {
        return NULL;
    }
    rc = qp_call_config(qp->hooks, qp, &arg);
    qp->answer = kept;
    if (rc != QP_OK) {
        return NULL;
    }
    return arg.lines != NULL ? arg.lines
                             : apr_array_make(pool, 0, sizeof(const char *));
}

const apr_array_header_t *qp_config(qp_session *qp, const char *key)
{
    const apr_array_header_t *lines = qp_config_ask(qp, key);
    qp_config_value *value;

    if (lines == NULL) {
        value = qp_config_get(qp->config, key);
        apr_pool_cleanup_register(qp_session_pcmd(qp), value, release_value,
                                  apr_pool_cleanup_null);
        lines = value->lines;
    }
    return lines;
}

const char *qp_config_first(qp_session *qp, const char *key)
{
    const apr_array_header_t *lines = qp_config(qp, key);

    return lines->nelts > 0 ? APR_ARRAY_IDX(lines, 0, const char *) : NULL;
}

int qp_config_has(qp_session *qp, const char *key, const char *word)
{
    const apr_array_header_t *lines = qp_config(qp, key);
    int i;

    for (i = 0; i < lines->nelts; i++) {
        if (strcasecmp(APR_ARRAY_IDX(lines, i, const char *), word) == 0) {
            return 1;
        }
    }
    return 0;
}
