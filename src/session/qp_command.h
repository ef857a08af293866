/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_command.h
 * @brief What belongs to the command under way: hooks, answer, replies, octets
 *        that follow.
 */
#ifndef QP_COMMAND_H
#define QP_COMMAND_H

#include "base/qp_base.h"

/** What a plugin has answered, besides its code. In pcmd. */
typedef struct qp_answer {
    const char *text; /**< or NULL */
    int subject, detail;
} qp_answer;

/** The octets behind a BDAT, and what is said behind them. */
typedef struct qp_chunk {
    apr_off_t size;
    apr_off_t left;
    int is_last;
    int is_answered;  /**< by a plugin, in front of them */
    int code;         /**< 0, or they are thrown away: the reply */
    const char *dsn;  /**< a constant */
    const char *text; /**< a constant */
    qp_rc verdict;    /**< of the hook data; DECLINED or OK: go on */
    qp_answer answer; /**< its text, in ptxn */
} qp_chunk;

/** The reply to one recipient of several (LMTP). */
typedef struct qp_each {
    int code;        /**< 0: the reply is the same as for all */
    const char *dsn; /**< or NULL */
    const char *text;
} qp_each;

struct qp_hook_entry;
typedef void qp_responder(qp_session *qp, qp_rc rc);

/** A chain of hooks under way; at most one in a session. */
typedef struct qp_chain {
    int hook; /**< a qp_hook_id */
    const struct qp_hook_entry *next, *end;
    void *arg; /**< in pcmd, or NULL */
    qp_responder *respond;
    qp_wait **waits;   /**< what the plugin waits for, in pcmd */
    int room;          /**< of waits */
    int nwaits;        /**< 0: it does not */
    int want_all;      /**< of them; else one is enough */
    qp_wait *deadline; /**< of the plugin that waits; in pcmd */
    int running;
} qp_chain;

#endif /* QP_COMMAND_H */
