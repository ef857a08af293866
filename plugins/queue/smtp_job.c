/* SPDX-License-Identifier: Apache-2.0 */
/* The job of a message: the servers in their order, over kept connections or
 * new ones, until one has it or refuses it. */
#include "smtp_job.h"

#include <apr_strings.h>

static void note_trouble(smtp_job *forward, const char *why)
{
    APR_ARRAY_PUSH(forward->troubles, const char *) =
        apr_pstrdup(forward->mail.pool, why);
}

static smtp_outcome use_link(smtp_job *forward, smtp_link *link)
{
    smtp_mail *mail = &forward->mail;
    int server = link->server;
    smtp_outcome outcome;

    qp_reader_rewind(mail->reader);
    outcome = smtp_send(link, forward->way, mail);
    if (outcome == MAIL_UNFIT) {
        note_trouble(forward,
                     apr_pstrcat(mail->pool, forward->name,
                                 " cannot take it: ", mail->reply.text, NULL));
    }
    else if (outcome == MAIL_NEXT && mail->why != NULL) {
        note_trouble(forward, mail->why);
    }
    else if (outcome == MAIL_NEXT) {
        note_trouble(forward,
                     apr_psprintf(mail->pool, "%s says to %s: %s",
                                  qp_peer_name(link->peer), mail->step,
                                  smtp_reply_text(&mail->reply, mail->pool)));
    }
    if (outcome == MAIL_SENT || outcome == MAIL_REFUSED
        || outcome == MAIL_UNFIT) {
        smtp_pool_give(forward->pool, link,
                       mail->client == NULL ? forward->keep : 0);
    }
    else {
        smtp_link_close(link);
    }
    smtp_pool_mark(forward->pool, server, outcome == MAIL_NEXT);
    return outcome;
}

static smtp_outcome try_server(qp_job *job, smtp_job *forward, int i)
{
    const smtp_server *server =
        &APR_ARRAY_IDX(forward->servers, i, smtp_server);
    smtp_outcome outcome = MAIL_STALE;
    smtp_link *link;

    forward->name = server->name;
    /* One that is kept may have died without our noticing. */
    while (outcome == MAIL_STALE
           && (link = smtp_pool_take(forward->pool, i, forward->idle))
                  != NULL) {
        qp_peer_use(link->peer, job);
        outcome = use_link(forward, link);
    }
    if (outcome != MAIL_STALE) {
        return outcome;
    }
    link = smtp_link_make(job, i);
    if (smtp_link_open(link, forward->way, server, forward->mail.me,
                       forward->mail.client)
        != APR_SUCCESS) {
        note_trouble(forward, qp_peer_error(link->peer));
        smtp_pool_mark(forward->pool, i, 1);
        smtp_link_close(link);
        return MAIL_NEXT;
    }
    return use_link(forward, link);
}

/* What the servers do not know is for good only if none of those that did not
 * answer may know it. */
apr_status_t smtp_job_run(qp_job *job, void *baton)
{
    smtp_job *forward = baton;
    smtp_outcome outcome = MAIL_UNFIT;
    int order[SERVERS_MAX];
    int unfit = 0;
    int i;

    smtp_pool_order(forward->pool, forward->servers, order);
    for (i = 0; i < forward->servers->nelts && !qp_job_is_cancelled(job)
                && (outcome == MAIL_NEXT || outcome == MAIL_UNFIT);
         i++) {
        outcome = try_server(job, forward, order[i]);
        unfit += outcome == MAIL_UNFIT;
    }
    if (outcome == MAIL_NEXT || outcome == MAIL_UNFIT) {
        outcome = unfit == forward->servers->nelts ? MAIL_REFUSED : MAIL_NEXT;
    }
    forward->outcome = outcome;
    return APR_SUCCESS;
}
