/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives one answer in one hook, as the arguments say:
 *
 *     answer HOOK RC [text TEXT] [reply CODE] [twice]
 *
 * RC is a name such as DENYSOFT, or a number. With `reply` the plugin sends
 * the reply itself; with `twice` it does so again, which is wrong. For tests of
 * what the host makes of answers; it keeps no data.
 */
#include <stdlib.h>
#include <string.h>

#include "qpsmtpd.h"

struct opts {
    const char *hook;
    const char *rc;
    const char *text;
    int reply;
    int twice;
};

static const qp_opt opt_table[] = {
    QP_OPT_WORD_STR(1, struct opts, hook, "hook", NULL),
    QP_OPT_WORD_STR(2, struct opts, rc, "rc", NULL),
    QP_OPT_STR(struct opts, text, "text", NULL),
    QP_OPT_INT(struct opts, reply, "reply", "0", 0, 599),
    QP_OPT_FLAG(struct opts, twice, "twice"),
    QP_OPT_END,
};

static const struct {
    const char *name;
    int rc;
} answers[] = {
    { "OK", QP_OK },
    { "DENY", QP_DENY },
    { "DENYSOFT", QP_DENYSOFT },
    { "DENY_DISCONNECT", QP_DENY_DISCONNECT },
    { "DENYSOFT_DISCONNECT", QP_DENYSOFT_DISCONNECT },
    { "DECLINED", QP_DECLINED },
    { "DONE", QP_DONE },
};

static qp_rc find_answer(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (strcmp(name, answers[i].name) == 0) {
            return (qp_rc)answers[i].rc;
        }
    }
    return (qp_rc)atoi(name);
}

static qp_rc give_answer(const qp_plugin *self, qp_session *qp)
{
    const struct opts *opt = qp_opts(self);
    qp_rc rc = find_answer(opt->rc);

    if (opt->reply > 0) {
        qp_respond(qp, opt->reply, "%s", opt->text);
    }
    if (opt->twice) {
        qp_respond(qp, opt->reply, "again");
    }
    if (opt->text != NULL && opt->reply == 0) {
        return qp_return(qp, rc, "%s", opt->text);
    }
    return rc;
}

#define DEFINE_ANSWER(hook, type)                                              \
    static qp_rc answer_##hook(const qp_plugin *self, qp_session *qp,          \
                               type *arg)                                      \
    {                                                                          \
        return give_answer(self, qp);                                          \
    }

QP_HOOK_LIST(DEFINE_ANSWER)

#define CHOOSE_ANSWER(slot, type)                                              \
    if (strcmp(opt->hook, #slot) == 0) {                                       \
        hooks->slot = answer_##slot;                                           \
        return NULL;                                                           \
    }

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);
    qp_hooks *hooks = qp_plugin_hooks(self);

    if (opt->hook == NULL || opt->rc == NULL) {
        return "needs a hook and an answer";
    }
    QP_HOOK_LIST(CHOOSE_ANSWER)
    return "there is no such hook";
}

QP_PLUGIN(answer) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
};
