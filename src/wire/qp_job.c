/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: blocking work on threads of their own. A job has two owners, the
 * session that asked for it and the thread that does it; its memory lives
 * until both have let go, so that neither can take it from the other. The
 * threads live as long as the pool of the process. What the work is, is the
 * plugin's business. */

#include "wire/qp_job.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Jobs that wait for a thread; beyond that there is no hope of an answer in
 * time, and a job is answered APR_EAGAIN at once. */
#define MAX_WAITING 10000
/* How long a thread without work stays, in seconds. */
#define IDLE_TIME   10
/* How long the end of the process waits for jobs, in seconds. */
#define STOP_TIME   2

typedef enum thread_state {
    THREAD_NONE,
    THREAD_RUNS,
    THREAD_ENDED /* to be joined */
} thread_state;

typedef struct job_thread {
    qp_jobs *jobs;
    pthread_t id;
    thread_state state;
} job_thread;

struct qp_jobs {
    pthread_mutex_t mutex;
    pthread_cond_t more;
    pthread_cond_t ended; /* a thread has ended */
    qp_job *first;        /* of those that wait for a thread */
    qp_job **end;
    int nwaiting;
    int nidle; /* threads that wait for a job */
    int nthreads;
    int stopping; /* atomic */
    int max_threads;
    job_thread *threads; /* max_threads of them */
};

struct qp_job {
    unsigned int refs;
    apr_pool_t *pool; /* its own */
    qp_jobs *jobs;
    qp_job *next; /* in the queue */
    qp_waker *waker;
    apr_pool_t *owner; /* pool of the session that waits; its thread's only */
    qp_wait *wait;     /* NULL until it is started */
    qp_job_fn *run;
    void *baton;
};

static void unref_job(qp_job *job)
{
    if (__atomic_sub_fetch(&job->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        qp_waker_unref(job->waker);
        apr_pool_destroy(job->pool);
    }
}

static void finish_job(qp_job *job, apr_status_t rv)
{
    qp_wait_complete(job->wait, rv);
    unref_job(job);
}

static void run_job(qp_job *job)
{
    apr_status_t rv = APR_EINTR;

    if (!qp_job_is_cancelled(job)) {
        rv = job->run(job, job->baton);
    }
    finish_job(job, rv);
}

/* The queue and the threads; called with the mutex held. ------------------ */

static void push_job(qp_jobs *jobs, qp_job *job)
{
    job->next = NULL;
    *jobs->end = job;
    jobs->end = &job->next;
    jobs->nwaiting++;
}

static qp_job *pop_job(qp_jobs *jobs)
{
    qp_job *job = jobs->first;

    if (job != NULL) {
        jobs->first = job->next;
        if (jobs->first == NULL) {
            jobs->end = &jobs->first;
        }
        jobs->nwaiting--;
    }
    return job;
}

static int is_stopping(const qp_jobs *jobs)
{
    return __atomic_load_n(&jobs->stopping, __ATOMIC_ACQUIRE);
}

/* @return NULL: the thread has nothing to do any more */
static qp_job *wait_for_job(qp_jobs *jobs)
{
    struct timespec until;
    int rv = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_TIME;
    while (jobs->first == NULL && !is_stopping(jobs) && rv == 0) {
        jobs->nidle++;
        rv = pthread_cond_timedwait(&jobs->more, &jobs->mutex, &until);
        jobs->nidle--;
    }
    return pop_job(jobs);
}

static void *run_thread(void *data)
{
    job_thread *thread = data;
    qp_jobs *jobs = thread->jobs;
    qp_job *job;

    pthread_mutex_lock(&jobs->mutex);
    while ((job = wait_for_job(jobs)) != NULL) {
        pthread_mutex_unlock(&jobs->mutex);
        run_job(job);
        pthread_mutex_lock(&jobs->mutex);
    }
    thread->state = THREAD_ENDED;
    jobs->nthreads--;
    pthread_cond_signal(&jobs->ended);
    pthread_mutex_unlock(&jobs->mutex);
    return NULL;
}

/* A place for a thread that is not running. */
static job_thread *find_place(qp_jobs *jobs)
{
    job_thread *thread = jobs->threads;

    while (thread->state == THREAD_RUNS) {
        thread++;
    }
    if (thread->state == THREAD_ENDED) {
        pthread_join(thread->id, NULL);
        thread->state = THREAD_NONE;
    }
    return thread;
}

/* Signals are for the server's own threads. */
static int start_thread(qp_jobs *jobs)
{
    job_thread *thread = find_place(jobs);
    sigset_t all;
    sigset_t before;
    int rv;

    thread->jobs = jobs;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rv = pthread_create(&thread->id, NULL, run_thread, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rv == 0) {
        thread->state = THREAD_RUNS;
        jobs->nthreads++;
    }
    return rv;
}

/* A thread that was signalled may not have woken yet: as many jobs wait as
 * there are idle threads before it takes a further one. Without a new thread
 * the job waits for one of those that there are. */
static apr_status_t queue_job(qp_jobs *jobs, qp_job *job)
{
    int rv = 0;

    if (is_stopping(jobs)) {
        return APR_EINTR;
    }
    if (jobs->nwaiting >= MAX_WAITING) {
        return APR_EAGAIN;
    }
    if (jobs->nwaiting >= jobs->nidle && jobs->nthreads < jobs->max_threads) {
        rv = start_thread(jobs);
    }
    if (jobs->nthreads == 0) {
        return rv;
    }
    push_job(jobs, job);
    pthread_cond_signal(&jobs->more);
    return APR_SUCCESS;
}

/* ------------------------------------------------------------------------- */

/* A job that is in the middle of something cannot be stopped, and httpd does
 * not wait long for its children. With a job still running the memory that it
 * uses must not go: then the process ends here, where nothing is left to do
 * that matters. */
static void wait_for_threads(qp_jobs *jobs)
{
    struct timespec until;
    int rv = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_TIME;
    pthread_mutex_lock(&jobs->mutex);
    while (jobs->nthreads > 0 && rv == 0) {
        rv = pthread_cond_timedwait(&jobs->ended, &jobs->mutex, &until);
    }
    pthread_mutex_unlock(&jobs->mutex);
    if (rv != 0) {
        _exit(0);
    }
}

static void join_threads(qp_jobs *jobs)
{
    int was_started;
    int i;

    wait_for_threads(jobs);
    for (i = 0; i < jobs->max_threads; i++) {
        pthread_mutex_lock(&jobs->mutex);
        was_started = jobs->threads[i].state != THREAD_NONE;
        pthread_mutex_unlock(&jobs->mutex);
        if (was_started) {
            pthread_join(jobs->threads[i].id, NULL);
        }
    }
}

static apr_status_t stop_jobs(void *data)
{
    qp_jobs *jobs = data;
    qp_job *job;

    pthread_mutex_lock(&jobs->mutex);
    __atomic_store_n(&jobs->stopping, 1, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&jobs->more);
    while ((job = pop_job(jobs)) != NULL) {
        pthread_mutex_unlock(&jobs->mutex);
        finish_job(job, APR_EINTR);
        pthread_mutex_lock(&jobs->mutex);
    }
    pthread_mutex_unlock(&jobs->mutex);
    join_threads(jobs);
    return APR_SUCCESS;
}

apr_status_t qp_jobs_create(qp_jobs **out, int max_threads, apr_pool_t *pool)
{
    qp_jobs *jobs = apr_pcalloc(pool, sizeof(*jobs));
    pthread_condattr_t attr;

    QP_ASSERT(max_threads > 0);
    jobs->max_threads = max_threads;
    jobs->threads =
        apr_pcalloc(pool, (apr_size_t)max_threads * sizeof(*jobs->threads));
    jobs->end = &jobs->first;
    pthread_mutex_init(&jobs->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&jobs->more, &attr);
    pthread_cond_init(&jobs->ended, &attr);
    pthread_condattr_destroy(&attr);
    apr_pool_pre_cleanup_register(pool, jobs, stop_jobs);
    *out = jobs;
    return APR_SUCCESS;
}

static apr_status_t leave_job(void *data)
{
    unref_job(data);
    return APR_SUCCESS;
}

qp_job *qp_jobs_prepare(qp_jobs *jobs, qp_waker *waker, apr_pool_t *pool)
{
    apr_pool_t *own;
    qp_job *job;

    if (apr_pool_create_unmanaged_ex(&own, NULL, NULL) != APR_SUCCESS) {
        abort();
    }
    apr_pool_tag(own, "qp_job");
    job = apr_pcalloc(own, sizeof(*job));
    job->refs = 1;
    job->pool = own;
    job->jobs = jobs;
    job->waker = waker;
    qp_waker_ref(waker);
    job->owner = pool;
    apr_pool_cleanup_register(pool, job, leave_job, apr_pool_cleanup_null);
    return job;
}

apr_pool_t *qp_job_pool(qp_job *job)
{
    return job->pool;
}

int qp_job_is_cancelled(const qp_job *job)
{
    return (job->wait != NULL && qp_wait_cancelled(job->wait))
           || is_stopping(job->jobs);
}

/* The wait is made last: when the owner's pool goes, it is cancelled first. */
qp_wait *qp_job_start(qp_job *job, qp_job_fn *run, void *baton)
{
    qp_jobs *jobs = job->jobs;
    qp_wait *wait = qp_wait_create(job->waker, job->owner);
    apr_status_t rv;

    job->run = run;
    job->baton = baton;
    job->wait = wait;
    __atomic_add_fetch(&job->refs, 1, __ATOMIC_RELAXED);
    pthread_mutex_lock(&jobs->mutex);
    rv = queue_job(jobs, job);
    pthread_mutex_unlock(&jobs->mutex);
    if (rv != APR_SUCCESS) {
        finish_job(job, rv);
    }
    return wait;
}
