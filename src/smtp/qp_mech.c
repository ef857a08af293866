/* SPDX-License-Identifier: Apache-2.0 */
/* The table of mechanisms, what of it is offered to whom, and those that are a
 * name and a password: PLAIN, LOGIN, CRAM-MD5. Const data and the exchange's.
 * Passwords are checked by plugins. */

#include "smtp/qp_mech.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "wire/qp_sasl.h"

#define RANDOM_LEN 16

static qp_auth_step start_plain, start_login, start_cram, take_user;

/* In the order in which they are offered: what keeps the password from whoever
 * listens comes first. */
static const qp_mech mechs[] = {
    { "SCRAM-SHA-256-PLUS", "scram-sha-256-plus", QP_MECH_BINDS,
      QP_HOOK_auth_scram, qp_mech_scram_start },
    { "SCRAM-SHA-256", "scram-sha-256", 0, QP_HOOK_auth_scram,
      qp_mech_scram_start },
    { "CRAM-MD5", "cram-md5", QP_MECH_SERVER | QP_MECH_ANY,
      QP_HOOK_auth_cram_md5, start_cram },
    { "PLAIN", "plain", QP_MECH_SHOWN | QP_MECH_ANY, QP_HOOK_auth_plain,
      start_plain },
    { "LOGIN", "login", QP_MECH_SHOWN | QP_MECH_SERVER | QP_MECH_ANY,
      QP_HOOK_auth_login, start_login },
    { "OAUTHBEARER", "oauthbearer", QP_MECH_SHOWN, QP_HOOK_auth_token,
      qp_mech_token_start },
    { "XOAUTH2", "xoauth2", QP_MECH_SHOWN, QP_HOOK_auth_token,
      qp_mech_token_start },
    { "EXTERNAL", "external", QP_MECH_CERT, QP_HOOK_auth_external,
      qp_mech_token_external },
};

const qp_mech *qp_mech_find(const char *name)
{
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(mechs); i++) {
        if (strcasecmp(name, mechs[i].name) == 0) {
            return &mechs[i];
        }
    }
    return NULL;
}

/* Who may use which. ----------------------------------------------------- */

static int has_plugin(const qp_session *qp, const qp_mech *mech)
{
    return qp->hooks->counts[mech->hook] > 0
           || ((mech->flags & QP_MECH_ANY)
               && qp->hooks->counts[QP_HOOK_auth] > 0);
}

static int is_allowed(const qp_session *qp, const qp_mech *mech)
{
    const apr_array_header_t *allowed = qp->settings->auth_mechanisms;
    int i;

    for (i = 0; allowed != NULL && i < allowed->nelts; i++) {
        if (strcasecmp(APR_ARRAY_IDX(allowed, i, const char *), mech->name)
            == 0) {
            return 1;
        }
    }
    return allowed == NULL || allowed->nelts == 0;
}

int qp_mech_wants_tls(const qp_session *qp)
{
    int when = qp->settings->tls_before_auth;

    return qp->conn->tls == NULL
           && (when == QP_TLS_AUTH_YES || when == QP_TLS_AUTH_1
               || qp->carrier->tls_mode == QP_TLS_REQUIRED);
}

/* A channel that can be bound to; either type may be asked for (RFC 9266,
 * RFC 5929). */
static int has_binding(qp_session *qp)
{
    apr_size_t len;

    return qp_session_binding(qp, "tls-exporter", &len) != NULL
           || qp_session_binding(qp, "tls-server-end-point", &len) != NULL;
}

qp_mech_use qp_mech_check(qp_session *qp, const qp_mech *mech)
{
    const qp_tls *tls = qp->conn->tls;

    if (!has_plugin(qp, mech)) {
        return QP_MECH_UNKNOWN;
    }
    if (!is_allowed(qp, mech)) {
        return QP_MECH_FORBIDDEN;
    }
    if (qp_mech_wants_tls(qp)
        || ((mech->flags & QP_MECH_SHOWN) && tls == NULL
            && qp->settings->tls_before_auth == QP_TLS_AUTH_PLAINTEXT)
        || ((mech->flags & (QP_MECH_BINDS | QP_MECH_CERT)) && tls == NULL)) {
        return QP_MECH_NEEDS_TLS;
    }
    if ((mech->flags & QP_MECH_BINDS) && !has_binding(qp)) {
        return QP_MECH_UNKNOWN;
    }
    if ((mech->flags & QP_MECH_CERT)
        && (tls->client_subject == NULL || !tls->is_verified)) {
        return QP_MECH_UNKNOWN;
    }
    return QP_MECH_USABLE;
}

int qp_mech_is_served(const qp_session *qp)
{
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(mechs); i++) {
        if (has_plugin(qp, &mechs[i])) {
            return 1;
        }
    }
    return 0;
}

const char *qp_mech_offer(qp_session *qp, apr_pool_t *pool)
{
    const char *list = "AUTH";
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(mechs); i++) {
        if (qp_mech_check(qp, &mechs[i]) == QP_MECH_USABLE) {
            list = apr_pstrcat(pool, list, " ", mechs[i].name, NULL);
        }
    }
    return list[4] != '\0' ? list : NULL;
}

/* A name and a password. ------------------------------------------------- */

static void respond_password(qp_session *qp, qp_rc rc)
{
    if (rc == QP_OK) {
        qp_auth_succeed(qp);
    }
    else {
        qp_auth_fail(qp, rc);
    }
}

/* First all plugins for the mechanism, then those for any (hooks.md 7.3). */
static void respond_own(qp_session *qp, qp_rc rc)
{
    if (rc == QP_DECLINED && qp->hooks->counts[QP_HOOK_auth] > 0) {
        qp_start_auth(qp, &qp->auth->arg, respond_password);
    }
    else {
        respond_password(qp, rc);
    }
}

static void fail_now(qp_session *qp, const char *why)
{
    qp->answer.text = NULL;
    qp->auth->why = why;
    qp_auth_fail(qp, QP_DENY);
}

/* No plugin is asked about what can never be right. */
static void judge_password(qp_session *qp)
{
    qp_auth *auth = qp->auth;
    qp_auth_arg *arg = &auth->arg;

    arg->mechanism = auth->mech->lower;
    arg->user = auth->user;
    if (!qp_sasl_is_name(auth->user)) {
        fail_now(qp, "this can be nobody's name");
    }
    else if (arg->password != NULL && arg->password[0] == '\0') {
        fail_now(qp, "empty password");
    }
    else {
        qp_hook_start(qp, auth->mech->hook, arg, respond_own);
    }
}

static void start_plain(qp_session *qp, char *data, apr_size_t len)
{
    qp_sasl_plain plain;

    if (!qp_sasl_parse_plain(data, len, &plain)) {
        qp_auth_malformed(qp);
        return;
    }
    qp->auth->user = plain.user;
    qp->auth->arg.password = plain.password;
    if (plain.authzid[0] != '\0' && strcmp(plain.authzid, plain.user) != 0) {
        fail_now(qp, "wants to be somebody else");
        return;
    }
    judge_password(qp);
}

static void take_password(qp_session *qp, char *data, apr_size_t len)
{
    if (strlen(data) != len) {
        qp_auth_malformed(qp);
        return;
    }
    qp->auth->arg.password = data;
    judge_password(qp);
}

/* Whatever the name is, the password is asked for: a client that does not wait
 * must not see it taken for a command. */
static void take_user(qp_session *qp, char *data, apr_size_t len)
{
    qp->auth->user = strlen(data) == len ? data : "";
    qp_auth_ask(qp, "Password:", 9, take_password);
}

/* Not in any RFC: two prompts, and what clients expect to see in them. The
 * name may come with the command. */
static void start_login(qp_session *qp, char *data, apr_size_t len)
{
    if (data != NULL) {
        take_user(qp, data, len);
    }
    else {
        qp_auth_ask(qp, "Username:", 9, take_user);
    }
}

static void take_cram(qp_session *qp, char *data, apr_size_t len)
{
    char *digest;

    if (!qp_sasl_parse_cram(data, len, &qp->auth->user, &digest)) {
        qp_auth_malformed(qp);
        return;
    }
    qp->auth->arg.hash = digest;
    judge_password(qp);
}

/* challenge = "<" random "." time "@" host ">" (RFC 2195 2); never the same
 * twice, in whichever process (R79). */
static void start_cram(qp_session *qp, char *data QP_UNUSED,
                       apr_size_t len QP_UNUSED)
{
    qp_auth *auth = qp->auth;
    unsigned char octets[RANDOM_LEN];
    char hex[2 * RANDOM_LEN + 1];
    int i;

    if (apr_generate_random_bytes(octets, sizeof(octets)) != APR_SUCCESS) {
        auth->why = "no random octets";
        qp_auth_fail(qp, QP_DENYSOFT);
        return;
    }
    for (i = 0; i < RANDOM_LEN; i++) {
        apr_snprintf(hex + 2 * (size_t)i, 3, "%02x", octets[i]);
    }
    auth->arg.ticket =
        apr_psprintf(auth->pool, "<%s.%" APR_TIME_T_FMT "@%s>", hex,
                     apr_time_sec(apr_time_now()), qp->settings->me);
    qp_auth_ask(qp, auth->arg.ticket, strlen(auth->arg.ticket), take_cram);
}
