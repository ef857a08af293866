/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's own config keys: one table, and a cache of the parsed values
 * that follows the files. A value that cannot be parsed leaves the one before
 * in force (D15). Settings are freed with their last reference. */

#include "plugin/qp_settings.h"

#include <stdlib.h>
#include <string.h>

#include <apr_network_io.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include "plugin/qp_opt.h"
#include "wire/qp_dns.h"
#include "wire/qp_offer.h"
#include "wire/qp_sasl.h"

#define CHECK_EVERY apr_time_from_sec(1)

static const char *const protocol_words[] = { "smtp", "lmtp", NULL };
static const char *const bare_words[] = { "reject", "normalize",
                                          "accept-in-body", NULL };

static const char *const pipelining_words[] = { "strict", "lenient", NULL };

/* No client on this machine is a stranger; and what hands connections on
 * without the PROXY protocol brings everybody's from here. */
#define CONN_IP_DEFAULT "100 127.0.0.0/8 0 ::1 0"

/* In the order of qp_tls_auth. */
static const char *const tls_auth_words[] = { "plaintext", "yes", "no",
                                              "1",         "0",   NULL };

/* Keys, defaults and bounds (D6). */
static const qp_opt keys[] = {
    QP_OPT_STR(qp_settings, me, "me", NULL),
    QP_OPT_STR(qp_settings, me_auth_results, "me-auth-results", NULL),
    QP_OPT_STR(qp_settings, smtpgreeting, "smtpgreeting", NULL),
    QP_OPT_SIZE(qp_settings, databytes, "databytes", "0"),
    QP_OPT_SIZE(qp_settings, size_threshold, "size_threshold", "10000"),
    QP_OPT_PATH(qp_settings, spool_dir, "spool_dir", QP_SPOOL_DIR),
    QP_OPT_ENUM(qp_settings, bare_newline, "bare_newline", "reject",
                bare_words),
    QP_OPT_INT(qp_settings, max_line, "max_line", "2048", 512, 65536),
    QP_OPT_SIZE(qp_settings, max_data_line, "max_data_line", "1M"),
    QP_OPT_SIZE(qp_settings, max_header, "max_header", "1M"),
    QP_OPT_INT(qp_settings, max_recipients, "max_recipients", "1000", 1,
               1000000),
    QP_OPT_INT(qp_settings, max_errors, "max_errors", "20", 0, 1000000),
    QP_OPT_STR(qp_settings, dns_servers, "dns_servers", NULL),
    QP_OPT_TIME(qp_settings, dns_timeout, "dns_timeout", "8s"),
    QP_OPT_INT(qp_settings, dns_tries, "dns_tries", "3", 1, 10),
    QP_OPT_BOOL(qp_settings, hostname_lookups, "hostname_lookups", "off"),
    QP_OPT_ENUM(qp_settings, protocol, "protocol", "smtp", protocol_words),
    QP_OPT_STR(qp_settings, hide_extensions, "hide_extensions", NULL),
    QP_OPT_STR(qp_settings, xclient_hosts, "xclient_hosts", NULL),
    QP_OPT_STR(qp_settings, xforward_hosts, "xforward_hosts", NULL),
    QP_OPT_INT(qp_settings, max_commands, "max_commands", "10000", 0, 1000000),
    QP_OPT_INT(qp_settings, max_messages, "max_messages", "0", 0, 1000000),
    QP_OPT_ENUM(qp_settings, pipelining, "pipelining", "lenient",
                pipelining_words),
    QP_OPT_INT(qp_settings, max_connections, "max_connections", "0", 0,
               1000000),
    QP_OPT_STR(qp_settings, max_conn_ip_text, "max_conn_ip", CONN_IP_DEFAULT),
    QP_OPT_STR(qp_settings, conn_rate_text, "max_conn_rate_ip", "0"),
    QP_OPT_STR(qp_settings, rate_text, "max_rate_ip", "0"),
    QP_OPT_TIME(qp_settings, timeoutsmtpd, "timeoutsmtpd", "0"),
    QP_OPT_TIME(qp_settings, timeout, "timeout", "0"),
    QP_OPT_TIME(qp_settings, timeout_line, "timeout_line", "5m"),
    QP_OPT_TIME(qp_settings, timeout_data, "timeout_data", "5m"),
    QP_OPT_INT(qp_settings, min_data_rate, "min_data_rate", "500", 0, 1000000),
    QP_OPT_ENUM(qp_settings, tls_before_auth, "tls_before_auth", "plaintext",
                tls_auth_words),
    QP_OPT_BOOL(qp_settings, auth_required, "auth_required", "no"),
    QP_OPT_INT(qp_settings, max_auth_errors, "max_auth_errors", "5", 0,
               1000000),
    QP_OPT_TIME(qp_settings, auth_delay, "auth_delay", "2s"),
    QP_OPT_LIST(qp_settings, auth_mechanisms, "auth_mechanisms", NULL),
};

#define NKEYS QP_ARRAY_LEN(keys)

struct qp_settings_cache {
    qp_config_store *store;
    const char *dir;
    const qp_logger *logger;
    apr_thread_mutex_t *mutex; /* NULL at start */
    apr_time_t checked;
    qp_config_value *seen[NKEYS]; /* the newest; holds a reference */
    qp_config_value *good[NKEYS]; /* the newest without fault; the same */
    qp_settings *current;         /* holds a reference */
};

static const char *default_name(apr_pool_t *pool)
{
    char name[APRMAXHOSTLEN + 1];

    if (apr_gethostname(name, sizeof(name), pool) != APR_SUCCESS) {
        return "localhost";
    }
    return apr_pstrdup(pool, name);
}

apr_hash_t *qp_settings_defaults(apr_pool_t *pool)
{
    apr_hash_t *defaults = apr_hash_make(pool);
    apr_array_header_t *lines;
    const char *value;
    size_t i;

    for (i = 0; i < NKEYS; i++) {
        value = keys[i].def;
        if (strcmp(keys[i].name, "me") == 0) {
            value = default_name(pool);
        }
        if (value != NULL) {
            lines = apr_array_make(pool, 1, sizeof(const char *));
            APR_ARRAY_PUSH(lines, const char *) = value;
            apr_hash_set(defaults, keys[i].name, APR_HASH_KEY_STRING, lines);
        }
    }
    return defaults;
}

/* The labels of a domain have up to 63 octets (RFC 1035 2.3.4). */
static int has_long_label(const char *name)
{
    size_t len;

    for (;;) {
        len = strcspn(name, ".");
        if (len > 63 || name[len] == '\0') {
            return len > 63;
        }
        name += len + 1;
    }
}

/* The name stands in the greeting and in Received: a domain, nothing else. */
static const char *check_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

    if (name[0] == '\0' || strlen(name) > QP_HOST_MAX
        || strspn(name, allowed) != strlen(name) || has_long_label(name)) {
        return "me: must be the host name of this server, such as "
               "mx.example.com";
    }
    return NULL;
}

/* Plugins wait for 30 seconds. */
static const char *check_timeout(apr_interval_time_t timeout)
{
    if (timeout < apr_time_from_msec(100) || timeout > apr_time_from_sec(25)) {
        return "dns_timeout: must be from 100ms to 25s";
    }
    return NULL;
}

static const char *hide_extensions(qp_settings *settings, apr_pool_t *pool)
{
    const char *bad =
        qp_offer_parse(settings->hide_extensions, &settings->hidden, pool);

    return bad == NULL
               ? NULL
               : apr_psprintf(pool,
                              "hide_extensions: \"%s\" is none of the keywords "
                              "in the answer to EHLO",
                              bad);
}

static const char *check_mechanisms(const qp_settings *settings)
{
    const apr_array_header_t *names = settings->auth_mechanisms;
    const char *name;
    int i;

    for (i = 0; names != NULL && i < names->nelts; i++) {
        name = APR_ARRAY_IDX(names, i, const char *);
        if (!qp_sasl_is_mech(name)) {
            return apr_psprintf(settings->pool,
                                "auth_mechanisms: \"%s\" is none of %s", name,
                                QP_SASL_MECHS);
        }
    }
    return NULL;
}

static const char *set_networks(const char *name, const char *words,
                                apr_array_header_t **nets, apr_pool_t *pool)
{
    const char *error = qp_net_parse_all(qp_str_words(words, pool), nets, pool);

    return error == NULL ? NULL : apr_pstrcat(pool, name, ": ", error, NULL);
}

/* Limits of addresses. @return NULL, or what is wrong */
static const char *check_quota(const qp_opt *key, qp_settings *settings)
{
    const char *error = NULL;

    if (strcmp(key->name, "max_conn_ip") == 0) {
        error =
            qp_quota_parse(settings->max_conn_ip_text, &settings->max_conn_ip,
                           &settings->conn_quotas, settings->pool);
    }
    else if (strcmp(key->name, "max_conn_rate_ip") == 0) {
        error =
            qp_quota_rate(settings->conn_rate_text, &settings->conn_rate_ip);
    }
    else if (strcmp(key->name, "max_rate_ip") == 0) {
        error = qp_quota_rate(settings->rate_text, &settings->rate_ip);
    }
    return error == NULL
               ? NULL
               : apr_pstrcat(settings->pool, key->name, ": ", error, NULL);
}

/* What a row cannot say. @return NULL, or what is wrong */
static const char *check_key(const qp_opt *key, qp_settings *settings)
{
    if (strcmp(key->name, "me") == 0) {
        return check_name(settings->me);
    }
    if (strcmp(key->name, "dns_servers") == 0) {
        return qp_dns_servers(settings->dns_servers, &settings->dns_servers,
                              settings->pool);
    }
    if (strcmp(key->name, "dns_timeout") == 0) {
        return check_timeout(settings->dns_timeout);
    }
    if (strcmp(key->name, "hide_extensions") == 0) {
        return hide_extensions(settings, settings->pool);
    }
    if (strcmp(key->name, "auth_mechanisms") == 0) {
        return check_mechanisms(settings);
    }
    if (strcmp(key->name, "xclient_hosts") == 0) {
        return set_networks(key->name, settings->xclient_hosts,
                            &settings->xclient_nets, settings->pool);
    }
    if (strcmp(key->name, "xforward_hosts") == 0) {
        return set_networks(key->name, settings->xforward_hosts,
                            &settings->xforward_nets, settings->pool);
    }
    return check_quota(key, settings);
}

static const char *set_text(const qp_opt *key, qp_settings *settings,
                            const char *text, const char *dir, apr_pool_t *pool)
{
    const char *error = qp_opt_set(key, settings, text, dir, pool);

    return error == NULL ? check_key(key, settings) : error;
}

static void set_default(const qp_opt *key, qp_settings *settings)
{
    if (key == &keys[0]) {
        settings->me = default_name(settings->pool);
    }
    else if (key->def != NULL) {
        QP_IGNORE(set_text(key, settings, key->def, "/", settings->pool)
                      != NULL,
                  "defaults are good");
    }
}

/* The first line; of lists, all of them. */
static const char *take_lines(const qp_opt *key, const qp_config_value *value,
                              apr_pool_t *pool)
{
    static const char *const lists[] = { "dns_servers", "hide_extensions",
                                         "xclient_hosts", "xforward_hosts",
                                         "max_conn_ip" };
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(lists); i++) {
        if (strcmp(key->name, lists[i]) == 0) {
            return apr_array_pstrcat(pool, value->lines, ' ');
        }
    }
    return APR_ARRAY_IDX(value->lines, 0, const char *);
}

/* @return NULL, or "WHERE: what is wrong" */
static const char *set_key(const qp_opt *key, qp_settings *settings,
                           const qp_config_value *value, const char *dir,
                           apr_pool_t *pool)
{
    const char *error;

    if (value->lines->nelts == 0) {
        set_default(key, settings);
        return NULL;
    }
    error = set_text(key, settings, take_lines(key, value, pool), dir, pool);
    return error == NULL ? NULL
                         : apr_pstrcat(pool, value->where, ": ", error, NULL);
}

static qp_settings *make_settings(void)
{
    apr_pool_t *pool;
    qp_settings *settings;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        abort();
    }
    apr_pool_tag(pool, "qp_settings");
    settings = apr_pcalloc(pool, sizeof(*settings));
    settings->pool = pool;
    settings->refs = 1;
    return settings;
}

void qp_settings_release(qp_settings *settings)
{
    if (__atomic_sub_fetch(&settings->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        apr_pool_destroy(settings->pool);
    }
}

static void ref_value(qp_config_value *value)
{
    __atomic_add_fetch(&value->refs, 1, __ATOMIC_RELAXED);
}

static apr_status_t release_cache(void *data)
{
    qp_settings_cache *cache = data;
    size_t i;

    for (i = 0; i < NKEYS; i++) {
        if (cache->seen[i] != NULL) {
            qp_config_value_release(cache->seen[i]);
        }
        if (cache->good[i] != NULL) {
            qp_config_value_release(cache->good[i]);
        }
    }
    qp_settings_release(cache->current);
    return APR_SUCCESS;
}

const char *qp_settings_create(qp_settings_cache **out, qp_config_store *store,
                               const qp_config_source *source,
                               apr_pool_t *pconf)
{
    qp_settings_cache *cache = apr_pcalloc(pconf, sizeof(*cache));
    const char *error = NULL;
    size_t i;

    cache->store = store;
    cache->dir = source->dir;
    cache->logger = source->logger;
    cache->current = make_settings();
    apr_pool_cleanup_register(pconf, cache, release_cache,
                              apr_pool_cleanup_null);
    for (i = 0; i < NKEYS && error == NULL; i++) {
        error = qp_config_read(store, keys[i].name, &cache->seen[i]);
        if (error == NULL) {
            error = set_key(&keys[i], cache->current, cache->seen[i],
                            source->dir, cache->current->pool);
        }
    }
    if (error != NULL) {
        return apr_pstrdup(pconf, error);
    }
    for (i = 0; i < NKEYS; i++) {
        cache->good[i] = cache->seen[i];
        ref_value(cache->good[i]);
    }
    *out = cache;
    return NULL;
}

apr_status_t qp_settings_child_init(qp_settings_cache *cache,
                                    apr_pool_t *pchild)
{
    return apr_thread_mutex_create(&cache->mutex, APR_THREAD_MUTEX_DEFAULT,
                                   pchild);
}

/* Takes up the newest value of a key. @return whether it is good and new */
static int take_value(qp_settings_cache *cache, size_t i)
{
    qp_config_value *value = qp_config_get(cache->store, keys[i].name);
    qp_settings *trial;
    const char *error;

    if (value == cache->seen[i]) {
        qp_config_value_release(value);
        return 0;
    }
    qp_config_value_release(cache->seen[i]);
    cache->seen[i] = value;
    trial = make_settings();
    error = set_key(&keys[i], trial, value, cache->dir, trial->pool);
    if (error != NULL) {
        qp_log_write(cache->logger, QP_LOG_ERROR, "QP1301",
                     "%s; the old value stays in force", error);
        qp_settings_release(trial);
        return 0;
    }
    qp_settings_release(trial);
    qp_config_value_release(cache->good[i]);
    cache->good[i] = value;
    ref_value(value);
    return 1;
}

static void refresh_settings(qp_settings_cache *cache)
{
    qp_settings *fresh;
    int changed = 0;
    size_t i;

    for (i = 0; i < NKEYS; i++) {
        changed |= take_value(cache, i);
    }
    if (!changed) {
        return;
    }
    fresh = make_settings();
    for (i = 0; i < NKEYS; i++) {
        QP_IGNORE(set_key(&keys[i], fresh, cache->good[i], cache->dir,
                          fresh->pool)
                      != NULL,
                  "these values have been tried");
    }
    qp_settings_release(cache->current);
    cache->current = fresh;
}

static qp_settings *get_locked(qp_settings_cache *cache)
{
    apr_time_t now = apr_time_now();

    if (now >= cache->checked + CHECK_EVERY || now < cache->checked) {
        cache->checked = now;
        refresh_settings(cache);
    }
    __atomic_add_fetch(&cache->current->refs, 1, __ATOMIC_RELAXED);
    return cache->current;
}

qp_settings *qp_settings_get(qp_settings_cache *cache)
{
    qp_settings *settings;

    if (cache->mutex == NULL) {
        return get_locked(cache);
    }
    apr_thread_mutex_lock(cache->mutex);
    settings = get_locked(cache);
    apr_thread_mutex_unlock(cache->mutex);
    return settings;
}

static qp_settings *ask_settings(qp_session *qp)
{
    qp_settings *settings = make_settings();
    qp_config_value value;
    const char *error;
    size_t i;

    memset(&value, 0, sizeof(value));
    for (i = 0; i < NKEYS; i++) {
        value.lines = qp_config(qp, keys[i].name);
        value.where = keys[i].name;
        error = set_key(&keys[i], settings, &value, qp->settings_cache->dir,
                        settings->pool);
        if (error != NULL) {
            qp_session_log(qp, QP_LOG_ERROR, "QP1302",
                           "%s; the default is in force", error);
            set_default(&keys[i], settings);
        }
    }
    return settings;
}

void qp_settings_renew(qp_session *qp)
{
    if (qp->hooks->counts[QP_HOOK_config] > 0) {
        if (qp->settings == NULL) {
            qp->settings = ask_settings(qp);
        }
    }
    else {
        qp_settings_drop(qp);
        qp->settings = qp_settings_get(qp->settings_cache);
    }
    qp->max_errors = qp->settings->max_errors;
}

void qp_settings_drop(qp_session *qp)
{
    if (qp->settings != NULL) {
        qp_settings_release(qp->settings);
        qp->settings = NULL;
    }
}
