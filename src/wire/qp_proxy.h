/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_proxy.h
 * @brief The header of the PROXY protocol, versions 1 and 2, which a balancer
 *        sends ahead of its client's octets to say whose they are.
 */
#ifndef QP_PROXY_H
#define QP_PROXY_H

#include "base/qp_base.h"

/** Octets of a header of version 1, its line end included. */
#define QP_PROXY_V1_MAX 107
/** Of the text of an address. */
#define QP_PROXY_IP_MAX 46

typedef enum qp_proxy_status {
    QP_PROXY_MORE, /**< not complete yet */
    QP_PROXY_DONE,
    QP_PROXY_BAD /**< it is none; nothing that comes is to be believed */
} qp_proxy_status;

/** A header that is being read. All zero at the start. */
typedef struct qp_proxy {
    qp_proxy_status status;
    /** out: whether the addresses are told; else it is the balancer's own
     *  connection, or one without addresses. */
    int has_peers;
    char remote_ip[QP_PROXY_IP_MAX], local_ip[QP_PROXY_IP_MAX];
    int remote_port, local_port;
    unsigned char held[QP_PROXY_V1_MAX];
    apr_size_t nheld;
    apr_size_t todo; /**< version 2: octets that are left to be skipped */
} qp_proxy;

/**
 * Reads on.
 * @param used  out: how many of the octets belong to the header; all of them
 *              while it is not complete
 */
qp_proxy_status qp_proxy_feed(qp_proxy *proxy, const char *data, apr_size_t len,
                              apr_size_t *used) QP_CHECKED;

#endif /* QP_PROXY_H */
