/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugin/qp_settings: every key of the engine with good and bad
 * values, at start and while sessions run.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

static const char *show_settings(engine_kit *kit, const qp_settings *settings)
{
    return apr_psprintf(
        kit->pool, "%s %s %d %d %s %d %d %d %d %d %d %d|%s %d %d", settings->me,
        settings->smtpgreeting != NULL ? settings->smtpgreeting : "-",
        (int)settings->databytes, (int)settings->size_threshold,
        settings->spool_dir, settings->bare_newline, settings->max_line,
        (int)settings->max_data_line, (int)settings->max_header,
        settings->max_recipients, settings->max_errors, settings->max_conn_ip,
        settings->dns_servers, (int)settings->dns_timeout, settings->dns_tries);
}

static const char *current_settings(engine_kit *kit)
{
    qp_settings *settings = qp_settings_get(kit->server->settings);
    const char *shown = show_settings(kit, settings);

    qp_settings_release(settings);
    return shown;
}

/* At start. -------------------------------------------------------------- */

static void test_defaults(engine_kit *kit)
{
    qp_settings *settings;

    kit_reset(kit);
    kit_set(kit, "me", NULL);
    kit_set(kit, "spool_dir", NULL);
    is_str(kit_start(kit), NULL, "all defaults");
    settings = qp_settings_get(kit->server->settings);
    ok(settings->me != NULL && settings->me[0] != '\0', "me: the host's name");
    ok(settings->spool_dir[0] == '/', "spool_dir: a path");
    qp_settings_release(settings);
    kit_set(kit, "me", "a.b");
    kit_set(kit, "spool_dir", "/s");
    is_str(kit_start(kit), NULL, "the rest of the defaults");
    is_str(
        current_settings(kit),
        "a.b - 0 10000 /s 0 2048 1048576 1048576 1000 20 100|(null) 8000000 3",
        "defaults");
}

static const struct {
    const char *key;
    const char *value;
    const char *error; /* a part of it; NULL: good */
    const char *shown;
} values[] = {
    { "me", "mx-1.example.com", NULL, "mx-1.example.com - 0" },
    { "me", "mx example", "me: must be the host name", NULL },
    { "me", "mx\"quoted", "me: must be the host name", NULL },
    { "me", "m\xc3\xbcnchen", "me: must be the host name", NULL },
    { "smtpgreeting", "hello, you", NULL, " hello, you 0" },
    { "databytes", "10M", NULL, " - 10485760 10000" },
    { "databytes", "-1", "databytes: ", NULL },
    { "databytes", "ten", "databytes: ", NULL },
    { "databytes", "99999999999999999999", "databytes: ", NULL },
    { "size_threshold", "1K", NULL, " - 0 1024 " },
    { "size_threshold", "1x", "size_threshold: ", NULL },
    { "spool_dir", "sub/spool", NULL, "/sub/spool 0 2048" },
    { "bare_newline", "reject", NULL, " 0 2048 " },
    { "bare_newline", "normalize", NULL, " 1 2048 " },
    { "bare_newline", "accept-in-body", NULL, " 2 2048 " },
    { "bare_newline", "accept", "bare_newline: ", NULL },
    { "max_line", "512", NULL, " 0 512 1048576 " },
    { "max_line", "511", "max_line: ", NULL },
    { "max_line", "65537", "max_line: ", NULL },
    { "max_data_line", "998", NULL, " 2048 998 1048576 " },
    { "max_data_line", "", NULL, NULL },
    { "max_header", "64k", NULL, " 65536 1000 20 100" },
    { "max_header", "1e3", "max_header: ", NULL },
    { "max_recipients", "1", NULL, " 1 20 100" },
    { "max_recipients", "0", "max_recipients: ", NULL },
    { "max_errors", "0", NULL, " 1000 0 100" },
    { "max_errors", "-1", "max_errors: ", NULL },
    { "max_conn_ip", "5", NULL, " 20 5" },
    { "dns_servers", "127.0.0.1:5353, ::1", NULL,
      "|127.0.0.1:5353,[::1]:53 8000000" },
    { "dns_servers", "localhost", "dns_servers: \"localhost\" is no", NULL },
    { "dns_timeout", "100ms", NULL, " 100000 3" },
    { "dns_timeout", "26", "dns_timeout: must be from 100ms to 25s", NULL },
    { "dns_timeout", "0", "dns_timeout: must be", NULL },
    { "dns_tries", "1", NULL, " 8000000 1" },
    { "dns_tries", "0", "dns_tries: ", NULL },
    { "max_conn_ip", "five", "max_conn_ip: ", NULL },
    { "max_conn_ip", "5 192.0.2.0/24 7", NULL, "20 5" },
    { "max_conn_ip", "5 192.0.2.0/24", "max_conn_ip: must be", NULL },
    { "max_conn_ip", "5 192.0.2.0/33 7", "max_conn_ip: \"192.0.2.0/33", NULL },
    { "max_conn_ip", "5 192.0.2.0/24 x", "max_conn_ip: \"x\" is not", NULL },
    { "max_conn_ip", "192.0.2.0/24 7 5", "max_conn_ip: must be", NULL },
    { "max_connections", "-1", "max_connections: ", NULL },
    { "max_rate_ip", "100/60s", NULL, NULL },
    { "max_rate_ip", "0", NULL, NULL },
    { "max_rate_ip", "100", "max_rate_ip: must be NUMBER/TIME", NULL },
    { "max_rate_ip", "100/1ms", "max_rate_ip: must be", NULL },
    { "max_rate_ip", "100/8d", "max_rate_ip: must be", NULL },
    { "max_rate_ip", "-1/1s", "max_rate_ip: must be", NULL },
    { "max_conn_rate_ip", "9999999/1s", "max_conn_rate_ip: must be", NULL },
    { "max_commands", "x", "max_commands: ", NULL },
    { "max_messages", "x", "max_messages: ", NULL },
    { "pipelining", "maybe", "pipelining: ", NULL },
    { "timeoutsmtpd", "-1", "timeoutsmtpd: ", NULL },
    { "timeout", "x", "timeout: ", NULL },
    { "timeout_line", "5x", "timeout_line: ", NULL },
    { "min_data_rate", "1k", "min_data_rate: ", NULL },
};

/* The same by QpsmtpdSet and by a file. */
static void test_value(engine_kit *kit, size_t i, int by_file)
{
    const char *where =
        by_file
            ? apr_pstrcat(kit->pool, "/", values[i].key, ":2: ", NULL)
            : apr_pstrcat(kit->pool, "QpsmtpdSet ", values[i].key, ": ", NULL);
    const char *error;

    kit_reset(kit);
    kit_set(kit, values[i].key, by_file ? NULL : values[i].value);
    if (by_file) {
        kit_file(kit, values[i].key,
                 apr_pstrcat(kit->pool, "#\n ", values[i].value, "\n", NULL));
    }
    error = kit_start(kit);
    if (values[i].error != NULL) {
        ok(error != NULL && strstr(error, values[i].error) != NULL
               && strstr(error, where) != NULL,
           "%s \"%s\" is refused: %s", values[i].key, values[i].value, error);
    }
    else if (values[i].shown != NULL) {
        is_str(error, NULL, "%s \"%s\"", values[i].key, values[i].value);
        ok(error == NULL
               && strstr(current_settings(kit), values[i].shown) != NULL,
           "%s \"%s\" is taken", values[i].key, values[i].value);
    }
    kit_file(kit, values[i].key, NULL);
}

/* While it runs. --------------------------------------------------------- */

static void check_settings(engine_kit *kit, const char *part)
{
    kit_skip_time(apr_time_from_sec(1));
    ok(strstr(current_settings(kit), part) != NULL, "settings become%s: %s",
       part, current_settings(kit));
}

static void start_changes(engine_kit *kit)
{
    kit_reset(kit);
    kit_file(kit, "max_recipients", "1\n");
    kit_file(kit, "databytes", "1000\n");
    kit_file(kit, "max_errors", "9\n");
    kit_file(kit, "bare_newline", "normalize\n");
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
}

/* A session takes up changes at its next MAIL, not within a transaction; bad
 * values leave in force what was there, one by one. */
static void test_changes(engine_kit *kit)
{
    qp_settings *held;

    start_changes(kit);
    kit_open(kit);
    kit_talk(kit, "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\n");
    held = qp_settings_get(kit->server->settings);
    kit_file(kit, "max_recipients", "2\n");
    kit_file(kit, "databytes", "much\n");
    kit_file(kit, "max_errors", "$include none\n");
    kit_file(kit, "bare_newline", "accept-in-body\n");
    is_str(show_settings(kit, held), current_settings(kit),
           "not looked at each time");
    check_settings(kit, " 1000 10000 ");
    check_settings(kit, " 2 2048 1048576 1048576 2 9 100");
    is_int(held->max_recipients, 1, "settings that are held stay");
    qp_settings_release(held);
    is_str(kit_codes(kit_talk(kit, "RCPT TO:<a@b>\r\nRSET\r\nMAIL FROM:<>\r\n"
                                   "RCPT TO:<a@b>\r\nRCPT TO:<a@b>\r\n"
                                   "RCPT TO:<a@b>\r\n"),
                     kit->pool),
           "452 250 250 250 250 452", "a session takes them up at MAIL");
    is_int(kit_count(kit_view(&kit->log), "3 QP1301 "), 1,
           "the bad value is an ERROR, once");
    is_int(kit_count(kit_view(&kit->log), "3 QP1201 "), 1,
           "so is the bad file");
    ok(strstr(kit_view(&kit->log), "/databytes:1: databytes: ") != NULL,
       "it names file, line and key");
    kit_file(kit, "databytes", "2000\n");
    kit_file(kit, "max_errors", NULL);
    check_settings(kit, " 2 2048 1048576 1048576 2 20 100");
    check_settings(kit, " - 2000 10000 ");
    kit_close(kit);
}

/* A child process that begins while a file is faulty has the values of the
 * start, not nothing (D15). */
static void test_child(engine_kit *kit)
{
    apr_pool_t *pchild = qp_txn_make_pool(kit->pool, NULL, "pchild");
    const char *before;

    start_changes(kit);
    before = apr_pstrdup(kit->pool, current_settings(kit));
    kit_file(kit, "max_recipients", "$include none\n");
    kit_file(kit, "databytes", "bad\n");
    is_int(qp_server_child_init(kit->server, pchild), APR_SUCCESS,
           "child_init");
    kit_skip_time(apr_time_from_sec(1));
    is_str(current_settings(kit), before, "a child keeps what was good");
    kit_file(kit, "max_recipients", "7\n");
    check_settings(kit, " 7 9 100");
    apr_pool_destroy(pchild);
    kit_file(kit, "max_recipients", NULL);
    kit_file(kit, "databytes", NULL);
    kit_file(kit, "max_errors", NULL);
    kit_file(kit, "bare_newline", NULL);
}

/* Config hooks. ---------------------------------------------------------- */

struct answer {
    const char *key;
    const char *value; /* NULL: no line at all */
};

static qp_rc answer_config(const qp_plugin *self, qp_session *qp,
                           qp_config_arg *arg)
{
    const struct answer *answer = self->opts;

    for (; answer->key != NULL; answer++) {
        if (strcmp(arg->key, answer->key) == 0) {
            arg->lines = apr_array_make(arg->pool, 1, sizeof(const char *));
            if (answer->value != NULL) {
                APR_ARRAY_PUSH(arg->lines, const char *) = answer->value;
            }
            return QP_OK;
        }
    }
    return QP_DECLINED;
}

static void test_hooks(engine_kit *kit)
{
    static const qp_plugin_def def = { .hooks.config = answer_config };
    struct answer answers[] = {
        { "databytes", "77" },    { "max_line", "1" },
        { "max_errors", NULL },   { "me", NULL },
        { "max_header", NULL },   { "spool_dir", NULL },
        { "smtpgreeting", "hi" }, { NULL, NULL },
    };
    const qp_settings *settings;

    kit_reset(kit);
    kit_set(kit, "me", NULL);
    kit_set(kit, "spool_dir", NULL);
    kit_set(kit, "size_threshold", "55");
    kit_plugin(kit, &def, "answer", answers);
    kit_start(kit);
    kit_open(kit);
    settings = kit->qp->settings;
    is_int((long long)settings->databytes, 77, "of a hook");
    is_int((long long)settings->size_threshold, 55, "set, not of a hook");
    is_int(settings->max_line, 2048, "a bad answer: the default");
    is_int(kit_count(kit_view(&kit->log), "3 QP1302 "), 1, "an ERROR");
    is_int(settings->max_errors, 20, "an answer without lines: the default");
    is_int((long long)settings->max_header, 1048576, "max_header, too");
    ok(settings->me != NULL, "me, too");
    ok(settings->spool_dir != NULL, "spool_dir, too");
    is_str(kit_talk(kit, ""), "220 hi ESMTP\r\n", "the greeting");
    kit_close(kit);
}

static void test_greeting(engine_kit *kit)
{
    kit_reset(kit);
    kit_start(kit);
    kit_open(kit);
    is_str(kit_talk(kit, ""), "220 mx.example.com ESMTP mod_qpsmtpd\r\n",
           "greeting");
    kit_set(kit, "smtpgreeting", "mx.example.com at 100% ESMTP");
    kit_start(kit);
    kit_open(kit);
    is_str(kit_talk(kit, ""), "220 mx.example.com at 100% ESMTP\r\n",
           "a greeting that says ESMTP");
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
    test_defaults(kit);
    for (i = 0; i < QP_ARRAY_LEN(values); i++) {
        test_value(kit, i, 0);
        test_value(kit, i, 1);
    }
    test_changes(kit);
    test_child(kit);
    test_hooks(kit);
    test_greeting(kit);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
