/* SPDX-License-Identifier: Apache-2.0 */
/* The verb table and its look-up. Const data; what a verb does is in the file
 * of its name. */

#include "smtp/qp_verb.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "plugin/qp_settings.h"
#include "smtp/qp_limit.h"
#include "wire/qp_cmdline.h"

#define HELLO_1 "Say hello first: EHLO or HELO, in LMTP LHLO"
#define MAIL_1  "Say MAIL first"
#define RCPT_1  "Say RCPT first, no recipient was accepted"
#define BDAT_1  "A message has begun; go on with BDAT, or RSET"
#define NESTED  "A transaction is open; end it by RSET first"

#define CLEAR   QP_VERB_CLEAR
#define BARE    QP_VERB_BARE
#define CHUNK   QP_VERB_CHUNK
#define LAST    QP_VERB_LAST
#define SMTP    QP_VERB_SMTP
#define LMTP    QP_VERB_LMTP
#define LOGIN   QP_VERB_LOGIN

/* Columns of refusals: GREETED READY MAIL RCPT BDAT (RFC 5321 4.1.4, D3; RFC
 * 3030 2). Where TLS is required, BDAT is refused for want of MAIL. LAST are
 * those that end a group (RFC 2920 3.1), but for NOOP, VRFY and QUIT: what
 * comes behind these does not depend on their reply. */
static const qp_verb verbs[] = {
    { "EHLO",
      qp_verb_hello,
      CLEAR | SMTP | LAST,
      { NULL, NULL, NULL, NULL, NULL } },
    { "HELO",
      qp_verb_hello,
      CLEAR | SMTP | LAST,
      { NULL, NULL, NULL, NULL, NULL } },
    { "LHLO",
      qp_verb_hello,
      CLEAR | LMTP | LAST,
      { NULL, NULL, NULL, NULL, NULL } },
    { "MAIL", qp_verb_mail, 0, { HELLO_1, NULL, NESTED, NESTED, NESTED } },
    { "RCPT", qp_verb_rcpt, 0, { HELLO_1, MAIL_1, NULL, NULL, BDAT_1 } },
    { "DATA",
      qp_verb_data,
      BARE | LAST,
      { HELLO_1, MAIL_1, RCPT_1, NULL, BDAT_1 } },
    { "BDAT",
      qp_verb_bdat,
      CLEAR | CHUNK,
      { HELLO_1, MAIL_1, RCPT_1, NULL, NULL } },
    { "RSET", qp_verb_rset, BARE | CLEAR, { NULL, NULL, NULL, NULL, NULL } },
    { "NOOP", qp_verb_noop, CLEAR, { NULL, NULL, NULL, NULL, NULL } },
    { "VRFY", qp_verb_vrfy, 0, { NULL, NULL, NULL, NULL, NULL } },
    { "HELP", qp_verb_help, CLEAR, { NULL, NULL, NULL, NULL, NULL } },
    { "QUIT", qp_verb_quit, CLEAR, { NULL, NULL, NULL, NULL, NULL } },
    { "XCLIENT", qp_verb_xclient, 0, { NULL, NULL, NESTED, NESTED, NESTED } },
    { "XFORWARD", qp_verb_xforward, 0, { NULL, NULL, NESTED, NESTED, NESTED } },
    { "AUTH", qp_verb_auth, LOGIN, { NULL, NULL, NULL, NULL, NULL } },
    { "STARTTLS", qp_verb_starttls, CLEAR, { NULL, NULL, NULL, NULL, BDAT_1 } },
};

const qp_verb *qp_verb_find(const char *name)
{
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(verbs); i++) {
        if (strcasecmp(name, verbs[i].name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

/* What a client says behind AUTH is a secret (R86), also where it writes it
 * wrongly. */
static void log_command(qp_session *qp, const qp_verb *verb, const char *name,
                        const char *rest)
{
    const char *first = name[0] != '\0' ? name : rest;

    first += strspn(first, " \t");
    if (strncasecmp(first, "AUTH", 4) == 0) {
        qp_session_log(qp, QP_LOG_DEBUG, "QP1502", "< AUTH ********");
        return;
    }
    if (qp->was_auth && verb == NULL) {
        qp_session_log(qp, QP_LOG_DEBUG, "QP1627", "< ********");
        return;
    }
    qp_session_log(qp, QP_LOG_DEBUG, "QP1501", "< %s%s%s", name,
                   rest[0] != '\0' ? " " : "", rest);
}

/* The request line of a web browser, whose body may be somebody's mail (R94).
 * There is no version behind a command of SMTP. */
static int is_http(const char *name, const char *rest)
{
    static const char *const methods[] = { "GET",     "POST",    "PUT",  "HEAD",
                                           "OPTIONS", "CONNECT", "PATCH" };
    const char *version = strrchr(rest, ' ');
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(methods); i++) {
        if (strcasecmp(name, methods[i]) == 0) {
            return 1;
        }
    }
    return version != NULL && strncasecmp(version + 1, "HTTP/", 5) == 0;
}

static void refuse_http(qp_session *qp)
{
    qp_session_log(qp, QP_LOG_INFO, "QP1503",
                   "closed: this client speaks HTTP");
    qp_session_reply(qp, 521, "5.5.1", "This is a mail server");
    qp_session_close(qp, QP_END_DENIED);
}

/* Whether it is a BDAT, however malformed. */
static int is_chunk(const char *name)
{
    return strncasecmp(name, "BDAT", 4) == 0
           && !isalpha((unsigned char)name[4]);
}

void qp_verb_close_chunk(qp_session *qp)
{
    qp_session_log(qp, QP_LOG_INFO, "QP1608", "closed: BDAT without a size");
    qp_session_reply(qp, 521, "5.5.4", "Bad chunk size, closing connection");
    qp_session_close(qp, QP_END_DENIED);
}

/* Behind an AUTH that was refused a client that does not wait for replies says
 * its name and its password: no plugin is to see and log them (R86). */
static void run_unknown(qp_session *qp, const char *name, const char *rest)
{
    if (is_chunk(name)) {
        qp_verb_close_chunk(qp);
        return;
    }
    if (qp->was_auth) {
        qp_session_error(qp, 500, "5.5.1", "Unknown command");
        return;
    }
    qp_verb_unrecognized(qp, name, rest);
}

void qp_verb_refuse(qp_session *qp, char *line, const char *fault)
{
    const char *rest;
    const char *name = qp_cmdline_split(line, &rest);

    if (is_http(name, rest)) {
        refuse_http(qp);
    }
    else if (is_chunk(name)) {
        qp_verb_close_chunk(qp);
    }
    else {
        qp_session_error(qp, 500, "5.5.2", "%s", fault);
    }
}

void qp_verb_dispatch(qp_session *qp, char *line)
{
    const char *rest;
    const char *name = qp_cmdline_split(line, &rest);
    const qp_verb *verb = qp_verb_find(name);
    const char *refusal;

    log_command(qp, verb, name, rest);
    if (is_http(name, rest)) {
        refuse_http(qp);
        return;
    }
    if (verb == NULL || ((verb->flags & QP_VERB_LMTP) && !qp->is_lmtp)) {
        run_unknown(qp, name, rest);
        return;
    }
    if ((verb->flags & QP_VERB_SMTP) && qp->is_lmtp) {
        qp_session_error(qp, 500, "5.5.1", "This is LMTP: say LHLO");
        return;
    }
    qp->was_auth = verb->run == qp_verb_auth;
    if (!(verb->flags & QP_VERB_CLEAR) && qp->conn->tls == NULL
        && qp->carrier->tls_mode == QP_TLS_REQUIRED) {
        /* RFC 3207 4 */
        qp_session_error(qp, 530, "5.7.0", "Say STARTTLS first");
        return;
    }
    if (!(verb->flags & (QP_VERB_CLEAR | QP_VERB_LOGIN))
        && qp->settings->auth_required && qp->conn->auth_user == NULL) {
        /* RFC 4954 6 */
        qp_session_error(qp, 530, "5.7.0", "Authentication required");
        return;
    }
    refusal = verb->refusals[qp->state];
    if (refusal != NULL && !(verb->flags & QP_VERB_CHUNK)) {
        qp_session_error(qp, 503, "5.5.1", "%s", refusal);
        return;
    }
    if ((verb->flags & QP_VERB_BARE) && rest[0] != '\0') {
        qp_session_error(qp, 501, "5.5.4", "%s takes no argument", verb->name);
        return;
    }
    if ((verb->flags & QP_VERB_LAST) && !qp_limit_pipelining(qp, verb->name)) {
        return;
    }
    verb->run(qp, verb, rest);
    if (verb->run == qp_verb_auth && rest[0] != '\0') {
        explicit_bzero(line + (rest - line), strlen(rest));
    }
}
