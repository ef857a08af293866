/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qpsmtpd.h
 * @brief Everything that a plugin of mod_qpsmtpd may use, and nothing else.
 *
 * Read it from top to bottom: what a plugin is, what it answers, which hooks
 * there are and what they are given, how it declares itself and its options,
 * and then the services, chapter by chapter.
 *
 * A whole plugin, which refuses every client with 450:
 *
 *     #include "qpsmtpd.h"
 *
 *     static qp_rc hook_connect(const qp_plugin *self, qp_session *qp,
 *                               const qp_connect_arg *arg)
 *     {
 *         return qp_return(qp, QP_DENYSOFT, "no service for %s",
 *                          arg->remote_ip);
 *     }
 *
 *     QP_PLUGIN(hello) = { .hooks.connect = hook_connect };
 *
 * Rules for all plugins. Nothing mutable is static or global: sessions run on
 * many threads. A session is on one thread at a time, but may change threads
 * between two calls of a hook. A hook does not block on the network: it
 * awaits (chapter 5.10). Memory comes from a pool named after its lifetime.
 */
#ifndef QPSMTPD_H
#define QPSMTPD_H

#include <stddef.h>
#include <stdint.h>

#include <apr_buckets.h>
#include <apr_file_io.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define QP_EXPORT       __attribute__((visibility("default")))
#define QP_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define QP_CHECKED      __attribute__((warn_unused_result))
#else
#define QP_EXPORT
#define QP_PRINTF(f, a)
#define QP_CHECKED
#endif

/* ======================================================================
 * 1. Answers
 * ====================================================================== */

/**
 * What a hook says. The numbers are qpsmtpd's; httpd's OK (0), DECLINED (-1)
 * and a stray apr_status_t are none of them: such a value is logged at CRIT
 * and counts as QP_DECLINED.
 */
typedef enum qp_rc {
    /** Allowed, or handled: no further plugin is asked. */
    QP_OK = 900,
    /** Refused for good (5xx). */
    QP_DENY = 901,
    /** Refused for now (4xx). */
    QP_DENYSOFT = 902,
    /** Refused for good, and the connection is closed. */
    QP_DENY_DISCONNECT = 903,
    /** Refused for now, and the connection is closed. */
    QP_DENYSOFT_DISCONNECT = 904,
    /** Not my business: the next plugin is asked. */
    QP_DECLINED = 909,
    /** The plugin has sent the reply itself, by qp_respond(). */
    QP_DONE = 910,
    /** Only as the value of qp_await(): call me again when it is ready. */
    QP_YIELD = 911
} qp_rc;

/** One client's connection, from accept to close. */
typedef struct qp_session qp_session;
/** One line of config/plugins: a plugin with its options. */
typedef struct qp_plugin qp_plugin;
/** The facts of the connection (chapter 5.2). */
typedef struct qp_conn qp_conn;
/** One message on its way, from MAIL to its end (chapter 5.3). */
typedef struct qp_txn qp_txn;
/** The header section of a message (chapter 5.4). */
typedef struct qp_header qp_header;
/** Values shared between plugins (chapter 5.7). */
typedef struct qp_notes qp_notes;
/** httpd's connection; plugins that need it include httpd.h. */
struct conn_rec;
/** Something that a hook can wait for (chapter 5.10). */
typedef struct qp_wait qp_wait;

/**
 * A mailbox (RFC 5321 4.1.2). The null reverse-path is user "" and host "".
 * The bare recipient <postmaster> has host "". Both are ASCII, unless the
 * message is SMTPUTF8: then they may be valid UTF-8.
 */
typedef struct qp_addr {
    /** Local part, without quotes and backslashes; never NULL. */
    const char *user;
    /** Domain or address literal, as it was sent; never NULL. */
    const char *host;
} qp_addr;

/* ======================================================================
 * 2. What the hooks are given
 * ====================================================================== */

/** Of the hook logging. @a hook and @a plugin are "" for the engine's own. */
typedef struct qp_logging_arg {
    int level; /**< QP_LOG_DEBUG ... QP_LOG_EMERG */
    const char *hook;
    const char *plugin;
    const char *text; /**< without prefix, escaped, one line */
} qp_logging_arg;

/** Of the hook config. */
typedef struct qp_config_arg {
    const char *key;
    apr_pool_t *pool;          /**< for the answer */
    apr_array_header_t *lines; /**< out: of const char *; may be empty */
} qp_config_arg;

/** Of the hook user_config. */
typedef struct qp_user_config_arg {
    const qp_addr *addr;
    const char *key;
    apr_pool_t *pool;
    apr_array_header_t *lines; /**< out */
} qp_user_config_arg;

/** Of the hook post_fork; the session is NULL there. */
typedef struct qp_post_fork_arg {
    apr_pool_t *pchild; /**< lives as long as the child process */
} qp_post_fork_arg;

/** Of the hook pre_connection. */
typedef struct qp_pre_connection_arg {
    const char *remote_ip;
    const char *local_ip;
    int remote_port;
    int local_port;
    int max_conn_ip; /**< config max_conn_ip; 0: no limit */
    int conns_of_ip; /**< open ones of remote_ip, this included, over all
                          children */
} qp_pre_connection_arg;

/** Of the hook connect. The rest is at qp_connection(). */
typedef struct qp_connect_arg {
    const char *remote_ip;
} qp_connect_arg;

/** What a parser makes of a command line; see the *_parse hooks. */
typedef struct qp_parsed {
    apr_pool_t *pool;         /**< for the answer */
    const char *first;        /**< out: host, address text or mechanism */
    apr_array_header_t *rest; /**< out: of const char *: words, KEY[=VALUE] */
    const char *error;        /**< out: for the 501, or NULL */
} qp_parsed;

/** A parser: QP_OK when it filled @a out, else a 501 follows. */
typedef qp_rc qp_parser(const qp_plugin *self, qp_session *qp, const char *verb,
                        const char *line, qp_parsed *out);

/** Of the hooks helo_parse, ehlo_parse, mail_parse, rcpt_parse, auth_parse. */
typedef struct qp_parse_arg {
    const char *line; /**< behind the verb */
    qp_parser *parse; /**< out: used instead of the built-in parser */
} qp_parse_arg;

/** Of the hooks helo and ehlo. */
typedef struct qp_helo_arg {
    const char *host;
    const char *rest; /**< words behind the host, or "" */
} qp_helo_arg;

/** Of the hooks auth_plain, auth_login, auth_cram_md5 and auth. */
typedef struct qp_auth_arg {
    const char *mechanism; /**< in lower case */
    const char *user;
    const char *password; /**< NULL for cram-md5 */
    const char *hash;     /**< cram-md5: the hexadecimal digest, else NULL */
    const char *ticket;   /**< cram-md5: the challenge, else NULL */
} qp_auth_arg;

/** Of the hook auth_scram, which says what is known of a user's password. */
typedef struct qp_auth_scram_arg {
    const char *mechanism; /**< in lower case */
    const char *user;
    apr_pool_t *pool;     /**< for the answer; goes with the exchange */
    char *password;       /**< out: in clear; it is overwritten after use */
    const char *verifier; /**< out: or "SCRAM-SHA-256$..." (RFC 5803) */
} qp_auth_scram_arg;

/** Of the hook auth_token. */
typedef struct qp_auth_token_arg {
    const char *mechanism; /**< in lower case */
    const char *token;
    const char *host;  /**< that the client wanted to reach, or "" */
    int port;          /**< the same, or 0 */
    apr_pool_t *pool;  /**< for the answer; goes with the exchange */
    const char *user;  /**< in: as the client says, or ""; out: whose the
                               token is */
    const char *scope; /**< out, optional: the scope that is needed */
    const char
        *discovery; /**< out, optional: URL of the openid-configuration */
} qp_auth_token_arg;

/** Of the hook auth_external. */
typedef struct qp_auth_external_arg {
    const char *mechanism; /**< in lower case */
    const char *subject;   /**< of the client's certificate, which is valid */
    apr_pool_t *pool;      /**< for the answer; goes with the exchange */
    const char *user;      /**< in: who the client wants to be, or ""; out: who
                                it is */
} qp_auth_external_arg;

/** Of the hooks mail_pre and rcpt_pre. */
typedef struct qp_addr_pre_arg {
    const char *addr;    /**< in and out: the text, with its angle brackets */
    apr_table_t *params; /**< in and out: ESMTP parameters, keys lower case */
} qp_addr_pre_arg;

/** Of the hook mail. The transaction has its sender only afterwards. */
typedef struct qp_mail_arg {
    const qp_addr *sender;
    const apr_table_t *params; /**< keys in lower case, "" without a value */
} qp_mail_arg;

/** Of the hook rcpt. The transaction has this recipient only afterwards. */
typedef struct qp_rcpt_arg {
    const qp_addr *rcpt;
    const apr_table_t *params;
} qp_rcpt_arg;

/** Of the hook received_line. */
typedef struct qp_received_line_arg {
    const char *smtp; /**< SMTP, ESMTP, UTF8SMTP, LMTP or UTF8LMTP, all but the
                           first with S (TLS) and A (authenticated) */
    const char *auth; /**< "(smtp-auth username U, mechanism M)" or "" */
    const char *tls;  /**< "(CIPHER encrypted)" or "" */
    const char *text; /**< out, with QP_OK: value of Received, may be folded */
} qp_received_line_arg;

/** Of the hook queue_post: the finished transaction, read-only. */
typedef struct qp_queue_post_arg {
    const char *id;
    const qp_addr *sender;
    const apr_array_header_t *rcpts; /**< of const qp_addr * */
    apr_off_t size;                  /**< of the message, octets on the wire */
    qp_rc rc;                        /**< the answer of the queue hook */
    const char *text;                /**< its text, or "" */
} qp_queue_post_arg;

/** Of the hooks vrfy, noop, help and quit. */
typedef struct qp_words_arg {
    const char *line;                /**< behind the verb, or "" */
    const apr_array_header_t *words; /**< the same, split at blanks */
} qp_words_arg;

/** Of the hook unrecognized_command. */
typedef struct qp_command_arg {
    const char *verb; /**< lower case; "" for an empty line */
    const char *line;
    const apr_array_header_t *words;
} qp_command_arg;

/** Of the hooks deny and ok: what a plugin has just answered. */
typedef struct qp_verdict_arg {
    const char *plugin;
    const char *hook;
    qp_rc rc;
    const char *text; /**< or "" */
} qp_verdict_arg;

/** Hooks without facts of their own; NULL is passed until there are some. */
typedef struct qp_data_arg qp_data_arg;
typedef struct qp_reset_arg qp_reset_arg;
typedef struct qp_end_arg qp_end_arg;

/* ======================================================================
 * 3. The hooks
 * ====================================================================== */

/**
 * One slot for each hook, in the order in which they fire. "Others" means:
 * any answer that is not listed counts as QP_DECLINED and is logged once for
 * each plugin. The text that an answer brings (qp_return) is sent in place of
 * the default text. New slots are added at the end only.
 */
typedef struct qp_hooks {
    /** A line is logged. OK: written, no further sink is asked. DECLINED: the
     *  next one; the last is httpd's error log. Must not log. */
    qp_rc (*logging)(const qp_plugin *self, qp_session *qp,
                     const qp_logging_arg *arg);
    /** A config key is asked for. OK: arg->lines is its value. DECLINED: the
     *  next plugin, then the file, then the default. */
    qp_rc (*config)(const qp_plugin *self, qp_session *qp, qp_config_arg *arg);
    /** A config key is asked for on behalf of a mailbox; as config, which is
     *  asked when all decline. */
    qp_rc (*user_config)(const qp_plugin *self, qp_session *qp,
                         qp_user_config_arg *arg);
    /** Once in each child process, before it serves. The answer is ignored. */
    qp_rc (*post_fork)(const qp_plugin *self, qp_session *qp,
                       const qp_post_fork_arg *arg);
    /** A client has connected, nothing is said yet. DENY: 550, close.
     *  DENYSOFT: 451, close; no other hook of this session runs then.
     *  DECLINED and others: go on. */
    qp_rc (*pre_connection)(const qp_plugin *self, qp_session *qp,
                            const qp_pre_connection_arg *arg);
    /** Before the greeting. OK, DECLINED: 220. DONE: you greeted. DENY: 550,
     *  close. DENYSOFT: 450, close. */
    qp_rc (*connect)(const qp_plugin *self, qp_session *qp,
                     const qp_connect_arg *arg);
    /** HELO came. Any answer but DECLINED: arg->parse reads the line. */
    qp_rc (*helo_parse)(const qp_plugin *self, qp_session *qp,
                        qp_parse_arg *arg);
    /** EHLO came. Any answer but DECLINED: arg->parse reads the line. */
    qp_rc (*ehlo_parse)(const qp_plugin *self, qp_session *qp,
                        qp_parse_arg *arg);
    /** HELO is parsed. OK, DECLINED: 250. DENY: 550. DENYSOFT: 450. The
     *  _DISCONNECT forms close. DONE: you replied; the name is not taken. */
    qp_rc (*helo)(const qp_plugin *self, qp_session *qp,
                  const qp_helo_arg *arg);
    /** EHLO is parsed; answers as for helo. qp_add_capability() works here. */
    qp_rc (*ehlo)(const qp_plugin *self, qp_session *qp,
                  const qp_helo_arg *arg);
    /** AUTH came. Any answer but DECLINED: arg->parse reads the line. */
    qp_rc (*auth_parse)(const qp_plugin *self, qp_session *qp,
                        qp_parse_arg *arg);
    /** Checks user and password of AUTH PLAIN. OK: 235. DECLINED: the user is
     *  not known here, the next one is asked. DENY: the password is wrong, 535.
     *  DENYSOFT: cannot be said now, 454. The _DISCONNECT forms close. The
     *  text of the answer goes to the log, the client is told nothing of it. */
    qp_rc (*auth_plain)(const qp_plugin *self, qp_session *qp,
                        const qp_auth_arg *arg);
    /** Checks user and password of AUTH LOGIN; answers as for auth_plain. */
    qp_rc (*auth_login)(const qp_plugin *self, qp_session *qp,
                        const qp_auth_arg *arg);
    /** Checks user and hash of AUTH CRAM-MD5; answers as for auth_plain. */
    qp_rc (*auth_cram_md5)(const qp_plugin *self, qp_session *qp,
                           const qp_auth_arg *arg);
    /** PLAIN, LOGIN or CRAM-MD5 when the hook of the mechanism declined;
     *  answers as for auth_plain. */
    qp_rc (*auth)(const qp_plugin *self, qp_session *qp,
                  const qp_auth_arg *arg);
    /** MAIL came. Any answer but DECLINED: arg->parse reads the line. */
    qp_rc (*mail_parse)(const qp_plugin *self, qp_session *qp,
                        qp_parse_arg *arg);
    /** MAIL is split, the address not parsed. OK: arg->addr replaces it.
     *  DENY: 501. DENYSOFT: 451. The _DISCONNECT forms close. */
    qp_rc (*mail_pre)(const qp_plugin *self, qp_session *qp,
                      qp_addr_pre_arg *arg);
    /** The sender is parsed. OK, DECLINED: 250. DENY: 550. DENYSOFT: 450.
     *  DENY_DISCONNECT: 550, close. DENYSOFT_DISCONNECT: 421, close. DONE: you
     *  replied; the sender is not taken. */
    qp_rc (*mail)(const qp_plugin *self, qp_session *qp,
                  const qp_mail_arg *arg);
    /** RCPT came. Any answer but DECLINED: arg->parse reads the line. */
    qp_rc (*rcpt_parse)(const qp_plugin *self, qp_session *qp,
                        qp_parse_arg *arg);
    /** RCPT is split; answers as for mail_pre. */
    qp_rc (*rcpt_pre)(const qp_plugin *self, qp_session *qp,
                      qp_addr_pre_arg *arg);
    /** The recipient is parsed. OK: 250. DENY: 550. DENYSOFT: 450.
     *  DENY_DISCONNECT: 550, close. DENYSOFT_DISCONNECT: 421, close. DECLINED
     *  by all: 450. DONE: you replied; the recipient is not taken. */
    qp_rc (*rcpt)(const qp_plugin *self, qp_session *qp,
                  const qp_rcpt_arg *arg);
    /** DATA came, in order. OK, DECLINED: 354. DENY: 554. DENYSOFT: 451. Both
     *  end the transaction. DENY_DISCONNECT: 554, close. DENYSOFT_DISCONNECT:
     *  421, close. DONE: you replied and took the message. */
    qp_rc (*data)(const qp_plugin *self, qp_session *qp,
                  const qp_data_arg *arg);
    /** The header section is complete, the body still comes. DENY: 554, and
     *  DENYSOFT: 451, are sent at the end of the message.
     *  DENY_DISCONNECT: 554, and DENYSOFT_DISCONNECT: 421, at once. */
    qp_rc (*data_headers_end)(const qp_plugin *self, qp_session *qp,
                              const qp_data_arg *arg);
    /** The message is complete, without our Received. Answers as for
     *  data_post. */
    qp_rc (*data_post_headers)(const qp_plugin *self, qp_session *qp,
                               const qp_data_arg *arg);
    /** Received is made. OK: arg->text is its value. Others: the default. */
    qp_rc (*received_line)(const qp_plugin *self, qp_session *qp,
                           qp_received_line_arg *arg);
    /** The message is complete, with our Received. OK, DECLINED: it is queued.
     *  DENY: 552. DENYSOFT: 452. The _DISCONNECT forms close. DONE: you
     *  replied; it is not queued. */
    qp_rc (*data_post)(const qp_plugin *self, qp_session *qp,
                       const qp_data_arg *arg);
    /** Just before queue; the message may still be changed. OK, DECLINED: go
     *  on. DENY: 552. DENYSOFT: 452. The _DISCONNECT forms close. DONE: you
     *  replied; it is not queued. */
    qp_rc (*queue_pre)(const qp_plugin *self, qp_session *qp,
                       const qp_data_arg *arg);
    /** Deliver the message. OK: 250, and it is in safe storage. DENY: 552.
     *  DENYSOFT: 452. DENY_DISCONNECT: 552, close. DENYSOFT_DISCONNECT: 421,
     *  close. DECLINED by all: 451. DONE: you replied. */
    qp_rc (*queue)(const qp_plugin *self, qp_session *qp,
                   const qp_data_arg *arg);
    /** After the reply to the message, whatever it was. An answer other than
     *  OK or DECLINED is logged at ERROR with its text. */
    qp_rc (*queue_post)(const qp_plugin *self, qp_session *qp,
                        const qp_queue_post_arg *arg);
    /** A transaction ends, whatever ended it; it can still be read. The
     *  answer is ignored. */
    qp_rc (*reset_transaction)(const qp_plugin *self, qp_session *qp,
                               const qp_reset_arg *arg);
    /** VRFY. OK: 250. DENY: 554. DONE: you replied. Others: 252. */
    qp_rc (*vrfy)(const qp_plugin *self, qp_session *qp,
                  const qp_words_arg *arg);
    /** NOOP. DENY: 500. DENY_DISCONNECT: 500, close. DONE: you replied.
     *  Others: 250. */
    qp_rc (*noop)(const qp_plugin *self, qp_session *qp,
                  const qp_words_arg *arg);
    /** HELP. DENY: 500. DONE: you replied. Others: 214 with the text. */
    qp_rc (*help)(const qp_plugin *self, qp_session *qp,
                  const qp_words_arg *arg);
    /** QUIT. DONE: you replied, and disconnect does not run. Others: 221. */
    qp_rc (*quit)(const qp_plugin *self, qp_session *qp,
                  const qp_words_arg *arg);
    /** An unknown command. DENY: 500. DENY_DISCONNECT: 521, close. DONE: you
     *  replied. Others: 500. */
    qp_rc (*unrecognized_command)(const qp_plugin *self, qp_session *qp,
                                  const qp_command_arg *arg);
    /** The session ends, however it does. The answer is ignored. */
    qp_rc (*disconnect)(const qp_plugin *self, qp_session *qp,
                        const qp_end_arg *arg);
    /** The last thing of a session. The answer is ignored. */
    qp_rc (*post_connection)(const qp_plugin *self, qp_session *qp,
                             const qp_end_arg *arg);
    /** A plugin answered one of the DENY codes. The answer is ignored. */
    qp_rc (*deny)(const qp_plugin *self, qp_session *qp,
                  const qp_verdict_arg *arg);
    /** A plugin answered anything else. The answer is ignored. */
    qp_rc (*ok)(const qp_plugin *self, qp_session *qp,
                const qp_verdict_arg *arg);
    /** What is known of the password of a user, for AUTH SCRAM-SHA-256 and
     *  -PLUS. OK: arg has it, and the server does the rest. Others as for
     *  auth_plain. */
    qp_rc (*auth_scram)(const qp_plugin *self, qp_session *qp,
                        qp_auth_scram_arg *arg);
    /** Checks the token of AUTH OAUTHBEARER (RFC 7628) or XOAUTH2. OK: 235, for
     *  arg->user. Others as for auth_plain. */
    qp_rc (*auth_token)(const qp_plugin *self, qp_session *qp,
                        qp_auth_token_arg *arg);
    /** Who the holder of a client certificate is, for AUTH EXTERNAL. OK: 235,
     *  for arg->user. Others as for auth_plain. */
    qp_rc (*auth_external)(const qp_plugin *self, qp_session *qp,
                           qp_auth_external_arg *arg);
} qp_hooks;

/* ======================================================================
 * 4. Declaring a plugin
 * ====================================================================== */

/* 4.1 Options: a table describes the arguments in config/plugins ---------- */

/** The kinds of option. The words name the type of the field. */
typedef enum qp_opt_kind {
    QP_KIND_END = 0,
    QP_KIND_INT,  /**< int, within min..max */
    QP_KIND_BOOL, /**< int: 0/no/off/false or 1/yes/on/true */
    QP_KIND_SIZE, /**< apr_off_t in octets; suffix K, M or G */
    QP_KIND_TIME, /**< apr_interval_time_t; suffix ms, s, m, h or d; else s */
    QP_KIND_STR,  /**< const char * */
    QP_KIND_PATH, /**< const char *, relative to the config folder */
    QP_KIND_ENUM, /**< int: index in names */
    QP_KIND_LIST, /**< apr_array_header_t * of const char *: a,b or repeated */
    QP_KIND_FLAG, /**< int: 1 when the word is there; takes no value */
    QP_KIND_REST, /**< apr_array_header_t * of const char *: all other words */
    QP_KIND_DEFAULT /**< no field: see QP_OPT_DEFAULT */
} qp_opt_kind;

/** One row of an option table. Use the macros below. */
typedef struct qp_opt {
    const char *name; /**< the word in config/plugins */
    qp_opt_kind kind;
    int word;                 /**< n > 0: also given as the n-th bare word */
    size_t offset;            /**< of the field in the options struct */
    const char *def;          /**< default, as it would be written; or NULL */
    long min, max;            /**< INT: bounds, both included */
    const char *const *names; /**< ENUM: NULL-terminated */
} qp_opt;

/* Stops compilation if field f of struct s is not of type t. */
#define QP_FIELD(s, f, t)                                                      \
    (offsetof(s, f)                                                            \
     + 0                                                                       \
           * sizeof(char[1                                                     \
                         - 2                                                   \
                               * !__builtin_types_compatible_p(                \
                                   __typeof__(((s *)NULL)->f), t)]))

#define QP_OPT_ROW(k, w, o, n, d, lo, hi, v)                                   \
    {                                                                          \
        .name = (n), .kind = (k), .word = (w), .offset = (o), .def = (d),      \
        .min = (lo), .max = (hi), .names = (v)                                 \
    }

#define QP_OPT_INT(s, f, n, d, lo, hi)                                         \
    QP_OPT_ROW(QP_KIND_INT, 0, QP_FIELD(s, f, int), n, d, lo, hi, NULL)
#define QP_OPT_BOOL(s, f, n, d)                                                \
    QP_OPT_ROW(QP_KIND_BOOL, 0, QP_FIELD(s, f, int), n, d, 0, 0, NULL)
#define QP_OPT_SIZE(s, f, n, d)                                                \
    QP_OPT_ROW(QP_KIND_SIZE, 0, QP_FIELD(s, f, apr_off_t), n, d, 0, 0, NULL)
#define QP_OPT_TIME(s, f, n, d)                                                \
    QP_OPT_ROW(QP_KIND_TIME, 0, QP_FIELD(s, f, apr_interval_time_t), n, d, 0,  \
               0, NULL)
#define QP_OPT_STR(s, f, n, d)                                                 \
    QP_OPT_ROW(QP_KIND_STR, 0, QP_FIELD(s, f, const char *), n, d, 0, 0, NULL)
#define QP_OPT_PATH(s, f, n, d)                                                \
    QP_OPT_ROW(QP_KIND_PATH, 0, QP_FIELD(s, f, const char *), n, d, 0, 0, NULL)
#define QP_OPT_ENUM(s, f, n, d, v)                                             \
    QP_OPT_ROW(QP_KIND_ENUM, 0, QP_FIELD(s, f, int), n, d, 0, 0, v)
#define QP_OPT_LIST(s, f, n, d)                                                \
    QP_OPT_ROW(QP_KIND_LIST, 0, QP_FIELD(s, f, apr_array_header_t *), n, d, 0, \
               0, NULL)
#define QP_OPT_FLAG(s, f, n)                                                   \
    QP_OPT_ROW(QP_KIND_FLAG, 0, QP_FIELD(s, f, int), n, NULL, 0, 0, NULL)
#define QP_OPT_REST(s, f, n)                                                   \
    QP_OPT_ROW(QP_KIND_REST, 0, QP_FIELD(s, f, apr_array_header_t *), n, NULL, \
               0, 0, NULL)
/* The same, also given without its name as the w-th bare word. */
#define QP_OPT_WORD_INT(w, s, f, n, d, lo, hi)                                 \
    QP_OPT_ROW(QP_KIND_INT, w, QP_FIELD(s, f, int), n, d, lo, hi, NULL)
#define QP_OPT_WORD_STR(w, s, f, n, d)                                         \
    QP_OPT_ROW(QP_KIND_STR, w, QP_FIELD(s, f, const char *), n, d, 0, 0, NULL)
#define QP_OPT_WORD_PATH(w, s, f, n, d)                                        \
    QP_OPT_ROW(QP_KIND_PATH, w, QP_FIELD(s, f, const char *), n, d, 0, 0, NULL)
/* Another default for an argument that every plugin takes, such as
 * QP_OPT_DEFAULT("reject_type", "disconnect"), or that a parent takes. */
#define QP_OPT_DEFAULT(n, d) QP_OPT_ROW(QP_KIND_DEFAULT, 0, 0, n, d, 0, 0, NULL)
#define QP_OPT_WORD_ENUM(w, s, f, n, d, v)                                     \
    QP_OPT_ROW(QP_KIND_ENUM, w, QP_FIELD(s, f, int), n, d, 0, 0, v)
#define QP_OPT_END                                                             \
    {                                                                          \
        .name = NULL, .kind = QP_KIND_END                                      \
    }

/* 4.2 The record ---------------------------------------------------------- */

/** Read first by the host, which explains a mismatch in words. */
typedef struct qp_abi {
    uint32_t magic;
    uint16_t major, minor;
    uint32_t def_size, hooks_size;
} qp_abi;

#define QP_ABI_MAGIC 0x51504d31u /* "QPM1" */
#define QP_ABI_MAJOR 1
#define QP_ABI_MINOR 0
/* ABI history
 * 1.0  2026-11-24  first version */

/** What a plugin declares. Fields are added in front of hooks only. */
typedef struct qp_plugin_def {
    /** Plugin whose hooks this one inherits and may call by QP_SUPER. */
    const char *parent;
    /** Option table, ended by QP_OPT_END; NULL: it takes no arguments. */
    const qp_opt *opts;
    /** Sizes of the structs behind qp_opts, qp_conn_data, qp_txn_data. */
    size_t opts_size, conn_size, txn_size;
    /** Called once at start, after the options are read: checks what a row
     *  cannot say, and may edit qp_plugin_hooks(self). @a pconf lives as long
     *  as the configuration. @return NULL, or a sentence that stops httpd. */
    const char *(*setup)(qp_plugin *self, apr_pool_t *pconf);
    qp_hooks hooks;
} qp_plugin_def;

/**
 * Declares the plugin of a file. @a sym is the name in config/plugins with
 * every character that is no letter or digit written as _: queue/maildir is
 * QP_PLUGIN(queue_maildir).
 */
#define QP_PLUGIN(sym)                                                         \
    extern QP_EXPORT const qp_abi qp_abi_##sym;                                \
    extern QP_EXPORT const qp_plugin_def qp_plugin_##sym;                      \
    const qp_abi qp_abi_##sym = { QP_ABI_MAGIC, QP_ABI_MAJOR, QP_ABI_MINOR,    \
                                  sizeof(qp_plugin_def), sizeof(qp_hooks) };   \
    const qp_plugin_def qp_plugin_##sym

/* A function in the slot of another hook is an error, whatever the flags. */
#if defined(__clang__)
#pragma clang diagnostic error "-Wincompatible-pointer-types"
#pragma clang diagnostic error "-Wincompatible-function-pointer-types"
#pragma clang diagnostic error                                                 \
    "-Wincompatible-pointer-types-discards-qualifiers"
#elif defined(__GNUC__) && !defined(__cplusplus)
#pragma GCC diagnostic error "-Wincompatible-pointer-types"
#pragma GCC diagnostic error "-Wdiscarded-qualifiers"
#endif

/** The options struct, filled from the arguments; read-only after start. */
QP_EXPORT const void *qp_opts(const qp_plugin *self);
/** The same in setup, which may complete it: fields that no row of the table
 *  names are zero until then. Each child process has its own copy of what they
 *  point to in pconf. */
QP_EXPORT void *qp_opts_edit(qp_plugin *self);

/** The name in config/plugins, with its :N. */
QP_EXPORT const char *qp_plugin_name(const qp_plugin *self);

/** The plugin's own copy of its slots; to be edited in setup only. */
QP_EXPORT qp_hooks *qp_plugin_hooks(qp_plugin *self);

/**
 * What a queue plugin passes on, or obeys where it delivers itself. An
 * extension that needs it is offered to clients only if all plugins on the
 * hook queue have declared it; in setup only. Without a declaration a message
 * is lines of ASCII or 8-bit text, and its addresses are ASCII.
 */
#define QP_CAN_BINARYMIME  1u  /**< qp_txn_is_binary() (RFC 3030) */
#define QP_CAN_SMTPUTF8    2u  /**< UTF-8 in addresses and headers (RFC 6531) */
#define QP_CAN_DSN         4u  /**< RET, ENVID, NOTIFY, ORCPT (RFC 3461) */
#define QP_CAN_DELIVERBY   8u  /**< BY (RFC 2852) */
#define QP_CAN_MT_PRIORITY 16u /**< MT-PRIORITY (RFC 6710) */
#define QP_CAN_REQUIRETLS  32u /**< REQUIRETLS (RFC 8689) */
QP_EXPORT void qp_plugin_declare(qp_plugin *self, unsigned int can);

/** The hook that is running, such as "rcpt"; "" outside of hooks. */
QP_EXPORT const char *qp_current_hook(const qp_session *qp);

/** A further set of slots of the plugin, all empty; in setup only. Use
 *  qp_register_NAME(self, function, place) below. */
typedef enum qp_place {
    QP_IN_ORDER,   /**< behind the plugins of earlier lines */
    QP_BEFORE_ALL, /**< before everything that is there so far */
} qp_place;
QP_EXPORT qp_hooks *qp_plugin_add_hooks(qp_plugin *self, qp_place place);

/** The parent's slots, and in @a parent what to pass as self; or NULL. */
QP_EXPORT const qp_hooks *qp_super(const qp_plugin *self,
                                   const qp_plugin **parent);

/** Calls the parent's hook, as SUPER:: does; QP_DECLINED if it has none. */
#define QP_SUPER(self, qp, hook, arg) qp_super_##hook((self), (qp), (arg))

#define QP_SUPER_IMPL(hook, type)                                              \
    static inline qp_rc qp_super_##hook(const qp_plugin *self, qp_session *qp, \
                                        type *arg)                             \
    {                                                                          \
        const qp_hooks *hooks = qp_super(self, &self);                         \
                                                                               \
        while (hooks != NULL && hooks->hook == NULL) {                         \
            hooks = qp_super(self, &self);                                     \
        }                                                                      \
        return hooks != NULL ? hooks->hook(self, qp, arg) : QP_DECLINED;       \
    }

#define QP_REGISTER_IMPL(hook, type)                                           \
    static inline void qp_register_##hook(qp_plugin *self,                     \
                                          qp_rc (*function)(const qp_plugin *, \
                                                            qp_session *,      \
                                                            type *),           \
                                          qp_place place)                      \
    {                                                                          \
        qp_plugin_add_hooks(self, place)->hook = function;                     \
    }

/** Every hook with the type of its argument, in the order of qp_hooks. */
#define QP_HOOK_LIST(X)                                                        \
    X(logging, const qp_logging_arg)                                           \
    X(config, qp_config_arg)                                                   \
    X(user_config, qp_user_config_arg)                                         \
    X(post_fork, const qp_post_fork_arg)                                       \
    X(pre_connection, const qp_pre_connection_arg)                             \
    X(connect, const qp_connect_arg)                                           \
    X(helo_parse, qp_parse_arg)                                                \
    X(ehlo_parse, qp_parse_arg)                                                \
    X(helo, const qp_helo_arg)                                                 \
    X(ehlo, const qp_helo_arg)                                                 \
    X(auth_parse, qp_parse_arg)                                                \
    X(auth_plain, const qp_auth_arg)                                           \
    X(auth_login, const qp_auth_arg)                                           \
    X(auth_cram_md5, const qp_auth_arg)                                        \
    X(auth, const qp_auth_arg)                                                 \
    X(mail_parse, qp_parse_arg)                                                \
    X(mail_pre, qp_addr_pre_arg)                                               \
    X(mail, const qp_mail_arg)                                                 \
    X(rcpt_parse, qp_parse_arg)                                                \
    X(rcpt_pre, qp_addr_pre_arg)                                               \
    X(rcpt, const qp_rcpt_arg)                                                 \
    X(data, const qp_data_arg)                                                 \
    X(data_headers_end, const qp_data_arg)                                     \
    X(data_post_headers, const qp_data_arg)                                    \
    X(received_line, qp_received_line_arg)                                     \
    X(data_post, const qp_data_arg)                                            \
    X(queue_pre, const qp_data_arg)                                            \
    X(queue, const qp_data_arg)                                                \
    X(queue_post, const qp_queue_post_arg)                                     \
    X(reset_transaction, const qp_reset_arg)                                   \
    X(vrfy, const qp_words_arg)                                                \
    X(noop, const qp_words_arg)                                                \
    X(help, const qp_words_arg)                                                \
    X(quit, const qp_words_arg)                                                \
    X(unrecognized_command, const qp_command_arg)                              \
    X(disconnect, const qp_end_arg)                                            \
    X(post_connection, const qp_end_arg)                                       \
    X(deny, const qp_verdict_arg)                                              \
    X(ok, const qp_verdict_arg)                                                \
    X(auth_scram, qp_auth_scram_arg)                                           \
    X(auth_token, qp_auth_token_arg)                                           \
    X(auth_external, qp_auth_external_arg)

QP_HOOK_LIST(QP_SUPER_IMPL)
QP_HOOK_LIST(QP_REGISTER_IMPL)

/* 4.3 Loaders: plugins that are no shared objects ------------------------- */

/** What a loader makes of a file. */
typedef struct qp_loaded {
    apr_pool_t *pool;  /**< lives as long as the configuration */
    qp_plugin_def def; /**< out: hooks that know the file by their baton */
    void *baton;       /**< out: see qp_loader_baton() */
    const char *error; /**< out: with QP_DENY, a sentence that stops httpd */
} qp_loaded;

/** QP_OK: loaded. QP_DECLINED: not a file of mine. QP_DENY: it is, but it is
 *  faulty. @a name is that of config/plugins, @a file its path. */
typedef qp_rc qp_loader(const char *name, const char *file, qp_loaded *out);

/** Offers the files of the lines that follow, if there is no NAME.so but a
 *  NAME, to @a loader; in setup only. */
QP_EXPORT void qp_add_loader(qp_plugin *self, qp_loader *loader);

/** What the loader left for the plugin that it has loaded. */
QP_EXPORT void *qp_loader_baton(const qp_plugin *self);

/* ======================================================================
 * 5. Services
 * ====================================================================== */

/* 5.1 Answering ----------------------------------------------------------- */

/**
 * Answers @a rc with a text for the client, which is copied. A newline starts
 * a further line of the reply. The digits are the host's to add.
 * @return @a rc
 */
QP_EXPORT qp_rc qp_return(qp_session *qp, qp_rc rc, const char *fmt, ...)
    QP_PRINTF(3, 4);

/**
 * The same with an enhanced status (RFC 3463): @a subject and @a detail are
 * the second and third number, the class follows from @a rc. 0.0 keeps the
 * default of the hook.
 */
QP_EXPORT qp_rc qp_return_dsn(qp_session *qp, qp_rc rc, int subject, int detail,
                              const char *fmt, ...) QP_PRINTF(5, 6);

/**
 * Sends a reply at once, in place of the host's; the hook then answers
 * QP_DONE. @a code is the whole reply code. One reply to each command: a
 * second one is refused and logged at CRIT.
 */
QP_EXPORT void qp_respond(qp_session *qp, int code, const char *fmt, ...)
    QP_PRINTF(3, 4);

/**
 * Refuses as the plugin's common options `reject` and `reject_type` say. The
 * default is QP_DENY; `reject no` lets pass and logs "fail, tolerated";
 * `reject naughty` lets pass and marks the connection.
 */
QP_EXPORT qp_rc qp_reject(const qp_plugin *self, qp_session *qp,
                          const char *fmt, ...) QP_PRINTF(3, 4);

/** The same with an enhanced status, as in qp_return_dsn(). */
QP_EXPORT qp_rc qp_reject_dsn(const qp_plugin *self, qp_session *qp,
                              int subject, int detail, const char *fmt, ...)
    QP_PRINTF(5, 6);
/** What `reject_type` of the plugin's line names, or its QP_OPT_DEFAULT: one
 *  of the four QP_DENY...; @a def if neither says anything. */
QP_EXPORT qp_rc qp_reject_type(const qp_plugin *self, qp_rc def);

/**
 * Marks the client, as `reject naughty` does: the plugin naughty refuses it
 * later, unless it logs in before. Texts of several plugins are kept, up to
 * about 1000 octets.
 */
QP_EXPORT void qp_naughty_add(const qp_plugin *self, qp_session *qp,
                              const char *fmt, ...) QP_PRINTF(3, 4);
/** What was said of the client in this way, a line each; NULL if nothing was.
 *  @param type  out: what reject_type of the plugin that spoke last is;
 *               QP_DECLINED if that says nothing */
QP_EXPORT const char *qp_naughty(qp_session *qp, qp_rc *type);
/** Forgets it. */
QP_EXPORT void qp_naughty_clear(qp_session *qp);

/** Reports a fault of the plugin itself at CRIT. @return QP_DECLINED */
QP_EXPORT qp_rc qp_fault(const qp_plugin *self, qp_session *qp, const char *fmt,
                         ...) QP_PRINTF(3, 4);

/** Sends a reply that asks for more, such as 334; the command goes on. */
QP_EXPORT void qp_prompt(qp_session *qp, int code, const char *fmt, ...)
    QP_PRINTF(3, 4);

/**
 * Reads what the client sends behind the current command, for a plugin that
 * adds a command with a dialogue of its own.
 * @param max   octets of the line, line end included
 * @param line  out: without its line end, in the command's pool
 * @return APR_SUCCESS; APR_EAGAIN: await qp_client_input(); APR_EINVAL: bare
 *         LF, bare CR or NUL; APR_ENOSPC: too long; APR_EOF or an error: the
 *         client has gone, answer anything
 */
QP_EXPORT apr_status_t qp_client_line(qp_session *qp, apr_size_t max,
                                      const char **line) QP_CHECKED;
/** The same for raw octets: shows what is there, of which qp_client_skip()
 *  takes as many as were used. */
QP_EXPORT apr_status_t qp_client_peek(qp_session *qp, const char **data,
                                      apr_size_t *len) QP_CHECKED;
QP_EXPORT void qp_client_skip(qp_session *qp, apr_size_t len);

/** Adds a line to the answer to EHLO; to be called in the hook ehlo. */
QP_EXPORT void qp_add_capability(qp_session *qp, const char *text);

/* 5.2 The connection ------------------------------------------------------ */

/* A trusted proxy may say by XCLIENT that another client speaks from now on.
 * Then there is a new connection in every respect: the hook connect runs again,
 * qp_conn_data is zeroed, notes are gone, and so is what lived in
 * qp_conn_pool. The hooks of the end run once, for the last client. */

QP_EXPORT qp_conn *qp_connection(qp_session *qp);

/** Identifies the connection in every log line; letters and digits. */
QP_EXPORT const char *qp_conn_id(const qp_conn *conn);
QP_EXPORT const char *qp_conn_remote_ip(const qp_conn *conn);
/** The verified name of the client, or "Unknown". */
QP_EXPORT const char *qp_conn_remote_host(const qp_conn *conn);
QP_EXPORT int qp_conn_remote_port(const qp_conn *conn);
QP_EXPORT const char *qp_conn_local_ip(const qp_conn *conn);
QP_EXPORT int qp_conn_local_port(const qp_conn *conn);
/** "helo", "ehlo", with LMTP "lhlo", or "" as long as none was accepted. */
QP_EXPORT const char *qp_conn_hello(const qp_conn *conn);
/** The name the client gave in HELO or EHLO, or "". */
QP_EXPORT const char *qp_conn_hello_host(const qp_conn *conn);
/** Whether the client may send to any domain. */
QP_EXPORT int qp_conn_relay_client(const qp_conn *conn);
QP_EXPORT void qp_conn_set_relay_client(qp_conn *conn, int may_relay);
/** The version of TLS, such as "TLSv1.3", or NULL: nothing is encrypted. */
QP_EXPORT const char *qp_conn_tls_protocol(const qp_conn *conn);
/** The cipher suite as OpenSSL calls it; NULL without TLS. */
QP_EXPORT const char *qp_conn_tls_cipher(const qp_conn *conn);
/** The name that the client asked for (SNI), or NULL. */
QP_EXPORT const char *qp_conn_tls_server_name(const qp_conn *conn);
/** The subject of the client's certificate (RFC 4514), or NULL: it has sent
 *  none, which is usual. */
QP_EXPORT const char *qp_conn_tls_client_subject(const qp_conn *conn);
/** Whether that certificate is valid, by what httpd's SSLCACertificateFile and
 *  its kin trust. */
QP_EXPORT int qp_conn_tls_client_verified(const qp_conn *conn);
/** Any other fact, by the name that it has as a variable of mod_ssl, such as
 *  "SSL_CLIENT_SAN_Email_0". @return in the command's pool; NULL without TLS
 *  or without such a fact */
QP_EXPORT const char *qp_tls_variable(qp_session *qp, const char *name);
/** The conn_rec of httpd that carries the session, or NULL: another program
 *  does. Belongs to the session's thread. */
QP_EXPORT struct conn_rec *qp_httpd_connection(qp_session *qp);
/** Who has authenticated, or NULL; and by what, in lower case. */
QP_EXPORT const char *qp_conn_auth_user(const qp_conn *conn);
QP_EXPORT const char *qp_conn_auth_mechanism(const qp_conn *conn);
/** What a trusted server in front of this one has said by XFORWARD of where the
 *  message comes from: NAME, ADDR, PORT, PROTO, HELO, IDENT or SOURCE, in any
 *  case; or NULL. Up to the end of the transaction; it is for logs. */
QP_EXPORT const char *qp_forwarded(qp_session *qp, const char *name);
/** Notes that live as long as the connection. */
QP_EXPORT qp_notes *qp_conn_notes(qp_conn *conn);

/** Whether policy is not for this client: it may relay, or is whitelisted
 *  (notes whitelisthost, whitelistsender; in the hooks helo and ehlo also
 *  whitelisthelo, in rcpt also whitelisted). Logs "skip" if so. */
QP_EXPORT int qp_is_immune(const qp_plugin *self, qp_session *qp);
/** Adds a result, such as "spf=pass smtp.mailfrom=example.org", to the field
 *  Authentication-Results (RFC 8601): of this message, or without a
 *  transaction of all that the connection brings. */
QP_EXPORT void qp_auth_results_add(qp_session *qp, const char *fmt, ...)
    QP_PRINTF(2, 3);
/** Adds @a points to the note karma. */
QP_EXPORT void qp_karma_adjust(qp_session *qp, int points);

/* 5.3 The transaction ----------------------------------------------------- */

/** The open transaction, or NULL. */
QP_EXPORT qp_txn *qp_transaction(qp_session *qp);

/** ID.N: the connection's id and the number of the transaction. */
QP_EXPORT const char *qp_txn_id(const qp_txn *txn);
/** NULL until MAIL has been accepted. Lives as long as the transaction. */
QP_EXPORT const qp_addr *qp_txn_sender(const qp_txn *txn);
/** Copies @a addr. */
QP_EXPORT void qp_txn_set_sender(qp_txn *txn, const qp_addr *addr);
/** The recipients, of const qp_addr *. */
QP_EXPORT const apr_array_header_t *qp_txn_rcpts(const qp_txn *txn);
/** Copies @a addr. */
QP_EXPORT void qp_txn_add_rcpt(qp_txn *txn, const qp_addr *addr);
/** Puts @a by in place of the first that equals @a addr. @return whether */
QP_EXPORT int qp_txn_replace_rcpt(qp_txn *txn, const qp_addr *addr,
                                  const qp_addr *by);
/** Removes all that equal @a addr. @return how many there were */
QP_EXPORT int qp_txn_remove_rcpt(qp_txn *txn, const qp_addr *addr);
/**
 * Parameters of MAIL and of the RCPT that brought the @a index-th recipient,
 * keys in lower case, "" without a value. They are known ones, of extensions
 * that the client was offered, and well formed: size, body, smtputf8, ret,
 * envid (xtext), auth (xtext; "<>" unless the client has authenticated), by,
 * mt-priority, requiretls; notify, orcpt (TYPE;xtext). A recipient that a
 * plugin has added has none.
 */
QP_EXPORT const apr_table_t *qp_txn_mail_params(const qp_txn *txn);
QP_EXPORT const apr_table_t *qp_txn_rcpt_params(const qp_txn *txn, int index);
/** Whether addresses and header may have UTF-8 (parameter SMTPUTF8). */
QP_EXPORT int qp_txn_is_smtputf8(const qp_txn *txn);
/** From the hook data_headers_end on; NULL before. */
QP_EXPORT qp_header *qp_txn_header(qp_txn *txn);
/** Notes that live as long as the transaction. */
QP_EXPORT qp_notes *qp_txn_notes(qp_txn *txn);

/**
 * With LMTP the client has a reply for each recipient behind the message
 * (RFC 2033 4.2). In the hook queue a plugin that has dealt with all of them
 * says for each what became of it, and then answers OK or a denial for the
 * others and for the log; without it, the answer is for all.
 * @param index  in qp_txn_rcpts()
 * @param rc     QP_OK, QP_DENY or QP_DENYSOFT
 * @param fmt    the text, which may begin with an enhanced status; or NULL
 */
QP_EXPORT void qp_rcpt_result(qp_session *qp, int index, qp_rc rc,
                              const char *fmt, ...) QP_PRINTF(4, 5);
/** Whether that is so. With SMTP there is one reply for all, and a message that
 *  cannot be delivered to all of them is best delivered to none. */
QP_EXPORT int qp_has_rcpt_results(qp_session *qp);

/* 5.4 The header section -------------------------------------------------- */

/** The number of fields called @a name (any case). */
QP_EXPORT int qp_header_count(const qp_header *header, const char *name);
/** The value of the @a index-th field called @a name, from 0, as it was sent:
 *  folded with LF, without the blank behind the colon and the last line end;
 *  or NULL. */
QP_EXPORT const char *qp_header_get(const qp_header *header, const char *name,
                                    int index);
/** The same field as it stands in the message: name, colon, value, last line
 *  end; @a len octets, which may hold NUL. Or NULL. */
QP_EXPORT const char *qp_header_raw(const qp_header *header, const char *name,
                                    int index, apr_size_t *len);
/** Reads the value of a field such as Date (RFC 5322 3.3, and the obsolete
 *  forms of 4.3); the time zones of the military and unknown words are UTC.
 *  @return 1, or 0: it is no date, or one that no calendar has */
QP_EXPORT int qp_date_parse(const char *text, apr_time_t *when) QP_CHECKED;
/** Adds a field. @a value may be folded (LF and a blank); other control
 *  characters and bare line ends become blanks. */
typedef enum qp_header_place { QP_HEADER_TOP, QP_HEADER_END } qp_header_place;
QP_EXPORT void qp_header_add(qp_header *header, const char *name,
                             const char *value, qp_header_place place);
/** Gives the index-th field a new value. @return whether there was one */
QP_EXPORT int qp_header_replace(qp_header *header, const char *name, int index,
                                const char *value);
/** Calls the index-th field, or with -1 all, @a to; it keeps its place, and
 *  all octets behind its name. @return how many */
QP_EXPORT int qp_header_rename(qp_header *header, const char *name, int index,
                               const char *to);
/** Removes the index-th field, or with -1 all. @return how many */
QP_EXPORT int qp_header_delete(qp_header *header, const char *name, int index);
/** The @a n-th field of all, from 0. @return 0 behind the last */
QP_EXPORT int qp_header_field(const qp_header *header, int n, const char **name,
                              const char **value);
/** The whole section with LF line ends, without the empty line. */
QP_EXPORT const char *qp_header_text(const qp_header *header, apr_size_t *len,
                                     apr_pool_t *pool);

/* 5.5 The message --------------------------------------------------------- */

/** Octets of the message as it was sent, with CR LF line ends and without
 *  stuffed dots (RFC 1870 3). */
QP_EXPORT apr_off_t qp_txn_data_size(const qp_txn *txn);
/** Whether the body is not lines but octets (BODY=BINARYMIME, RFC 3030 3). It
 *  is then read as it was sent, CR LF where the client sent it, and the header
 *  in front of it with CR LF, whatever the flags are; text that is appended
 *  gets CR LF. Nothing can be sent on by DATA, only by BDAT. */
QP_EXPORT int qp_txn_is_binary(const qp_txn *txn);
/** Octets of the body, line ends LF. */
QP_EXPORT apr_off_t qp_txn_body_length(const qp_txn *txn);

/** Offset of the body in the file of qp_txn_file(). */
QP_EXPORT apr_off_t qp_txn_body_start(const qp_txn *txn);
/** Forces the message into a file. @return its path: what the client sent,
 *  header and body, with LF line ends; gone with the transaction. NULL when it
 *  cannot be written. A binary body is in it as it was sent. */
QP_EXPORT const char *qp_txn_file(qp_txn *txn);

/** Reads a message from its start. */
typedef struct qp_reader qp_reader;
#define QP_READ_BODY     0u /**< the body alone */
#define QP_READ_MESSAGE  1u /**< header as it is now, empty line, body */
#define QP_READ_CRLF     2u /**< with CR LF line ends; LF without */
/** Needs nothing of the transaction any more: a job may use it. */
#define QP_READ_DETACHED 4u

/** Opens a reader; several may be open. The last line of a message that came by
 *  BDAT may have no line end. @a flags: QP_READ_... @a pool: its
 *  lifetime; at most that of the transaction, unless it is detached. */
QP_EXPORT qp_reader *qp_txn_reader(qp_txn *txn, unsigned int flags,
                                   apr_pool_t *pool);
/** The next octets; valid until the next call. @return APR_SUCCESS with
 *  *len > 0, APR_EOF, or an error of the spool file */
QP_EXPORT apr_status_t qp_reader_block(qp_reader *reader, const char **data,
                                       apr_size_t *len) QP_CHECKED;
/** The next line with its line end, in the same way. */
QP_EXPORT apr_status_t qp_reader_line(qp_reader *reader, const char **line,
                                      apr_size_t *len) QP_CHECKED;
/** Begins again. */
QP_EXPORT void qp_reader_rewind(qp_reader *reader);
/** Octets that it will give in all; -1 with CR LF line ends. */
QP_EXPORT apr_off_t qp_reader_length(const qp_reader *reader);

/** Appends the message to a brigade, as @a flags say; with LF line ends
 *  nothing is copied but the header. The buckets live as long as @a pool. */
QP_EXPORT apr_status_t qp_txn_brigade(qp_txn *txn, unsigned int flags,
                                      apr_bucket_brigade *brigade,
                                      apr_pool_t *pool) QP_CHECKED;

/** Adds text with LF line ends to the end of the body; in data_post or
 *  queue_pre. */
QP_EXPORT apr_status_t qp_txn_body_append(qp_txn *txn, const char *text,
                                          apr_size_t len) QP_CHECKED;
/** Empties the body, to be written anew by qp_txn_body_append(); a file of
 *  qp_txn_file() then has no header. */
QP_EXPORT void qp_txn_body_clear(qp_txn *txn);

/* 5.6 Memory and files ---------------------------------------------------- */

/** Cleared after the reply to the current command. */
QP_EXPORT apr_pool_t *qp_pool(qp_session *qp);
/** Lives as long as the transaction; the command's if there is none. */
QP_EXPORT apr_pool_t *qp_txn_pool(qp_session *qp);
/** Lives as long as the connection: nothing per command belongs there. */
QP_EXPORT apr_pool_t *qp_conn_pool(qp_session *qp);
/** The plugin's own struct of .conn_size, zeroed at first use. */
QP_EXPORT void *qp_conn_data(const qp_plugin *self, qp_session *qp);
/** The plugin's own struct of .txn_size, zeroed for each transaction. Without
 *  a transaction it lives as long as the command. */
QP_EXPORT void *qp_txn_data(const qp_plugin *self, qp_session *qp);

/** config spool_dir. */
QP_EXPORT const char *qp_spool_dir(qp_session *qp);
/** The name of a new file in it, which is not made, but removed with the
 *  transaction. */
QP_EXPORT const char *qp_temp_file(qp_session *qp);
/** A new folder of mode 0700 in it, removed with the transaction and with all
 *  that is in it; or NULL. */
QP_EXPORT const char *qp_temp_dir(qp_session *qp);
/** The same with another mode; it stays. */
QP_EXPORT const char *qp_make_temp_dir(qp_session *qp, int mode);

/* 5.7 Notes: data shared between plugins ---------------------------------- */

/* A key is a constant of the header that owns it. */
#define QP_NOTE_WHITELISTHOST       "whitelisthost"
#define QP_NOTE_WHITELISTSENDER     "whitelistsender"
#define QP_NOTE_WHITELISTHELO       "whitelisthelo"
/** Of the transaction, a pointer: an array of const qp_addr *, the whitelisted
 *  recipients, accepted or not. */
#define QP_NOTE_WHITELISTRCPT       "whitelistrcpt"
/** Of the transaction: why the recipient of this command is. */
#define QP_NOTE_WHITELISTED         "whitelisted"
#define QP_NOTE_NAUGHTY             "naughty"
#define QP_NOTE_NAUGHTY_REJECT_TYPE "naughty_reject_type"
#define QP_NOTE_KARMA               "karma"
#define QP_NOTE_KARMA_HISTORY       "karma_history"
#define QP_NOTE_DISCARD_MAIL        "discard_mail"

/** A text, which is copied; NULL removes the note. */
QP_EXPORT void qp_note_set(qp_notes *notes, const char *key, const char *value);
/** @return the text, valid until it is set again; or NULL */
QP_EXPORT const char *qp_note_get(const qp_notes *notes, const char *key);
QP_EXPORT void qp_note_set_num(qp_notes *notes, const char *key,
                               apr_int64_t value);
/** @return 0 if there is none */
QP_EXPORT apr_int64_t qp_note_num(const qp_notes *notes, const char *key);
/** Whether there is a note, be it a number, which may be 0. */
QP_EXPORT int qp_note_has(const qp_notes *notes, const char *key);
/** Something that must live as long as the notes do. */
QP_EXPORT void qp_note_set_ptr(qp_notes *notes, const char *key, void *value);
QP_EXPORT void *qp_note_ptr(const qp_notes *notes, const char *key);

/* 5.8 Configuration ------------------------------------------------------- */

/**
 * The lines of a config key, of const char *, without comments: from
 * QpsmtpdSet, the config hooks, the file of that name, or the default. Never
 * NULL; valid until the reply to the current command. Changes of a file are
 * seen within a second.
 */
QP_EXPORT const apr_array_header_t *qp_config(qp_session *qp, const char *key);
/** The first line, or NULL. */
QP_EXPORT const char *qp_config_first(qp_session *qp, const char *key);
/** Whether a line equals @a word (any case). */
QP_EXPORT int qp_config_has(qp_session *qp, const char *key, const char *word);
/** As qp_config, asking the user_config hooks first. */
QP_EXPORT const apr_array_header_t *qp_user_config(qp_session *qp,
                                                   const qp_addr *addr,
                                                   const char *key);

/**
 * What the lines of a key mean, worked out once for each value of the key and
 * not for each use. A reader is called for one line after the other.
 * @param whole  in and out: what the lines before have come to; NULL before
 *               the first
 * @param pool   for it; it is used by all threads and not changed
 * @return NULL, or what is wrong with the line
 */
typedef const char *qp_list_reader(const char *line, void **whole,
                                   apr_pool_t *pool);
/** In setup: reads the lines of a key, and from now on a change of its file
 *  that @a read finds faulty is not taken up. A @a key that begins with a
 *  slash is the path of a file.
 *  @return NULL, or "FILE:LINE: what is wrong", to stop httpd */
QP_EXPORT const char *qp_list_check(qp_plugin *self, const char *key,
                                    qp_list_reader *read) QP_CHECKED;
/** The same, and there has to be a line. */
QP_EXPORT const char *qp_list_require(qp_plugin *self, const char *key,
                                      qp_list_reader *read) QP_CHECKED;
/** What the lines have come to; NULL if there are none. Valid as those of
 *  qp_config(). Faulty lines of config hooks, and of keys that were not
 *  checked, are left out with a warning. */
QP_EXPORT const void *qp_list(qp_session *qp, const char *key,
                              qp_list_reader *read);
/** The same for the lines of qp_user_config(). */
QP_EXPORT const void *qp_user_list(qp_session *qp, const qp_addr *addr,
                                   const char *key, qp_list_reader *read);

/**
 * Looks up a name in a map: KEY.cdb of the config folder, a constant database
 * as tinycdb and qmail make it. It may be large, and a new one counts at once.
 * @param value  out: in the command's pool
 * @return APR_SUCCESS; APR_NOTFOUND: no such name, or no file; or an error,
 *         which is logged
 */
QP_EXPORT apr_status_t qp_map_find(qp_session *qp, const char *key,
                                   const char *name,
                                   const char **value) QP_CHECKED;
/** In setup: whether the file is one, if there is a file. @return NULL, or what
 *  is wrong with it, to stop httpd */
QP_EXPORT const char *qp_map_check(qp_plugin *self, const char *key) QP_CHECKED;

/** The answer that a word in a list names, in any case: OK, DENY, DENYSOFT,
 *  DENY_DISCONNECT (or DENYHARD), DENYSOFT_DISCONNECT, DECLINED.
 *  @return 1, or 0 if it is none of them */
QP_EXPORT int qp_rc_named(const char *word, qp_rc *rc) QP_CHECKED;

/* 5.9 The log ------------------------------------------------------------- */

#define QP_LOG_EMERG  0
#define QP_LOG_ALERT  1
#define QP_LOG_CRIT   2
#define QP_LOG_ERROR  3
#define QP_LOG_WARN   4
#define QP_LOG_NOTICE 5
#define QP_LOG_INFO   6
#define QP_LOG_DEBUG  7

/** One line; the session's id, its peer and the plugin's name are added, and
 *  control characters are escaped. What a client can cause is INFO at most. */
QP_EXPORT void qp_log(const qp_plugin *self, qp_session *qp, int level,
                      const char *fmt, ...) QP_PRINTF(4, 5);
/** The verdict of a plugin at a hook: "NAME: pass, TEXT" and so on. One line
 *  for each plugin and hook; pass, fail and skip at INFO, error at ERROR. */
QP_EXPORT void qp_pass(const qp_plugin *self, qp_session *qp, const char *fmt,
                       ...) QP_PRINTF(3, 4);
QP_EXPORT void qp_fail(const qp_plugin *self, qp_session *qp, const char *fmt,
                       ...) QP_PRINTF(3, 4);
QP_EXPORT void qp_skip(const qp_plugin *self, qp_session *qp, const char *fmt,
                       ...) QP_PRINTF(3, 4);
QP_EXPORT void qp_error(const qp_plugin *self, qp_session *qp, const char *fmt,
                        ...) QP_PRINTF(3, 4);

/* 5.10 Waiting without a thread ------------------------------------------- */

/**
 * Suspends the hook until @a wait is ready; then the same hook of the same
 * plugin is called again with the same argument. Usage:
 *
 *     struct txn *txn = qp_txn_data(self, qp);
 *
 *     if (txn->delay == NULL) {
 *         txn->delay = qp_timer(qp, apr_time_from_sec(2), qp_txn_pool(qp));
 *     }
 *     if (!qp_ready(txn->delay)) {
 *         return qp_await(qp, txn->delay);
 *     }
 *     txn->delay = NULL;
 *
 * A handle must live as long as the struct that it is kept in: qp_txn_data and
 * qp_txn_pool, or qp_conn_data and qp_conn_pool, belong together. A hook that
 * waits longer than the plugin's `timeout` is not called again: it counts as
 * DENYSOFT where it decides about a message, as DECLINED elsewhere.
 *
 * Allowed in every hook that gives a verdict on a command, and in the queue
 * hooks. Not in logging, config, user_config, post_fork, *_parse,
 * received_line, reset_transaction, disconnect, post_connection, deny, ok.
 * @return QP_YIELD
 */
QP_EXPORT qp_rc qp_await(qp_session *qp, qp_wait *wait);
/** The same until one of @a n handles is ready, or all are; the array is
 *  copied. */
QP_EXPORT qp_rc qp_await_any(qp_session *qp, qp_wait *const *waits, int n);
QP_EXPORT qp_rc qp_await_all(qp_session *qp, qp_wait *const *waits, int n);
/** How it ended; APR_EAGAIN as long as it is not ready. */
QP_EXPORT apr_status_t qp_wait_status(const qp_wait *wait);
/** Ready when the client has sent something that is not read yet, or has
 *  left. Belongs to the current command. */
QP_EXPORT qp_wait *qp_client_input(qp_session *qp);
/** Whether it has completed, or was cancelled. */
QP_EXPORT int qp_ready(const qp_wait *wait);
/** Ready after @a delay. Cancelled with @a pool. */
QP_EXPORT qp_wait *qp_timer(qp_session *qp, apr_interval_time_t delay,
                            apr_pool_t *pool);

/**
 * The clock for deadlines: microseconds from a point in time that means
 * nothing, so that only differences do. Monotonic: it never goes back, setting
 * the system's clock does not move it, and it is the same in all processes
 * until the machine is started again. Not to be stored, and not for dates:
 * these are apr_time_now()'s.
 */
QP_EXPORT apr_time_t qp_now(void);

/**
 * Work that blocks, on one of a bounded number of threads:
 *
 *     qp_job *job = qp_job_create(qp, qp_pool(qp));
 *     struct lookup *lookup = apr_pcalloc(qp_job_pool(job), sizeof(*lookup));
 *
 *     lookup->name = apr_pstrdup(qp_job_pool(job), arg->sender->host);
 *     txn->lookup = lookup;
 *     txn->done = qp_job_start(job, look_up, lookup);
 *
 * The work sees nothing of the session: what it needs is copied to the job's
 * pool before, and what it finds is left there. That memory lives until the
 * work has ended and the pool of qp_job_create() is cleared, whichever is
 * later: a client that leaves takes nothing from under it.
 *
 * The same function is run at most by half of the threads that others leave:
 * with httpd by 32 in a process. Further ones wait for these.
 */
typedef struct qp_job qp_job;
/** @return the outcome, for qp_wait_status(). Blocking calls in it need a
 *  deadline; long work looks at qp_job_is_cancelled() now and then. */
typedef apr_status_t qp_job_fn(qp_job *job, void *baton);
QP_EXPORT qp_job *qp_job_create(qp_session *qp, apr_pool_t *pool);
QP_EXPORT apr_pool_t *qp_job_pool(qp_job *job);
/** The handle is APR_EAGAIN at once when far too many jobs are waiting. */
QP_EXPORT qp_wait *qp_job_start(qp_job *job, qp_job_fn *run, void *baton);
/** Whether nobody waits for it any more. */
QP_EXPORT int qp_job_is_cancelled(const qp_job *job);

/* 5.10b Another server, in a job ------------------------------------------ */

/**
 * A stream to another server. The functions wait, so they are for jobs; every
 * wait ends when the deadline passes (APR_TIMEUP) or when the job is cancelled
 * (APR_EINTR). What the server sends is never trusted: it is read into a
 * buffer of a fixed size, with a limit. Usage:
 *
 *     qp_peer *peer = qp_peer_create(job, qp_job_pool(job));
 *     apr_status_t rv;
 *
 *     qp_peer_deadline(peer, apr_time_from_sec(20));
 *     rv = qp_peer_connect(peer, ask->host, 783);
 *     if (rv == APR_SUCCESS) {
 *         rv = qp_peer_puts(peer, "PING\r\n");
 *     }
 *     if (rv == APR_SUCCESS) {
 *         rv = qp_peer_line(peer, 512, &line, &len);
 *     }
 *     ask->why = qp_peer_error(peer);
 *
 * What is written is gathered, and sent when there is enough of it, before the
 * next read, or by qp_peer_flush().
 */
typedef struct qp_peer qp_peer;

/** A stream that is not connected; closed when @a pool is cleared. Without a
 *  job it cannot be cancelled. It takes about 33 kB. */
QP_EXPORT qp_peer *qp_peer_create(qp_job *job, apr_pool_t *pool);
/** From now on another job waits with it, or with NULL none. For streams that
 *  outlive the job which made them; one thread has it at a time. */
QP_EXPORT void qp_peer_use(qp_peer *peer, qp_job *job);
/** When all that follows has to be done; it replaces the deadline before. 0:
 *  there is none. */
QP_EXPORT void qp_peer_deadline(qp_peer *peer, apr_interval_time_t from_now);

/** Closes, and connects to a name or address by TCP. All addresses are tried,
 *  each for its share of the time up to the deadline. The time that it takes
 *  to look up the name is the resolver's to limit. */
QP_EXPORT apr_status_t qp_peer_connect(qp_peer *peer, const char *host,
                                       int port) QP_CHECKED;
/** The same to a socket in the file system. */
QP_EXPORT apr_status_t qp_peer_connect_unix(qp_peer *peer,
                                            const char *path) QP_CHECKED;
/** Closes at once. What is gathered is lost, what was received as well. */
QP_EXPORT void qp_peer_close(qp_peer *peer);

/** Adds to what is sent. After an error what the server has said before can
 *  still be read. */
QP_EXPORT apr_status_t qp_peer_write(qp_peer *peer, const void *data,
                                     apr_size_t len) QP_CHECKED;
/** The same with a string. */
QP_EXPORT apr_status_t qp_peer_puts(qp_peer *peer, const char *text) QP_CHECKED;
/** Sends what is gathered. */
QP_EXPORT apr_status_t qp_peer_flush(qp_peer *peer) QP_CHECKED;
/** The same, and tells the server that nothing more will come. */
QP_EXPORT apr_status_t qp_peer_shut(qp_peer *peer) QP_CHECKED;
/** The same as qp_peer_flush(), and then sends one NUL with the descriptor of
 *  a file beside it (SCM_RIGHTS); to a socket in the file system. */
QP_EXPORT apr_status_t qp_peer_send_fd(qp_peer *peer, int fd) QP_CHECKED;

/** What there is, at least one octet, at most @a max; APR_EOF at the end. */
QP_EXPORT apr_status_t qp_peer_read(qp_peer *peer, void *data, apr_size_t max,
                                    apr_size_t *len) QP_CHECKED;
/** Exactly @a len octets. */
QP_EXPORT apr_status_t qp_peer_read_all(qp_peer *peer, void *data,
                                        apr_size_t len) QP_CHECKED;
/** Longest line of qp_peer_line(). */
#define QP_PEER_LINE_MAX 16384
/**
 * A line, up to LF.
 * @param max   octets of it, line end included, at most QP_PEER_LINE_MAX
 * @param line  out: without LF, and without a CR before it; valid until the
 *              next call. It may have NULs; one stands behind it.
 * @return APR_EGENERAL if it is longer than @a max; APR_EOF also if the
 *         stream ends within it
 */
QP_EXPORT apr_status_t qp_peer_line(qp_peer *peer, apr_size_t max,
                                    const char **line,
                                    apr_size_t *len) QP_CHECKED;
/** Whether a read would not wait: the server has said something that was not
 *  read, has closed, or the stream is not connected. */
QP_EXPORT int qp_peer_is_readable(qp_peer *peer);

/** What a stream with TLS needs. Files are PEM. */
typedef struct qp_tls_files {
    int verifies;          /**< a certificate that is not trusted, or is
                                another's, is refused */
    const char *ca_file;   /**< whom to trust; NULL: whom the system does */
    const char *cert_file; /**< our own certificate, or NULL */
    const char *key_file;  /**< its key; NULL: it is in cert_file */
} qp_tls_files;
typedef struct qp_tls qp_tls;
/** In setup: reads the files. TLS below 1.2 is not spoken.
 *  @return NULL, or a sentence that stops httpd */
QP_EXPORT const char *qp_tls_create(qp_tls **out, const qp_tls_files *files,
                                    apr_pool_t *pool) QP_CHECKED;
/** From now on the stream is encrypted. @a host: the name, or the address, that
 *  the certificate has to be for, and that the server is told (SNI). After an
 *  error it is closed. */
QP_EXPORT apr_status_t qp_peer_start_tls(qp_peer *peer, const qp_tls *tls,
                                         const char *host) QP_CHECKED;
/** Such as "TLSv1.3", or NULL. */
QP_EXPORT const char *qp_peer_tls(const qp_peer *peer);

/** HOST:PORT or the path, for the log; valid until the next connect. */
QP_EXPORT const char *qp_peer_name(const qp_peer *peer);
/** What went wrong last, such as "cannot connect to 127.0.0.1:783: Connection
 *  refused"; "" if nothing has. */
QP_EXPORT const char *qp_peer_error(const qp_peer *peer);
/** Says so of an answer: "cannot use the answer of NAME: " and this.
 *  @return APR_EGENERAL */
QP_EXPORT apr_status_t qp_peer_fail(qp_peer *peer, const char *fmt, ...)
    QP_PRINTF(2, 3);

/* 5.10c Another program, in a job ----------------------------------------- */

/** Octets that are kept of what a program says. */
#define QP_PROC_TEXT  2048
/** Descriptors that a program may read from. */
#define QP_PROC_FEEDS 2

/** Makes what a program reads, a piece at a time, each valid until the next
 *  call. @return APR_SUCCESS with *len > 0, APR_EOF, or an error, which ends
 *  the program */
typedef apr_status_t qp_proc_next(void *baton, const char **data,
                                  apr_size_t *len);

/** What a program reads: a message, what a function makes, or a text, to its
 *  end. */
typedef struct qp_proc_feed {
    int fd; /**< the program's descriptor; of the second: 0 for none */
    qp_reader *reader;  /**< or NULL */
    qp_proc_next *next; /**< if there is no reader; or NULL: the text */
    void *baton;        /**< of next */
    const char *text;
    apr_size_t len;
} qp_proc_feed;

/**
 * A program and what becomes of it. It is started without a shell: what is in
 * argv reaches it as it is. It has stdin (feeds[0]), stdout and stderr, no
 * other descriptor but that of feeds[1], no environment but @a env, default
 * signals, and a process group of its own.
 */
typedef struct qp_proc {
    const char *const *argv; /**< NULL-terminated; the first one is a path */
    const char *const *env;  /**< NULL-terminated; NULL: a PATH alone */
    qp_proc_feed feeds[QP_PROC_FEEDS]; /**< read one after the other */
    /* out: */
    int exit;                   /**< its exit status; -1 if there is none */
    int signal;                 /**< what killed it, or 0 */
    int is_unread;              /**< it has not read all */
    char out[QP_PROC_TEXT + 1]; /**< the beginning of its stdout; not, if a
                                     feed has descriptor 1 */
    char err[QP_PROC_TEXT + 1]; /**< the beginning of its stderr */
    apr_size_t out_len, err_len;
    char error[512]; /**< why it did not run to its end, or "" */
} qp_proc;

/**
 * Runs a program to its end; to be called in a job. When the time is up or the
 * job is cancelled it is killed, with all that it has started.
 * @return APR_SUCCESS: it has ended, see exit and signal; APR_TIMEUP;
 *         APR_EINTR; or an error, in words in error
 */
QP_EXPORT apr_status_t qp_proc_run(qp_job *job, qp_proc *proc,
                                   apr_interval_time_t timeout) QP_CHECKED;

/* 5.11 Addresses ---------------------------------------------------------- */

/** What the server makes of the line of a command "mail" or "rcpt", for a
 *  parser that only adds to it. @return QP_OK, or with out->error QP_DENY */
QP_EXPORT qp_rc qp_parse_path(const char *verb, const char *line,
                              qp_parsed *out);
/** "user@host", as for a log; "<>" for the null address. */
QP_EXPORT const char *qp_addr_text(const qp_addr *addr, apr_pool_t *pool);
/** "<user@host>", quoted as RFC 5321 wants it. */
QP_EXPORT const char *qp_addr_format(const qp_addr *addr, apr_pool_t *pool);
/** Compares local parts exactly and domains in any case. */
QP_EXPORT int qp_addr_equal(const qp_addr *a, const qp_addr *b);
/** The domain as the DNS and most files have it, with A-labels in place of
 *  U-labels (RFC 5890); of an ASCII address the host itself. @return NULL if
 *  there is no such form, or no libidn2 to make it */
QP_EXPORT const char *qp_addr_ascii_host(const qp_addr *addr, apr_pool_t *pool);
/** Whether it is the null reverse-path. */
QP_EXPORT int qp_addr_is_null(const qp_addr *addr);

/** Takes a value out of the form xtext (RFC 3461 4). @return NULL if it has
 *  not that form, or a NUL in it */
QP_EXPORT const char *qp_xtext_decode(const char *text, apr_pool_t *pool);
QP_EXPORT const char *qp_xtext_encode(const char *text, apr_pool_t *pool);

/* 5.12 Enhanced status codes (Qpsmtpd::DSN) ------------------------------- */

/** X(name, default answer, subject, detail, default text) */
#define QP_DSN_LIST(X)                                                         \
    X(unspecified, DENYSOFT, 0, 0, "Undefined status")                         \
    X(addr_unspecified, DENYSOFT, 1, 0, "Trouble with the address")            \
    X(no_such_user, DENY, 1, 1, "No such user here")                           \
    X(addr_bad_dest_mbox, DENY, 1, 1, "No such mailbox here")                  \
    X(addr_bad_dest_system, DENY, 1, 2, "No such domain")                      \
    X(addr_bad_dest_syntax, DENY, 1, 3, "Bad recipient syntax")                \
    X(addr_dest_ambigous, DENYSOFT, 1, 4, "Ambiguous recipient")               \
    X(addr_rcpt_ok, OK, 1, 5, "Recipient ok")                                  \
    X(addr_mbox_moved, DENY, 1, 6, "Mailbox has moved")                        \
    X(addr_bad_from_syntax, DENY, 1, 7, "Bad sender syntax")                   \
    X(addr_bad_from_system, DENY, 1, 8, "Bad sender domain")                   \
    X(mbox_unspecified, DENYSOFT, 2, 0, "Trouble with the mailbox")            \
    X(mbox_disabled, DENY, 2, 1, "Mailbox is disabled")                        \
    X(mbox_full, DENYSOFT, 2, 2, "Mailbox is full")                            \
    X(mbox_msg_too_long, DENY, 2, 3, "Message too long for the mailbox")       \
    X(mbox_list_expansion_problem, DENYSOFT, 2, 4, "List cannot be expanded")  \
    X(sys_unspecified, DENYSOFT, 3, 0, "Trouble with the mail system")         \
    X(sys_disk_full, DENYSOFT, 3, 1, "Mail system is full")                    \
    X(sys_not_accepting_mail, DENYSOFT, 3, 2, "Not accepting mail now")        \
    X(sys_not_supported, DENYSOFT, 3, 3, "Not supported by this system")       \
    X(sys_msg_too_big, DENY, 3, 4, "Message too big")                          \
    X(net_unspecified, DENYSOFT, 4, 0, "Trouble with the network")             \
    X(temp_resolver_failed, DENYSOFT, 4, 3, "Name lookup failed for now")      \
    X(net_directory_server_failed, DENYSOFT, 4, 3, "Directory lookup failed")  \
    X(net_system_congested, DENYSOFT, 4, 5, "System is congested")             \
    X(net_routing_loop, DENY, 4, 6, "Routing loop")                            \
    X(too_many_hops, DENY, 4, 6, "Too many hops")                              \
    X(proto_unspecified, DENYSOFT, 5, 0, "Protocol trouble")                   \
    X(proto_invalid_command, DENY, 5, 1, "Invalid command")                    \
    X(proto_syntax_error, DENY, 5, 2, "Syntax error")                          \
    X(proto_rcpt_list_too_long, DENYSOFT, 5, 3, "Recipient list too long")     \
    X(too_many_rcpts, DENYSOFT, 5, 3, "Too many recipients")                   \
    X(proto_invalid_cmd_args, DENY, 5, 4, "Invalid arguments")                 \
    X(proto_wrong_version, DENYSOFT, 5, 5, "Wrong protocol version")           \
    X(media_unspecified, DENYSOFT, 6, 0, "Trouble with the content")           \
    X(media_unsupported, DENY, 6, 1, "Content type not supported")             \
    X(media_conv_prohibited, DENY, 6, 2, "Conversion is prohibited")           \
    X(media_conv_unsupported, DENYSOFT, 6, 3, "Conversion is not supported")   \
    X(media_conv_lossy, DENYSOFT, 6, 4, "Conversion would lose content")       \
    X(sec_unspecified, DENYSOFT, 7, 0, "Refused by policy for now")            \
    X(sec_sender_unauthorized, DENY, 7, 1, "Sender is not authorised")         \
    X(bad_sender_ip, DENY, 7, 1, "Refused because of the client's address")    \
    X(relaying_denied, DENY, 7, 1, "Relaying denied")                          \
    X(sec_list_dest_prohibited, DENY, 7, 2, "Not allowed to send to the list") \
    X(sec_conv_failed, DENY, 7, 3, "Security conversion is not possible")      \
    X(sec_feature_unsupported, DENY, 7, 4, "Security feature not supported")   \
    X(sec_crypto_failure, DENY, 7, 5, "Cryptographic failure")                 \
    X(sec_crypto_algorithm_unsupported, DENYSOFT, 7, 6, "Unknown algorithm")   \
    X(sec_msg_integrity_failure, DENY, 7, 7, "Message integrity failure")

/** For each row qp_dsn_NAME(qp, text): answers with the row's status; text
 *  NULL keeps the row's. qp_dsn_NAME_rc(qp, rc, text) has another answer. */
#define QP_DSN_IMPL(name, def_rc, subject, detail, def_text)                   \
    static inline qp_rc qp_dsn_##name##_rc(qp_session *qp, qp_rc rc,           \
                                           const char *text)                   \
    {                                                                          \
        return qp_return_dsn(qp, rc, subject, detail, "%s",                    \
                             text != NULL ? text : def_text);                  \
    }                                                                          \
    static inline qp_rc qp_dsn_##name(qp_session *qp, const char *text)        \
    {                                                                          \
        return qp_dsn_##name##_rc(qp, QP_##def_rc, text);                      \
    }

QP_DSN_LIST(QP_DSN_IMPL)

/* 5.13 Networks ----------------------------------------------------------- */

#define QP_IP_LEN 16

/** An address; IPv4 in its IPv6 form ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so
 *  that a client is the same on sockets of both kinds. */
typedef struct qp_ip {
    unsigned char octets[QP_IP_LEN];
} qp_ip;

/** All addresses whose first @a bits are those of @a ip; for IPv4 that is 96
 *  more than behind the slash. */
typedef struct qp_net {
    qp_ip ip;
    int bits;
} qp_net;

/** Reads an address, such as that of qp_conn_remote_ip(); the interface of a
 *  link-local one ("%eth0") is left out. @return 1, or 0 if it is none */
QP_EXPORT int qp_net_ip(const char *text, qp_ip *ip) QP_CHECKED;
/** Whether it is an IPv4 address. */
QP_EXPORT int qp_net_is_v4(const qp_ip *ip);
/** Whether it is in 127.0.0.0/8, or ::1. */
QP_EXPORT int qp_net_is_loopback(const qp_ip *ip);

/**
 * Reads a network: an address, ADDRESS/BITS (bits behind the mask are
 * ignored), or the beginning of an address in whole parts with the dot or
 * colon behind them, "192.0.2." or "2001:db8:".
 * @return NULL, or what is wrong, a constant without the text itself
 */
QP_EXPORT const char *qp_net_parse(const char *text, qp_net *net) QP_CHECKED;
/** Whether the address belongs to it. An IPv6 network such as ::/0 holds no
 *  IPv4 address, unless it is one of ::ffff:0.0.0.0/96. */
QP_EXPORT int qp_net_has(const qp_net *net, const qp_ip *ip);

/** Reads several, of const char *. @param nets  out: of qp_net, in @a pool
 *  @return NULL, or which one is wrong and why, in @a pool */
QP_EXPORT const char *qp_net_parse_all(const apr_array_header_t *texts,
                                       apr_array_header_t **nets,
                                       apr_pool_t *pool) QP_CHECKED;
/** The first of them that holds the address, or NULL. */
QP_EXPORT const qp_net *qp_net_find(const apr_array_header_t *nets,
                                    const qp_ip *ip);

/** Reader of a list of networks, for qp_list_check(). */
QP_EXPORT const char *qp_net_lines(const char *line, void **whole,
                                   apr_pool_t *pool);
/** The first line of such a list with the address @a ip (a text), or NULL;
 *  valid as those of qp_config(). */
QP_EXPORT const char *qp_net_line(qp_session *qp, const char *key,
                                  const char *ip);

/* 5.14 Patterns ----------------------------------------------------------- */

/**
 * A word that something is compared with in any case, or a Perl-compatible
 * regular expression that is looked for in it, in any case; and behind a blank
 * whatever the plugin makes of the rest of the line. Usage:
 *
 *     static const char *setup(qp_plugin *self, apr_pool_t *pconf)
 *     {
 *         return qp_list_check(self, "badhelo", qp_pattern_helos);
 *     }
 *
 * and in a hook:
 *
 *     bad = qp_pattern_find(self, qp, qp_list(qp, "badhelo", qp_pattern_helos),
 *                           arg->host);
 */
typedef struct qp_pattern qp_pattern;

typedef enum qp_pattern_kind {
    /** An address; or "@" and a domain; or, if there is one of
     *  / ^ $ * + ! % ? \ in it, an expression, which may stand between
     *  slashes. It is compared with user@host. */
    QP_PATTERN_MAIL,
    /** A word; or an expression between slashes. */
    QP_PATTERN_WORD,
    /** A word; or, if there is one of { } [ ] ( ) ^ $ | * + ? \ ! in it, an
     *  expression; a ! before it stands for all that it does not match. */
    QP_PATTERN_HELO,
    /** An expression, which may stand between slashes. */
    QP_PATTERN_REGEX
} qp_pattern_kind;

/** Makes a pattern of the first word of a line. @return NULL, or what is
 *  wrong with it, in @a pool */
QP_EXPORT const char *qp_pattern_read(const char *line, qp_pattern_kind kind,
                                      qp_pattern **out,
                                      apr_pool_t *pool) QP_CHECKED;
/** As it was written; and the rest of its line, without the blanks between,
 *  or "". */
QP_EXPORT const char *qp_pattern_text(const qp_pattern *pattern);
QP_EXPORT const char *qp_pattern_rest(const qp_pattern *pattern);

/** Readers of lists: what they make is for qp_pattern_find(). */
QP_EXPORT const char *qp_pattern_mails(const char *line, void **whole,
                                       apr_pool_t *pool);
QP_EXPORT const char *qp_pattern_words(const char *line, void **whole,
                                       apr_pool_t *pool);
QP_EXPORT const char *qp_pattern_helos(const char *line, void **whole,
                                       apr_pool_t *pool);
QP_EXPORT const char *qp_pattern_regexes(const char *line, void **whole,
                                         apr_pool_t *pool);

/** Whether it matches. An expression that would take too many steps for
 *  @a text does not, and a warning says so. */
QP_EXPORT int qp_pattern_matches(const qp_plugin *self, qp_session *qp,
                                 const qp_pattern *pattern, const char *text);
/** The first pattern of a list that matches; or NULL. */
QP_EXPORT const qp_pattern *qp_pattern_find(const qp_plugin *self,
                                            qp_session *qp, const void *list,
                                            const char *text);
/** The same for user@host, which is how addresses are matched. */
QP_EXPORT const qp_pattern *qp_pattern_find_addr(const qp_plugin *self,
                                                 qp_session *qp,
                                                 const void *list,
                                                 const qp_addr *addr);

/* 5.15 Names and addresses: the DNS --------------------------------------- */

/**
 * Asks the DNS without blocking. Start the query when its name is known, and
 * await it where its outcome decides:
 *
 *     if (txn->mx == NULL) {
 *         txn->mx = qp_dns_query(qp, QP_DNS_MX, arg->sender->host,
 *                                qp_txn_pool(qp));
 *     }
 *     if (!qp_dns_ready(&txn->mx, 1)) {
 *         return qp_dns_await(qp, &txn->mx, 1);
 *     }
 *     if (qp_dns_outcome(txn->mx) == QP_DNS_FOUND) {
 *         use(qp_dns_get(txn->mx, 0)->text);
 *     }
 *
 * The servers are those of config dns_servers, or of /etc/resolv.conf. A query
 * is over within config dns_timeout. Answers are those of strangers: they are
 * bounded and checked for the question, but what they say may be a lie.
 */
typedef struct qp_dns qp_dns;

/** Numbers of the protocol. */
typedef enum qp_dns_type {
    QP_DNS_A = 1,
    QP_DNS_NS = 2,
    QP_DNS_SOA = 6,
    QP_DNS_PTR = 12,
    QP_DNS_MX = 15,
    QP_DNS_TXT = 16,
    QP_DNS_AAAA = 28,
    QP_DNS_TLSA = 52
} qp_dns_type;

/** How a query ended. Only NODATA and NXDOMAIN say that there is nothing. */
typedef enum qp_dns_result {
    QP_DNS_PENDING,  /**< not yet */
    QP_DNS_FOUND,    /**< there is at least one record */
    QP_DNS_NODATA,   /**< the name exists, but has no such record */
    QP_DNS_NXDOMAIN, /**< the name does not exist */
    QP_DNS_BADNAME,  /**< it is no name of the DNS; nobody was asked */
    QP_DNS_TIMEOUT,  /**< no server has answered in time */
    QP_DNS_FAILED    /**< servers failed, refused, or answered nonsense; or too
                          much is under way */
} qp_dns_result;

/** One record of an answer. */
typedef struct qp_dns_record {
    /** A, AAAA: the address. MX, NS, PTR: the name, in lower case without the
     *  last dot; "." is the root (null MX, RFC 7505). SOA: the name of the
     *  first server. TXT: the strings in one. Never NULL; NUL-terminated. */
    const char *text;
    /** Octets of it: a TXT record may have a NUL inside. */
    apr_size_t len;
    /** The record as it was on the wire, of data_len octets: 4 of an A, 16 of
     *  an AAAA record. */
    const unsigned char *data;
    apr_size_t data_len;
    int preference;   /**< MX; the lowest comes first, in qp_dns_get(), too */
    apr_uint32_t ttl; /**< seconds */
} qp_dns_record;

/**
 * Starts a query; never NULL. Aliases (CNAME) are followed. @a name may end in
 * a dot and is never completed by a domain of the host.
 * @param pool  lifetime of the query, its records, and its handle; when it is
 *              cleared, nobody waits for the answer any more
 */
QP_EXPORT qp_dns *qp_dns_query(qp_session *qp, qp_dns_type type,
                               const char *name, apr_pool_t *pool);
/** The PTR records of an address in text form; BADNAME if it is none. */
QP_EXPORT qp_dns *qp_dns_query_ptr(qp_session *qp, const char *ip,
                                   apr_pool_t *pool);
/** "4.3.2.1.ZONE" for 1.2.3.4, and the 32 nibbles of an IPv6 address, which is
 *  taken as IPv4 if it is a mapped one (::ffff:1.2.3.4). @a zone NULL is that
 *  of PTR records. @return NULL if @a ip is no address */
QP_EXPORT const char *qp_dns_reverse(const char *ip, const char *zone,
                                     apr_pool_t *pool);
/** Whether a text can be asked for: labels of 1 to 63 octets, 253 in all;
 *  letters, digits and - _ / only. */
QP_EXPORT int qp_dns_is_name(const char *name);

/** Whether all of @a n queries are over. NULLs among them count as such. */
QP_EXPORT int qp_dns_ready(qp_dns *const *queries, int n);
/** Awaits all of @a n queries, of which one at least must not be ready. Its
 *  time is bounded by dns_timeout, and by the plugin's `timeout`.
 *  @return QP_YIELD */
QP_EXPORT qp_rc qp_dns_await(qp_session *qp, qp_dns *const *queries, int n);
/** Awaits one more of those that are not ready, for a hook that looks at what
 *  has come. */
QP_EXPORT qp_rc qp_dns_await_any(qp_session *qp, qp_dns *const *queries, int n);
/** For qp_await_any() and qp_await_all(). */
QP_EXPORT qp_wait *qp_dns_wait(const qp_dns *dns);

QP_EXPORT qp_dns_result qp_dns_outcome(const qp_dns *dns);
/** The same in words, for the log: "found", "no such name", ... */
QP_EXPORT const char *qp_dns_outcome_text(const qp_dns *dns);
/** What was asked for. */
QP_EXPORT const char *qp_dns_name(const qp_dns *dns);
/** The number of records, 64 at most; 0 unless the outcome is FOUND. */
QP_EXPORT int qp_dns_count(const qp_dns *dns);
/** The i-th record, from 0; NULL behind the last. */
QP_EXPORT const qp_dns_record *qp_dns_get(const qp_dns *dns, int i);

/**
 * The client's verified name (RFC 8601 2.7.3, iprev): the names of its address
 * are looked up, and their addresses must be that address again. Starts at the
 * first call, by whomever; all share it. Config `hostname_lookups on` makes the
 * server do it before hook connect.
 * @return PENDING: return qp_client_name_await(); else what it came to, and
 *         qp_conn_remote_host() is the name with PASS
 */
typedef enum qp_client_name {
    QP_CLIENT_NAME_PENDING,
    QP_CLIENT_NAME_PASS,
    QP_CLIENT_NAME_FAIL,     /**< there are names, but none leads back */
    QP_CLIENT_NAME_NONE,     /**< it has no name: permerror of RFC 8601 */
    QP_CLIENT_NAME_TEMPERROR /**< the DNS did not say */
} qp_client_name;
QP_EXPORT qp_client_name qp_client_name_verify(qp_session *qp);
QP_EXPORT qp_rc qp_client_name_await(qp_session *qp);
/** The names of the client's address, of const char *, verified or not; once
 *  qp_client_name_verify() is not PENDING any more. Never NULL. */
QP_EXPORT const apr_array_header_t *qp_client_names(qp_session *qp);

/* 5.16 Stores: values that outlive the session ---------------------------- */

/**
 * Short texts by key, for greylists, counters and the like: the same for all
 * children, and with Redis for all servers. A value that has expired is not
 * there. A store blocks, so it is used in a job:
 *
 *     static const char *setup(qp_plugin *self, apr_pool_t *pconf)
 *     {
 *         const struct opts *opt = qp_opts(self);
 *
 *         return qp_store_open(self, opt->store, "greylist");
 *     }
 *
 *     static apr_status_t count(qp_job *job, void *baton)
 *     {
 *         struct ask *ask = baton;
 *         qp_store *store = qp_store_begin(ask->self, job);
 *
 *         return qp_store_add(store, ask->ip, 1, apr_time_from_sec(60),
 *                             &ask->sum);
 *     }
 *
 * Each call ends within a few seconds, whatever the store does; then its
 * status is APR_TIMEUP or another error, and qp_store_error() says what went
 * wrong. A plugin goes on without the store: it must not be what mail hangs
 * on.
 */
typedef struct qp_store qp_store;

/** Longest key; longer ones are hashed. Longest value; longer ones are
 *  APR_ENOSPC. */
#define QP_STORE_KEY_MAX   250
#define QP_STORE_VALUE_MAX 500

/**
 * In setup, once: says where the values of this plugin are.
 * @param where  "dbm": files NAME.* in the folder `store` of config spool_dir;
 *               "dbm:PATH": PATH.*; "redis:HOST", "redis:HOST:PORT" or
 *               "redis:/SOCKET", with "PASSWORD@" before it and "#NUMBER" of a
 *               database behind it where there is need; "socache:PROVIDER" or
 *               "socache:PROVIDER:ARGS": a small object cache of httpd. With
 *               socache:redis and socache:memcache a change excludes others on
 *               this machine only; of two machines the last one counts
 * @param name   of the values; in Redis each key begins with it and a colon
 * @return NULL, or what is wrong with @a where
 */
QP_EXPORT const char *qp_store_open(qp_plugin *self, const char *where,
                                    const char *name) QP_CHECKED;
/** For this job. Lives as long as its pool. */
QP_EXPORT qp_store *qp_store_begin(const qp_plugin *self, qp_job *job);
/** @param value  out: in the job's pool. @return APR_NOTFOUND without one */
QP_EXPORT apr_status_t qp_store_get(qp_store *store, const char *key,
                                    const char **value) QP_CHECKED;
/** @param ttl  how long it is there; 0: for ever */
QP_EXPORT apr_status_t qp_store_set(qp_store *store, const char *key,
                                    const char *value,
                                    apr_interval_time_t ttl) QP_CHECKED;
/** That there is none is no error. */
QP_EXPORT apr_status_t qp_store_delete(qp_store *store,
                                       const char *key) QP_CHECKED;
/** Adds to a number; one that is not there is 0, and is there for @a ttl from
 *  now. The value is the number and perhaps more, behind a blank. @param sum
 *  out. @return APR_EINVAL if the value is no number */
QP_EXPORT apr_status_t qp_store_add(qp_store *store, const char *key,
                                    apr_int64_t by, apr_interval_time_t ttl,
                                    apr_int64_t *sum) QP_CHECKED;
/** Makes a new value of an old one; NULL: there is none. @param ttl  out.
 *  @return the new value, or NULL: it stays as it is */
typedef const char *qp_store_change(const char *old, void *baton,
                                    apr_interval_time_t *ttl, apr_pool_t *pool);
/** Changes a value that nobody else can change meanwhile. @a change may be
 *  called more than once; the last call counts. */
QP_EXPORT apr_status_t qp_store_update(qp_store *store, const char *key,
                                       qp_store_change *change,
                                       void *baton) QP_CHECKED;
/** What went wrong last, such as "redis: cannot connect to 127.0.0.1:6379:
 *  Connection refused"; "" if nothing has. */
QP_EXPORT const char *qp_store_error(const qp_store *store);

/* 5.17 Passwords ---------------------------------------------------------- */

/** Whether two secrets are equal; how long that takes does not tell where they
 *  differ. */
QP_EXPORT int qp_secret_equal(const char *a, const char *b);
/**
 * Whether @a password is the one that is stored: in clear, optionally behind
 * "{PLAIN}"; as a hash of htpasswd or crypt(3), "{SHA}..." or "$...$..."; or as
 * a verifier "SCRAM-SHA-256$..." (RFC 5803). Never if either is empty. Hashes
 * take time on purpose: check them in a job.
 */
QP_EXPORT int qp_secret_check(const char *stored, const char *password);
/** The password that is stored, if it is in clear; else NULL. */
QP_EXPORT const char *qp_secret_clear(const char *stored);
/** Whether @a hash is that of CRAM-MD5 for the password in clear. */
QP_EXPORT int qp_secret_check_cram_md5(const char *password, const char *ticket,
                                       const char *hash);
/** Overwrites a secret that is not needed any more; NULL is none. */
QP_EXPORT void qp_secret_wipe(char *text);

#ifdef __cplusplus
}
#endif

#endif /* QPSMTPD_H */
