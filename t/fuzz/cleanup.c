/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of what Postfix's cleanup answers, and of all that plugin
 * queue/postfix-queue does with it in its job (R18, R111, R117).
 */
#include "actor.h"

#include "plugins/queue/postfix-queue.c"

static void check_answer(const struct handover *handover)
{
    const cleanup_answer *answer = &handover->answer;
    smtp_reply reply;

    fuzz_check(handover->is_sent && answer->status >= 0);
    fuzz_check(strlen(answer->reason) < CLEANUP_VALUE_MAX);
    fuzz_check(is_word(handover->hello.queue_id));
    if (find_refusal(answer, &reply)) {
        fuzz_check(answer->status > 0);
        fuzz_check(reply.code >= 400 && reply.code < 600);
        fuzz_check(fuzz_is_clean(reply.text));
        fuzz_check(reply.subject <= 999 && reply.detail <= 999);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();
    unsigned int choice = fuzz_byte(&in);
    struct handover handover = { .sender = "a@example.net" };
    apr_status_t rv;

    handover.sockets = apr_array_make(pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(handover.sockets, const char *) = "/first";
    APR_ARRAY_PUSH(handover.sockets, const char *) = "/second";
    handover.rcpts = apr_array_make(pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(handover.rcpts, const char *) = "b@example.org";
    handover.arrival = "1 2";
    handover.is_8bit = (choice & 1) != 0;
    handover.reader = actor_message(pool);
    actor_begin(&in, choice >> 4);
    rv = run_handover(actor_job(pool), &handover);
    if (rv == APR_SUCCESS) {
        check_answer(&handover);
    }
    else {
        fuzz_check(*qp_peer_error(handover.peer) != '\0');
    }
    return fuzz_end(pool);
}
