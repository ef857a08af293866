/* SPDX-License-Identifier: Apache-2.0 */
/* HELO and EHLO (RFC 5321 4.1.1.1): takes the client's name and tells what the
 * server can do. Either may come again, and then ends the transaction (D3).
 *
 *   ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
 *   helo = "HELO" SP Domain CRLF */

#include <strings.h>

#include <apr_strings.h>

#include "smtp/qp_verb.h"
#include "smtp/qp_verdict.h"
#include "wire/qp_cmdline.h"

/* qp->verb_state. */
typedef struct hello_state {
    qp_hello kind;
    qp_helo_arg arg;
} hello_state;

static const char *list_capabilities(qp_session *qp)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    const char *list =
        apr_psprintf(pool,
                     "\nPIPELINING\n8BITMIME\nSIZE %" APR_OFF_T_FMT
                     "\nENHANCEDSTATUSCODES",
                     qp->settings->databytes);

    if (qp_verb_offers_tls(qp)) {
        list = apr_pstrcat(pool, list, "\nSTARTTLS", NULL);
    }
    if (qp->capabilities != NULL) {
        list =
            apr_pstrcat(pool, list, "\n",
                        apr_array_pstrcat(pool, qp->capabilities, '\n'), NULL);
    }
    return list;
}

static void accept_hello(qp_session *qp, const hello_state *state)
{
    qp_verdict_end_txn(qp, "hello again");
    qp_conn_set_hello(qp->conn, state->kind, state->arg.host);
    qp_session_goto(qp, QP_STATE_READY, "hello accepted");
    qp_session_reply(qp, 250, NULL, "%s greets %s [%s]%s", qp->settings->me,
                     qp_conn_remote_host(qp->conn), qp_conn_remote_ip(qp->conn),
                     state->kind == QP_HELLO_EHLO ? list_capabilities(qp) : "");
}

static void respond_hello(qp_session *qp, qp_rc rc)
{
    const hello_state *state = qp->verb_state;
    qp_hook_id hook =
        state->kind == QP_HELLO_EHLO ? QP_HOOK_ehlo : QP_HOOK_helo;

    if (qp_verdict_apply(qp, hook, rc) == QP_NEXT_GO) {
        accept_hello(qp, state);
    }
}

/* The built-in parser, or one that a plugin brings. */
static const char *parse_hello(qp_session *qp, qp_hello kind, const char *rest,
                               qp_parsed *out)
{
    qp_parse_arg arg = { rest, NULL };

    qp_hook_call(qp->hooks, qp,
                 kind == QP_HELLO_EHLO ? QP_HOOK_ehlo_parse
                                       : QP_HOOK_helo_parse,
                 &arg);
    if (arg.parse == NULL) {
        return qp_cmdline_hello(rest, out);
    }
    if (arg.parse(qp->answered, qp, kind == QP_HELLO_EHLO ? "ehlo" : "helo",
                  rest, out)
            == QP_OK
        && out->first != NULL && strlen(out->first) <= QP_HOST_MAX) {
        return NULL;
    }
    return out->error != NULL ? out->error : "Syntax error in command";
}

void qp_verb_hello(qp_session *qp, const qp_verb *verb, const char *rest)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    hello_state *state = apr_pcalloc(pool, sizeof(*state));
    qp_parsed parsed = { pool, NULL, NULL, NULL };
    const char *error;

    state->kind = verb->name[0] == 'E' ? QP_HELLO_EHLO : QP_HELLO_HELO;
    parsed.rest = apr_array_make(pool, 2, sizeof(const char *));
    error = parse_hello(qp, state->kind, rest, &parsed);
    if (error != NULL) {
        qp_session_error(qp, 501, "5.5.4", "%s", error);
        return;
    }
    state->arg.host = parsed.first;
    state->arg.rest = apr_array_pstrcat(pool, parsed.rest, ' ');
    qp->verb_state = state;
    qp_hook_start(qp,
                  state->kind == QP_HELLO_EHLO ? QP_HOOK_ehlo : QP_HOOK_helo,
                  &state->arg, respond_hello);
}
