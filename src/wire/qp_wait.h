/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_wait.h
 * @brief Something that a session can wait for, and how it is woken.
 *
 * A handle has two owners: the pool of the session that waits, and the
 * producer that will complete it, on any thread. Neither needs the other to be
 * alive: the handle and the waker are counted, not pooled.
 */
#ifndef QP_WAIT_H
#define QP_WAIT_H

#include "base/qp_base.h"

/** Wakes one session. Whoever carries the session embeds it. */
typedef struct qp_waker qp_waker;
struct qp_waker {
    void (*wake)(qp_waker *waker);    /**< callable from any thread */
    void (*destroy)(qp_waker *waker); /**< the last reference is gone */
    unsigned int refs;
};

void qp_waker_ref(qp_waker *waker);
void qp_waker_unref(qp_waker *waker);

/**
 * Makes a handle with two references: one is dropped, and the handle thereby
 * cancelled, when @a pool is cleared; the other is the producer's and is
 * dropped by qp_wait_complete().
 */
qp_wait *qp_wait_create(qp_waker *waker, apr_pool_t *pool);

/** The producer is done, or will not do it: makes the handle ready and wakes
 *  the session. Must be called once for each handle. */
void qp_wait_complete(qp_wait *wait, apr_status_t status);

/** Makes a handle without producer, for what the session's own thread sees. */
qp_wait *qp_wait_create_plain(apr_pool_t *pool);

/** Makes a plain handle ready. */
void qp_wait_mark(qp_wait *wait, apr_status_t status);

/** Makes a plain handle pending again. */
void qp_wait_rearm(qp_wait *wait);

/** Whether the session has gone or does not want it any more. */
int qp_wait_cancelled(const qp_wait *wait);

#endif /* QP_WAIT_H */
