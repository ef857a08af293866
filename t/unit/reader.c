/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of session/qp_reader: every way to read a message gives the same
 * octets, wherever they are stored, also when the transaction has gone; and
 * what is lost is never passed over.
 */
#include "tap.h"

#include <stdlib.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "session/qp_txn.h"

#define HEADER "Subject: a\n folded\nX: y\n"

/** How a message is read. */
typedef struct read_way {
    unsigned int flags;
    enum { BY_BLOCK, BY_LINE, AS_BUCKETS } by;
} read_way;

/** A text that grows, or what was read. */
typedef struct octets {
    char *data;
    apr_size_t len;
} octets;

static void append(octets *to, const char *data, apr_size_t len)
{
    memcpy(to->data + to->len, data, len);
    to->len += len;
}

static octets make_octets(apr_size_t cap, apr_pool_t *pool)
{
    octets made = { apr_palloc(pool, cap + 1), 0 };

    return made;
}

/* Spans of one octet each: "x65535" "n1" and so on; n is LF, 0 is NUL. */
static octets make_body(const char *spans, apr_pool_t *pool)
{
    octets body = make_octets(1000000, pool);
    char *copy = apr_pstrdup(pool, spans);
    char *last = NULL;
    char *span;
    int octet;
    long n;

    for (span = apr_strtok(copy, " ", &last); span != NULL;
         span = apr_strtok(NULL, " ", &last)) {
        octet = span[0] == 'n' ? '\n' : span[0] == 'r' ? '\r' : span[0];
        octet = octet == '0' ? '\0' : octet;
        n = strtol(span + 1, NULL, 10);
        memset(body.data + body.len, octet, (size_t)n);
        body.len += (apr_size_t)n;
    }
    return body;
}

static qp_txn *make_txn(const octets *body, apr_off_t threshold,
                        const char *dir, apr_pool_t *pool)
{
    qp_txn *txn = qp_txn_create("id.1", pool, NULL);
    apr_size_t done = 0;
    apr_size_t n;

    txn->spool = qp_spool_create(dir, threshold, txn->pool);
    txn->header = qp_header_parse(HEADER, strlen(HEADER), txn->pool);
    txn->body_start = (apr_off_t)strlen(HEADER) + 1;
    txn->has_empty_line = 1;
    memcpy(qp_spool_reserve(txn->spool, strlen(HEADER) + 1, QP_SPOOL_KEEP),
           HEADER "\n", strlen(HEADER) + 1);
    qp_spool_commit(txn->spool, strlen(HEADER) + 1);
    for (; done < body->len; done += n) {
        n = body->len - done < 4000 ? body->len - done : 4000;
        memcpy(qp_spool_reserve(txn->spool, n, QP_SPOOL_MOVE),
               body->data + done, n);
        qp_spool_commit(txn->spool, n);
    }
    return txn;
}

/* What the way must give. */
static octets expect(const octets *body, unsigned int flags, apr_pool_t *pool)
{
    octets plain = make_octets(body->len + 100, pool);
    octets crlf = make_octets(2 * body->len + 200, pool);
    apr_size_t i;

    if (flags & QP_READ_MESSAGE) {
        append(&plain, HEADER "\n", strlen(HEADER) + 1);
    }
    append(&plain, body->data, body->len);
    if ((flags & QP_READ_CRLF) == 0) {
        return plain;
    }
    for (i = 0; i < plain.len; i++) {
        append(&crlf, plain.data[i] == '\n' ? "\r\n" : plain.data + i,
               plain.data[i] == '\n' ? 2 : 1);
    }
    return crlf;
}

/* A line ends in its only LF; the last one may lack it. */
static int is_line(const char *line, apr_size_t len, int was_open)
{
    const char *end = memchr(line, '\n', len);

    return len > 0 && !was_open && (end == NULL || end == line + len - 1);
}

static apr_status_t read_all(qp_reader *reader, int by, octets *got)
{
    const char *data = NULL;
    apr_size_t len = 0;
    int is_open = 0;
    apr_status_t rv;

    for (;;) {
        rv = by == BY_LINE ? qp_reader_line(reader, &data, &len)
                           : qp_reader_block(reader, &data, &len);
        if (rv != APR_SUCCESS) {
            return APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : rv;
        }
        if (len == 0 || (by == BY_LINE && !is_line(data, len, is_open))) {
            return APR_EGENERAL;
        }
        is_open = data[len - 1] != '\n';
        append(got, data, len);
    }
}

static apr_status_t read_buckets(qp_txn **txn, unsigned int flags, octets *got,
                                 apr_pool_t *pool)
{
    apr_bucket_alloc_t *list = apr_bucket_alloc_create(pool);
    apr_bucket_brigade *brigade = apr_brigade_create(pool, list);
    apr_size_t len = 2000000;
    apr_status_t rv = qp_txn_brigade(*txn, flags, brigade, pool);

    if (flags & QP_READ_DETACHED) {
        qp_txn_destroy(*txn);
        *txn = NULL;
    }
    if (rv == APR_SUCCESS) {
        rv = apr_brigade_flatten(brigade, got->data, &len);
        got->len = len;
    }
    apr_brigade_destroy(brigade);
    return rv;
}

/* @return NULL, or what is wrong */
static const char *try_way(const octets *body, const read_way *way,
                           apr_off_t threshold, apr_pool_t *parent)
{
    apr_pool_t *pool;
    octets want, got;
    qp_reader *reader;
    qp_txn *txn;
    apr_off_t length;
    apr_status_t rv;
    const char *wrong = NULL;

    apr_pool_create(&pool, parent);
    txn = make_txn(body, threshold, "/tmp", pool);
    want = expect(body, way->flags, pool);
    got = make_octets(2000000, pool);
    if (way->by == AS_BUCKETS) {
        rv = read_buckets(&txn, way->flags, &got, pool);
    }
    else {
        reader = qp_txn_reader(txn, way->flags, pool);
        length = qp_reader_length(reader);
        if (length != (way->flags & QP_READ_CRLF ? -1 : (apr_off_t)want.len)) {
            wrong = "length";
        }
        if (way->flags & QP_READ_DETACHED) {
            qp_txn_destroy(txn);
        }
        rv = read_all(reader, way->by, &got);
    }
    if (rv != APR_SUCCESS) {
        wrong = "status";
    }
    else if (got.len != want.len || memcmp(got.data, want.data, got.len) != 0) {
        wrong = "octets";
    }
    apr_pool_destroy(pool);
    return wrong;
}

static void test_ways(apr_pool_t *pool)
{
    static const char *const bodies[] = {
        "",
        "x1",
        "n1",
        "x1 n1",
        "n200000",
        "x300000",
        "x300000 n1 x5",
        "x65509 n1 x10 n1", /* with the header 65535 and so on, */
        "x65510 n1 x10 n1", /* where a block ends */
        "x65511 n1 n1 x65536 n3",
        "x65535 n1 x65535 n1",
        "x65534 n2 x65534 n2",
        "x65536 n1 x65536 n1",
        "x32767 n1 x32767 n1",
        "01 x3 r1 x1 n1 r3 n2",
    };
    static const apr_off_t thresholds[] = { 10000000, 0, 70000 };
    read_way way;
    const char *wrong;
    int bad;
    size_t i, t;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        octets body = make_body(bodies[i], pool);

        bad = 0;
        for (t = 0; t < 3 * 24; t++) {
            way.flags = t % 8;
            way.by = t / 8 % 3;
            wrong = try_way(&body, &way, thresholds[t / 24], pool);
            if (wrong != NULL) {
                diag("wrong %s: flags %u, by %d, threshold %d", wrong,
                     way.flags, (int)way.by, (int)thresholds[t / 24]);
            }
            bad += wrong != NULL;
        }
        is_int(bad, 0, "body %s", bodies[i]);
    }
}

/* A reader is a picture of the message when it was opened. */
static void test_picture(apr_pool_t *pool)
{
    octets body = make_body("x10 n1", pool);
    octets got = make_octets(1000, pool);
    qp_txn *txn = make_txn(&body, 1000, "/tmp", pool);
    qp_reader *before = qp_txn_reader(txn, QP_READ_MESSAGE, pool);
    qp_reader *after;

    qp_header_add(txn->header, "Z", "1", QP_HEADER_TOP);
    qp_txn_body_clear(txn);
    is_int(qp_txn_body_append(txn, "new\n", 4), APR_SUCCESS, "a new body");
    after = qp_txn_reader(txn, QP_READ_MESSAGE, pool);
    read_all(before, BY_BLOCK, &got);
    got.data[got.len] = '\0';
    is_str(got.data, HEADER "\nxxxxxxxxxx\n", "an old reader sees the old");
    got.len = 0;
    read_all(after, BY_LINE, &got);
    got.data[got.len] = '\0';
    is_str(got.data, "Z: 1\n" HEADER "\nnew\n", "a new one the new");
    qp_txn_destroy(txn);
}

/* Reads the first octets of the message as buckets. */
static void read_part(qp_txn *txn, apr_pool_t *pool)
{
    apr_bucket_alloc_t *list = apr_bucket_alloc_create(pool);
    apr_bucket_brigade *brigade = apr_brigade_create(pool, list);
    apr_bucket *behind = NULL;
    const char *data = NULL;
    apr_size_t len = 0;

    if (qp_txn_brigade(txn, QP_READ_BODY, brigade, pool) != APR_SUCCESS
        || apr_brigade_partition(brigade, 100, &behind) != APR_SUCCESS
        || apr_bucket_read(APR_BRIGADE_FIRST(brigade), &data, &len,
                           APR_BLOCK_READ)
               != APR_SUCCESS) {
        abort();
    }
    is_int((long long)len, 100, "a hundred octets");
    apr_brigade_destroy(brigade);
}

/* Buckets move the position of the file; what is appended must not notice. */
static void test_append_behind(apr_pool_t *pool)
{
    octets body = make_body("x5000 n1", pool);
    octets more = make_body("y5000 n1", pool);
    octets got = make_octets(20000, pool);
    octets want = make_octets(20000, pool);
    qp_txn *txn = make_txn(&body, 0, "/tmp", pool);

    append(&want, body.data, body.len);
    append(&want, more.data, more.len);
    ok(qp_txn_file(txn) != NULL, "a message in a file");
    read_part(txn, pool);
    is_int(qp_txn_body_append(txn, more.data, more.len), APR_SUCCESS, "append");
    ok(qp_txn_file(txn) != NULL, "the file again");
    read_all(qp_txn_reader(txn, QP_READ_BODY, pool), BY_BLOCK, &got);
    ok(got.len == want.len && memcmp(got.data, want.data, got.len) == 0,
       "all of it is there");
    qp_txn_destroy(txn);
}

/* A message of which some is lost cannot be read to its end. */
static void test_lost(apr_pool_t *pool)
{
    octets body = make_body("x5000 n1", pool);
    octets got = make_octets(10000, pool);
    qp_txn *txn = make_txn(&body, 10000, "/dev/null/spool", pool);
    qp_reader *copy;

    is_str(qp_txn_file(txn), NULL, "no file can be made");
    is_int(read_all(qp_txn_reader(txn, QP_READ_MESSAGE, pool), BY_BLOCK, &got),
           APR_ENOTDIR, "blocks say so");
    is_int(read_all(qp_txn_reader(txn, QP_READ_CRLF, pool), BY_LINE, &got),
           APR_ENOTDIR, "lines");
    copy = qp_txn_reader(txn, QP_READ_DETACHED, pool);
    is_int(read_buckets(&txn, QP_READ_BODY, &got, pool), APR_ENOTDIR,
           "buckets");
    qp_txn_destroy(txn);
    is_int(read_all(copy, BY_BLOCK, &got), APR_ENOTDIR, "and a detached one");
}

/* From the start, wherever it was; and to the end, twice. */
static void test_rewind(apr_pool_t *pool)
{
    octets body = make_body("x5000 n1 y200000", pool);
    unsigned int flags;

    for (flags = 0; flags < 8; flags++) {
        octets first = make_octets(300000, pool);
        octets second = make_octets(300000, pool);
        qp_txn *txn = make_txn(&body, 10000, "/tmp", pool);
        qp_reader *reader = qp_txn_reader(txn, flags, pool);
        const char *data;
        apr_size_t len;

        is_int(qp_reader_line(reader, &data, &len), APR_SUCCESS, "a line");
        qp_reader_rewind(reader);
        is_int(read_all(reader, BY_LINE, &first), APR_SUCCESS, "all of it");
        qp_reader_rewind(reader);
        is_int(read_all(reader, BY_BLOCK, &second), APR_SUCCESS, "again");
        ok(first.len == second.len && first.len >= body.len
               && memcmp(first.data, second.data, first.len) == 0,
           "the same, flags %u", flags);
        qp_txn_destroy(txn);
    }
}

/* Before DATA there is nothing, and that is no error. */
static void test_empty(apr_pool_t *pool)
{
    octets got = make_octets(10, pool);
    qp_txn *txn = qp_txn_create("id.1", pool, NULL);
    unsigned int flags;

    for (flags = 0; flags < 8; flags++) {
        is_int(read_all(qp_txn_reader(txn, flags, pool), BY_LINE, &got),
               APR_SUCCESS, "no message, flags %u", flags);
        is_int(read_buckets(&txn, flags & 3, &got, pool), APR_SUCCESS,
               "nor buckets");
    }
    is_int((int)got.len, 0, "nothing is read");
    qp_txn_destroy(txn);
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_ways(pool);
    test_picture(pool);
    test_append_behind(pool);
    test_lost(pool);
    test_rewind(pool);
    test_empty(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
