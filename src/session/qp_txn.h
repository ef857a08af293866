/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_txn.h
 * @brief One transaction: envelope, header, body.
 */
#ifndef QP_TXN_H
#define QP_TXN_H

#include "session/qp_notes.h"
#include "session/qp_slots.h"
#include "session/qp_spool.h"
#include "wire/qp_addr.h"
#include "wire/qp_header.h"

/** Lives in a pool of its own, which ends with it. */
struct qp_txn {
    apr_pool_t *pool;
    const char *id;
    const qp_addr *sender;     /**< NULL until MAIL is accepted */
    apr_array_header_t *rcpts; /**< of const qp_addr * */
    const apr_table_t *mail_params;
    qp_header *header;    /**< NULL until it is complete */
    qp_spool *spool;      /**< header and body as they came, LF line ends */
    apr_off_t body_start; /**< offset in spool */
    int has_empty_line;   /**< between header and body */
    apr_off_t wire_size;  /**< octets of the message on the wire */
    apr_array_header_t *auth_results; /**< of const char *, or NULL */
    qp_notes *notes;
    qp_slots slots;
};

/**
 * @param id      "CONNECTION.N", copied
 * @param parent  pool that the transaction must not outlive
 */
qp_txn *qp_txn_create(const char *id, apr_pool_t *parent);

/** Destroys it, its memory and its files. */
void qp_txn_destroy(qp_txn *txn);

/** A pool with an allocator of its own, so that its memory goes back to the
 *  system when it is destroyed, not to the connection. */
apr_pool_t *qp_txn_make_pool(apr_pool_t *parent, const char *tag);

#endif /* QP_TXN_H */
