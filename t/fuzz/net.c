/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of wire/qp_net and wire/qp_pattern: a line of a list, and a text
 * that is compared with it (R53, R110, R117).
 */
#include "fuzz.h"

#include "wire/qp_net.h"
#include "wire/qp_pattern.h"

static int has_bits(const qp_net *net, const qp_ip *ip)
{
    int i;

    for (i = 0; i < net->bits; i++) {
        int mask = 128 >> (i & 7);

        if ((net->ip.octets[i / 8] & mask) != (ip->octets[i / 8] & mask)) {
            return 0;
        }
    }
    return 1;
}

static void check_net(const char *line, const char *text)
{
    qp_net net;
    qp_ip ip;

    if (qp_net_parse(line, &net) != NULL) {
        return;
    }
    fuzz_check(net.bits >= 0 && net.bits <= 128);
    /* An IPv6 network around all of IPv4 has none of it. */
    fuzz_check(qp_net_has(&net, &net.ip)
               || (qp_net_is_v4(&net.ip) && net.bits < 96));
    if (qp_net_ip(text, &ip) && (!qp_net_is_v4(&ip) || net.bits >= 96)) {
        fuzz_check(qp_net_has(&net, &ip) == has_bits(&net, &ip));
    }
}

static void check_pattern(const char *line, const char *text, apr_pool_t *pool)
{
    static const qp_pattern_kind kinds[] = { QP_PATTERN_MAIL, QP_PATTERN_WORD,
                                             QP_PATTERN_HELO,
                                             QP_PATTERN_REGEX };
    qp_pattern *pattern;
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *error = qp_pattern_read(line, kinds[i], &pattern, pool);

        if (error == NULL) {
            int rc = qp_pattern_match(pattern, text);

            fuzz_check(rc >= -1 && rc <= 1);
            fuzz_check(strlen(qp_pattern_text(pattern)) <= strlen(line));
            fuzz_check(strlen(qp_pattern_rest(pattern)) <= strlen(line));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();
    const char *line = fuzz_text(&in, pool);
    const char *text = fuzz_rest(&in, pool);

    check_net(line, text);
    check_pattern(line, text, pool);
    return fuzz_end(pool);
}
