/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers VRFY with what a mailbox has for a config key: "VRFY KEY <ADDRESS>".
 * It keeps no data. For tests of the hook user_config.
 */
#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

/* "<user@host>"; whatever is in it. */
static void split_addr(char *text, qp_addr *addr)
{
    char *at = strrchr(text, '@');
    size_t len = strlen(text);

    if (len > 0 && text[len - 1] == '>') {
        text[len - 1] = '\0';
    }
    addr->user = text[0] == '<' ? text + 1 : text;
    addr->host = "";
    if (at != NULL) {
        *at = '\0';
        addr->host = at + 1;
    }
}

static qp_rc hook_vrfy(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    const apr_array_header_t *lines;
    const char *key;
    qp_addr addr;

    if (arg->words->nelts < 2) {
        return QP_DECLINED;
    }
    key = APR_ARRAY_IDX(arg->words, 0, const char *);
    split_addr(apr_pstrdup(qp_pool(qp),
                           APR_ARRAY_IDX(arg->words, 1, const char *)),
               &addr);
    lines = qp_user_config(qp, &addr, key);
    return qp_return(qp, QP_OK, "%d: %s", lines->nelts,
                     apr_array_pstrcat(qp_pool(qp), lines, '|'));
}

QP_PLUGIN(show_user_config) = { .hooks.vrfy = hook_vrfy };
