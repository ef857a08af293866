/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_config.h
 * @brief The value of a config key: QpsmtpdSet, config hooks, file (D15).
 *
 * One store for each server in each process, shared by its threads. A value is
 * counted, so that a session can use it while another takes up a change.
 */
#ifndef QP_CONFIG_H
#define QP_CONFIG_H

#include <apr_hash.h>

#include "plugin/qp_config_value.h"
#include "plugin/qp_hook.h"

typedef struct qp_config_store qp_config_store;

/** Where values come from. The hashes map a key to its lines, an
 *  apr_array_header_t of const char *. All of it lives in pconf. */
typedef struct qp_config_source {
    const char *dir;         /**< the config folder */
    apr_hash_t *sets;        /**< QpsmtpdSet: beats everything */
    apr_hash_t *wheres;      /**< of sets: key -> "FILE:LINE"; or NULL */
    apr_hash_t *defaults;    /**< when there is no file, or no line in it */
    const qp_logger *logger; /**< for faults of files */
} qp_config_source;

/** @param pool  pconf; a child process goes on using its copy */
qp_config_store *qp_config_create(const qp_config_source *source,
                                  apr_pool_t *pool);

/** The config folder. */
const char *qp_config_dir(const qp_config_store *store);

/**
 * Reads every file of the folder that can be a key, so that a fault is seen at
 * the start, and a child begins with what was good then.
 * @return NULL, or "FILE:LINE: what is wrong"
 */
const char *qp_config_preload(qp_config_store *store) QP_CHECKED;

/** Call once in each child process before its threads use the store. */
apr_status_t qp_config_child_init(qp_config_store *store,
                                  apr_pool_t *pchild) QP_CHECKED;

/**
 * The value of a key without asking hooks; with a reference to be released.
 * A file is looked at again once a second at most. A fault in a changed file
 * is logged at ERROR, and the old value stays.
 */
qp_config_value *qp_config_get(qp_config_store *store, const char *key);
void qp_config_value_release(qp_config_value *value);

/** The same at start, where a fault stops it. @return NULL,
 *  or "FILE:LINE: what is wrong" in the store's pool */
const char *qp_config_read(qp_config_store *store, const char *key,
                           qp_config_value **out) QP_CHECKED;

/** A reader, and what comes of asking it. */
typedef struct qp_config_query {
    qp_list_reader *read;
    qp_config_value *value; /**< out: with a reference to be released */
    const char *fault;      /**< out: NULL, or "FILE:LINE: what is wrong", as
                                 long as the value; such lines are left out */
} qp_config_query;

/** What a reader makes of a key's lines; as long as the value. From now on
 *  this reader also has to accept what the key changes to. */
void *qp_config_form(qp_config_store *store, const char *key,
                     qp_config_query *query);

/** The same for lines that do not come from the store: what was made of the
 *  last ones of this kind is kept. */
void *qp_config_form_lines(qp_config_store *store, const char *key,
                           const apr_array_header_t *lines,
                           qp_config_query *query);

/** The lines that the config hooks have for a key, in the command's pool; NULL
 *  if they are not asked, or all decline. */
const apr_array_header_t *qp_config_ask(qp_session *qp, const char *key);

#endif /* QP_CONFIG_H */
