/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_envelope.h
 * @brief What MAIL and RCPT have in common: from the line to an address.
 */
#ifndef QP_ENVELOPE_H
#define QP_ENVELOPE_H

#include "smtp/qp_verdict.h"

typedef struct qp_envelope qp_envelope;

/** What is different. */
typedef struct qp_envelope_kind {
    const char *verb;    /**< in lower case, for parsers of plugins */
    const char *keyword; /**< "FROM:" */
    qp_hook_id parse;
    qp_hook_id pre;
    const char *syntax_dsn; /**< of an address that does not parse */
    /** Looks at the parameters that are left. @return whether to go on; else
     *  it has replied */
    int (*check)(qp_session *qp, const qp_envelope *envelope);
    /** Asks the hook of the verb. */
    void (*judge)(qp_session *qp, const qp_envelope *envelope);
} qp_envelope_kind;

/** The command under way; qp->verb_state. In pcmd. */
struct qp_envelope {
    const qp_envelope_kind *kind;
    const char *text; /**< the address as it was sent */
    apr_table_t *params;
    qp_addr *addr;
    int is_utf8; /**< the message is SMTPUTF8 */
    qp_addr_pre_arg pre_arg;
    union {
        qp_mail_arg mail;
        qp_rcpt_arg rcpt;
    } arg; /**< of the verb's hook */
};

/** Parses @a rest, asks the *_parse and *_pre hooks, checks; then judges. A
 *  line that is refused ends a transaction that is without sender. */
void qp_envelope_start(qp_session *qp, const qp_envelope_kind *kind,
                       const char *rest);

/** Refuses the command as a mistake of the client. @return 0 */
int qp_envelope_refuse(qp_session *qp, int code, const char *dsn,
                       const char *text);

/** What a session says of an address. @return "<user@host>", in pcmd */
const char *qp_envelope_text(qp_session *qp, const qp_addr *addr);

#endif /* QP_ENVELOPE_H */
