/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the Received field from what the session knows. All of it is checked
 * or cleaned: a client's name must not fake the parts that follow (R28). */

#include "smtp/qp_received.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/qp_str.h"

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
        *p++ = '?';
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

/* The "with" keyword: RFC 3848, and RFC 6531 4.3 for UTF-8. */
static const char *format_protocol(const qp_session *qp, apr_pool_t *pool)
{
    const qp_conn *conn = qp->conn;
    int is_utf8 = qp->txn->is_smtputf8;
    const char *name = is_utf8 ? "UTF8SMTP" : "ESMTP";

    if (conn->hello == QP_HELLO_HELO || conn->hello == QP_HELLO_NONE) {
        return "SMTP";
    }
    if (conn->hello == QP_HELLO_LHLO) {
        name = is_utf8 ? "UTF8LMTP" : "LMTP";
    }
    return apr_pstrcat(pool, name, conn->tls != NULL ? "S" : "",
                       conn->auth_user != NULL ? "A" : "", NULL);
}

static const char *format_tls(const qp_conn *conn, apr_pool_t *pool)
{
    if (conn->tls == NULL) {
        return "";
    }
    return apr_psprintf(pool, "\n\t(%s %s)", conn->tls->protocol,
                        conn->tls->cipher);
}

/* For the hook alone: whom a message is from is its sender's to tell. */
static const char *format_auth(const qp_conn *conn, apr_pool_t *pool)
{
    char *text = apr_psprintf(pool, "(smtp-auth username %s, mechanism %s)",
                              conn->auth_user, conn->auth_mechanism);

    qp_str_clean(text);
    return text;
}

static const char *default_value(qp_session *qp, const char *protocol)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    const qp_conn *conn = qp->conn;

    return apr_pstrcat(pool, "from ", clean_name(conn->hello_host, pool), " (",
                       clean_name(qp_conn_remote_host(conn), pool), " [",
                       format_ip(qp_conn_remote_ip(conn), pool), "])\n\tby ",
                       qp->settings->me, " (mod_qpsmtpd) with ", protocol,
                       " id ", qp->txn->id, format_tls(conn, pool),
                       format_for(qp->txn, pool), ";\n\t", format_date(pool),
                       NULL);
}

/* One on a line. */
static const char *join_results(const apr_array_header_t *results,
                                apr_pool_t *pool)
{
    const char *joined = "";
    int i;

    for (i = 0; i < results->nelts; i++) {
        joined = apr_pstrcat(pool, joined, i > 0 ? ";\n\t" : "",
                             APR_ARRAY_IDX(results, i, const char *), NULL);
    }
    return joined;
}

/* A value that is no token is quoted (RFC 8601 2.2). */
static const char *quote_value(const char *value, apr_pool_t *pool)
{
    static const char token[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-._+@";
    char *quoted = apr_palloc(pool, 2 * strlen(value) + 3);
    char *to = quoted;
    const char *p;

    if (value[strspn(value, token)] == '\0') {
        return value;
    }
    *to++ = '"';
    for (p = value; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') {
            *to++ = '\\';
        }
        *to++ = *p >= ' ' && *p <= '~' ? *p : '?';
    }
    *to++ = '"';
    *to = '\0';
    return quoted;
}

/* What has come of AUTH (RFC 8601 2.7.4): who it is, or that the last try
 * failed. */
static void add_auth_result(const qp_conn *conn, apr_array_header_t *all)
{
    apr_pool_t *pool = all->pool;

    if (conn->auth_user != NULL) {
        APR_ARRAY_PUSH(all, const char *) =
            apr_psprintf(pool, "auth=pass (%s) smtp.auth=%s",
                         conn->auth_mechanism,
                         quote_value(conn->auth_user, pool));
    }
    else if (conn->auth_failed != NULL) {
        APR_ARRAY_PUSH(all, const char *) =
            apr_psprintf(pool, "auth=fail (%s)", conn->auth_failed);
    }
}

/* Results of the connection, then those of the message (RFC 8601 2.2). Without
 * any the field is not there. */
static void add_results(qp_session *qp)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    apr_array_header_t *all = apr_array_make(pool, 4, sizeof(const char *));
    const char *id = qp->settings->me_auth_results;

    if (id == NULL) {
        id = qp->settings->me;
    }
    add_auth_result(qp->conn, all);
    if (qp->conn->auth_results != NULL) {
        apr_array_cat(all, qp->conn->auth_results);
    }
    if (qp->txn->auth_results != NULL) {
        apr_array_cat(all, qp->txn->auth_results);
    }
    if (all->nelts == 0 || strcasecmp(id, "none") == 0) {
        return;
    }
    qp_header_add(qp->txn->header, "Authentication-Results",
                  apr_pstrcat(pool, id, ";\n\t", join_results(all, pool), NULL),
                  QP_HEADER_TOP);
}

/* Whether a field claims to be of this server: the first thing in it, a word
 * or a quoted string, is our name (RFC 8601 2.2). */
static int is_own_result(const char *value, const char *id)
{
    const char *p = qp_str_skip_comments(value);
    int is_quoted = p != NULL && *p == '"';

    if (p == NULL) {
        return 0; /* it is all comment */
    }
    p += is_quoted;
    while (*id != '\0') {
        if (is_quoted && *p == '\\') {
            p++;
        }
        if (apr_tolower(*p) != apr_tolower(*id)) {
            return 0;
        }
        p++;
        id++;
    }
    /* The name with its last dot is the same name. */
    p += *p == '.';
    return is_quoted ? *p == '"' : strchr(" \t\n;(", *p) != NULL;
}

/* The value of a field with blanks for NUL: what a reader makes of a NUL is not
 * known, so it hides nothing (R6). */
static const char *whole_value(const char *raw, apr_size_t len,
                               apr_pool_t *pool)
{
    const char *colon = memchr(raw, ':', len);
    apr_size_t start = (apr_size_t)(colon - raw) + 1;
    char *value = apr_pstrmemdup(pool, raw + start, len - start);
    apr_size_t i;

    for (i = 0; i < len - start; i++) {
        if (value[i] == '\0') {
            value[i] = ' ';
        }
    }
    return value;
}

/* What came in under our name is not ours (RFC 8601 5, R30). */
static void disown_results(qp_session *qp)
{
    static const char field[] = "Authentication-Results";
    qp_header *header = qp->txn->header;
    apr_pool_t *pool = qp_session_pcmd(qp);
    const char *id = qp->settings->me_auth_results;
    const char *raw;
    apr_size_t len;
    int i = 0;

    if (id == NULL) {
        id = qp->settings->me;
    }
    while ((raw = qp_header_raw(header, field, i, &len)) != NULL) {
        if (is_own_result(whole_value(raw, len, pool), id)) {
            qp_header_rename(header, field, i,
                             "Original-Authentication-Results");
        }
        else {
            i++;
        }
    }
}

void qp_received_add(qp_session *qp)
{
    qp_received_line_arg arg = { format_protocol(qp, qp_session_pcmd(qp)), "",
                                 "", NULL };
    const char *value = NULL;

    if (qp->conn->auth_user != NULL) {
        arg.auth = format_auth(qp->conn, qp_session_pcmd(qp));
    }
    if (qp->conn->tls != NULL) {
        arg.tls = apr_psprintf(qp_session_pcmd(qp), "(%s encrypted)",
                               qp->conn->tls->cipher);
    }
    if (qp_call_received_line(qp->hooks, qp, &arg) == QP_OK) {
        value = arg.text;
    }
    if (value == NULL) {
        value = default_value(qp, arg.smtp);
    }
    disown_results(qp);
    qp_header_add(qp->txn->header, "Received", value, QP_HEADER_TOP);
    add_results(qp);
}
