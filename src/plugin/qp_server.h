/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_server.h
 * @brief One SMTP server (an httpd virtual host): its folder, its plugins, its
 *        settings.
 */
#ifndef QP_SERVER_H
#define QP_SERVER_H

#include <apr_hash.h>

#include "plugin/qp_logging.h"
#include "plugin/qp_settings.h"

#define QP_SERVER_SECRET_LEN 32

/** What the administrator has said outside of the config folder. All of it
 *  lives in pconf. */
typedef struct qp_server_spec {
    const char *config_dir;
    apr_array_header_t *plugin_dirs; /**< of const char *; searched first */
    const char *module_path;
    apr_array_header_t *plugins; /**< of qp_plugin_line: after the file's */
    apr_hash_t *sets;            /**< key -> lines */
    apr_hash_t *wheres;          /**< key -> "FILE:LINE" of sets, or NULL */
    const qp_log_sink *log_sink; /**< for what belongs to no session */
    void *log_ctx;
    const struct qp_caches *caches; /**< for stores; or NULL: none */
} qp_server_spec;

/** Lives in pconf; read-only after the start, but for the two caches, which
 *  guard themselves. */
typedef struct qp_server {
    qp_hook_table hooks;
    const char *config_dir;
    qp_config_store *config;
    qp_settings_cache *settings;
    apr_array_header_t *plugins; /**< of qp_plugin * */
    qp_plugin_home home;
    qp_load_path path;
    qp_logger logger;
    qp_logging logging;
    unsigned char secret[QP_SERVER_SECRET_LEN]; /**< random; see qp_auth.h */
} qp_server;

/**
 * Reads the folder, loads the plugins, checks everything.
 * @return NULL, or what stops the start: a line for each fault, with file and
 *         line
 */
const char *qp_server_create(qp_server **out, const qp_server_spec *spec,
                             apr_pool_t *pconf) QP_CHECKED;

/** Once in each child process, before its threads: makes the caches fit for
 *  threads and runs the post_fork hooks. */
apr_status_t qp_server_child_init(qp_server *server,
                                  apr_pool_t *pchild) QP_CHECKED;

#endif /* QP_SERVER_H */
