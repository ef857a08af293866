/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file smtp_job.h
 * @brief The job that hands a message to one of several servers.
 */
#ifndef SMTP_JOB_H
#define SMTP_JOB_H

#include "smtp_pool.h"
#include "smtp_send.h"

/** What the job works on; in its pool. */
typedef struct smtp_job {
    const smtp_way *way;
    const apr_array_header_t *servers;
    smtp_pool *pool;
    int keep;
    apr_interval_time_t idle;
    smtp_mail mail;
    smtp_client client;
    /* out */
    smtp_outcome outcome;
    const char *name;             /* of the last server */
    apr_array_header_t *troubles; /* of const char * */
} smtp_job;

/** For qp_job_start(). @param baton  the smtp_job */
apr_status_t smtp_job_run(qp_job *job, void *baton);

#endif /* SMTP_JOB_H */
