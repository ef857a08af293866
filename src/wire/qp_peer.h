/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_peer.h
 * @brief Inside a stream to another server: what the octets go through. The
 *        functions for plugins are declared in qpsmtpd.h.
 */
#ifndef QP_PEER_H
#define QP_PEER_H

#include "base/qp_base.h"

/**
 * How octets get to the other side and back, without blocking. A function
 * returns APR_SUCCESS with *len > 0; APR_EAGAIN and in *wait for what to poll;
 * APR_EOF; or an error.
 */
typedef struct qp_peer_way {
    apr_status_t (*recv)(qp_peer *peer, char *data, apr_size_t *len,
                         short *wait);
    apr_status_t (*send)(qp_peer *peer, const char *data, apr_size_t *len,
                         short *wait);
    void (*close)(qp_peer *peer); /**< before the socket is; or NULL */
} qp_peer_way;

/** Octets of the buffer of each direction. */
#define QP_PEER_BUFFER QP_PEER_LINE_MAX

struct qp_peer {
    qp_job *job; /**< whose end ends every wait; or NULL */
    int fd;      /**< -1: not connected */
    const qp_peer_way *way;
    void *tls;           /**< SSL of OpenSSL, or NULL */
    apr_time_t deadline; /**< of the monotonic clock; 0: none */
    char name[280];      /**< of the other side, for people */
    char error[512];     /**< what went wrong last */
    char tls_error[128]; /**< the same, in OpenSSL's words; or "" */
    apr_size_t in_start; /**< octets from here ... */
    apr_size_t in_end;   /**< ... to here are not yet asked for */
    apr_size_t out_len;  /**< octets that are not yet sent */
    char in[QP_PEER_BUFFER];
    char out[QP_PEER_BUFFER];
};

/** Writes down that it could not do something, such as "connect to".
 *  @return @a rv */
apr_status_t qp_peer_note(qp_peer *peer, apr_status_t rv, const char *doing);

/** Waits until the socket is ready for @a events; APR_TIMEUP, or APR_EINTR if
 *  the job is cancelled. @a deadline: 0 for none */
apr_status_t qp_peer_wait(qp_peer *peer, short events,
                          apr_time_t deadline) QP_CHECKED;

#endif /* QP_PEER_H */
