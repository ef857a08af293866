/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of the plugin relay: its two lists, and the option `only`. Covers R110.
 * It does not test where the lists come from, and what a network is is tested
 * in net.c.
 */
#include "plugin_test.h"

extern const qp_plugin_def qp_plugin_relay;

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

static void test_faulty(struct plugin_test *test, const qp_plugin *relay)
{
    test_set(test, "relayclients", "localhost\n192.0.2.1");
    is_int(may_relay(test, relay, "192.0.2.1"), 1,
           "what stands below a faulty line counts");
    ok(strstr(test->log, "\"localhost\": no address and no network") != NULL,
       "a warning");
    is_int(may_relay(test, relay, "127.0.0.1"), 0, "names are not looked up");
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
    test_faulty(&test, relay);
    test_lists(&test, relay);
    test_only(&test, relay);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
