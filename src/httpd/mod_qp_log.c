/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines go to httpd's error log, under the module's own LogLevel. The
 * levels of qpsmtpd.h are httpd's. Nothing is kept. */

#include "httpd/mod_qp.h"

APLOG_USE_MODULE(qpsmtpd);

#define LINE_MAX_OCTETS (QP_LOG_TEXT_MAX + 512)

static int is_conn_enabled(void *ctx, int level)
{
    const conn_rec *c = ctx;

    return APLOG_C_IS_LEVEL(c, level);
}

static void write_conn(void *ctx, const qp_log_event *event)
{
    const conn_rec *c = ctx;
    char line[LINE_MAX_OCTETS];

    qp_log_compose(event, line, sizeof(line));
    ap_log_cerror(APLOG_MARK, event->level, 0, c, "%s", line);
}

static int is_server_enabled(void *ctx, int level)
{
    const server_rec *s = ctx;

    return APLOG_IS_LEVEL(s, level);
}

static void write_server(void *ctx, const qp_log_event *event)
{
    const server_rec *s = ctx;
    char line[LINE_MAX_OCTETS];

    qp_log_compose(event, line, sizeof(line));
    ap_log_error(APLOG_MARK, event->level, 0, s, "%s", line);
}

const qp_log_sink mod_qp_log_conn = { is_conn_enabled, write_conn };
const qp_log_sink mod_qp_log_server = { is_server_enabled, write_server };
