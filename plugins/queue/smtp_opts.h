/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file smtp_opts.h
 * @brief The options of queue/smtp-forward and queue/lmtp.
 */
#ifndef SMTP_OPTS_H
#define SMTP_OPTS_H

#include "smtp_pool.h"

typedef struct smtp_opts {
    const char *host;
    int port;
    apr_array_header_t *hosts;
    apr_interval_time_t connect_timeout;
    apr_interval_time_t reply_timeout;
    const char *helo;
    int tls;
    int smtps;
    const char *tls_ca, *tls_cert, *tls_key, *tls_name;
    const char *auth;
    int xclient;
    int eightbit;
    int dsn;
    int binarymime;
    int keep;
    apr_interval_time_t idle;
    int single;
    /* made by setup */
    smtp_way *way;
    apr_array_header_t *servers; /* of smtp_server */
    smtp_pool *pool;
} smtp_opts;

/** The words of option tls: TLS_NO and what follows. */
extern const char *const smtp_opts_tls[];

/** The rows that both plugins have. @param port_default  as a text */
#define SMTP_OPTS_COMMON(port_default)                                         \
    QP_OPT_WORD_STR(1, smtp_opts, host, "host", NULL),                         \
        QP_OPT_WORD_INT(2, smtp_opts, port, "port", port_default, 1, 65535),   \
        QP_OPT_LIST(smtp_opts, hosts, "hosts", NULL),                          \
        QP_OPT_TIME(smtp_opts, connect_timeout, "connect_timeout", "10s"),     \
        QP_OPT_TIME(smtp_opts, reply_timeout, "reply_timeout", "30s"),         \
        QP_OPT_DEFAULT("timeout", "2m"),                                       \
        QP_OPT_ENUM(smtp_opts, tls, "tls", "may", smtp_opts_tls),              \
        QP_OPT_PATH(smtp_opts, tls_ca, "tls_ca", NULL),                        \
        QP_OPT_PATH(smtp_opts, tls_cert, "tls_cert", NULL),                    \
        QP_OPT_PATH(smtp_opts, tls_key, "tls_key", NULL),                      \
        QP_OPT_STR(smtp_opts, tls_name, "tls_name", NULL),                     \
        QP_OPT_PATH(smtp_opts, auth, "auth", NULL),                            \
        QP_OPT_STR(smtp_opts, helo, "helo", NULL),                             \
        QP_OPT_BOOL(smtp_opts, eightbit, "eightbit", "no"),                    \
        QP_OPT_BOOL(smtp_opts, dsn, "dsn", "yes"),                             \
        QP_OPT_BOOL(smtp_opts, binarymime, "binarymime", "no"),                \
        QP_OPT_INT(smtp_opts, keep, "keep", "4", 0, 100),                      \
        QP_OPT_TIME(smtp_opts, idle, "idle", "20s")

/** In setup: fills what the options come to.
 *  @return NULL, or what is wrong with them */
const char *smtp_opts_prepare(qp_plugin *self, int is_lmtp, apr_pool_t *pconf);

#endif /* SMTP_OPTS_H */
