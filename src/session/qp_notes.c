/* SPDX-License-Identifier: Apache-2.0 */
/* Notes of a connection or transaction: a short list, since there are few.
 * A note that is set again reuses its memory, so that a long session does not
 * grow. Keys are constants and are not copied. */

#include "session/qp_notes.h"

#include <string.h>

typedef struct note {
    struct note *next;
    const char *key;
    char *text;
    apr_size_t cap;
    int has_text;
    int has_num;
    apr_int64_t num;
    void *ptr;
} note;

struct qp_notes {
    apr_pool_t *pool;
    note *first;
};

qp_notes *qp_notes_create(apr_pool_t *pool)
{
    qp_notes *notes = apr_pcalloc(pool, sizeof(*notes));

    notes->pool = pool;
    return notes;
}

static note *find_note(const qp_notes *notes, const char *key)
{
    note *found = notes->first;

    while (found != NULL && strcmp(found->key, key) != 0) {
        found = found->next;
    }
    return found;
}

static note *make_note(qp_notes *notes, const char *key)
{
    note *made = find_note(notes, key);

    if (made == NULL) {
        made = apr_pcalloc(notes->pool, sizeof(*made));
        made->key = key;
        made->next = notes->first;
        notes->first = made;
    }
    return made;
}

void qp_note_set(qp_notes *notes, const char *key, const char *value)
{
    note *set = make_note(notes, key);
    apr_size_t len;

    set->has_text = value != NULL;
    if (value == NULL) {
        return;
    }
    len = strlen(value) + 1;
    if (len > set->cap) {
        set->cap = 2 * len;
        set->text = apr_palloc(notes->pool, set->cap);
    }
    memmove(set->text, value, len);
}

const char *qp_note_get(const qp_notes *notes, const char *key)
{
    const note *found = find_note(notes, key);

    return found != NULL && found->has_text ? found->text : NULL;
}

void qp_note_set_num(qp_notes *notes, const char *key, apr_int64_t value)
{
    note *set = make_note(notes, key);

    set->num = value;
    set->has_num = 1;
}

apr_int64_t qp_note_num(const qp_notes *notes, const char *key)
{
    const note *found = find_note(notes, key);

    return found != NULL ? found->num : 0;
}

int qp_note_has(const qp_notes *notes, const char *key)
{
    const note *found = find_note(notes, key);

    return found != NULL
           && (found->has_text || found->has_num || found->ptr != NULL);
}

void qp_note_set_ptr(qp_notes *notes, const char *key, void *value)
{
    make_note(notes, key)->ptr = value;
}

void *qp_note_ptr(const qp_notes *notes, const char *key)
{
    const note *found = find_note(notes, key);

    return found != NULL ? found->ptr : NULL;
}

void qp_notes_each(const qp_notes *notes,
                   void (*show)(void *ctx, const qp_notes_value *value),
                   void *ctx)
{
    const note *each;
    qp_notes_value value;

    for (each = notes->first; each != NULL; each = each->next) {
        value.key = each->key;
        value.text = each->has_text ? each->text : NULL;
        value.num = each->num;
        value.ptr = each->ptr;
        show(ctx, &value);
    }
}
