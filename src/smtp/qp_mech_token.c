/* SPDX-License-Identifier: Apache-2.0 */
/* OAUTHBEARER, XOAUTH2 and EXTERNAL as steps of AUTH. What a token or a
 * certificate is worth, and whose it is, plugins say. */

#include <string.h>

#include <apr_strings.h>

#include "smtp/qp_mech.h"
#include "wire/qp_sasl.h"

static void fail_now(qp_session *qp, const char *why)
{
    qp->answer.text = NULL;
    qp->auth->why = why;
    qp_auth_fail(qp, QP_DENY);
}

/* Who it is comes from the plugin in the end. */
static void succeed_as(qp_session *qp, const char *user)
{
    if (user == NULL || !qp_sasl_is_name(user)) {
        fail_now(qp, "the plugin does not say who it is");
        return;
    }
    qp->auth->user = user;
    qp_auth_succeed(qp);
}

/* Tokens. ---------------------------------------------------------------- */

/* Whatever the client says to the error, this is the end (RFC 7628 3.2.3). */
static void take_anything(qp_session *qp, char *data QP_UNUSED,
                          apr_size_t len QP_UNUSED)
{
    qp_auth_fail(qp, qp->auth->rc);
}

/* "NAME":"VALUE"; without a value nothing. */
static const char *format_member(const char *name, const char *value,
                                 apr_pool_t *pool)
{
    char *clean;
    char *p;

    if (value == NULL) {
        return "";
    }
    clean = apr_pstrdup(pool, value);
    for (p = clean; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\' || *p < ' ' || *p > '~') {
            *p = '?';
        }
    }
    return apr_psprintf(pool, ",\"%s\":\"%s\"", name, clean);
}

/* The client learns what is wrong in a challenge. */
static void tell_error(qp_session *qp)
{
    qp_auth *auth = qp->auth;
    const char *status = strcmp(auth->mech->lower, "xoauth2") == 0
                             ? "\"status\":\"401\",\"schemes\":\"bearer\""
                             : "\"status\":\"invalid_token\"";
    const char *text =
        apr_pstrcat(auth->pool, "{", status,
                    format_member("scope", auth->token.scope, auth->pool),
                    format_member("openid-configuration", auth->token.discovery,
                                  auth->pool),
                    "}", NULL);

    qp_auth_ask(qp, text, strlen(text), take_anything);
}

static void respond_token(qp_session *qp, qp_rc rc)
{
    if (rc == QP_OK) {
        succeed_as(qp, qp->auth->token.user);
    }
    else if (rc == QP_DENYSOFT || rc == QP_DENYSOFT_DISCONNECT) {
        qp_auth_fail(qp, rc);
    }
    else {
        qp->auth->rc = rc;
        tell_error(qp);
    }
}

void qp_mech_token_start(qp_session *qp, char *data, apr_size_t len)
{
    qp_auth *auth = qp->auth;
    int is_bearer = strcmp(auth->mech->lower, "oauthbearer") == 0;
    qp_sasl_token token;

    if (is_bearer ? !qp_sasl_parse_bearer(data, len, &token, auth->pool)
                  : !qp_sasl_parse_xoauth2(data, len, &token)) {
        qp_auth_malformed(qp);
        return;
    }
    auth->user = token.user;
    if (!qp_sasl_is_name(token.user) && (token.user[0] != '\0' || !is_bearer)) {
        fail_now(qp, "this can be nobody's name");
        return;
    }
    auth->token.mechanism = auth->mech->lower;
    auth->token.token = token.token;
    auth->token.host = token.host;
    auth->token.port = token.port;
    auth->token.user = token.user;
    auth->token.pool = auth->pool;
    qp_start_auth_token(qp, &auth->token, respond_token);
}

/* Certificates. ---------------------------------------------------------- */

static void respond_external(qp_session *qp, qp_rc rc)
{
    if (rc == QP_OK) {
        succeed_as(qp, qp->auth->external.user);
    }
    else {
        qp_auth_fail(qp, rc);
    }
}

/* The message is the name that the client asks for, or empty (RFC 4422 A). */
void qp_mech_token_external(qp_session *qp, char *data, apr_size_t len)
{
    qp_auth *auth = qp->auth;

    if (strlen(data) != len) {
        qp_auth_malformed(qp);
        return;
    }
    auth->user = data;
    if (len > 0 && !qp_sasl_is_name(data)) {
        fail_now(qp, "this can be nobody's name");
        return;
    }
    auth->external.mechanism = auth->mech->lower;
    auth->external.subject = qp->conn->tls->client_subject;
    auth->external.pool = auth->pool;
    auth->external.user = data;
    qp_start_auth_external(qp, &auth->external, respond_external);
}
