/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugin/qp_lookup: a plugin that asks the DNS while the session
 * waits, what it gets without a resolver, and the client's verified name.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "dns_server.h"
#include "engine_kit.h"

static const dns_row zone[] = {
    { "good.example", QP_DNS_MX, "mx.good.example" },
    { "mx.good.example", QP_DNS_A, "192.0.2.5" },
    { "1.2.0.192.in-addr.arpa", QP_DNS_PTR, "other.example" },
    { "1.2.0.192.in-addr.arpa", QP_DNS_PTR, "client.example" },
    { "other.example", QP_DNS_A, "192.0.2.77" },
    { "client.example", QP_DNS_A, "192.0.2.9" },
    { "client.example", QP_DNS_A, "192.0.2.1" },
    { "2.2.0.192.in-addr.arpa", QP_DNS_PTR, "other.example" },
    { "3.2.0.192.in-addr.arpa", QP_DNS_PTR, "broken.example" },
    { "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
      "ip6.arpa",
      QP_DNS_PTR, "six.example" },
    { "six.example", QP_DNS_AAAA, "2001:db8::1" },
    { NULL, 0, NULL },
};

/* A plugin that asks for two things at MAIL and notes what it gets. ------- */

struct txn {
    qp_dns *queries[3]; /* the last one stays NULL */
};

static qp_rc hook_mail(const qp_plugin *self, qp_session *qp,
                       const qp_mail_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);
    const char *host = arg->sender->host;

    if (txn->queries[0] == NULL) {
        txn->queries[0] = qp_dns_query(qp, QP_DNS_MX, host, qp_txn_pool(qp));
        txn->queries[1] = qp_dns_query(qp, QP_DNS_A, host, qp_txn_pool(qp));
    }
    if (!qp_dns_ready(txn->queries, 3)) {
        return qp_dns_await(qp, txn->queries, 3);
    }
    return qp_return(qp, QP_DENY, "%s: %s %s, %s", qp_dns_name(txn->queries[0]),
                     qp_dns_outcome_text(txn->queries[0]),
                     qp_dns_count(txn->queries[0]) > 0
                         ? qp_dns_get(txn->queries[0], 0)->text
                         : "-",
                     qp_dns_outcome_text(txn->queries[1]));
}

static const qp_plugin_def asker = {
    .txn_size = sizeof(struct txn),
    .hooks.mail = hook_mail,
};

static const char *ask(engine_kit *kit, const char *host)
{
    return kit_talk(kit, apr_psprintf(kit->pool, "MAIL FROM:<a@%s>\r\n", host));
}

static void test_plugin(engine_kit *kit, const char *servers)
{
    kit_reset(kit);
    kit_set(kit, "dns_servers", servers);
    kit_set(kit, "dns_timeout", "400ms");
    kit_plugin(kit, &asker, "asker", NULL);
    is_str(kit_start(kit), NULL, "a plugin that asks");
    kit_open(kit);
    kit_talk(kit, "HELO client.example\r\n");
    is_str(ask(kit, "good.example"),
           "550 5.7.1 good.example: found mx.good.example, no such record\r\n",
           "two questions at a time");
    is_str(ask(kit, "bad.example"),
           "550 5.7.1 bad.example: no such name -, no such name\r\n",
           "about nothing");
    is_str(ask(kit, "silent.example"),
           "550 5.7.1 silent.example: no answer in time -, "
           "no answer in time\r\n",
           "no answer");
    is_str(ask(kit, "broken.example"),
           "550 5.7.1 broken.example: the name server failed -, "
           "the name server failed\r\n",
           "a server that fails");
    is_str(ask(kit, "[192.0.2.1]"), "550 5.7.1 : not a name -, not a name\r\n",
           "what is no name");
}

static void test_without(engine_kit *kit)
{
    qp_resolver *resolver = kit->carrier.resolver;

    kit->carrier.resolver = NULL;
    kit_open(kit);
    kit_talk(kit, "HELO client.example\r\n");
    is_str(ask(kit, "good.example"),
           "550 5.7.1 good.example: the name server failed -, "
           "the name server failed\r\n",
           "without a resolver");
    kit_close(kit);
    kit->carrier.resolver = resolver;
}

/* A plugin that shows the client's name. ---------------------------------- */

static qp_rc hook_connect(const qp_plugin *self, qp_session *qp,
                          const qp_connect_arg *arg)
{
    static const char *const words[] = { "pending", "pass", "fail", "none",
                                         "temperror" };
    qp_client_name name = qp_client_name_verify(qp);

    if (name == QP_CLIENT_NAME_PENDING) {
        return qp_client_name_await(qp);
    }
    return qp_return(qp, QP_DENY, "%s %s (%s)", words[name],
                     qp_conn_remote_host(qp_connection(qp)),
                     apr_array_pstrcat(qp_pool(qp), qp_client_names(qp), ' '));
}

static const qp_plugin_def shower = { .hooks.connect = hook_connect };

static void test_client_name(engine_kit *kit, const char *servers)
{
    static const struct {
        const char *ip, *shown;
    } rows[] = {
        { "192.0.2.1", "pass client.example (other.example client.example)" },
        { "::ffff:192.0.2.1",
          "pass client.example (other.example client.example)" },
        { "192.0.2.2", "fail Unknown (other.example)" },
        { "192.0.2.3", "temperror Unknown (broken.example)" },
        { "192.0.2.4", "none Unknown ()" },
        { "2001:db8::1", "pass six.example (six.example)" },
        { "no address", "none Unknown ()" },
    };
    size_t i;

    kit_reset(kit);
    kit_set(kit, "dns_servers", servers);
    kit->peers.remote_host = NULL;
    kit_plugin(kit, &shower, "shower", NULL);
    is_str(kit_start(kit), NULL, "a plugin that wants the name");
    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        kit->peers.remote_ip = rows[i].ip;
        kit_open(kit);
        is_str(kit_talk(kit, ""),
               apr_psprintf(kit->pool, "550 5.7.1 %s\r\n", rows[i].shown), "%s",
               rows[i].ip);
    }
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;
    struct dns_server *server;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    server = dns_server_start(zone, pool);
    kit = kit_create(pool);
    test_plugin(kit, server->csv);
    test_without(kit);
    test_client_name(kit, server->csv);
    dns_server_stop(server);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
