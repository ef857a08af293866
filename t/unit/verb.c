/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of smtp/qp_verb: every verb in every state, against a written-out
 * matrix (RFC 5321 4.1.4; D3): once as the table has it, once as a session
 * answers.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"
#include "smtp/qp_verb.h"

/* The codes of a good command, by state: greeted, after EHLO, after MAIL,
 * after RCPT, after BDAT; and the state behind it when it goes through. */
static const struct {
    const char *verb;
    const char *line;
    int codes[QP_STATE_COUNT];
    qp_state after[QP_STATE_COUNT];
} matrix[] = {
    { "EHLO",
      "EHLO a.example\r\n",
      { 250, 250, 250, 250, 250 },
      { QP_STATE_READY, QP_STATE_READY, QP_STATE_READY, QP_STATE_READY,
        QP_STATE_READY } },
    { "HELO",
      "HELO a.example\r\n",
      { 250, 250, 250, 250, 250 },
      { QP_STATE_READY, QP_STATE_READY, QP_STATE_READY, QP_STATE_READY,
        QP_STATE_READY } },
    { "MAIL",
      "MAIL FROM:<a@example.net>\r\n",
      { 503, 250, 503, 503, 503 },
      { QP_STATE_GREETED, QP_STATE_MAIL, QP_STATE_MAIL, QP_STATE_RCPT,
        QP_STATE_BDAT } },
    { "RCPT",
      "RCPT TO:<b@example.org>\r\n",
      { 503, 503, 250, 250, 503 },
      { QP_STATE_GREETED, QP_STATE_READY, QP_STATE_RCPT, QP_STATE_RCPT,
        QP_STATE_BDAT } },
    { "DATA",
      "DATA\r\n",
      { 503, 503, 503, 354, 503 },
      { QP_STATE_GREETED, QP_STATE_READY, QP_STATE_MAIL, QP_STATE_RCPT,
        QP_STATE_BDAT } },
    { "BDAT",
      "BDAT 4\r\nab\r\n",
      { 503, 503, 503, 250, 250 },
      { QP_STATE_GREETED, QP_STATE_READY, QP_STATE_MAIL, QP_STATE_BDAT,
        QP_STATE_BDAT } },
    { "RSET",
      "RSET\r\n",
      { 250, 250, 250, 250, 250 },
      { QP_STATE_GREETED, QP_STATE_READY, QP_STATE_READY, QP_STATE_READY,
        QP_STATE_READY } },
    { "NOOP",
      "NOOP\r\n",
      { 250, 250, 250, 250, 250 },
      { QP_STATE_GREETED, QP_STATE_READY, QP_STATE_MAIL, QP_STATE_RCPT,
        QP_STATE_BDAT } },
    { "VRFY",
      "VRFY a\r\n",
      { 252, 252, 252, 252, 252 },
      { QP_STATE_GREETED, QP_STATE_READY, QP_STATE_MAIL, QP_STATE_RCPT,
        QP_STATE_BDAT } },
    { "HELP",
      "HELP\r\n",
      { 214, 214, 214, 214, 214 },
      { QP_STATE_GREETED, QP_STATE_READY, QP_STATE_MAIL, QP_STATE_RCPT,
        QP_STATE_BDAT } },
    { "QUIT",
      "QUIT\r\n",
      { 221, 221, 221, 221, 221 },
      { QP_STATE_GREETED, QP_STATE_READY, QP_STATE_READY, QP_STATE_READY,
        QP_STATE_READY } },
};

/* How a session comes to a state. */
static const char *const ways[QP_STATE_COUNT] = {
    "",
    "EHLO a.example\r\n",
    "EHLO a.example\r\nMAIL FROM:<a@example.net>\r\n",
    ("EHLO a.example\r\nMAIL FROM:<a@example.net>\r\n"
     "RCPT TO:<b@example.org>\r\n"),
    ("EHLO a.example\r\nMAIL FROM:<a@example.net>\r\n"
     "RCPT TO:<b@example.org>\r\nBDAT 12\r\nSubject: x\r\n"),
};

static void test_table(size_t row)
{
    const qp_verb *verb = qp_verb_find(matrix[row].verb);
    char lower[5];
    int state;
    int i;

    if (!ok(verb != NULL, "%s is there", matrix[row].verb)) {
        return;
    }
    for (i = 0; i < 5; i++) {
        lower[i] = (char)(matrix[row].verb[i] | (i < 4 ? ' ' : 0));
    }
    ok(qp_verb_find(lower) == verb, "%s in lower case", matrix[row].verb);
    for (state = 0; state < QP_STATE_COUNT; state++) {
        is_int(verb->refusals[state] != NULL, matrix[row].codes[state] == 503,
               "%s in state %d: refused or not", matrix[row].verb, state);
    }
}

static void test_session(engine_kit *kit, size_t row, int state)
{
    const char *codes;

    kit_open(kit);
    kit_talk(kit, ways[state]);
    is_int(kit->qp->state, state, "state %d is reached", state);
    codes = kit_codes(kit_talk(kit, matrix[row].line), kit->pool);
    is_str(codes, apr_itoa(kit->pool, matrix[row].codes[state]),
           "%s in state %d: its reply", matrix[row].verb, state);
    is_int(kit->qp->state, matrix[row].after[state],
           "%s in state %d: the state behind it", matrix[row].verb, state);
    is_int(kit->qp->txn != NULL,
           matrix[row].after[state] >= QP_STATE_MAIL
               && strcmp(matrix[row].verb, "QUIT") != 0,
           "%s in state %d: a transaction or none", matrix[row].verb, state);
    is_int(kit->want == QP_WANT_CLOSE, strcmp(matrix[row].verb, "QUIT") == 0,
           "%s in state %d: closed or not", matrix[row].verb, state);
}

/* Names that are no verbs, and lines that must be refused before anything
 * runs. The session goes on after each. */
static const struct {
    const char *line;
    const char *codes;
} others[] = {
    { "\r\n", "500 5.5.1" },
    { " NOOP\r\n", "500 5.5.1" },
    { "NOO\r\n", "500 5.5.1" },
    { "NOOPX\r\n", "500 5.5.1" },
    { "EXPN list\r\n", "502 5.5.1" },
    { "etrn x\r\n", "502 5.5.1" },
    { "TURN\r\n", "502 5.5.1" },
    { "SEND FROM:<a@example.net>\r\n", "502 5.5.1" },
    { "XCLIENT NAME=x\r\n", "503 5.5.1" },
    { "AUTH PLAIN AAAA\r\n", "500 5.5.1" },
    { "STARTTLS\r\n", "500 5.5.1" },
    { "noop some words\r\n", "250 2.0.0" },
    { "RSET now\r\n", "501 5.5.4" },
    { "DATA now\r\n", "501 5.5.4" },
    { "VRFY\r\n", "501 5.5.4" },
    { "EHLO\r\n", "501 5.5.4" },
    { "EHLO a b\001\r\n", "501 5.5.4" },
    { "HELO a_b\r\n", NULL },
    { "NOOP\n", "500 5.5.2" },
    { "NOOP \r \r\n", "500 5.5.2" },
    { "RCPT TO:b@example.org\r\n", "501 5.1.3" },
    { "RCPT TO:<>\r\n", "501 5.1.3" },
    { "RCPT TO:<b@example.org> NOTIFY=NEVER\r\n", "555 5.5.4" },
    { "RCPT TO\r\n", "501 5.5.4" },
    { "MAIL FROM:<x@example.net>\r\n", "503 5.5.1" },
};

static void test_others(engine_kit *kit)
{
    const char *out;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(others); i++) {
        kit_open(kit);
        kit_talk(kit, ways[QP_STATE_RCPT]);
        out = kit_talk(kit, others[i].line);
        if (others[i].codes != NULL) {
            ok(strncmp(out, others[i].codes, strlen(others[i].codes)) == 0,
               "line %d: %.9s", (int)i, out);
        }
        is_int(kit_count(out, "\n"), 1, "line %d: one reply", (int)i);
        is_str(kit_codes(kit_talk(kit, "NOOP\r\n"), kit->pool), "250",
               "line %d: it goes on", (int)i);
        is_str(kit_codes(kit_talk(kit, "DATA\r\n"), kit->pool),
               others[i].codes == NULL ? "503" : "354",
               "line %d: the transaction is as it was", (int)i);
    }
}

/* MAIL that is refused leaves no transaction behind. */
static const struct {
    const char *line;
    const char *codes;
} mails[] = {
    { "MAIL\r\n", "501 5.5.4" },
    { "MAIL FROM\r\n", "501 5.5.4" },
    { "MAIL TO:<a@example.net>\r\n", "501 5.5.4" },
    { "MAIL FROM:a@example.net\r\n", "501 5.1.7" },
    { "MAIL FROM:<a b@example.net>\r\n", "501 5" },
    { "MAIL FROM:<a@example.net> SIZE\r\n", "501 5.5.4" },
    { "MAIL FROM:<a@example.net> SIZE=1x\r\n", "501 5.5.4" },
    { "MAIL FROM:<a@example.net> SIZE=-1\r\n", "501 5.5.4" },
    { "MAIL FROM:<a@example.net> SIZE=1 size=1\r\n", "501 5.5.4" },
    { "MAIL FROM:<a@example.net> SIZE=5001\r\n", "552 5.3.4" },
    { "MAIL FROM:<a@example.net> SIZE=18446744073709551617\r\n", "552 5.3.4" },
    { "MAIL FROM:<a@example.net> BODY=9BIT\r\n", "501 5.5.4" },
    { "MAIL FROM:<a@example.net> FOO=1\r\n", "555 5.5.4" },
};

static void test_mails(engine_kit *kit)
{
    const char *out;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(mails); i++) {
        kit_open(kit);
        kit_talk(kit, ways[QP_STATE_READY]);
        out = kit_talk(kit, mails[i].line);
        ok(strncmp(out, mails[i].codes, strlen(mails[i].codes)) == 0,
           "mail %d: %.9s", (int)i, out);
        is_int(kit_count(out, "\n"), 1, "mail %d: one reply", (int)i);
        ok(kit->qp->txn == NULL && kit->qp->state == QP_STATE_READY,
           "mail %d: no transaction", (int)i);
        is_str(kit_codes(kit_talk(kit, "RCPT TO:<b@example.org>\r\n"
                                       "MAIL FROM:<> SIZE=5000 "
                                       "BODY=8BITMIME\r\n"),
                         kit->pool),
               "503 250", "mail %d: then a good one", (int)i);
    }
}

/* A number of mistakes closes the session (D6). */
static void test_mistakes(engine_kit *kit)
{
    static const char *const lines[] = { "FOO\r\n",  "\r\n",       "NOOP\n",
                                         "EHLO\r\n", "RSET x\r\n", "DATA\r\n",
                                         "VRFY\r\n" };
    const char *out;
    size_t i;
    int n;

    kit_set(kit, "max_errors", "3");
    kit_start(kit);
    for (i = 0; i < QP_ARRAY_LEN(lines); i++) {
        kit_open(kit);
        kit_talk(kit, "");
        for (n = 0; n < 2; n++) {
            out = kit_talk(kit, lines[i]);
            ok(out[0] == '5', "mistake %d: number %d", (int)i, n);
        }
        kit_talk(kit, "NOOP\r\n");
        out = kit_talk(kit, lines[i]);
        ok(strncmp(out, "421 4.7.0 ", 10) == 0, "mistake %d: the last", (int)i);
        is_int(kit->want, QP_WANT_CLOSE, "mistake %d: closed", (int)i);
    }
}

/* What stands behind AUTH is in no line of the log, even at DEBUG (R86). */
static void test_secrets(engine_kit *kit)
{
    static const char *const lines[] = {
        "AUTH PLAIN c2VjcmV0\r\n",     "auth PLAIN c2VjcmV0\r\n",
        "AUTH c2VjcmV0\r\n",           " AUTH PLAIN c2VjcmV0\r\n",
        "   aUtH c2VjcmV0\r\n",        "AUTH\tPLAIN c2VjcmV0\r\n",
        "\tAUTH PLAIN c2VjcmV0\r\n",   " \t AUTH\tc2VjcmV0\r\n",
        "AUTH=PLAIN c2VjcmV0\r\n",     "AUTHPLAIN c2VjcmV0\r\n",
        "AUTH PLAIN c2VjcmV0\001\r\n", "AUTH PLAIN c2VjcmV0\n",
    };
    const char *out;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(lines); i++) {
        kit_open(kit);
        kit_talk(kit, ways[QP_STATE_READY]);
        out = kit_talk(kit, lines[i]);
        ok(strncmp(out, "500 5.5", 7) == 0, "secret %d: %.9s", (int)i, out);
        kit_talk(kit, "QUIT\r\n");
        ok(strstr(kit_view(&kit->log), "c2VjcmV0") == NULL,
           "secret %d: not in the log", (int)i);
        ok(strstr(kit_view(&kit->log), "QUIT") != NULL,
           "secret %d: which has the other commands", (int)i);
    }
}

/* Lines that are too long, bare LF as the settings have it, secrets. */
static void test_lines(engine_kit *kit)
{
    char *line = apr_palloc(kit->pool, 2051);
    int len;

    kit_set(kit, "max_errors", NULL);
    kit_set(kit, "bare_newline", "normalize");
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, "");
    for (len = 2046; len <= 2050; len++) {
        memset(line, 'x', (size_t)len);
        memcpy(line, "NOOP ", 5);
        memcpy(line + len - 2, "\r\n", 3);
        is_str(kit_codes(kit_talk(kit, line), kit->pool),
               len > 2048 ? "500" : "250", "a line of %d octets", len);
    }
    is_str(kit_codes(kit_talk(kit, "NOOP\nRSET\n\nQUIT\n"), kit->pool),
           "250 250 500 221", "bare LF, normalized");
    kit_open(kit);
    kit_talk(kit, "auth PLAIN c2VjcmV0\r\n");
    ok(strstr(kit_view(&kit->log), "c2VjcmV0") == NULL
           && strstr(kit_view(&kit->log), "< AUTH ********") != NULL,
       "no secrets in the log");
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;
    size_t row;
    int state;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    kit_set(kit, "databytes", "5000");
    kit_plugin(kit, &kit_base_def, "base", kit);
    is_str(kit_start(kit), NULL, "the server");
    for (row = 0; row < QP_ARRAY_LEN(matrix); row++) {
        test_table(row);
        for (state = 0; state < QP_STATE_COUNT; state++) {
            test_session(kit, row, state);
        }
    }
    ok(qp_verb_find("") == NULL && qp_verb_find("FOO") == NULL
           && qp_verb_find("DATAX") == NULL && qp_verb_find("DAT") == NULL,
       "no other verbs");
    test_others(kit);
    test_mails(kit);
    test_mistakes(kit);
    test_secrets(kit);
    test_lines(kit);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
