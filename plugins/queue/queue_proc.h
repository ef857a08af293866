/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file queue_proc.h
 * @brief Programs that put a message into the queue of an MTA: whether there is
 *        one, and what comes of it.
 */
#ifndef QUEUE_PROC_H
#define QUEUE_PROC_H

#include <unistd.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

/** For qp_proc_run(). The host's deadline is shorter, and cancels the job. */
#define QUEUE_LONGEST apr_time_from_sec(365 * 86400)

/** In setup. @param option  whose value @a program is. @return NULL, or what is
 *  wrong */
static inline const char *queue_check_program(const char *option,
                                              const char *program,
                                              apr_pool_t *pconf)
{
    if (program[0] != '/' || access(program, X_OK) != 0) {
        return apr_psprintf(pconf, "%s: \"%s\" is not the path of a program",
                            option, program);
    }
    return NULL;
}

/** How it has ended, in words; in vain. */
static inline const char *queue_tell_end(const qp_proc *proc, apr_pool_t *pool)
{
    if (proc->signal != 0) {
        return apr_psprintf(pool, "signal %d", proc->signal);
    }
    if (proc->exit == 0) {
        return "it has not read all of it";
    }
    return apr_psprintf(pool, "exit status %d", proc->exit);
}

/** Whether it has taken the message; then the answer is given. */
static inline int queue_is_taken(const qp_plugin *self, qp_session *qp,
                                 const qp_proc *proc)
{
    if (proc->exit != 0 || proc->signal != 0 || proc->is_unread) {
        return 0;
    }
    qp_pass(self, qp, "message %s queued", qp_txn_id(qp_transaction(qp)));
    return 1;
}

/** It has said nothing of use: the client comes again. */
static inline qp_rc queue_defer(const qp_plugin *self, qp_session *qp,
                                const qp_proc *proc)
{
    qp_error(self, qp, "message %s not queued: %s %s",
             qp_txn_id(qp_transaction(qp)), queue_tell_end(proc, qp_pool(qp)),
             proc->err);
    return qp_return_dsn(qp, QP_DENYSOFT, 3, 0,
                         "The message cannot be queued now");
}

/** It was not run at all: it is the next plugin's turn. */
static inline qp_rc queue_give_up(const qp_plugin *self, qp_session *qp,
                                  const qp_proc *proc)
{
    qp_error(self, qp, "%s",
             proc->error[0] != '\0' ? proc->error
                                    : "too many messages wait already");
    return qp_return_dsn(qp, QP_DECLINED, 3, 0,
                         "The message could not be queued");
}

/** The answer to a program that was run to its end. */
typedef qp_rc queue_judge_fn(const qp_plugin *self, qp_session *qp,
                             const qp_proc *proc);

/** Waits for the job that runs the program, then answers.
 *  @param judge  asked when it was run */
static inline qp_rc queue_follow(const qp_plugin *self, qp_session *qp,
                                 qp_wait *done, const qp_proc *proc,
                                 queue_judge_fn *judge)
{
    if (!qp_ready(done)) {
        return qp_await(qp, done);
    }
    return qp_wait_status(done) == APR_SUCCESS ? judge(self, qp, proc)
                                               : queue_give_up(self, qp, proc);
}

#endif /* QUEUE_PROC_H */
