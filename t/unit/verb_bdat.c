/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of smtp/qp_verb_bdat: chunks, whole and cut at every octet, good and
 * refused; what is stored. Covers R22, R63, R64, R65, R66, R67.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

#define HELLO  "EHLO client.example\r\n"
#define MAIL   "MAIL FROM:<a@example.net>\r\n"
#define BINARY "MAIL FROM:<a@example.net> BODY=BINARYMIME\r\n"
#define RCPT   "RCPT TO:<b@example.org>\r\n"
#define OPEN   HELLO MAIL RCPT

/* A session, its replies behind the greeting and EHLO, and the body that is
 * stored; NULL: nothing. Each begins with the header "A: b". */
static const struct {
    const char *name;
    const char *text;
    apr_size_t len; /* 0: that of the text */
    const char *codes;
    const char *body;
    apr_size_t body_len;
} cases[] = {
    { "one chunk", OPEN "BDAT 11 LAST\r\nA: b\r\n\r\nx\r\nNOOP\r\n", 0,
      "250 250 250 250", "x\n", 0 },
    { "two", OPEN "BDAT 6\r\nA: b\r\nBDAT 5 LAST\r\n\r\nx\r\n", 0,
      "250 250 250 250", "x\n", 0 },
    { "cut in CR LF",
      OPEN "BDAT 5\r\nA: b\rBDAT 2\r\n\n\rBDAT 4 last\r\n\nx\r\n", 0,
      "250 250 250 250 250", "x\n", 0 },
    { "LAST without octets",
      OPEN "BDAT 11\r\nA: b\r\n\r\nx\r\nBDAT 0 LAST\r\nNOOP\r\n", 0,
      "250 250 250 250 250", "x\n", 0 },
    { "a line without end", OPEN "BDAT 9 LAST\r\nA: b\r\n\r\nx", 0,
      "250 250 250", "x", 0 },
    { "dots are text",
      OPEN "BDAT 22 LAST\r\nA: b\r\n\r\n.\r\n..\r\n.x\r\n.\r\nNOOP\r\n", 0,
      "250 250 250 250", ".\n..\n.x\n.\n", 0 },
    { "commands are text", OPEN "BDAT 14 LAST\r\nA: b\r\n\r\nQUIT\r\nNOOP\r\n",
      0, "250 250 250 250", "QUIT\n", 0 },
    { "zeros in the size",
      OPEN "BDAT 000000000000000000000011 LAST\r\n"
           "A: b\r\n\r\nx\r\n",
      0, "250 250 250", "x\n", 0 },
    { "RSET between",
      OPEN "BDAT 6\r\nA: b\r\nRSET\r\nBDAT 3 LAST\r\nabc"
           "NOOP\r\n",
      0, "250 250 250 250 503 250", NULL, 0 },
    { "EHLO between",
      OPEN "BDAT 6\r\nA: b\r\n" HELLO MAIL RCPT "BDAT 9 LAST\r\nA: b\r\n\r\ny",
      0, "250 250 250 250 250 250 250", "y", 0 },
    { "DATA between", OPEN "BDAT 6\r\nA: b\r\nDATA\r\nBDAT 3 LAST\r\n\r\nz", 0,
      "250 250 250 503 250", "z", 0 },
    { "MAIL and RCPT between",
      OPEN "BDAT 6\r\nA: b\r\n" MAIL RCPT "BDAT 3 LAST\r\n\r\nz", 0,
      "250 250 250 503 503 250", "z", 0 },
    { "NOOP, VRFY and nonsense between",
      OPEN "BDAT 6\r\nA: b\r\nNOOP\r\nVRFY a\r\nFOO\r\nBDAT 3 LAST\r\n\r\nz", 0,
      "250 250 250 250 252 500 250", "z", 0 },
    { "before EHLO", "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", 0, "503 250", NULL, 0 },
    { "before MAIL", HELLO "BDAT 6\r\nQUIT\r\nNOOP\r\n", 0, "503 250", NULL,
      0 },
    { "before RCPT", HELLO MAIL "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", 0,
      "250 503 250", NULL, 0 },
    { "more behind a refusal",
      HELLO MAIL
      "BDAT 6\r\nQUIT\r\nBDAT 6\r\nQUIT\r\nBDAT 2 LAST\r\nxxNOOP\r\n",
      0, "250 503 503 503 250", NULL, 0 },
    { "something behind LAST", OPEN "BDAT 6 LAST x\r\nQUIT\r\nNOOP\r\n", 0,
      "250 250 501 250", NULL, 0 },
    { "something else than LAST",
      OPEN "BDAT 6 FIRST\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", 0,
      "250 250 501 503 250", NULL, 0 },
    { "no size", OPEN "BDAT\r\nNOOP\r\n", 0, "250 250 521", NULL, 0 },
    { "LAST alone", OPEN "BDAT LAST\r\nNOOP\r\n", 0, "250 250 521", NULL, 0 },
    { "a negative size", OPEN "BDAT -1 LAST\r\nNOOP\r\n", 0, "250 250 521",
      NULL, 0 },
    { "a sign", OPEN "BDAT +1\r\nNOOP\r\n", 0, "250 250 521", NULL, 0 },
    { "letters", OPEN "BDAT 5x\r\nNOOP\r\n", 0, "250 250 521", NULL, 0 },
    { "hexadecimal", OPEN "BDAT 0x5\r\nNOOP\r\n", 0, "250 250 521", NULL, 0 },
    { "2 to the 64th", OPEN "BDAT 18446744073709551616 LAST\r\nNOOP\r\n", 0,
      "250 250 521", NULL, 0 },
    { "2 to the 64th and 6", HELLO "BDAT 18446744073709551622\r\nNOOP\r\n", 0,
      "521", NULL, 0 },
    { "2 to the 63rd", OPEN "BDAT 9223372036854775808\r\nNOOP\r\n", 0,
      "250 250 521", NULL, 0 },
    { "over databytes",
      OPEN "BDAT 20\r\nA: b\r\n\r\nxxxxxxxxxxxxBDAT 20\r\naaaaaaaaaa"
           "aaaaaaaaaaBDAT 4 LAST\r\nQUITNOOP\r\n",
      0, "250 250 250 552 503 250", NULL, 0 },
    { "over databytes, refused at once",
      OPEN "BDAT 40\r\nA: b\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxNOOP\r\n", 0,
      "250 250 552 250", NULL, 0 },
    { "a bare LF", OPEN "BDAT 11 LAST\r\nA: b\r\n\r\ny\nxNOOP\r\n", 0,
      "250 250 521", NULL, 0 },
    { "a bare CR at the end", OPEN "BDAT 10 LAST\r\nA: b\r\n\r\nx\rNOOP\r\n", 0,
      "250 250 521", NULL, 0 },
    { "binary",
      HELLO BINARY RCPT "BDAT 18 LAST\r\nA: b\r\n\r\n\0\r\n.\r\n\n\r\xff\r"
                        "NOOP\r\n",
      sizeof(HELLO BINARY RCPT "BDAT 18 LAST\r\nA: b\r\n\r\n\0\r\n.\r\n\n\r\xff"
                               "\rNOOP\r\n")
          - 1,
      "250 250 250 250", "\0\r\n.\r\n\n\r\xff\r", 10 },
    { "binary in pieces",
      HELLO BINARY RCPT "BDAT 7\r\nA: b\r\n\rBDAT 2\r\n\n\rBDAT 2\r\n\n\n"
                        "BDAT 1 LAST\r\n\r",
      0, "250 250 250 250 250 250", "\r\n\n\r", 4 },
    { "binary with DATA",
      HELLO BINARY RCPT "DATA\r\nBDAT 9 LAST\r\n"
                        "A: b\r\n\r\n\n",
      0, "250 250 503 250", "\n", 1 },
    { "binary without header", HELLO BINARY RCPT "BDAT 7 LAST\r\n-x \n\r\n\r",
      0, "250 250 521", NULL, 0 },
    { "binary, and lines that are no header",
      HELLO BINARY RCPT "BDAT 8 LAST\r\n-x x\r\n\r\nNOOP\r\n", 0,
      "250 250 554 250", NULL, 0 },
    { "binary with a bare LF in the header",
      HELLO BINARY RCPT "BDAT 11 LAST\r\nA: b\nC\r\n\r\nx", 0, "250 250 521",
      NULL, 0 },
};

/* The body of what was stored, or NULL. */
static const char *find_body(const engine_kit *kit, apr_size_t *len)
{
    const char *text = kit_view(&kit->stored);
    const char *body = strstr(text, "A: b\n\n");
    apr_size_t skip = 6;

    if (body == NULL) {
        body = strstr(text, "A: b\r\n\r\n");
        skip = 8;
    }
    if (body == NULL) {
        return NULL;
    }
    *len = kit->stored.len - (apr_size_t)(body + skip - text);
    return body + skip;
}

static void check_case(engine_kit *kit, size_t i, const char *how,
                       const char *out)
{
    const char *greeted = strstr(out, "RCPTMAX=1000\r\n");
    const char *codes =
        kit_codes(greeted != NULL ? greeted + 14 : out, kit->pool);
    const char *body;
    apr_size_t want = cases[i].body_len;
    apr_size_t len = 0;

    if (greeted == NULL) {
        codes += 4; /* the greeting alone */
    }
    is_str(codes, cases[i].codes, "%s, %s: replies", cases[i].name, how);
    body = find_body(kit, &len);
    if (cases[i].body == NULL || body == NULL) {
        ok(cases[i].body == NULL && body == NULL, "%s, %s: nothing is stored",
           cases[i].name, how);
        return;
    }
    if (want == 0) {
        want = strlen(cases[i].body);
    }
    ok(len == want && memcmp(body, cases[i].body, len) == 0,
       "%s, %s: what is stored", cases[i].name, how);
}

static void test_case(engine_kit *kit, size_t i)
{
    apr_size_t len = cases[i].len > 0 ? cases[i].len : strlen(cases[i].text);
    apr_size_t at;

    kit_open(kit);
    mem_io_feed(kit->io, cases[i].text, len);
    kit_run(kit);
    check_case(kit, i, "at once", mem_io_output(kit->io));
    kit_open(kit);
    for (at = 0; at < len; at++) {
        mem_io_feed(kit->io, cases[i].text + at, 1);
        kit_run(kit);
    }
    check_case(kit, i, "octet by octet", mem_io_output(kit->io));
}

static void start_plain(engine_kit *kit)
{
    kit_reset(kit);
    kit_set(kit, "databytes", "31");
    kit_plugin(kit, &kit_base_def, "base", kit)->can = ~0u;
    kit_start(kit);
}

/* Hundreds of chunks, and too many that bring nothing. */
static void test_many(engine_kit *kit)
{
    const char *text = OPEN "BDAT 8\r\nA: b\r\n\r\n";
    int i;

    kit_reset(kit);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    for (i = 0; i < 500; i++) {
        text = apr_pstrcat(kit->pool, text, "BDAT 1\r\nx", NULL);
    }
    text = apr_pstrcat(kit->pool, text, "BDAT 0 LAST\r\n", NULL);
    kit_open(kit);
    is_int(kit_count(kit_talk(kit, text), "250 "), 505, "500 chunks");
    is_int((long long)strspn(strstr(kit_view(&kit->stored), "\n\n") + 2, "x"),
           500, "are stored");
    text = OPEN;
    for (i = 0; i < 21; i++) {
        text = apr_pstrcat(kit->pool, text, "BDAT 0\r\n", NULL);
    }
    kit_open(kit);
    ok(strstr(kit_talk(kit, text), "\r\n501 5.5.4 Too many") != NULL,
       "too many without octets");
    ok(kit->qp->txn == NULL, "end the message");
}

/* What a hook says is told behind the octets of its chunk. */
static const struct {
    const char *name;
    qp_hook_id hook;
    int rc;
    int reply;
    const char *codes;
    int closed;
} hooks[] = {
    { "data", QP_HOOK_data, QP_DENY, 0, "554 503 250", 0 },
    { "data, soft", QP_HOOK_data, QP_DENYSOFT, 0, "451 503 250", 0 },
    { "data, close", QP_HOOK_data, QP_DENY_DISCONNECT, 0, "554", 1 },
    { "data, done", QP_HOOK_data, QP_DONE, 250, "250 503 250", 0 },
    { "data_headers_end", QP_HOOK_data_headers_end, QP_DENY, 0, "554 503 250",
      0 },
    { "data_headers_end, close", QP_HOOK_data_headers_end,
      QP_DENYSOFT_DISCONNECT, 0, "421", 1 },
    { "data_post", QP_HOOK_data_post, QP_DENY, 0, "250 552 250", 0 },
    { "queue", QP_HOOK_queue, QP_DENYSOFT, 0, "250 452 250", 0 },
};

static void test_hooks(engine_kit *kit)
{
    kit_script script;
    size_t i;

    kit_reset(kit);
    kit_plugin(kit, &kit_script_def, "script", &script);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    for (i = 0; i < QP_ARRAY_LEN(hooks); i++) {
        script =
            (kit_script){ hooks[i].hook, hooks[i].rc, NULL, hooks[i].reply, 0 };
        kit_open(kit);
        kit_talk(kit, OPEN);
        is_str(kit_codes(kit_talk(kit, "BDAT 14\r\nA: b\r\n\r\nQUIT\r\n"
                                       "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"),
                         kit->pool),
               hooks[i].codes, "%s: replies", hooks[i].name);
        is_int(script.calls, 1, "%s: is asked once", hooks[i].name);
        is_int(kit->want == QP_WANT_CLOSE, hooks[i].closed, "%s: closed or not",
               hooks[i].name);
    }
    kit_close(kit);
}

/* A client that leaves in the middle leaves nothing (R22). */
static void test_leaving(engine_kit *kit)
{
    static const char text[] = OPEN "BDAT 8\r\nA: b\r\n\r\nBDAT 3 LAST\r\nxxx";
    apr_size_t len;
    int stored = 0;

    kit_reset(kit);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    for (len = strlen(OPEN); len < sizeof(text) - 1; len++) {
        kit_open(kit);
        mem_io_feed(kit->io, text, len);
        kit->io->at_end = APR_EOF;
        kit_run(kit);
        stored += kit->stored.len > 0;
        ok(kit->want == QP_WANT_CLOSE, "left behind octet %d", (int)len);
    }
    is_int(stored, 0, "nothing is stored");
    kit_close(kit);
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
    start_plain(kit);
    for (i = 0; i < QP_ARRAY_LEN(cases); i++) {
        test_case(kit, i);
    }
    test_many(kit);
    test_hooks(kit);
    test_leaving(kit);
    apr_pool_destroy(pool);
    return done_testing();
}
