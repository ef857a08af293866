/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange of AUTH: its memory, its challenges, its end. Which messages a
 * mechanism has is qp_mech's business, who is let in that of the plugins. */

#include "smtp/qp_auth.h"

#include <string.h>

#include <apr_strings.h>

#include "wire/qp_base64.h"

/* The delay doubles with each failure, this often at most. */
#define DOUBLINGS 2

struct secret {
    void *octets;
    apr_size_t len;
};

/* Memory. ---------------------------------------------------------------- */

static apr_status_t wipe_secrets(void *data)
{
    const qp_auth *auth = data;
    const struct secret *secret;
    int i;

    for (i = 0; i < auth->secrets->nelts; i++) {
        secret = &APR_ARRAY_IDX(auth->secrets, i, struct secret);
        explicit_bzero(secret->octets, secret->len);
    }
    return APR_SUCCESS;
}

qp_auth *qp_auth_begin(qp_session *qp, const qp_mech *mech)
{
    apr_pool_t *pool =
        qp_txn_make_pool(qp->pool, qp->carrier->allocator, "pauth");
    qp_auth *auth = apr_pcalloc(pool, sizeof(*auth));

    QP_ASSERT(qp->auth == NULL);
    auth->pool = pool;
    auth->mech = mech;
    auth->secrets = apr_array_make(pool, 4, sizeof(struct secret));
    auth->since = qp_now();
    apr_pool_pre_cleanup_register(pool, auth, wipe_secrets);
    qp->auth = auth;
    return auth;
}

void qp_auth_end(qp_session *qp)
{
    if (qp->auth != NULL) {
        apr_pool_destroy(qp->auth->pool);
        qp->auth = NULL;
    }
}

void qp_auth_keep(qp_auth *auth, void *secret, apr_size_t len)
{
    struct secret *kept = apr_array_push(auth->secrets);

    kept->octets = secret;
    kept->len = len;
}

/* Replies. --------------------------------------------------------------- */

/* Neither challenges nor answers are logged. */
void qp_auth_ask(qp_session *qp, const void *data, apr_size_t len,
                 qp_auth_step *step)
{
    qp->auth->step = step;
    qp->mode = QP_MODE_AUTH;
    qp->replied = 1;
    qp_session_log(qp, QP_LOG_DEBUG, "QP1622", "> 334 ********");
    qp_reply_write(qp->io, 334, NULL,
                   qp_base64_encode(data, len, qp->auth->pool));
}

void qp_auth_refuse(qp_session *qp, int code, const char *dsn, const char *text)
{
    qp_auth_end(qp);
    qp->was_auth = 1;
    qp_session_error(qp, code, dsn, "%s", text);
}

void qp_auth_malformed(qp_session *qp)
{
    qp_auth_refuse(qp, 501, "5.5.2", "Malformed message of the mechanism");
}

void qp_auth_succeed(qp_session *qp)
{
    qp_conn *conn = qp->conn;
    const qp_auth *auth = qp->auth;

    conn->auth_user = apr_pstrdup(conn->pool, auth->user);
    conn->auth_mechanism = apr_pstrdup(conn->pool, auth->mech->lower);
    conn->auth_failed = NULL;
    conn->relay_by_auth = !conn->relay_client;
    conn->relay_client = 1;
    qp_naughty_clear(qp);
    qp_session_log(qp, QP_LOG_INFO, "QP1623", "authenticated as %s by %s",
                   auth->user, auth->mech->name);
    qp_auth_end(qp);
    qp->was_auth = 0;
    qp_session_reply(qp, 235, "2.7.0", "You are authenticated");
}

void qp_auth_forget(qp_session *qp)
{
    qp_conn *conn = qp->conn;

    if (conn->relay_by_auth) {
        conn->relay_client = 0;
        conn->relay_by_auth = 0;
    }
    conn->auth_user = NULL;
    conn->auth_mechanism = NULL;
    conn->auth_failed = NULL;
}

/* Failures. -------------------------------------------------------------- */

/* Statuses that a plugin may give for a reason of its own (RFC 4954 4.7, 6). */
static const struct {
    int detail; /* of 7 */
    int code;
    const char *dsn;
    const char *text;
} special[] = {
    { 9, 534, "5.7.9", "This mechanism is too weak for you" },
    { 11, 538, "5.7.11", "This mechanism needs encryption" },
    { 12, 432, "4.7.12", "A password transition is needed" },
};

/* @return the text, and sets code and status */
static const char *choose_failure(qp_session *qp, qp_rc rc)
{
    int is_soft = rc == QP_DENYSOFT || rc == QP_DENYSOFT_DISCONNECT;
    qp_auth *auth = qp->auth;
    size_t i;

    for (i = 0; qp->answer.subject == 7 && i < QP_ARRAY_LEN(special); i++) {
        if (special[i].detail == qp->answer.detail
            && is_soft == (special[i].code < 500)) {
            auth->code = special[i].code;
            auth->dsn = special[i].dsn;
            return special[i].text;
        }
    }
    auth->code = is_soft ? 454 : 535;
    auth->dsn = is_soft ? "4.7.0" : "5.7.8";
    return is_soft ? "Temporary failure, try again later"
                   : "Authentication failed";
}

/* Whoever types "name:password" for his name does not find it in the log
 * (R86). */
static void log_failure(qp_session *qp, qp_rc rc)
{
    const qp_auth *auth = qp->auth;
    const char *user = auth->user != NULL ? auth->user : "";
    int len = (int)strcspn(user, ":");
    const char *why = auth->why != NULL   ? auth->why
                      : rc == QP_DECLINED ? "unknown user"
                      : auth->code < 500  ? "no answer"
                                          : "wrong password";

    qp_session_log(qp, QP_LOG_INFO, "QP1624",
                   "authentication failed, %s for \"%.*s\"%s, %s%s%s",
                   auth->mech->name, len, user, user[len] != '\0' ? "..." : "",
                   why, qp->answer.text != NULL ? ": " : "",
                   qp->answer.text != NULL ? qp->answer.text : "");
}

/* The reply; what has happened is known. */
static void tell_failure(qp_session *qp)
{
    qp_rc rc = qp->auth->rc;
    int code = qp->auth->code;
    const char *dsn = qp->auth->dsn;
    const char *text = qp->auth->text;
    int max = qp->settings->max_auth_errors;

    qp_auth_end(qp);
    qp->was_auth = 1;
    if (max > 0 && qp->conn->auth_failures >= max && code >= 500) {
        qp_session_log(qp, QP_LOG_INFO, "QP1625",
                       "closed after %d failures of AUTH (max_auth_errors)",
                       qp->conn->auth_failures);
        qp_session_reply(qp, 421, "4.7.0",
                         "Too many failures, closing connection");
        qp_session_close(qp, QP_END_DENIED);
        return;
    }
    qp_session_reply(qp, rc == QP_DENYSOFT_DISCONNECT ? 421 : code, dsn, "%s",
                     text);
    if (rc == QP_DENY_DISCONNECT || rc == QP_DENYSOFT_DISCONNECT) {
        qp_session_close(qp, QP_END_DENIED);
    }
}

/* How long the reply is still held back. */
static apr_interval_time_t find_delay(const qp_session *qp)
{
    int times = qp->conn->auth_failures - 1;
    apr_interval_time_t delay = qp->settings->auth_delay
                                << (times < DOUBLINGS ? times : DOUBLINGS);
    apr_interval_time_t passed = qp_now() - qp->auth->since;

    if (passed < 0) {
        passed = 0; /* the clock was set */
    }
    return passed < delay ? delay - passed : 0;
}

void qp_auth_fail(qp_session *qp, qp_rc rc)
{
    qp_auth *auth = qp->auth;
    apr_interval_time_t delay;

    auth->rc = rc;
    auth->text = choose_failure(qp, rc);
    log_failure(qp, rc);
    qp->conn->auth_failed = auth->mech->lower;
    if (auth->code < 500) {
        tell_failure(qp);
        return;
    }
    qp->conn->auth_failures++;
    delay = find_delay(qp);
    if (delay == 0) {
        tell_failure(qp);
        return;
    }
    auth->done = qp_timer(qp, delay, auth->pool);
    qp_session_pause(qp, auth->done, tell_failure);
}
