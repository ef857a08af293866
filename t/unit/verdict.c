/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of smtp/qp_verdict: each hook with each answer, with and without text,
 * against a written-out matrix: once as the table has it, and once as a
 * session shows it: exactly one reply, its code, and what follows.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"
#include "smtp/qp_verdict.h"

#define HELLO "EHLO client.example\r\n"
#define MAIL  "MAIL FROM:<a@example.net>\r\n"
#define RCPT  "RCPT TO:<b@example.org>\r\n"
#define TEXT  "Subject: test\r\n\r\ntext\r\n.\r\n"

static const qp_rc answers[] = { QP_OK,
                                 QP_DENY,
                                 QP_DENYSOFT,
                                 QP_DENY_DISCONNECT,
                                 QP_DENYSOFT_DISCONNECT,
                                 QP_DECLINED,
                                 QP_DONE };
enum { DECLINED = 5, DONE = 6, NANSWERS = 7 };

/* Each answer as code and letters: t: with the plugin's text; d: the session
 * is closed; r: the transaction has ended; s: the state is as before; i: no
 * answer of this hook, counts as DECLINED; "own": what the plugin replies. */
static const struct row {
    qp_hook_id hook;
    const char *before;
    const char *trigger;
    const char *want[NANSWERS];
} rows[] = {
    { QP_HOOK_pre_connection,
      NULL,
      "",
      { "220i", "550td", "451td", "550td", "451td", "220", "220i" } },
    { QP_HOOK_connect,
      NULL,
      "",
      { "220", "550td", "450td", "550td", "450td", "220", "own" } },
    { QP_HOOK_helo,
      HELLO MAIL,
      "HELO b.example\r\n",
      { "250r", "550ts", "450ts", "550td", "450td", "250r", "own" } },
    { QP_HOOK_ehlo,
      "HELO b.example\r\n" MAIL,
      HELLO,
      { "250r", "550ts", "450ts", "550td", "450td", "250r", "own" } },
    { QP_HOOK_ehlo,
      "",
      HELLO,
      { "250", "550ts", "450ts", "550td", "450td", "250", "owns" } },
    { QP_HOOK_mail_pre,
      HELLO,
      MAIL,
      { "250", "501tr", "451tr", "501td", "451td", "250", "250i" } },
    { QP_HOOK_mail,
      HELLO,
      MAIL,
      { "250", "550tr", "450tr", "550td", "421td", "250", "ownr" } },
    { QP_HOOK_rcpt_pre,
      HELLO MAIL,
      RCPT,
      { "250", "501ts", "451ts", "501td", "451td", "250", "250i" } },
    { QP_HOOK_rcpt,
      HELLO MAIL,
      RCPT,
      { "250", "550ts", "450ts", "550td", "421td", "450s", "owns" } },
    { QP_HOOK_data,
      HELLO MAIL RCPT,
      "DATA\r\n",
      { "354", "554tr", "451tr", "554td", "421td", "354", "ownr" } },
    { QP_HOOK_data_headers_end,
      HELLO MAIL RCPT "DATA\r\n",
      TEXT,
      { "250ri", "554tr", "451tr", "554td", "421td", "250r", "250ri" } },
    { QP_HOOK_data_post_headers,
      HELLO MAIL RCPT "DATA\r\n",
      TEXT,
      { "250r", "552tr", "452tr", "552td", "452td", "250r", "ownr" } },
    { QP_HOOK_received_line,
      HELLO MAIL RCPT "DATA\r\n",
      TEXT,
      { "250r", "250ri", "250ri", "250ri", "250ri", "250r", "250ri" } },
    { QP_HOOK_data_post,
      HELLO MAIL RCPT "DATA\r\n",
      TEXT,
      { "250r", "552tr", "452tr", "552td", "452td", "250r", "ownr" } },
    { QP_HOOK_queue_pre,
      HELLO MAIL RCPT "DATA\r\n",
      TEXT,
      { "250r", "552tr", "452tr", "552td", "452td", "250r", "ownr" } },
    { QP_HOOK_queue,
      HELLO MAIL RCPT "DATA\r\n",
      TEXT,
      { "250tr", "552tr", "452tr", "552td", "421td", "451tr", "ownr" } },
    { QP_HOOK_queue_post,
      HELLO MAIL RCPT "DATA\r\n",
      TEXT,
      { "250r", "250r", "250r", "250r", "250r", "250r", "250r" } },
    { QP_HOOK_vrfy,
      HELLO MAIL RCPT,
      "VRFY b\r\n",
      { "250ts", "554ts", "252si", "252si", "252si", "252s", "owns" } },
    { QP_HOOK_noop,
      HELLO MAIL,
      "NOOP\r\n",
      { "250si", "500ts", "250si", "500td", "250si", "250s", "owns" } },
    { QP_HOOK_help,
      HELLO MAIL,
      "HELP\r\n",
      { "214ts", "500ts", "214si", "214si", "214si", "214s", "owns" } },
    { QP_HOOK_quit,
      HELLO MAIL,
      "QUIT\r\n",
      { "221td", "221td", "221td", "221td", "221td", "221td", "ownd" } },
    { QP_HOOK_unrecognized_command,
      HELLO MAIL,
      "FOO bar\r\n",
      { "500si", "500ts", "500si", "521td", "500si", "500s", "owns" } },
};

static const char *const texts[] = { NULL, "one line of text",
                                     "line 1\nline 2\nline 3" };

/* One answer in one hook. */
struct trial {
    engine_kit *kit;
    const struct row *row;
    kit_script script;
    const char *want;
    char name[100];
    qp_state before;
    const char *out;
};

static const char *probe_line(const struct trial *trial)
{
    if (strncmp(trial->out, "354", 3) == 0) {
        return "\r\n.\r\n";
    }
    return trial->row->hook == QP_HOOK_noop ? "RSET\r\n" : "NOOP\r\n";
}

/* Whether the session goes on, and how. */
static void check_rest(struct trial *trial)
{
    qp_session *qp = trial->kit->qp;

    if (strchr(trial->want, 'd') != NULL) {
        is_int(trial->kit->want, QP_WANT_CLOSE, "%s: closed", trial->name);
        return;
    }
    if (strchr(trial->want, 'r') != NULL) {
        ok(qp->txn == NULL && qp->state == QP_STATE_READY,
           "%s: the transaction has ended", trial->name);
    }
    if (strchr(trial->want, 's') != NULL) {
        is_int(qp->state, trial->before, "%s: the state", trial->name);
    }
    is_str(kit_codes(kit_talk(trial->kit, probe_line(trial)), trial->kit->pool),
           "250", "%s: it goes on", trial->name);
}

static int has_lines(const char *out, const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text);
    char *last = NULL;
    char *line = apr_strtok(copy, "\n", &last);

    while (line != NULL) {
        out = strstr(out, line);
        if (out == NULL) {
            return 0;
        }
        line = apr_strtok(NULL, "\n", &last);
    }
    return 1;
}

static void check_log(struct trial *trial, int odd)
{
    const char *log = kit_view(&trial->kit->log);
    const char *crit = odd == 2 ? "2 QP1102 " : "2 QP1101 ";

    is_int(kit_count(log, "\n2 "), odd != 0, "%s: CRIT or not", trial->name);
    if (odd) {
        is_int(kit_count(log, crit), 1, "%s: said why", trial->name);
    }
}

/* @param code  the one that is expected */
static void run_trial(struct trial *trial, const char *code)
{
    engine_kit *kit = trial->kit;
    const char *text = trial->script.text;

    kit_open(kit);
    if (trial->row->before != NULL) {
        kit_talk(kit, trial->row->before);
    }
    trial->before = kit->qp->state;
    trial->out = apr_pstrdup(kit->pool, kit_talk(kit, trial->row->trigger));
    is_str(kit_codes(trial->out, kit->pool), apr_pstrmemdup(kit->pool, code, 3),
           "%s: one reply", trial->name);
    if (text != NULL && strchr(trial->want, 't') != NULL) {
        ok(has_lines(trial->out, text, kit->pool), "%s: with its text",
           trial->name);
    }
    check_rest(trial);
}

static void start_trial(struct trial *trial)
{
    engine_kit *kit = trial->kit;
    qp_plugin *base;

    kit_reset(kit);
    kit_plugin(kit, &kit_script_def, "script", &trial->script);
    base = kit_plugin(kit, &kit_base_def, "base", kit);
    if (trial->row->hook == QP_HOOK_rcpt) {
        base->hooks.rcpt = NULL;
    }
    if (trial->row->hook == QP_HOOK_queue) {
        base->hooks.queue = NULL;
    }
    if (kit_start(kit) != NULL) {
        abort();
    }
}

/* An answer that is listed. */
static void try_answer(engine_kit *kit, const struct row *row, int n,
                       const char *text)
{
    struct trial trial = { .kit = kit, .row = row };

    trial.want = row->want[n];
    trial.script.hook = row->hook;
    trial.script.rc = (int)answers[n];
    trial.script.text = text;
    apr_snprintf(trial.name, sizeof(trial.name), "%s %s %.6s",
                 qp_hook_name(row->hook), qp_hook_rc_name(answers[n]),
                 text != NULL ? text : "-");
    start_trial(&trial);
    if (strncmp(trial.want, "own", 3) != 0) {
        run_trial(&trial, trial.want);
        check_log(&trial, strchr(trial.want, 'i') != NULL);
        kit_close(kit);
        return;
    }
    trial.script.reply = 299;
    run_trial(&trial, "299");
    check_log(&trial, 0);
    trial.script.reply = 0;
    apr_snprintf(trial.name, sizeof(trial.name), "%s DONE without reply",
                 qp_hook_name(row->hook));
    /* QUIT is answered 221, whatever else is wrong (RFC 5321 4.1.1.10). */
    run_trial(&trial, row->hook == QP_HOOK_quit ? "221" : "451");
    ok(strstr(kit_view(&kit->log), "4 QP1401 : script: ") != NULL, "%s: WARN",
       trial.name);
    kit_close(kit);
}

/* Values that are no answers: as DECLINED, and said so. */
static void try_odd(engine_kit *kit, const struct row *row, int rc,
                    const char *text)
{
    struct trial trial = { .kit = kit, .row = row };

    trial.want = row->want[DECLINED];
    trial.script.hook = row->hook;
    trial.script.rc = rc;
    trial.script.text = text;
    apr_snprintf(trial.name, sizeof(trial.name), "%s %d %.6s",
                 qp_hook_name(row->hook), rc, text != NULL ? text : "-");
    start_trial(&trial);
    run_trial(&trial, trial.want);
    check_log(&trial,
              rc == QP_YIELD && row->hook != QP_HOOK_received_line ? 2 : 1);
    kit_close(kit);
}

static void test_sessions(engine_kit *kit)
{
    static const int odd[] = { 0, -1, 7, 905, QP_YIELD, 912 };
    size_t row;
    size_t i;
    size_t n;

    for (row = 0; row < QP_ARRAY_LEN(rows); row++) {
        for (i = 0; i < QP_ARRAY_LEN(texts); i++) {
            for (n = 0; n < NANSWERS; n++) {
                try_answer(kit, &rows[row], (int)n, texts[i]);
            }
        }
        for (n = 0; n < QP_ARRAY_LEN(odd); n++) {
            try_odd(kit, &rows[row], odd[n], NULL);
        }
        try_odd(kit, &rows[row], odd[n - 1], texts[2]);
    }
}

/* The codes that the documents are made from: those of refusals, and of what
 * the verb does not say itself. */
static void test_codes(void)
{
    const struct row *row;
    int want;
    int got;
    size_t i;
    int n;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        row = &rows[i];
        for (n = 0; n < DONE; n++) {
            want = atoi(row->want[n]);
            got = qp_verdict_code(row->hook, answers[n]);
            if (strchr(row->want[n], 'i') == NULL
                && (want > 400 || row->hook == QP_HOOK_queue
                    || row->hook == QP_HOOK_quit)) {
                is_int(got, want, "%s %s: code", qp_hook_name(row->hook),
                       qp_hook_rc_name(answers[n]));
            }
        }
    }
}

/* A second reply to a command is not sent (D1). */
static void test_second_reply(engine_kit *kit)
{
    static const qp_hook_id hooks[] = { QP_HOOK_connect,  QP_HOOK_ehlo,
                                        QP_HOOK_mail,     QP_HOOK_rcpt,
                                        QP_HOOK_noop,     QP_HOOK_queue,
                                        QP_HOOK_data_post };
    kit_script script = { QP_HOOK_connect, QP_DENYSOFT, "own", 298, 0 };
    const char *codes;
    size_t i;

    kit_reset(kit);
    kit_plugin(kit, &kit_script_def, "script", &script);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    for (i = 0; i < QP_ARRAY_LEN(hooks); i++) {
        script.hook = hooks[i];
        script.rc = hooks[i] == QP_HOOK_connect ? QP_OK : QP_DENYSOFT;
        kit_open(kit);
        kit_talk(kit, hooks[i] == QP_HOOK_noop ? "NOOP\r\n" : kit_mail);
        codes = kit_codes(mem_io_output(kit->io), kit->pool);
        is_int(kit_count(codes, "298"), 1, "%s replies itself",
               qp_hook_name(hooks[i]));
        ok(strstr(kit_view(&kit->log), "2 QP1002 ") != NULL,
           "%s: the second reply is logged", qp_hook_name(hooks[i]));
    }
    kit_close(kit);
}

/* The status of the answer stands in front of its text, in the class of the
 * code (D5). */
static qp_rc answer_dsn(const qp_plugin *self, qp_session *qp,
                        const qp_words_arg *arg)
{
    if (strcmp(arg->line, "relay") == 0) {
        return qp_dsn_relaying_denied(qp, NULL);
    }
    if (strcmp(arg->line, "soft") == 0) {
        return qp_dsn_mbox_full_rc(qp, QP_DENY, "no\nroom");
    }
    if (strcmp(arg->line, "own") == 0) {
        qp_respond(qp, 553, "5.1.9 with a status");
        return QP_DONE;
    }
    qp_respond(qp, 453, "without");
    return QP_DONE;
}

static void test_statuses(engine_kit *kit)
{
    static const qp_plugin_def def = { .hooks.vrfy = answer_dsn };

    kit_reset(kit);
    kit_plugin(kit, &def, "dsn", NULL);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, HELLO);
    is_str(kit_talk(kit, "VRFY relay\r\n"), "554 5.7.1 Relaying denied\r\n",
           "default text and status");
    is_str(kit_talk(kit, "VRFY soft\r\n"), "554-5.2.2 no\r\n554 5.2.2 room\r\n",
           "in each line");
    is_str(kit_talk(kit, "VRFY own\r\n"), "553 5.1.9 with a status\r\n",
           "a status of its own");
    is_str(kit_talk(kit, "VRFY other\r\n"), "453 4.0.0 without\r\n",
           "one is added");
}

int main(void)
{
    apr_pool_t *pool;
    apr_pool_t *each;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_codes();
    apr_pool_create(&each, pool);
    test_sessions(kit_create(each));
    test_second_reply(kit_create(pool));
    test_statuses(kit_create(pool));
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
