/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction and the reader of its message. All of it lives in the
 * transaction's own pool. When it begins and ends is decided by qp_session. */

#include "session/qp_txn.h"

#include <stdlib.h>
#include <string.h>

#include <apr_allocator.h>
#include <apr_strings.h>

#define READ_BUFFER 65536

apr_pool_t *qp_txn_make_pool(apr_pool_t *parent, const char *tag)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool;

    if (apr_allocator_create(&allocator) != APR_SUCCESS
        || apr_pool_create_ex(&pool, parent, apr_pool_abort_get(parent),
                              allocator)
               != APR_SUCCESS) {
        abort();
    }
    apr_allocator_owner_set(allocator, pool);
    apr_pool_tag(pool, tag);
    return pool;
}

qp_txn *qp_txn_create(const char *id, apr_pool_t *parent)
{
    apr_pool_t *pool = qp_txn_make_pool(parent, "ptxn");
    qp_txn *txn = apr_pcalloc(pool, sizeof(*txn));

    txn->pool = pool;
    txn->id = apr_pstrdup(pool, id);
    txn->rcpts = apr_array_make(pool, 1, sizeof(const qp_addr *));
    txn->mail_params = apr_table_make(pool, 1);
    return txn;
}

void qp_txn_destroy(qp_txn *txn)
{
    apr_pool_destroy(txn->pool);
}

const char *qp_txn_id(const qp_txn *txn)
{
    return txn->id;
}

const qp_addr *qp_txn_sender(const qp_txn *txn)
{
    return txn->sender;
}

void qp_txn_set_sender(qp_txn *txn, const qp_addr *addr)
{
    txn->sender = qp_addr_dup(addr, txn->pool);
}

const apr_array_header_t *qp_txn_rcpts(const qp_txn *txn)
{
    return txn->rcpts;
}

void qp_txn_add_rcpt(qp_txn *txn, const qp_addr *addr)
{
    APR_ARRAY_PUSH(txn->rcpts, const qp_addr *) = qp_addr_dup(addr, txn->pool);
}

int qp_txn_remove_rcpt(qp_txn *txn, const qp_addr *addr)
{
    const qp_addr **rcpts = (const qp_addr **)txn->rcpts->elts;
    int kept = 0;
    int removed;
    int i;

    for (i = 0; i < txn->rcpts->nelts; i++) {
        if (!qp_addr_equal(rcpts[i], addr)) {
            rcpts[kept++] = rcpts[i];
        }
    }
    removed = txn->rcpts->nelts - kept;
    txn->rcpts->nelts = kept;
    return removed;
}

const apr_table_t *qp_txn_mail_params(const qp_txn *txn)
{
    return txn->mail_params;
}

qp_header *qp_txn_header(qp_txn *txn)
{
    return txn->header;
}

qp_notes *qp_txn_notes(qp_txn *txn)
{
    if (txn->notes == NULL) {
        txn->notes = qp_notes_create(txn->pool);
    }
    return txn->notes;
}

apr_off_t qp_txn_data_size(const qp_txn *txn)
{
    return txn->wire_size;
}

apr_off_t qp_txn_body_length(const qp_txn *txn)
{
    return txn->spool == NULL ? 0 : qp_spool_size(txn->spool) - txn->body_start;
}

struct qp_reader {
    const qp_txn *txn;
    const char *head; /* what comes before the body, or NULL */
    apr_size_t head_len;
    apr_off_t offset; /* in the spool */
    char *buf;
    apr_pool_t *pool;
};

qp_reader *qp_txn_reader(qp_txn *txn, qp_reader_part part, apr_pool_t *pool)
{
    qp_reader *reader = apr_pcalloc(pool, sizeof(*reader));
    const char *text;
    char *head;
    apr_size_t len;

    reader->txn = txn;
    reader->offset = txn->body_start;
    reader->pool = pool;
    if (part == QP_READ_MESSAGE && txn->header != NULL) {
        text = qp_header_text(txn->header, &len, pool);
        head = apr_palloc(pool, len + 1);
        memcpy(head, text, len);
        if (txn->has_empty_line) {
            head[len++] = '\n';
        }
        reader->head = head;
        reader->head_len = len;
    }
    return reader;
}

apr_status_t qp_reader_block(qp_reader *reader, const char **data,
                             apr_size_t *len)
{
    apr_status_t rv;

    if (reader->head_len > 0) {
        *data = reader->head;
        *len = reader->head_len;
        reader->head_len = 0;
        return APR_SUCCESS;
    }
    if (reader->txn->spool == NULL) {
        return APR_EOF;
    }
    if (reader->buf == NULL) {
        reader->buf = apr_palloc(reader->pool, READ_BUFFER);
    }
    *len = READ_BUFFER;
    rv = qp_spool_read(reader->txn->spool, reader->offset, reader->buf, data,
                       len);
    if (rv == APR_SUCCESS) {
        reader->offset += (apr_off_t)*len;
    }
    return rv;
}
