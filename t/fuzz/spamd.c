/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of what spamd answers, and of all that plugin spamassassin does
 * with it in its job (R111, R117).
 */
#include "actor.h"

#include "plugins/spamassassin.c"

/* What becomes part of our header. */
static void check_field(const struct spam_field *field)
{
    const char *p;

    fuzz_check(fuzz_is_clean(field->name));
    fuzz_check(strncasecmp(field->name, "X-Spam-", 7) == 0);
    fuzz_check(strpbrk(field->name, ": ") == NULL);
    for (p = field->value; *p != '\0'; p++) {
        fuzz_check(!apr_iscntrl(*p) || *p == '\n' || *p == '\t');
        fuzz_check(*p != '\n' || p[1] == ' ' || p[1] == '\t');
    }
}

static void check_result(const struct ask *ask)
{
    const spamassassin_result *result = &ask->reply.result;
    int i;

    fuzz_check(result->score != NULL && result->required != NULL);
    fuzz_check(strlen(result->score) <= SPAM_TEXT_MAX);
    fuzz_check(strlen(result->required) <= SPAM_TEXT_MAX);
    fuzz_check(fuzz_is_clean(result->score));
    fuzz_check(fuzz_is_clean(result->required));
    fuzz_check(strlen(result->tests) <= SPAM_VALUE_MAX);
    fuzz_check(!ask->want_fields || fuzz_is_clean(result->autolearn));
    fuzz_check(ask->reply.fields->nelts <= SPAM_MAX_FIELDS);
    for (i = 0; i < ask->reply.fields->nelts; i++) {
        check_field(&APR_ARRAY_IDX(ask->reply.fields, i, struct spam_field));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();
    unsigned int choice = fuzz_byte(&in);
    struct ask ask = { .host = "/spamd.sock" };
    apr_status_t rv;

    ask.port = choice & 1 ? 783 : 0;
    ask.want_fields = (choice & 2) != 0;
    ask.user = choice & 4 ? "somebody" : NULL;
    ask.envelope = "X-Envelope-From: a@example.net\r\n";
    ask.measured = actor_message(pool);
    ask.reader = actor_message(pool);
    ask.end = qp_now() + apr_time_from_sec(60);
    ask.reply.pool = pool;
    ask.reply.length = -1;
    ask.reply.result.tests = "";
    ask.reply.result.autolearn = "";
    ask.reply.fields = apr_array_make(pool, 1, sizeof(struct spam_field));
    actor_begin(&in, choice >> 4);
    rv = ask_spamd(actor_job(pool), &ask);
    if (rv == APR_SUCCESS) {
        check_result(&ask);
    }
    else {
        fuzz_check(*qp_peer_error(ask.peer) != '\0');
    }
    return fuzz_end(pool);
}
