/* SPDX-License-Identifier: Apache-2.0 */
/* Handles that sessions wait for. A handle lives until both its owners have
 * let go of it, so it comes from malloc. It runs nothing by itself and knows
 * no thread but its callers'. */

#include "wire/qp_wait.h"

#include <stdlib.h>

typedef enum wait_state { WAIT_PENDING, WAIT_READY, WAIT_CANCELLED } wait_state;

struct qp_wait {
    unsigned int refs;
    int state;
    apr_status_t status;
    qp_waker *waker;
};

void qp_waker_ref(qp_waker *waker)
{
    __atomic_add_fetch(&waker->refs, 1, __ATOMIC_RELAXED);
}

void qp_waker_unref(qp_waker *waker)
{
    if (__atomic_sub_fetch(&waker->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        waker->destroy(waker);
    }
}

static void unref_wait(qp_wait *wait)
{
    if (__atomic_sub_fetch(&wait->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        free(wait);
    }
}

/* The waker holds a descriptor: whoever is done first lets go of it, so that a
 * session that has gone does not keep it until its last producer is done. */
static qp_waker *take_waker(qp_wait *wait)
{
    return __atomic_exchange_n(&wait->waker, NULL, __ATOMIC_ACQ_REL);
}

static apr_status_t cancel_wait(void *data)
{
    qp_wait *wait = data;
    qp_waker *waker;
    int pending = WAIT_PENDING;

    __atomic_compare_exchange_n(&wait->state, &pending, WAIT_CANCELLED, 0,
                                __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    waker = take_waker(wait);
    if (waker != NULL) {
        qp_waker_unref(waker);
    }
    unref_wait(wait);
    return APR_SUCCESS;
}

static qp_wait *make_wait(unsigned int refs, qp_waker *waker, apr_pool_t *pool)
{
    qp_wait *wait = malloc(sizeof(*wait));

    if (wait == NULL) {
        abort();
    }
    wait->refs = refs;
    wait->state = WAIT_PENDING;
    wait->status = APR_EAGAIN;
    wait->waker = waker;
    apr_pool_cleanup_register(pool, wait, cancel_wait, apr_pool_cleanup_null);
    return wait;
}

qp_wait *qp_wait_create(qp_waker *waker, apr_pool_t *pool)
{
    qp_waker_ref(waker);
    return make_wait(2, waker, pool);
}

qp_wait *qp_wait_create_plain(apr_pool_t *pool)
{
    return make_wait(1, NULL, pool);
}

void qp_wait_mark(qp_wait *wait, apr_status_t status)
{
    wait->status = status;
    __atomic_store_n(&wait->state, WAIT_READY, __ATOMIC_RELEASE);
}

void qp_wait_complete(qp_wait *wait, apr_status_t status)
{
    int pending = WAIT_PENDING;
    int is_wanted;
    qp_waker *waker;

    wait->status = status;
    is_wanted =
        __atomic_compare_exchange_n(&wait->state, &pending, WAIT_READY, 0,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    waker = take_waker(wait);
    if (waker != NULL) {
        if (is_wanted) {
            waker->wake(waker);
        }
        qp_waker_unref(waker);
    }
    unref_wait(wait);
}

void qp_wait_rearm(qp_wait *wait)
{
    __atomic_store_n(&wait->state, WAIT_PENDING, __ATOMIC_RELEASE);
    wait->status = APR_EAGAIN;
}

int qp_wait_cancelled(const qp_wait *wait)
{
    return __atomic_load_n(&wait->state, __ATOMIC_ACQUIRE) == WAIT_CANCELLED;
}

int qp_ready(const qp_wait *wait)
{
    return __atomic_load_n(&wait->state, __ATOMIC_ACQUIRE) != WAIT_PENDING;
}

apr_status_t qp_wait_status(const qp_wait *wait)
{
    return qp_ready(wait) ? wait->status : APR_EAGAIN;
}
