/* SPDX-License-Identifier: Apache-2.0 */
/* DATA (RFC 5321 4.1.1.4): asks the hook, receives the message, and leaves it
 * to qp_delivery. Between 354 and the final dot the state is the qp_message of
 * the transaction. */

#include "smtp/qp_verb_data.h"

#include "smtp/qp_delivery.h"
#include "smtp/qp_verb.h"

static void start_message(qp_session *qp)
{
    qp->message = qp_message_create(qp, QP_MESSAGE_DOTS);
    qp->mode = QP_MODE_DATA;
    qp_session_reply(qp, 354, NULL, "Go ahead, end with a line of one dot");
}

static void respond_data(qp_session *qp, qp_rc rc)
{
    switch (qp_verdict_apply(qp, QP_HOOK_data, rc)) {
    case QP_NEXT_GO:
        start_message(qp);
        break;
    case QP_NEXT_DONE:
        /* The plugin took the message (hooks.md 6.1). */
        qp_verdict_end_txn(qp, "DATA done by a plugin");
        break;
    case QP_NEXT_STAY:
    case QP_NEXT_CLOSE:
        break;
    }
}

void qp_verb_data(qp_session *qp, const qp_verb *verb QP_UNUSED,
                  const char *rest QP_UNUSED)
{
    if (qp->txn->is_binary) {
        /* RFC 3030 3 */
        qp_session_error(qp, 503, "5.5.1", "BODY=BINARYMIME needs BDAT");
        return;
    }
    qp_start_data(qp, NULL, respond_data);
}

/* While it is received. -------------------------------------------------- */

static void finish_input(qp_session *qp)
{
    if (!qp_message_is_complete(qp->message)) {
        qp->mode = QP_MODE_DATA; /* the body still comes */
        return;
    }
    qp->mode = QP_MODE_COMMAND;
    qp->in_command = 1;
    qp_delivery_start(qp);
}

static void respond_headers_end(qp_session *qp, qp_rc rc)
{
    if (qp_delivery_keep_verdict(qp, rc)) {
        finish_input(qp);
    }
}

apr_status_t qp_verb_data_read(qp_session *qp)
{
    qp_message *message = qp->message;
    int had_header = message->has_header;
    const char *data = NULL;
    apr_size_t len = 0;
    apr_status_t rv = qp_io_peek(qp->io, &data, &len);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    qp_io_skip(qp->io, qp_message_feed(message, data, len));
    if (qp_message_is_complete(message)) {
        qp_message_finish(message);
    }
    if (message->has_header && !had_header && message->refusal == NULL) {
        qp_start_data_headers_end(qp, NULL, respond_headers_end);
    }
    else if (qp_message_is_complete(message)) {
        finish_input(qp);
    }
    return APR_SUCCESS;
}
