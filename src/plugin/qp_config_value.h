/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_config_value.h
 * @brief One value of a config key, for the store of qp_config.h.
 */
#ifndef QP_CONFIG_VALUE_H
#define QP_CONFIG_VALUE_H

#include "wire/qp_conffile.h"

/** What a reader has made of the lines of a value. Read-only. */
struct qp_config_made {
    struct qp_config_made *next;
    qp_list_reader *read;
    void *whole;
};

/** The lines of a key at some time. Read-only, but for forms, which are added
 *  while the store is locked. */
typedef struct qp_config_value {
    const apr_array_header_t *lines; /**< of const char * */
    const qp_conffile *file;         /**< where they come from, or NULL */
    const char *where;               /**< "FILE:LINE" of the first, or name */
    struct qp_config_made *forms;
    unsigned int refs;
    apr_pool_t *pool;
} qp_config_value;

/** A value without lines, with one reference, in a pool of its own.
 *  @param key  the name of its place */
qp_config_value *qp_config_value_make(const char *key);

/** Gives one reference back. On any thread. */
void qp_config_value_release(qp_config_value *value);

/** Takes the lines of a file that has some, and their places. */
void qp_config_value_take(qp_config_value *value, const qp_conffile *file);

/** Whether the file that the lines come from, if any, has changed. */
int qp_config_value_has_changed(const qp_config_value *value);

/** What a reader makes of the lines; made once. Lines with a fault are left
 *  out.
 *  @param fault  out: NULL, or the first, "FILE:LINE: what is wrong" */
void *qp_config_value_form(qp_config_value *value, qp_list_reader *read,
                           const char **fault);

/** A value that replaces another has its forms. @return NULL, or the fault */
const char *qp_config_value_inherit(qp_config_value *fresh,
                                    const qp_config_value *old);

/** Whether these are its lines, and this its place. */
int qp_config_value_is(const qp_config_value *value, const char *key,
                       const apr_array_header_t *lines);

#endif /* QP_CONFIG_VALUE_H */
