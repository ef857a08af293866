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

/** What an element of txn->rcpts points to. */
typedef struct qp_rcpt {
    qp_addr addr; /**< first: the array is of const qp_addr * */
    const apr_table_t *params;
    int nth;    /**< which accepted RCPT it comes from, from 0; -1: none */
    int result; /**< qp_rc of qp_rcpt_result(), or 0 */
    const char *result_text; /**< or NULL */
} qp_rcpt;

/** Lives in a pool of its own, which ends with it. */
struct qp_txn {
    apr_pool_t *pool;
    const char *id;
    const qp_addr *sender;     /**< NULL until MAIL is accepted */
    apr_array_header_t *rcpts; /**< of const qp_addr *, each in a qp_rcpt */
    const apr_table_t *mail_params;
    int is_smtputf8;      /**< RFC 6531 3.4 */
    int is_binary;        /**< RFC 3030 3: the body is kept as it came */
    int naccepted;        /**< RCPTs that were answered 250 */
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
qp_txn *qp_txn_create(const char *id, apr_pool_t *parent,
                      apr_allocator_t *allocator);

/** The facts of the index-th recipient. */
qp_rcpt *qp_txn_rcpt(const qp_txn *txn, int index);

/** Destroys it, its memory and its files. */
void qp_txn_destroy(qp_txn *txn);

/** A pool whose memory goes back to @a allocator when it is destroyed, and not
 *  to the connection; NULL: to the system. */
apr_pool_t *qp_txn_make_pool(apr_pool_t *parent, apr_allocator_t *allocator,
                             const char *tag);

#endif /* QP_TXN_H */
