/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: blocking work on APR-util's thread pool. A job has two owners, the
 * session that asked for it and the thread that does it; its memory lives
 * until both have let go, so that neither can take it from the other. What the
 * work is, is the plugin's business. */

#include "wire/qp_job.h"

#include <stdlib.h>

#include <apr_thread_pool.h>

/* Jobs that wait for a thread; beyond that there is no hope of an answer in
 * time, and a job is answered APR_EAGAIN at once. */
#define MAX_WAITING 10000
/* How long a thread without work stays. */
#define IDLE_TIME   apr_time_from_sec(10)

struct qp_jobs {
    apr_thread_pool_t *threads;
    int stopping; /* atomic */
};

struct qp_job {
    unsigned int refs;
    apr_pool_t *pool; /* its own */
    qp_jobs *jobs;
    qp_waker *waker;
    apr_pool_t *owner; /* pool of the session that waits; its thread's only */
    qp_wait *wait;     /* NULL until it is started */
    qp_job_fn *run;
    void *baton;
};

static apr_status_t stop_jobs(void *data)
{
    qp_jobs *jobs = data;

    __atomic_store_n(&jobs->stopping, 1, __ATOMIC_RELEASE);
    return apr_thread_pool_destroy(jobs->threads);
}

apr_status_t qp_jobs_create(qp_jobs **out, int max_threads, apr_pool_t *pool)
{
    qp_jobs *jobs = apr_pcalloc(pool, sizeof(*jobs));
    apr_status_t rv;

    rv = apr_thread_pool_create(&jobs->threads, 0, (apr_size_t)max_threads,
                                pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_thread_pool_idle_max_set(jobs->threads, 1);
    apr_thread_pool_idle_wait_set(jobs->threads, IDLE_TIME);
    apr_thread_pool_threshold_set(jobs->threads, 0);
    apr_pool_pre_cleanup_register(pool, jobs, stop_jobs);
    *out = jobs;
    return APR_SUCCESS;
}

static void unref_job(qp_job *job)
{
    if (__atomic_sub_fetch(&job->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        qp_waker_unref(job->waker);
        apr_pool_destroy(job->pool);
    }
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
    return qp_wait_cancelled(job->wait)
           || __atomic_load_n(&job->jobs->stopping, __ATOMIC_ACQUIRE);
}

static void *APR_THREAD_FUNC run_job(apr_thread_t *thread QP_UNUSED, void *data)
{
    qp_job *job = data;
    apr_status_t rv = APR_EINTR;

    if (!qp_job_is_cancelled(job)) {
        rv = job->run(job, job->baton);
    }
    qp_wait_complete(job->wait, rv);
    unref_job(job);
    return NULL;
}

qp_wait *qp_job_start(qp_job *job, qp_job_fn *run, void *baton)
{
    apr_status_t rv = APR_EAGAIN;

    job->run = run;
    job->baton = baton;
    job->wait = qp_wait_create(job->waker, job->owner);
    __atomic_add_fetch(&job->refs, 1, __ATOMIC_RELAXED);
    if (apr_thread_pool_tasks_count(job->jobs->threads) < MAX_WAITING) {
        rv = apr_thread_pool_push(job->jobs->threads, run_job, job,
                                  APR_THREAD_TASK_PRIORITY_NORMAL, NULL);
    }
    if (rv != APR_SUCCESS) {
        qp_wait_complete(job->wait, rv);
        unref_job(job);
    }
    return job->wait;
}
