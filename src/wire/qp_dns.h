/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_dns.h
 * @brief Answers of the DNS: what is kept of a message, and names. The
 *        functions for plugins are declared in qpsmtpd.h.
 */
#ifndef QP_DNS_H
#define QP_DNS_H

#include "base/qp_base.h"

/** Octets of a name in text form, without the last dot (RFC 1035 2.3.4). */
#define QP_DNS_NAME_MAX    253
/** Records that are kept of an answer. */
#define QP_DNS_MAX_RECORDS 64

/** What is known of a question. Counted, from malloc, read-only once made. */
typedef struct qp_dns_data {
    unsigned int refs;
    qp_dns_result result;
    apr_uint32_t ttl; /**< seconds for which it may be kept; 0: not at all */
    int count;
    qp_dns_record records[]; /**< text and data of each are one malloc */
} qp_dns_data;

/** Without records. */
qp_dns_data *qp_dns_data_create(qp_dns_result result);
void qp_dns_data_ref(qp_dns_data *data);
void qp_dns_data_unref(qp_dns_data *data);

/**
 * Reads an answer.
 * @param name  what was asked for, in the form of qp_dns_normalize()
 * @param next  out, of QP_DNS_NAME_MAX + 1: the name to be asked for when the
 *              answer is an alias only, or ""
 */
qp_dns_data *qp_dns_parse(const unsigned char *msg, apr_size_t len,
                          const char *name, qp_dns_type type, char *next);

/** Copies a name in lower case and without its last dot.
 *  @param to  of QP_DNS_NAME_MAX + 1. @return whether it is a name */
int qp_dns_normalize(char *to, const char *name);

/**
 * Checks a list of servers: ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT, separated
 * by blanks or commas.
 * @param csv  out: the same as c-ares wants it; NULL for an empty list
 * @return NULL, or what is wrong
 */
const char *qp_dns_servers(const char *list, const char **csv,
                           apr_pool_t *pool);

#endif /* QP_DNS_H */
