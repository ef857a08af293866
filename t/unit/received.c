/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of smtp/qp_received: the fields that the server adds to a message, and
 * what strangers must not be able to put into them (R26, R28, R30).
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

#define MAIL "MAIL FROM:<a@example.net>\r\n"
#define RCPT "RCPT TO:<b@example.org>\r\n"

static const char *send_mail(engine_kit *kit, const char *envelope,
                             const char *header)
{
    kit_open(kit);
    kit_talk(kit, apr_pstrcat(kit->pool, envelope, "DATA\r\n", header,
                              "\r\ntext\r\n.\r\n", NULL));
    return kit_normal(kit, kit_view(&kit->stored));
}

/* Received (RFC 5321 4.4; D20). -------------------------------------------- */

static const struct {
    const char *ip;
    const char *host; /* verified, or NULL */
    const char *envelope;
    const char *want; /* up to the date */
} received[] = {
    { "192.0.2.1", "client.example", "EHLO me.example\r\n" MAIL RCPT,
      "Received: from me.example (client.example [192.0.2.1])\n"
      "\tby mx.example.com (mod_qpsmtpd) with ESMTP id ID.1\n"
      "\tfor <b@example.org>;\n\tDATE\n" },
    { "192.0.2.1", NULL, "HELO me.example\r\n" MAIL RCPT RCPT,
      "Received: from me.example (Unknown [192.0.2.1])\n"
      "\tby mx.example.com (mod_qpsmtpd) with SMTP id ID.1;\n\tDATE\n" },
    { "2001:db8::1", NULL, "EHLO [IPv6:2001:db8::1]\r\n" MAIL RCPT,
      "Received: from [IPv6:2001:db8::1] (Unknown [IPv6:2001:db8::1])\n"
      "\tby mx.example.com (mod_qpsmtpd) with ESMTP id ID.1\n"
      "\tfor <b@example.org>;\n\tDATE\n" },
    { "192.0.2.1", "evil) by mx.example.com; fake(", "EHLO x\r\n" MAIL RCPT,
      "Received: from x (evil??by?mx.example.com??fake? [192.0.2.1])\n"
      "\tby mx.example.com (mod_qpsmtpd) with ESMTP id ID.1\n"
      "\tfor <b@example.org>;\n\tDATE\n" },
    { "192.0.2.1", NULL,
      "EHLO x\r\n" MAIL "RCPT TO:<\"b \\\" ; x\"@example.org>\r\n",
      "Received: from x (Unknown [192.0.2.1])\n"
      "\tby mx.example.com (mod_qpsmtpd) with ESMTP id ID.1\n"
      "\tfor <\"b \\\" ; x\"@example.org>;\n\tDATE\n" },
    { "192.0.2.1", NULL, "EHLO x\r\n" MAIL "RSET\r\n" MAIL RCPT,
      "Received: from x (Unknown [192.0.2.1])\n"
      "\tby mx.example.com (mod_qpsmtpd) with ESMTP id ID.2\n"
      "\tfor <b@example.org>;\n\tDATE\n" },
};

static void test_received(engine_kit *kit)
{
    const char *stored;
    size_t i;

    kit_reset(kit);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    for (i = 0; i < QP_ARRAY_LEN(received); i++) {
        kit->peers.remote_ip = received[i].ip;
        kit->peers.remote_host = received[i].host;
        stored = send_mail(kit, received[i].envelope, "A: b\r\n");
        is_str(stored,
               apr_pstrcat(kit->pool, received[i].want, "A: b\n\ntext\n", NULL),
               "received %d", (int)i);
    }
    kit_close(kit);
}

/* The date has the form of RFC 5322 3.3. */
static void test_date(engine_kit *kit)
{
    const char *date;
    char day[4];
    char month[4];
    char sign = 0;
    int n[6] = { 0 };

    send_mail(kit, received[0].envelope, "");
    date = strstr(kit_view(&kit->stored), ";\n\t");
    ok(date != NULL
           && sscanf(date, ";\n\t%3s, %2d %3s %4d %2d:%2d:%2d %c%4d\n", day,
                     &n[0], month, &n[1], &n[2], &n[3], &n[4], &sign, &n[5])
                  == 9
           && n[1] > 2000 && (sign == '+' || sign == '-'),
       "the date");
}

/* The received_line hook. -------------------------------------------------- */

struct answer {
    const char *text;
    qp_rc rc;
    const char *want; /* the field; NULL: the default */
};

static const struct answer answers[] = {
    { "from a\n\tby b", QP_OK, "Received: from a\n\tby b\n" },
    { "from a\nBcc: evil", QP_OK, "Received: from a Bcc: evil\n" },
    { "from a\r\n\r\nbody", QP_OK, NULL },
    { NULL, QP_OK, NULL },
    { "unused", QP_DECLINED, NULL },
};

static qp_rc answer_received(const qp_plugin *self, qp_session *qp,
                             qp_received_line_arg *arg)
{
    const struct answer *const *answer = qp_opts(self);

    if (strcmp(arg->smtp, "ESMTP") == 0 && arg->auth[0] == '\0'
        && arg->tls[0] == '\0') {
        arg->text = (*answer)->text;
    }
    return (*answer)->rc;
}

static void test_hook(engine_kit *kit)
{
    static const qp_plugin_def def = { .hooks.received_line = answer_received };
    const struct answer *answer = answers;
    const char *stored;
    size_t i;

    kit_reset(kit);
    kit_plugin(kit, &def, "answer", &answer);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    for (i = 0; i < QP_ARRAY_LEN(answers); i++) {
        answer = &answers[i];
        stored = send_mail(kit, received[0].envelope, "A: b\r\n");
        if (answer->want != NULL) {
            ok(strncmp(stored, answer->want, strlen(answer->want)) == 0
                   && strcmp(stored + strlen(answer->want), "A: b\n\ntext\n")
                          == 0,
               "hook %d: %s", (int)i, stored);
        }
        else {
            ok(strncmp(stored, "Received: from ", 15) == 0
                   && strstr(stored, "\n\nbody") == NULL
                   && strstr(stored, "\nA: b\n\ntext\n") != NULL,
               "hook %d: %s", (int)i, stored);
        }
    }
    kit_close(kit);
}

/* Authentication-Results (RFC 8601). --------------------------------------- */

static qp_rc result_of_conn(const qp_plugin *self, qp_session *qp,
                            const qp_helo_arg *arg)
{
    qp_auth_results_add(qp, "iprev=%s", "pass");
    return QP_DECLINED;
}

static qp_rc result_of_mail(const qp_plugin *self, qp_session *qp,
                            const qp_mail_arg *arg)
{
    qp_auth_results_add(qp, "spf=pass smtp.mailfrom=%s", arg->sender->host);
    return QP_DECLINED;
}

static void start_results(engine_kit *kit, const char *id, int with_results)
{
    static const qp_plugin_def def = { .hooks = { .ehlo = result_of_conn,
                                                  .mail = result_of_mail } };

    kit_reset(kit);
    kit_set(kit, "me-auth-results", id);
    if (with_results) {
        kit_plugin(kit, &def, "results", NULL);
    }
    kit_plugin(kit, &kit_base_def, "base", kit);
    if (kit_start(kit) != NULL) {
        abort();
    }
}

static void test_results(engine_kit *kit)
{
    static const char spf[] = "iprev=pass;\n\tspf=pass "
                              "smtp.mailfrom=example.net\n";
    const char *want;

    start_results(kit, NULL, 1);
    want = apr_pstrcat(kit->pool, "Authentication-Results: mx.example.com;\n\t",
                       spf, "Received: ", NULL);
    ok(strncmp(send_mail(kit, received[0].envelope, ""), want, strlen(want))
           == 0,
       "results, of the connection first: %.80s", kit_view(&kit->stored));
    kit_talk(kit, apr_pstrcat(kit->pool,
                              "MAIL FROM:<>\r\n" RCPT "DATA\r\n.\r\n", NULL));
    is_int(kit_count(kit_view(&kit->stored), "example.net"), 0,
           "those of a message do not stay for the next");
    is_int(kit_count(kit_view(&kit->stored), "iprev=pass"), 1,
           "those of the connection do");
    start_results(kit, "id.example", 1);
    ok(strncmp(send_mail(kit, received[0].envelope, ""),
               "Authentication-Results: id.example;\n", 36)
           == 0,
       "under another name");
    start_results(kit, "none", 1);
    ok(strncmp(send_mail(kit, received[0].envelope, ""), "Received: ", 10) == 0,
       "not at all");
    start_results(kit, NULL, 0);
    ok(strncmp(send_mail(kit, received[0].envelope, ""), "Received: ", 10) == 0,
       "nothing to say");
    kit_close(kit);
}

/* What comes in under our name is not ours (RFC 8601 5). */
static const struct {
    const char *value;
    int ours;
} claims[] = {
    { "mx.example.com; spf=pass", 1 },
    { "MX.Example.COM; spf=pass", 1 },
    { " \r\n mx.example.com\r\n ; spf=pass", 1 },
    { "mx.example.com 1; spf=pass", 1 },
    { "mx.example.com", 1 },
    { "mx.example.com(comment); spf=pass", 1 },
    { "mx.example.com.; spf=pass", 1 },
    { "\"mx.example.com.\"; spf=pass", 1 },
    { "mx.example.com..; spf=pass", 0 },
    { "(comment) mx.example.com; spf=pass", 1 },
    { "(a (nested) \\) comment)\r\n\tmx.example.com; spf=pass", 1 },
    { "\"mx.example.com\"; spf=pass", 1 },
    { "\"m\\x.example.com\"; spf=pass", 1 },
    { "mx.example.com.example; spf=pass", 0 },
    { "other.example; spf=pass", 0 },
    { "amx.example.com; spf=pass", 0 },
    { "other.example (mx.example.com); spf=pass", 0 },
};

static void test_claims(engine_kit *kit)
{
    static const char name[] = "Authentication-Results: ";
    const char *header;
    const char *stored;
    size_t i;

    start_results(kit, NULL, 0);
    for (i = 0; i < QP_ARRAY_LEN(claims); i++) {
        header = apr_pstrcat(kit->pool, "A: b\r\n", name, "x.example; a=b\r\n",
                             name, claims[i].value, "\r\n", name,
                             claims[i].value, "\r\nC: d\r\n", NULL);
        stored = send_mail(kit, received[0].envelope, header);
        is_int(kit_count(stored, "\nAuthentication-Results:"),
               claims[i].ours ? 1 : 3, "claim %d: %s", (int)i, claims[i].value);
        is_int(kit_count(stored, "\nOriginal-Authentication-Results:"),
               claims[i].ours ? 2 : 0, "claim %d: renamed", (int)i);
    }
    kit_close(kit);
}

/* A NUL hides no claim, and a field that is renamed keeps its place and every
 * octet (R6, R16). */
static void test_nul_claims(engine_kit *kit)
{
    static const char in[] = "A: b\r\n"
                             "Authentication-Results:\0mx.example.com\0;\0x\r\n"
                             "Authentication-results : mx.example.com\r\n"
                             "\t; y\0\r\n"
                             "Authentication-Results: m\0x.example.com; z\r\n"
                             "C: d\r\n\r\n.\r\n";
    static const char out[] =
        "\nA: b\n"
        "Original-Authentication-Results:\0mx.example.com\0;\0x\n"
        "Original-Authentication-Results : mx.example.com\n"
        "\t; y\0\n"
        "Authentication-Results: m\0x.example.com; z\n"
        "C: d\n\n";
    apr_size_t len = sizeof(out) - 1;

    start_results(kit, NULL, 0);
    kit_open(kit);
    kit_talk(kit,
             apr_pstrcat(kit->pool, received[0].envelope, "DATA\r\n", NULL));
    mem_io_feed(kit->io, in, sizeof(in) - 1);
    kit_run(kit);
    ok(kit->stored.len > len
           && memcmp(kit->stored.text + kit->stored.len - len, out, len) == 0,
       "claims with NUL: %s", kit_view(&kit->stored));
    kit_close(kit);
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    test_received(kit);
    test_date(kit);
    test_hook(kit);
    test_results(kit);
    test_claims(kit);
    test_nul_claims(kit);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
