/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of smtp/qp_engine against what a network can do: input in pieces of
 * any size, with pauses anywhere, that breaks off or fails anywhere; output
 * that is not read, or fails.
 */
#include "tap.h"

#include <malloc.h>
#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

/* A session with a bit of everything, as a client without patience sends it.
 * Its last message is over the threshold of the spool. */
static const char *make_session(apr_pool_t *pool)
{
    char *body = apr_palloc(pool, 60001);
    int i;

    for (i = 0; i < 60000; i++) {
        body[i] = i % 75 == 73 ? '\r' : i % 75 == 74 ? '\n' : 'a' + i % 26;
    }
    body[60000] = '\0';
    return apr_pstrcat(
        pool,
        "EHLO client.example\r\nFOO\r\nMAIL FROM:<a@example.net> SIZE=9\r\n"
        "RCPT TO:<b@example.org>\r\nRCPT TO:<refused@example.org>\r\n"
        "DATA\r\nSubject: one\r\n\tfolded\r\n\r\n..dots\r\n.x\r\n.\r\n"
        "RSET now\r\nNOOP\nMAIL FROM:<>\r\nRCPT TO:<c@example.org>\r\n"
        "RCPT TO:<\"d e\"@example.org>\r\nDATA\r\n.\r\nVRFY b\r\n"
        "MAIL FROM:<x@example.net>\r\nRSET\r\nHELO client\r\n"
        "MAIL FROM:<big@example.net>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n"
        "Subject: big\r\n\r\n",
        body, ".\r\nMAIL FROM:<y@example.net>\r\nQUIT\r\n", NULL);
}

static const char codes[] = "220 250 500 250 250 550 354 250 501 500 250 250"
                            " 250 354 250 252 250 250 250 250 250 354 250 250"
                            " 221";

static qp_rc refuse_some(const qp_plugin *self, qp_session *qp,
                         const qp_rcpt_arg *arg)
{
    return strcmp(arg->rcpt->user, "refused") == 0 ? QP_DENY : QP_DECLINED;
}

static qp_rc collect_message(const qp_plugin *self, qp_session *qp,
                             const qp_data_arg *arg)
{
    engine_kit *kit = self->opts;
    qp_txn *txn = qp_transaction(qp);
    qp_reader *reader = qp_txn_reader(txn, QP_READ_MESSAGE, qp_pool(qp));
    const char *data;
    apr_size_t len;

    while (qp_reader_block(reader, &data, &len) == APR_SUCCESS) {
        kit_append(&kit->stored, data, len);
    }
    kit_print(&kit->stored, "-- %d %d\n", (int)qp_txn_data_size(txn),
              (int)qp_txn_body_length(txn));
    return QP_OK;
}

static void start_kit(engine_kit *kit)
{
    static const qp_plugin_def def = { .hooks = { .rcpt = refuse_some,
                                                  .queue = collect_message } };

    kit_set(kit, "size_threshold", "20000");
    kit_plugin(kit, &kit_trace_def, "trace", kit);
    kit_plugin(kit, &def, "collect", kit);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
}

/* Pieces. ---------------------------------------------------------------- */

/** What a session leaves behind. */
struct record {
    const char *output;
    const char *stored;
    const char *trace;
};

static struct record keep_record(engine_kit *kit)
{
    struct record record;

    record.output =
        apr_pstrdup(kit->pool, kit_normal(kit, mem_io_output(kit->io)));
    record.stored =
        apr_pstrdup(kit->pool, kit_normal(kit, kit_view(&kit->stored)));
    record.trace = apr_pstrdup(kit->pool, kit_view(&kit->trace));
    return record;
}

static void check_whole(engine_kit *kit, const struct record *whole)
{
    is_str(kit_codes(whole->output, kit->pool), codes, "all replies");
    ok(strstr(whole->stored,
              "Received: from client.example (client.example [192.0.2.1])\n"
              "\tby mx.example.com (mod_qpsmtpd) with ESMTP id ID.1\n"
              "\tfor <b@example.org>;\n\tDATE\n"
              "Subject: one\n\tfolded\n\n.dots\nx\n-- 35 8\n")
           == whole->stored,
       "the first message, dots taken out");
    ok(strstr(whole->stored, "with ESMTP id ID.2;\n\tDATE\n-- 0 0\n") != NULL,
       "the second is empty and has two recipients");
    ok(strstr(whole->stored, "with SMTP id ID.4\n") != NULL, "the third");
    ok(strstr(whole->stored, "-- 60016 59200\n") != NULL, "its size");
}

static void test_pieces(engine_kit *kit, const char *session)
{
    static const apr_size_t chunks[] = { 0, 1, 2, 3, 7, 4096, 8000, 1 };
    struct record whole;
    struct record each;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(chunks); i++) {
        kit_open(kit);
        kit->io->chunk = chunks[i];
        kit->io->stutter = i == QP_ARRAY_LEN(chunks) - 1 || chunks[i] == 7;
        kit_talk(kit, session);
        is_int(kit->want, QP_WANT_CLOSE, "chunk %d: closed", (int)chunks[i]);
        each = keep_record(kit);
        if (i == 0) {
            whole = each;
            check_whole(kit, &whole);
        }
        ok(strcmp(each.output, whole.output) == 0, "chunk %d: replies",
           (int)chunks[i]);
        ok(strcmp(each.stored, whole.stored) == 0, "chunk %d: messages",
           (int)chunks[i]);
        is_str(each.trace, whole.trace, "chunk %d: hooks", (int)chunks[i]);
    }
    kit_close(kit);
}

/* Breaks. ---------------------------------------------------------------- */

static int ends_once(engine_kit *kit)
{
    const char *trace = kit_view(&kit->trace);

    return kit->want == QP_WANT_CLOSE && kit_count(trace, " disconnect") == 1
           && kit_count(trace, " post_connection") == 1
           && kit_count(trace, " reset_transaction") == (int)kit->qp->ntxns;
}

/* A part of the session that is short enough to be cut everywhere. */
static const char short_session[] =
    "EHLO client.example\r\nMAIL FROM:<a@example.net>\r\n"
    "RCPT TO:<b@example.org>\r\nDATA\r\nA: b\r\n\r\nc\r\n.\r\n"
    "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\r\n";

static void test_cut(engine_kit *kit, apr_status_t how, int outside)
{
    apr_size_t dot =
        (apr_size_t)(strstr(short_session, "\r\n.\r\n") + 5 - short_session);
    apr_size_t len;
    int bad = 0;
    int i;

    for (len = 0; len < sizeof(short_session); len++) {
        kit_open(kit);
        for (i = 0; i < 2; i++) {
            if (i == 1 && !outside) {
                kit->io->at_end = how;
            }
            mem_io_feed(kit->io, short_session, i == 0 ? len : 0);
            kit_run(kit);
        }
        if (outside) {
            qp_engine_end(kit->qp,
                          outside == 1 ? QP_END_TIMEOUT : QP_END_STOPPING);
            kit->want = qp_engine_run(kit->qp);
        }
        bad += !ends_once(kit) || (kit->stored.len > 0) != (len >= dot)
               || (outside && strstr(mem_io_output(kit->io), "\n421 ") == NULL);
    }
    is_int(bad, 0, "cut at each octet, %d %d", (int)how, outside);
    kit_close(kit);
}

/* The n-th peek fails, whatever n. */
static void test_peeks(engine_kit *kit, const char *session)
{
    int bad = 0;
    int n = 0;

    do {
        kit_open(kit);
        kit->io->chunk = 700;
        kit->io->peek_fail_at = ++n;
        kit->io->peek_fail = n % 2 ? APR_ECONNRESET : APR_ETIMEDOUT;
        kit_talk(kit, session);
        bad += !ends_once(kit);
    } while (kit->io->peeks >= n);
    ok(n > 80, "there were %d peeks", n);
    is_int(bad, 0, "an error at each peek ends the session once");
    kit_close(kit);
}

static void test_flushes(engine_kit *kit, const char *session)
{
    int bad = 0;
    int n = 0;

    do {
        kit_open(kit);
        kit->io->chunk = 700;
        kit->io->stutter = 1;
        kit->io->flush_fail_at = ++n;
        kit->io->flush_fail = APR_EPIPE;
        kit_talk(kit, session);
        bad += !ends_once(kit);
    } while (kit->io->flushes >= n);
    ok(n > 80, "there were %d flushes", n);
    is_int(bad, 0, "an error at each flush ends the session once");
    kit_close(kit);
}

/* A client that does not read. ------------------------------------------- */

static void feed_noops(engine_kit *kit, int n)
{
    while (n-- > 0) {
        mem_io_feed_text(kit->io, "NOOP\r\n");
    }
}

static void test_unread(engine_kit *kit)
{
    apr_size_t before;
    int i;

    kit_open(kit);
    kit->busy = 1;
    kit->io->flush_busy = 1000000;
    kit->io->chunk = 4096;
    feed_noops(kit, 10000);
    kit_run(kit);
    is_int(kit->want, QP_WANT_OUTPUT, "it waits for the client to read");
    ok(mem_io_output_len(kit->io) < 20000, "%d octets are unread",
       (int)mem_io_output_len(kit->io));
    ok(mem_io_left(kit->io) > 50000, "the rest of the input waits");
    before = mem_io_output_len(kit->io);
    for (i = 0; i < 10; i++) {
        kit_run(kit);
    }
    is_int((long long)mem_io_output_len(kit->io), (long long)before,
           "and goes on waiting");
    kit->io->flush_busy = 0;
    kit->busy = 0;
    kit_run(kit);
    is_int(kit->want, QP_WANT_INPUT, "it reads at last");
    is_int(kit_count(mem_io_output(kit->io), "\r\n"), 10001, "all replies");
    is_int((long long)kit->io->flushed, (long long)mem_io_output_len(kit->io),
           "all on their way");
    is_int((long long)kit->io->base.unsent, 0, "and counted so");
    kit_close(kit);
}

/* The last reply must go out before the session is closed. */
static void test_unread_end(engine_kit *kit)
{
    kit_open(kit);
    kit_talk(kit, "EHLO x\r\n");
    kit->busy = 1;
    kit->io->flush_busy = 2;
    kit_talk(kit, "QUIT\r\n");
    is_int(kit->want, QP_WANT_OUTPUT, "QUIT: it waits");
    kit_run(kit);
    is_int(kit->want, QP_WANT_OUTPUT, "QUIT: and waits");
    ok(strstr(kit_view(&kit->trace), "disconnect") == NULL,
       "QUIT: not ended yet");
    kit_run(kit);
    is_int(kit->want, QP_WANT_CLOSE, "QUIT: closed");
    kit->io->flush_busy = 0;
    kit_open(kit);
    kit->io->flush_busy = 1000000;
    feed_noops(kit, 10000);
    kit_run(kit);
    qp_engine_end(kit->qp, QP_END_TIMEOUT);
    is_int(qp_engine_run(kit->qp), QP_WANT_CLOSE,
           "a client that never reads: closed by timeout");
    kit->busy = 0;
    kit_close(kit);
}

/* Replies to pipelined commands go out together (RFC 2920 3.2). */
static void test_flush_count(engine_kit *kit)
{
    kit_open(kit);
    kit_talk(kit, "EHLO x\r\nMAIL FROM:<a@example.net>\r\n"
                  "RCPT TO:<b@example.org>\r\nRCPT TO:<b@example.org>\r\n"
                  "DATA\r\n");
    is_int(kit->io->flushes, 1, "one flush for all that came at once");
    kit_close(kit);
}

/* All but what the test holds itself. The sanitizers' allocators tell
 * nothing. */
static long long count_memory(const engine_kit *kit)
{
    return (long long)mallinfo2().uordblks - (long long)kit->io->in_cap
           - (long long)kit->io->out_cap;
}

/* A session may be long: its memory must not grow with it. */
static void test_growth(engine_kit *kit)
{
    long long first = 0;
    long long last;
    int i;

    kit_open(kit);
    for (i = 0; i < 300; i++) {
        kit_talk(kit, kit_mail);
        kit_talk(kit, "FOO\r\nVRFY x\r\nRCPT TO:<x y>\r\nHELP\r\nNOO");
        kit_talk(kit, "P\r\nEHLO again\r\nMAIL x\r\n");
        kit_clear(&kit->log);
        kit_clear(&kit->trace);
        kit_clear(&kit->stored);
        if (i == 20) {
            first = count_memory(kit);
        }
    }
    last = count_memory(kit);
    ok(last <= first + 1024, "memory after 300 rounds: %d more",
       (int)(last - first));
    kit_close(kit);
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;
    const char *session;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    kit_set(kit, "max_errors", "0");
    start_kit(kit);
    session = make_session(pool);
    test_pieces(kit, session);
    test_cut(kit, APR_EOF, 0);
    test_cut(kit, APR_ECONNRESET, 0);
    test_cut(kit, APR_ETIMEDOUT, 0);
    test_cut(kit, 0, 1);
    test_cut(kit, 0, 2);
    test_peeks(kit, session);
    test_flushes(kit, session);
    test_unread(kit);
    test_unread_end(kit);
    test_flush_count(kit);
    test_growth(kit);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
