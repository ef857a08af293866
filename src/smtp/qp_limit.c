/* SPDX-License-Identifier: Apache-2.0 */
/* Limits (R71, R88 to R96, R115). What is counted is in the session, or in the
 * carrier's table where it is shared by processes. Each refusal is one line of
 * the log that names the key. Mistakes are counted by qp_session. */

#include "smtp/qp_limit.h"

#include "plugin/qp_quota.h"

/* For connections and messages of one client in one table. */
#define CONN_SALT APR_UINT64_C(0x9e3779b97f4a7c15)

static void refuse(qp_session *qp, qp_end why, const char *text)
{
    qp_session_reply(qp, 421, "4.7.0", "%s", text);
    qp_session_close(qp, why);
}

static int is_rate_kept(const qp_session *qp, const qp_rate *rate,
                        apr_uint64_t salt)
{
    return qp->carrier->rates == NULL
           || qp_rates_take(qp->carrier->rates, qp->carrier->rate_key ^ salt,
                            rate, qp_now());
}

int qp_limit_connection(qp_session *qp)
{
    const qp_settings *settings = qp->settings;
    const qp_peers *peers = &qp->conn->peers;
    int max = qp_quota_find(settings->conn_quotas, peers->remote_ip,
                            settings->max_conn_ip);

    if (settings->max_connections > 0
        && peers->conns_of_all > settings->max_connections) {
        qp_session_log(qp, QP_LOG_INFO, "QP1612",
                       "refused, %d connections (max_connections)",
                       peers->conns_of_all);
        refuse(qp, QP_END_REFUSED, "Too many connections, try again later");
        return 0;
    }
    if (max > 0 && peers->conns_of_ip > max) {
        qp_session_log(qp, QP_LOG_INFO, "QP1613",
                       "refused, %d connections of this address (max_conn_ip)",
                       peers->conns_of_ip);
        refuse(qp, QP_END_REFUSED, "Too many connections from your address");
        return 0;
    }
    if (!is_rate_kept(qp, &settings->conn_rate_ip, CONN_SALT)) {
        qp_session_log(qp, QP_LOG_INFO, "QP1614",
                       "refused, too many new connections of this address "
                       "(max_conn_rate_ip)");
        refuse(qp, QP_END_REFUSED, "You connect too often, try again later");
        return 0;
    }
    return 1;
}

static int has_input(qp_session *qp)
{
    const char *data;
    apr_size_t len;

    return qp_io_peek(qp->io, &data, &len) == APR_SUCCESS;
}

int qp_limit_early(qp_session *qp)
{
    if (qp->settings->pipelining != QP_PIPELINING_STRICT || !has_input(qp)) {
        return 1;
    }
    qp_session_log(qp, QP_LOG_INFO, "QP1615",
                   "closed: talks before the greeting (pipelining)");
    qp_session_reply(qp, 554, "5.5.1", "Wait for the greeting");
    qp_session_close(qp, QP_END_DENIED);
    return 0;
}

int qp_limit_pipelining(qp_session *qp, const char *verb)
{
    if (qp->settings->pipelining != QP_PIPELINING_STRICT || !has_input(qp)) {
        return 1;
    }
    qp_session_log(qp, QP_LOG_INFO, "QP1616",
                   "closed: talks on behind %s (pipelining)", verb);
    qp_session_reply(qp, 503, "5.5.1", "Wait for the reply to %s", verb);
    qp_session_close(qp, QP_END_DENIED);
    return 0;
}

/* No command begins with a control character or an octet above 126. TLS does
 * (RFC 8446 5.1), and so do many things that look for an open port. */
int qp_limit_binary(qp_session *qp)
{
    const char *data;
    apr_size_t len;
    unsigned char first;

    if (qp->ncommands > 0 || qp->line.len > 0
        || qp_io_peek(qp->io, &data, &len) != APR_SUCCESS) {
        return 1;
    }
    first = (unsigned char)data[0];
    if ((first >= ' ' && first < 127) || first == '\r' || first == '\n'
        || first == '\t') {
        return 1;
    }
    qp_session_log(qp, QP_LOG_INFO, "QP1617",
                   "closed: this client does not speak SMTP, it begins with "
                   "0x%02x%s",
                   first, first == 0x16 ? " (TLS)" : "");
    qp->in_command = 1;
    qp_session_reply(qp, 521, "5.5.2", "This is a mail server");
    qp_session_close(qp, QP_END_DENIED);
    return 0;
}

int qp_limit_command(qp_session *qp)
{
    int max = qp->settings->max_commands;

    if (++qp->ncommands <= max || max == 0) {
        return 1;
    }
    qp_session_log(qp, QP_LOG_INFO, "QP1618",
                   "closed after %d commands without a message (max_commands)",
                   max);
    refuse(qp, QP_END_DENIED, "Too many commands, closing connection");
    return 0;
}

int qp_limit_mail(qp_session *qp)
{
    const qp_settings *settings = qp->settings;

    if (settings->max_messages > 0
        && qp->ntxns >= (unsigned int)settings->max_messages) {
        qp_session_log(qp, QP_LOG_INFO, "QP1619",
                       "closed after %u messages (max_messages)", qp->ntxns);
        refuse(qp, QP_END_DENIED, "Enough messages, make a new connection");
        return 0;
    }
    if (!is_rate_kept(qp, &settings->rate_ip, 0)) {
        qp_session_log(qp, QP_LOG_INFO, "QP1620",
                       "refused, too many messages of this address "
                       "(max_rate_ip)");
        qp_session_error(qp, 450, "4.7.1",
                         "You send too much, try again later");
        return 0;
    }
    return 1;
}

/* How long what has begun may take. Octets that have come give more time, so
 * that only those who dribble run out of it. */
static apr_interval_time_t allow_time(const qp_session *qp)
{
    const qp_settings *settings = qp->settings;
    apr_off_t octets = qp->io->taken - qp->began_at;

    if (qp->mode == QP_MODE_COMMAND) {
        return settings->timeout_line;
    }
    if (settings->timeout_data == 0 || settings->min_data_rate == 0) {
        return settings->timeout_data;
    }
    return settings->timeout_data
           + apr_time_from_sec(octets / settings->min_data_rate);
}

int qp_limit_is_late(qp_session *qp)
{
    apr_time_t now;
    apr_interval_time_t allowed;

    if (qp->mode == QP_MODE_COMMAND && qp->line.len == 0
        && !qp->line.too_long) {
        qp->began = 0;
        return 0;
    }
    now = qp_now();
    if (qp->began == 0) {
        qp->began = now;
        qp->began_at = qp->io->taken;
        return 0;
    }
    allowed = allow_time(qp);
    if (allowed == 0 || now - qp->began <= allowed) {
        return 0;
    }
    qp_session_log(qp, QP_LOG_INFO, "QP1621",
                   "closed: %" APR_TIME_T_FMT " s for %" APR_OFF_T_FMT
                   " octets (%s)",
                   apr_time_sec(now - qp->began), qp->io->taken - qp->began_at,
                   qp->mode == QP_MODE_COMMAND ? "timeout_line"
                                               : "timeout_data, min_data_rate");
    return 1;
}
