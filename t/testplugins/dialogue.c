/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adds a command with a dialogue of its own:
 *
 *     C: XTALK 5               S: 334 first
 *     C: one                   S: 334 second
 *     C: two
 *     C: 12345                 S: 250 one|two|sum 255
 *
 * A line of "*" cancels it. What it keeps lives as long as the command. For
 * tests of what a plugin reads from the client.
 */
#include <stdlib.h>
#include <string.h>

#include "qpsmtpd.h"

#define MAX_LINE 100

struct talk {
    int prompts;
    int nlines;
    const char *lines[2];
    long wanted; /* octets behind the lines */
    unsigned int sum;
};

/* Belongs to the pool, and so cannot be taken for that of another command. */
static struct talk *find_talk(qp_session *qp, const qp_command_arg *arg)
{
    apr_pool_t *pool = qp_pool(qp);
    void *found = NULL;
    struct talk *talk;

    apr_pool_userdata_get(&found, "dialogue", pool);
    if (found != NULL) {
        return found;
    }
    talk = apr_pcalloc(pool, sizeof(*talk));
    talk->wanted = strtol(arg->line, NULL, 10);
    apr_pool_userdata_setn(talk, "dialogue", NULL, pool);
    return talk;
}

static apr_status_t read_lines(qp_session *qp, struct talk *talk)
{
    static const char *const prompts[] = { "first", "second" };
    apr_status_t rv;

    while (talk->nlines < 2) {
        if (talk->prompts == talk->nlines) {
            qp_prompt(qp, 334, "%s", prompts[talk->prompts++]);
        }
        rv = qp_client_line(qp, MAX_LINE, &talk->lines[talk->nlines]);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (strcmp(talk->lines[talk->nlines++], "*") == 0) {
            return APR_INCOMPLETE;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t read_octets(qp_session *qp, struct talk *talk)
{
    long left = talk->wanted;
    const char *data;
    apr_size_t len;
    apr_size_t i;
    apr_status_t rv;

    while (left > 0) {
        rv = qp_client_peek(qp, &data, &len);
        if (rv != APR_SUCCESS) {
            talk->wanted = left;
            return rv;
        }
        len = len < (apr_size_t)left ? len : (apr_size_t)left;
        for (i = 0; i < len; i++) {
            talk->sum += (unsigned char)data[i];
        }
        qp_client_skip(qp, len);
        left -= (long)len;
    }
    talk->wanted = 0;
    return APR_SUCCESS;
}

static qp_rc answer(const qp_plugin *self, qp_session *qp, apr_status_t rv,
                    const struct talk *talk)
{
    switch (rv) {
    case APR_SUCCESS:
        qp_respond(qp, 250, "%s|%s|sum %u", talk->lines[0], talk->lines[1],
                   talk->sum);
        break;
    case APR_INCOMPLETE:
        qp_respond(qp, 501, "5.7.0 Cancelled");
        break;
    case APR_EINVAL:
        qp_respond(qp, 501, "5.5.2 Bad line");
        break;
    case APR_ENOSPC:
        qp_respond(qp, 500, "5.5.6 Line too long");
        break;
    default:
        qp_log(self, qp, QP_LOG_INFO, "the client has left, %d lines",
               talk->nlines);
        return QP_DECLINED;
    }
    return QP_DONE;
}

static qp_rc hook_unrecognized_command(const qp_plugin *self, qp_session *qp,
                                       const qp_command_arg *arg)
{
    struct talk *talk;
    apr_status_t rv;

    if (strcmp(arg->verb, "xtalk") != 0) {
        return QP_DECLINED;
    }
    talk = find_talk(qp, arg);
    rv = read_lines(qp, talk);
    if (rv == APR_SUCCESS) {
        rv = read_octets(qp, talk);
    }
    if (APR_STATUS_IS_EAGAIN(rv)) {
        return qp_await(qp, qp_client_input(qp));
    }
    return answer(self, qp, rv, talk);
}

static qp_rc hook_ehlo(const qp_plugin *self, qp_session *qp,
                       const qp_helo_arg *arg)
{
    qp_add_capability(qp, "XTALK");
    return QP_DECLINED;
}

QP_PLUGIN(dialogue) = {
    .hooks.ehlo = hook_ehlo,
    .hooks.unrecognized_command = hook_unrecognized_command,
};
