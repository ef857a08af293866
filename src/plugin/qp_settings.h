/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_settings.h
 * @brief The config keys of the engine itself, read and checked.
 *
 * A session holds one reference to the settings that it began with, and takes
 * up newer ones when a transaction begins.
 */
#ifndef QP_SETTINGS_H
#define QP_SETTINGS_H

#include "plugin/qp_config.h"
#include "plugin/qp_quota.h"

/** What to do with a bare CR or LF (D4). In the order of the words. */
typedef enum qp_bare_newline {
    QP_BARE_REJECT,
    QP_BARE_NORMALIZE,
    QP_BARE_ACCEPT
} qp_bare_newline;

/** What is spoken. In the order of the words. */
typedef enum qp_protocol { QP_PROTOCOL_SMTP, QP_PROTOCOL_LMTP } qp_protocol;
/** What to do with input that comes too early (RFC 2920 3.1). In the order of
 *  the words. */
typedef enum qp_pipelining {
    QP_PIPELINING_STRICT,
    QP_PIPELINING_LENIENT
} qp_pipelining;

/** Which mechanisms of AUTH want TLS. 1 means what it means in qpsmtpd. */
typedef enum qp_tls_auth {
    QP_TLS_AUTH_PLAINTEXT, /**< those that show the password */
    QP_TLS_AUTH_YES,       /**< all */
    QP_TLS_AUTH_NO,        /**< none */
    QP_TLS_AUTH_1,         /**< all */
    QP_TLS_AUTH_0          /**< none */
} qp_tls_auth;

/** Read-only. Texts live in its pool. */
typedef struct qp_settings {
    const char *me;              /**< name of this server */
    const char *me_auth_results; /**< our name in Authentication-Results */
    const char *smtpgreeting;    /**< text of the 220, or NULL */
    apr_off_t databytes;         /**< of a message; 0: no limit */
    apr_off_t size_threshold;    /**< from here on a message is in a file */
    const char *spool_dir;
    int bare_newline;        /**< qp_bare_newline */
    int max_line;            /**< octets of a command line */
    apr_off_t max_data_line; /**< octets of a line in a message */
    apr_off_t max_header;    /**< octets of a header section */
    int max_recipients;
    int protocol;                /**< qp_protocol */
    const char *hide_extensions; /**< keywords, or NULL */
    unsigned int hidden;         /**< their QP_OFFER_... */
    const char *xclient_hosts;   /**< networks, or NULL */
    const char *xforward_hosts;
    apr_array_header_t *xclient_nets; /**< of qp_net, or NULL */
    apr_array_header_t *xforward_nets;
    const char *dns_servers; /**< of qp_dns_servers(); NULL: the system's */
    apr_interval_time_t dns_timeout; /**< of a query */
    int dns_tries;                   /**< of each server */
    int hostname_lookups; /**< whether each client's name is looked up; read
                               at start */
    int pipelining;       /**< qp_pipelining */
    /* Limits of a session; 0: none. */
    int max_errors;   /**< mistakes of the client */
    int max_commands; /**< without a message that is accepted */
    int max_messages; /**< transactions */
    /* Limits of connections over all children; 0: none. */
    int max_connections;
    int max_conn_ip;                 /**< of an address */
    apr_array_header_t *conn_quotas; /**< of qp_quota: the same for networks */
    qp_rate conn_rate_ip;            /**< new connections of an address */
    qp_rate rate_ip;                 /**< messages of an address */
    /* How long a client may take; 0: any time. */
    apr_interval_time_t timeoutsmtpd; /**< read at start only; see mod_qp */
    apr_interval_time_t timeout;      /**< the same, where that one is 0 */
    apr_interval_time_t timeout_line; /**< for one command line */
    apr_interval_time_t timeout_data; /**< for a message ... */
    int min_data_rate; /**< ... besides a second for so many octets; or 0 */
    /* As they are written. */
    const char *max_conn_ip_text, *conn_rate_text, *rate_text;
    int tls_before_auth;                 /**< a qp_tls_auth */
    int auth_required;                   /**< no mail without AUTH */
    int max_auth_errors;                 /**< 0: no limit */
    apr_interval_time_t auth_delay;      /**< until the first failure is told */
    apr_array_header_t *auth_mechanisms; /**< allowed, or NULL: all */
    unsigned int refs;
    apr_pool_t *pool;
} qp_settings;

typedef struct qp_settings_cache qp_settings_cache;

/** The defaults, as qp_config_source wants them. */
apr_hash_t *qp_settings_defaults(apr_pool_t *pool);

/**
 * Reads all keys at start.
 * @return NULL, or "FILE:LINE: key: what is allowed"
 */
const char *qp_settings_create(qp_settings_cache **out, qp_config_store *store,
                               const qp_config_source *source,
                               apr_pool_t *pconf) QP_CHECKED;

/** Call once in each child process before its threads use the cache. */
apr_status_t qp_settings_child_init(qp_settings_cache *cache,
                                    apr_pool_t *pchild) QP_CHECKED;

/** The settings in force, with a reference to be released. */
qp_settings *qp_settings_get(qp_settings_cache *cache);
void qp_settings_release(qp_settings *settings);

/**
 * Gives a session the settings in force, in place of those that it has. With
 * config hooks, whose answers may depend on the session, it asks them, once.
 */
void qp_settings_renew(qp_session *qp);

/** Takes a session's settings away. */
void qp_settings_drop(qp_session *qp);

#endif /* QP_SETTINGS_H */
