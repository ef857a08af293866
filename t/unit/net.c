/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of qp_net: tables of networks with addresses that are in them and that
 * are not, what is no network and why, lists, and random networks against a
 * slow comparison bit by bit. Covers R110.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "wire/qp_net.h"

#define NRANDOM 20000

/** A network, and addresses in it and not in it. */
struct row {
    const char *net;
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

static int has(const char *net_text, const char *ip_text)
{
    qp_net net;
    qp_ip ip;

    if (qp_net_parse(net_text, &net) != NULL || !qp_net_ip(ip_text, &ip)) {
        return -1;
    }
    return qp_net_has(&net, &ip);
}

static void test_rows(void)
{
    const struct row *row;
    size_t i;
    int n;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        row = &rows[i];
        for (n = 0; n < 4 && row->in[n] != NULL; n++) {
            is_int(has(row->net, row->in[n]), 1, "%s is in %s", row->in[n],
                   row->net);
        }
        for (n = 0; n < 4 && row->out[n] != NULL; n++) {
            is_int(has(row->net, row->out[n]), 0, "%s is not in %s",
                   row->out[n], row->net);
        }
    }
}

static void test_faulty(void)
{
    static const struct {
        const char *text;
        const char *says;
    } reasons[] = {
        { "", "empty" },
        { "localhost", "names are not looked up" },
        { "192.0.2", "ends in the dot or colon" },
        { "2001:db8", "ends in the dot or colon" },
        { "192.0.2.0/33", "0 to 32" },
        { "2001:db8::/129", "0 to 128" },
        { "mx.example.com/24", "no address" },
    };
    qp_net net;
    const char *fault;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(faulty); i++) {
        ok(qp_net_parse(faulty[i], &net) != NULL, "%s is none", faulty[i]);
    }
    for (i = 0; i < QP_ARRAY_LEN(reasons); i++) {
        fault = qp_net_parse(reasons[i].text, &net);
        ok(fault != NULL && strstr(fault, reasons[i].says) != NULL,
           "\"%s\": %s", reasons[i].text, fault != NULL ? fault : "taken");
    }
}

/** Of the kind 4 or 6; 0: no address. */
static void test_addresses(void)
{
    static const struct {
        const char *text;
        int kind;
        int is_loopback;
    } ips[] = {
        { "192.0.2.1", 4, 0 },
        { "127.0.0.1", 4, 1 },
        { "127.255.255.255", 4, 1 },
        { "128.0.0.1", 4, 0 },
        { "::ffff:127.0.0.1", 4, 1 },
        { "::ffff:192.0.2.1", 4, 0 },
        { "::1", 6, 1 },
        { "::2", 6, 0 },
        { "::", 6, 0 },
        { "::127.0.0.1", 6, 0 },
        { "fe80::1%eth0", 6, 0 },
        { "2001:db8::1", 6, 0 },
        { "", 0, 0 },
        { "%eth0", 0, 0 },
        { "Unknown", 0, 0 },
        { "192.0.2.1 ", 0, 0 },
        { "192.0.2.01", 0, 0 },
        { "192.0.2.1.", 0, 0 },
        { "3221225985", 0, 0 },
        { "[::1]", 0, 0 },
        { "::1/128", 0, 0 },
    };
    qp_ip ip;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(ips); i++) {
        is_int(qp_net_ip(ips[i].text, &ip), ips[i].kind != 0,
               "\"%s\" is %s address", ips[i].text,
               ips[i].kind != 0 ? "an" : "no");
        if (ips[i].kind != 0) {
            is_int(qp_net_is_v4(&ip), ips[i].kind == 4, "%s is IPv%d",
                   ips[i].text, ips[i].kind);
            is_int(qp_net_is_loopback(&ip), ips[i].is_loopback, "%s: loopback?",
                   ips[i].text);
        }
    }
}

static void test_lists(apr_pool_t *pool)
{
    apr_array_header_t *texts = apr_array_make(pool, 3, sizeof(const char *));
    apr_array_header_t *nets = NULL;
    qp_ip ip;

    is_str(qp_net_parse_all(texts, &nets, pool), NULL, "no text is a list");
    ok(qp_net_ip("192.0.2.1", &ip) && qp_net_find(nets, &ip) == NULL,
       "and nobody is in it");
    APR_ARRAY_PUSH(texts, const char *) = "2001:db8::/32";
    APR_ARRAY_PUSH(texts, const char *) = "192.0.2.0/24";
    APR_ARRAY_PUSH(texts, const char *) = "192.0.2.1";
    is_str(qp_net_parse_all(texts, &nets, pool), NULL, "three networks");
    is_int(nets->nelts, 3, "are three");
    ok(qp_net_find(nets, &ip) == &APR_ARRAY_IDX(nets, 1, qp_net),
       "the first that has the address is found");
    ok(qp_net_ip("198.51.100.1", &ip) && qp_net_find(nets, &ip) == NULL,
       "none if none has it");
    APR_ARRAY_PUSH(texts, const char *) = "192.0.2.0/40";
    is_str(qp_net_parse_all(texts, &nets, pool),
           "\"192.0.2.0/40\": behind the slash of an IPv4 network stands "
           "0 to 32",
           "a faulty one is named");
}

static unsigned int next_random(apr_uint64_t *state)
{
    *state = *state * APR_UINT64_C(6364136223846793005)
             + APR_UINT64_C(1442695040888963407);
    return (unsigned int)(*state >> 33);
}

static int same_bits(const qp_ip *a, const qp_ip *b, int bits)
{
    int i;

    for (i = 0; i < bits; i++) {
        if (((a->octets[i / 8] ^ b->octets[i / 8]) & (0x80 >> i % 8)) != 0) {
            return 0;
        }
    }
    return 1;
}

/* Addresses near to each other, so that both answers are frequent. */
static void test_random(apr_pool_t *pool)
{
    apr_uint64_t state = 4291;
    const char *text;
    qp_net net;
    qp_ip ip;
    int found = 0;
    int bad = 0;
    int i;

    for (i = 0; i < NRANDOM; i++) {
        apr_pool_clear(pool);
        text = i % 2 == 0 ? apr_psprintf(pool, "192.0.%u.%u/%u",
                                         next_random(&state) % 4,
                                         next_random(&state) % 256,
                                         next_random(&state) % 33)
                          : apr_psprintf(pool, "2001:db8:%x::%x/%u",
                                         next_random(&state) % 4,
                                         next_random(&state) % 65536,
                                         next_random(&state) % 129);
        if (qp_net_parse(text, &net) != NULL) {
            bad++;
            continue;
        }
        ip = net.ip;
        ip.octets[next_random(&state) % QP_IP_LEN] ^=
            (unsigned char)(1 << next_random(&state) % 8);
        if (qp_net_is_v4(&ip) != (i % 2 == 0)) {
            continue; /* of the other kind now */
        }
        found += qp_net_has(&net, &ip);
        if (qp_net_has(&net, &ip) != same_bits(&ip, &net.ip, net.bits)) {
            diag("%s", text);
            bad++;
        }
    }
    ok(found > NRANDOM / 10, "%d of %d random addresses are in a network",
       found, NRANDOM);
    is_int(bad, 0, "and all as they should be");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    test_rows();
    test_faulty();
    test_addresses();
    test_lists(pool);
    test_random(pool);
    return done_testing();
}
