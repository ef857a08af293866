/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a config key: its lines, where they stand, and what readers have
 * made of them. It has a pool of its own and is freed with its last
 * reference. */
#include "plugin/qp_config_value.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

static apr_pool_t *make_pool(void)
{
    apr_pool_t *pool;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        abort();
    }
    apr_pool_tag(pool, "qp_config_value");
    return pool;
}

qp_config_value *qp_config_value_make(const char *key)
{
    apr_pool_t *pool = make_pool();
    qp_config_value *value = apr_pcalloc(pool, sizeof(*value));

    value->pool = pool;
    value->lines = apr_array_make(pool, 0, sizeof(const char *));
    value->where = apr_pstrdup(pool, key);
    value->refs = 1;
    return value;
}

void qp_config_value_release(qp_config_value *value)
{
    if (__atomic_sub_fetch(&value->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        apr_pool_destroy(value->pool);
    }
}

/* Plugins see texts alone. */
void qp_config_value_take(qp_config_value *value, const qp_conffile *file)
{
    apr_array_header_t *lines =
        apr_array_make(value->pool, file->lines->nelts, sizeof(const char *));
    const qp_conffile_line *line;
    int i;

    for (i = 0; i < file->lines->nelts; i++) {
        line = &APR_ARRAY_IDX(file->lines, i, qp_conffile_line);
        APR_ARRAY_PUSH(lines, const char *) = line->text;
    }
    line = &APR_ARRAY_IDX(file->lines, 0, qp_conffile_line);
    value->lines = lines;
    value->where = apr_psprintf(value->pool, "%s:%d", line->file, line->number);
}

int qp_config_value_has_changed(const qp_config_value *value)
{
    apr_pool_t *scratch;
    int changed;

    if (value->file == NULL) {
        return 0;
    }
    scratch = make_pool();
    changed = qp_conffile_changed(value->file, scratch);
    apr_pool_destroy(scratch);
    return changed;
}

/* Where a line stands. */
static const char *line_place(const qp_config_value *value, int n)
{
    const qp_conffile_line *line;

    if (value->file == NULL || value->file->lines->nelts <= n) {
        return value->where;
    }
    line = &APR_ARRAY_IDX(value->file->lines, n, qp_conffile_line);
    return apr_psprintf(value->pool, "%s:%d", line->file, line->number);
}

/* Lines with a fault are left out. @param fault  out: the first, or NULL */
static struct qp_config_made *add_form(qp_config_value *value,
                                       qp_list_reader *read, const char **fault)
{
    struct qp_config_made *form = apr_pcalloc(value->pool, sizeof(*form));
    const char *error;
    int i;

    *fault = NULL;
    form->read = read;
    for (i = 0; i < value->lines->nelts; i++) {
        error = read(APR_ARRAY_IDX(value->lines, i, const char *), &form->whole,
                     value->pool);
        if (error != NULL && *fault == NULL) {
            *fault = apr_pstrcat(value->pool, line_place(value, i), ": ", error,
                                 NULL);
        }
    }
    form->next = value->forms;
    value->forms = form;
    return form;
}

const char *qp_config_value_inherit(qp_config_value *fresh,
                                    const qp_config_value *old)
{
    const struct qp_config_made *form;
    const char *fault = NULL;

    for (form = old->forms; form != NULL && fault == NULL; form = form->next) {
        add_form(fresh, form->read, &fault);
    }
    return fault;
}

void *qp_config_value_form(qp_config_value *value, qp_list_reader *read,
                           const char **fault)
{
    struct qp_config_made *form = value->forms;

    *fault = NULL;
    while (form != NULL && form->read != read) {
        form = form->next;
    }
    if (form == NULL) {
        form = add_form(value, read, fault);
    }
    return form->whole;
}

int qp_config_value_is(const qp_config_value *value, const char *key,
                       const apr_array_header_t *lines)
{
    int i;

    if (value->lines->nelts != lines->nelts || strcmp(value->where, key) != 0) {
        return 0;
    }
    for (i = 0; i < lines->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(value->lines, i, const char *),
                   APR_ARRAY_IDX(lines, i, const char *))
            != 0) {
            return 0;
        }
    }
    return 1;
}
