/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin reads from the client, asks it, and waits for, within a
 * command of its own. All of it belongs to the current command. Ordinary
 * commands are read by qp_engine. */

#include <apr_strings.h>

#include "session/qp_session.h"

void qp_prompt(qp_session *qp, int code, const char *fmt, ...)
{
    va_list ap;
    const char *text;

    va_start(ap, fmt);
    text = apr_pvsprintf(qp_session_pcmd(qp), fmt, ap);
    va_end(ap);
    if (qp->replied) {
        qp_session_log(qp, QP_LOG_CRIT, "QP1005",
                       "prompt behind a reply not sent: %d %s", code, text);
        return;
    }
    qp_session_log(qp, QP_LOG_DEBUG, "QP1006", "> %d %s", code, text);
    qp_reply_write(qp->io, code, NULL, text);
}

apr_status_t qp_client_line(qp_session *qp, apr_size_t max, const char **line)
{
    char *text = NULL;
    apr_size_t len;
    qp_line_kind kind = QP_LINE_GOOD;
    apr_status_t rv;

    rv = qp_line_read(&qp->line, qp->io, max, &text, &len, &kind,
                      qp_session_pcmd(qp));
    *line = text;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* One that begins like AUTH is not too long for the wire; for us it is. */
    if (kind == QP_LINE_TOO_LONG || len + 2 > max) {
        *line = ""; /* and not its first octets */
        return APR_ENOSPC;
    }
    return kind == QP_LINE_GOOD ? APR_SUCCESS : APR_EINVAL;
}

apr_status_t qp_client_peek(qp_session *qp, const char **data, apr_size_t *len)
{
    return qp_io_peek(qp->io, data, len);
}

void qp_client_skip(qp_session *qp, apr_size_t len)
{
    qp_io_skip(qp->io, len);
}

/* Input, its end and a broken connection are all something to be seen. */
void qp_session_look(qp_session *qp)
{
    const char *data;
    apr_size_t len;
    apr_status_t rv;

    if (qp->input == NULL || qp_ready(qp->input)) {
        return;
    }
    rv = qp_io_peek(qp->io, &data, &len);
    if (!APR_STATUS_IS_EAGAIN(rv)) {
        qp_wait_mark(qp->input, rv);
    }
}

/* One that is not ready yet is the same for all who ask. */
qp_wait *qp_client_input(qp_session *qp)
{
    if (qp->input == NULL) {
        qp->input = qp_wait_create_plain(qp_session_pcmd(qp));
    }
    qp_wait_rearm(qp->input); /* one for the command, however long it is */
    qp_session_look(qp);
    return qp->input;
}
