/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dns_server.h
 * @brief A name server for tests, which answers as the first label of the name
 *        says: silent, nothing (NXDOMAIN), empty (NODATA), broken (SERVFAIL),
 *        refused, long (by TCP), far (an alias only), garbage, cut, forged (two
 *        wrong answers in front); else from the zone, or without one 192.0.2.1.
 */
#ifndef DNS_SERVER_H
#define DNS_SERVER_H

#include <pthread.h>

#include "qpsmtpd.h"

/** One record. A zone ends with a row of NULL. */
typedef struct dns_row {
    const char *name;
    int type;
    const char *value; /**< address, name or text; MX have preference 10 */
} dns_row;

struct dns_server {
    pthread_t thread;
    const dns_row *zone;
    int udp, tcp; /**< sockets */
    int stop[2];  /**< a pipe */
    int port;
    const char *csv;  /**< for config dns_servers */
    int nasked, ntcp; /**< atomic: questions, and of them by TCP */
};

/** @param zone  must outlive it; or NULL */
struct dns_server *dns_server_start(const dns_row *zone, apr_pool_t *pool);
void dns_server_stop(struct dns_server *server);

/** How many questions have come so far; and of them by TCP. */
int dns_server_asked(const struct dns_server *server);
int dns_server_by_tcp(const struct dns_server *server);

#endif /* DNS_SERVER_H */
