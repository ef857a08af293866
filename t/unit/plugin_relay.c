/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of the plugin relay: tables of lists and addresses, and the option
 * `only`. Covers R110. It does not test where the lists come from.
 */
#include "plugin_test.h"

extern const qp_plugin_def qp_plugin_relay;

/** A line of relayclients, and clients in it and not in it. */
struct row {
    const char *line;
    const char *in[4];
    const char *out[4];
};

static const struct row rows[] = {
    { "192.0.2.17",
      { "192.0.2.17", "::ffff:192.0.2.17" },
      { "192.0.2.1", "192.0.2.170", "::192.0.2.17" } },
    /* Both ends belong to it. */
    { "192.0.2.0/24",
      { "192.0.2.0", "192.0.2.255", "::ffff:192.0.2.1" },
      { "192.0.1.255", "192.0.3.0", "2001:db8::1" } },
    { "192.0.2.99/24", { "192.0.2.0" }, { "192.0.3.0" } },
    { "192.0.2.17/32", { "192.0.2.17" }, { "192.0.2.16", "192.0.2.18" } },
    { "192.0.2.128/25", { "192.0.2.128", "192.0.2.255" }, { "192.0.2.127" } },
    { "192.0.2.16/31",
      { "192.0.2.16", "192.0.2.17" },
      { "192.0.2.15", "192.0.2.18" } },
    { "10.0.0.0/8",
      { "10.0.0.0", "10.255.255.255" },
      { "11.0.0.0", "9.255.255.255" } },
    { "10.128.0.0/9", { "10.128.0.0", "10.255.0.0" }, { "10.127.0.0" } },
    { "0.0.0.0/0",
      { "0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4" },
      { "::1", "2001:db8::1" } },
    { "::ffff:10.0.0.0/104", { "10.1.2.3" }, { "11.1.2.3" } },
    { "192.0.2.", { "192.0.2.0", "192.0.2.255" }, { "192.0.20.1" } },
    { "192.0.", { "192.0.2.1" }, { "192.1.0.1" } },
    { "192.", { "192.0.2.1" }, { "19.2.0.1", "193.0.2.1" } },
    { "::1", { "::1", "0:0:0:0:0:0:0:1" }, { "::2", "127.0.0.1" } },
    { "127.0.0.1", { "127.0.0.1" }, { "::1" } },
    { "2001:DB8::25",
      { "2001:db8::25", "2001:db8:0:0::25" },
      { "2001:db8::26" } },
    { "2001:db8::/32",
      { "2001:db8::", "2001:db8:ffff:ffff:ffff::ffff" },
      { "2001:db9::", "2001:db7:ffff::", "10.1.2.3" } },
    { "2001:db8:8000::/33", { "2001:db8:8000::" }, { "2001:db8:7fff::" } },
    { "2001:db8::25/128", { "2001:db8::25" }, { "2001:db8::24" } },
    { "::/0", { "2001:db8::1", "::1" }, { "192.0.2.1", "::ffff:192.0.2.1" } },
    { "::/80", { "::1" }, { "192.0.2.1" } },
    { "2001:db8:", { "2001:db8::1", "2001:db8:ffff::" }, { "2001:db80::" } },
    { "2001:0db8:0001:", { "2001:db8:1::1" }, { "2001:db8:2::1" } },
    { "1:2:3:4:5:6:7:", { "1:2:3:4:5:6:7:8" }, { "1:2:3:4:5:6:8:8" } },
    { "fe80::1", { "fe80::1", "fe80::1%eth0" }, { "fe80::2%eth0" } },
};

static const char *const faulty[] = {
    "localhost",
    "10.1",
    "192.0.2",
    "192.0.2.256",
    "192.0.2.0/33",
    "192.0.2.0/",
    "192.0.2.0/-1",
    "192.0.2.0/24x",
    "192.0.2.0/0024",
    "192.0.2.0/8/8",
    "/24",
    "2001:db8",
    "2001:db8::/129",
    "2001:db8::1:",
    "1:2:3:4:5:6:7:8:",
    "192.0.2.0.",
    "192..",
    ".",
    ":",
    ":1:",
    "192.0.2.01",
    "0x7f.0.0.1",
    "*",
    "example.com.",
    "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee",
};

/* Connects; the lists are set. @return whether it may relay then */
static int may_relay(struct plugin_test *test, const qp_plugin *relay,
                     const char *ip)
{
    qp_session *qp = test_connect(test, ip);
    qp_connect_arg arg = { ip };

    if (relay->hooks.connect(relay, qp, &arg) != QP_DECLINED) {
        diag("%s: not DECLINED", ip);
        return -1;
    }
    return qp_conn_relay_client(qp_connection(qp));
}

static void test_rows(struct plugin_test *test, const qp_plugin *relay)
{
    const struct row *row;
    size_t i;
    int n;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        row = &rows[i];
        test_set(test, "relayclients", row->line);
        for (n = 0; n < 4 && row->in[n] != NULL; n++) {
            is_int(may_relay(test, relay, row->in[n]), 1, "%s is in %s",
                   row->in[n], row->line);
        }
        for (n = 0; n < 4 && row->out[n] != NULL; n++) {
            is_int(may_relay(test, relay, row->out[n]), 0, "%s is not in %s",
                   row->out[n], row->line);
        }
    }
}

static void test_faulty(struct plugin_test *test, const qp_plugin *relay)
{
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(faulty); i++) {
        test_set(test, "relayclients",
                 apr_pstrcat(test->pool, faulty[i], "\n192.0.2.1", NULL));
        is_int(may_relay(test, relay, "192.0.2.1"), 1, "%s: the next counts",
               faulty[i]);
        ok(strstr(test->log, "4 relay: relayclients: \"") != NULL,
           "%s: a warning", faulty[i]);
        is_int(may_relay(test, relay, "127.0.0.1"), 0, "%s: nobody is in it",
               faulty[i]);
    }
}

static void test_lists(struct plugin_test *test, const qp_plugin *relay)
{
    qp_connect_arg arg = { "192.0.2.17" };

    test_set(test, "relayclients", NULL);
    is_int(may_relay(test, relay, "127.0.0.1"), 0, "127.0.0.1 is not listed");
    is_int(may_relay(test, relay, "::1"), 0, "neither is ::1");
    is_int(may_relay(test, relay, ""), 0, "a client without address");
    test_set(test, "relayclients", "198.51.100.1\n192.0.2.0/24\n203.0.113.");
    is_int(may_relay(test, relay, "203.0.113.9"), 1, "the last line counts");
    test_set(test, "norelayclients", "192.0.2.17");
    is_int(may_relay(test, relay, "192.0.2.16"), 1, "not in norelayclients");
    is_int(may_relay(test, relay, "192.0.2.17"), 0, "norelayclients wins");
    qp_conn_set_relay_client(qp_connection(test->qp), 1);
    relay->hooks.connect(relay, test->qp, &arg);
    is_int(qp_conn_relay_client(qp_connection(test->qp)), 0,
           "and takes away what was given");
    test_connect(test, "192.0.2.99");
    test_set(test, "relayclients", NULL);
    qp_conn_set_relay_client(qp_connection(test->qp), 1);
    arg.remote_ip = "192.0.2.99";
    relay->hooks.connect(relay, test->qp, &arg);
    is_int(qp_conn_relay_client(qp_connection(test->qp)), 1,
           "in no list: left as it is");
}

static void test_only(struct plugin_test *test, const qp_plugin *relay)
{
    qp_plugin *only = NULL;
    qp_rcpt_arg arg = { test_addr(test, "<a@example.org>"), NULL };
    qp_session *qp;

    ok(relay->hooks.rcpt == NULL, "without only, RCPT is not its business");
    is_str(test_load(test, &qp_plugin_relay, "relay only 1", &only), NULL,
           "only 1");
    qp = test_connect(test, "192.0.2.1");
    is_int(only->hooks.rcpt(only, qp, &arg), QP_DENY, "a stranger");
    is_int(qp->answer.subject * 10 + qp->answer.detail, 71, "5.7.1");
    qp_conn_set_relay_client(qp_connection(qp), 1);
    is_int(only->hooks.rcpt(only, qp, &arg), QP_OK, "a relay client");
    is_str(test_load(test, &qp_plugin_relay, "relay only no", &only), NULL,
           "only no");
    ok(only->hooks.rcpt == NULL, "is as without");
    ok(test_load(test, &qp_plugin_relay, "relay only", &only) != NULL,
       "only has a value");
}

int main(void)
{
    struct plugin_test test = { 0 };
    qp_plugin *relay = NULL;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_init(&test, pool);
    is_str(test_load(&test, &qp_plugin_relay, "relay", &relay), NULL, "loads");
    test_rows(&test, relay);
    test_faulty(&test, relay);
    test_lists(&test, relay);
    test_only(&test, relay);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
