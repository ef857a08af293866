/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file smtp_hook.h
 * @brief The hooks that queue/smtp-forward and queue/lmtp have in common. Their
 *        options are those of smtp_opts.h.
 */
#ifndef SMTP_HOOK_H
#define SMTP_HOOK_H

#include "smtp_job.h"
#include "smtp_opts.h"

/** The plugin's data of a transaction. */
typedef struct smtp_txn {
    smtp_job *forward;
    qp_wait *done;
} smtp_txn;

qp_rc smtp_hook_queue(const qp_plugin *self, qp_session *qp,
                      const qp_data_arg *arg);
qp_rc smtp_hook_post_fork(const qp_plugin *self, qp_session *qp,
                          const qp_post_fork_arg *arg);

#endif /* SMTP_HOOK_H */
