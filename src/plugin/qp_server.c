/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a server together at start: settings first, then the plugins of
 * config/plugins and of httpd's configuration, then the table of hooks. Lives
 * in pconf. Sessions are not its business. */

#include "plugin/qp_server.h"

#include <string.h>

#include <apr_strings.h>

#include "plugin/qp_alias.h"
#include "plugin/qp_lookup.h"

/* Lines of a key that must come from a file (D15: read at start only). */
static const char *read_key(const qp_server *server, const char *key,
                            qp_conffile **file, apr_pool_t *pconf)
{
    return qp_conffile_read(server->config_dir, key, file, pconf);
}

static const char *collect_dirs(qp_server *server, const qp_server_spec *spec,
                                apr_pool_t *pconf)
{
    apr_array_header_t *dirs = apr_array_make(pconf, 4, sizeof(const char *));
    qp_conffile *file = NULL;
    const char *error;
    int i;

    if (spec->plugin_dirs != NULL) {
        apr_array_cat(dirs, spec->plugin_dirs);
    }
    error = read_key(server, "plugin_dirs", &file, pconf);
    if (error != NULL) {
        return error;
    }
    for (i = 0; i < file->lines->nelts; i++) {
        APR_ARRAY_PUSH(dirs, const char *) =
            APR_ARRAY_IDX(file->lines, i, qp_conffile_line).text;
    }
    APR_ARRAY_PUSH(dirs, const char *) = QP_PLUGIN_DIR;
    server->path.dirs = dirs;
    server->path.config_dir = spec->config_dir;
    server->path.module_path =
        spec->module_path != NULL ? spec->module_path : QP_MODULE_PATH;
    return NULL;
}

/* D18. @return whether the line counts */
static int tell_alias(const qp_server *server, const qp_plugin_line *line,
                      const qp_alias *alias)
{
    qp_config_value *value;
    int is_on = 1;

    if (alias->was == NULL) {
        return 1;
    }
    if (alias->switch_key != NULL) {
        value = qp_config_get(server->config, alias->switch_key);
        is_on =
            value->lines->nelts > 0
            && strcmp(APR_ARRAY_IDX(value->lines, 0, const char *), "0") != 0;
        qp_config_value_release(value);
    }
    if (is_on) {
        qp_log_write(&server->logger, QP_LOG_NOTICE, "QP9104",
                     "%s: %s is now called %s; please write it so", line->where,
                     alias->was, line->name);
    }
    else {
        qp_log_write(&server->logger, QP_LOG_NOTICE, "QP9105",
                     "%s: %s is left out, for config %s is not true",
                     line->where, alias->was, alias->switch_key);
    }
    return is_on;
}

static const char *load_line(qp_server *server, const qp_plugin_line *from,
                             apr_pool_t *pconf)
{
    qp_plugin_line line = *from;
    qp_plugin *plugin = NULL;
    qp_alias alias;
    const char *error = qp_alias_apply(&line, &alias, pconf);
    const char *remedy = NULL;

    if (error != NULL) {
        return apr_pstrcat(pconf, line.where, ": ", alias.was, ": ", error,
                           NULL);
    }
    if (!tell_alias(server, &line, &alias)) {
        return NULL;
    }
    if (!qp_load_exists(line.name, &server->path, pconf)) {
        remedy = qp_alias_remedy(line.name);
    }
    if (remedy != NULL) {
        return apr_pstrcat(pconf, line.where, ": ", line.name, ": ", remedy,
                           NULL);
    }
    error = qp_plugin_create(&line, &server->home, &plugin, pconf);
    if (error == NULL) {
        APR_ARRAY_PUSH(server->plugins, qp_plugin *) = plugin;
    }
    return error;
}

/* All faults are told at once. */
static const char *add_error(const char *errors, const char *error,
                             apr_pool_t *pconf)
{
    if (errors == NULL || error == NULL) {
        return error != NULL ? error : errors;
    }
    return apr_pstrcat(pconf, errors, "\n", error, NULL);
}

/* One line of config/plugins: a name and its arguments (D17). */
static const char *parse_line(const qp_conffile_line *from,
                              qp_plugin_line *line, apr_pool_t *pconf)
{
    apr_array_header_t *words = NULL;
    apr_array_header_t *args;
    const char *error = qp_str_args(from->text, &words, pconf);
    int i;

    line->where = apr_psprintf(pconf, "%s:%d", from->file, from->number);
    if (error != NULL) {
        return apr_pstrcat(pconf, line->where, ": ", error, NULL);
    }
    args = apr_array_make(pconf, words->nelts, sizeof(const char *));
    for (i = 1; i < words->nelts; i++) {
        APR_ARRAY_PUSH(args, const char *) =
            APR_ARRAY_IDX(words, i, const char *);
    }
    line->name = APR_ARRAY_IDX(words, 0, const char *);
    line->args = args;
    return NULL;
}

static const char *load_file(qp_server *server, const char *key,
                             apr_pool_t *pconf)
{
    qp_conffile *file = NULL;
    qp_plugin_line line;
    const char *errors = read_key(server, key, &file, pconf);
    const char *error;
    int i;

    if (errors != NULL) {
        return errors;
    }
    for (i = 0; i < file->lines->nelts; i++) {
        error = parse_line(&APR_ARRAY_IDX(file->lines, i, qp_conffile_line),
                           &line, pconf);
        if (error == NULL) {
            error = load_line(server, &line, pconf);
        }
        errors = add_error(errors, error, pconf);
    }
    return errors;
}

static const char *load_plugins(qp_server *server, const qp_server_spec *spec,
                                apr_pool_t *pconf)
{
    const char *errors = load_file(server, "logging", pconf);
    int i;

    errors = add_error(errors, load_file(server, "plugins", pconf), pconf);
    for (i = 0; spec->plugins != NULL && i < spec->plugins->nelts; i++) {
        errors = add_error(
            errors,
            load_line(server, &APR_ARRAY_IDX(spec->plugins, i, qp_plugin_line),
                      pconf),
            pconf);
    }
    if (errors == NULL && server->plugins->nelts == 0) {
        errors = apr_psprintf(pconf,
                              "%s/plugins: no plugin is loaded, so that no "
                              "mail would be accepted; list at least rcpt_ok "
                              "and a queue plugin there",
                              server->config_dir);
    }
    return errors;
}

/* With hostname_lookups the server comes before its plugins. */
static void fill_hooks(qp_server *server, apr_pool_t *pconf)
{
    apr_array_header_t *own = apr_array_make(pconf, 1, sizeof(qp_plugin *));
    qp_settings *settings = qp_settings_get(server->settings);

    if (settings->hostname_lookups) {
        APR_ARRAY_PUSH(own, qp_plugin *) =
            qp_lookup_plugin(&server->home, pconf);
    }
    qp_settings_release(settings);
    apr_array_cat(own, server->plugins);
    qp_hook_table_fill(&server->hooks, own, pconf);
}

const char *qp_server_create(qp_server **out, const qp_server_spec *spec,
                             apr_pool_t *pconf)
{
    qp_server *server = apr_pcalloc(pconf, sizeof(*server));
    qp_config_source source = { .dir = spec->config_dir,
                                .sets = spec->sets,
                                .wheres = spec->wheres };
    const char *error;

    if (apr_generate_random_bytes(server->secret, sizeof(server->secret))
        != APR_SUCCESS) {
        return "the system has no random octets";
    }
    server->config_dir = spec->config_dir;
    server->logger.sink = spec->log_sink;
    server->logger.ctx = spec->log_ctx;
    server->plugins = apr_array_make(pconf, 16, sizeof(qp_plugin *));
    server->home.path = &server->path;
    server->home.logger = &server->logger;
    server->home.pool = pconf;
    server->home.caches = spec->caches;
    server->path.loaders = apr_array_make(pconf, 1, sizeof(qp_loader *));
    source.defaults = qp_settings_defaults(pconf);
    source.logger = &server->logger;
    server->config = qp_config_create(&source, pconf);
    server->home.config = server->config;
    error = qp_config_preload(server->config);
    if (error == NULL) {
        error = qp_settings_create(&server->settings, server->config, &source,
                                   pconf);
    }
    if (error == NULL) {
        error = collect_dirs(server, spec, pconf);
    }
    if (error == NULL) {
        error = load_plugins(server, spec, pconf);
    }
    if (error == NULL) {
        fill_hooks(server, pconf);
        qp_logging_install(&server->logging, &server->hooks, NULL,
                           &server->logger);
        *out = server;
    }
    return error;
}

apr_status_t qp_server_child_init(qp_server *server, apr_pool_t *pchild)
{
    qp_post_fork_arg arg = { pchild };
    apr_status_t rv = qp_config_child_init(server->config, pchild);

    if (rv == APR_SUCCESS) {
        rv = qp_settings_child_init(server->settings, pchild);
    }
    if (rv == APR_SUCCESS) {
        qp_call_post_fork(&server->hooks, NULL, &arg);
    }
    return rv;
}
