/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of a header section in two orders, by place and by name, each
 * with a cursor. They live in the pool of the section. What a field means is
 * not its business.
 */
#include "wire/qp_field.h"

#include <apr_strings.h>

qp_fields *qp_fields_create(qp_field_order order, apr_pool_t *pool)
{
    qp_fields *fields = apr_pcalloc(pool, sizeof(*fields));

    fields->order = order;
    return fields;
}

static int is_field(const qp_field *field)
{
    return field->group != NULL;
}

void qp_fields_prepend(qp_fields *fields, qp_field *field)
{
    field->next[fields->order] = fields->first;
    field->prev[fields->order] = NULL;
    if (fields->first != NULL) {
        fields->first->prev[fields->order] = field;
    }
    else {
        fields->last = field;
    }
    fields->first = field;
    fields->count += is_field(field);
    fields->before += is_field(field);
}

void qp_fields_append(qp_fields *fields, qp_field *field)
{
    field->next[fields->order] = NULL;
    field->prev[fields->order] = fields->last;
    if (fields->last != NULL) {
        fields->last->next[fields->order] = field;
    }
    else {
        fields->first = field;
    }
    fields->last = field;
    fields->count += is_field(field);
    if (fields->cursor == NULL) {
        fields->cursor = field;
    }
}

/** Moves the cursor in front of the first field whose seq is greater. */
static void seek_place(qp_fields *fields, int seq)
{
    qp_field *at = fields->cursor;
    qp_field *prev;

    while (at != NULL && at->seq < seq) {
        fields->before += is_field(at);
        at = at->next[fields->order];
    }
    prev = at != NULL ? at->prev[fields->order] : fields->last;
    while (prev != NULL && prev->seq > seq) {
        fields->before -= is_field(prev);
        at = prev;
        prev = at->prev[fields->order];
    }
    fields->cursor = at;
}

void qp_fields_insert(qp_fields *fields, qp_field *field)
{
    qp_field *next;

    seek_place(fields, field->seq);
    next = fields->cursor;
    if (next == NULL) {
        qp_fields_append(fields, field);
        return;
    }
    field->next[fields->order] = next;
    field->prev[fields->order] = next->prev[fields->order];
    if (next->prev[fields->order] != NULL) {
        next->prev[fields->order]->next[fields->order] = field;
    }
    else {
        fields->first = field;
    }
    next->prev[fields->order] = field;
    fields->count += is_field(field);
    fields->cursor = field;
}

void qp_fields_remove(qp_fields *fields, qp_field *field)
{
    qp_field *next = field->next[fields->order];
    qp_field *prev = field->prev[fields->order];

    if (next != NULL) {
        next->prev[fields->order] = prev;
    }
    else {
        fields->last = prev;
    }
    if (prev != NULL) {
        prev->next[fields->order] = next;
    }
    else {
        fields->first = next;
    }
    fields->count -= is_field(field);
    if (fields->cursor == field) {
        fields->cursor = next;
    }
    else if (fields->cursor == NULL || field->seq < fields->cursor->seq) {
        fields->before -= is_field(field);
    }
}

qp_field *qp_fields_seek(qp_fields *fields, int n)
{
    qp_field *field = fields->cursor;

    if (n < 0 || n >= fields->count) {
        return NULL;
    }
    if (n < fields->before / 2) {
        field = fields->first;
        fields->before = 0;
    }
    while (fields->before > n) {
        field = field != NULL ? field->prev[fields->order] : fields->last;
        fields->before -= is_field(field);
    }
    while (fields->before < n || !is_field(field)) {
        fields->before += is_field(field);
        field = field->next[fields->order];
    }
    fields->cursor = field;
    return field;
}

/* ---- Groups: the fields of one name ------------------------------------- */

/** Puts a name into lower case. @return its length; 0 if it is too long */
static apr_size_t fold_name(char *key, const char *name)
{
    apr_size_t len;

    for (len = 0; name[len] != '\0'; len++) {
        if (len == QP_FIELD_NAME_MAX) {
            return 0;
        }
        key[len] = name[len];
        if (key[len] >= 'A' && key[len] <= 'Z') {
            key[len] = (char)(key[len] - 'A' + 'a');
        }
    }
    return len;
}

qp_fields *qp_fields_find(apr_hash_t *groups, const char *name)
{
    char key[QP_FIELD_NAME_MAX];
    apr_size_t len = fold_name(key, name);

    return apr_hash_get(groups, key, (apr_ssize_t)len);
}

qp_fields *qp_fields_need(apr_hash_t *groups, const char *name)
{
    char key[QP_FIELD_NAME_MAX];
    apr_size_t len = fold_name(key, name);
    qp_fields *group = apr_hash_get(groups, key, (apr_ssize_t)len);

    if (group == NULL) {
        group = qp_fields_create(QP_FIELDS_BY_NAME, apr_hash_pool_get(groups));
        apr_hash_set(groups, apr_pmemdup(apr_hash_pool_get(groups), key, len),
                     (apr_ssize_t)len, group);
    }
    return group;
}
