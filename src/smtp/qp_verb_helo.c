/* SPDX-License-Identifier: Apache-2.0 */
/* HELO, EHLO and LHLO (RFC 5321 4.1.1.1, RFC 2033 4.1): takes the
 * client's name and tells what the server can do. It may come
 * again, and then ends the transaction (D3).
 *
 *   ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
 *   helo = "HELO" SP Domain CRLF */

#include <strings.h>

#include <apr_strings.h>

#include "smtp/qp_mech.h"
#include "smtp/qp_verb.h"
#include "smtp/qp_verdict.h"
#include "wire/qp_cmdline.h"
#include "wire/qp_offer.h"

/* qp->verb_state. */
typedef struct hello_state {
    qp_hello kind;
    qp_helo_arg arg;
} hello_state;

/* What a declaration of the queue plugins allows. */
static const struct {
    unsigned int can;
    unsigned int offer;
} declared[] = {
    { QP_CAN_BINARYMIME, QP_OFFER_BINARYMIME },
    { QP_CAN_SMTPUTF8, QP_OFFER_SMTPUTF8 },
    { QP_CAN_DSN, QP_OFFER_DSN },
    { QP_CAN_DELIVERBY, QP_OFFER_DELIVERBY },
    { QP_CAN_MT_PRIORITY, QP_OFFER_MT_PRIORITY },
};

unsigned int qp_verb_offers(qp_session *qp)
{
    unsigned int offers = QP_OFFER_PIPELINING | QP_OFFER_8BITMIME
                          | QP_OFFER_SIZE | QP_OFFER_ENHANCEDSTATUSCODES
                          | QP_OFFER_CHUNKING | QP_OFFER_LIMITS;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(declared); i++) {
        if ((qp->hooks->can & declared[i].can) != 0) {
            offers |= declared[i].offer;
        }
    }
    if (qp_verb_offers_tls(qp)) {
        offers |= QP_OFFER_STARTTLS;
    }
    if (qp->conn->tls != NULL && (qp->hooks->can & QP_CAN_REQUIRETLS) != 0) {
        offers |= QP_OFFER_REQUIRETLS; /* RFC 8689 4.1 */
    }
    if (qp_verb_offers_xclient(qp)) {
        offers |= QP_OFFER_XCLIENT;
    }
    if (qp_verb_offers_xforward(qp)) {
        offers |= QP_OFFER_XFORWARD;
    }
    if (qp_mech_offer(qp, qp_session_pcmd(qp)) != NULL) {
        offers |= QP_OFFER_AUTH;
    }
    offers &= ~qp->settings->hidden;
    if ((offers & QP_OFFER_CHUNKING) == 0) {
        offers &= ~(unsigned int)QP_OFFER_BINARYMIME; /* RFC 3030 3 */
    }
    return offers;
}

/* A line of the answer; some keywords have parameters. */
static const char *format_offer(qp_session *qp, int i, apr_pool_t *pool)
{
    const char *keyword = qp_offer_keyword(i);

    switch (i) {
    case QP_OFFER_AT_SIZE:
        return apr_psprintf(pool, "\n%s %" APR_OFF_T_FMT, keyword,
                            qp->settings->databytes);
    case QP_OFFER_AT_LIMITS:
        /* RFC 9422 4. */
        return apr_psprintf(pool, "\n%s RCPTMAX=%d", keyword,
                            qp->settings->max_recipients);
    case QP_OFFER_AT_AUTH:
        return apr_pstrcat(pool, "\n", qp_mech_offer(qp, pool), NULL);
    case QP_OFFER_AT_XCLIENT:
        return "\nXCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT";
    case QP_OFFER_AT_XFORWARD:
        return "\nXFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE";
    default:
        return apr_pstrcat(pool, "\n", keyword, NULL);
    }
}

static const char *list_capabilities(qp_session *qp, apr_pool_t *pool)
{
    const char *list = "";
    int i;

    for (i = 0; i < QP_OFFER_COUNT; i++) {
        if ((qp->offers & (1u << i)) != 0) {
            list = apr_pstrcat(pool, list, format_offer(qp, i, pool), NULL);
        }
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
    int has_list = state->kind != QP_HELLO_HELO;

    qp_verdict_end_txn(qp, "hello again");
    qp_conn_set_hello(qp->conn, state->kind, state->arg.host);
    qp_session_goto(qp, QP_STATE_READY, "hello accepted");
    qp->offers = has_list ? qp_verb_offers(qp) : 0;
    qp_session_reply(qp, 250, NULL, "%s greets %s [%s]%s", qp->settings->me,
                     qp_conn_remote_host(qp->conn), qp_conn_remote_ip(qp->conn),
                     has_list ? list_capabilities(qp, qp_session_pcmd(qp))
                              : "");
}

static void respond_hello(qp_session *qp, qp_rc rc)
{
    const hello_state *state = qp->verb_state;
    qp_hook_id hook =
        state->kind != QP_HELLO_HELO ? QP_HOOK_ehlo : QP_HOOK_helo;

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
                 kind != QP_HELLO_HELO ? QP_HOOK_ehlo_parse
                                       : QP_HOOK_helo_parse,
                 &arg);
    if (arg.parse == NULL) {
        return qp_cmdline_hello(rest, out);
    }
    if (arg.parse(qp->answered, qp, kind != QP_HELLO_HELO ? "ehlo" : "helo",
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

    state->kind = verb->name[0] == 'E'   ? QP_HELLO_EHLO
                  : verb->name[0] == 'L' ? QP_HELLO_LHLO
                                         : QP_HELLO_HELO;
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
                  state->kind != QP_HELLO_HELO ? QP_HOOK_ehlo : QP_HOOK_helo,
                  &state->arg, respond_hello);
}
