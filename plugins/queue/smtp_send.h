/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file smtp_send.h
 * @brief One message over a link of smtp_link.h: MAIL, RCPT, DATA or BDAT, and
 *        what became of it.
 */
#ifndef SMTP_SEND_H
#define SMTP_SEND_H

#include "smtp_link.h"

/** One recipient; in the job's pool. */
typedef struct smtp_rcpt {
    const char *path;   /* <user@host> */
    const char *params; /* of DSN: "" or " NOTIFY=..." */
    int is_accepted;
    smtp_reply *reply; /* what became of it; NULL: nothing */
} smtp_rcpt;

/** One message; in the job's pool. The sender's path and its parameters are
 * filled by the session, the rest below "out" by the job. */
typedef struct smtp_mail {
    qp_reader *reader;
    const char *sender;
    const char *dsn; /* parameters of MAIL: "" or " RET=..." */
    smtp_rcpt *rcpts;
    int nrcpts;
    apr_off_t size;
    int wants_utf8;    /* the client said SMTPUTF8 */
    int needs_utf8;    /* and there is UTF-8 in addresses or header */
    int wants_8bit;    /* the client said BODY=8BITMIME */
    int is_binary;     /* it said BODY=BINARYMIME: to be sent by BDAT */
    int wants_dsn;     /* the client gave parameters of DSN */
    int may_send_8bit; /* also to a server that does not know it */
    int is_each;       /* each recipient has a result of its own */
    const char *me;
    const smtp_client *client; /* for XCLIENT, or NULL */
    apr_pool_t *pool;
    /* out */
    apr_off_t octets; /* of a binary one */
    smtp_reply reply; /* of the whole */
    int lost_dsn;     /* these parameters were left out */
    const char *step; /* what it was to */
    const char *why;  /* of a failure, in words; or NULL */
} smtp_mail;

typedef enum smtp_outcome {
    MAIL_SENT,    /* the server has it */
    MAIL_REFUSED, /* mail->reply says why */
    MAIL_UNFIT,   /* the same, for what the server does not know */
    MAIL_NEXT,    /* the server cannot take it now; another may */
    MAIL_STALE,   /* the link was dead before anything was said */
    MAIL_UNSURE,  /* the server may have it, or not */
    MAIL_BROKEN   /* the message cannot be read */
} smtp_outcome;

/** The whole transaction. The link can be used again if it is still open. */
smtp_outcome smtp_send(smtp_link *link, const smtp_way *way, smtp_mail *mail);

#endif /* SMTP_SEND_H */
