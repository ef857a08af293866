/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_auth.h
 * @brief One exchange of AUTH (RFC 4954): from its command to its last reply.
 *
 * Challenge by challenge the session is left with QP_MODE_AUTH, and the step
 * that takes the answer. All of it is in a pool of its own, which lives longer
 * than a command, and what is secret in it is overwritten in the end.
 */
#ifndef QP_AUTH_H
#define QP_AUTH_H

#include "plugin/qp_server.h"
#include "wire/qp_scram.h"

/** Takes what the client has sent, decoded, with a NUL behind it. */
typedef void qp_auth_step(qp_session *qp, char *data, apr_size_t len);

/** Flags of a mechanism. */
#define QP_MECH_SHOWN  1u  /**< whoever listens learns the password or token */
#define QP_MECH_SERVER 2u  /**< the server begins */
#define QP_MECH_BINDS  4u  /**< to the TLS channel */
#define QP_MECH_CERT   8u  /**< needs a client certificate */
#define QP_MECH_ANY    16u /**< the hook auth serves it as well */

/** A mechanism; see qp_mech.h. */
typedef struct qp_mech {
    const char *name;
    const char *lower; /**< for plugins */
    unsigned int flags;
    qp_hook_id hook;
    /** Takes the client's first message. If the server begins, there is none:
     *  NULL and 0. */
    qp_auth_step *start;
} qp_mech;

/** In its own pool. */
typedef struct qp_auth {
    apr_pool_t *pool;
    const qp_mech *mech;
    qp_auth_step *step;          /**< for the next answer */
    apr_array_header_t *secrets; /**< of struct secret, to be overwritten */
    apr_time_t since;            /**< when the client's last line came */
    const char *user;            /**< as far as it is known, or NULL */
    const char *why;             /**< of a failure, for the log */
    qp_auth_arg arg;             /**< for the hooks with passwords */
    qp_auth_scram_arg scram_arg;
    qp_auth_token_arg token;
    qp_auth_external_arg external;
    qp_scram scram;
    void *work; /**< of a job */
    qp_wait *done;
    qp_rc rc; /**< the verdict, while the failure is held back */
    int code; /**< of the failure */
    const char *dsn;
    const char *text;
} qp_auth;

/** Begins an exchange. */
qp_auth *qp_auth_begin(qp_session *qp, const qp_mech *mech);

/** Ends it, if there is one: secrets are overwritten, memory goes. */
void qp_auth_end(qp_session *qp);

/** This is to be overwritten in the end. */
void qp_auth_keep(qp_auth *auth, void *secret, apr_size_t len);

/** 334 with a challenge, whose answer goes to @a step. */
void qp_auth_ask(qp_session *qp, const void *data, apr_size_t len,
                 qp_auth_step *step);

/** The exchange ends since a line is not as it should be. */
void qp_auth_refuse(qp_session *qp, int code, const char *dsn,
                    const char *text);

/** The same for a message of the mechanism that makes no sense. */
void qp_auth_malformed(qp_session *qp);

/** The client is who it says. 235. */
void qp_auth_succeed(qp_session *qp);

/**
 * It is not, or that cannot be said. The reply to a failure comes a while after
 * the client's line, the same for every reason (R83), and longer each time
 * (R85).
 * @param rc  an answer of the hooks other than OK
 */
void qp_auth_fail(qp_session *qp, qp_rc rc);

/** Forgets who the client is, and that it may relay for that reason. */
void qp_auth_forget(qp_session *qp);

#endif /* QP_AUTH_H */
