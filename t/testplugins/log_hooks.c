/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs each hook as it fires: "hook NAME", at INFO. With `verdicts` it logs
 * what other plugins answer, too: "deny PLUGIN HOOK RC TEXT". It answers
 * nothing and keeps no data. For tests of which hooks run and in what order.
 */
#include "qpsmtpd.h"

struct opts {
    int verdicts;
};

static const qp_opt opt_table[] = {
    QP_OPT_FLAG(struct opts, verdicts, "verdicts"),
    QP_OPT_END,
};

#define DEFINE_LOGGING(hook, type)                                             \
    static qp_rc log_##hook(const qp_plugin *self, qp_session *qp, type *arg)  \
    {                                                                          \
        qp_log(self, qp, QP_LOG_INFO, "hook %s", #hook);                       \
        return QP_DECLINED;                                                    \
    }

#define LOGGED_HOOKS(X)                                                        \
    X(pre_connection, const qp_pre_connection_arg)                             \
    X(connect, const qp_connect_arg)                                           \
    X(helo_parse, qp_parse_arg)                                                \
    X(ehlo_parse, qp_parse_arg)                                                \
    X(helo, const qp_helo_arg)                                                 \
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
    X(reset_transaction, const qp_reset_arg)                                   \
    X(vrfy, const qp_words_arg)                                                \
    X(noop, const qp_words_arg)                                                \
    X(help, const qp_words_arg)                                                \
    X(quit, const qp_words_arg)                                                \
    X(unrecognized_command, const qp_command_arg)                              \
    X(disconnect, const qp_end_arg)                                            \
    X(post_connection, const qp_end_arg)

LOGGED_HOOKS(DEFINE_LOGGING)

static qp_rc log_queue_post(const qp_plugin *self, qp_session *qp,
                            const qp_queue_post_arg *arg)
{
    qp_log(self, qp, QP_LOG_INFO, "hook queue_post %d recipients, %ld octets",
           arg->rcpts->nelts, (long)arg->size);
    return QP_DECLINED;
}

static qp_rc log_deny(const qp_plugin *self, qp_session *qp,
                      const qp_verdict_arg *arg)
{
    qp_log(self, qp, QP_LOG_INFO, "deny %s %s %d %s", arg->plugin, arg->hook,
           (int)arg->rc, arg->text);
    return QP_DECLINED;
}

static qp_rc log_ok(const qp_plugin *self, qp_session *qp,
                    const qp_verdict_arg *arg)
{
    qp_log(self, qp, QP_LOG_INFO, "ok %s %s %d %s", arg->plugin, arg->hook,
           (int)arg->rc, arg->text);
    return QP_DECLINED;
}

#define CHOOSE_LOGGING(hook, type) hooks->hook = log_##hook;

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);
    qp_hooks *hooks = qp_plugin_hooks(self);

    LOGGED_HOOKS(CHOOSE_LOGGING)
    hooks->queue_post = log_queue_post;
    if (opt->verdicts) {
        hooks->deny = log_deny;
        hooks->ok = log_ok;
    }
    return NULL;
}

QP_PLUGIN(log_hooks) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
};
