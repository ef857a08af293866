/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uses all that qpsmtpd.h offers for a message: envelope, header, readers,
 * buckets, file, changes of the body, temporary files, notes. Logs what it sees
 * as "KEY: VALUE"; line ends are shown as "|". With `append TEXT` the text is
 * added to the body, with `rewrite` the body is written anew, in capitals. It
 * keeps nothing but the job of the transaction.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "qpsmtpd.h"

struct opts {
    const char *append;
    int rewrite;
};

static const qp_opt opt_table[] = {
    QP_OPT_STR(struct opts, append, "append", NULL),
    QP_OPT_FLAG(struct opts, rewrite, "rewrite"),
    QP_OPT_END,
};

/* What was read: how many octets, lines or blocks, and their sum. */
struct tally {
    apr_off_t octets;
    long pieces;
    unsigned int sum;
    apr_status_t end;
};

struct txn {
    int calls;
    qp_wait *done;
    struct tally *tally; /* of the job, in its pool */
};

static void add_piece(struct tally *tally, const char *data, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        tally->sum += (unsigned char)data[i];
    }
    tally->octets += (apr_off_t)len;
    tally->pieces++;
}

/* Folded values and lists on one line of the log. */
static void show(const qp_plugin *self, qp_session *qp, const char *key,
                 const char *value)
{
    char *line = apr_pstrdup(qp_pool(qp), value != NULL ? value : "(none)");
    char *p;

    for (p = line; (p = strchr(p, '\n')) != NULL; p++) {
        *p = '|';
    }
    qp_log(self, qp, QP_LOG_INFO, "%s: %s", key, line);
}

static void show_count(const qp_plugin *self, qp_session *qp, const char *key,
                       int count)
{
    qp_log(self, qp, QP_LOG_INFO, "%s: %d", key, count);
}

static void show_tally(const qp_plugin *self, qp_session *qp, const char *key,
                       const struct tally *tally)
{
    qp_log(self, qp, QP_LOG_INFO, "%s: %ld octets, sum %u%s", key,
           (long)tally->octets, tally->sum,
           APR_STATUS_IS_EOF(tally->end) ? "" : ", broken");
}

/* Envelope. --------------------------------------------------------------- */

static void show_rcpts(const qp_plugin *self, qp_session *qp, const char *key)
{
    const apr_array_header_t *rcpts = qp_txn_rcpts(qp_transaction(qp));
    const char *text = "";
    int i;

    for (i = 0; i < rcpts->nelts; i++) {
        text =
            apr_pstrcat(qp_pool(qp), text, i > 0 ? " " : "",
                        qp_addr_text(APR_ARRAY_IDX(rcpts, i, const qp_addr *),
                                     qp_pool(qp)),
                        NULL);
    }
    show(self, qp, key, text);
}

static void change_envelope(const qp_plugin *self, qp_session *qp)
{
    static const qp_addr b = { "b", "EXAMPLE.ORG" };
    static const qp_addr c = { "c", "example.org" };
    static const qp_addr d = { "d", "example.org" };
    static const qp_addr sender = { "new", "example.net" };
    qp_txn *txn = qp_transaction(qp);

    show(self, qp, "id", qp_txn_id(txn));
    show(self, qp, "sender", qp_addr_format(qp_txn_sender(txn), qp_pool(qp)));
    show(self, qp, "size param",
         apr_table_get(qp_txn_mail_params(txn), "size"));
    show_rcpts(self, qp, "rcpts");
    show_count(self, qp, "replaced b", qp_txn_replace_rcpt(txn, &b, &c));
    show_count(self, qp, "replaced d", qp_txn_replace_rcpt(txn, &d, &c));
    show_rcpts(self, qp, "rcpts replaced");
    show_count(self, qp, "removed b", qp_txn_remove_rcpt(txn, &b));
    show_count(self, qp, "removed it again", qp_txn_remove_rcpt(txn, &b));
    qp_txn_add_rcpt(txn, &d);
    show_rcpts(self, qp, "rcpts changed");
    qp_txn_set_sender(txn, &sender);
}

/* Header. ----------------------------------------------------------------- */

static void show_fields(const qp_plugin *self, qp_session *qp, const char *key)
{
    const qp_header *header = qp_txn_header(qp_transaction(qp));
    const char *names = "";
    const char *name, *value;
    int n;

    for (n = 0; qp_header_field(header, n, &name, &value); n++) {
        names = apr_pstrcat(qp_pool(qp), names, n > 0 ? " " : "", name, NULL);
    }
    show(self, qp, key, names);
}

static void change_header(const qp_plugin *self, qp_session *qp)
{
    qp_header *header = qp_txn_header(qp_transaction(qp));
    apr_size_t len = 0;
    const char *text;

    show_fields(self, qp, "fields");
    show_count(self, qp, "two", qp_header_count(header, "x-twice"));
    show_count(self, qp, "none", qp_header_count(header, "X-No"));
    show(self, qp, "folded", qp_header_get(header, "subject", 0));
    show(self, qp, "second", qp_header_get(header, "X-Twice", 1));
    show(self, qp, "third", qp_header_get(header, "X-Twice", 2));
    qp_header_add(header, "X-Top", "a\n b", QP_HEADER_TOP);
    qp_header_add(header, "X-End", "evil\nBcc: x", QP_HEADER_END);
    show_count(self, qp, "replaced second",
               qp_header_replace(header, "X-Twice", 1, "new"));
    show_count(self, qp, "replaced third",
               qp_header_replace(header, "X-Twice", 2, "none"));
    show_count(self, qp, "deleted first",
               qp_header_delete(header, "X-Twice", 0));
    show_count(self, qp, "deleted all", qp_header_delete(header, "X-Many", -1));
    show_count(self, qp, "deleted none", qp_header_delete(header, "X-Many", 0));
    show_fields(self, qp, "fields changed");
    text = qp_header_text(header, &len, qp_pool(qp));
    qp_log(self, qp, QP_LOG_INFO, "header: %d octets%s", (int)len,
           strlen(text) == len && text[len - 1] == '\n' ? "" : ", broken");
}

/* The message. ------------------------------------------------------------ */

static void read_blocks(qp_reader *reader, struct tally *tally)
{
    const char *data;
    apr_size_t len;

    while ((tally->end = qp_reader_block(reader, &data, &len)) == APR_SUCCESS) {
        add_piece(tally, data, len);
    }
}

static void read_lines(qp_reader *reader, struct tally *tally)
{
    const char *line;
    apr_size_t len;

    while ((tally->end = qp_reader_line(reader, &line, &len)) == APR_SUCCESS) {
        add_piece(tally, line, len);
    }
}

static void read_brigade(qp_session *qp, unsigned int flags,
                         struct tally *tally)
{
    apr_bucket_alloc_t *list = apr_bucket_alloc_create(qp_pool(qp));
    apr_bucket_brigade *brigade = apr_brigade_create(qp_pool(qp), list);
    apr_bucket *bucket;
    const char *data;
    apr_size_t len;

    tally->end =
        qp_txn_brigade(qp_transaction(qp), flags, brigade, qp_pool(qp));
    for (bucket = APR_BRIGADE_FIRST(brigade);
         bucket != APR_BRIGADE_SENTINEL(brigade) && tally->end == APR_SUCCESS;
         bucket = APR_BUCKET_NEXT(bucket)) {
        tally->end = apr_bucket_read(bucket, &data, &len, APR_BLOCK_READ);
        if (tally->end == APR_SUCCESS) {
            add_piece(tally, data, len);
        }
    }
    apr_brigade_destroy(brigade);
    if (tally->end == APR_SUCCESS) {
        tally->end = APR_EOF;
    }
}

static void show_ways(const qp_plugin *self, qp_session *qp)
{
    static const char *const names[] = { "body", "message", "body crlf",
                                         "message crlf" };
    qp_txn *txn = qp_transaction(qp);
    qp_reader *reader;
    unsigned int flags;

    for (flags = 0; flags < 4; flags++) {
        struct tally blocks = { 0, 0, 0, 0 };
        struct tally lines = { 0, 0, 0, 0 };
        struct tally buckets = { 0, 0, 0, 0 };

        reader = qp_txn_reader(txn, flags, qp_pool(qp));
        qp_log(self, qp, QP_LOG_INFO, "length of %s: %ld", names[flags],
               (long)qp_reader_length(reader));
        read_blocks(reader, &blocks);
        read_lines(qp_txn_reader(txn, flags, qp_pool(qp)), &lines);
        read_brigade(qp, flags, &buckets);
        show_tally(self, qp, names[flags], &blocks);
        qp_log(self, qp, QP_LOG_INFO, "ways of %s: %s", names[flags],
               blocks.octets == lines.octets && blocks.sum == lines.sum
                       && blocks.octets == buckets.octets
                       && blocks.sum == buckets.sum
                   ? "equal"
                   : "different");
        qp_log(self, qp, QP_LOG_INFO, "lines of %s: %ld", names[flags],
               lines.pieces);
    }
}

static void show_file(const qp_plugin *self, qp_session *qp)
{
    qp_txn *txn = qp_transaction(qp);
    const char *path = qp_txn_file(txn);
    struct tally tally = { 0, 0, 0, APR_EOF };
    char buf[1000];
    ssize_t n;
    int fd;

    qp_log(self, qp, QP_LOG_INFO, "sizes: data %ld, body %ld",
           (long)qp_txn_data_size(txn), (long)qp_txn_body_length(txn));
    fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0 || lseek(fd, qp_txn_body_start(txn), SEEK_SET) < 0) {
        qp_fault(self, qp, "no file");
        return;
    }
    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        add_piece(&tally, buf, (apr_size_t)n);
    }
    close(fd);
    show(self, qp, "path", path);
    show_tally(self, qp, "file", &tally);
}

/* A job reads what it was given, when the transaction may have gone. */
static apr_status_t run_tally(qp_job *job, void *baton)
{
    struct tally *tally = baton;
    void *reader = NULL;

    apr_pool_userdata_get(&reader, "reader", qp_job_pool(job));
    read_lines(reader, tally);
    return APR_SUCCESS;
}

static void start_job(qp_session *qp, struct txn *data)
{
    qp_job *job = qp_job_create(qp, qp_pool(qp));
    apr_pool_t *pool = qp_job_pool(job);

    data->tally = apr_pcalloc(pool, sizeof(*data->tally));
    apr_pool_userdata_setn(qp_txn_reader(qp_transaction(qp),
                                         QP_READ_BODY | QP_READ_DETACHED, pool),
                           "reader", NULL, pool);
    data->done = qp_job_start(job, run_tally, data->tally);
}

/* Files and notes. -------------------------------------------------------- */

static void make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0) {
        close(fd);
    }
}

static void make_temps(const qp_plugin *self, qp_session *qp)
{
    const char *file = qp_temp_file(qp);
    const char *dir = qp_temp_dir(qp);
    const char *lasting = qp_make_temp_dir(qp, 0755);

    make_file(file);
    if (dir != NULL) {
        make_file(apr_pstrcat(qp_pool(qp), dir, "/inner", NULL));
    }
    show(self, qp, "spool dir", qp_spool_dir(qp));
    show(self, qp, "temp file", file);
    show(self, qp, "temp dir", dir);
    show(self, qp, "lasting dir", lasting);
}

static void use_notes(const qp_plugin *self, qp_session *qp, qp_notes *notes,
                      const char *key)
{
    qp_log(self, qp, QP_LOG_INFO, "%s: %s %d %d", key,
           qp_note_get(notes, "message.text") != NULL
               ? qp_note_get(notes, "message.text")
               : "-",
           (int)qp_note_num(notes, "message.number"),
           qp_note_ptr(notes, "message.pointer") == &opt_table);
    qp_note_set(notes, "message.text", "text");
    qp_note_set_num(notes, "message.number",
                    qp_note_num(notes, "message.number") + 1);
}

/* Hooks. ------------------------------------------------------------------ */

static qp_rc hook_data_post(const qp_plugin *self, qp_session *qp,
                            const qp_data_arg *arg)
{
    struct txn *data = qp_txn_data(self, qp);
    qp_txn *txn = qp_transaction(qp);

    if (data->calls++ == 0) {
        change_envelope(self, qp);
        change_header(self, qp);
        show_ways(self, qp);
        make_temps(self, qp);
        use_notes(self, qp, qp_txn_notes(txn), "txn notes");
        use_notes(self, qp, qp_conn_notes(qp_connection(qp)), "conn notes");
        start_job(qp, data);
    }
    if (!qp_ready(data->done)) {
        return qp_await(qp, data->done);
    }
    show_tally(self, qp, "detached", data->tally);
    show_file(self, qp);
    use_notes(self, qp, qp_txn_notes(txn), "txn notes again");
    return QP_DECLINED;
}

static apr_status_t rewrite_body(qp_session *qp)
{
    qp_txn *txn = qp_transaction(qp);
    qp_reader *reader = qp_txn_reader(txn, QP_READ_BODY, qp_pool(qp));
    apr_status_t rv = APR_SUCCESS;
    const char *line;
    char *copy;
    apr_size_t len;
    apr_size_t i;

    qp_txn_body_clear(txn);
    while (rv == APR_SUCCESS) {
        rv = qp_reader_line(reader, &line, &len);
        if (rv != APR_SUCCESS) {
            break;
        }
        copy = apr_pmemdup(qp_pool(qp), line, len);
        for (i = 0; i < len; i++) {
            copy[i] = (char)apr_toupper(copy[i]);
        }
        rv = qp_txn_body_append(txn, copy, len);
    }
    return APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : rv;
}

static qp_rc hook_queue_pre(const qp_plugin *self, qp_session *qp,
                            const qp_data_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    apr_status_t rv = APR_SUCCESS;

    if (opt->rewrite) {
        rv = rewrite_body(qp);
    }
    if (rv == APR_SUCCESS && opt->append != NULL) {
        rv = qp_txn_body_append(qp_transaction(qp), opt->append,
                                strlen(opt->append));
    }
    if (rv != APR_SUCCESS) {
        return qp_fault(self, qp, "the body cannot be changed: %d", (int)rv);
    }
    return QP_DECLINED;
}

QP_PLUGIN(message) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .hooks.data_post = hook_data_post,
    .hooks.queue_pre = hook_queue_pre,
};
