/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_session.h
 * @brief One session: what it is made of, and the only place where its state
 *        changes.
 *
 * A session is on one thread at a time. Everything that spans input or a hook
 * is data here, never a frame on a stack: the session can be left at any time
 * and taken up by another thread.
 */
#ifndef QP_SESSION_H
#define QP_SESSION_H

#include "session/qp_carrier.h"
#include "session/qp_command.h"
#include "session/qp_conn.h"
#include "session/qp_txn.h"
#include "wire/qp_line.h"
#include "wire/qp_reply.h"

/** Where a session is (RFC 5321 4.1.4). The columns of the verb table are
 *  GREETED to BDAT. */
typedef enum qp_state {
    QP_STATE_GREETED, /**< no HELO or EHLO yet */
    QP_STATE_READY,   /**< no transaction */
    QP_STATE_MAIL,    /**< a sender, no recipient */
    QP_STATE_RCPT,    /**< at least one recipient */
    QP_STATE_BDAT,    /**< a part of the message, by BDAT */
    QP_STATE_COUNT
} qp_state;

/** What the engine does with input. */
typedef enum qp_mode {
    QP_MODE_START,   /**< not greeted yet */
    QP_MODE_TLS,     /**< nothing: the carrier has the handshake */
    QP_MODE_COMMAND, /**< commands */
    QP_MODE_AUTH,    /**< an answer of the client within AUTH */
    QP_MODE_DATA,    /**< the text of a message */
    QP_MODE_CHUNK    /**< the octets of a BDAT */
} qp_mode;

/** Why a session ends. */
typedef enum qp_end {
    QP_END_NONE,
    QP_END_QUIT,     /**< QUIT was answered */
    QP_END_QUIT_OWN, /**< ... by a quit plugin: no disconnect hook (D8) */
    QP_END_REFUSED,  /**< a pre_connection plugin refused: no hook at all */
    QP_END_DENIED,   /**< a plugin or a limit wants it closed */
    QP_END_EOF,      /**< the client has gone */
    QP_END_TIMEOUT,  /**< the client is silent */
    QP_END_STOPPING, /**< the server stops */
    QP_END_TLS,      /**< the handshake has failed */
    QP_END_LOST      /**< the connection was taken away */
} qp_end;

struct qp_config_store;
struct qp_settings_cache;
struct qp_hook_table;
struct qp_settings;
struct qp_message;
struct qp_auth;

/** What a session goes on with. */
typedef void qp_resume(qp_session *qp);

struct qp_session {
    apr_pool_t *pool;               /**< pconn */
    apr_pool_t *pcmd;               /**< NULL while nothing needs it */
    struct qp_config_store *config; /**< the server's */
    struct qp_settings_cache *settings_cache; /**< the server's */
    const struct qp_hook_table *hooks;        /**< the server's */
    struct qp_settings *settings;             /**< counted; see qp_settings.h */
    const unsigned char *secret; /**< the server's, 32 octets; see qp_auth.h */
    const qp_carrier *carrier;
    qp_io *io;       /**< the carrier's */
    qp_waker *waker; /**< counted; NULL until something is awaited */
    qp_logger logger;

    qp_conn *conn;
    apr_pool_t *pclient;    /**< of conn, when XCLIENT has made it; or NULL */
    const char *peer_ip;    /**< whom it is connected to, before XCLIENT */
    apr_pool_t *pforward;   /**< of forwarded, or NULL */
    apr_table_t *forwarded; /**< of XFORWARD, or NULL */
    qp_txn *txn;            /**< NULL when none is open */
    unsigned ntxns;

    qp_mode mode;
    qp_state state;
    qp_end ending; /**< why it closes once its output is out */
    int ended;     /**< the hooks of the end have run */
    int is_lmtp;   /**< RFC 2033 is spoken */

    qp_line line;
    qp_chain chain;
    qp_answer answer;
    const char *current_hook;  /**< that is running, for logs; or "" */
    const qp_plugin *answered; /**< whose answer was the last one */
    int in_command;            /**< one is under way, or a message's end */
    qp_wait *input;            /**< of qp_client_input(), in pcmd; or NULL */
    int replied;               /**< to it */
    unsigned int offers;       /**< QP_OFFER_...: what EHLO has announced */
    int nerrors;               /**< mistakes of the client */
    int nrefused;              /**< recipients, beyond those accepted */
    int ncommands;             /**< since a message was accepted */
    int is_limited;            /**< max_recipients has been logged */
    apr_time_t began;          /**< what is incomplete; 0: nothing is */
    apr_off_t began_at;        /**< octets taken by then */
    int max_errors;            /**< of the settings; 0: no limit */
    qp_slots slots; /**< of the command: plugins' data without a transaction */
    void *verb_state;                 /**< of the verb under way, in pcmd */
    apr_array_header_t *capabilities; /**< of const char *, in pcmd */
    qp_chunk chunk;                   /**< of the BDAT under way */
    qp_each *each; /**< replies to the command, in pcmd; or NULL: one */
    int neach;
    struct qp_message *message; /**< being received; in ptxn */
    struct qp_auth *auth; /**< the exchange under way, in a pool of its own */
    int was_auth;         /**< nothing but an AUTH in vain and unknown commands
                            have come since: they may be passwords */
    qp_wait *pause;       /**< that the engine itself waits for, in a command */
    qp_resume *resume;    /**< what comes then; NULL: it does not wait */
};

/** A session that has not begun. @a carrier must outlive it. */
qp_session *qp_session_create(const qp_carrier *carrier, const qp_peers *peers,
                              apr_pool_t *pconn);

/** A line of the engine about this session. */
#define qp_session_log(qp, ...) qp_log_write(&(qp)->logger, __VA_ARGS__)

/** The only writer of qp->state; logs the change at DEBUG. */
void qp_session_goto(qp_session *qp, qp_state state, const char *why);

/** The command's pool, made when it is first needed. */
apr_pool_t *qp_session_pcmd(qp_session *qp);

/** The reply to the command is out: its memory goes, its answer is forgotten.
 *  The pool itself is kept for the next command. */
void qp_session_clear_command(qp_session *qp);

/** Gives the command's pool back; for a session that will be idle. */
void qp_session_drop_pcmd(qp_session *qp);

/**
 * Replies to the current command. A second reply is refused and logged.
 * @param dsn   "x.y.z"; its class is made that of @a code. NULL: none
 */
void qp_session_reply(qp_session *qp, int code, const char *dsn,
                      const char *fmt, ...) QP_PRINTF(4, 5);

/** The same for a mistake of the client, which is counted: the last one that
 *  the settings allow is answered 421, and the session closes (D6). */
void qp_session_error(qp_session *qp, int code, const char *dsn,
                      const char *fmt, ...) QP_PRINTF(4, 5);

/** From now on the current command has a reply for each recipient: all the
 *  same, but where qp->each says something else (RFC 2033 4.2). */
void qp_session_reply_each(qp_session *qp, int n);
/** The same for a recipient that is refused. One that is accepted makes up for
 *  one that was not, so that a list with dead addresses goes through. */
void qp_session_refuse(qp_session *qp, int code, const char *dsn,
                       const char *text);

/** What wakes this session; made when it is first needed. */
qp_waker *qp_session_waker(qp_session *qp);

/** Channel binding data of the connection (RFC 5056, RFC 9266, RFC 5929), for
 *  a type such as "tls-exporter". @return in pcmd; NULL: there is none */
const unsigned char *qp_session_binding(qp_session *qp, const char *type,
                                        apr_size_t *len);

/** Lets the engine wait for @a wait, in the middle of a command, and then go on
 *  with @a resume. No chain of hooks may be under way. */
void qp_session_pause(qp_session *qp, qp_wait *wait, qp_resume *resume);

/** Makes the handle of qp_client_input() ready if there is input by now. */
void qp_session_look(qp_session *qp);

/** Another client speaks (XCLIENT): nothing that was known of the one before
 *  is left, but TLS and the id. There must be no transaction. */
void qp_session_change_client(qp_session *qp, const qp_peers *peers);

/** Adds to what XFORWARD says of the next message; "" takes away. */
void qp_session_add_forwarded(qp_session *qp, const apr_table_t *values);

/** Opens a transaction. There must be none. */
void qp_session_begin_txn(qp_session *qp);

/** Ends it without running hooks; see qp_engine.h for the hook. */
void qp_session_drop_txn(qp_session *qp);

/** Lets the session end once its output is out. The first reason counts. */
void qp_session_close(qp_session *qp, qp_end why);

#endif /* QP_SESSION_H */
