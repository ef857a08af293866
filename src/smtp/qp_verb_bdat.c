/* SPDX-License-Identifier: Apache-2.0 */
/* BDAT (RFC 3030 2): takes a message in chunks of octets.
 *
 *   bdat       = "BDAT" SP chunk-size [SP "LAST"] CRLF
 *   chunk-size = 1*DIGIT
 *
 * Whatever comes of the command, exactly the octets that it announces are
 * taken before it is answered (R64). The chunk under way is data of the
 * session, for there may be no transaction; the message is the transaction's,
 * and at its end is left to qp_delivery. */

#include "smtp/qp_verb_bdat.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "smtp/qp_delivery.h"
#include "smtp/qp_verb.h"
#include "wire/qp_offer.h"

/* Digits of a size that certainly fits into 64 bits. */
#define MAX_DIGITS  18

/* Octets of a chunk that is too large and yet taken to its end. */
#define MAX_REFUSED APR_INT64_C(0x7fffffff)

/* Chunks of a message that bring nothing (R67). */
#define MAX_EMPTY   20

static const qp_refusal too_many_empty = { 501, "5.5.4",
                                           "Too many empty chunks",
                                           "BDAT 0 over and over", 0 };

static void refuse_chunk(qp_chunk *chunk, int code, const char *dsn,
                         const char *text)
{
    if (chunk->code == 0) {
        chunk->code = code;
        chunk->dsn = dsn;
        chunk->text = text;
    }
}

/* @return whether the octets can be counted; else nothing that follows can be
 * told from commands (R63) */
static int parse_chunk(const char *rest, qp_chunk *chunk, apr_pool_t *pool)
{
    const apr_array_header_t *words = qp_str_words(rest, pool);
    const char *size = "";
    size_t digits;

    memset(chunk, 0, sizeof(*chunk));
    chunk->verdict = QP_DECLINED;
    if (words->nelts > 0) {
        size = APR_ARRAY_IDX(words, 0, const char *);
    }
    digits = strspn(size, "0123456789");
    if (digits == 0 || size[digits] != '\0'
        || digits - strspn(size, "0") > MAX_DIGITS) {
        return 0;
    }
    chunk->size = apr_atoi64(size);
    chunk->left = chunk->size;
    if (words->nelts > 1) {
        chunk->is_last =
            strcasecmp(APR_ARRAY_IDX(words, 1, const char *), "LAST") == 0;
        if (!chunk->is_last || words->nelts > 2) {
            refuse_chunk(chunk, 501, "5.5.4", "Only LAST may follow the size");
        }
    }
    return 1;
}

/* The end of a chunk. ---------------------------------------------------- */

/* @return whether the chunk was refused, by what stood in front of it or by the
 * hook data */
static int tell_refusal(qp_session *qp)
{
    const qp_chunk *chunk = &qp->chunk;

    if (chunk->is_answered) {
        qp->replied = 1;
        return 1;
    }
    if (chunk->code != 0) {
        if (qp->state > QP_STATE_MAIL) {
            /* Its chunk is missing: what follows is no message (R64). */
            qp_verdict_end_txn(qp, "BDAT refused");
        }
        qp_session_error(qp, chunk->code, chunk->dsn, "%s", chunk->text);
        return 1;
    }
    if (chunk->verdict != QP_DECLINED) {
        qp->answer = chunk->answer;
        if (qp->answer.text != NULL) {
            qp->answer.text = apr_pstrdup(qp_session_pcmd(qp), qp->answer.text);
        }
        qp_verdict_apply(qp, QP_HOOK_data, chunk->verdict);
        return 1;
    }
    return 0;
}

static void go_on(qp_session *qp);

static void respond_headers_end(qp_session *qp, qp_rc rc)
{
    if (qp_delivery_keep_verdict(qp, rc)) {
        go_on(qp);
    }
}

/* The header may end with the message. */
static void end_message(qp_session *qp)
{
    qp_message *message = qp->message;
    int had_header = message->has_header;

    qp_message_end(message);
    if (!had_header && message->refusal == NULL) {
        qp_start_data_headers_end(qp, NULL, respond_headers_end);
    }
    else {
        qp_delivery_start(qp);
    }
}

/* A message that is not taken need not be sent to its end. */
static void end_part(qp_session *qp)
{
    qp_message *message = qp->message;
    const qp_refusal *refusal = qp_message_judge(message);

    if (qp->chunk.size == 0 && ++message->nempty > MAX_EMPTY) {
        refusal = &too_many_empty;
    }
    if (qp_delivery_tell_verdict(qp)) {
        return;
    }
    if (refusal != NULL) {
        qp_delivery_refuse(qp, refusal);
        return;
    }
    qp_session_reply(qp, 250, "2.0.0", "%" APR_OFF_T_FMT " octets received",
                     qp->chunk.size);
}

static void end_chunk(qp_session *qp)
{
    qp->mode = QP_MODE_COMMAND;
    qp->in_command = 1;
    if (tell_refusal(qp)) {
        return;
    }
    if (qp->chunk.is_last) {
        end_message(qp);
    }
    else {
        end_part(qp);
    }
}

/* Reading. --------------------------------------------------------------- */

/* To the next octets, the end of the chunk, or that of the message. */
static void go_on(qp_session *qp)
{
    if (qp->message != NULL && qp_message_is_complete(qp->message)) {
        qp_delivery_start(qp);
    }
    else if (qp->chunk.left > 0) {
        qp->mode = QP_MODE_CHUNK;
        qp->in_command = 0; /* its reply comes later */
    }
    else {
        end_chunk(qp);
    }
}

static int is_wanted(const qp_session *qp)
{
    const qp_chunk *chunk = &qp->chunk;

    return chunk->code == 0 && !chunk->is_answered
           && chunk->verdict == QP_DECLINED;
}

apr_status_t qp_verb_bdat_read(qp_session *qp)
{
    qp_message *message = qp->message;
    qp_chunk *chunk = &qp->chunk;
    const char *data = NULL;
    apr_size_t len = 0;
    apr_status_t rv = qp_io_peek(qp->io, &data, &len);
    int had_header;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if ((apr_off_t)len > chunk->left) {
        len = (apr_size_t)chunk->left;
    }
    if (!is_wanted(qp)) {
        chunk->left -= (apr_off_t)len;
        qp_io_skip(qp->io, len);
        if (chunk->left == 0) {
            end_chunk(qp);
        }
        return APR_SUCCESS;
    }
    had_header = message->has_header;
    len = qp_message_feed(message, data, len);
    chunk->left -= (apr_off_t)len;
    qp_io_skip(qp->io, len);
    if (message->has_header && !had_header && message->refusal == NULL) {
        qp_start_data_headers_end(qp, NULL, respond_headers_end);
    }
    else if (chunk->left == 0) {
        end_chunk(qp);
    }
    return APR_SUCCESS;
}

/* The command. ----------------------------------------------------------- */

/* What the plugins say to the first chunk is told behind its octets. */
static void keep_verdict(qp_session *qp, qp_rc rc)
{
    qp_chunk *chunk = &qp->chunk;

    chunk->verdict = rc;
    chunk->answer = qp->answer;
    if (qp->answer.text != NULL) {
        chunk->answer.text = apr_pstrdup(qp->txn->pool, qp->answer.text);
    }
}

static void respond_data(qp_session *qp, qp_rc rc)
{
    switch (rc) {
    case QP_DENY_DISCONNECT:
    case QP_DENYSOFT_DISCONNECT:
        qp_verdict_apply(qp, QP_HOOK_data, rc);
        return;
    case QP_DONE:
        /* The plugin took the message (hooks.md 6.1). */
        qp_verdict_apply(qp, QP_HOOK_data, rc);
        qp_verdict_end_txn(qp, "BDAT done by a plugin");
        qp->chunk.is_answered = 1;
        break;
    case QP_DENY:
    case QP_DENYSOFT:
        keep_verdict(qp, rc);
        break;
    case QP_OK:
    case QP_DECLINED:
    case QP_YIELD:
        qp->message = qp_message_create(qp, QP_MESSAGE_CHUNKS);
        qp_session_goto(qp, QP_STATE_BDAT, "BDAT accepted");
        break;
    }
    go_on(qp);
}

/* Nobody means to send gigabytes that EHLO has ruled out: the reply does not
 * wait until they have come. */
static int is_beyond(const qp_session *qp)
{
    apr_off_t limit = qp->settings->databytes;

    return limit > 0 && qp->chunk.size > limit && qp->chunk.size > MAX_REFUSED;
}

static void close_beyond(qp_session *qp)
{
    qp_session_log(qp, QP_LOG_INFO, "QP1629",
                   "closed: BDAT of %" APR_OFF_T_FMT " octets, over databytes",
                   qp->chunk.size);
    qp_session_reply(qp, 521, "5.3.4", "Message too big, closing connection");
    qp_session_close(qp, QP_END_DENIED);
}

void qp_verb_bdat(qp_session *qp, const qp_verb *verb, const char *rest)
{
    qp_chunk *chunk = &qp->chunk;
    const char *refusal = verb->refusals[qp->state];

    if (!parse_chunk(rest, chunk, qp_session_pcmd(qp))) {
        qp_verb_close_chunk(qp);
        return;
    }
    if (is_beyond(qp)) {
        close_beyond(qp);
        return;
    }
    if (refusal != NULL) {
        chunk->code = 0; /* the order comes before the syntax */
        refuse_chunk(chunk, 503, "5.5.1", refusal);
    }
    else if ((qp->offers & QP_OFFER_CHUNKING) == 0) {
        refuse_chunk(chunk, 502, "5.5.1", "BDAT is not offered");
    }
    if (chunk->code == 0 && qp->state == QP_STATE_RCPT) {
        qp_start_data(qp, NULL, respond_data);
    }
    else {
        go_on(qp);
    }
}
