/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of XCLIENT and XFORWARD: who may, what is taken, and that nothing is
 * left of the client before. Covers R48, R97, R110.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

#define HELLO "EHLO client.example\r\n"
#define MAIL  "MAIL FROM:<a@example.net>\r\n"
#define RCPT  "RCPT TO:<b@example.org>\r\n"

/* What a plugin knows of a client. */
struct conn {
    int seen;
};

static qp_rc note_client(const qp_plugin *self, qp_session *qp,
                         const qp_connect_arg *arg)
{
    engine_kit *kit = self->opts;
    struct conn *conn = qp_conn_data(self, qp);
    qp_notes *notes = qp_conn_notes(qp_connection(qp));

    kit_print(&kit->trace, " %s/%s/%d/%s%s", arg->remote_ip,
              qp_conn_remote_host(qp_connection(qp)),
              qp_conn_remote_port(qp_connection(qp)),
              qp_conn_local_ip(qp_connection(qp)),
              conn->seen || qp_note_get(notes, QP_NOTE_NAUGHTY) != NULL
                  ? "/known"
                  : "");
    conn->seen = 1;
    qp_note_set(notes, QP_NOTE_NAUGHTY, "once");
    qp_timer(qp, apr_time_from_sec(1000), qp_conn_pool(qp));
    return strcmp(arg->remote_ip, "203.0.113.66") == 0 ? QP_DENY : QP_DECLINED;
}

static qp_rc note_forwarded(const qp_plugin *self, qp_session *qp,
                            const qp_data_arg *arg)
{
    static const char *const names[] = { "name",  "Addr",   "PORT", "HELO",
                                         "IDENT", "SOURCE", "PROTO" };
    engine_kit *kit = self->opts;
    const char *value;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(names); i++) {
        value = qp_forwarded(qp, names[i]);
        kit_print(&kit->trace, " %s", value != NULL ? value : "-");
    }
    return QP_DECLINED;
}

static void start(engine_kit *kit, const char *trusted)
{
    static const qp_plugin_def def = {
        .conn_size = sizeof(struct conn),
        .hooks = { .connect = note_client, .queue = note_forwarded },
    };

    kit_reset(kit);
    kit_set(kit, "xclient_hosts", trusted);
    kit_set(kit, "xforward_hosts", trusted);
    kit_set(kit, "max_errors", "0");
    kit_plugin(kit, &def, "note", kit);
    kit_plugin(kit, &kit_base_def, "base", kit);
    is_str(kit_start(kit), NULL, "the server starts");
    kit_open(kit);
}

static void check_code(engine_kit *kit, const char *line, const char *code)
{
    const char *out = kit_talk(kit, line);

    if (!ok(strncmp(out, code, strlen(code)) == 0, "%s: %s", line, code)) {
        diag("%s", out);
    }
}

static void test_strangers(engine_kit *kit)
{
    const char *out;

    start(kit, NULL);
    out = kit_talk(kit, HELLO);
    ok(strstr(out, "XCLIENT") == NULL && strstr(out, "XFORWARD") == NULL,
       "nothing is announced to a stranger");
    check_code(kit, "XCLIENT ADDR=192.0.2.9\r\n", "550 5.7.0");
    check_code(kit, "XFORWARD ADDR=192.0.2.9\r\n", "550 5.7.0");
    is_str(qp_conn_remote_ip(kit->qp->conn), "192.0.2.1", "it is who it was");
    start(kit, "198.51.100.0/24 192.0.2.0/31");
    out = kit_talk(kit, HELLO);
    ok(strstr(out, "-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR "
                   "DESTPORT\r\n")
               != NULL
           && strstr(out, " XFORWARD NAME ADDR PORT PROTO HELO IDENT "
                          "SOURCE\r\n")
                  != NULL,
       "both are to a trusted one");
    kit_set(kit, "xclient_hosts", "192.0.2.0/24 nonsense");
    ok(kit_start(kit) != NULL, "a network that is none stops the start");
}

static const struct {
    const char *args;
    const char *code;
} syntax[] = {
    { "", "501" },
    { "ADDR", "501" },
    { "ADDR=", "501" },
    { "ADDR=1.2.3", "501" },
    { "ADDR=1.2.3.4.5", "501" },
    { "ADDR=192.0.2.7 ADDR=192.0.2.8", "501" },
    { "ADDR=[UNAVAILABLE]", "501" },
    { "ADDR=IPV6:192.0.2.7", "501" },
    { "ADDR=fe80::1%eth0", "501" },
    { "FOO=bar", "501" },
    { "=bar", "501" },
    { "NAME=a+0Ab", "501" },
    { "NAME=a+00b", "501" },
    { "NAME=a b", "501" },
    { "NAME=a+20b", "501" },
    { "NAME=a@b", "501" },
    { "PORT=0", "501" },
    { "PORT=65536", "501" },
    { "PORT=-1", "501" },
    { "PORT=25x", "501" },
    { "PROTO=LMTP", "501" },
    { "LOGIN=a+0Db", "501" },
    { "LOGIN=", "501" },
    { "HELO=a;b", "501" },
    { "NAME=mail.example addr=192.0.2.7", "220" },
    { "ADDR=IPV6:2001:db8::7", "220" },
    { "ADDR=2001:db8::7", "220" },
    { "NAME=[UNAVAILABLE] PORT=[TEMPUNAVAIL] LOGIN=[unavailable]", "220" },
    { "HELO=[192.0.2.7] PROTO=smtp", "220" },
    { "DESTADDR=192.0.2.26 DESTPORT=587", "220" },
};

static void test_syntax(engine_kit *kit)
{
    size_t i;

    start(kit, "192.0.2.1");
    for (i = 0; i < QP_ARRAY_LEN(syntax); i++) {
        kit_open(kit);
        kit_talk(kit, HELLO);
        check_code(kit,
                   apr_pstrcat(kit->pool, "XCLIENT ", syntax[i].args, "\r\n",
                               NULL),
                   syntax[i].code);
    }
    kit_open(kit);
    kit_talk(kit, HELLO MAIL);
    check_code(kit, "XCLIENT ADDR=192.0.2.7\r\n", "503");
    check_code(kit, "XFORWARD ADDR=192.0.2.7\r\n", "503");
}

static void test_client(engine_kit *kit)
{
    const char *id;

    start(kit, "192.0.2.1");
    kit_talk(kit, HELLO);
    id = apr_pstrdup(kit->pool, qp_conn_id(kit->qp->conn));
    qp_conn_set_relay_client(kit->qp->conn, 1);
    check_code(kit,
               "XCLIENT NAME=mail.example ADDR=203.0.113.7 PORT=1234 "
               "LOGIN=joe+40x DESTADDR=192.0.2.26\r\n",
               "220 mx.example.com ESMTP");
    is_str(kit_view(&kit->trace),
           " 192.0.2.1/client.example/40000/192.0.2.25"
           " 203.0.113.7/mail.example/1234/192.0.2.26",
           "the hook connect sees another client, as a new one");
    is_str(qp_conn_auth_user(kit->qp->conn), "joe@x", "who has logged in");
    is_str(qp_conn_id(kit->qp->conn), id, "the id stays");
    check_code(kit, MAIL, "503 5.5.1");
    kit_talk(kit, "EHLO other.example\r\n" MAIL RCPT);
    kit_talk(kit, "DATA\r\nA: b\r\n\r\nx\r\n.\r\n");
    ok(strstr(kit_view(&kit->stored),
              "from other.example (mail.example [203.0.113.7])")
           != NULL,
       "Received names it");
    ok(strstr(kit_view(&kit->stored), " with ESMTPA id ") != NULL,
       "and that it has authenticated");
    check_code(kit, "XCLIENT ADDR=203.0.113.8\r\n", "220");
    ok(qp_conn_auth_user(kit->qp->conn) == NULL
           && !qp_conn_relay_client(kit->qp->conn),
       "the next one has not, and may not relay");
    is_str(qp_conn_remote_host(kit->qp->conn), "Unknown",
           "nor has it the name of another address");
    check_code(kit, "XCLIENT ADDR=203.0.113.66\r\n", "550");
    is_int(kit->want, QP_WANT_CLOSE, "a denial at connect closes");
    kit_close(kit);
}

static void test_forward(engine_kit *kit)
{
    start(kit, "192.0.2.1");
    kit_talk(kit, HELLO);
    kit_clear(&kit->trace);
    check_code(kit, "XFORWARD NAME=mail.example ADDR=203.0.113.7 PORT=99\r\n",
               "250 2.0.0");
    check_code(kit,
               "XFORWARD PORT=[UNAVAILABLE] HELO=a+20b IDENT=X1 "
               "SOURCE=REMOTE PROTO=ESMTP\r\n",
               "250 2.0.0");
    check_code(kit, "XFORWARD SOURCE=elsewhere\r\n", "501");
    kit_talk(kit, MAIL RCPT "DATA\r\nA: b\r\n\r\nx\r\n.\r\n");
    is_str(kit_view(&kit->trace),
           " mail.example 203.0.113.7 - a b X1 REMOTE ESMTP",
           "what was forwarded");
    kit_clear(&kit->trace);
    kit_talk(kit, MAIL RCPT "DATA\r\nA: b\r\n\r\nx\r\n.\r\n");
    is_str(kit_view(&kit->trace), " - - - - - - -",
           "is not for the next message");
    is_str(qp_conn_remote_ip(kit->qp->conn), "192.0.2.1",
           "the client is the same");
    kit_close(kit);
}

/* A session does not grow with the clients that it serves. */
static void test_growth(engine_kit *kit)
{
    const char *text = "";
    int i;

    start(kit, "192.0.2.1");
    kit_talk(kit, HELLO);
    for (i = 0; i < 50; i++) {
        text = apr_pstrcat(kit->pool, text,
                           "XCLIENT ADDR=203.0.113.9 NAME=x.example\r\n", NULL);
    }
    is_int(kit_count(kit_talk(kit, text), "220 "), 50, "many clients");
    ok(kit->qp->pclient != NULL
           && apr_pool_parent_get(kit->qp->pclient) == kit->qp->pool,
       "of which one is left");
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
    test_strangers(kit);
    test_syntax(kit);
    test_client(kit);
    test_forward(kit);
    test_growth(kit);
    apr_pool_destroy(pool);
    return done_testing();
}
