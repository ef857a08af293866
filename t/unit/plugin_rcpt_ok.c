/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of the plugins rcpt_ok and rcpt_ok_maxrelay: a table of recipients,
 * and the count of refused ones. Covers R51, R53, R54.
 */
#include "plugin_test.h"

extern const qp_plugin_def qp_plugin_rcpt_ok;
extern const qp_plugin_def qp_plugin_rcpt_ok_maxrelay;

#define RCPTHOSTS                                                              \
    "example.org\n.lists.example.org\nMixed.Example\n[192.0.2.25]\n.\n"        \
    ".Sub.Mixed.Example"

static const struct {
    const char *path;
    int is_ours;
} rows[] = {
    { "<a@example.org>", 1 },
    { "<a@EXAMPLE.ORG>", 1 },
    { "<a@mx.example.net>", 1 }, /* me */
    { "<a@MX.example.NET>", 1 },
    { "<a@mixed.example>", 1 },
    { "<a@a.sub.mixed.example>", 1 },
    { "<a@x.lists.example.org>", 1 },
    { "<a@x.y.LISTS.example.org>", 1 },
    { "<a@[192.0.2.25]>", 1 },
    { "<postmaster>", 1 },
    { "<PostMaster>", 1 },
    { "<postmaster@example.org>", 1 },
    { "<\"a b\"@example.org>", 1 },
    { "<\"\"@example.org>", 1 },
    { "<a+b@example.org>", 1 },
    /* The source route is dropped by the parser, ours is what counts. */
    { "<@elsewhere.example:a@example.org>", 1 },
    { "<@example.org:a@elsewhere.example>", 0 },
    { "<a@elsewhere.example>", 0 },
    { "<a@example.net>", 0 },
    { "<a@sub.example.org>", 0 },
    { "<a@lists.example.org>", 0 },
    { "<a@xlists.example.org>", 0 },
    { "<a@sub.mixed.example>", 0 },
    { "<a@notexample.org>", 0 },
    { "<a@example.org.elsewhere.example>", 0 },
    { "<a@example.orgx>", 0 },
    { "<a@[192.0.2.26]>", 0 },
    { "<postmaster@elsewhere.example>", 0 },
    { "<abuse@elsewhere.example>", 0 },
    { "<a%elsewhere.example@example.org>", 0 },
    { "<elsewhere.example!a@example.org>", 0 },
    { "<\"a@elsewhere.example\"@example.org>", 0 },
    { "<\"@elsewhere.example:a\"@example.org>", 0 },
    { "<a%b%c@x.lists.example.org>", 0 },
    { "<a%elsewhere.example@mx.example.net>", 0 },
};

static qp_rc ask(struct plugin_test *test, const qp_plugin *plugin,
                 const char *path)
{
    qp_rcpt_arg arg = { test_addr(test, path), NULL };
    qp_rc rc = plugin->hooks.rcpt(plugin, test->qp, &arg);

    qp_session_clear_command(test->qp);
    return rc;
}

static void test_rows(struct plugin_test *test, const qp_plugin *rcpt_ok)
{
    size_t i;

    test_set(test, "me", "mx.example.net");
    test_set(test, "rcpthosts", RCPTHOSTS);
    test_connect(test, "192.0.2.1");
    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_int(ask(test, rcpt_ok, rows[i].path),
               rows[i].is_ours ? QP_OK : QP_DENY, "%s", rows[i].path);
        ok(strstr(test->log, rows[i].is_ours ? "pass, " : "fail, ") != NULL,
           "%s: is logged", rows[i].path);
        test->log[0] = '\0';
    }
    qp_note_set(qp_conn_notes(qp_connection(test->qp)), QP_NOTE_WHITELISTHOST,
                "yes");
    is_int(ask(test, rcpt_ok, "<a@elsewhere.example>"), QP_DENY,
           "to be whitelisted is no permission to relay");
    qp_conn_set_relay_client(qp_connection(test->qp), 1);
    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_int(ask(test, rcpt_ok, rows[i].path), QP_OK, "%s by a relay client",
               rows[i].path);
    }
}

/* Addresses that only a parser of a plugin can yield. */
static void test_hostless(struct plugin_test *test, const qp_plugin *rcpt_ok)
{
    static const struct {
        const char *user;
        qp_rc rc;
    } users[] = { { "abuse", QP_OK },
                  { "ABUSE", QP_OK },
                  { "somebody", QP_DENY },
                  { "", QP_DENY },
                  { "postmasterx", QP_DENY } };
    qp_addr addr = { NULL, "" };
    qp_rcpt_arg arg = { &addr, NULL };
    size_t i;

    test_connect(test, "192.0.2.1");
    for (i = 0; i < QP_ARRAY_LEN(users); i++) {
        addr.user = users[i].user;
        is_int(rcpt_ok->hooks.rcpt(rcpt_ok, test->qp, &arg), users[i].rc,
               "\"%s\" without a domain", addr.user);
    }
}

static void test_nothing_set(struct plugin_test *test, const qp_plugin *rcpt_ok)
{
    test_set(test, "me", NULL);
    test_set(test, "rcpthosts", NULL);
    test_connect(test, "192.0.2.1");
    is_int(ask(test, rcpt_ok, "<a@example.org>"), QP_DENY,
           "without lists nothing is ours");
    is_int(ask(test, rcpt_ok, "<postmaster>"), QP_OK, "but postmaster is");
}

/** What becomes of the n-th refused recipient. */
static void test_maxrelay(struct plugin_test *test, const qp_plugin *rcpt_ok,
                          const char *line, int max)
{
    qp_plugin *maxrelay = NULL;
    qp_plugin parent = *rcpt_ok;
    int i;

    is_str(test_load(test, &qp_plugin_rcpt_ok_maxrelay, line, &maxrelay), NULL,
           "%s", line);
    maxrelay->parent = &parent;
    test_connect(test, "192.0.2.1");
    for (i = 1; i <= 12; i++) {
        is_int(ask(test, maxrelay, "<a@elsewhere.example>"),
               max == 0 || i <= max ? QP_DENY : QP_DENY_DISCONNECT,
               "%s: attempt %d", line, i);
        is_int(ask(test, maxrelay, "<postmaster>"), QP_OK,
               "%s: others are accepted", line);
    }
    test_connect(test, "192.0.2.1");
    is_int(ask(test, maxrelay, "<a@elsewhere.example>"), QP_DENY,
           "%s: the next connection starts anew", line);
}

int main(void)
{
    struct plugin_test test = { 0 };
    qp_plugin *rcpt_ok = NULL;
    qp_plugin *other = NULL;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_init(&test, pool);
    is_str(test_load(&test, &qp_plugin_rcpt_ok, "rcpt_ok", &rcpt_ok), NULL,
           "loads");
    test_rows(&test, rcpt_ok);
    test_hostless(&test, rcpt_ok);
    test_nothing_set(&test, rcpt_ok);
    test_maxrelay(&test, rcpt_ok, "rcpt_ok_maxrelay", 5);
    test_maxrelay(&test, rcpt_ok, "rcpt_ok_maxrelay 1", 1);
    test_maxrelay(&test, rcpt_ok, "rcpt_ok_maxrelay max 10", 10);
    test_maxrelay(&test, rcpt_ok, "rcpt_ok_maxrelay 0", 0);
    ok(test_load(&test, &qp_plugin_rcpt_ok_maxrelay, "rcpt_ok_maxrelay -1",
                 &other)
           != NULL,
       "max is not negative");
    ok(test_load(&test, &qp_plugin_rcpt_ok_maxrelay, "rcpt_ok_maxrelay 1 2",
                 &other)
           != NULL,
       "one word is enough");
    ok(test_load(&test, &qp_plugin_rcpt_ok, "rcpt_ok x", &other) != NULL,
       "rcpt_ok takes no arguments");
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
