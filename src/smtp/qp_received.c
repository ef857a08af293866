/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the Received field from what the session knows. All of it is checked
 * or cleaned: a client's name must not fake the parts that follow (R28). */

#include "smtp/qp_received.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

/* Date and time of RFC 5322 3.3, in local time and always in English. */
static const char *format_date(apr_pool_t *pool)
{
    char date[APR_RFC822_DATE_LEN];
    apr_time_exp_t now;
    int zone;

    apr_time_exp_lt(&now, apr_time_now());
    apr_snprintf(date, sizeof(date), "%s, %02d %s %d",
                 apr_day_snames[now.tm_wday], now.tm_mday,
                 apr_month_snames[now.tm_mon], now.tm_year + 1900);
    zone = abs(now.tm_gmtoff) / 60;
    return apr_psprintf(pool, "%s %02d:%02d:%02d %c%02d%02d", date, now.tm_hour,
                        now.tm_min, now.tm_sec, now.tm_gmtoff < 0 ? '-' : '+',
                        zone / 60, zone % 60);
}

/* A name as the from clause may have it. */
static const char *clean_name(const char *name, apr_pool_t *pool)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-._:[]";
    char *clean = apr_pstrdup(pool, name);
    char *p = clean;

    while (*(p += strspn(p, allowed)) != '\0') {
        *p = '?';
    }
    return clean;
}

/* The form of an address literal (RFC 5321 4.1.3). */
static const char *format_ip(const char *ip, apr_pool_t *pool)
{
    return strchr(ip, ':') != NULL ? apr_pstrcat(pool, "IPv6:", ip, NULL) : ip;
}

/* One copy for several recipients must not name them (R27). */
static const char *format_for(const qp_txn *txn, apr_pool_t *pool)
{
    if (txn->rcpts->nelts != 1) {
        return "";
    }
    return apr_pstrcat(
        pool, "\n\tfor ",
        qp_addr_format(APR_ARRAY_IDX(txn->rcpts, 0, const qp_addr *), pool),
        NULL);
}

static const char *default_value(qp_session *qp, const char *protocol)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    const qp_conn *conn = qp->conn;

    return apr_psprintf(
        pool, "from %s (%s [%s])\n\tby %s (mod_qpsmtpd) with %s id %s%s;\n\t%s",
        clean_name(conn->hello_host, pool),
        clean_name(qp_conn_remote_host(conn), pool),
        format_ip(qp_conn_remote_ip(conn), pool), qp->settings->me, protocol,
        qp->txn->id, format_for(qp->txn, pool), format_date(pool));
}

void qp_received_add(qp_session *qp)
{
    qp_received_line_arg arg = { qp->conn->hello == QP_HELLO_EHLO ? "ESMTP"
                                                                  : "SMTP",
                                 "", "", NULL };
    const char *value = NULL;

    if (qp_call_received_line(qp->hooks, qp, &arg) == QP_OK) {
        value = arg.text;
    }
    if (value == NULL) {
        value = default_value(qp, arg.smtp);
    }
    qp_header_add(qp->txn->header, "Received", value, QP_HEADER_TOP);
}
