/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is not in a hurry: NOOP starts a job of twenty seconds that does not look
 * whether anybody wants it, and a message is queued when the file `go` is
 * there; with `next on` by the next plugin. At the end of a session it reads
 * its config. What it keeps lives as long as the session. For tests of clients
 * that leave, and of the stop.
 */
#include <apr_file_info.h>
#include <apr_strings.h>

#include "qpsmtpd.h"

#define JOB_TIME  apr_time_from_sec(20)
#define LOOK_TIME apr_time_from_msec(20)

struct opts {
    const char *go;
    int next;
};

struct conn {
    qp_wait *wait;
};

static const qp_opt opt_table[] = {
    QP_OPT_PATH(struct opts, go, "go", NULL),
    QP_OPT_BOOL(struct opts, next, "next", 0),
    QP_OPT_END,
};

static apr_status_t run_job(qp_job *job, void *baton)
{
    apr_sleep(JOB_TIME);
    return APR_SUCCESS;
}

static qp_rc hook_noop(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    struct conn *conn = qp_conn_data(self, qp);

    if (conn->wait == NULL) {
        qp_job *job = qp_job_create(qp, qp_conn_pool(qp));

        conn->wait = qp_job_start(job, run_job, NULL);
        qp_log(self, qp, QP_LOG_INFO, "job runs");
    }
    return qp_ready(conn->wait) ? QP_DECLINED : qp_await(qp, conn->wait);
}

/* Asked again and again, so that a test sees that time has passed. */
static qp_rc hook_queue(const qp_plugin *self, qp_session *qp,
                        const qp_data_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct conn *conn = qp_conn_data(self, qp);
    apr_finfo_t info;

    if (apr_stat(&info, opt->go, APR_FINFO_TYPE, qp_pool(qp)) == APR_SUCCESS) {
        return opt->next ? QP_DECLINED : qp_return(qp, QP_OK, "queued at last");
    }
    qp_log(self, qp, QP_LOG_INFO, "queue waits");
    conn->wait = qp_timer(qp, LOOK_TIME, qp_conn_pool(qp));
    return qp_await(qp, conn->wait);
}

static qp_rc hook_disconnect(const qp_plugin *self, qp_session *qp,
                             const qp_end_arg *arg)
{
    const char *me = qp_config_first(qp, "me");

    qp_log(self, qp, QP_LOG_INFO, "leaves %s", me != NULL ? me : "-");
    return QP_DECLINED;
}

QP_PLUGIN(linger) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .conn_size = sizeof(struct conn),
    .hooks.noop = hook_noop,
    .hooks.queue = hook_queue,
    .hooks.disconnect = hook_disconnect,
};
