/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of smtp/qp_verb_tls and of what the engine makes of a handshake: when
 * STARTTLS is offered, what it forgets, what must not follow it (R72 to R75),
 * and the facts that plugins see.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

static const qp_tls facts = { "TLSv1.3", "TLS_AES_128_GCM_SHA256",
                              "mx.example.org", "CN=client", 1 };

static void open_session(engine_kit *kit, qp_tls_mode mode, const qp_tls *tls)
{
    kit->carrier.tls_mode = mode;
    kit->tls = tls;
    kit_open(kit);
}

static const char *codes(engine_kit *kit, const char *text)
{
    return kit_codes(kit_talk(kit, text), kit->pool);
}

static void test_offer(engine_kit *kit)
{
    open_session(kit, QP_TLS_OFF, &facts);
    is_int(kit_count(kit_talk(kit, "EHLO c.example\r\n"), "STARTTLS"), 0,
           "not offered where there is none");
    is_str(codes(kit, "STARTTLS\r\n"), "500", "and an unknown command");
    open_session(kit, QP_TLS_STARTTLS, &facts);
    is_int(kit_count(kit_talk(kit, "EHLO c.example\r\n"), "-STARTTLS\r\n")
               + kit_count(mem_io_output(kit->io), " STARTTLS\r\n"),
           1, "offered once");
    is_str(codes(kit, "STARTTLS now\r\n"), "501", "it takes no argument");
    is_str(codes(kit, "STARTTLS\r\n"), "220", "it begins");
    is_int(kit_count(kit_talk(kit, "EHLO c.example\r\n"), "STARTTLS"), 0,
           "not offered again");
    is_str(codes(kit, "STARTTLS\r\n"), "503", "and refused");
    open_session(kit, QP_TLS_IMPLICIT, &facts);
    is_str(codes(kit, ""), "220", "the greeting comes behind the handshake");
    is_int(kit_count(kit_talk(kit, "EHLO c.example\r\n"), "STARTTLS"), 0,
           "implicit TLS offers none");
    is_str(codes(kit, "STARTTLS\r\n"), "503", "and refuses it");
}

static void test_forgets(engine_kit *kit)
{
    qp_conn *conn;

    open_session(kit, QP_TLS_STARTTLS, &facts);
    is_str(codes(kit, "EHLO c.example\r\nMAIL FROM:<a@b.example>\r\n"
                      "RCPT TO:<c@d.example>\r\n"),
           "220 250 250 250", "a transaction in clear");
    conn = kit->qp->conn;
    kit_clear(&kit->trace);
    is_str(codes(kit, "STARTTLS\r\n"), "220", "STARTTLS within it");
    is_int(kit_count(kit_view(&kit->trace), " reset_transaction"), 1,
           "which ends");
    is_str(qp_conn_hello(conn), "", "the greeting is forgotten");
    is_str(qp_conn_hello_host(conn), "", "with the name");
    is_str(codes(kit, "RCPT TO:<c@d.example>\r\n"), "503", "RCPT");
    is_str(codes(kit, "DATA\r\n"), "503", "DATA");
    is_str(codes(kit, "MAIL FROM:<a@b.example>\r\n"), "503",
           "MAIL before a new EHLO");
    is_str(codes(kit, "EHLO c.example\r\nMAIL FROM:<a@b.example>\r\n"),
           "250 250", "and behind it");
}

static void test_injection(engine_kit *kit)
{
    open_session(kit, QP_TLS_STARTTLS, &facts);
    is_str(codes(kit, "EHLO c.example\r\n"), "220 250", "a session");
    is_str(codes(kit, "STARTTLS\r\nNOOP\r\n"), "554",
           "a command behind STARTTLS: one reply");
    is_int(kit->want, QP_WANT_CLOSE, "and the end");
    open_session(kit, QP_TLS_STARTTLS, &facts);
    is_str(codes(kit, "EHLO c.example\r\n"), "220 250", "a session");
    is_str(codes(kit, "STARTTLS\r\nNO"), "554", "half a line behind it");
    is_int(kit->want, QP_WANT_CLOSE, "and the end");
}

static void test_failure(engine_kit *kit)
{
    open_session(kit, QP_TLS_STARTTLS, NULL);
    is_str(codes(kit, "EHLO c.example\r\nSTARTTLS\r\n"), "220 250 220",
           "a handshake that fails");
    is_int(kit->want, QP_WANT_CLOSE, "ends the session");
    is_int(kit_count(kit_view(&kit->trace), " post_connection"), 1,
           "with its hooks");
    open_session(kit, QP_TLS_IMPLICIT, NULL);
    is_str(codes(kit, "EHLO c.example\r\n"), "", "nothing is said in clear");
    is_int(kit->want, QP_WANT_CLOSE, "and it is over");
}

static void test_goodbye(engine_kit *kit)
{
    open_session(kit, QP_TLS_IMPLICIT, NULL);
    kit->want = qp_engine_run(kit->qp);
    is_int(kit->want, QP_WANT_TLS, "a handshake is wanted");
    qp_engine_end(kit->qp, QP_END_TIMEOUT);
    is_str(mem_io_output(kit->io), "", "a time-out within it says nothing");
}

static void test_required(engine_kit *kit)
{
    static const char *const refused[] = { "MAIL FROM:<a@b.example>\r\n",
                                           "RCPT TO:<a@b.example>\r\n",
                                           "DATA\r\n", "VRFY a\r\n" };
    size_t i;

    open_session(kit, QP_TLS_REQUIRED, &facts);
    is_str(codes(kit, "EHLO c.example\r\nNOOP\r\nRSET\r\n"), "220 250 250 250",
           "what tells nothing goes in clear");
    for (i = 0; i < QP_ARRAY_LEN(refused); i++) {
        is_str(codes(kit, refused[i]), "530", "not %.4s", refused[i]);
    }
    is_str(codes(kit, "STARTTLS\r\n"), "220", "STARTTLS");
    is_str(codes(kit, "EHLO c.example\r\nMAIL FROM:<a@b.example>\r\n"),
           "250 250", "and then mail");
}

static const char *find_variable(void *ctx, const char *name, apr_pool_t *pool)
{
    return strcmp(name, "SSL_ANSWER") == 0 ? apr_pstrdup(pool, ctx) : NULL;
}

static const unsigned char *find_binding(void *ctx, const char *type,
                                         apr_size_t *len, apr_pool_t *pool)
{
    *len = 3;
    return strcmp(type, "tls-exporter") == 0 ? apr_pmemdup(pool, "abc", 3)
                                             : NULL;
}

static void test_facts(engine_kit *kit)
{
    static char answer[] = "42";
    apr_size_t len = 0;
    qp_conn *conn;

    kit->carrier.tls_ctx = answer;
    kit->carrier.tls_variable = find_variable;
    kit->carrier.tls_binding = find_binding;
    open_session(kit, QP_TLS_STARTTLS, &facts);
    is_str(codes(kit, "EHLO c.example\r\n"), "220 250", "a session");
    conn = kit->qp->conn;
    ok(qp_conn_tls_protocol(conn) == NULL && qp_conn_tls_cipher(conn) == NULL
           && qp_conn_tls_server_name(conn) == NULL
           && qp_conn_tls_client_subject(conn) == NULL
           && !qp_conn_tls_client_verified(conn)
           && qp_tls_variable(kit->qp, "SSL_ANSWER") == NULL
           && qp_session_binding(kit->qp, "tls-exporter", &len) == NULL,
       "no facts in clear");
    is_str(codes(kit, "STARTTLS\r\n"), "220", "STARTTLS");
    is_str(qp_conn_tls_protocol(conn), "TLSv1.3", "protocol");
    is_str(qp_conn_tls_cipher(conn), "TLS_AES_128_GCM_SHA256", "cipher");
    is_str(qp_conn_tls_server_name(conn), "mx.example.org", "server name");
    is_str(qp_conn_tls_client_subject(conn), "CN=client", "client");
    is_int(qp_conn_tls_client_verified(conn), 1, "verified");
    is_str(qp_tls_variable(kit->qp, "SSL_ANSWER"), "42", "a variable");
    ok(qp_tls_variable(kit->qp, "SSL_OTHER") == NULL, "another");
    ok(qp_session_binding(kit->qp, "tls-exporter", &len) != NULL && len == 3,
       "binding data");
    ok(qp_session_binding(kit->qp, "tls-unique", &len) == NULL, "of no type");
    kit_talk(kit, kit_mail);
    ok(strstr(kit_view(&kit->stored), " with ESMTPS id ") != NULL
           && strstr(kit_view(&kit->stored),
                     "\n\t(TLSv1.3 TLS_AES_128_GCM_SHA256)")
                  != NULL,
       "Received tells of it");
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    kit_plugin(kit, &kit_trace_def, "trace", kit);
    kit_plugin(kit, &kit_base_def, "base", kit);
    is_str(kit_start(kit), NULL, "a server");
    test_offer(kit);
    test_forgets(kit);
    test_injection(kit);
    test_failure(kit);
    test_goodbye(kit);
    test_required(kit);
    test_facts(kit);
    kit_close(kit);
    apr_pool_destroy(pool);
    return done_testing();
}
