/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_verb.h
 * @brief The verb table: the grammar of a session.
 *
 * A verb replies at once, or starts a chain of hooks whose responder does.
 */
#ifndef QP_VERB_H
#define QP_VERB_H

#include "session/qp_session.h"

typedef struct qp_verb qp_verb;

/** @param rest  the argument, terminated, in pcmd; "" if there is none */
typedef void qp_verb_fn(qp_session *qp, const qp_verb *verb, const char *rest);

/** Flags of a verb. */
#define QP_VERB_BARE  1u  /**< takes no argument */
#define QP_VERB_CLEAR 2u  /**< works where TLS or AUTH is required */
#define QP_VERB_CHUNK 4u  /**< octets follow: it sees to refusals itself */
#define QP_VERB_SMTP  8u  /**< not with LMTP (RFC 2033 4.1) */
#define QP_VERB_LMTP  16u /**< with LMTP only */
#define QP_VERB_LAST  32u /**< with it a client must wait for the reply */
#define QP_VERB_LOGIN 64u /**< works where AUTH is required */

struct qp_verb {
    const char *name;
    qp_verb_fn *run;
    unsigned int flags;
    /** For each state: NULL: go; else the text of the 503. */
    const char *refusals[QP_STATE_COUNT];
};

/** @return the verb (any case), or NULL */
const qp_verb *qp_verb_find(const char *name);

/**
 * Refuses a line that is no proper command. One that began as a request of HTTP
 * or as a BDAT closes the connection: what follows is no command (R63, R94).
 * @param line   the line, or its start
 * @param fault  what is wrong with it
 */
void qp_verb_refuse(qp_session *qp, char *line, const char *fault);

/** Refuses a BDAT whose octets cannot be counted, and closes: what follows
 *  cannot be told from commands (R63). */
void qp_verb_close_chunk(qp_session *qp);

/** Runs a command line: splits it, checks it against the table, runs it. */
void qp_verb_dispatch(qp_session *qp, char *line);

qp_verb_fn qp_verb_hello, qp_verb_mail, qp_verb_rcpt, qp_verb_data,
    qp_verb_bdat, qp_verb_rset, qp_verb_noop, qp_verb_vrfy, qp_verb_help,
    qp_verb_quit, qp_verb_starttls, qp_verb_xclient, qp_verb_xforward,
    qp_verb_auth;

/** What a client that says EHLO now is offered: QP_OFFER_... */
unsigned int qp_verb_offers(qp_session *qp);

/** Whether the server has STARTTLS for this client now. */
int qp_verb_offers_tls(const qp_session *qp);

/** Whether the client's XCLIENT or XFORWARD counts. */
int qp_verb_offers_xclient(const qp_session *qp);
int qp_verb_offers_xforward(const qp_session *qp);

/** A command that is not in the table: the unrecognized_command hook. */
void qp_verb_unrecognized(qp_session *qp, const char *name, const char *rest);

#endif /* QP_VERB_H */
