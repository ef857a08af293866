/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of smtp/qp_params: which parameters are taken, when, and with what
 * values; what plugins see of them. Covers R58, R59, R60, R62.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

#define HELLO "EHLO client.example\r\n"
#define A64   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* A parameter of MAIL, or of RCPT, and the reply. */
static const struct {
    const char *param;
    const char *reply;
} mails[] = {
    { "RET=FULL", "250" },
    { "RET=hdrs", "250" },
    { "RET=BODY", "501 5.5.4" },
    { "RET", "501 5.5.4" },
    { "RET=FULL RET=HDRS", "501 5.5.4" },
    { "ENVID=QQ314159", "250" },
    { "ENVID=a+2Bb+20c", "250" },
    { "ENVID=a+2bb", "501 5.5.4" },
    { "ENVID=a+0A", "501 5.5.4" },
    { "ENVID=a+80", "501 5.5.4" },
    { "ENVID", "501 5.5.4" },
    { "ENVID=" A64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "250" },
    { "ENVID=" A64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "501 5.5.4" },
    { "BODY=7BIT", "250" },
    { "BODY=8bitmime", "250" },
    { "BODY=BINARYMIME", "250" },
    { "BODY=9BIT", "501 5.5.4" },
    { "BODY", "501 5.5.4" },
    { "SMTPUTF8", "250" },
    { "SMTPUTF8=1", "501 5.5.4" },
    { "MT-PRIORITY=0", "250" },
    { "MT-PRIORITY=9", "250" },
    { "mt-priority=-9", "250" },
    { "MT-PRIORITY=10", "501 5.5.4" },
    { "MT-PRIORITY=-0", "501 5.5.4" },
    { "MT-PRIORITY=+1", "501 5.5.4" },
    { "MT-PRIORITY=-", "501 5.5.4" },
    { "MT-PRIORITY", "501 5.5.4" },
    { "BY=120;R", "250" },
    { "BY=120;RT", "250" },
    { "by=-1;n", "250" },
    { "BY=+999999999;NT", "250" },
    { "BY=0;N", "250" },
    { "BY=0;R", "501 5.5.4" },
    { "BY=-5;R", "501 5.5.4" },
    { "BY=1234567890;N", "501 5.5.4" },
    { "BY=120", "501 5.5.4" },
    { "BY=120;", "501 5.5.4" },
    { "BY=120;X", "501 5.5.4" },
    { "BY=120;RTT", "501 5.5.4" },
    { "BY=;R", "501 5.5.4" },
    { "BY=--1;N", "501 5.5.4" },
    { "REQUIRETLS", "555 5.5.4" },
    { "AUTH=<>", "555 5.5.4" },
    { "SIZE=5000", "250" },
    { "SIZE=05000", "250" },
    { "SIZE=5001", "552 5.3.4" },
    { "SIZE=9223372036854775807", "552 5.3.4" },
    { "SIZE=9223372036854775808", "552 5.3.4" },
    { "SIZE=18446744073709551616", "552 5.3.4" },
    { "SIZE=99999999999999999999999", "552 5.3.4" },
    { "SIZE=00000000000000000000000001", "250" },
    { "SIZE=1.5", "501 5.5.4" },
    { "SIZE=0x10", "501 5.5.4" },
    { "FOO", "555 5.5.4" },
    { "NOTIFY=NEVER", "555 5.5.4" },
    { "ORCPT=rfc822;a@b.example", "555 5.5.4" },
}, rcpts[] = {
    { "NOTIFY=NEVER", "250" },
    { "NOTIFY=success", "250" },
    { "NOTIFY=SUCCESS,FAILURE,DELAY", "250" },
    { "NOTIFY=NEVER,SUCCESS", "501 5.5.4" },
    { "NOTIFY=SUCCESS,NEVER", "501 5.5.4" },
    { "NOTIFY=SUCCESS,", "501 5.5.4" },
    { "NOTIFY=,SUCCESS", "501 5.5.4" },
    { "NOTIFY=SUCCESSES", "501 5.5.4" },
    { "NOTIFY", "501 5.5.4" },
    { "ORCPT=rfc822;b@example.org", "250" },
    { "ORCPT=x-a!#$;b+2Bc+3Dd@example.org", "250" },
    { "ORCPT=rfc822;", "501 5.5.4" },
    { "ORCPT=;b@example.org", "501 5.5.4" },
    { "ORCPT=rfc822", "501 5.5.4" },
    { "ORCPT=rfc 822;b@example.org", "501 5.5.4" },
    { "ORCPT=rfc822;b+0Ac", "501 5.5.4" },
    { "ORCPT=rfc822;b+0ac", "501 5.5.4" },
    { "ORCPT=rfc822;\xc3\xa9@example.org", "501 5.5.4" },
    { "ORCPT=utf-8;b\\x{E9}@example.org", "250" },
    { "ORCPT=UTF-8;b\\x{1F4E7}@example.org", "250" },
    { "ORCPT=utf-8;b\\x{E}@example.org", "501 5.5.4" },
    { "ORCPT=utf-8;b\\x{0000E9}@example.org", "250" },
    { "ORCPT=utf-8;b\\x{00000E9}@example.org", "501 5.5.4" },
    { "ORCPT=utf-8;b\\x{e9}@example.org", "501 5.5.4" },
    { "ORCPT=utf-8;b\\xE9@example.org", "501 5.5.4" },
    { "ORCPT=utf-8;b+c@example.org", "501 5.5.4" },
    { "ORCPT=utf-8;\xc3\xa9@example.org", "501 5.5.4" },
    { "RET=FULL", "555 5.5.4" },
    { "SIZE=1", "555 5.5.4" },
    { "FOO=bar", "555 5.5.4" },
};

/* A server that can pass on everything. */
static void start_able(engine_kit *kit)
{
    kit_reset(kit);
    kit_set(kit, "databytes", "5000");
    kit_plugin(kit, &kit_base_def, "base", kit)->can = ~0u;
    kit_start(kit);
}

static void check_reply(engine_kit *kit, const char *line, const char *reply)
{
    const char *out = kit_talk(kit, line);

    if (!ok(strncmp(out, reply, strlen(reply)) == 0
                && kit_count(out, "\n") == 1,
            "%.60s: %s", line, reply)) {
        diag("%s", out);
    }
}

static void test_values(engine_kit *kit)
{
    size_t i;

    start_able(kit);
    kit_set(kit, "max_errors", "0");
    for (i = 0; i < QP_ARRAY_LEN(mails); i++) {
        kit_open(kit);
        kit_talk(kit, HELLO);
        check_reply(kit,
                    apr_pstrcat(kit->pool, "MAIL FROM:<a@example.net> ",
                                mails[i].param, "\r\n", NULL),
                    mails[i].reply);
    }
    for (i = 0; i < QP_ARRAY_LEN(rcpts); i++) {
        kit_open(kit);
        kit_talk(kit, HELLO "MAIL FROM:<a@example.net>\r\n");
        check_reply(kit,
                    apr_pstrcat(kit->pool, "RCPT TO:<b@example.org> ",
                                rcpts[i].param, "\r\n", NULL),
                    rcpts[i].reply);
    }
    kit_open(kit);
    kit_talk(kit, HELLO "MAIL FROM:<> SMTPUTF8\r\n");
    check_reply(kit,
                "RCPT TO:<b@example.org> ORCPT=utf-8;\xc3\xa9@example.org\r\n",
                "250");
}

/* Exactly what was announced is taken (R58). */
static void test_offers(engine_kit *kit)
{
    static const struct {
        unsigned int can;
        const char *keyword;
        const char *param;
    } rows[] = {
        { QP_CAN_BINARYMIME, "BINARYMIME", "BODY=BINARYMIME" },
        { QP_CAN_SMTPUTF8, "SMTPUTF8", "SMTPUTF8" },
        { QP_CAN_DSN, "DSN", "RET=FULL" },
        { QP_CAN_DELIVERBY, "DELIVERBY", "BY=5;N" },
        { QP_CAN_MT_PRIORITY, "MT-PRIORITY", "MT-PRIORITY=1" },
    };
    const char *line;
    const char *mail;
    unsigned int bit;
    size_t i;
    size_t j;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        bit = rows[i].can;
        kit_reset(kit);
        kit_plugin(kit, &kit_base_def, "base", kit)->can = ~0u;
        kit_plugin(kit, &kit_base_def, "other", kit)->can = ~bit;
        kit_start(kit);
        for (j = 0; j < QP_ARRAY_LEN(rows); j++) {
            line = apr_pstrcat(kit->pool, "-", rows[j].keyword, "\r\n", NULL);
            mail = apr_pstrcat(kit->pool, "MAIL FROM:<a@example.net> ",
                               rows[j].param, "\r\n", NULL);
            kit_open(kit);
            is_int(strstr(kit_talk(kit, HELLO), line) != NULL, i != j,
                   "%s without %s: announced", rows[j].keyword,
                   rows[i].keyword);
            is_int(strncmp(kit_talk(kit, mail), "250", 3) == 0, i != j,
                   "%s without %s: taken", rows[j].param, rows[i].keyword);
        }
    }
    start_able(kit);
    kit_open(kit);
    kit_talk(kit, "HELO client.example\r\n");
    check_reply(kit, "MAIL FROM:<a@example.net> SIZE=1\r\n", "555 5.5.4");
    check_reply(kit, "MAIL FROM:<a@example.net>\r\n", "250");
}

static void test_hidden(engine_kit *kit)
{
    const char *out;

    start_able(kit);
    kit_set(kit, "hide_extensions", "dsn CHUNKING");
    is_str(kit_start(kit), NULL, "hide_extensions");
    kit_open(kit);
    out = kit_talk(kit, HELLO);
    ok(strstr(out, "DSN") == NULL && strstr(out, "CHUNKING") == NULL,
       "what is hidden is not announced");
    ok(strstr(out, "BINARYMIME") == NULL, "nor what needs it");
    ok(strstr(out, "-SMTPUTF8\r\n") != NULL, "the rest is");
    check_reply(kit, "MAIL FROM:<a@example.net> RET=FULL\r\n", "555 5.5.4");
    kit_talk(kit, "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n");
    check_reply(kit, "BDAT 5 LAST\r\nQUIT\n", "502 5.5.1");
    kit_set(kit, "hide_extensions", "DSN NONSENSE");
    ok(strstr(kit_start(kit), "\"NONSENSE\"") != NULL,
       "a keyword that is none stops the start");
}

/* What a plugin sees. */
static qp_rc show_params(const qp_plugin *self, qp_session *qp,
                         const qp_data_arg *arg)
{
    engine_kit *kit = self->opts;
    qp_txn *txn = qp_transaction(qp);
    int i;

    kit_print(&kit->trace, "%s utf8=%d binary=%d",
              apr_table_get(qp_txn_mail_params(txn), "envid"),
              qp_txn_is_smtputf8(txn), qp_txn_is_binary(txn));
    for (i = 0; i < qp_txn_rcpts(txn)->nelts; i++) {
        const char *notify =
            apr_table_get(qp_txn_rcpt_params(txn, i), "notify");

        kit_print(&kit->trace, " %s:%s",
                  APR_ARRAY_IDX(qp_txn_rcpts(txn), i, const qp_addr *)->user,
                  notify != NULL ? notify : "-");
    }
    return QP_DECLINED;
}

static qp_rc add_rcpt(const qp_plugin *self, qp_session *qp,
                      const qp_data_arg *arg)
{
    static const qp_addr b = { "b", "example.org" };
    static const qp_addr y = { "y", "example.org" };
    static const qp_addr z = { "z", "example.org" };

    qp_txn_add_rcpt(qp_transaction(qp), &z);
    qp_txn_replace_rcpt(qp_transaction(qp), &b, &y);
    return QP_DECLINED;
}

static void test_plugins(engine_kit *kit)
{
    static const qp_plugin_def def = { .hooks = { .queue_pre = add_rcpt,
                                                  .queue = show_params } };

    kit_reset(kit);
    kit_plugin(kit, &def, "show", kit)->can = ~0u;
    kit_plugin(kit, &kit_base_def, "base", kit)->can = ~0u;
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, HELLO "MAIL FROM:<a@example.net> ENVID=x+20y SMTPUTF8\r\n"
                        "RCPT TO:<b@example.org> NOTIFY=NEVER\r\n"
                        "RCPT TO:<c@example.org>\r\n"
                        "RCPT TO:<d@example.org> NOTIFY=DELAY\r\n"
                        "DATA\r\nA: b\r\n\r\n.\r\n");
    is_str(kit_view(&kit->trace),
           "x+20y utf8=1 binary=0 y:NEVER c:- d:DELAY z:-",
           "parameters stay with their recipients");
    ok(strstr(kit_view(&kit->stored), " with UTF8SMTP id ") != NULL,
       "Received says UTF8SMTP");
    kit_talk(kit, "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n"
                  "DATA\r\nA: b\r\n\r\n.\r\n");
    ok(strstr(kit_view(&kit->stored), " with ESMTP id ") != NULL,
       "and of the next message ESMTP");
    kit_close(kit);
}

static void test_utf8(engine_kit *kit)
{
    static const struct {
        const char *line;
        const char *reply;
    } rows[] = {
        { "MAIL FROM:<\xc3\xa9@example.net>\r\n", "553 5.6.7" },
        { "MAIL FROM:<a@\xc3\xa9.example>\r\n", "553 5.6.7" },
        { "MAIL FROM:<\xe9@example.net> SMTPUTF8\r\n", "553 5.6.7" },
        { "MAIL FROM:<a@\xc0\xaf.example> SMTPUTF8\r\n", "553 5.6.7" },
        { "MAIL FROM:<a\xc2\x85@example.net> SMTPUTF8\r\n", "501 5.1.7" },
        { "MAIL FROM:<\xc3\xa9@example.net> SMTPUTF8\r\n", "250 2.1.0" },
        { "RCPT TO:<\xd0\xb8@\xc3\xa9.example>\r\n", "250 2.1.5" },
        { "RCPT TO:<\"\xd0\xb8 x\"@example.org>\r\n", "250 2.1.5" },
        { "RCPT TO:<\xd0@example.org>\r\n", "553 5.6.7" },
        { "RSET\r\n", "250" },
        { "MAIL FROM:<a@example.net>\r\n", "250" },
        { "RCPT TO:<\xd0\xb8@example.org>\r\n", "553 5.6.7" },
    };
    size_t i;

    start_able(kit);
    kit_open(kit);
    kit_talk(kit, HELLO);
    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        check_reply(kit, rows[i].line, rows[i].reply);
    }
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
    test_values(kit);
    test_offers(kit);
    test_hidden(kit);
    test_plugins(kit);
    test_utf8(kit);
    apr_pool_destroy(pool);
    return done_testing();
}
