/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction: envelope, header, where its body is. All of it lives in the
 * transaction's own pool. When it begins and ends is decided by qp_session. */

#include "session/qp_txn.h"

#include <stdlib.h>
#include <string.h>

#include <apr_allocator.h>
#include <apr_strings.h>

apr_pool_t *qp_txn_make_pool(apr_pool_t *parent, apr_allocator_t *allocator,
                             const char *tag)
{
    apr_allocator_t *own = NULL;
    apr_pool_t *pool;

    if (allocator == NULL) {
        if (apr_allocator_create(&own) != APR_SUCCESS) {
            abort();
        }
        allocator = own;
    }
    if (apr_pool_create_ex(&pool, parent, apr_pool_abort_get(parent), allocator)
        != APR_SUCCESS) {
        abort();
    }
    if (own != NULL) {
        apr_allocator_owner_set(own, pool);
    }
    apr_pool_tag(pool, tag);
    return pool;
}

qp_txn *qp_txn_create(const char *id, apr_pool_t *parent,
                      apr_allocator_t *allocator)
{
    apr_pool_t *pool = qp_txn_make_pool(parent, allocator, "ptxn");
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

qp_rcpt *qp_txn_rcpt(const qp_txn *txn, int index)
{
    return APR_ARRAY_IDX(txn->rcpts, index, qp_rcpt *);
}

/* The first member of a qp_rcpt is the address. */
static const qp_addr *make_rcpt(const qp_txn *txn, const qp_addr *addr,
                                const qp_rcpt *facts)
{
    qp_rcpt *rcpt = apr_palloc(txn->pool, sizeof(*rcpt));

    *rcpt = *facts;
    rcpt->addr = *qp_addr_dup(addr, txn->pool);
    return &rcpt->addr;
}

void qp_txn_add_rcpt(qp_txn *txn, const qp_addr *addr)
{
    qp_rcpt facts = { .params = apr_table_make(txn->pool, 0), .nth = -1 };

    APR_ARRAY_PUSH(txn->rcpts, const qp_addr *) = make_rcpt(txn, addr, &facts);
}

int qp_txn_replace_rcpt(qp_txn *txn, const qp_addr *addr, const qp_addr *by)
{
    int i;

    for (i = 0; i < txn->rcpts->nelts; i++) {
        if (qp_addr_equal(APR_ARRAY_IDX(txn->rcpts, i, const qp_addr *),
                          addr)) {
            APR_ARRAY_IDX(txn->rcpts, i, const qp_addr *) =
                make_rcpt(txn, by, qp_txn_rcpt(txn, i));
            return 1;
        }
    }
    return 0;
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

const apr_table_t *qp_txn_rcpt_params(const qp_txn *txn, int index)
{
    return qp_txn_rcpt(txn, index)->params;
}

int qp_txn_is_smtputf8(const qp_txn *txn)
{
    return txn->is_smtputf8;
}

int qp_txn_is_binary(const qp_txn *txn)
{
    return txn->is_binary;
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

apr_off_t qp_txn_body_start(const qp_txn *txn)
{
    return txn->body_start;
}

const char *qp_txn_file(qp_txn *txn)
{
    return txn->spool != NULL ? qp_spool_file(txn->spool) : NULL;
}

static void append_octets(qp_txn *txn, const char *text, apr_size_t len)
{
    memcpy(qp_spool_reserve(txn->spool, len, QP_SPOOL_MOVE), text, len);
    qp_spool_commit(txn->spool, len);
}

/* The body of a binary message has CR LF itself. */
static void append_crlf(qp_txn *txn, const char *text, apr_size_t len)
{
    const char *end = text + len;
    const char *lf;

    while ((lf = memchr(text, '\n', (apr_size_t)(end - text))) != NULL) {
        append_octets(txn, text, (apr_size_t)(lf - text));
        append_octets(txn, "\r\n", 2);
        text = lf + 1;
    }
    append_octets(txn, text, (apr_size_t)(end - text));
}

apr_status_t qp_txn_body_append(qp_txn *txn, const char *text, apr_size_t len)
{
    if (txn->spool == NULL) {
        return APR_EINVAL;
    }
    if (txn->is_binary) {
        append_crlf(txn, text, len);
    }
    else {
        append_octets(txn, text, len);
    }
    txn->has_empty_line = 1;
    return qp_spool_status(txn->spool);
}

void qp_txn_body_clear(qp_txn *txn)
{
    if (txn->spool != NULL) {
        txn->spool = qp_spool_renew(txn->spool);
        txn->body_start = 0;
    }
}
