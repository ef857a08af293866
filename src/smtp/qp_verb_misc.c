/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that are small: RSET, NOOP, VRFY, HELP, QUIT (RFC 5321 4.1.1.5 to
 * 4.1.1.10), and commands that are not in the table. Their data is the
 * command's. */

#include <ctype.h>
#include <string.h>

#include <apr_strings.h>

#include "smtp/qp_verb.h"
#include "smtp/qp_verdict.h"
#include "wire/qp_offer.h"

static qp_words_arg *make_words(qp_session *qp, const char *rest)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    qp_words_arg *arg = apr_palloc(pool, sizeof(*arg));

    arg->line = rest;
    arg->words = qp_str_words(rest, pool);
    return arg;
}

void qp_verb_rset(qp_session *qp, const qp_verb *verb QP_UNUSED,
                  const char *rest QP_UNUSED)
{
    qp_verdict_end_txn(qp, "RSET");
    qp_session_reply(qp, 250, "2.0.0", "Reset");
}

static void respond_noop(qp_session *qp, qp_rc rc)
{
    qp_verdict_apply(qp, QP_HOOK_noop, rc);
}

void qp_verb_noop(qp_session *qp, const qp_verb *verb QP_UNUSED,
                  const char *rest)
{
    qp_start_noop(qp, make_words(qp, rest), respond_noop);
}

/* The text of a plugin that declined is not for the client. */
static void respond_vrfy(qp_session *qp, qp_rc rc)
{
    if (rc == QP_DECLINED) {
        qp->answer.text = NULL;
    }
    qp_verdict_apply(qp, QP_HOOK_vrfy, rc);
}

void qp_verb_vrfy(qp_session *qp, const qp_verb *verb QP_UNUSED,
                  const char *rest)
{
    if (rest[0] == '\0') {
        qp_session_error(qp, 501, "5.5.4", "VRFY needs a name");
        return;
    }
    qp_start_vrfy(qp, make_words(qp, rest), respond_vrfy);
}

/* The verbs that this client may say; those of extensions where they are
 * offered. */
static const char *list_verbs(qp_session *qp)
{
    static const struct {
        const char *name;
        unsigned int offer;
    } verbs[] = {
        { " BDAT", QP_OFFER_CHUNKING },     { " STARTTLS", QP_OFFER_STARTTLS },
        { " AUTH", QP_OFFER_AUTH },         { " XCLIENT", QP_OFFER_XCLIENT },
        { " XFORWARD", QP_OFFER_XFORWARD },
    };
    const char *list =
        qp->is_lmtp ? "LHLO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT"
                    : "EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT";
    unsigned int offers = qp_verb_offers(qp);
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(verbs); i++) {
        if ((offers & verbs[i].offer) != 0) {
            list = apr_pstrcat(qp_session_pcmd(qp), list, verbs[i].name, NULL);
        }
    }
    return list;
}

static void respond_help(qp_session *qp, qp_rc rc)
{
    if (qp_verdict_apply(qp, QP_HOOK_help, rc) != QP_NEXT_GO) {
        return;
    }
    if (qp->answer.text != NULL) {
        qp_session_reply(qp, 214, "2.0.0", "%s", qp->answer.text);
        return;
    }
    qp_session_reply(qp, 214, "2.0.0",
                     "This is mod_qpsmtpd " QP_VERSION " at %s\n"
                     "%s\n"
                     "Write to postmaster for help with mail",
                     qp->settings->me, list_verbs(qp));
}

void qp_verb_help(qp_session *qp, const qp_verb *verb QP_UNUSED,
                  const char *rest)
{
    qp_start_help(qp, make_words(qp, rest), respond_help);
}

static void respond_quit(qp_session *qp, qp_rc rc)
{
    if (rc != QP_DONE && qp->answer.text == NULL) {
        qp_return(qp, rc, "%s closing connection", qp->settings->me);
    }
    qp_session_close(qp, rc == QP_DONE ? QP_END_QUIT_OWN : QP_END_QUIT);
    qp_verdict_apply(qp, QP_HOOK_quit, rc);
}

void qp_verb_quit(qp_session *qp, const qp_verb *verb QP_UNUSED,
                  const char *rest)
{
    qp_start_quit(qp, make_words(qp, rest), respond_quit);
}

/* Commands of RFC 5321 and others that are known, but not done here: 502 says
 * so (RFC 5321 4.2.4, R48). */
static int is_known(const char *verb)
{
    static const char *const verbs[] = { "expn", "etrn", "turn", "atrn",
                                         "send", "soml", "saml" };
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(verbs); i++) {
        if (strcmp(verb, verbs[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

static void respond_unrecognized(qp_session *qp, qp_rc rc)
{
    const qp_command_arg *arg = qp->verb_state;

    if (rc == QP_DECLINED) {
        qp->answer.text = NULL;
        if (is_known(arg->verb)) {
            qp_session_error(qp, 502, "5.5.1", "Command is not implemented");
            return;
        }
    }
    qp_verdict_apply(qp, QP_HOOK_unrecognized_command, rc);
}

void qp_verb_unrecognized(qp_session *qp, const char *name, const char *rest)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    qp_command_arg *arg = apr_palloc(pool, sizeof(*arg));
    char *verb = apr_pstrdup(pool, name);
    char *p;

    for (p = verb; *p != '\0'; p++) {
        *p = (char)tolower((unsigned char)*p);
    }
    arg->verb = verb;
    arg->line = rest;
    arg->words = qp_str_words(rest, pool);
    qp->verb_state = arg;
    qp_start_unrecognized_command(qp, arg, respond_unrecognized);
}
