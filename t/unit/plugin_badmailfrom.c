/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of the plugins badmailfrom and badrcptto: a table of patterns, faulty
 * ones, expensive ones, reasons, and who is exempt.
 */
#include "plugin_test.h"

extern const qp_plugin_def qp_plugin_badmailfrom;
extern const qp_plugin_def qp_plugin_badrcptto;

/* So long may the worst expression take; a second is for slow machines. */
#define LONGEST apr_time_from_sec(1)

static const struct {
    const char *line;
    const char *path;
    int matches;
} rows[] = {
    { "a@example.org", "<a@example.org>", 1 },
    { "A@Example.ORG", "<a@example.org>", 1 },
    { "a@example.org", "<A@EXAMPLE.org>", 1 },
    { "a@example.org", "<ba@example.org>", 0 },
    { "a@example.org", "<a@example.organic>", 0 },
    { "@example.org", "<a@example.org>", 1 },
    { "@EXAMPLE.org", "<a@example.ORG>", 1 },
    { "@example.org", "<\"\"@example.org>", 1 },
    { "@example.org", "<a@sub.example.org>", 0 },
    { "@example.org", "<\"a@example.org\"@example.net>", 0 },
    { "@", "<a@example.org>", 0 },
    { "a@", "<a@example.org>", 0 },
    { "a.example.org", "<a@example.org>", 0 }, /* no expression */
    { "a+b@example.org", "<a+b@example.org>", 1 },
    { "a/b@example.org", "<a/b@example.org>", 1 },
    { "a?@example.org", "<a?@example.org>", 1 },
    { "^a", "<abc@example.org>", 1 },
    { "^a", "<ba@example.org>", 0 },
    { "^A", "<abc@example.org>", 1 },
    { "org$", "<a@example.org>", 1 },
    { "/^a.c@/", "<abc@example.org>", 1 },
    { "/abc/", "<xabcx@example.org>", 1 },
    { "/abc/", "<xab@example.org>", 0 },
    { "/x@example/", "<x@EXAMPLE.org>", 1 },
    { "^\\d+@", "<123@example.org>", 1 },
    { "^\\d+@", "<a123@example.org>", 0 },
    { "^a\\sb@", "<\"a b\"@example.org>", 1 },
    { "@(.*\\.)?example\\.org$", "<a@x.y.example.org>", 1 },
    { "@(.*\\.)?example\\.org$", "<a@example.org>", 1 },
    { "@(.*\\.)?example\\.org$", "<a@notexample.org>", 0 },
    { "^(a)(b)(c)@", "<abc@example.org>", 1 },
    { "/", "<a/b@example.org>", 1 },
    { "//", "<a/b@example.org>", 0 },
    { "x@example.net\n# no\n^a", "<abc@example.org>", 1 },
};

static const char *const faulty[] = { "*@example.org", "/(/",         "a[?",
                                      "spammer",       "/a{2}(?<n>/", "\\" };

/** Against 64 octets and a domain, these take years without a limit. */
static const char *const expensive[] = { "^(a+)+$", "^(a|aa)+$", "^(a*)*[bc]$",
                                         "(.*)*(.*)*(.*)*x$",
                                         "^(?:a?){64}a{64}$" };

static qp_rc ask_mail(struct plugin_test *test, const qp_plugin *plugin,
                      const char *path)
{
    qp_mail_arg arg = { test_addr(test, path), NULL };

    return plugin->hooks.mail(plugin, test->qp, &arg);
}

static qp_rc ask_rcpt(struct plugin_test *test, const qp_plugin *plugin,
                      const char *path)
{
    qp_rcpt_arg arg = { test_addr(test, path), NULL };

    return plugin->hooks.rcpt(plugin, test->qp, &arg);
}

static void test_rows(struct plugin_test *test, const qp_plugin *mail,
                      const qp_plugin *rcpt)
{
    size_t i;
    qp_rc rc;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        rc = rows[i].matches ? QP_DENY : QP_DECLINED;
        test_connect(test, "192.0.2.1");
        test_set(test, "badmailfrom", rows[i].line);
        is_int(ask_mail(test, mail, rows[i].path), rc, "%s, sender %s",
               rows[i].line, rows[i].path);
        is_int(qp_note_num(qp_conn_notes(qp_connection(test->qp)),
                           QP_NOTE_KARMA),
               rows[i].matches ? -1 : 0, "its karma");
        test_connect(test, "192.0.2.1");
        test_set(test, "badrcptto", rows[i].line);
        is_int(ask_rcpt(test, rcpt, rows[i].path), rc, "%s, recipient %s",
               rows[i].line, rows[i].path);
        is_int(qp_note_num(qp_conn_notes(qp_connection(test->qp)),
                           QP_NOTE_KARMA),
               rows[i].matches ? -2 : 0, "its karma");
    }
}

static void test_faulty(struct plugin_test *test, const qp_plugin *mail)
{
    const char *first;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(faulty); i++) {
        test_connect(test, "192.0.2.1");
        test_set(test, "badmailfrom",
                 apr_pstrcat(test->pool, faulty[i], "\nb@example.org", NULL));
        is_int(ask_mail(test, mail, "<a@example.org>"), QP_DECLINED,
               "%s matches nothing", faulty[i]);
        is_int(ask_mail(test, mail, "<b@example.org>"), QP_DENY,
               "%s: the next line counts", faulty[i]);
        first = strstr(test->log, "4 : badmailfrom: \"");
        ok(first != NULL && strstr(first, "this line is left out") != NULL,
           "%s: a warning", faulty[i]);
        ok(first != NULL && strstr(first + 1, "4 : badmailfrom") == NULL,
           "%s: once", faulty[i]);
    }
}

static void test_expensive(struct plugin_test *test, const qp_plugin *mail)
{
    static const char path[] =
        "<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example>";
    apr_time_t start;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(expensive); i++) {
        test_connect(test, "192.0.2.1");
        test_set(test, "badmailfrom", expensive[i]);
        start = apr_time_now();
        is_int(ask_mail(test, mail, path), QP_DECLINED, "%s", expensive[i]);
        ok(strstr(test->log, "too many steps") != NULL, "it is said");
        ok(apr_time_now() - start < LONGEST, "%s takes no time", expensive[i]);
    }
}

static void test_reasons(struct plugin_test *test, const qp_plugin *mail,
                         const qp_plugin *rcpt)
{
    qp_session *qp = test_connect(test, "192.0.2.1");

    test_set(test, "badmailfrom", "a@example.org \t Go %s away\n@example.org");
    is_int(ask_mail(test, mail, "<a@example.org>"), QP_DENY, "a sender");
    is_str(qp->answer.text, "Go %s away", "with the reason");
    ok(strstr(test->log, "6 badmailfrom: fail, Go %s away\n") != NULL,
       "which is logged");
    is_int(ask_mail(test, mail, "<b@example.org>"), QP_DENY, "another one");
    is_str(qp->answer.text, "Mail from this sender is not accepted",
           "without a reason");

    test_set(test, "badrcptto", "a@example.org Gone for good\n@example.org");
    is_int(ask_rcpt(test, rcpt, "<a@example.org>"), QP_DENY, "a recipient");
    is_str(qp->answer.text, "Gone for good", "with the reason");
    is_int(ask_rcpt(test, rcpt, "<b@example.org>"), QP_DENY, "another one");
    is_int(qp->answer.subject * 10 + qp->answer.detail, 11, "is x.1.1");
}

/* Lists of expressions, as the plugins of 2008 had. */
static void test_patterns(struct plugin_test *test, const qp_plugin *mail,
                          const qp_plugin *rcpt)
{
    qp_session *qp = test_connect(test, "192.0.2.1");

    test_set(test, "badmailfrom", "b@example.org");
    test_set(test, "badmailfrom_patterns", "example.org No example\n/net/");
    is_int(ask_mail(test, mail, "<a@xexample-org.com>"), QP_DENY,
           "a sender that an expression finds");
    is_str(qp->answer.text, "No example", "with its reason");
    is_int(ask_mail(test, mail, "<a@a.net>"), QP_DENY, "between slashes");
    is_int(ask_mail(test, mail, "<a@a.com>"), QP_DECLINED, "another sender");
    test_set(test, "badmailfrom_patterns", NULL);
    test_set(test, "badrcptto", NULL);
    test_set(test, "badrcptto_patterns", "^a Gone");
    is_int(ask_rcpt(test, rcpt, "<ab@example.org>"), QP_DENY, "a recipient");
    is_int(ask_rcpt(test, rcpt, "<ba@example.org>"), QP_DECLINED, "another");
    test_set(test, "badrcptto_patterns", NULL);
}

static void test_exempt(struct plugin_test *test, const qp_plugin *mail,
                        const qp_plugin *rcpt)
{
    qp_session *qp = test_connect(test, "192.0.2.1");

    test_set(test, "badmailfrom", "/.*/");
    test_set(test, "badrcptto", "/.*/");
    is_int(ask_mail(test, mail, "<>"), QP_DECLINED, "the null sender");
    is_int(ask_rcpt(test, rcpt, "<postmaster>"), QP_DECLINED, "postmaster");
    is_int(ask_rcpt(test, rcpt, "<postmaster@example.org>"), QP_DENY,
           "but not with a domain");
    qp_conn_set_relay_client(qp_connection(qp), 1);
    is_int(ask_mail(test, mail, "<a@example.org>"), QP_DECLINED,
           "a relay client's sender");
    is_int(ask_rcpt(test, rcpt, "<a@example.org>"), QP_DECLINED,
           "a relay client's recipient");
    qp = test_connect(test, "192.0.2.1");
    qp_note_set(qp_conn_notes(qp_connection(qp)), QP_NOTE_WHITELISTHOST, "yes");
    is_int(ask_mail(test, mail, "<a@example.org>"), QP_DECLINED,
           "a whitelisted host's sender");
    is_int(ask_rcpt(test, rcpt, "<a@example.org>"), QP_DECLINED,
           "a whitelisted host's recipient");
}

int main(void)
{
    struct plugin_test test = { 0 };
    qp_plugin *mail = NULL;
    qp_plugin *rcpt = NULL;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_init(&test, pool);
    is_str(test_load(&test, &qp_plugin_badmailfrom, "badmailfrom", &mail), NULL,
           "badmailfrom loads");
    is_str(test_load(&test, &qp_plugin_badrcptto, "badrcptto", &rcpt), NULL,
           "badrcptto loads");
    test_rows(&test, mail, rcpt);
    test_faulty(&test, mail);
    test_expensive(&test, mail);
    test_reasons(&test, mail, rcpt);
    test_patterns(&test, mail, rcpt);
    test_exempt(&test, mail, rcpt);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
