/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of smtp/qp_engine: how sessions begin and end, and which hooks run
 * then; transactions and their end; clients that leave, stall or do not read.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

#define HELLO    "EHLO client.example\r\n"
#define MAIL     "MAIL FROM:<a@example.net>\r\n"
#define RCPT     "RCPT TO:<b@example.org>\r\n"
#define TEXT     "Subject: test\r\n\r\ntext\r\n.\r\n"

#define OPEN_END " disconnect reset_transaction post_connection"
#define END      " disconnect post_connection"

/* The end of a session (D8). --------------------------------------------- */

enum way { BY_INPUT, BY_EOF, BY_RESET, BY_FLUSH, BY_POOL, BY_TIMEOUT, BY_STOP };

static const struct {
    const char *name;
    const char *before; /* NULL: not even started */
    enum way way;
    const char *last; /* what the client says then */
    qp_hook_id hook;  /* that answers, if rc is not 0 */
    int rc;
    int reply;
    const char *want;  /* hooks */
    const char *codes; /* replies to it */
} ends[] = {
    { "QUIT", HELLO, BY_INPUT, "QUIT\r\n", 0, 0, 0, " quit" END, "221" },
    { "QUIT at once", "", BY_INPUT, "QUIT\r\n", 0, 0, 0, " quit" END, "221" },
    { "QUIT in a transaction", HELLO MAIL RCPT, BY_INPUT, "QUIT\r\n", 0, 0, 0,
      " quit" OPEN_END, "221" },
    { "QUIT and more", HELLO, BY_INPUT, "QUIT\r\nNOOP\r\n" MAIL, 0, 0, 0,
      " quit" END, "221" },
    { "quit DONE", HELLO MAIL, BY_INPUT, "QUIT\r\n", QP_HOOK_quit, QP_DONE, 221,
      " quit reset_transaction post_connection", "221" },
    { "quit DONE, no transaction", HELLO, BY_INPUT, "QUIT\r\n", QP_HOOK_quit,
      QP_DONE, 221, " quit post_connection", "221" },
    { "quit DENY", HELLO MAIL, BY_INPUT, "QUIT\r\n", QP_HOOK_quit, QP_DENY, 0,
      " quit" OPEN_END, "221" },
    { "denial at connect", NULL, BY_INPUT, "NOOP\r\n", QP_HOOK_connect, QP_DENY,
      0, " pre_connection connect" END, "550" },
    { "refusal before connect", NULL, BY_INPUT, "NOOP\r\n",
      QP_HOOK_pre_connection, QP_DENY, 0, " pre_connection", "550" },
    { "soft refusal before connect", NULL, BY_INPUT, "NOOP\r\n",
      QP_HOOK_pre_connection, QP_DENYSOFT_DISCONNECT, 0, " pre_connection",
      "451" },
    { "denial at EHLO", "", BY_INPUT, HELLO, QP_HOOK_ehlo, QP_DENY_DISCONNECT,
      0, " ehlo" END, "550" },
    { "denial at MAIL", HELLO, BY_INPUT, MAIL, QP_HOOK_mail,
      QP_DENYSOFT_DISCONNECT, 0, " mail_pre mail" OPEN_END, "421" },
    { "denial before MAIL", HELLO, BY_INPUT, MAIL, QP_HOOK_mail_pre,
      QP_DENY_DISCONNECT, 0, " mail_pre" OPEN_END, "501" },
    { "denial at RCPT", HELLO MAIL, BY_INPUT, RCPT, QP_HOOK_rcpt,
      QP_DENY_DISCONNECT, 0, " rcpt_pre rcpt" OPEN_END, "550" },
    { "denial at DATA", HELLO MAIL RCPT, BY_INPUT, "DATA\r\n", QP_HOOK_data,
      QP_DENYSOFT_DISCONNECT, 0, " data" OPEN_END, "421" },
    { "denial in the message", HELLO MAIL RCPT "DATA\r\n", BY_INPUT,
      "A: b\r\n\r\nx", QP_HOOK_data_headers_end, QP_DENY_DISCONNECT, 0,
      " data_headers_end" OPEN_END, "554" },
    { "denial behind the message", HELLO MAIL RCPT "DATA\r\n", BY_INPUT, TEXT,
      QP_HOOK_data_post, QP_DENY_DISCONNECT, 0,
      " data_headers_end data_post_headers received_line data_post" OPEN_END,
      "552" },
    { "denial at queue", HELLO MAIL RCPT "DATA\r\n", BY_INPUT, TEXT,
      QP_HOOK_queue, QP_DENYSOFT_DISCONNECT, 0,
      " data_headers_end data_post_headers received_line data_post queue_pre"
      " queue queue_post" OPEN_END,
      "421" },
    { "bare LF", HELLO MAIL RCPT "DATA\r\n", BY_INPUT, "a\nb\r\n.\r\n", 0, 0, 0,
      " reset_transaction" END, "521" },
    { "EOF at once", NULL, BY_EOF, "", 0, 0, 0, " pre_connection connect" END,
      "220" },
    { "EOF", HELLO, BY_EOF, "NOO", 0, 0, 0, END, "" },
    { "EOF in a transaction", HELLO MAIL, BY_EOF, "", 0, 0, 0, OPEN_END, "" },
    { "EOF in the message", HELLO MAIL RCPT "DATA\r\n", BY_EOF,
      "A: b\r\n\r\nx\r\n.", 0, 0, 0, " data_headers_end" OPEN_END, "" },
    { "EOF behind a command", HELLO, BY_EOF, MAIL, 0, 0, 0,
      " mail_pre mail" OPEN_END, "250" },
    { "reset", HELLO MAIL, BY_RESET, "", 0, 0, 0, OPEN_END, "" },
    { "reset in the message", HELLO MAIL RCPT "DATA\r\n", BY_RESET, "x", 0, 0,
      0, OPEN_END, "" },
    { "broken output", HELLO MAIL, BY_FLUSH, "NOOP\r\n", 0, 0, 0,
      " noop" OPEN_END, "250" },
    { "lost before it began", NULL, BY_POOL, NULL, 0, 0, 0, END, NULL },
    { "lost", HELLO, BY_POOL, NULL, 0, 0, 0, END, NULL },
    { "lost in the message", HELLO MAIL RCPT "DATA\r\nab\r\n", BY_POOL, NULL, 0,
      0, 0, OPEN_END, NULL },
    { "timeout", HELLO, BY_TIMEOUT, NULL, 0, 0, 0, END, "421" },
    { "timeout before EHLO", "", BY_TIMEOUT, NULL, 0, 0, 0, END, "421" },
    { "timeout in a line", HELLO MAIL "RC", BY_TIMEOUT, NULL, 0, 0, 0, OPEN_END,
      "421" },
    { "timeout in the message", HELLO MAIL RCPT "DATA\r\nab\r\n", BY_TIMEOUT,
      NULL, 0, 0, 0, OPEN_END, "421" },
    { "stop", HELLO, BY_STOP, NULL, 0, 0, 0, END, "421" },
    { "stop in a transaction", HELLO MAIL RCPT, BY_STOP, NULL, 0, 0, 0,
      OPEN_END, "421" },
};

static void end_session(engine_kit *kit, enum way way, const char *last)
{
    switch (way) {
    case BY_INPUT:
        break;
    case BY_EOF:
        kit->io->at_end = APR_EOF;
        break;
    case BY_RESET:
        kit->io->at_end = APR_ECONNRESET;
        break;
    case BY_FLUSH:
        kit->io->flush_fail_at = 1;
        kit->io->flush_fail = APR_EPIPE;
        break;
    case BY_POOL:
        kit_close(kit);
        return;
    case BY_TIMEOUT:
        qp_engine_end(kit->qp, QP_END_TIMEOUT);
        kit->want = QP_WANT_CLOSE;
        return;
    case BY_STOP:
        qp_engine_end(kit->qp, QP_END_STOPPING);
        kit->want = QP_WANT_CLOSE;
        return;
    }
    kit_talk(kit, last);
}

/* Nothing more happens, whatever is called. */
static void check_over(engine_kit *kit, const char *name, const char *want)
{
    if (kit->qp != NULL) {
        is_int(qp_engine_run(kit->qp), QP_WANT_CLOSE, "%s: stays closed", name);
        qp_engine_end(kit->qp, QP_END_TIMEOUT);
        qp_engine_end(kit->qp, QP_END_LOST);
        ok(kit->qp->txn == NULL && kit->qp->pcmd == NULL
               && kit->qp->settings == NULL,
           "%s: its memory is gone", name);
    }
    kit_close(kit);
    is_str(kit_view(&kit->trace), want, "%s: hooks of the end, once", name);
}

static void test_end(engine_kit *kit, size_t i)
{
    kit_script script = { ends[i].hook, ends[i].rc, NULL, ends[i].reply, 0 };

    if (ends[i].rc == 0) {
        script.hook = QP_HOOK_COUNT;
    }
    kit_reset(kit);
    kit_plugin(kit, &kit_trace_def, "trace", kit);
    kit_plugin(kit, &kit_script_def, "script", &script);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    kit_open(kit);
    if (ends[i].before != NULL) {
        kit_talk(kit, ends[i].before);
        mem_io_clear_output(kit->io);
    }
    kit_clear(&kit->trace);
    end_session(kit, ends[i].way, ends[i].last);
    if (ends[i].codes != NULL) {
        is_int(kit->want, QP_WANT_CLOSE, "%s: closed", ends[i].name);
        is_str(kit_codes(mem_io_output(kit->io), kit->pool), ends[i].codes,
               "%s: replies", ends[i].name);
    }
    is_str(kit_view(&kit->trace), ends[i].want, "%s: hooks", ends[i].name);
    is_int(kit_count(kit_view(&kit->log), " QP1603 "), 1, "%s: one line",
           ends[i].name);
    check_over(kit, ends[i].name, ends[i].want);
}

static void test_goodbye(engine_kit *kit)
{
    kit_open(kit);
    kit_talk(kit, HELLO);
    mem_io_clear_output(kit->io);
    qp_engine_end(kit->qp, QP_END_TIMEOUT);
    ok(strncmp(mem_io_output(kit->io), "421 4.4.2 ", 10) == 0,
       "status of a timeout");
    is_int((long long)kit->io->flushed, (long long)mem_io_output_len(kit->io),
           "it is on its way");
    kit_open(kit);
    kit_talk(kit, HELLO);
    mem_io_clear_output(kit->io);
    qp_engine_end(kit->qp, QP_END_STOPPING);
    ok(strncmp(mem_io_output(kit->io), "421 4.3.2 ", 10) == 0,
       "status of a stop");
    kit_close(kit);
}

/* When the server may end a session that it need not. */
static void test_idle(engine_kit *kit)
{
    static const struct {
        const char *text;
        int idle;
    } cases[] = {
        { NULL, 0 },
        { "", 1 },
        { HELLO, 1 },
        { HELLO MAIL, 0 },
        { HELLO MAIL "RSET\r\n", 1 },
        { HELLO MAIL RCPT "DATA\r\n", 0 },
        { HELLO MAIL RCPT "DATA\r\n" TEXT, 1 },
    };
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(cases); i++) {
        kit_open(kit);
        if (cases[i].text != NULL) {
            kit_talk(kit, cases[i].text);
        }
        is_int(qp_engine_is_idle(kit->qp), cases[i].idle, "idle %d", (int)i);
    }
    kit_close(kit);
}

/* The end of transactions (D13). ----------------------------------------- */

static qp_rc note_reset(const qp_plugin *self, qp_session *qp,
                        const qp_reset_arg *arg)
{
    engine_kit *kit = self->opts;
    qp_txn *txn = qp_transaction(qp);

    kit_print(&kit->trace, " %s%s:%d:%s", strrchr(qp_txn_id(txn), '.') + 1,
              qp->replied ? "late" : "", qp_txn_rcpts(txn)->nelts,
              qp_txn_sender(txn) != NULL ? qp_txn_sender(txn)->user : "-");
    return qp_return(qp, QP_DENY, "this text must not be seen");
}

static const struct {
    const char *name;
    const char *text;
    qp_hook_id hook;
    int rc;
    const char *want;
} resets[] = {
    { "RSET", HELLO MAIL "RSET\r\nRSET\r\n", 0, 0, " 1:0:a" },
    { "RSET outside", HELLO "RSET\r\n", 0, 0, "" },
    { "two", HELLO MAIL RCPT "RSET\r\n" MAIL RCPT RCPT "RSET\r\n", 0, 0,
      " 1:1:a 2:2:a" },
    { "EHLO", HELLO MAIL HELLO, 0, 0, " 1:0:a" },
    { "HELO", HELLO MAIL RCPT "HELO x\r\n", 0, 0, " 1:1:a" },
    { "queued", HELLO MAIL RCPT "DATA\r\n" TEXT, 0, 0, " 1:1:a" },
    { "not queued", HELLO MAIL RCPT "DATA\r\n" TEXT, QP_HOOK_queue, QP_DENYSOFT,
      " 1:1:a" },
    { "queue_pre", HELLO MAIL RCPT "DATA\r\n" TEXT, QP_HOOK_queue_pre, QP_DENY,
      " 1:1:a" },
    { "data_post", HELLO MAIL RCPT "DATA\r\n" TEXT, QP_HOOK_data_post, QP_DENY,
      " 1:1:a" },
    { "data_post_headers", HELLO MAIL RCPT "DATA\r\n" TEXT,
      QP_HOOK_data_post_headers, QP_DENYSOFT, " 1:1:a" },
    { "data_headers_end", HELLO MAIL RCPT "DATA\r\n" TEXT,
      QP_HOOK_data_headers_end, QP_DENY, " 1:1:a" },
    { "data", HELLO MAIL RCPT "DATA\r\n", QP_HOOK_data, QP_DENY, " 1:1:a" },
    { "mail", HELLO MAIL MAIL, QP_HOOK_mail, QP_DENY, " 1:0:- 2:0:-" },
    { "mail_pre", HELLO MAIL, QP_HOOK_mail_pre, QP_DENYSOFT, " 1:0:-" },
    { "no good MAIL", HELLO "MAIL FROM:<a b>\r\nMAIL x\r\n", 0, 0,
      " 1:0:- 2:0:-" },
    { "MAIL too early", MAIL, 0, 0, "" },
    { "MAIL twice", HELLO MAIL MAIL, 0, 0, "" },
    { "too big", HELLO "MAIL FROM:<a@b.example> SIZE=9999999\r\n", 0, 0,
      " 1:0:-" },
    { "bad parameter", HELLO "MAIL FROM:<a@b.example> X=1\r\n", 0, 0,
      " 1:0:-" },
    { "rcpt", HELLO MAIL RCPT, QP_HOOK_rcpt, QP_DENY, "" },
    { "bad rcpt", HELLO MAIL "RCPT TO:<b@c@d>\r\n", 0, 0, "" },
    { "vrfy", HELLO MAIL "VRFY x\r\n", QP_HOOK_vrfy, QP_DENY, "" },
    { "ehlo refused", HELLO MAIL "HELO x\r\n", QP_HOOK_helo, QP_DENY, "" },
};

static void test_resets(engine_kit *kit)
{
    static const qp_plugin_def def = { .hooks.reset_transaction = note_reset };
    kit_script script = { QP_HOOK_COUNT, 0, NULL, 0, 0 };
    size_t i;

    kit_reset(kit);
    kit_set(kit, "databytes", "1000");
    kit_plugin(kit, &def, "reset", kit);
    kit_plugin(kit, &kit_script_def, "script", &script);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    for (i = 0; i < QP_ARRAY_LEN(resets); i++) {
        script.hook = resets[i].rc != 0 ? resets[i].hook : QP_HOOK_COUNT;
        script.rc = resets[i].rc;
        kit_open(kit);
        kit_talk(kit, resets[i].text);
        is_str(kit_view(&kit->trace), resets[i].want, "transaction ended by %s",
               resets[i].name);
        ok(strstr(mem_io_output(kit->io), "must not be seen") == NULL,
           "%s: its text", resets[i].name);
    }
    kit_close(kit);
}

/* queue_post (D9). ------------------------------------------------------- */

static qp_rc note_post(const qp_plugin *self, qp_session *qp,
                       const qp_queue_post_arg *arg)
{
    engine_kit *kit = self->opts;
    apr_pool_t *pool = qp_pool(qp);
    int i;

    kit_print(&kit->trace, "%s %s", arg->id, qp_addr_format(arg->sender, pool));
    for (i = 0; i < arg->rcpts->nelts; i++) {
        kit_print(&kit->trace, ",%s",
                  qp_addr_format(APR_ARRAY_IDX(arg->rcpts, i, const qp_addr *),
                                 pool));
    }
    kit_print(&kit->trace, " %d %s %s", (int)arg->size,
              qp_hook_rc_name(arg->rc), arg->text);
    kit_print(&kit->trace, " %s %s", qp->replied ? "replied" : "silent",
              kit->io->flushed == mem_io_output_len(kit->io) ? "out" : "in");
    kit_print(&kit->trace, qp_transaction(qp) == NULL ? " gone" : " open");
    return qp_return(qp, QP_DENY, "faulty");
}

static const struct {
    int rc;
    int reply;
    const char *text;
    const char *code;
    const char *want;
} posts[] = {
    { QP_OK, 0, NULL, "250", " 20 OK  replied out gone" },
    { QP_OK, 0, "as 17", "250", " 20 OK as 17 replied out gone" },
    { QP_DENY, 0, "no", "552", " 20 DENY no replied out gone" },
    { QP_DENYSOFT, 0, NULL, "452", " 20 DENYSOFT  replied out gone" },
    { QP_DECLINED, 0, NULL, "451", " 20 DECLINED  replied out gone" },
    { QP_DONE, 255, "own", "255", " 20 DONE  replied out gone" },
};

static void test_queue_post(engine_kit *kit)
{
    static const qp_plugin_def def = { .hooks.queue_post = note_post };
    kit_script script = { QP_HOOK_queue, 0, NULL, 0, 0 };
    const char *want;
    size_t i;

    kit_reset(kit);
    kit_plugin(kit, &def, "post", kit);
    kit_plugin(kit, &kit_script_def, "script", &script);
    kit_plugin(kit, &kit_base_def, "base", kit)->hooks.queue = NULL;
    kit_start(kit);
    for (i = 0; i < QP_ARRAY_LEN(posts); i++) {
        script.rc = posts[i].rc;
        script.reply = posts[i].reply;
        script.text = posts[i].text;
        kit_open(kit);
        kit_talk(kit, HELLO MAIL RCPT RCPT "DATA\r\n");
        is_str(kit_codes(kit_talk(kit, "Subject: test\r\n\r\nx\r\n.\r\n"
                                       "NOOP\r\n"),
                         kit->pool),
               apr_pstrcat(kit->pool, posts[i].code, " 250", NULL),
               "queue_post %d: replies", (int)i);
        want = apr_pstrcat(kit->pool,
                           "ID.1 <a@example.net>,<b@example.org>,"
                           "<b@example.org>",
                           posts[i].want, NULL);
        is_str(kit_normal(kit, kit_view(&kit->trace)), want,
               "queue_post %d: facts", (int)i);
        ok(strstr(kit_view(&kit->log), "3 QP1541 : queue_post: DENY faulty")
               != NULL,
           "queue_post %d: its own answer is logged", (int)i);
        kit_clear(&kit->trace);
        kit_talk(kit, MAIL RCPT "DATA\r\n.\r\n");
        ok(strncmp(kit_normal(kit, kit_view(&kit->trace)), "ID.2 ", 5) == 0,
           "queue_post %d: of the second message", (int)i);
    }
    kit_close(kit);
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    for (i = 0; i < QP_ARRAY_LEN(ends); i++) {
        test_end(kit, i);
    }
    kit_reset(kit);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    test_goodbye(kit);
    test_idle(kit);
    test_resets(kit);
    test_queue_post(kit);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
