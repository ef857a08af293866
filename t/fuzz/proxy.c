/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of wire/qp_proxy: the header that a balancer sends, however it is
 * cut (R110, R117).
 */
#include "fuzz.h"

#include "wire/qp_net.h"
#include "wire/qp_proxy.h"

/* @return octets that belong to the header */
static size_t feed(qp_proxy *proxy, fuzz_input in, size_t piece)
{
    qp_proxy_status status = QP_PROXY_MORE;
    size_t total = 0;
    apr_size_t used;

    while (in.left > 0 && status == QP_PROXY_MORE) {
        size_t len = piece < in.left ? piece : in.left;
        char *octets = fuzz_take(&in, len);

        status = qp_proxy_feed(proxy, octets, len, &used);
        free(octets);
        fuzz_check(used <= len && (status != QP_PROXY_MORE || used == len));
        fuzz_check(status == proxy->status);
        total += used;
    }
    return total;
}

static void check_peers(const qp_proxy *proxy)
{
    qp_ip ip;

    fuzz_check(memchr(proxy->remote_ip, '\0', QP_PROXY_IP_MAX) != NULL);
    fuzz_check(qp_net_ip(proxy->remote_ip, &ip));
    fuzz_check(qp_net_ip(proxy->local_ip, &ip));
    fuzz_check(proxy->remote_port >= 0 && proxy->remote_port <= 65535);
    fuzz_check(proxy->local_port >= 0 && proxy->local_port <= 65535);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    size_t piece = 1 + fuzz_byte(&in) % 16;
    qp_proxy whole = { .status = QP_PROXY_MORE };
    qp_proxy cut = { .status = QP_PROXY_MORE };
    size_t used = feed(&whole, in, in.left);

    fuzz_check(feed(&cut, in, piece) == used || whole.status == QP_PROXY_BAD);
    fuzz_check(whole.status == cut.status);
    if (whole.status == QP_PROXY_DONE && whole.has_peers) {
        fuzz_check(cut.has_peers);
        check_peers(&whole);
        fuzz_check(strcmp(whole.remote_ip, cut.remote_ip) == 0);
        fuzz_check(whole.remote_port == cut.remote_port);
    }
    return 0;
}
