/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands in random order against a small model of a session (RFC 5321 4.1.4,
 * RFC 3030): the replies are those of the model, and do not depend on the
 * pieces in which the commands come. Covers R40 to R46, R64, R66, R68, R70,
 * R103.
 */
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

#define NSESSIONS 1000
#define NCOMMANDS 40

enum { GREETED, READY, MAIL, RCPT, BDAT, NSTATES };

/* Replies of a command in each state, and the state behind it. */
static const struct {
    const char *text;
    const char *codes[NSTATES];
    int next[NSTATES];
} model[] = {
    { "EHLO a.example\r\n",
      { "250", "250", "250", "250", "250" },
      { READY, READY, READY, READY, READY } },
    { "HELO a.example\r\n",
      { "250", "250", "250", "250", "250" },
      { READY, READY, READY, READY, READY } },
    { "EHLO\r\n",
      { "501", "501", "501", "501", "501" },
      { GREETED, READY, MAIL, RCPT, BDAT } },
    { "MAIL FROM:<a@example.net>\r\n",
      { "503", "250", "503", "503", "503" },
      { GREETED, MAIL, MAIL, RCPT, BDAT } },
    { "MAIL FROM:<a@example.net>\r\n",
      { "503", "250", "503", "503", "503" },
      { GREETED, MAIL, MAIL, RCPT, BDAT } },
    { "MAIL FROM:<a@b@c>\r\n",
      { "503", "501", "503", "503", "503" },
      { GREETED, READY, MAIL, RCPT, BDAT } },
    { "MAIL FROM:<a@example.net> X=1\r\n",
      { "503", "555", "503", "503", "503" },
      { GREETED, READY, MAIL, RCPT, BDAT } },
    { "RCPT TO:<b@example.org>\r\n",
      { "503", "503", "250", "250", "503" },
      { GREETED, READY, RCPT, RCPT, BDAT } },
    { "RCPT TO:<b@example.org>\r\n",
      { "503", "503", "250", "250", "503" },
      { GREETED, READY, RCPT, RCPT, BDAT } },
    { "RCPT TO:<no@example.org>\r\n",
      { "503", "503", "550", "550", "503" },
      { GREETED, READY, MAIL, RCPT, BDAT } },
    { "RCPT TO:<>\r\n",
      { "503", "503", "501", "501", "503" },
      { GREETED, READY, MAIL, RCPT, BDAT } },
    { "DATA now\r\n",
      { "503", "503", "503", "501", "503" },
      { GREETED, READY, MAIL, RCPT, BDAT } },
    { "BDAT 12\r\nA: b\r\n\r\nQUIT",
      { "503", "503", "503", "250", "250" },
      { GREETED, READY, MAIL, BDAT, BDAT } },
    { "BDAT 6 LAST\r\nQUIT\r\n",
      { "503", "503", "503", "250", "250" },
      { GREETED, READY, MAIL, READY, READY } },
    { "BDAT 0 LAST\r\n",
      { "503", "503", "503", "250", "250" },
      { GREETED, READY, MAIL, READY, READY } },
    { "BDAT 6 FIRST\r\nQUIT\r\n",
      { "503", "503", "503", "501", "501" },
      { GREETED, READY, MAIL, READY, READY } },
    { "RSET\r\n",
      { "250", "250", "250", "250", "250" },
      { GREETED, READY, READY, READY, READY } },
    { "NOOP\r\n",
      { "250", "250", "250", "250", "250" },
      { GREETED, READY, MAIL, RCPT, BDAT } },
    { "VRFY x\r\n",
      { "252", "252", "252", "252", "252" },
      { GREETED, READY, MAIL, RCPT, BDAT } },
    { "FOO bar\r\n",
      { "500", "500", "500", "500", "500" },
      { GREETED, READY, MAIL, RCPT, BDAT } },
    { "EXPN x\r\n",
      { "502", "502", "502", "502", "502" },
      { GREETED, READY, MAIL, RCPT, BDAT } },
    /* The message is sent only where it is asked for. */
    { "DATA\r\n",
      { "503", "503", "503", "354 250", "503" },
      { GREETED, READY, MAIL, READY, BDAT } },
};

#define MESSAGE "A: b\r\n\r\nQUIT\r\n..\r\n.\r\n"

static unsigned int next_random(apr_uint64_t *state)
{
    *state = *state * APR_UINT64_C(6364136223846793005)
             + APR_UINT64_C(1442695040888963407);
    return (unsigned int)(*state >> 33);
}

static qp_rc judge_rcpt(const qp_plugin *self, qp_session *qp,
                        const qp_rcpt_arg *arg)
{
    return strcmp(arg->rcpt->user, "no") == 0 ? QP_DENY : QP_OK;
}

static qp_rc count_message(const qp_plugin *self, qp_session *qp,
                           const qp_data_arg *arg)
{
    engine_kit *kit = self->opts;

    kit_print(&kit->trace, "%s.", strrchr(qp_txn_id(qp_transaction(qp)), '.'));
    return QP_OK;
}

/* HELO offers nothing: what needs an offer is another reply then. */
static const char *choose_code(size_t row, int state, int has_offers)
{
    if (!has_offers && state >= RCPT && strncmp(model[row].text, "BDAT", 4) == 0
        && strcmp(model[row].codes[state], "250") == 0) {
        return "502";
    }
    return model[row].codes[state];
}

/* @return the text of a random session, and what is said to it */
static const char *make_session(apr_uint64_t *random, const char **codes,
                                apr_pool_t *pool)
{
    const char *text = "";
    const char *code;
    int state = GREETED;
    int has_offers = 0;
    size_t row;
    int i;

    *codes = "220";
    for (i = 0; i < NCOMMANDS; i++) {
        row = next_random(random) % QP_ARRAY_LEN(model);
        code = choose_code(row, state, has_offers);
        text = apr_pstrcat(pool, text, model[row].text,
                           strncmp(code, "354", 3) == 0 ? MESSAGE : "", NULL);
        *codes = apr_pstrcat(pool, *codes, " ", code, NULL);
        /* A refused chunk ends the message (R64). */
        state = strcmp(code, "502") == 0 && model[row].text[0] == 'B'
                    ? READY
                    : model[row].next[state];
        if (strcmp(code, "250") == 0 && row < 2) {
            has_offers = row == 0;
        }
    }
    return text;
}

/* @return the replies, when it comes in pieces of up to @a max octets */
static const char *play(engine_kit *kit, const char *text, unsigned int max,
                        apr_uint64_t *random, apr_pool_t *pool)
{
    size_t left = strlen(text);
    size_t n;

    kit_open(kit);
    while (left > 0) {
        n = 1 + next_random(random) % max;
        n = n < left ? n : left;
        mem_io_feed(kit->io, text, n);
        kit_run(kit);
        text += n;
        left -= n;
    }
    return kit_codes(mem_io_output(kit->io), pool);
}

int main(void)
{
    static const qp_plugin_def def = { .hooks = { .rcpt = judge_rcpt,
                                                  .queue = count_message } };
    static const unsigned int sizes[] = { 1000000, 1, 7, 100 };
    apr_uint64_t random = 5321;
    apr_pool_t *pool;
    apr_pool_t *session;
    engine_kit *kit;
    const char *text;
    const char *want;
    const char *got;
    int bad = 0;
    int i;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    kit_set(kit, "max_errors", "0");
    kit_plugin(kit, &def, "model", kit);
    kit_start(kit);
    apr_pool_create(&session, pool);
    for (i = 0; i < NSESSIONS; i++) {
        apr_pool_clear(session);
        text = make_session(&random, &want, session);
        got = play(kit, text, sizes[i % 4], &random, session);
        if (strcmp(got, want) != 0 && bad++ < 3) {
            diag("%s\nwant %s\n got %s", text, want, got);
        }
    }
    is_int(bad, 0, "%d random sessions of %d commands", NSESSIONS, NCOMMANDS);
    apr_pool_destroy(pool);
    return done_testing();
}
