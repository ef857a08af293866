/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits in all the ways there are, as the word behind XJOB says: see `ways`.
 * The answer says what was ready, and how it ended. What it keeps lives as long
 * as the command. Option `folder`: where a job that is left behind makes
 * files. For tests of jobs and timers.
 */
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

#define SOON  apr_time_from_msec(30)
#define NEVER apr_time_from_sec(3600)

struct opts {
    const char *folder;
};

static const qp_opt opt_table[] = {
    QP_OPT_PATH(struct opts, folder, "folder", NULL),
    QP_OPT_END,
};

/* One job. */
struct task {
    const char *text;
    const char *folder;
    apr_status_t outcome;
    const char *result; /* in the job's memory */
};

/* One command. */
struct work {
    int n;
    qp_wait *waits[3];
    const struct task *tasks[3]; /* NULL for what is no job */
};

/* A job that ends soon. */
static apr_status_t run_short(qp_job *job, void *baton)
{
    struct task *task = baton;

    apr_sleep(SOON);
    task->result = apr_pstrcat(qp_job_pool(job), task->text, " work", NULL);
    return task->outcome;
}

static void leave_sign(qp_job *job, const struct task *task, const char *what)
{
    FILE *out = fopen(apr_pstrcat(qp_job_pool(job), task->folder, "/",
                                  task->text, what, NULL),
                      "we");

    if (out != NULL) {
        fclose(out);
    }
}

/* A job that ends when nobody waits for it any more, and leaves a sign that it
 * has begun, and one that it has ended. */
static apr_status_t run_long(qp_job *job, void *baton)
{
    const struct task *task = baton;

    leave_sign(job, task, ".begun");
    while (!qp_job_is_cancelled(job)) {
        apr_sleep(SOON);
    }
    leave_sign(job, task, "");
    return APR_EINTR;
}

static void add_job(const qp_plugin *self, qp_session *qp, struct work *work,
                    const char *text, qp_job_fn *run)
{
    const struct opts *opt = qp_opts(self);
    qp_job *job = qp_job_create(qp, qp_pool(qp));
    struct task *task = apr_pcalloc(qp_job_pool(job), sizeof(*task));

    task->text = apr_pstrdup(qp_job_pool(job), text);
    task->folder = opt->folder;
    task->outcome = strcmp(text, "bad") == 0 ? APR_ENOENT : APR_SUCCESS;
    work->tasks[work->n] = task;
    work->waits[work->n++] = qp_job_start(job, run, task);
}

static void add_timer(qp_session *qp, struct work *work,
                      apr_interval_time_t delay)
{
    work->waits[work->n++] = qp_timer(qp, delay, qp_pool(qp));
}

static void start_any(const qp_plugin *self, qp_session *qp, struct work *work)
{
    add_timer(qp, work, NEVER);
    add_job(self, qp, work, "good", run_short);
    add_timer(qp, work, NEVER);
}

static void start_all(const qp_plugin *self, qp_session *qp, struct work *work)
{
    add_timer(qp, work, SOON);
    add_job(self, qp, work, "good", run_short);
    add_job(self, qp, work, "bad", run_short);
}

static void start_none(const qp_plugin *self, qp_session *qp, struct work *work)
{
    add_timer(qp, work, NEVER);
    add_job(self, qp, work, "late", run_long);
}

/* A delay that ends when the client speaks. */
static void start_client(const qp_plugin *self, qp_session *qp,
                         struct work *work)
{
    add_timer(qp, work, NEVER);
    work->waits[work->n++] = qp_client_input(qp);
}

static const struct way {
    const char *name;
    void (*start)(const qp_plugin *self, qp_session *qp, struct work *work);
    qp_rc (*await)(qp_session *qp, qp_wait *const *waits, int n);
} ways[] = {
    { "any", start_any, qp_await_any },
    { "all", start_all, qp_await_all },
    { "none", start_none, qp_await_any },
    { "client", start_client, qp_await_any },
};

static const struct way *find_way(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (strcmp(ways[i].name, name) == 0) {
            return &ways[i];
        }
    }
    return NULL;
}

static struct work *find_work(const qp_plugin *self, qp_session *qp,
                              const struct way *way)
{
    apr_pool_t *pool = qp_pool(qp);
    void *work = NULL;

    apr_pool_userdata_get(&work, "jobs", pool);
    if (work == NULL) {
        work = apr_pcalloc(pool, sizeof(struct work));
        apr_pool_userdata_setn(work, "jobs", NULL, pool);
        way->start(self, qp, work);
        qp_log(self, qp, QP_LOG_INFO, "%s waits", way->name);
    }
    return work;
}

static int count_ready(const struct work *work)
{
    int ready = 0;
    int i;

    for (i = 0; i < work->n; i++) {
        ready += qp_ready(work->waits[i]);
    }
    return ready;
}

/* How a handle has ended, and what its job has left. */
static const char *describe_one(qp_session *qp, const struct work *work, int i)
{
    apr_status_t rv = qp_wait_status(work->waits[i]);
    const char *status = rv == APR_SUCCESS          ? "ready"
                         : rv == APR_ENOENT         ? "ENOENT"
                         : APR_STATUS_IS_EOF(rv)    ? "EOF"
                         : APR_STATUS_IS_EAGAIN(rv) ? "pending"
                                                    : "other";

    if (!qp_ready(work->waits[i]) || work->tasks[i] == NULL) {
        return status;
    }
    return apr_pstrcat(qp_pool(qp), status, "=", work->tasks[i]->result, NULL);
}

static const char *describe(qp_session *qp, const struct work *work)
{
    const char *text = "";
    int i;

    for (i = 0; i < work->n; i++) {
        text = apr_pstrcat(qp_pool(qp), text, " ", describe_one(qp, work, i),
                           NULL);
    }
    return text;
}

static qp_rc hook_unrecognized_command(const qp_plugin *self, qp_session *qp,
                                       const qp_command_arg *arg)
{
    const struct way *way = find_way(arg->line);
    struct work *work;

    if (strcmp(arg->verb, "xjob") != 0 || way == NULL) {
        return QP_DECLINED;
    }
    work = find_work(self, qp, way);
    if (count_ready(work) < (way->await == qp_await_all ? work->n : 1)) {
        return way->await(qp, work->waits, work->n);
    }
    qp_log(self, qp, QP_LOG_INFO, "%s:%s", way->name, describe(qp, work));
    qp_respond(qp, 250, "%s:%s", way->name, describe(qp, work));
    return QP_DONE;
}

QP_PLUGIN(jobs) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .hooks.unrecognized_command = hook_unrecognized_command,
};
