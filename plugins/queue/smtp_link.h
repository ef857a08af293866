/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file smtp_link.h
 * @brief A connection to an SMTP or LMTP server, up to where a message can be
 *        sent: greeting, EHLO or LHLO, STARTTLS, AUTH, XCLIENT.
 *
 * All of it runs in jobs. A link has a pool of its own, for it may outlive the
 * job that opened it.
 */
#ifndef SMTP_LINK_H
#define SMTP_LINK_H

#include "smtp_reply.h"

/** What a server announces. */
#define CAN_PIPELINING 1u
#define CAN_SIZE       2u
#define CAN_8BITMIME   4u
#define CAN_SMTPUTF8   8u
#define CAN_DSN        16u
#define CAN_STARTTLS   32u
#define CAN_XCLIENT    64u
#define CAN_PLAIN      128u
#define CAN_LOGIN      256u
#define CAN_CRAM_MD5   512u
#define CAN_CHUNKING   1024u
#define CAN_BINARYMIME 2048u

/** How TLS is used, as in the option. */
enum { TLS_NO, TLS_MAY, TLS_MUST, TLS_VERIFY };

/** One server; in pconf. */
typedef struct smtp_server {
    const char *host; /* or the path of a socket */
    int port;         /* 0: a path */
    int weight;       /* 0: when no other answers */
    const char *name; /* for people */
} smtp_server;

/** How to talk to the servers; filled from the options, in pconf. */
typedef struct smtp_way {
    int is_lmtp;
    int is_smtps; /* TLS from the first octet (RFC 8314) */
    int tls_mode;
    qp_tls *tls;
    const char *tls_name; /* NULL: the server's host */
    const char *user;     /* NULL: no AUTH */
    const char *password;
    apr_interval_time_t connect_timeout;
    apr_interval_time_t reply_timeout;
} smtp_way;

/** The client behind the message, for XCLIENT; in the job's pool. */
typedef struct smtp_client {
    const char *addr, *port, *name, *helo, *login; /* login: or NULL */
    const char *proto;
} smtp_client;

typedef struct smtp_link {
    struct smtp_link *next; /* of those that are kept */
    apr_pool_t *pool;
    qp_peer *peer;
    int server;  /* index */
    int is_used; /* has carried a message before */
    unsigned int can;
    unsigned int xclient; /* bits of xclient_names */
    apr_off_t size;       /* of a message; 0: no limit is known */
    int messages;
    apr_time_t since; /* kept */
} smtp_link;

/** @param server  its index, for those who keep links */
smtp_link *smtp_link_make(qp_job *job, int server);

/** Up to where a message can be sent. @param client  for XCLIENT, or NULL
 *  @return or the peer knows why not */
apr_status_t smtp_link_open(smtp_link *link, const smtp_way *way,
                            const smtp_server *server, const char *me,
                            const smtp_client *client);

/** Says a command, and hears the reply. */
apr_status_t smtp_link_ask(smtp_link *link, const char *command,
                           smtp_reply *reply);

void smtp_link_close(smtp_link *link);

#endif /* SMTP_LINK_H */
