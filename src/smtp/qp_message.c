/* SPDX-License-Identifier: Apache-2.0 */
/* Receives a message: takes the dots out, finds the header, fills the spool,
 * and watches the limits. It lives in the transaction's pool. One reader
 * serves the whole message, also what is thrown away, so that the end of data
 * is found in one way only (R10). Hooks are run elsewhere. */

#include "smtp/qp_message.h"

#include <string.h>

#define SCRAP_SIZE 8192

static const qp_refusal too_big = { 552, "5.3.4", "Message too big",
                                    "over databytes", 0 };
static const qp_refusal header_too_big = { 552, "5.3.4",
                                           "Header section too big",
                                           "over max_header", 0 };
static const qp_refusal line_too_long = { 554, "5.6.0",
                                          "A line of the message is too long",
                                          "over max_data_line", 0 };
static const qp_refusal bare_newline = {
    521, "5.5.2", "Bare CR or LF in the message, closing connection",
    "bare_newline", 1
};
static const qp_refusal no_header = { 554, "5.6.0",
                                      "A binary message needs a header",
                                      "BINARYMIME without header", 0 };
static const qp_refusal no_room = { 452, "4.3.1",
                                    "Message cannot be stored now", "spool_dir",
                                    0 };

qp_message *qp_message_create(qp_session *qp, qp_message_form form)
{
    qp_txn *txn = qp->txn;
    qp_message *message = apr_pcalloc(txn->pool, sizeof(*message));

    message->txn = txn;
    message->settings = qp->settings;
    message->verdict = QP_DECLINED;
    message->is_binary = txn->is_binary;
    message->dot.no_dots = form == QP_MESSAGE_CHUNKS;
    message->dot.policy = qp->settings->bare_newline == QP_BARE_NORMALIZE
                              ? QP_DOT_NORMALIZE
                              : QP_DOT_KEEP;
    txn->spool = qp_spool_create(qp->settings->spool_dir,
                                 qp->settings->size_threshold, txn->pool);
    return message;
}

int qp_message_is_complete(const qp_message *message)
{
    return message->dot.state == QP_DOT_END;
}

void qp_message_discard(qp_message *message, const qp_refusal *refusal)
{
    if (message->refusal == NULL) {
        message->refusal = refusal;
    }
}

static void set_header(qp_message *message, apr_size_t len,
                       apr_off_t body_start)
{
    qp_txn *txn = message->txn;
    apr_size_t all;

    txn->header =
        qp_header_parse(qp_spool_memory(txn->spool, &all), len, txn->pool);
    txn->body_start = body_start;
    message->has_header = 1;
    /* Not before: a limit that is broken earlier in the line must be the reason
     * however the line is cut (R5). */
    if (message->settings->bare_newline == QP_BARE_ACCEPT
        && message->is_header_bare) {
        qp_message_discard(message, &bare_newline);
    }
}

/* A message that begins with anything but a header is all body; it gets the
 * empty line that it lacks, so that no text is lost or misread (R18). */
static int starts_with_body(const char *text, apr_size_t len, int is_all)
{
    const char *end = memchr(text, '\n', len);

    if (end == NULL && is_all) {
        end = text + len;
    }
    return end != NULL && end != text
           && !qp_header_may_start(text, (apr_size_t)(end - text));
}

/* The first line of what is no header has been taken as a line; binary, it may
 * have been anything (RFC 3030 3 wants MIME). */
static void take_as_body(qp_message *message, apr_off_t body_start)
{
    message->txn->has_empty_line = 1;
    set_header(message, 0, body_start);
    if (message->is_binary && body_start == 0) {
        qp_message_discard(message, &no_header);
    }
}

/* Looks for the empty line in what is in memory. */
static void find_header(qp_message *message)
{
    apr_size_t len;
    const char *text = qp_spool_memory(message->txn->spool, &len);
    const char *p;

    if (len == 0) {
        return;
    }
    if (message->scanned == 0
        && (text[0] == '\n' || starts_with_body(text, len, 0))) {
        take_as_body(message, text[0] == '\n' ? 1 : 0);
        return;
    }
    p = text + message->scanned;
    while ((p = memchr(p, '\n', (apr_size_t)(text + len - p))) != NULL) {
        p++;
        message->scanned = (apr_size_t)(p - text);
        if (p < text + len && *p == '\n') {
            message->txn->has_empty_line = 1;
            set_header(message, (apr_size_t)(p - text), p + 1 - text);
            return;
        }
        if (p == text + len) {
            message->scanned--; /* the next octet may be the empty line */
            return;
        }
    }
}

/* As far as it has come; as large in one piece as in many (R5). */
static apr_off_t header_size(const qp_message *message)
{
    return message->has_header ? message->txn->body_start
                               : qp_spool_size(message->txn->spool);
}

/* What the machine remembers to the end, whatever is thrown away on the way, in
 * an order that does not depend on what came first or in which pieces (R5). */
static const qp_refusal *check_facts(const qp_message *message)
{
    const qp_settings *settings = message->settings;
    const qp_dot *dot = &message->dot;

    if ((dot->bare_cr || dot->bare_lf)
        && settings->bare_newline == QP_BARE_REJECT) {
        return &bare_newline;
    }
    if (message->verdict != QP_DECLINED) {
        return message->refusal;
    }
    if (settings->databytes > 0 && dot->wire > settings->databytes) {
        return &too_big;
    }
    if (settings->max_data_line > 0 && dot->longest > settings->max_data_line) {
        return &line_too_long;
    }
    return message->refusal;
}

/* The first limit that is broken. A message is never stored in part. */
static const qp_refusal *check_limits(const qp_message *message)
{
    const qp_refusal *broken = check_facts(message);

    if (broken != NULL) {
        return broken;
    }
    if (message->settings->max_header > 0
        && header_size(message) > message->settings->max_header) {
        return &header_too_big;
    }
    if (qp_spool_status(message->txn->spool) != APR_SUCCESS) {
        return &no_room;
    }
    return NULL;
}

const qp_refusal *qp_message_judge(qp_message *message)
{
    message->txn->wire_size = message->dot.wire;
    message->refusal = check_facts(message);
    return message->refusal;
}

/* All of it was header, or its only line has no end. */
static void finish_header(qp_message *message)
{
    apr_size_t len;
    const char *text = qp_spool_memory(message->txn->spool, &len);

    if (len > 0 && message->scanned == 0 && starts_with_body(text, len, 1)) {
        take_as_body(message, 0);
        return;
    }
    if (len > 0 && text[len - 1] != '\n') {
        /* A field without line end cannot be followed by another one. */
        *qp_spool_reserve(message->txn->spool, 1, QP_SPOOL_KEEP) = '\n';
        qp_spool_commit(message->txn->spool, 1);
        len++;
    }
    set_header(message, len, (apr_off_t)len);
}

void qp_message_finish(qp_message *message)
{
    qp_message_judge(message);
    if (!message->has_header) {
        finish_header(message);
    }
}

void qp_message_end(qp_message *message)
{
    qp_spool *spool = message->txn->spool;
    apr_size_t len;

    len = qp_dot_finish(&message->dot,
                        qp_spool_reserve(spool, QP_DOT_SLACK, QP_SPOOL_KEEP));
    if (message->refusal == NULL) {
        qp_spool_commit(spool, len);
        if (len > 0 && !message->has_header) {
            message->is_header_bare = 1;
        }
    }
    qp_message_finish(message);
}

static apr_size_t feed_scrap(qp_message *message, const char *data,
                             apr_size_t len)
{
    apr_size_t ignored;

    if (message->scrap == NULL) {
        message->scrap =
            apr_palloc(message->txn->pool, SCRAP_SIZE + QP_DOT_SLACK);
    }
    return qp_dot_feed(&message->dot, data, len < SCRAP_SIZE ? len : SCRAP_SIZE,
                       message->scrap, &ignored);
}

/* The body of a binary message. */
static apr_size_t feed_octets(qp_message *message, const char *data,
                              apr_size_t len)
{
    qp_spool *spool = message->txn->spool;

    message->dot.wire += (apr_off_t)len;
    if (message->refusal == NULL) {
        memcpy(qp_spool_reserve(spool, len, QP_SPOOL_MOVE), data, len);
        qp_spool_commit(spool, len);
        qp_message_discard(message, check_limits(message));
    }
    return len;
}

static apr_size_t feed_spool(qp_message *message, const char *data,
                             apr_size_t len)
{
    qp_spool *spool = message->txn->spool;
    apr_size_t used;
    apr_size_t outlen;
    char *out;

    out = qp_spool_reserve(spool, len + QP_DOT_SLACK,
                           message->has_header ? QP_SPOOL_MOVE : QP_SPOOL_KEEP);
    used = qp_dot_feed(&message->dot, data, len, out, &outlen);
    qp_spool_commit(spool, outlen);
    if (!message->has_header) {
        message->is_header_bare |= message->dot.bare_cr || message->dot.bare_lf;
        find_header(message);
    }
    qp_message_discard(message, check_limits(message));
    return used;
}

/* A header is taken line by line, so that what follows it is not looked at
 * before its hook has been asked. */
static apr_size_t next_piece(const qp_message *message, const char *data,
                             apr_size_t len)
{
    const char *end;

    if (message->has_header) {
        return len;
    }
    end = memchr(data, '\n', len);
    return end != NULL ? (apr_size_t)(end - data) + 1 : len;
}

apr_size_t qp_message_feed(qp_message *message, const char *data,
                           apr_size_t len)
{
    int had_header = message->has_header;
    apr_size_t used = 0;

    while (used < len && !qp_message_is_complete(message)
           && message->has_header == had_header) {
        if (message->is_binary && message->has_header) {
            used += feed_octets(message, data + used, len - used);
        }
        else if (message->refusal != NULL) {
            used += feed_scrap(message, data + used, len - used);
        }
        else {
            used += feed_spool(message, data + used,
                               next_piece(message, data + used, len - used));
        }
    }
    return used;
}
