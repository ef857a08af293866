/* SPDX-License-Identifier: Apache-2.0 */
/* Timers: a binary heap by due time and one thread that completes what is due.
 * Lives as long as the pool of the process. A cancelled timer stays in the heap
 * until it is due or the heap is full; nothing runs on the thread but the
 * wake-ups. */

#include "wire/qp_timer.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <apr_signal.h>
#include <apr_thread_proc.h>

typedef struct timer_entry {
    apr_time_t due; /* monotonic, in microseconds */
    qp_wait *wait;
} timer_entry;

struct qp_timers {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    timer_entry *heap;
    size_t len, cap;
    int stopping;
    apr_thread_t *thread;
};

static void sift_up(timer_entry *heap, size_t i)
{
    timer_entry moved = heap[i];

    while (i > 0 && heap[(i - 1) / 2].due > moved.due) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = moved;
}

static void sift_down(timer_entry *heap, size_t len, size_t i)
{
    timer_entry moved = heap[i];
    size_t child;

    while ((child = 2 * i + 1) < len) {
        if (child + 1 < len && heap[child + 1].due < heap[child].due) {
            child++;
        }
        if (heap[child].due >= moved.due) {
            break;
        }
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = moved;
}

static qp_wait *take_first(qp_timers *timers)
{
    qp_wait *wait = timers->heap[0].wait;

    timers->heap[0] = timers->heap[--timers->len];
    if (timers->len > 0) {
        sift_down(timers->heap, timers->len, 0);
    }
    return wait;
}

/* Called and left with the mutex held. */
static void sleep_until(qp_timers *timers, apr_time_t due)
{
    struct timespec until;

    until.tv_sec = (time_t)apr_time_sec(due);
    until.tv_nsec = (long)apr_time_usec(due) * 1000;
    pthread_cond_timedwait(&timers->changed, &timers->mutex, &until);
}

static void *APR_THREAD_FUNC run_timers(apr_thread_t *thread QP_UNUSED,
                                        void *data)
{
    qp_timers *timers = data;
    qp_wait *wait;

    QP_IGNORE(apr_setup_signal_thread(), "signals are for httpd's threads");
    pthread_mutex_lock(&timers->mutex);
    while (!timers->stopping) {
        if (timers->len == 0) {
            pthread_cond_wait(&timers->changed, &timers->mutex);
        }
        else if (timers->heap[0].due > qp_now()) {
            sleep_until(timers, timers->heap[0].due);
        }
        else {
            wait = take_first(timers);
            pthread_mutex_unlock(&timers->mutex);
            qp_wait_complete(wait, APR_SUCCESS);
            pthread_mutex_lock(&timers->mutex);
        }
    }
    pthread_mutex_unlock(&timers->mutex);
    return NULL;
}

static apr_status_t stop_timers(void *data)
{
    qp_timers *timers = data;
    apr_status_t rv;

    pthread_mutex_lock(&timers->mutex);
    timers->stopping = 1;
    pthread_cond_signal(&timers->changed);
    pthread_mutex_unlock(&timers->mutex);
    QP_IGNORE(apr_thread_join(&rv, timers->thread), "it cannot be helped");
    while (timers->len > 0) {
        qp_wait_complete(take_first(timers), APR_EINTR);
    }
    free(timers->heap);
    timers->heap = NULL;
    pthread_cond_destroy(&timers->changed);
    pthread_mutex_destroy(&timers->mutex);
    return APR_SUCCESS;
}

apr_status_t qp_timers_create(qp_timers **out, apr_pool_t *pool)
{
    qp_timers *timers = apr_pcalloc(pool, sizeof(*timers));
    pthread_condattr_t attr;
    apr_status_t rv;

    pthread_mutex_init(&timers->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&timers->changed, &attr);
    pthread_condattr_destroy(&attr);
    rv = apr_thread_create(&timers->thread, NULL, run_timers, timers, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* Before the pool's own children go: the thread's pool is one of them. */
    apr_pool_pre_cleanup_register(pool, timers, stop_timers);
    *out = timers;
    return APR_SUCCESS;
}

/* Takes out what nobody waits for any more. Their producers' share is all that
 * is left of them, so that nothing is woken here. */
static void drop_cancelled(qp_timers *timers)
{
    size_t kept = 0;
    size_t i;

    for (i = 0; i < timers->len; i++) {
        if (qp_wait_cancelled(timers->heap[i].wait)) {
            qp_wait_complete(timers->heap[i].wait, APR_EINTR);
        }
        else {
            timers->heap[kept++] = timers->heap[i];
        }
    }
    timers->len = kept;
    for (i = kept / 2; i-- > 0;) {
        sift_down(timers->heap, kept, i);
    }
}

static void push_entry(qp_timers *timers, apr_time_t due, qp_wait *wait)
{
    if (timers->len == timers->cap) {
        drop_cancelled(timers);
    }
    if (2 * timers->len >= timers->cap) {
        timers->cap = timers->cap == 0 ? 64 : 2 * timers->cap;
        timers->heap =
            realloc(timers->heap, timers->cap * sizeof(*timers->heap));
        if (timers->heap == NULL) {
            abort();
        }
    }
    timers->heap[timers->len].due = due;
    timers->heap[timers->len].wait = wait;
    sift_up(timers->heap, timers->len++);
}

qp_wait *qp_timers_add(qp_timers *timers, apr_interval_time_t delay,
                       qp_waker *waker, apr_pool_t *pool)
{
    qp_wait *wait = qp_wait_create(waker, pool);
    apr_time_t due = qp_now() + delay;
    int stopping;

    pthread_mutex_lock(&timers->mutex);
    stopping = timers->stopping;
    if (!stopping) {
        push_entry(timers, due, wait);
        pthread_cond_signal(&timers->changed);
    }
    pthread_mutex_unlock(&timers->mutex);
    if (stopping) {
        qp_wait_complete(wait, APR_EINTR);
    }
    return wait;
}
