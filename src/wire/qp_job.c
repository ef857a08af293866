/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: blocking work on threads of their own. A job has two owners, the
 * session that asked for it and the thread that does it; its memory lives
 * until both have let go, so that neither can take it from the other. The
 * threads live as long as the pool of the process. What the work is, is the
 * plugin's business; but work of one kind, that is of one function, never takes
 * all threads, for the service that it waits for may be mute. */

#include "wire/qp_job.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Jobs of a kind that wait for a thread; beyond that there is no hope of an
 * answer in time, and a job is answered APR_EAGAIN at once. */
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

/* Jobs of one function. Lives as long as the process, as there are few. */
typedef struct job_kind {
    struct job_kind *next;
    qp_job_fn *run;
    qp_job *first; /* of those that wait for a thread */
    qp_job **end;
    int nwaiting;
    int nrunning;
} job_kind;

struct qp_jobs {
    pthread_mutex_t mutex;
    pthread_cond_t more;
    pthread_cond_t ended; /* a thread has ended */
    job_kind *kinds;      /* the one served last is at the end */
    int nrunning;
    int nidle; /* threads that wait for a job */
    int nthreads;
    apr_pool_t *pool; /* of the kinds: pools are not shared among threads */
    int stopping;     /* atomic */
    int max_threads;
    job_thread *threads; /* max_threads of them */
};

struct qp_job {
    unsigned int refs;
    apr_pool_t *pool; /* its own */
    qp_jobs *jobs;
    qp_job *next; /* in the queue */
    job_kind *kind;
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

static job_kind *find_kind(qp_jobs *jobs, qp_job_fn *run)
{
    job_kind **at = &jobs->kinds;
    job_kind *kind;

    while (*at != NULL && (*at)->run != run) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        kind = apr_pcalloc(jobs->pool, sizeof(*kind));
        kind->run = run;
        kind->end = &kind->first;
        *at = kind;
    }
    return *at;
}

static void push_job(qp_job *job)
{
    job_kind *kind = job->kind;

    job->next = NULL;
    *kind->end = job;
    kind->end = &job->next;
    kind->nwaiting++;
}

/* A kind gets no more than half of the threads that the others leave: so there
 * is one for a further kind, however many services are mute. */
static int may_run(const qp_jobs *jobs, const job_kind *kind)
{
    return kind->first != NULL
           && kind->nrunning < jobs->max_threads - jobs->nrunning;
}

static int has_work(const qp_jobs *jobs)
{
    const job_kind *kind = jobs->kinds;

    while (kind != NULL && !may_run(jobs, kind)) {
        kind = kind->next;
    }
    return kind != NULL;
}

/* Behind all others, for it is the others' turn. */
static void put_last(qp_jobs *jobs, job_kind *kind)
{
    job_kind **at = &jobs->kinds;

    while (*at != kind) {
        at = &(*at)->next;
    }
    *at = kind->next;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = kind;
    kind->next = NULL;
}

/* @param is_last  the process ends: any will do */
static qp_job *pop_job(qp_jobs *jobs, int is_last)
{
    job_kind *kind = jobs->kinds;
    qp_job *job;

    while (kind != NULL
           && !(is_last ? kind->first != NULL : may_run(jobs, kind))) {
        kind = kind->next;
    }
    if (kind == NULL) {
        return NULL;
    }
    job = kind->first;
    kind->first = job->next;
    if (kind->first == NULL) {
        kind->end = &kind->first;
    }
    kind->nwaiting--;
    put_last(jobs, kind);
    return job;
}

static int is_stopping(const qp_jobs *jobs)
{
    return __atomic_load_n(&jobs->stopping, __ATOMIC_ACQUIRE);
}

static void wake_thread(qp_jobs *jobs);

/* A thread that was signalled may not have woken yet, and is counted as idle
 * all the same: so each that takes a job sees to those behind it.
 * @return NULL: the thread has nothing to do any more */
static qp_job *wait_for_job(qp_jobs *jobs)
{
    struct timespec until;
    qp_job *job;
    int rv = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_TIME;
    while (!has_work(jobs) && !is_stopping(jobs) && rv == 0) {
        jobs->nidle++;
        rv = pthread_cond_timedwait(&jobs->more, &jobs->mutex, &until);
        jobs->nidle--;
    }
    job = pop_job(jobs, is_stopping(jobs));
    if (job != NULL) {
        job->kind->nrunning++;
        jobs->nrunning++;
        wake_thread(jobs);
    }
    return job;
}

static void *run_thread(void *data)
{
    job_thread *thread = data;
    qp_jobs *jobs = thread->jobs;
    job_kind *kind;
    qp_job *job;

    pthread_mutex_lock(&jobs->mutex);
    while ((job = wait_for_job(jobs)) != NULL) {
        kind = job->kind;
        pthread_mutex_unlock(&jobs->mutex);
        run_job(job);
        pthread_mutex_lock(&jobs->mutex);
        kind->nrunning--;
        jobs->nrunning--;
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

/* For the work that there is, if there is any. Without a new thread it waits
 * for one of those that there are. */
static void wake_thread(qp_jobs *jobs)
{
    if (!has_work(jobs)) {
        return;
    }
    if (jobs->nidle > 0) {
        pthread_cond_signal(&jobs->more);
    }
    else if (jobs->nthreads < jobs->max_threads && !is_stopping(jobs)) {
        QP_IGNORE(start_thread(jobs), "there are others");
    }
}

static apr_status_t queue_job(qp_jobs *jobs, qp_job *job)
{
    int was_idle = jobs->nthreads == 0;
    int rv = 0;

    if (is_stopping(jobs)) {
        return APR_EINTR;
    }
    job->kind = find_kind(jobs, job->run);
    if (job->kind->nwaiting >= MAX_WAITING) {
        return APR_EAGAIN;
    }
    if (was_idle) {
        rv = start_thread(jobs);
    }
    if (rv != 0) {
        return rv;
    }
    push_job(job);
    if (!was_idle) {
        wake_thread(jobs);
    }
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
    while ((job = pop_job(jobs, 1)) != NULL) {
        pthread_mutex_unlock(&jobs->mutex);
        finish_job(job, APR_EINTR);
        pthread_mutex_lock(&jobs->mutex);
    }
    pthread_mutex_unlock(&jobs->mutex);
    join_threads(jobs);
    apr_pool_destroy(jobs->pool);
    return APR_SUCCESS;
}

apr_status_t qp_jobs_create(qp_jobs **out, int max_threads, apr_pool_t *pool)
{
    qp_jobs *jobs = apr_pcalloc(pool, sizeof(*jobs));
    pthread_condattr_t attr;

    QP_ASSERT(max_threads > 0);
    if (apr_pool_create_unmanaged_ex(&jobs->pool, NULL, NULL) != APR_SUCCESS) {
        return APR_ENOMEM;
    }
    apr_pool_tag(jobs->pool, "qp_jobs");
    jobs->max_threads = max_threads;
    jobs->threads =
        apr_pcalloc(pool, (apr_size_t)max_threads * sizeof(*jobs->threads));
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
