/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of what a QMQP server answers, and of all that plugin
 * queue/qmqp-forward does with it in its job (R18, R111, R117).
 */
#include "actor.h"

#include "plugins/queue/qmqp-forward.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();
    unsigned int choice = fuzz_byte(&in);
    struct forward *forward = apr_pcalloc(pool, sizeof(*forward));
    actor *server;
    apr_status_t rv;

    forward->host = "qmqp.example";
    forward->port = 628;
    forward->connect_timeout = apr_time_from_sec(60);
    forward->reader = actor_message(pool);
    forward->addrs = "13:a@example.net,13:b@example.org,";
    forward->addrs_len = strlen(forward->addrs);
    server = actor_begin(&in, choice & 15);
    server->takes = choice >> 4;
    rv = run_forward(actor_job(pool), forward);
    if (rv == APR_SUCCESS) {
        fuzz_check(forward->answer_len > 0 && forward->answer_len < ANSWER_MAX);
        fuzz_check(strlen(clean_text(forward)) <= TEXT_MAX);
        fuzz_check(fuzz_is_clean(clean_text(forward)));
        /* It has been told all before its answer counts. */
        fuzz_check(server->heard[server->heard_len - 1] == ',');
        fuzz_check(actor_count(server, forward->addrs, forward->addrs_len)
                   == 1);
    }
    else {
        fuzz_check(*qp_peer_error(forward->peer) != '\0');
    }
    return fuzz_end(pool);
}
