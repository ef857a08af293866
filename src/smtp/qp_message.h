/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_message.h
 * @brief A message while it is received: from octets to header and spool.
 */
#ifndef QP_MESSAGE_H
#define QP_MESSAGE_H

#include "plugin/qp_settings.h"
#include "wire/qp_dot.h"

/** Why the message is not taken; it is read to its end all the same (R10). */
typedef struct qp_refusal {
    int code;
    const char *dsn;
    const char *text;
    const char *limit; /**< for the log: what was broken */
    int closes;        /**< the session ends */
} qp_refusal;

/** Lives in ptxn. */
typedef struct qp_message {
    qp_dot dot;
    qp_txn *txn;
    const qp_settings *settings;
    const qp_refusal *refusal; /**< NULL: none so far */
    apr_size_t scanned;        /**< of the header: no empty line up to here */
    int is_header_bare;        /**< it has a bare CR or LF */
    int has_header;            /**< txn->header is there */
    int is_binary;             /**< the body is taken octet for octet */
    int nempty;                /**< chunks without octets */
    char *scrap;               /**< where text goes that is thrown away */
    qp_rc verdict;             /**< of data_headers_end, kept for the end */
    qp_answer answer;          /**< its text, in ptxn */
} qp_message;

/** How it comes. */
typedef enum qp_message_form {
    QP_MESSAGE_DOTS,  /**< by DATA: lines up to the final dot */
    QP_MESSAGE_CHUNKS /**< by BDAT: octets; its end is said */
} qp_message_form;

/** Starts to receive the message of the session's transaction. */
qp_message *qp_message_create(qp_session *qp, qp_message_form form);

/**
 * Takes octets of the message.
 * @return how many were used: all, or fewer when the header or the message
 *         ends
 */
apr_size_t qp_message_feed(qp_message *message, const char *data,
                           apr_size_t len);

/** The last chunk has come. */
void qp_message_end(qp_message *message);

/** Why the message is not taken, as far as it has come; or NULL. */
const qp_refusal *qp_message_judge(qp_message *message);

/** Whether the end has come. */
int qp_message_is_complete(const qp_message *message);

/** The end has come: decides whether the message is taken, and makes what was
 *  read the header when there was no empty line. */
void qp_message_finish(qp_message *message);

/** From now on the text is thrown away. */
void qp_message_discard(qp_message *message, const qp_refusal *refusal);

#endif /* QP_MESSAGE_H */
