/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of who may use AUTH, how, how often, and what it means (R45, R77, R83
 * to R85); and of its lines (R4, R81).
 */
#include "auth_kit.h"

/* What is offered. ------------------------------------------------------- */

static const struct {
    const char *before; /* tls_before_auth */
    const char *allowed;
    int has_tls;
    const char *offer; /* NULL: none */
    const char *codes; /* of AUTH PLAIN, AUTH CRAM-MD5 with cancelling */
} offers[] = {
    { NULL, NULL, 0, "AUTH SCRAM-SHA-256 CRAM-MD5", "538 334 501" },
    { NULL, NULL, 1,
      "AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN OAUTHBEARER "
      "XOAUTH2 EXTERNAL",
      "235 503 500" },
    { "no", NULL, 0,
      "AUTH SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN OAUTHBEARER XOAUTH2",
      "235 503 500" },
    { "yes", NULL, 0, NULL, "530 530 500" },
    { "1", NULL, 0, NULL, "530 530 500" },
    { "yes", "plain,LOGIN", 1, "AUTH PLAIN LOGIN", "235 503 500" },
    { NULL, "LOGIN", 1, "AUTH LOGIN", "534 534 500" },
    { NULL,
      "external,xoauth2,oauthbearer,login,plain,cram-md5,scram-sha-256,"
      "scram-sha-256-plus",
      1,
      "AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN OAUTHBEARER "
      "XOAUTH2 EXTERNAL",
      "235 503 500" },
};

static const char *find_offer(const char *replies, apr_pool_t *pool)
{
    const char *at = strstr(replies, "AUTH");

    return at != NULL ? apr_pstrmemdup(pool, at, strcspn(at, "\r")) : NULL;
}

static void test_offer(engine_kit *kit, size_t i, apr_pool_t *pool)
{
    kit_reset(kit);
    kit_set(kit, "tls_before_auth", offers[i].before);
    kit_set(kit, "auth_mechanisms", offers[i].allowed);
    start(kit, &store);
    open_session(kit);
    kit->qp->conn->tls = offers[i].has_tls ? &tls : NULL;
    is_str(find_offer(kit_talk(kit, HELLO), pool), offers[i].offer, "offer %d",
           (int)i);
    is_str(kit_codes(kit_talk(kit, expand("AUTH PLAIN {|user|secret}\n"
                                          "AUTH CRAM-MD5\n*",
                                          pool)),
                     pool),
           offers[i].codes, "offer %d: what works", (int)i);
}

static const qp_plugin_def only_any = { .hooks.auth = check_password };

static void test_any(engine_kit *kit, apr_pool_t *pool)
{
    kit_reset(kit);
    start(kit, &only_any);
    open_session(kit);
    kit->qp->conn->tls = &tls;
    is_str(find_offer(kit_talk(kit, HELLO), pool), "AUTH CRAM-MD5 PLAIN LOGIN",
           "what the hook auth serves");
    is_str(kit_codes(kit_talk(kit, expand("AUTH PLAIN {|user|secret}", pool)),
                     pool),
           "235", "and it does");
    kit_reset(kit);
    start(kit, &kit_base_def);
    open_tls(kit);
    ok(find_offer(kit_talk(kit, HELLO), pool) == NULL, "nobody serves it");
    is_str(kit_codes(kit_talk(kit, "AUTH PLAIN\r\n"), pool), "500",
           "then there is no AUTH");
}

/* Failures. -------------------------------------------------------------- */

static void test_limit(engine_kit *kit, apr_pool_t *pool)
{
    const char *line = expand("AUTH PLAIN {|user|wr0ng}", pool);

    kit_reset(kit);
    kit_plugin(kit, &store, "store", NULL);
    kit_set(kit, "auth_delay", "5ms");
    kit_set(kit, "max_auth_errors", "3");
    ok(kit_start(kit) == NULL, "a server with a limit");
    open_tls(kit);
    is_str(kit_codes(kit_talk(kit, line), pool), "535", "a failure");
    is_str(kit_codes(kit_talk(kit, line), pool), "535", "another one");
    ok(strstr(kit_talk(kit, line), "421 4.7.0 ") != NULL, "the last one");
    ok(kit->want == QP_WANT_CLOSE, "closes");
    open_tls(kit);
    kit->hold = 1;
    is_str(kit_talk(kit, line), "", "the reply is held back");
    ok(kit->want == QP_WANT_WAKE_OR_INPUT, "without a thread");
    is_int(qp_hook_timeout(kit->qp), 0, "and no plugin is waited for");
    mem_io_feed_text(kit->io, "NOOP\r\n");
    kit->hold = 0;
    kit_run(kit);
    is_str(kit_codes(mem_io_output(kit->io), pool), "535 250",
           "and comes, and then that of the next command");
    open_tls(kit);
    kit->hold = 1;
    kit_talk(kit, line);
    kit_close(kit);
    ok(1, "a client that leaves meanwhile");
    kit->hold = 0;
}

/* Alike in code and text (R83). */
static void test_alike(engine_kit *kit, apr_pool_t *pool)
{
    const char *replies[2];
    int i;

    kit_reset(kit);
    start(kit, &store);
    for (i = 0; i < 2; i++) {
        open_tls(kit);
        replies[i] = apr_pstrdup(
            pool, kit_talk(kit, expand(i == 0 ? "AUTH PLAIN {|user|wr0ng}"
                                              : "AUTH PLAIN {|nobody|wr0ng}",
                                       pool)));
    }
    is_str(replies[0], replies[1], "unknown user and wrong password");
    is_str(replies[0], "535 5.7.8 Authentication failed\r\n", "the text");
}

/* Lines. ----------------------------------------------------------------- */

/* @a by in place of %s. */
static const char *replace(const char *text, const char *by, apr_pool_t *pool)
{
    const char *at = strstr(text, "%s");

    return at == NULL
               ? text
               : apr_pstrcat(pool,
                             apr_pstrmemdup(pool, text, (size_t)(at - text)),
                             by, at + 2, NULL);
}

static void test_lines(engine_kit *kit, apr_pool_t *pool)
{
    static const struct {
        const char *name;
        int len; /* of the A in place of %s, a multiple of 4 */
        const char *text;
        const char *codes;
    } lines[] = {
        { "a long response", 12272, "AUTH PLAIN %s\r\n", "501" },
        { "one that is too long", 12276, "AUTH PLAIN %s\r\nNOOP\r\n",
          "500 250" },
        { "a long answer", 12284, "AUTH PLAIN\r\n%s\r\n", "334 501" },
        { "a too long one", 20000, "AUTH PLAIN\r\n%s\nNOOP\r\nNOOP\r\n",
          "334 500 250" },
        { "of another command", 4000, "NOOP %s\r\nNOOP\r\n", "500 250" },
        { "ended by LF", 0, "AUTH PLAIN\r\nAAAA\nNOOP\r\n", "334 500 250" },
        { "with a bare CR", 0, "AUTH PLAIN\r\nAA\rAA\r\nNOOP\r\n",
          "334 501 250" },
    };
    char *filler;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(lines); i++) {
        filler = apr_palloc(pool, (apr_size_t)lines[i].len + 1);
        memset(filler, 'A', (size_t)lines[i].len);
        filler[lines[i].len] = '\0';
        open_tls(kit);
        is_str(kit_codes(kit_talk(kit, replace(lines[i].text, filler, pool)),
                         pool),
               lines[i].codes, "lines: %s", lines[i].name);
    }
}

/* What it means. --------------------------------------------------------- */

static void test_meaning(engine_kit *kit, apr_pool_t *pool)
{
    const char *login = expand("AUTH PLAIN {|user|secret}", pool);

    kit_reset(kit);
    start(kit, &store);
    open_tls(kit);
    qp_note_set(qp_conn_notes(kit->qp->conn), QP_NOTE_NAUGHTY, "bad");
    kit_talk(kit, login);
    is_str(qp_conn_auth_user(kit->qp->conn), "user", "the user");
    is_str(qp_conn_auth_mechanism(kit->qp->conn), "plain", "the mechanism");
    ok(qp_note_get(qp_conn_notes(kit->qp->conn), QP_NOTE_NAUGHTY) == NULL,
       "naughty no more");
    kit_talk(kit, kit_mail);
    ok(strstr(kit_view(&kit->stored), "with ESMTPSA id") != NULL,
       "Received says so");
    ok(strstr(kit_view(&kit->stored), "auth=pass (plain) smtp.auth=user\n")
           != NULL,
       "Authentication-Results, too");
    qp_auth_forget(kit->qp);
    ok(!qp_conn_relay_client(kit->qp->conn), "forgotten: no relaying");
    ok(qp_conn_auth_user(kit->qp->conn) == NULL, "and nobody");
    open_tls(kit);
    qp_conn_set_relay_client(kit->qp->conn, 1);
    kit_talk(kit, login);
    qp_auth_forget(kit->qp);
    ok(qp_conn_relay_client(kit->qp->conn), "a relay client by address stays");
    open_tls(kit);
    kit_talk(kit, expand("AUTH PLAIN {|user|wr0ng}", pool));
    kit_talk(kit, kit_mail);
    ok(strstr(kit_view(&kit->stored), "auth=fail (plain)") != NULL,
       "a failure stands there, too");
}

static void test_required(engine_kit *kit, apr_pool_t *pool)
{
    kit_reset(kit);
    kit_set(kit, "auth_required", "yes");
    start(kit, &store);
    open_tls(kit);
    is_str(kit_codes(kit_talk(kit, "MAIL FROM:<a@example.net>\r\nVRFY a\r\n"
                                   "NOOP\r\nRSET\r\n"),
                     pool),
           "530 530 250 250", "without AUTH");
    kit_talk(kit, expand("AUTH PLAIN {|user|secret}", pool));
    is_str(kit_codes(kit_talk(kit, "MAIL FROM:<a@example.net>\r\n"), pool),
           "250", "with it");
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;
    size_t i;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    start(kit, &store);
    test_lines(kit, pool);
    for (i = 0; i < QP_ARRAY_LEN(offers); i++) {
        test_offer(kit, i, pool);
    }
    test_any(kit, pool);
    test_limit(kit, pool);
    test_alike(kit, pool);
    test_meaning(kit, pool);
    test_required(kit, pool);
    kit_close(kit);
    apr_pool_destroy(pool);
    return done_testing();
}
