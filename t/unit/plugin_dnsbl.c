/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugins/dnsbl: clients with IPv6, all kinds of lines and codes, and
 * that nobody is asked about clients that it does not concern.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "dns_server.h"
#include "engine_kit.h"

extern const qp_plugin_def qp_plugin_dnsbl;

static const dns_row zone[] = {
    { "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
      "list.example",
      QP_DNS_A, "127.0.0.2" },
    { "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
      "list.example",
      QP_DNS_TXT, "six is\r\n250 bad\x01" },
    { "1.2.0.192.list.example", QP_DNS_A, "127.0.0.10" },
    { "1.2.0.192.list.example", QP_DNS_TXT, "four" },
    { "2.2.0.192.list.example", QP_DNS_A, "127.255.255.254" },
    { "3.2.0.192.list.example", QP_DNS_A, "128.0.0.2" },
    { NULL, 0, NULL },
};

/* The options as the table leaves them. */
static struct {
    int at, disconnect;
} options;

static const struct {
    const char *zones; /* config dnsbl_zones */
    const char *ip;
    const char *reply; /* to RCPT */
} rows[] = {
    { "list.example", "192.0.2.1", "550 5.7.1 four\r\n" },
    { "list.example", "::ffff:192.0.2.1", "550 5.7.1 four\r\n" },
    { "list.example", "2001:db8::1", "550 5.7.1 six is??250 bad?\r\n" },
    { "list.example", "2001:db8::2", "250" },
    { "list.example", "192.0.2.2", "250" },
    { "list.example", "192.0.2.3", "250" },
    { "list.example", "no address", "250" },
    { "list.example=127.0.0.10", "192.0.2.1", "550 5.7.1 four\r\n" },
    { "list.example=127.0.0.2,127.0.0.10", "192.0.2.1", "550 5.7.1 four\r\n" },
    { "list.example=127.0.0.8/30", "192.0.2.1", "550 5.7.1 four\r\n" },
    { "list.example=127.0.0.2", "192.0.2.1", "250" },
    { "list.example=127.0.0.", "192.0.2.1", "550 5.7.1 four\r\n" },
    { "list.example=8", "192.0.2.1", "550 5.7.1 four\r\n" },
    { "list.example=2", "192.0.2.1", "550 5.7.1 four\r\n" },
    { "list.example=5", "192.0.2.1", "250" },
    { "list.example=0.0.0.0/0", "192.0.2.2", "250" },
    { "list.example=8:go away, %IP%!", "192.0.2.1",
      "550 5.7.1 go away, 192.0.2.1!\r\n" },
    { "list.example with a blank", "192.0.2.1", "550 5.7.1 with a blank\r\n" },
    { "broken.example", "192.0.2.1", "250" },
    { "", "192.0.2.1", "250" },
};

static void start(engine_kit *kit, const struct dns_server *server,
                  const char *zones)
{
    kit_reset(kit);
    kit_set(kit, "dns_servers", server->csv);
    kit_set(kit, "dnsbl_zones", zones);
    kit_plugin(kit, &qp_plugin_dnsbl, "dnsbl", &options)->common.reject = 3;
    kit_plugin(kit, &kit_base_def, "base", kit);
}

static const char *rcpt(engine_kit *kit, const char *ip)
{
    kit->peers.remote_ip = ip;
    kit_open(kit);
    kit_talk(kit, "HELO client.example\r\nMAIL FROM:<a@example.net>\r\n");
    return kit_talk(kit, "RCPT TO:<b@example.org>\r\n");
}

static void test_lines(engine_kit *kit, const struct dns_server *server)
{
    const char *reply;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        start(kit, server, rows[i].zones);
        is_str(kit_start(kit), NULL, "<%s>", rows[i].zones);
        reply = rcpt(kit, rows[i].ip);
        ok(strncmp(reply, rows[i].reply, strlen(rows[i].reply)) == 0, "%s: %s",
           rows[i].ip, reply);
    }
}

static void test_allow(engine_kit *kit, struct dns_server *server)
{
    int nasked;

    start(kit, server, "list.example");
    kit_set(kit, "dnsbl_allow", "192.0.2.0/24");
    is_str(kit_start(kit), NULL, "dnsbl_allow");
    nasked = dns_server_asked(server);
    is_int(strncmp(rcpt(kit, "192.0.2.1"), "250", 3), 0, "lets a client in");
    is_int(dns_server_asked(server), nasked, "and nobody is asked");
}

int main(void)
{
    apr_pool_t *pool;
    struct dns_server *server;
    engine_kit *kit;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    server = dns_server_start(zone, pool);
    kit = kit_create(pool);
    test_lines(kit, server);
    test_allow(kit, server);
    dns_server_stop(server);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
