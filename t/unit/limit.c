/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of smtp/qp_limit: sessions that come to each limit, what they are told,
 * and what the log says of it: one line above debug, never above info. Time is
 * what the test makes of the session's own clock.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

static void start_kit(engine_kit *kit, const char *key, const char *value)
{
    kit_reset(kit);
    kit_set(kit, key, value);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_plugin(kit, &kit_trace_def, "trace", kit);
    is_str(kit_start(kit), NULL, "%s", key);
    kit_clear(&kit->trace);
    kit_clear(&kit->log);
}

static const char *codes(engine_kit *kit, const char *text)
{
    return kit_codes(kit_talk(kit, text), kit->pool);
}

/* A line of INFO, level 6, that names the key; once. */
static void check_log(engine_kit *kit, const char *part)
{
    is_int(kit_count(kit_view(&kit->log), part), 1, "the log says it once");
}

/* Connections. ----------------------------------------------------------- */

static void test_connections(engine_kit *kit)
{
    start_kit(kit, "max_conn_ip", "2 192.0.2.0/24 3");
    kit->peers.remote_ip = "198.51.100.1";
    kit->peers.conns_of_ip = 2;
    kit_open(kit);
    is_str(codes(kit, ""), "220", "the second connection is greeted");
    kit->peers.conns_of_ip = 3;
    kit_open(kit);
    kit_clear(&kit->trace);
    is_str(codes(kit, "EHLO x\r\n"), "421", "the third one is not");
    is_int(kit->want, QP_WANT_CLOSE, "and closed");
    is_str(kit_view(&kit->trace), "", "no plugin is asked or told");
    check_log(kit, "(max_conn_ip)");
    kit->peers.remote_ip = "192.0.2.1";
    kit_open(kit);
    is_str(codes(kit, ""), "220", "a network may have its own number");
    kit->peers.conns_of_ip = 1;
    start_kit(kit, "max_connections", "10");
    kit->peers.conns_of_all = 10;
    kit_open(kit);
    is_str(codes(kit, ""), "220", "the tenth of all");
    kit->peers.conns_of_all = 11;
    kit_open(kit);
    is_str(codes(kit, ""), "421", "the eleventh of all");
    check_log(kit, "(max_connections)");
    kit->peers.conns_of_all = 1;
}

static void test_rates(engine_kit *kit)
{
    int i;

    kit->carrier.rates =
        qp_rates_init(apr_pcalloc(kit->pool, qp_rates_size(64)), 64);
    kit->carrier.rate_key = 99;
    start_kit(kit, "max_conn_rate_ip", "3/7d");
    for (i = 0; i < 3; i++) {
        kit_open(kit);
        is_str(codes(kit, ""), "220", "within the rate");
    }
    kit_open(kit);
    is_str(codes(kit, ""), "421", "over the rate");
    check_log(kit, "(max_conn_rate_ip)");
    start_kit(kit, "max_rate_ip", "2/7d");
    kit_open(kit);
    is_str(codes(kit, "EHLO x\r\nMAIL FROM:<a@b.c>\r\nRSET\r\n"
                      "MAIL FROM:<a@b.c>\r\nRSET\r\nMAIL FROM:<a@b.c>\r\n"
                      "NOOP\r\n"),
           "220 250 250 250 250 250 450 250", "the third message is refused");
    check_log(kit, "(max_rate_ip)");
    kit->carrier.rates = NULL;
}

/* Sessions. -------------------------------------------------------------- */

static const struct {
    const char *key, *value;
    const char *said;
    const char *codes;
    const char *log;
} sessions[] = {
    { "max_commands", "3", "EHLO x\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n",
      "220 250 250 250 421", "(max_commands)" },
    { "max_messages", "1",
      "EHLO x\r\nMAIL FROM:<a@b.c>\r\nRSET\r\nMAIL FROM:<a@b.c>\r\n",
      "220 250 250 250 421", "(max_messages)" },
    { "max_errors", "3", "\r\n\r\n\r\n\r\n", "220 500 500 421",
      "(max_errors)" },
    { "pipelining", "strict", "EHLO x\r\n", "554",
      "before the greeting (pipelining)" },
    { "max_errors", "9", "\x16\x03\x01\x02\r\nNOOP\r\n", "220 521",
      "0x16 (TLS)" },
    { "max_errors", "9", "\xff\xfb\x01", "220 521", "0xff" },
    { "max_errors", "9", "POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO x\r\n",
      "220 521", "speaks HTTP" },
};

static void test_sessions(engine_kit *kit)
{
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(sessions); i++) {
        start_kit(kit, sessions[i].key, sessions[i].value);
        kit_open(kit);
        is_str(codes(kit, sessions[i].said), sessions[i].codes, "%s",
               sessions[i].key);
        is_int(kit->want, QP_WANT_CLOSE, "closed");
        check_log(kit, sessions[i].log);
    }
}

static void test_commands(engine_kit *kit)
{
    start_kit(kit, "max_commands", "6");
    kit_open(kit);
    kit_talk(kit, kit_mail);
    is_str(codes(kit, "NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n"),
           "250 250 250 250 250 421", "an accepted message begins anew");
}

static void test_strict(engine_kit *kit)
{
    start_kit(kit, "pipelining", "strict");
    kit_open(kit);
    is_str(codes(kit, ""), "220", "a client that waits");
    is_str(codes(kit, "EHLO x\r\n"), "250", "says hello");
    is_str(codes(kit, "MAIL FROM:<a@b.c>\r\nRCPT TO:<d@example.org>\r\n"),
           "250 250", "may pipeline these");
    is_str(codes(kit, "DATA\r\nSubject: x\r\n"), "503", "but not behind DATA");
    check_log(kit, "behind DATA (pipelining)");
    kit_open(kit);
    kit_talk(kit, "");
    is_str(codes(kit, "EHLO x\r\nMAIL"), "503", "nor behind EHLO");
}

/* Recipients. ------------------------------------------------------------ */

static kit_script no_rcpt = { QP_HOOK_rcpt, QP_DENY, "no", 0, 0 };

static void test_recipients(engine_kit *kit)
{
    kit_reset(kit);
    kit_set(kit, "max_errors", "3");
    kit_plugin(kit, &kit_script_def, "script", &no_rcpt);
    is_str(kit_start(kit), NULL, "recipients are refused");
    kit_open(kit);
    kit_talk(kit, "EHLO x\r\nMAIL FROM:<a@b.c>\r\n");
    is_str(codes(kit, "RCPT TO:<a@b.c>\r\nRCPT TO:<a@b.c>\r\n"
                      "RCPT TO:<a@b.c>\r\n"),
           "550 550 421", "they are mistakes");
    no_rcpt.rc = QP_DENYSOFT;
    kit_open(kit);
    kit_talk(kit, "EHLO x\r\nMAIL FROM:<a@b.c>\r\n");
    is_str(codes(kit, "RCPT TO:<a@b.c>\r\nRCPT TO:<a@b.c>\r\n"
                      "RCPT TO:<a@b.c>\r\nNOOP\r\n"),
           "450 450 450 250", "but not those refused for now");
    no_rcpt.rc = QP_DENY;
}

/* Accepts and refuses in turns. */
static qp_rc judge_turn(const qp_plugin *self, qp_session *qp,
                        const qp_rcpt_arg *arg)
{
    return arg->rcpt->user[0] == 'y' ? QP_OK : QP_DENY;
}

static const qp_plugin_def turn_def = { .hooks.rcpt = judge_turn };

static void test_turns(engine_kit *kit)
{
    int i;

    kit_reset(kit);
    kit_set(kit, "max_errors", "3");
    kit_plugin(kit, &turn_def, "turn", NULL);
    is_str(kit_start(kit), NULL, "every second recipient is refused");
    kit_open(kit);
    kit_talk(kit, "EHLO x\r\nMAIL FROM:<a@b.c>\r\n");
    for (i = 0; i < 5; i++) {
        is_str(codes(kit, "RCPT TO:<n@b.c>\r\nRCPT TO:<y@b.c>\r\n"), "550 250",
               "which is none too many");
    }
}

static void test_max_recipients(engine_kit *kit)
{
    start_kit(kit, "max_recipients", "1");
    kit_open(kit);
    is_str(codes(kit, "EHLO x\r\nMAIL FROM:<a@b.c>\r\n"
                      "RCPT TO:<a@b.c>\r\nRCPT TO:<a@b.c>\r\n"
                      "RCPT TO:<a@b.c>\r\n"),
           "220 250 250 250 452 452", "more than max_recipients");
    is_int(kit_count(kit_view(&kit->log), "6 QP1521"), 1,
           "are one line of the log");
}

/* Time. ------------------------------------------------------------------ */

/* What was begun, has been begun earlier by so many seconds. */
static void age(engine_kit *kit, int seconds)
{
    kit->qp->began -= apr_time_from_sec(seconds);
}

static void test_line(engine_kit *kit)
{
    start_kit(kit, "timeout_line", "30s");
    kit_open(kit);
    kit_talk(kit, "NO");
    age(kit, 29);
    is_str(codes(kit, "O"), "", "a line within its time");
    is_str(codes(kit, "P\r\n"), "250", "is answered");
    ok(kit->qp->began == 0, "and nothing is begun behind it");
    kit_talk(kit, "NO");
    age(kit, 31);
    is_str(codes(kit, "O"), "421", "a line that takes longer is cut off");
    is_int(kit->want, QP_WANT_CLOSE, "and closed");
    check_log(kit, "(timeout_line)");
    kit_open(kit);
    kit_talk(kit, apr_psprintf(kit->pool, "%05000d", 0));
    age(kit, 31);
    is_str(codes(kit, "0"), "421", "also one that is too long");
    start_kit(kit, "timeout_line", "0");
    kit_open(kit);
    kit_talk(kit, "NO");
    age(kit, 3600);
    is_str(codes(kit, "OP\r\n"), "250", "0 is no limit");
}

static const char to_data[] = "EHLO x\r\nMAIL FROM:<a@b.c>\r\n"
                              "RCPT TO:<d@example.org>\r\nDATA\r\n";

static void test_data(engine_kit *kit)
{
    start_kit(kit, "timeout_data", "30s");
    kit_open(kit);
    kit_talk(kit, to_data);
    age(kit, 29);
    is_str(codes(kit, "x"), "", "a message within its time");
    age(kit, 2);
    is_str(codes(kit, "x"), "421", "a message that dribbles is cut off");
    check_log(kit, "(timeout_data, min_data_rate)");
    is_int(kit_count(kit_view(&kit->trace), "reset_transaction"), 1,
           "its transaction ends");
    kit_open(kit);
    kit_talk(kit, to_data);
    kit_talk(kit, apr_psprintf(kit->pool, "%05000d", 0));
    age(kit, 39);
    is_str(codes(kit, "x"), "", "octets give time: 500 of them a second");
    age(kit, 3);
    is_str(codes(kit, "x"), "421", "and no more than that");
    start_kit(kit, "min_data_rate", "0");
    kit_open(kit);
    kit_talk(kit, to_data);
    kit_talk(kit, apr_psprintf(kit->pool, "%0100000d", 0));
    age(kit, 301);
    is_str(codes(kit, "x"), "421", "without a rate the time is fixed");
}

static void test_chunk(engine_kit *kit)
{
    start_kit(kit, "timeout_data", "30s");
    kit_open(kit);
    kit_talk(kit, "EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@example.org>\r\n"
                  "BDAT 100 LAST\r\n");
    age(kit, 31);
    is_str(codes(kit, "x"), "421", "the same with BDAT");
}

int main(void)
{
    engine_kit *kit;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    test_connections(kit);
    test_rates(kit);
    test_sessions(kit);
    test_commands(kit);
    test_strict(kit);
    test_recipients(kit);
    test_turns(kit);
    test_max_recipients(kit);
    test_line(kit);
    test_data(kit);
    test_chunk(kit);
    kit_close(kit);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
