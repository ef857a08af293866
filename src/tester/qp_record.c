/* SPDX-License-Identifier: Apache-2.0 */
/* Collects what happens in a session. Lives in a pool of its own. It does not
 * know what was expected. */

#include "tester/qp_record.h"

#include <string.h>

#include <apr_strings.h>

apr_status_t qp_record_create(qp_record **out, apr_pool_t *pool)
{
    qp_record *record = apr_pcalloc(pool, sizeof(*record));

    record->pool = pool;
    record->events = apr_array_make(pool, 64, sizeof(qp_event));
    *out = record;
    return apr_thread_mutex_create(&record->mutex, APR_THREAD_MUTEX_DEFAULT,
                                   pool);
}

/* Octets that cannot be printed become \xHH, so that a transcript can be a
 * dialog again; UTF-8 stays. Backslashes are doubled in what the client
 * said. */
static const char *make_printable(const char *text, apr_size_t len,
                                  int is_client, apr_pool_t *pool)
{
    static const char digits[] = "0123456789abcdef";
    char *out = apr_palloc(pool, 4 * len + 1);
    char *to = out;
    unsigned char octet;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        octet = (unsigned char)text[i];
        if ((octet < ' ' && (octet != '\t' || is_client)) || octet == 127) {
            *to++ = '\\';
            *to++ = 'x';
            *to++ = digits[octet >> 4];
            *to++ = digits[octet & 15];
            continue;
        }
        if (octet == '\\' && is_client) {
            *to++ = '\\';
        }
        *to++ = text[i];
    }
    *to = '\0';
    return out;
}

void qp_record_add(qp_record *record, char kind, int level, const char *text,
                   apr_size_t len)
{
    qp_event event = { kind, level, NULL };

    apr_thread_mutex_lock(record->mutex);
    event.text = make_printable(text, len, kind == 'C', record->pool);
    APR_ARRAY_PUSH(record->events, qp_event) = event;
    record->nreplies += kind == 'S';
    apr_thread_mutex_unlock(record->mutex);
}

void qp_record_print(qp_record *record, int verbose, FILE *out)
{
    const qp_event *event;
    int i;

    apr_thread_mutex_lock(record->mutex);
    for (i = 0; i < record->events->nelts; i++) {
        event = &APR_ARRAY_IDX(record->events, i, qp_event);
        if (!verbose
            && (event->kind == 'L'
                || (event->kind == 'V' && event->level == QP_DECLINED))) {
            continue;
        }
        fprintf(out, "%c%c %s\n", event->kind,
                event->kind == 'C' && event->level ? '-' : ':', event->text);
    }
    apr_thread_mutex_unlock(record->mutex);
}
