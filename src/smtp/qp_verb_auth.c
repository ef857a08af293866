/* SPDX-License-Identifier: Apache-2.0 */
/* AUTH (RFC 4954): the command, and the lines that answer its challenges. Each
 * of them gets one reply. What they hold is secret: it is decoded into the
 * exchange, which overwrites it, and the lines are overwritten here.
 *
 *   auth   = "AUTH" SP sasl-mech [SP (base64 / "=")] CRLF
 *   answer = (base64 / "*") CRLF */

#include "smtp/qp_verb_auth.h"

#include <string.h>

#include <apr_strings.h>

#include "smtp/qp_mech.h"
#include "smtp/qp_verb.h"
#include "wire/qp_base64.h"

/* A line of the client as octets; the exchange ends if it is no base64. */
static void take_base64(qp_session *qp, const char *text, qp_auth_step *step)
{
    qp_auth *auth = qp->auth;
    apr_size_t len;
    char *data = qp_base64_decode(text, strlen(text), &len, auth->pool);

    if (data == NULL) {
        qp_auth_refuse(qp, 501, "5.5.2", "That is no base64");
        return;
    }
    qp_auth_keep(auth, data, len);
    step(qp, data, len);
}

/* Answers. --------------------------------------------------------------- */

static void run_answer(qp_session *qp, const char *text, qp_line_kind kind)
{
    switch (kind) {
    case QP_LINE_TOO_LONG:
        qp_auth_refuse(qp, 500, "5.5.6", "Line too long");
        return;
    case QP_LINE_CONTROLS:
        qp_auth_refuse(qp, 501, "5.5.2", "That is no base64");
        return;
    case QP_LINE_BARE_LF:
        if (qp->settings->bare_newline != QP_BARE_NORMALIZE) {
            qp_auth_refuse(qp, 500, "5.5.2", "Lines must end in CR LF");
            return;
        }
        break;
    case QP_LINE_GOOD:
        break;
    }
    if (strcmp(text, "*") == 0) {
        qp_auth_refuse(qp, 501, "5.7.0", "Authentication cancelled");
        return;
    }
    take_base64(qp, text, qp->auth->step);
}

apr_status_t qp_verb_auth_read(qp_session *qp)
{
    qp_line_kind kind;
    apr_size_t len;
    char *text;
    apr_status_t rv;

    rv = qp_line_read(&qp->line, qp->io, QP_LINE_LONG_MAX, &text, &len, &kind,
                      qp_session_pcmd(qp));
    if (rv != APR_SUCCESS) {
        return rv;
    }
    qp_session_log(qp, QP_LOG_DEBUG, "QP1628", "< ********");
    qp->in_command = 1;
    qp->mode = QP_MODE_COMMAND;
    qp->auth->since = qp_now();
    run_answer(qp, text, kind);
    explicit_bzero(text, len);
    return APR_SUCCESS;
}

/* The command. ----------------------------------------------------------- */

static void start_mech(qp_session *qp, const qp_mech *mech, const char *initial)
{
    qp_auth_begin(qp, mech);
    if (initial == NULL) {
        if (mech->flags & QP_MECH_SERVER) {
            mech->start(qp, NULL, 0);
        }
        else {
            qp_auth_ask(qp, "", 0, mech->start);
        }
    }
    else if (mech->hook == QP_HOOK_auth_cram_md5) {
        qp_auth_refuse(qp, 501, "5.7.0",
                       "The client does not begin this mechanism");
    }
    else {
        take_base64(qp, strcmp(initial, "=") == 0 ? "" : initial, mech->start);
    }
}

/* @return NULL, or sets the code and says why not */
static const char *judge_mech(qp_session *qp, const qp_mech *mech, int *code,
                              const char **dsn)
{
    *code = 504;
    *dsn = "5.5.4";
    switch (mech != NULL ? qp_mech_check(qp, mech) : QP_MECH_UNKNOWN) {
    case QP_MECH_USABLE:
        return NULL;
    case QP_MECH_UNKNOWN:
        break;
    case QP_MECH_FORBIDDEN:
        *code = 534;
        *dsn = "5.7.9";
        return "This mechanism is too weak";
    case QP_MECH_NEEDS_TLS:
        *code = 538;
        *dsn = "5.7.11";
        return "This mechanism needs encryption, say STARTTLS first";
    }
    return "This mechanism is not known here";
}

/* The built-in parser: a mechanism, and maybe one word more. */
static const char *parse_words(const char *rest, qp_parsed *out)
{
    apr_size_t len = strcspn(rest, " \t");
    const char *initial = rest + len + strspn(rest + len, " \t");
    apr_size_t initial_len = strcspn(initial, " \t");

    if (len == 0) {
        return "AUTH needs a mechanism";
    }
    if (initial[initial_len + strspn(initial + initial_len, " \t")] != '\0') {
        return "AUTH takes a mechanism and one response";
    }
    out->first = apr_pstrmemdup(out->pool, rest, len);
    if (initial_len > 0) {
        APR_ARRAY_PUSH(out->rest, const char *) =
            apr_pstrmemdup(out->pool, initial, initial_len);
    }
    return NULL;
}

static const char *parse_auth(qp_session *qp, const char *rest, qp_parsed *out)
{
    qp_parse_arg arg = { rest, NULL };

    qp_call_auth_parse(qp->hooks, qp, &arg);
    if (arg.parse == NULL) {
        return parse_words(rest, out);
    }
    if (arg.parse(qp->answered, qp, "auth", rest, out) == QP_OK
        && out->first != NULL) {
        return NULL;
    }
    return out->error != NULL ? out->error : "Syntax error in command";
}

static void run_auth(qp_session *qp, const qp_parsed *parsed)
{
    const qp_mech *mech = qp_mech_find(parsed->first);
    const char *initial = NULL;
    const char *dsn;
    const char *error;
    int code;

    if (parsed->rest->nelts > 0) {
        initial = APR_ARRAY_IDX(parsed->rest, 0, const char *);
    }
    error = judge_mech(qp, mech, &code, &dsn);
    if (error != NULL) {
        qp_session_error(qp, code, dsn, "%s", error);
        return;
    }
    start_mech(qp, mech, initial);
}

/* Overwrites what the parser has copied. */
static apr_status_t wipe_words(void *data)
{
    const qp_parsed *parsed = data;
    char *word;
    int i;

    for (i = 0; i < parsed->rest->nelts; i++) {
        word = APR_ARRAY_IDX(parsed->rest, i, char *);
        qp_secret_wipe(word);
    }
    return APR_SUCCESS;
}

void qp_verb_auth(qp_session *qp, const qp_verb *verb, const char *rest)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    qp_parsed *parsed = apr_pcalloc(pool, sizeof(*parsed));
    const char *error;

    if (!qp_mech_is_served(qp)) {
        qp_verb_unrecognized(qp, verb->name, "");
        return;
    }
    if (qp->txn != NULL) {
        qp_session_error(qp, 503, "5.5.1", "AUTH within a transaction");
        return;
    }
    if (qp->conn->hello == QP_HELLO_NONE || qp->conn->hello == QP_HELLO_HELO) {
        qp_session_error(qp, 503, "5.5.1", "Say EHLO first");
        return;
    }
    if (qp->conn->auth_user != NULL) {
        qp_session_error(qp, 503, "5.5.1", "You are authenticated already");
        return;
    }
    if (qp_mech_wants_tls(qp)) {
        qp_session_error(qp, 530, "5.7.0", "Say STARTTLS first");
        return;
    }
    parsed->pool = pool;
    parsed->rest = apr_array_make(pool, 1, sizeof(const char *));
    apr_pool_pre_cleanup_register(pool, parsed, wipe_words);
    error = parse_auth(qp, rest, parsed);
    if (error != NULL) {
        qp_session_error(qp, 501, "5.5.4", "%s", error);
        return;
    }
    run_auth(qp, parsed);
}
