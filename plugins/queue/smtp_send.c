/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction: envelope and message out, replies in, and what they come to.
 * The octets of the message are for smtp_body.h. */
#include "smtp_send.h"

#include <string.h>

#include <apr_strings.h>

#include "smtp_body.h"

/* RCPT commands that go out together (RFC 2920): their replies have to fit in
 * the buffers of the network, for nobody reads them meanwhile. */
#define PIPELINE_MAX 50

/* Before it is sent. ----------------------------------------------------- */

/* @return 1, 0, or -1: it cannot be read */
static int has_8bit(qp_reader *reader)
{
    apr_status_t rv;
    const char *data;
    apr_size_t len;
    apr_size_t i;

    while ((rv = qp_reader_block(reader, &data, &len)) == APR_SUCCESS) {
        for (i = 0; i < len; i++) {
            if ((unsigned char)data[i] > 127) {
                return 1;
            }
        }
    }
    return APR_STATUS_IS_EOF(rv) ? 0 : -1;
}

static smtp_outcome call_unfit(smtp_mail *mail, int subject, int detail,
                               const char *text)
{
    smtp_reply_make(&mail->reply, 550, subject, detail, text);
    mail->step = "EHLO";
    return MAIL_UNFIT;
}

/* What the message needs and the server does not have. */
static smtp_outcome check_needs(const smtp_link *link, smtp_mail *mail)
{
    int found;

    /* RFC 3030 3: nothing but BDAT carries it. */
    if (mail->is_binary && (~link->can & (CAN_BINARYMIME | CAN_CHUNKING))) {
        return call_unfit(mail, 6, 1,
                          "The next server does not know BINARYMIME");
    }
    /* RFC 6531 3.2 */
    if (mail->needs_utf8 && (link->can & CAN_SMTPUTF8) == 0) {
        return call_unfit(mail, 6, 7, "The next server does not know SMTPUTF8");
    }
    /* RFC 1870 6.1 */
    if (link->size > 0 && mail->size > link->size) {
        return call_unfit(mail, 3, 4,
                          "The message is too big for the next server");
    }
    /* RFC 6152 3: converted, or refused. */
    if ((link->can & CAN_8BITMIME) == 0 && !mail->may_send_8bit
        && !mail->is_binary) {
        found = has_8bit(mail->reader);
        if (found > 0) {
            return call_unfit(mail, 6, 3,
                              "The next server does not know 8BITMIME");
        }
        if (found < 0) {
            return MAIL_BROKEN;
        }
    }
    return MAIL_SENT;
}

/* The envelope. ---------------------------------------------------------- */

static const char *make_mail(const smtp_link *link, const smtp_mail *mail)
{
    const char *line =
        apr_pstrcat(mail->pool, "MAIL FROM:", mail->sender, NULL);

    if (link->can & CAN_SIZE) {
        line = apr_psprintf(mail->pool, "%s SIZE=%" APR_OFF_T_FMT, line,
                            mail->size);
    }
    if (mail->is_binary) {
        line = apr_pstrcat(mail->pool, line, " BODY=BINARYMIME", NULL);
    }
    else if ((link->can & CAN_8BITMIME) && mail->wants_8bit) {
        line = apr_pstrcat(mail->pool, line, " BODY=8BITMIME", NULL);
    }
    if ((link->can & CAN_SMTPUTF8) && mail->wants_utf8) {
        line = apr_pstrcat(mail->pool, line, " SMTPUTF8", NULL);
    }
    if (link->can & CAN_DSN) {
        line = apr_pstrcat(mail->pool, line, mail->dsn, NULL);
    }
    return apr_pstrcat(mail->pool, line, "\r\n", NULL);
}

static apr_status_t put_rcpt(smtp_link *link, const smtp_rcpt *rcpt)
{
    apr_status_t rv = qp_peer_puts(link->peer, "RCPT TO:");

    if (rv == APR_SUCCESS) {
        rv = qp_peer_puts(link->peer, rcpt->path);
    }
    if (rv == APR_SUCCESS && (link->can & CAN_DSN)) {
        rv = qp_peer_puts(link->peer, rcpt->params);
    }
    return rv == APR_SUCCESS ? qp_peer_puts(link->peer, "\r\n") : rv;
}

static apr_status_t read_rcpt(smtp_link *link, smtp_rcpt *rcpt,
                              apr_pool_t *pool)
{
    smtp_reply reply;
    apr_status_t rv = smtp_reply_read(link->peer, &reply, NULL, NULL);

    if (rv == APR_SUCCESS) {
        rcpt->is_accepted = reply.code / 100 == 2;
        rcpt->reply =
            rcpt->is_accepted ? NULL : apr_pmemdup(pool, &reply, sizeof(reply));
    }
    return rv;
}

/* MAIL and the first recipients go out together, if the server allows it; the
 * replies are read all, also when MAIL is refused. */
static apr_status_t send_envelope(smtp_link *link, smtp_mail *mail)
{
    int group = link->can & CAN_PIPELINING ? PIPELINE_MAX : 1;
    apr_status_t rv = qp_peer_puts(link->peer, make_mail(link, mail));
    int read = 0;
    int i;

    if (rv == APR_SUCCESS && group == 1) {
        rv = smtp_reply_read(link->peer, &mail->reply, NULL, NULL);
    }
    for (i = 0; i < mail->nrcpts && rv == APR_SUCCESS; i++) {
        if (mail->reply.code != 0 && mail->reply.code / 100 != 2) {
            return APR_SUCCESS;
        }
        rv = put_rcpt(link, &mail->rcpts[i]);
        if (i + 1 < mail->nrcpts && (i + 1) % group != 0) {
            continue;
        }
        if (rv == APR_SUCCESS && mail->reply.code == 0) {
            rv = smtp_reply_read(link->peer, &mail->reply, NULL, NULL);
        }
        for (; read <= i && rv == APR_SUCCESS; read++) {
            rv = read_rcpt(link, &mail->rcpts[read], mail->pool);
        }
    }
    return rv;
}

/* Outcomes. -------------------------------------------------------------- */

/* The link is no good any more, and the message is not with the server. */
static smtp_outcome give_up_link(const smtp_link *link, smtp_mail *mail)
{
    mail->why = apr_pstrdup(mail->pool, qp_peer_error(link->peer));
    return MAIL_NEXT;
}

/* 421 is about the server, not about the message (RFC 5321 3.8). */
static smtp_outcome judge_refusal(smtp_mail *mail, const char *step)
{
    mail->step = step;
    if (mail->reply.code / 100 != 5 && mail->reply.code / 100 != 4) {
        mail->why = apr_psprintf(mail->pool, "the answer to %s is %d", step,
                                 mail->reply.code);
        return MAIL_NEXT;
    }
    return mail->reply.code == 421 ? MAIL_NEXT : MAIL_REFUSED;
}

/* Of several refusals the one that lasts counts. */
static int weigh_rcpts(smtp_mail *mail)
{
    const smtp_rcpt *worst = NULL;
    const smtp_rcpt *rcpt;
    int accepted = 0;
    int i;

    for (i = 0; i < mail->nrcpts; i++) {
        rcpt = &mail->rcpts[i];
        accepted += rcpt->is_accepted;
        if (rcpt->reply != NULL
            && (worst == NULL
                || (worst->reply->code / 100 != 5
                    && rcpt->reply->code / 100 == 5))) {
            worst = rcpt;
        }
    }
    if (worst != NULL) {
        mail->reply = *worst->reply;
        apr_snprintf(mail->reply.text, sizeof(mail->reply.text), "%s: %s",
                     worst->path, worst->reply->text);
    }
    return worst == NULL || (mail->is_each && accepted > 0);
}

/* The server is to forget the envelope. If it cannot, the link goes. */
static void reset_link(smtp_link *link)
{
    smtp_reply reply;

    if (smtp_link_ask(link, "RSET\r\n", &reply) != APR_SUCCESS
        || reply.code != 250) {
        qp_peer_close(link->peer);
    }
}

static const char *verb_of(const smtp_mail *mail)
{
    return mail->is_binary ? "BDAT" : "DATA";
}

/* What the server says of data that it has not seen the end of. */
static smtp_outcome hear_last_words(smtp_link *link, smtp_mail *mail)
{
    smtp_reply reply;

    if (smtp_reply_read(link->peer, &reply, NULL, NULL) == APR_SUCCESS) {
        mail->reply = reply;
        qp_peer_close(link->peer);
        return judge_refusal(mail, verb_of(mail));
    }
    mail->why = apr_pstrdup(mail->pool, qp_peer_error(link->peer));
    qp_peer_close(link->peer);
    mail->reply.code = 0;
    return MAIL_NEXT;
}

static smtp_outcome doubt(smtp_link *link, smtp_mail *mail)
{
    mail->why = apr_pstrdup(mail->pool, qp_peer_error(link->peer));
    qp_peer_close(link->peer);
    return MAIL_UNSURE;
}

/* RFC 2033 4.2: a reply for each recipient that was accepted. */
static smtp_outcome hear_each(smtp_link *link, smtp_mail *mail)
{
    smtp_rcpt *rcpt;
    smtp_reply good = { 0 };
    int i;

    for (i = 0; i < mail->nrcpts; i++) {
        rcpt = &mail->rcpts[i];
        if (!rcpt->is_accepted) {
            continue;
        }
        rcpt->reply = apr_palloc(mail->pool, sizeof(*rcpt->reply));
        if (smtp_reply_read(link->peer, rcpt->reply, NULL, NULL)
            != APR_SUCCESS) {
            rcpt->reply = NULL;
            return doubt(link, mail);
        }
        rcpt->is_accepted = rcpt->reply->code / 100 == 2;
        if (rcpt->is_accepted) {
            good = *rcpt->reply;
            rcpt->reply = NULL;
        }
    }
    mail->step = "the message";
    if (!weigh_rcpts(mail)) {
        return MAIL_REFUSED;
    }
    mail->reply = good;
    return MAIL_SENT;
}

static smtp_outcome hear_one(smtp_link *link, smtp_mail *mail)
{
    if (smtp_reply_read(link->peer, &mail->reply, NULL, NULL) != APR_SUCCESS) {
        return doubt(link, mail);
    }
    mail->step = "the message";
    if (mail->reply.code / 100 == 2) {
        return MAIL_SENT;
    }
    if (mail->reply.code / 100 == 3) {
        qp_peer_close(link->peer);
        return MAIL_UNSURE;
    }
    if (mail->reply.code == 421) {
        qp_peer_close(link->peer);
    }
    return MAIL_REFUSED;
}

/* Up to where the octets may come: a 354, or a chunk that is announced. */
static smtp_outcome start_message(smtp_link *link, smtp_mail *mail)
{
    smtp_outcome outcome;

    if (mail->is_binary) {
        /* RFC 3030 2: one chunk is all of it, and there is one reply to it. */
        if (smtp_body_count(mail->reader, &mail->octets) != APR_SUCCESS) {
            reset_link(link);
            return MAIL_BROKEN;
        }
        return qp_peer_puts(link->peer,
                            apr_psprintf(mail->pool,
                                         "BDAT %" APR_OFF_T_FMT " LAST\r\n",
                                         mail->octets))
                       == APR_SUCCESS
                   ? MAIL_SENT
                   : give_up_link(link, mail);
    }
    if (smtp_link_ask(link, "DATA\r\n", &mail->reply) != APR_SUCCESS) {
        return give_up_link(link, mail);
    }
    if (mail->reply.code != 354) {
        outcome = judge_refusal(mail, "DATA");
        reset_link(link);
        return outcome;
    }
    return MAIL_SENT;
}

/* How long it may take is for the job to say. */
static smtp_outcome send_message(smtp_link *link, const smtp_way *way,
                                 smtp_mail *mail)
{
    smtp_end end;
    apr_status_t rv;

    qp_peer_deadline(link->peer, 0);
    rv = mail->is_binary
             ? smtp_body_octets(link->peer, mail->reader, mail->octets, &end)
             : smtp_body_lines(link->peer, mail->reader, &end);
    if (APR_STATUS_IS_EOF(rv)) {
        qp_peer_close(link->peer);
        return MAIL_BROKEN;
    }
    if (rv != APR_SUCCESS) {
        return hear_last_words(link, mail);
    }
    /* From here on it is not known whether the server has the message. */
    if (qp_peer_write(link->peer, end.octets, end.len) != APR_SUCCESS
        || qp_peer_flush(link->peer) != APR_SUCCESS) {
        return doubt(link, mail);
    }
    return way->is_lmtp ? hear_each(link, mail) : hear_one(link, mail);
}

static void forget_results(smtp_mail *mail)
{
    int i;

    mail->reply.code = 0;
    mail->lost_dsn = 0;
    mail->why = NULL;
    for (i = 0; i < mail->nrcpts; i++) {
        mail->rcpts[i].is_accepted = 0;
        mail->rcpts[i].reply = NULL;
    }
}

smtp_outcome smtp_send(smtp_link *link, const smtp_way *way, smtp_mail *mail)
{
    smtp_outcome outcome = check_needs(link, mail);
    int was_used = link->is_used;
    apr_status_t rv;

    if (outcome != MAIL_SENT) {
        return outcome;
    }
    forget_results(mail);
    mail->lost_dsn = mail->wants_dsn && (link->can & CAN_DSN) == 0;
    link->is_used = 1;
    qp_peer_deadline(link->peer, way->reply_timeout);
    rv = send_envelope(link, mail);
    if (rv != APR_SUCCESS) {
        outcome = give_up_link(link, mail);
        /* One that hangs would let all that are kept wait, one by one. */
        return was_used && mail->reply.code == 0 && !APR_STATUS_IS_TIMEUP(rv)
                   ? MAIL_STALE
                   : outcome;
    }
    if (was_used && mail->reply.code == 421) {
        qp_peer_close(link->peer);
        return MAIL_STALE;
    }
    if (mail->reply.code / 100 != 2) {
        outcome = judge_refusal(mail, "MAIL");
        reset_link(link);
        /* Another server may have room; a 5xx would be the same there. */
        return mail->reply.code / 100 == 4 ? MAIL_NEXT : outcome;
    }
    if (!weigh_rcpts(mail)) {
        outcome = judge_refusal(mail, "RCPT");
        reset_link(link);
        return outcome;
    }
    outcome = start_message(link, mail);
    return outcome == MAIL_SENT ? send_message(link, way, mail) : outcome;
}
