/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of smtp/qp_message within a session: what becomes of messages of all
 * shapes, which limits refuse them, and what a full disk does. Every case is
 * sent in pieces of several sizes, and the outcome must be the same.
 */
#include "tap.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

#define START                                                                  \
    "EHLO client.example\r\nMAIL FROM:<a@example.net>\r\n"                     \
    "RCPT TO:<b@example.org>\r\nDATA\r\n"

static const apr_size_t chunks[] = { 0, 1, 2, 3, 7, 4096 };

static qp_rc short_received(const qp_plugin *self, qp_session *qp,
                            qp_received_line_arg *arg)
{
    arg->text = "X";
    return QP_OK;
}

static qp_rc note_header(const qp_plugin *self, qp_session *qp,
                         const qp_data_arg *arg)
{
    engine_kit *kit = self->opts;
    qp_header *header = qp_txn_header(qp_transaction(qp));

    kit_print(&kit->trace, "%d/%d;", qp_header_count(header, "A"),
              qp_header_count(header, "Received"));
    return QP_DECLINED;
}

static const qp_plugin_def note_def = {
    .hooks = { .received_line = short_received,
               .data_headers_end = note_header,
               .data_post_headers = note_header,
               .data_post = note_header },
};

static void start_kit(engine_kit *kit, const char *const *sets)
{
    kit_reset(kit);
    for (; sets != NULL && *sets != NULL; sets += 2) {
        kit_set(kit, sets[0], sets[1]);
    }
    kit_plugin(kit, &note_def, "note", kit);
    kit_plugin(kit, &kit_base_def, "base", kit);
    if (kit_start(kit) != NULL) {
        abort();
    }
}

/* Sends one message of any octets. @return the last reply */
static const char *send_message(engine_kit *kit, apr_size_t chunk,
                                const char *text, apr_size_t len)
{
    kit_open(kit);
    kit->io->chunk = chunk;
    kit_talk(kit, START);
    kit_clear(&kit->trace);
    mem_io_clear_output(kit->io);
    mem_io_feed(kit->io, text, len);
    return kit_talk(kit, ".\r\n");
}

/* Shapes. ---------------------------------------------------------------- */

static const struct {
    const char *in;
    const char *out;
    const char *trace; /* fields A and Received, at three hooks */
} shapes[] = {
    { "A: b\r\n\r\nc\r\n", "Received: X\nA: b\n\nc\n", "1/0;1/0;1/1;" },
    { "A: b\r\n\r\n", "Received: X\nA: b\n\n", "1/0;1/0;1/1;" },
    { "A: b\r\n", "Received: X\nA: b\n", "1/0;1/0;1/1;" },
    { "", "Received: X\n", "0/0;0/0;0/1;" },
    { "\r\n", "Received: X\n\n", "0/0;0/0;0/1;" },
    { "\r\n\r\n", "Received: X\n\n\n", "0/0;0/0;0/1;" },
    { "\r\ntext\r\nA: b\r\n", "Received: X\n\ntext\nA: b\n", "0/0;0/0;0/1;" },
    { "just text\r\nA: b\r\n\r\nc\r\n", "Received: X\n\njust text\nA: b\n\nc\n",
      "0/0;0/0;0/1;" },
    { "text\r\n", "Received: X\n\ntext\n", "0/0;0/0;0/1;" },
    { " led\r\nA: b\r\n\r\nc\r\n", "Received: X\n\n led\nA: b\n\nc\n",
      "0/0;0/0;0/1;" },
    { " \r\nc\r\n", "Received: X\n\n \nc\n", "0/0;0/0;0/1;" },
    { "From x y\r\nA: b\r\n\r\nc\r\n",
      "Received: X\nMail-From: From x y\nA: b\n\nc\n", "1/0;1/0;1/1;" },
    { "A: b\r\n\tfold\r\nA: c\r\n\r\nd\r\n",
      "Received: X\nA: b\n\tfold\nA: c\n\nd\n", "2/0;2/0;2/1;" },
    { "A: b\r\ngarbage\r\nA: c\r\n\r\nd\r\n",
      "Received: X\nA: b\ngarbage\nA: c\n\nd\n", "2/0;2/0;2/1;" },
    { "Received: old\r\n\r\nd\r\n", "Received: X\nReceived: old\n\nd\n",
      "0/1;0/1;0/2;" },
    { "A: b\r\n\r\n..\r\n..x\r\n.y\r\n...\r\n",
      "Received: X\nA: b\n\n.\n.x\ny\n..\n", "1/0;1/0;1/1;" },
    { "..\r\n", "Received: X\n\n.\n", "0/0;0/0;0/1;" },
    { "A: b\r\n\r\nend without\r\n\r\n", "Received: X\nA: b\n\nend without\n\n",
      "1/0;1/0;1/1;" },
};

static void test_shapes(engine_kit *kit)
{
    const char *out;
    size_t i;
    size_t n;

    start_kit(kit, NULL);
    for (i = 0; i < QP_ARRAY_LEN(shapes); i++) {
        for (n = 0; n < QP_ARRAY_LEN(chunks); n++) {
            out = send_message(kit, chunks[n], shapes[i].in,
                               strlen(shapes[i].in));
            is_str(kit_codes(out, kit->pool), "250", "shape %d by %d: reply",
                   (int)i, (int)chunks[n]);
            is_str(kit_view(&kit->stored), shapes[i].out, "shape %d by %d",
                   (int)i, (int)chunks[n]);
            is_str(kit_view(&kit->trace), shapes[i].trace,
                   "shape %d by %d: fields", (int)i, (int)chunks[n]);
        }
    }
}

/* Every octet but CR and LF passes as it is, NUL included. */
static void test_octets(engine_kit *kit)
{
    char in[300] = "A: b\r\n\r\n";
    char *p = in + strlen(in);
    size_t n;
    int octet;

    for (octet = 0; octet < 256; octet++) {
        if (octet != '\r' && octet != '\n') {
            *p++ = (char)octet;
        }
    }
    memcpy(p, "\r\n", 2);
    for (n = 0; n < QP_ARRAY_LEN(chunks); n++) {
        send_message(kit, chunks[n], in, (apr_size_t)(p + 2 - in));
        ok(kit->stored.len == 12 + 6 + 254 + 1
               && memcmp(kit->stored.text + 18, in + 8, 254) == 0,
           "all octets by %d", (int)chunks[n]);
    }
}

/* Limits. ---------------------------------------------------------------- */

#define TEN "123456789\r\n"

static const struct {
    const char *name;
    const char *sets[5];
    const char *in;
    const char *reply; /* how it begins */
    const char *out;   /* stored, or NULL */
} limits[] = {
    { "databytes, just so",
      { "databytes", "19" },
      "A: b\r\n\r\n" TEN,
      "250 2.0.0",
      "Received: X\nA: b\n\n123456789\n" },
    { "databytes, over",
      { "databytes", "18" },
      "A: b\r\n\r\n" TEN,
      "552 5.3.4",
      NULL },
    { "databytes, a dot more",
      { "databytes", "8" },
      "A: b\r\n\r\n..\r\n",
      "552 5.3.4",
      NULL },
    { "max_header, below",
      { "max_header", "30" },
      "A: b\r\nC: d\r\n\r\n" TEN TEN TEN TEN,
      "250 2.0.0",
      NULL },
    { "max_header, over",
      { "max_header", "30" },
      "A: b\r\nC: " TEN " " TEN " " TEN "\r\n" TEN,
      "552 5.3.4",
      NULL },
    { "max_header, no end of it",
      { "max_header", "30" },
      "A: b\r\nC: " TEN " " TEN " " TEN,
      "552 5.3.4",
      NULL },
    { "max_data_line, just so",
      { "max_data_line", "9" },
      "\r\n" TEN,
      "250 2.0.0",
      "Received: X\n\n123456789\n" },
    { "max_data_line, over",
      { "max_data_line", "8" },
      "\r\n" TEN "\r\n",
      "554 5.6.0",
      NULL },
    { "bare LF", { NULL }, "\r\na\nb\r\n", "521 5.5.2", NULL },
    { "bare CR", { NULL }, "\r\na\rb\r\n", "521 5.5.2", NULL },
    { "bare LF in the header",
      { NULL },
      "A: b\nC: d\r\n\r\ne\r\n",
      "521 5.5.2",
      NULL },
    { "bare, normalized",
      { "bare_newline", "normalize" },
      "A: b\nC: d\rE: f\r\n\r\ng\nh\ri\r\n",
      "250 2.0.0",
      "Received: X\nA: b\nC: d\nE: f\n\ng\nh\ni\n" },
    { "bare, accepted",
      { "bare_newline", "accept-in-body" },
      "A: b\r\n\r\ng\nh\ri\n.\r\n..\n.\nx\r\n",
      "250 2.0.0",
      "Received: X\nA: b\n\ng\nh\ri\n.\n.\n.\nx\n" },
    { "bare, dots normalized",
      { "bare_newline", "normalize" },
      "A: b\r\n\r\ng\n.\r\nh\r.\r\n.\ni\r\n",
      "250 2.0.0",
      "Received: X\nA: b\n\ng\n.\nh\n.\n\ni\n" },
};

static void test_limits(engine_kit *kit)
{
    const char *out;
    size_t i;
    size_t n;

    for (i = 0; i < QP_ARRAY_LEN(limits); i++) {
        start_kit(kit, limits[i].sets);
        for (n = 0; n < QP_ARRAY_LEN(chunks); n++) {
            out = send_message(kit, chunks[n], limits[i].in,
                               strlen(limits[i].in));
            ok(strncmp(out, limits[i].reply, 9) == 0
                   && kit_count(out, "\n") == 1,
               "%s, by %d: %.9s", limits[i].name, (int)chunks[n], out);
            if (limits[i].out != NULL) {
                is_str(kit_view(&kit->stored), limits[i].out,
                       "%s, by %d: stored", limits[i].name, (int)chunks[n]);
            }
            is_int(kit->want == QP_WANT_CLOSE, limits[i].reply[1] == '2',
                   "%s, by %d: closed or not", limits[i].name, (int)chunks[n]);
            if (kit->want != QP_WANT_CLOSE) {
                is_str(kit_codes(kit_talk(kit, "MAIL FROM:<>\r\n"), kit->pool),
                       "250", "%s, by %d: then", limits[i].name,
                       (int)chunks[n]);
            }
        }
    }
}

/* Where exactly a limit lies must not depend on the pieces. */
static void test_edges(engine_kit *kit)
{
    static const char *const keys[] = { "max_header", "databytes",
                                        "max_data_line" };
    static const char text[] = "A: b\r\nC: 12345\r\n\r\n123456789\r\n";
    const char *sets[3] = { NULL, NULL, NULL };
    const char *first;
    size_t key;
    size_t n;
    int limit;
    int differ = 0;
    int refused;

    for (key = 0; key < QP_ARRAY_LEN(keys); key++) {
        refused = 0;
        for (limit = 1; limit < 40; limit++) {
            sets[0] = keys[key];
            sets[1] = apr_itoa(kit->pool, limit);
            start_kit(kit, sets);
            first =
                apr_pstrdup(kit->pool, kit_codes(send_message(kit, 0, text,
                                                              sizeof(text) - 1),
                                                 kit->pool));
            refused += strcmp(first, "250") != 0;
            for (n = 1; n < QP_ARRAY_LEN(chunks); n++) {
                differ += strcmp(kit_codes(send_message(kit, chunks[n], text,
                                                        sizeof(text) - 1),
                                           kit->pool),
                                 first)
                          != 0;
            }
        }
        is_int(differ, 0, "%s: the same by all pieces", keys[key]);
        ok(refused > 5 && refused < 39, "%s: refused %d of 39", keys[key],
           refused);
    }
}

/* Of two faults, the same one is told whatever the pieces: the verdict must
 * not depend on how a client cuts its octets (and on a bare newline the
 * session is closed, whatever else is wrong). */
static void test_two_faults(engine_kit *kit)
{
    static const char *const sets[] = {
        "databytes", "100", "max_data_line", "30", "max_header", "60", NULL
    };
    static const char *const faults[] = {
        "1\n2\r\n", "123456789 123456789 123456789 123456789\r\n",
        TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
    };
    const char *text;
    const char *first;
    const char *each;
    size_t i;
    size_t n;

    start_kit(kit, sets);
    for (i = 0; i < 9; i++) {
        if (i / 3 == i % 3) {
            continue;
        }
        text = apr_pstrcat(kit->pool, "A: b\r\n\r\n", faults[i / 3],
                           faults[i % 3], NULL);
        first =
            apr_pstrdup(kit->pool, send_message(kit, 0, text, strlen(text)));
        for (n = 1; n < QP_ARRAY_LEN(chunks); n++) {
            each = send_message(kit, chunks[n], text, strlen(text));
            is_str(each, first, "faults %d and %d, by %d", (int)i / 3,
                   (int)i % 3, (int)chunks[n]);
        }
    }
}

/* The same of a refusal by data_headers_end and a fault behind it, which may
 * come in one piece with the header: the hook runs all the same. */
static void test_denied_headers(engine_kit *kit)
{
    static const char *const sets[][3] = { { "databytes", "9", NULL },
                                           { "max_errors", "9", NULL } };
    static const char *const texts[] = { "A: b\r\n\r\n123456\r\n",
                                         "A: b\r\n\r\n123\n456\r\n" };
    kit_script script = { QP_HOOK_data_headers_end, QP_DENY, "no", 0, 0 };
    const char *first = NULL;
    const char *out;
    size_t fault;
    size_t n;

    for (fault = 0; fault < 2; fault++) {
        start_kit(kit, sets[fault]);
        kit_plugin(kit, &kit_trace_def, "trace", kit);
        kit_plugin(kit, &kit_script_def, "script", &script);
        kit_start(kit);
        for (n = 0; n < QP_ARRAY_LEN(chunks); n++) {
            out = send_message(kit, chunks[n], texts[fault],
                               strlen(texts[fault]));
            first = n == 0 ? apr_pstrdup(kit->pool, out) : first;
            is_str(out, first, "refused header, fault %d, by %d", (int)fault,
                   (int)chunks[n]);
            ok(strstr(kit_view(&kit->trace), " data_headers_end ") != NULL
                   && strstr(kit_view(&kit->trace), "data_post") == NULL,
               "refused header, fault %d, by %d: hooks %s", (int)fault,
               (int)chunks[n], kit_view(&kit->trace));
        }
        kit_close(kit);
    }
}

/* After a refusal nothing more is kept, and no later hook runs. */
static void test_refused_is_dropped(engine_kit *kit)
{
    kit_script script = { QP_HOOK_data_headers_end, QP_DENYSOFT, "a\nb", 0, 0 };
    apr_off_t size;
    int i;

    kit_reset(kit);
    kit_plugin(kit, &kit_trace_def, "trace", kit);
    kit_plugin(kit, &kit_script_def, "script", &script);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, START "A: b\r\n\r\n");
    kit_clear(&kit->trace);
    size = qp_spool_size(kit->qp->txn->spool);
    for (i = 0; i < 100; i++) {
        kit_talk(kit, TEN TEN TEN TEN TEN);
    }
    is_int((long long)qp_spool_size(kit->qp->txn->spool), (long long)size,
           "refused: nothing more is kept");
    is_str(mem_io_output(kit->io), "", "refused: nothing is said yet");
    is_str(kit_talk(kit, ".\r\n"), "451-4.7.1 a\r\n451 4.7.1 b\r\n",
           "refused: the text of the plugin at the end");
    is_str(kit_view(&kit->trace), " reset_transaction",
           "refused: no later hook runs");
    kit_close(kit);
}

static void test_recipients(engine_kit *kit)
{
    static const char *const sets[] = { "max_recipients", "2", NULL };
    const char *out;

    start_kit(kit, sets);
    kit_open(kit);
    out = kit_talk(kit, "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\n"
                        "RCPT TO:<a@b>\r\nRCPT TO:<a@b>\r\nRCPT TO:<a@b>\r\n"
                        "DATA\r\n.\r\n");
    is_str(kit_codes(out, kit->pool), "220 250 250 250 250 452 452 354 250",
           "max_recipients");
    is_int(kit_count(out, "\n452 4.5.3 "), 2, "max_recipients: status");
}

/* The spool. ------------------------------------------------------------- */

static const char *make_body(apr_pool_t *pool, int lines)
{
    char *body = apr_palloc(pool, (apr_size_t)lines * 70 + 30);
    char *p = body;

    p = apr_cpystrn(body, "A: b\r\n\r\n", 9);
    while (lines-- > 0) {
        memset(p, 'a' + lines % 26, 68);
        memcpy(p + 68, "\r\n", 2);
        p += 70;
    }
    *p = '\0';
    return body;
}

/* @return how many files are in the spool, and in @a mode what the last is
 *         like */
static int count_files(engine_kit *kit, int *mode)
{
    const char *dir = apr_pstrcat(kit->pool, kit->dir, "/spool", NULL);
    DIR *handle = opendir(dir);
    struct dirent *entry;
    struct stat info;
    int n = 0;

    while (handle != NULL && (entry = readdir(handle)) != NULL) {
        if (entry->d_name[0] != '.'
            && stat(apr_pstrcat(kit->pool, dir, "/", entry->d_name, NULL),
                    &info)
                   == 0) {
            *mode = (int)(info.st_mode & 07777);
            n++;
        }
    }
    if (handle != NULL) {
        closedir(handle);
    }
    return n;
}

static void test_file(engine_kit *kit)
{
    static const char *const sets[] = { "size_threshold", "10000", NULL };
    const char *body = make_body(kit->pool, 5000);
    int mode = 0;

    start_kit(kit, sets);
    kit_open(kit);
    kit->io->chunk = 4096;
    kit_talk(kit, START "A: b\r\n\r\n");
    kit_talk(kit, TEN TEN TEN);
    is_int(count_files(kit, &mode), 0, "a small message needs no file");
    kit_talk(kit, body);
    is_int(count_files(kit, &mode), 1, "a large one does");
    is_int(mode, 0600, "which nobody else can read");
    kit_talk(kit, ".\r\n");
    ok(strncmp(mem_io_output(kit->io), "250 ", 4) == 0, "it is accepted");
    is_int(count_files(kit, &mode), 0, "the file has gone");
    is_int((long long)kit->stored.len, 12 + 6 + 30 + 5 + 1 + 5000 * 69,
           "nothing is missing");
    kit_talk(kit, START);
    kit_talk(kit, body);
    is_int(count_files(kit, &mode), 1, "another large one");
    kit_close(kit);
    is_int(count_files(kit, &mode), 0, "it goes with the session");
}

/* A header that is larger than the first buffer of the spool. */
static void test_large_header(engine_kit *kit)
{
    static const char *const sets[] = { "size_threshold", "0", NULL };
    const char *header = "";
    const char *stored = "Received: X\n";
    size_t n;
    int i;

    for (i = 0; i < 300; i++) {
        header =
            apr_psprintf(kit->pool, "%sA: field %d\r\n of many\r\n", header, i);
        stored =
            apr_psprintf(kit->pool, "%sA: field %d\n of many\n", stored, i);
    }
    header = apr_pstrcat(kit->pool, header, "\r\ntext\r\n", NULL);
    stored = apr_pstrcat(kit->pool, stored, "\ntext\n", NULL);
    start_kit(kit, sets);
    for (n = 0; n < QP_ARRAY_LEN(chunks); n++) {
        send_message(kit, chunks[n], header, strlen(header));
        is_str(kit_view(&kit->stored), stored, "a large header, by %d",
               (int)chunks[n]);
        is_str(kit_view(&kit->trace), "300/0;300/0;300/1;",
               "a large header, by %d: fields", (int)chunks[n]);
    }
}

/* @param dir  cannot be used */
static void test_no_spool(engine_kit *kit, const char *dir)
{
    const char *sets[] = { "size_threshold", "0", "spool_dir", dir, NULL };
    const char *body = make_body(kit->pool, 5000);
    const char *out;

    start_kit(kit, sets);
    kit_open(kit);
    kit->io->chunk = 4096;
    kit_talk(kit, START);
    out = apr_pstrdup(kit->pool,
                      kit_talk(kit, apr_pstrcat(kit->pool, body,
                                                ".\r\nNOOP\r\n", NULL)));
    ok(strncmp(out, "452 4.3.1 ", 10) == 0, "no spool in %s: %.10s", dir, out);
    is_str(kit_codes(out, kit->pool), "452 250", "%s: it goes on", dir);
    is_int(kit_count(kit_view(&kit->log), "3 QP1543 "), 1, "%s: an ERROR", dir);
    ok(strstr(kit_view(&kit->log), dir) != NULL, "%s: its name is told", dir);
    is_str(kit_view(&kit->stored), "", "%s: nothing is queued", dir);
    is_str(kit_codes(kit_talk(kit, "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n"
                                   "A: b\r\n\r\nsmall\r\n.\r\n"),
                     kit->pool),
           "250 250 354 250", "%s: a small message is taken all the same", dir);
}

/* The disk is full in the middle of a message. */
static void test_full_disk(engine_kit *kit)
{
    static const char *const sets[] = { "size_threshold", "0", NULL };
    const char *body = make_body(kit->pool, 10000);
    struct rlimit old;
    struct rlimit low;
    const char *out;
    int mode;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    low = old;
    low.rlim_cur = 200000;
    start_kit(kit, sets);
    kit_open(kit);
    kit->io->chunk = 4096;
    kit_talk(kit, START);
    setrlimit(RLIMIT_FSIZE, &low);
    kit_talk(kit, body);
    out = kit_talk(kit, ".\r\nNOOP\r\n");
    setrlimit(RLIMIT_FSIZE, &old);
    is_str(kit_codes(out, kit->pool), "452 250", "the disk is full");
    ok(strncmp(out, "452 4.3.1 ", 10) == 0, "the disk is full: status");
    is_int(kit_count(kit_view(&kit->log), "3 QP1543 "), 1,
           "the disk is full: an ERROR");
    is_int(count_files(kit, &mode), 0, "the disk is full: the file is removed");
    kit_close(kit);
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    test_shapes(kit);
    test_octets(kit);
    test_limits(kit);
    test_edges(kit);
    test_two_faults(kit);
    test_denied_headers(kit);
    test_refused_is_dropped(kit);
    test_recipients(kit);
    test_file(kit);
    test_large_header(kit);
    test_no_spool(kit, "/nonexistent/spool");
    test_no_spool(kit, "/dev/null");
    test_full_disk(kit);
    kit_close(kit);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
