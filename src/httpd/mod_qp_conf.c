/* SPDX-License-Identifier: Apache-2.0 */
/* The directives (D14), and the start: each enabled virtual host becomes a
 * qp_server, or httpd does not start. Everything lives in pconf. */

#include "httpd/mod_qp.h"
#include "httpd/mod_qp_cache.h"
#include "httpd/mod_qp_count.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ap_listen.h>
#include <apr_strings.h>
#include <http_main.h>
#include <unixd.h>

APLOG_USE_MODULE(qpsmtpd);

mod_qp_conf *mod_qp_conf_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &qpsmtpd_module);
}

void *mod_qp_conf_create(apr_pool_t *pool, server_rec *s)
{
    mod_qp_conf *conf = apr_pcalloc(pool, sizeof(*conf));

    conf->enabled = -1;
    conf->tls = -1;
    conf->self = s;
    return conf;
}

/* Lists of the main server come first, its words hold where the virtual host
 * has none. Whether the engine is on is not inherited. */
void *mod_qp_conf_merge(apr_pool_t *pool, void *base, void *over)
{
    const mod_qp_conf *main_conf = base;
    const mod_qp_conf *vhost = over;
    mod_qp_conf *conf = apr_pmemdup(pool, vhost, sizeof(*conf));

#define INHERIT(field)                                                         \
    conf->field = vhost->field != NULL ? vhost->field : main_conf->field
    INHERIT(config_dir);
    INHERIT(plugin_dirs);
    INHERIT(module_path);
    INHERIT(plugins);
    INHERIT(sets);
    INHERIT(wheres);
    INHERIT(proxies);
#undef INHERIT
    /* Later, httpd has filled it in from the main server. */
    conf->has_timeout = vhost->self->timeout != 0;
    if (vhost->plugins != NULL && main_conf->plugins != NULL) {
        conf->plugins =
            apr_array_append(pool, main_conf->plugins, vhost->plugins);
    }
    if (vhost->sets != NULL && main_conf->sets != NULL) {
        conf->sets = apr_hash_overlay(pool, vhost->sets, main_conf->sets);
        conf->wheres = apr_hash_overlay(pool, vhost->wheres, main_conf->wheres);
    }
    return conf;
}

/* Directives. ------------------------------------------------------------ */

static const char *where(const cmd_parms *cmd)
{
    return apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename,
                        cmd->directive->line_num);
}

static const char *set_engine(cmd_parms *cmd, void *dummy QP_UNUSED, int on)
{
    mod_qp_conf_of(cmd->server)->enabled = on;
    return NULL;
}

static const char *set_tls(cmd_parms *cmd, void *dummy QP_UNUSED,
                           const char *word)
{
    static const char *const words[] = { "off", "starttls", "required",
                                         "implicit" };
    mod_qp_conf *conf = mod_qp_conf_of(cmd->server);
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(words); i++) {
        if (strcasecmp(word, words[i]) == 0) {
            conf->tls = (int)i;
            conf->tls_where = where(cmd);
            return NULL;
        }
    }
    return "QpsmtpdTLS is starttls, required, implicit or off";
}

static const char *absolute(const cmd_parms *cmd, const char *dir)
{
    return ap_server_root_relative(cmd->pool, dir);
}

static const char *set_config_dir(cmd_parms *cmd, void *dummy QP_UNUSED,
                                  const char *dir)
{
    mod_qp_conf_of(cmd->server)->config_dir = absolute(cmd, dir);
    return NULL;
}

static const char *add_plugin_dir(cmd_parms *cmd, void *dummy QP_UNUSED,
                                  const char *dir)
{
    mod_qp_conf *conf = mod_qp_conf_of(cmd->server);

    if (conf->plugin_dirs == NULL) {
        conf->plugin_dirs = apr_array_make(cmd->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(conf->plugin_dirs, const char *) = absolute(cmd, dir);
    return NULL;
}

static const char *set_module_path(cmd_parms *cmd, void *dummy QP_UNUSED,
                                   const char *dir)
{
    mod_qp_conf_of(cmd->server)->module_path = absolute(cmd, dir);
    return NULL;
}

static const char *add_proxy(cmd_parms *cmd, void *dummy QP_UNUSED,
                             const char *text)
{
    mod_qp_conf *conf = mod_qp_conf_of(cmd->server);
    const char *error;

    if (conf->proxies == NULL) {
        conf->proxies = apr_array_make(cmd->pool, 2, sizeof(qp_net));
    }
    error = qp_net_parse(text, apr_array_push(conf->proxies));
    return error == NULL ? NULL
                         : apr_psprintf(cmd->pool, "QpsmtpdProxy: \"%s\": %s",
                                        text, error);
}

static apr_array_header_t *copy_words(apr_pool_t *pool, int argc,
                                      char *const argv[])
{
    apr_array_header_t *words = apr_array_make(pool, argc, sizeof(char *));
    int i;

    for (i = 0; i < argc; i++) {
        APR_ARRAY_PUSH(words, const char *) = argv[i];
    }
    return words;
}

static const char *add_plugin(cmd_parms *cmd, void *dummy QP_UNUSED, int argc,
                              char *const argv[])
{
    mod_qp_conf *conf = mod_qp_conf_of(cmd->server);
    qp_plugin_line *line;

    if (argc < 1) {
        return "QpsmtpdPlugin needs the name of a plugin";
    }
    if (conf->plugins == NULL) {
        conf->plugins = apr_array_make(cmd->pool, 4, sizeof(qp_plugin_line));
    }
    line = apr_array_push(conf->plugins);
    line->name = argv[0];
    line->args = copy_words(cmd->pool, argc - 1, argv + 1);
    line->where = where(cmd);
    return NULL;
}

/* What is read at start from its file alone cannot be set here (D15). */
static int is_file_only(const char *key)
{
    return strcmp(key, "plugins") == 0 || strcmp(key, "plugin_dirs") == 0
           || strcmp(key, "logging") == 0;
}

static const char *add_set(cmd_parms *cmd, void *dummy QP_UNUSED, int argc,
                           char *const argv[])
{
    mod_qp_conf *conf = mod_qp_conf_of(cmd->server);

    if (argc < 2) {
        return "QpsmtpdSet needs a config key and its value";
    }
    if (is_file_only(argv[0])) {
        return apr_psprintf(cmd->pool,
                            "QpsmtpdSet cannot set %s; use QpsmtpdPlugin and "
                            "QpsmtpdPluginDirs, or its file",
                            argv[0]);
    }
    if (conf->sets == NULL) {
        conf->sets = apr_hash_make(cmd->pool);
        conf->wheres = apr_hash_make(cmd->pool);
    }
    apr_hash_set(conf->sets, argv[0], APR_HASH_KEY_STRING,
                 copy_words(cmd->pool, argc - 1, argv + 1));
    apr_hash_set(conf->wheres, argv[0], APR_HASH_KEY_STRING, where(cmd));
    return NULL;
}

const command_rec mod_qp_directives[] = {
    AP_INIT_FLAG("QpsmtpdEngine", set_engine, NULL, RSRC_CONF,
                 "On: this virtual host speaks SMTP"),
    AP_INIT_ITERATE("QpsmtpdProxy", add_proxy, NULL, RSRC_CONF,
                    "Networks of balancers, which begin with a PROXY header"),
    AP_INIT_TAKE1("QpsmtpdTLS", set_tls, NULL, RSRC_CONF,
                  "starttls, required, implicit or off; without it starttls "
                  "where SSLEngine is on"),
    AP_INIT_TAKE1("QpsmtpdConfigDir", set_config_dir, NULL, RSRC_CONF,
                  "Folder of the config files: plugins, rcpthosts, me, ..."),
    AP_INIT_ITERATE("QpsmtpdPluginDirs", add_plugin_dir, NULL, RSRC_CONF,
                    "Folders that are searched for plugins first"),
    AP_INIT_TAKE1("QpsmtpdModulePath", set_module_path, NULL, RSRC_CONF,
                  "Folder of plugins whose names contain ::"),
    AP_INIT_TAKE_ARGV("QpsmtpdPlugin", add_plugin, NULL, RSRC_CONF,
                      "A plugin and its arguments, after those of the file"),
    AP_INIT_TAKE_ARGV("QpsmtpdSet", add_set, NULL, RSRC_CONF,
                      "A config key and its value, in place of its file"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};

/* The start. ------------------------------------------------------------- */

static const char *create_server(server_rec *s, mod_qp_conf *conf,
                                 const qp_caches *caches, apr_pool_t *pconf)
{
    qp_server_spec spec;

    memset(&spec, 0, sizeof(spec));
    spec.config_dir =
        conf->config_dir != NULL ? conf->config_dir : QP_CONFIG_DIR;
    spec.plugin_dirs = conf->plugin_dirs;
    spec.module_path = conf->module_path;
    spec.plugins = conf->plugins;
    spec.sets = conf->sets;
    spec.wheres = conf->wheres;
    spec.log_sink = &mod_qp_log_server;
    spec.log_ctx = s;
    spec.caches = caches;
    return qp_server_create(&conf->server, &spec, pconf);
}

/* RFC 5321 4.5.3.2.7: at least five minutes. */
#define TIMEOUT_SMTP apr_time_from_sec(300)

/* The config keys of qpsmtpd, the virtual host's own Timeout, or a default, for
 * httpd's own (60 s) is too short for mail (R89). The MPM, which watches over
 * idle sessions, looks at the server record after this. */
static void set_timeout(server_rec *s, const mod_qp_conf *conf)
{
    qp_settings *settings = qp_settings_get(conf->server->settings);

    if (settings->timeoutsmtpd > 0) {
        s->timeout = settings->timeoutsmtpd;
    }
    else if (settings->timeout > 0) {
        s->timeout = settings->timeout;
    }
    else if (s != ap_server_conf && !conf->has_timeout
             && s->timeout < TIMEOUT_SMTP) {
        s->timeout = TIMEOUT_SMTP;
    }
    qp_settings_release(settings);
}

/* As the children see it, when they run as another user. */
static int is_readable(const apr_finfo_t *info)
{
    if (info->user == ap_unixd_config.user_id) {
        return (info->protection & APR_FPROT_UREAD) != 0;
    }
    if (info->group == ap_unixd_config.group_id) {
        return (info->protection & APR_FPROT_GREAD) != 0;
    }
    return (info->protection & APR_FPROT_WREAD) != 0;
}

/* Files are read again while the server runs, and then by its User. */
static void check_readable(const char *dir, apr_pool_t *ptemp)
{
    static const apr_int32_t wanted =
        APR_FINFO_TYPE | APR_FINFO_NAME | APR_FINFO_OWNER | APR_FINFO_PROT;
    apr_dir_t *handle;
    apr_finfo_t info;

    if (geteuid() != 0 || apr_dir_open(&handle, dir, ptemp) != APR_SUCCESS) {
        return;
    }
    while (apr_dir_read(&info, wanted, handle) == APR_SUCCESS) {
        if (info.filetype == APR_REG && !is_readable(&info)) {
            ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_WARNING, 0, NULL,
                         "QP9003: %s/%s is not readable for User %s: changes "
                         "of it will not be seen",
                         dir, info.name, ap_unixd_config.user_name);
        }
    }
    apr_dir_close(handle);
}

/* A virtual host without a directive of ours shares the main server's record;
 * but that the main server speaks SMTP does not make it do so. */
static void part_records(apr_pool_t *pconf, server_rec *main_server)
{
    const mod_qp_conf *shared = mod_qp_conf_of(main_server);
    mod_qp_conf *own;
    server_rec *s;

    for (s = main_server->next; s != NULL; s = s->next) {
        if (mod_qp_conf_of(s) == shared) {
            own = apr_pmemdup(pconf, shared, sizeof(*own));
            own->enabled = -1;
            ap_set_module_config(s->module_config, &qpsmtpd_module, own);
        }
    }
}

/* A line of the log for each. */
static void report_errors(const char *errors, apr_pool_t *ptemp)
{
    char *last = NULL;
    char *error = apr_strtok(apr_pstrdup(ptemp, errors), "\n", &last);

    for (; error != NULL; error = apr_strtok(NULL, "\n", &last)) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_EMERG, 0, NULL,
                     "QP9001: %s", error);
    }
}

int mod_qp_conf_check(apr_pool_t *pconf, apr_pool_t *plog QP_UNUSED,
                      apr_pool_t *ptemp, server_rec *s)
{
    const qp_caches *caches;
    mod_qp_conf *conf;
    const char *error;

    part_records(pconf, s);
    caches = mod_qp_cache_make(s, pconf, ptemp);
    for (; s != NULL; s = s->next) {
        conf = mod_qp_conf_of(s);
        if (conf->enabled != 1) {
            continue;
        }
        error = mod_qp_tls_check(s, conf, pconf);
        if (error == NULL) {
            error = create_server(s, conf, caches, pconf);
        }
        check_readable(conf->config_dir != NULL ? conf->config_dir
                                                : QP_CONFIG_DIR,
                       ptemp);
        if (error != NULL) {
            report_errors(error, ptemp);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
        set_timeout(s, conf);
    }
    return OK;
}

/* "Listen PORT" alone is a listener for http, where the kernel holds the
 * connection back until the client speaks: an SMTP client never does. */
static const char *find_filter(server_rec *s, const ap_listen_rec *listener)
{
    const core_server_config *core =
        ap_get_core_module_config(s->module_config);
    const char *filter;

    if (listener->protocol == NULL || core->accf_map == NULL) {
        return NULL;
    }
    filter = apr_table_get(core->accf_map, listener->protocol);
    return filter != NULL && strcmp(filter, "none") != 0 ? filter : NULL;
}

static void check_listener(server_rec *s, const server_addr_rec *addr)
{
    const ap_listen_rec *listener;

    if (mod_qp_conf_of(s)->tls == QP_TLS_IMPLICIT) {
        return; /* there the client speaks first */
    }
    for (listener = ap_listeners; listener != NULL; listener = listener->next) {
        if (listener->bind_addr->port == addr->host_port
            && find_filter(ap_server_conf, listener) != NULL) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                         "QP9002: the listener on port %d (protocol %s) would "
                         "delay the greeting until the client speaks; write "
                         "\"Listen %d smtp\"",
                         listener->bind_addr->port, listener->protocol,
                         listener->bind_addr->port);
            return;
        }
    }
}

static int shares_address(const server_rec *s, const server_rec *t)
{
    const server_addr_rec *a;
    const server_addr_rec *b;

    for (a = s->addrs; a != NULL; a = a->next) {
        for (b = t->addrs; b != NULL; b = b->next) {
            if (strcmp(a->virthost, b->virthost) == 0
                && a->host_port == b->host_port) {
                return 1;
            }
        }
    }
    return 0;
}

/* A virtual host may be there for its certificate: mod_ssl goes by the name
 * that the client asks for. */
static int is_for_tls(const server_rec *s, const server_rec *first,
                      apr_pool_t *ptemp)
{
    return mod_qp_conf_of(first)->tls > QP_TLS_OFF
           && mod_qp_conf_of(s)->server == NULL && mod_qp_tls_engine(s, ptemp);
}

/* httpd gives a connection to the virtual host of its address that is written
 * first, which is the last one in the list; what others say of SMTP is never
 * seen. */
static void check_shadowed(const server_rec *s, apr_pool_t *ptemp)
{
    const server_rec *first = s;
    const server_rec *other;

    for (other = s->next; other != NULL; other = other->next) {
        if (shares_address(s, other)) {
            first = other;
        }
    }
    if ((mod_qp_conf_of(s)->server != NULL)
            != (mod_qp_conf_of(first)->server != NULL)
        && !is_for_tls(s, first, ptemp)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "QP9004: QpsmtpdEngine of the virtual host in %s:%u does "
                     "not count: another one of that address comes first, in "
                     "line %u",
                     s->defn_name, s->defn_line_number,
                     first->defn_line_number);
    }
}

int mod_qp_conf_post(apr_pool_t *pconf, apr_pool_t *plog QP_UNUSED,
                     apr_pool_t *ptemp, server_rec *s)
{
    const server_addr_rec *addr;
    int rv;

    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    rv = mod_qp_cache_start(s, pconf, ptemp);
    if (rv != OK) {
        return rv;
    }
    for (; s != NULL; s = s->next) {
        if (s != ap_server_conf) {
            check_shadowed(s, ptemp);
        }
        if (mod_qp_conf_of(s)->server == NULL) {
            continue;
        }
        QP_IGNORE(mod_qp_count_get(s) == NULL, "it has said so");
        mod_qp_tls_prepare(s, mod_qp_conf_of(s), pconf);
        for (addr = s->addrs; addr != NULL; addr = addr->next) {
            check_listener(s, addr);
        }
    }
    return OK;
}
