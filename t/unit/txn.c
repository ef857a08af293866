/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of session/qp_txn and session/qp_reader: envelope, and the message as
 * plugins read, copy and change it, in memory and in a file.
 */
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

/* Envelope. -------------------------------------------------------------- */

static const char *show_rcpts(const qp_txn *txn, apr_pool_t *pool)
{
    const apr_array_header_t *rcpts = qp_txn_rcpts(txn);
    const char *shown = "";
    int i;

    for (i = 0; i < rcpts->nelts; i++) {
        shown =
            apr_pstrcat(pool, shown,
                        qp_addr_format(APR_ARRAY_IDX(rcpts, i, const qp_addr *),
                                       pool),
                        NULL);
    }
    return shown;
}

static void test_envelope(apr_pool_t *pool)
{
    qp_txn *txn = qp_txn_create("ID.1", pool, NULL);
    char user[] = "a";
    qp_addr a = { user, "x.example" };
    const qp_addr b = { "b", "x.example" };
    const qp_addr loud = { "b", "X.EXAMPLE" };
    const qp_addr null = { "", "" };

    is_str(qp_txn_id(txn), "ID.1", "id");
    ok(qp_txn_sender(txn) == NULL && qp_txn_rcpts(txn)->nelts == 0
           && qp_txn_header(txn) == NULL && qp_txn_data_size(txn) == 0
           && qp_txn_body_length(txn) == 0 && qp_txn_file(txn) == NULL,
       "a new one is empty");
    ok(apr_is_empty_table(qp_txn_mail_params(txn)), "without parameters");
    qp_txn_set_sender(txn, &a);
    qp_txn_add_rcpt(txn, &a);
    qp_txn_add_rcpt(txn, &b);
    qp_txn_add_rcpt(txn, &a);
    user[0] = 'z';
    is_str(qp_txn_sender(txn)->user, "a", "the sender is copied");
    is_str(show_rcpts(txn, pool), "<a@x.example><b@x.example><a@x.example>",
           "recipients are copied and stay twice");
    user[0] = 'a';
    is_int(qp_txn_replace_rcpt(txn, &loud, &null), 1, "one is replaced");
    is_int(qp_txn_replace_rcpt(txn, &b, &a), 0, "it is not there any more");
    is_int(qp_txn_remove_rcpt(txn, &a), 2, "all of a kind are removed");
    is_str(show_rcpts(txn, pool), "<>", "what is left");
    is_int(qp_txn_remove_rcpt(txn, &a), 0, "nothing to remove");
    qp_txn_set_sender(txn, &null);
    ok(qp_addr_is_null(qp_txn_sender(txn)), "a null sender");
    qp_txn_destroy(txn);
}

/* Messages. -------------------------------------------------------------- */

/** One message and how it is kept. */
struct sample {
    const char *name;
    const char *head;
    int lines;     /* of the body */
    int threshold; /* of the spool */
};

static const struct sample samples[] = {
    { "small", "A: b\n\tc\nD: e\n", 3, 100000 },
    { "in a file", "A: b\n\tc\nD: e\n", 20000, 0 },
    { "large, in memory", "A: b\n\tc\nD: e\n", 20000, 10000000 },
    { "no body", "A: b\n", 0, 100000 },
    { "no header", "", 5000, 1000 },
};

static void put(qp_spool *spool, const char *text, apr_size_t len)
{
    memcpy(qp_spool_reserve(spool, len + 2, QP_SPOOL_MOVE), text, len);
    qp_spool_commit(spool, len);
}

static qp_txn *make_txn(const struct sample *sample, const char *dir,
                        kit_text *body, apr_pool_t *pool)
{
    qp_txn *txn = qp_txn_create("ID.1", pool, NULL);
    apr_size_t len = strlen(sample->head);
    apr_size_t before;
    int i;

    kit_clear(body);
    txn->spool = qp_spool_create(dir, sample->threshold, txn->pool);
    txn->header = qp_header_parse(sample->head, len, txn->pool);
    put(txn->spool, sample->head, len);
    if (sample->lines > 0) {
        put(txn->spool, "\n", 1);
        txn->has_empty_line = 1;
    }
    txn->body_start = qp_spool_size(txn->spool);
    for (i = 0; i < sample->lines; i++) {
        before = body->len;
        kit_print(body, "line %d of the body%.*s\n", i, i % 90,
                  "..............................................."
                  "...............................................");
        put(txn->spool, body->text + before, body->len - before);
    }
    return txn;
}

static const char *read_blocks(qp_reader *reader, apr_pool_t *pool)
{
    kit_text all = { NULL, 0, 0 };
    const char *data;
    const char *copy;
    apr_size_t len;
    apr_status_t rv;

    kit_append(&all, "", 0);
    while ((rv = qp_reader_block(reader, &data, &len)) == APR_SUCCESS) {
        kit_append(&all, data, len);
    }
    copy = APR_STATUS_IS_EOF(rv) ? apr_pstrdup(pool, all.text) : "ERROR";
    free(all.text);
    return copy;
}

/* @return the lines joined; each must end in one line end */
static const char *read_lines(qp_reader *reader, apr_pool_t *pool)
{
    kit_text all = { NULL, 0, 0 };
    const char *line;
    const char *copy;
    apr_size_t len;
    int good = 1;

    kit_append(&all, "", 0);
    while (qp_reader_line(reader, &line, &len) == APR_SUCCESS) {
        good &= len > 0 && line[len - 1] == '\n'
                && memchr(line, '\n', len) == line + len - 1;
        kit_append(&all, line, len);
    }
    copy = good ? apr_pstrdup(pool, all.text) : "ERROR";
    free(all.text);
    return copy;
}

static const char *read_brigade(qp_txn *txn, unsigned int flags,
                                apr_pool_t *pool)
{
    apr_bucket_alloc_t *alloc = apr_bucket_alloc_create(pool);
    apr_bucket_brigade *brigade = apr_brigade_create(pool, alloc);
    char *text = NULL;
    apr_size_t len;

    if (qp_txn_brigade(txn, flags, brigade, pool) != APR_SUCCESS
        || apr_brigade_pflatten(brigade, &text, &len, pool) != APR_SUCCESS) {
        return "ERROR";
    }
    return apr_pstrmemdup(pool, text, len);
}

static const char *with_cr(const char *text, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, 2 * strlen(text) + 1);
    char *to = out;

    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            *to++ = '\r';
        }
        *to++ = *text;
    }
    *to = '\0';
    return out;
}

/* Every way of reading gives the same. */
static void check_reading(qp_txn *txn, const char *name, const char *message,
                          const char *body)
{
    apr_pool_t *pool;
    const char *want;
    qp_reader *reader;
    unsigned int flags;

    for (flags = 0; flags < 8; flags++) {
        apr_pool_create(&pool, NULL);
        want = flags & QP_READ_MESSAGE ? message : body;
        want = flags & QP_READ_CRLF ? with_cr(want, pool) : want;
        reader = qp_txn_reader(txn, flags, pool);
        is_int((long long)qp_reader_length(reader),
               flags & QP_READ_CRLF ? -1 : (long long)strlen(want),
               "%s, flags %u: length", name, flags);
        ok(strcmp(read_blocks(reader, pool), want) == 0,
           "%s, flags %u: by block", name, flags);
        reader = qp_txn_reader(txn, flags, pool);
        ok(strcmp(read_lines(reader, pool), want) == 0, "%s, flags %u: by line",
           name, flags);
        ok(strcmp(read_brigade(txn, flags, pool), want) == 0,
           "%s, flags %u: as a brigade", name, flags);
        apr_pool_destroy(pool);
    }
}

static const char *make_message(const struct sample *sample, const char *head,
                                const kit_text *body, apr_pool_t *pool)
{
    return apr_pstrcat(pool, head, sample->lines > 0 ? "\n" : "",
                       kit_view(body), NULL);
}

static void test_sample(const struct sample *sample, const char *dir,
                        apr_pool_t *parent)
{
    kit_text body = { NULL, 0, 0 };
    apr_pool_t *pool;
    struct stat info;
    const char *file;
    qp_txn *txn;

    apr_pool_create(&pool, parent);
    txn = make_txn(sample, dir, &body, pool);
    check_reading(txn, sample->name,
                  make_message(sample, sample->head, &body, pool),
                  kit_view(&body));
    is_int((long long)qp_txn_body_length(txn), (long long)body.len,
           "%s: length of the body", sample->name);
    qp_header_add(txn->header, "Top", "t", QP_HEADER_TOP);
    check_reading(
        txn, "changed header",
        make_message(sample, apr_pstrcat(pool, "Top: t\n", sample->head, NULL),
                     &body, pool),
        kit_view(&body));
    file = qp_txn_file(txn);
    ok(file != NULL && stat(file, &info) == 0
           && info.st_size == (off_t)(qp_txn_body_start(txn) + body.len),
       "%s: its file is what was sent", sample->name);
    check_reading(
        txn, "with a file",
        make_message(sample, apr_pstrcat(pool, "Top: t\n", sample->head, NULL),
                     &body, pool),
        kit_view(&body));
    qp_txn_destroy(txn);
    ok(file == NULL || access(file, F_OK) != 0, "%s: the file has gone",
       sample->name);
    free(body.text);
    apr_pool_destroy(pool);
}

/* What a job reads stays when the transaction goes. */
static void test_detached(const struct sample *sample, const char *dir,
                          apr_pool_t *parent)
{
    kit_text body = { NULL, 0, 0 };
    apr_pool_t *pool;
    apr_pool_t *job;
    const char *message;
    qp_reader *reader;
    qp_txn *txn;

    apr_pool_create(&pool, parent);
    apr_pool_create(&job, NULL);
    txn = make_txn(sample, dir, &body, pool);
    message = make_message(sample, sample->head, &body, job);
    reader = qp_txn_reader(txn, QP_READ_MESSAGE | QP_READ_DETACHED, job);
    qp_txn_destroy(txn);
    apr_pool_destroy(pool);
    ok(strcmp(read_blocks(reader, job), message) == 0, "%s: detached",
       sample->name);
    free(body.text);
    apr_pool_destroy(job);
}

static void test_changed_body(const struct sample *sample, const char *dir,
                              apr_pool_t *parent)
{
    kit_text body = { NULL, 0, 0 };
    apr_pool_t *pool;
    qp_txn *txn;
    int i;

    apr_pool_create(&pool, parent);
    txn = make_txn(sample, dir, &body, pool);
    for (i = 0; i < 3000; i++) {
        kit_append(&body, "and one line more\n", 18);
        if (qp_txn_body_append(txn, "and one line more\n", 18) != APR_SUCCESS) {
            break;
        }
    }
    is_int(i, 3000, "%s: lines are appended", sample->name);
    check_reading(txn, "appended",
                  apr_pstrcat(pool, sample->head, "\n", body.text, NULL),
                  body.text);
    qp_txn_body_clear(txn);
    is_int((long long)qp_txn_body_length(txn), 0, "%s: an empty body",
           sample->name);
    is_int(qp_txn_body_append(txn, "new\n", 4), APR_SUCCESS, "%s: a new one",
           sample->name);
    check_reading(txn, "new body",
                  apr_pstrcat(pool, sample->head, "\nnew\n", NULL), "new\n");
    qp_txn_destroy(txn);
    free(body.text);
    apr_pool_destroy(pool);
}

/* A line that is longer than any buffer, and one without line end. */
static void test_long_line(const char *dir, apr_pool_t *parent)
{
    qp_txn *txn = qp_txn_create("ID.1", parent, NULL);
    char *line = malloc(200002);
    const char *got = NULL;
    apr_size_t len = 0;
    qp_reader *reader;

    memset(line, 'x', 200000);
    line[200000] = '\n';
    txn->spool = qp_spool_create(dir, 0, txn->pool);
    put(txn->spool, line, 100000);
    put(txn->spool, line + 100000, 100001);
    put(txn->spool, "end", 3);
    reader = qp_txn_reader(txn, QP_READ_BODY, txn->pool);
    is_int(qp_reader_line(reader, &got, &len), APR_SUCCESS, "a long line");
    ok(len == 200001 && memcmp(got, line, len) == 0, "all of it");
    is_int(qp_reader_line(reader, &got, &len), APR_SUCCESS, "without line end");
    ok(len == 3 && memcmp(got, "end", 3) == 0, "what there is");
    ok(APR_STATUS_IS_EOF(qp_reader_line(reader, &got, &len)), "the end");
    free(line);
    qp_txn_destroy(txn);
}

/* Half a message must not pass for a whole one. */
static void test_broken(apr_pool_t *parent)
{
    qp_txn *txn = qp_txn_create("ID.1", parent, NULL);
    const char *data;
    apr_size_t len;
    char *text = calloc(1, 100000);

    txn->spool = qp_spool_create("/nonexistent/spool", 0, txn->pool);
    put(txn->spool, text, 100000);
    put(txn->spool, text, 100000);
    put(txn->spool, text, 100000);
    ok(!APR_STATUS_IS_EOF(
           qp_reader_block(qp_txn_reader(txn, QP_READ_BODY, txn->pool), &data,
                           &len)),
       "a spool that could not be written is no message");
    is_str(read_brigade(txn, QP_READ_BODY, txn->pool), "ERROR",
           "nor a brigade");
    ok(qp_txn_body_append(txn, "x", 1) != APR_SUCCESS, "nor to be added to");
    ok(qp_txn_file(txn) == NULL, "nor a file");
    free(text);
    qp_txn_destroy(txn);
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;
    const char *dir;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    dir = apr_pstrcat(pool, kit->dir, "/spool", NULL);
    test_envelope(pool);
    for (i = 0; i < QP_ARRAY_LEN(samples); i++) {
        test_sample(&samples[i], dir, pool);
        test_detached(&samples[i], dir, pool);
        test_changed_body(&samples[i], dir, pool);
    }
    test_long_line(dir, pool);
    test_broken(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
