/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of LMTP (RFC 2033): which verbs there are, and that behind a message
 * there is one reply for each recipient that was accepted, the plugin's own or
 * the same for all.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

#define HELLO "LHLO client.example\r\n"
#define MAIL  "MAIL FROM:<a@example.net>\r\n"
#define RCPTS                                                                  \
    "RCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\n"                   \
    "RCPT TO:<d@example.org>\r\n"
#define TEXT "A: b\r\n\r\nx\r\n.\r\n"

struct results {
    qp_rc rc;
    int index[3]; /* of the recipients with results */
    qp_rc rcs[3];
    const char *texts[3];
    int n;
};

static qp_rc give_results(const qp_plugin *self, qp_session *qp,
                          const qp_data_arg *arg)
{
    const struct results *results = self->opts;
    int i;

    for (i = 0; i < results->n; i++) {
        if (results->texts[i] == NULL) {
            qp_rcpt_result(qp, results->index[i], results->rcs[i], NULL);
        }
        else {
            qp_rcpt_result(qp, results->index[i], results->rcs[i], "%s",
                           results->texts[i]);
        }
    }
    return results->n >= 0 ? qp_return(qp, results->rc, "all") : QP_DECLINED;
}

static qp_rc deny_c(const qp_plugin *self, qp_session *qp,
                    const qp_rcpt_arg *arg)
{
    return arg->rcpt->user[0] == 'n' ? QP_DENY : QP_DECLINED;
}

/* Recipients come and go, replies do not. */
static qp_rc change_rcpts(const qp_plugin *self, qp_session *qp,
                          const qp_data_arg *arg)
{
    static const qp_addr b = { "b", "example.org" };
    static const qp_addr c = { "c", "example.org" };
    static const qp_addr x = { "x", "example.org" };

    qp_txn_add_rcpt(qp_transaction(qp), &x);
    qp_txn_remove_rcpt(qp_transaction(qp), &b);
    qp_txn_replace_rcpt(qp_transaction(qp), &c, &x);
    return QP_DECLINED;
}

static void start(engine_kit *kit, struct results *results, int change)
{
    static const qp_plugin_def queue = {
        .hooks = { .rcpt = deny_c, .queue = give_results },
    };
    static const qp_plugin_def changer = {
        .hooks = { .queue_pre = change_rcpts },
    };

    kit_reset(kit);
    kit_set(kit, "protocol", "lmtp");
    if (change) {
        kit_plugin(kit, &changer, "changer", kit);
    }
    kit_plugin(kit, &queue, "queue", results);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    kit_open(kit);
}

static void test_verbs(engine_kit *kit)
{
    struct results results = { .n = -1 };
    const char *out;

    start(kit, &results, 0);
    ok(strstr(kit_talk(kit, ""), " LMTP ") != NULL, "the greeting says LMTP");
    ok(strncmp(kit_talk(kit, "EHLO x\r\n"), "500 5.5.1", 9) == 0, "no EHLO");
    ok(strncmp(kit_talk(kit, "HELO x\r\n"), "500 5.5.1", 9) == 0, "no HELO");
    ok(strncmp(kit_talk(kit, MAIL), "503 5.5.1", 9) == 0, "MAIL comes later");
    out = kit_talk(kit, HELLO);
    ok(strstr(out, "250-PIPELINING\r\n") != NULL
           && strstr(out, "250-ENHANCEDSTATUSCODES\r\n") != NULL,
       "LHLO has the list of EHLO");
    is_str(qp_conn_hello(kit->qp->conn), "lhlo", "plugins are told");
    ok(qp_has_rcpt_results(kit->qp), "of the results, too");
    kit_talk(kit, MAIL);
    is_str(kit_codes(kit_talk(kit, "DATA\r\n"), kit->pool), "503",
           "DATA without recipients");
    kit_reset(kit);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    kit_open(kit);
    is_str(kit_codes(kit_talk(kit, HELLO), kit->pool), "220 500",
           "no LHLO in SMTP");
    ok(!qp_has_rcpt_results(kit->qp), "and no results");
}

static const struct {
    const char *name;
    struct results results;
    const char *want;
} cases[] = {
    { "nobody says anything", { .n = -1 }, "250 250 250" },
    { "all the same", { .rc = QP_DENYSOFT }, "452 452 452" },
    { "one has failed",
      { QP_OK, { 1 }, { QP_DENYSOFT }, { "4.2.2 full" }, 1 },
      "250 452 250" },
    { "all for themselves",
      { QP_OK, { 2, 0, 1 }, { QP_DENY, QP_OK, QP_DENYSOFT }, { NULL }, 3 },
      "250 452 552" },
    { "one has not failed",
      { QP_DENYSOFT, { 0 }, { QP_OK }, { "fine" }, 1 },
      "250 452 452" },
};

static void test_results(engine_kit *kit)
{
    struct results results;
    const char *out;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(cases); i++) {
        results = cases[i].results;
        start(kit, &results, 0);
        kit_talk(kit, HELLO MAIL RCPTS "DATA\r\n");
        out = kit_talk(kit, TEXT);
        is_str(kit_codes(out, kit->pool), cases[i].want, "%s", cases[i].name);
        is_str(kit_codes(kit_talk(kit, "NOOP\r\n"), kit->pool), "250",
               "%s: it goes on", cases[i].name);
        kit_talk(kit, MAIL RCPTS "RCPT TO:<no@example.org>\r\n");
        out = kit_talk(kit, "BDAT 9\r\nA: b\r\n\r\nxBDAT 0 LAST\r\n");
        is_str(kit_codes(out, kit->pool),
               apr_pstrcat(kit->pool, "250 ", cases[i].want, NULL),
               "%s, by BDAT", cases[i].name);
    }
    ok(strstr(kit_view(&kit->stored), "with LMTP id") == NULL,
       "nothing was stored");
}

static void test_texts(engine_kit *kit)
{
    struct results results = {
        QP_OK, { 1 }, { QP_DENYSOFT }, { "4.2.2 full" }, 1
    };
    const char *out;

    start(kit, &results, 0);
    kit_talk(kit, HELLO MAIL RCPTS "DATA\r\n");
    out = kit_normal(kit, kit_talk(kit, TEXT));
    is_str(out,
           "250 2.0.0 all ID.1\r\n452 4.2.2 full\r\n250 2.0.0 all ID.1\r\n",
           "texts");
    results.n = -1;
    kit_talk(kit, MAIL RCPTS "DATA\r\n" TEXT);
    ok(strstr(kit_view(&kit->stored), " with LMTP id ") != NULL,
       "Received says LMTP");
}

/* The client counts the recipients that were accepted, whatever becomes of
 * them. */
static void test_changes(engine_kit *kit)
{
    struct results results = {
        QP_OK, { 0, 1, 2 }, { QP_DENY, QP_DENYSOFT, QP_DENY }, { NULL }, 3
    };

    start(kit, &results, 1);
    kit_talk(kit, HELLO MAIL RCPTS "DATA\r\n");
    is_str(kit_codes(kit_talk(kit, TEXT), kit->pool), "250 552 452",
           "one removed, one replaced, one added");
}

/* Whatever refuses the message, each is told. */
static void test_refusals(engine_kit *kit)
{
    kit_script script = { QP_HOOK_data_post, QP_DENY, "no", 0, 0 };

    kit_reset(kit);
    kit_set(kit, "protocol", "lmtp");
    kit_set(kit, "databytes", "100");
    kit_plugin(kit, &kit_script_def, "script", &script);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, HELLO MAIL RCPTS "DATA\r\n");
    is_str(kit_codes(kit_talk(kit, TEXT), kit->pool), "552 552 552",
           "by a plugin");
    script.hook = QP_HOOK_data_headers_end;
    kit_talk(kit, MAIL RCPTS "DATA\r\n");
    is_str(kit_codes(kit_talk(kit, TEXT), kit->pool), "554 554 554",
           "by its header");
    script.hook = QP_HOOK_data;
    kit_talk(kit, MAIL RCPTS);
    is_str(kit_codes(kit_talk(kit, "DATA\r\n"), kit->pool), "554",
           "at DATA there is one reply");
    script.hook = QP_HOOK_queue;
    script.rc = QP_DONE;
    script.reply = 250;
    kit_talk(kit, MAIL RCPTS "DATA\r\n");
    is_str(kit_codes(kit_talk(kit, TEXT), kit->pool), "250 250 250",
           "a plugin that replies itself replies to all");
    script.hook = QP_HOOK_COUNT;
    kit_talk(kit, MAIL RCPTS "DATA\r\n");
    is_str(kit_codes(kit_talk(kit,
                              apr_psprintf(kit->pool, "A: %0100d\r\n.\r\n", 1)),
                     kit->pool),
           "552 552 552", "by its size");
    kit_talk(kit, MAIL RCPTS "DATA\r\n");
    is_str(kit_codes(kit_talk(kit, "A: b\n\r\n.\r\n"), kit->pool),
           "521 521 521", "by a bare LF");
    is_int(kit->want, QP_WANT_CLOSE, "which closes");
    kit_close(kit);
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    test_verbs(kit);
    test_results(kit);
    test_texts(kit);
    test_changes(kit);
    test_refusals(kit);
    apr_pool_destroy(pool);
    return done_testing();
}
