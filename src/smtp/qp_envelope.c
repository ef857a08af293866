/* SPDX-License-Identifier: Apache-2.0 */
/* MAIL and RCPT up to their address: *_parse, the built-in parser, *_pre,
 * address, parameters. Its data is the command's. What becomes of the address
 * is the verb's business. */

#include "smtp/qp_envelope.h"

#include "wire/qp_cmdline.h"
#include "wire/qp_offer.h"

int qp_envelope_refuse(qp_session *qp, int code, const char *dsn,
                       const char *text)
{
    if (qp->txn != NULL && qp->txn->sender == NULL) {
        qp_verdict_end_txn(qp, "MAIL refused");
    }
    qp_session_error(qp, code, dsn, "%s", text);
    return 0;
}

const char *qp_envelope_text(qp_session *qp, const qp_addr *addr)
{
    return qp_addr_format(addr, qp_session_pcmd(qp));
}

/* The built-in parser, or one that a plugin brings. */
static const char *parse_line(qp_session *qp, const qp_envelope_kind *kind,
                              const char *rest, qp_parsed *out)
{
    qp_parse_arg arg = { rest, NULL };

    qp_hook_call(qp->hooks, qp, kind->parse, &arg);
    if (arg.parse == NULL) {
        return qp_cmdline_path(rest, kind->keyword, out);
    }
    if (arg.parse(qp->answered, qp, kind->verb, rest, out) == QP_OK
        && out->first != NULL) {
        return NULL;
    }
    return out->error != NULL ? out->error : "Syntax error in command";
}

/* SMTPUTF8 stands in the MAIL that this is, or that was. */
static int find_utf8(const qp_session *qp, const qp_envelope *envelope)
{
    if (envelope->kind->parse == QP_HOOK_mail_parse) {
        return (qp->offers & QP_OFFER_SMTPUTF8) != 0
               && apr_table_get(envelope->params, "smtputf8") != NULL;
    }
    return qp->txn->is_smtputf8;
}

/* @return whether it is an address; else it has replied */
static int parse_addr(qp_session *qp, qp_envelope *envelope)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    const char *error;

    envelope->is_utf8 = find_utf8(qp, envelope);
    /* RFC 6531 3.5, R62. */
    if (!envelope->is_utf8 && qp_utf8_is_needed(envelope->text)) {
        return qp_envelope_refuse(qp, 553, "5.6.7",
                                  "An address in UTF-8 needs SMTPUTF8");
    }
    if (!qp_utf8_is_valid(envelope->text)) {
        return qp_envelope_refuse(qp, 553, "5.6.7", "Address is not UTF-8");
    }
    error = qp_addr_parse_utf8(envelope->text, &envelope->addr, pool);
    return error == NULL
           || qp_envelope_refuse(qp, 501, envelope->kind->syntax_dsn, error);
}

static void respond_pre(qp_session *qp, qp_rc rc)
{
    qp_envelope *envelope = qp->verb_state;
    const qp_envelope_kind *kind = envelope->kind;

    if (rc == QP_OK && envelope->pre_arg.addr != NULL) {
        envelope->text = envelope->pre_arg.addr;
    }
    if (qp_verdict_apply(qp, kind->pre, rc) != QP_NEXT_GO) {
        return;
    }
    envelope->params = envelope->pre_arg.params;
    if (!parse_addr(qp, envelope)) {
        return;
    }
    if (kind->check(qp, envelope)) {
        kind->judge(qp, envelope);
    }
}

void qp_envelope_start(qp_session *qp, const qp_envelope_kind *kind,
                       const char *rest)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    qp_envelope *envelope = apr_pcalloc(pool, sizeof(*envelope));
    qp_parsed parsed = { pool, NULL, NULL, NULL };
    const char *error;

    parsed.rest = apr_array_make(pool, 4, sizeof(const char *));
    envelope->kind = kind;
    qp->verb_state = envelope;
    error = parse_line(qp, kind, rest, &parsed);
    if (error != NULL) {
        qp_envelope_refuse(qp, 501, "5.5.4", error);
        return;
    }
    error = qp_cmdline_params(parsed.rest, &envelope->params, pool);
    if (error != NULL) {
        qp_envelope_refuse(qp, 501, "5.5.4", error);
        return;
    }
    envelope->text = parsed.first;
    envelope->pre_arg.addr = parsed.first;
    envelope->pre_arg.params = envelope->params;
    qp_hook_start(qp, kind->pre, &envelope->pre_arg, respond_pre);
}
