/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_quota.h
 * @brief Limits of clients that take more than a number to say.
 */
#ifndef QP_QUOTA_H
#define QP_QUOTA_H

#include "base/qp_base.h"
#include "wire/qp_rate.h"

/** A limit for the addresses of one network. */
typedef struct qp_quota {
    qp_net net;
    int limit; /**< 0: none */
} qp_quota;

/**
 * Reads "NUMBER/TIME", such as 100/60s; "0": no limit.
 * @return NULL, or what is allowed
 */
const char *qp_quota_rate(const char *text, qp_rate *rate) QP_CHECKED;

/**
 * Reads a number and then pairs of a network and its number.
 * @param general  out: the number; it is wanted first
 * @param quotas   out: of qp_quota, in @a pool
 * @return NULL, or what is wrong, in @a pool
 */
const char *qp_quota_parse(const char *text, int *general,
                           apr_array_header_t **quotas,
                           apr_pool_t *pool) QP_CHECKED;

/** The limit of the first network that has the address, else @a general. */
int qp_quota_find(const apr_array_header_t *quotas, const char *ip,
                  int general);

#endif /* QP_QUOTA_H */
