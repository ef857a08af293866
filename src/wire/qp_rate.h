/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_rate.h
 * @brief How often something may happen for a key, over threads and processes.
 */
#ifndef QP_RATE_H
#define QP_RATE_H

#include "base/qp_base.h"

/** So many in a period. */
typedef struct qp_rate {
    int limit; /**< 0: no limit */
    apr_interval_time_t period;
} qp_rate;

/** The table. May be shared memory; all zero at the start. */
typedef struct qp_rates qp_rates;

/** Octets of a table for so many keys at a time. */
apr_size_t qp_rates_size(apr_uint32_t nplaces);

/** Makes a table of zeroed memory of that size. */
qp_rates *qp_rates_init(void *memory, apr_uint32_t nplaces);

/**
 * One more for @a key. What is refused does not count. A key may do as many as
 * the limit at once, and then one each time that its share of the period has
 * passed. A key that finds no place in the table is not limited.
 * @param now  monotonic, the same clock for all
 * @return 1: it is within the limit
 */
int qp_rates_take(qp_rates *rates, apr_uint64_t key, const qp_rate *rate,
                  apr_time_t now) QP_CHECKED;

#endif /* QP_RATE_H */
