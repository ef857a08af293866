/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_timer.h
 * @brief The timers of a process: one thread, any number of handles.
 */
#ifndef QP_TIMER_H
#define QP_TIMER_H

#include "wire/qp_wait.h"

typedef struct qp_timers qp_timers;

/**
 * Starts the thread; it ends, and all timers complete, when @a pool is about
 * to be destroyed.
 * @param out  lives as long as @a pool
 */
apr_status_t qp_timers_create(qp_timers **out, apr_pool_t *pool) QP_CHECKED;

/** A handle that becomes ready after @a delay (monotonic time); cancelled with
 *  @a pool. */
qp_wait *qp_timers_add(qp_timers *timers, apr_interval_time_t delay,
                       qp_waker *waker, apr_pool_t *pool);

#endif /* QP_TIMER_H */
