/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin for tests and the bench: is on every hook of a session, and has
 * nothing to say on any. Keeps nothing. */

#include "qpsmtpd.h"

#define DECLINE(hook, type)                                                    \
    static qp_rc hook_##hook(const qp_plugin *self, qp_session *qp, type *arg) \
    {                                                                          \
        return QP_DECLINED;                                                    \
    }
#define SLOT(hook, type) .hook = hook_##hook,

/* All but logging and config, which cost something by being there. */
#define SESSION_HOOKS(X)                                                       \
    X(pre_connection, const qp_pre_connection_arg)                             \
    X(connect, const qp_connect_arg)                                           \
    X(ehlo, const qp_helo_arg)                                                 \
    X(mail_parse, qp_parse_arg)                                                \
    X(mail_pre, qp_addr_pre_arg)                                               \
    X(mail, const qp_mail_arg)                                                 \
    X(rcpt_parse, qp_parse_arg)                                                \
    X(rcpt_pre, qp_addr_pre_arg)                                               \
    X(rcpt, const qp_rcpt_arg)                                                 \
    X(data, const qp_data_arg)                                                 \
    X(data_headers_end, const qp_data_arg)                                     \
    X(data_post_headers, const qp_data_arg)                                    \
    X(received_line, qp_received_line_arg)                                     \
    X(data_post, const qp_data_arg)                                            \
    X(queue_pre, const qp_data_arg)                                            \
    X(queue, const qp_data_arg)                                                \
    X(queue_post, const qp_queue_post_arg)                                     \
    X(reset_transaction, const qp_reset_arg)                                   \
    X(noop, const qp_words_arg)                                                \
    X(quit, const qp_words_arg)                                                \
    X(disconnect, const qp_end_arg)                                            \
    X(post_connection, const qp_end_arg)

SESSION_HOOKS(DECLINE)

QP_PLUGIN(decline) = { .hooks = { SESSION_HOOKS(SLOT) } };
