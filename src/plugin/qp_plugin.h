/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_plugin.h
 * @brief A plugin as the server holds it: one line of config/plugins.
 */
#ifndef QP_PLUGIN_H
#define QP_PLUGIN_H

#include "plugin/qp_load.h"
#include "plugin/qp_opt.h"
#include "session/qp_session.h"

#define QP_REJECT_TYPE_NONE (-1)

/** The options that every plugin has. */
typedef struct qp_plugin_common {
    int reject;                  /**< index of qp_plugin.c's table */
    int reject_type;             /**< the same; or: nothing is said of it */
    const char *loglevel;        /**< "N", "+N", "-N", or NULL */
    apr_interval_time_t timeout; /**< how long a hook may wait in all */
} qp_plugin_common;

/** The server's side of its plugins. Lives in pconf. */
typedef struct qp_plugin_home {
    qp_load_path *path;
    struct qp_config_store *config; /**< or NULL, in some tests */
    apr_pool_t *pool;               /**< pconf */
    const qp_logger *logger;        /**< for what belongs to no session */
    const struct qp_caches *caches; /**< for stores; or NULL: it is not httpd */
    int nconn, ntxn;                /**< slots given out so far */
} qp_plugin_home;

/** A further set of slots, of qp_plugin_add_hooks(). */
typedef struct qp_plugin_more {
    struct qp_plugin_more *next;
    qp_place place;
    qp_hooks hooks;
} qp_plugin_more;

/** Lives in pconf; read-only once the server runs, but for warned. */
struct qp_plugin {
    const char *name;            /**< with its :N; a parent has its child's */
    qp_plugin_def def;           /**< zero-extended to this server's size */
    qp_hooks hooks;              /**< its own slots; setup may edit them */
    qp_plugin *parent;           /**< or NULL */
    qp_plugin_more *more;        /**< further slots, in order; or NULL */
    void *baton;                 /**< of its loader, or NULL */
    struct qp_store_home *store; /**< of qp_store_open(), or NULL */
    void *opts;
    qp_plugin_common common;
    unsigned int can;        /**< QP_CAN_..., declared in setup */
    int conn_slot, txn_slot; /**< -1: none */
    const qp_plugin_home *home;
    unsigned int warned; /**< atomic: bit by hook id % 32 */
};

/** One line of config/plugins. */
typedef struct qp_plugin_line {
    const char *name; /**< with :N */
    const apr_array_header_t *args;
    const char *where; /**< "FILE:LINE", for errors */
} qp_plugin_line;

/**
 * Makes an instance: loads the file, reads the options, runs setup.
 * @return NULL, or "WHERE: NAME: what is wrong"
 */
const char *qp_plugin_create(const qp_plugin_line *line, qp_plugin_home *home,
                             qp_plugin **out, apr_pool_t *pconf) QP_CHECKED;

#endif /* QP_PLUGIN_H */
