/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_job.h
 * @brief Blocking work of the sessions of a process, on a bounded number of
 *        threads. The functions for plugins are declared in qpsmtpd.h.
 */
#ifndef QP_JOB_H
#define QP_JOB_H

#include "wire/qp_wait.h"

typedef struct qp_jobs qp_jobs;

/**
 * Makes the threads' pool; it has no thread until there is work. When @a pool
 * is about to be destroyed, waiting jobs are given up and running ones are
 * waited for.
 * @param max_threads  at most so many jobs run at a time; those of one function
 *                     on at most half of the threads that others leave
 * @param out          lives as long as @a pool
 */
apr_status_t qp_jobs_create(qp_jobs **out, int max_threads,
                            apr_pool_t *pool) QP_CHECKED;

/** A job that is not started; see qp_job_create() in qpsmtpd.h. */
qp_job *qp_jobs_prepare(qp_jobs *jobs, qp_waker *waker, apr_pool_t *pool);

#endif /* QP_JOB_H */
