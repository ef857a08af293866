/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of the plugin queue/maildir in a folder of its own: where recipients
 * go, what is in the files, that a fault of any write, flush or move leaves
 * nothing behind, and the options. Covers R21, R28, R29, R56, R57, R106, R109.
 *
 * write, fsync and rename are replaced here, for libapr too, so that the n-th
 * call can fail.
 */
#include "plugin_test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <apr_file_info.h>

extern const qp_plugin_def qp_plugin_queue_maildir;

#define BODY   "hello\n.\nFrom me\n\n"
#define HEADER "Subject: x\nReturn-Path: <forged@example.net>\nX: y\n z\n"

/* ----------------------------------------------------------------------
 * System calls that fail on demand
 */

enum call { CALL_WRITE, CALL_FSYNC, CALL_RENAME, NCALLS };

static struct {
    int counting; /* whether the plugin is at work */
    int count[NCALLS];
    int fail_at[NCALLS]; /* from 1; 0: never */
    int error;
} calls;

static int call_fails(enum call call)
{
    if (!calls.counting || ++calls.count[call] != calls.fail_at[call]) {
        return 0;
    }
    errno = calls.error;
    return 1;
}

QP_EXPORT ssize_t write(int fd, const void *data, size_t len)
{
    return call_fails(CALL_WRITE) ? -1 : syscall(SYS_write, fd, data, len);
}

QP_EXPORT int fsync(int fd)
{
    return call_fails(CALL_FSYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

QP_EXPORT int rename(const char *from, const char *to)
{
    return call_fails(CALL_RENAME) ? -1
                                   : renameat(AT_FDCWD, from, AT_FDCWD, to);
}

/* ----------------------------------------------------------------------
 * A message and the folder
 */

static char top[] = "/tmp/qp_maildir_XXXXXX";
static apr_pool_t *files_pool;
static apr_array_header_t *files; /* of const char *, below top */

static int collect(const char *path, const struct stat *info, int type,
                   struct FTW *ftw)
{
    if (type == FTW_F) {
        APR_ARRAY_PUSH(files, const char *) =
            apr_pstrdup(files_pool, path + sizeof(top));
    }
    return 0;
}

/* The files below the folder. */
static apr_array_header_t *list_files(void)
{
    files = apr_array_make(files_pool, 8, sizeof(const char *));
    nftw(top, collect, 16, FTW_PHYS);
    return files;
}

static int remove_one(const char *path, const struct stat *info, int type,
                      struct FTW *ftw)
{
    return ftw->level > 0 ? remove(path) : 0;
}

static void clean(void)
{
    apr_pool_clear(files_pool);
    nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *read_file(const char *name, apr_pool_t *pool)
{
    char *path = apr_pstrcat(pool, top, "/", name, NULL);
    apr_file_t *file;
    apr_finfo_t info;
    char *text;

    if (apr_file_open(&file, path, APR_FOPEN_READ, 0, pool) != APR_SUCCESS) {
        return NULL;
    }
    apr_file_info_get(&info, APR_FINFO_SIZE, file);
    text = apr_pcalloc(pool, (apr_size_t)info.size + 1);
    if (apr_file_read_full(file, text, (apr_size_t)info.size, NULL)
        != APR_SUCCESS) {
        text = NULL;
    }
    apr_file_close(file);
    return text;
}

static void put_spool(qp_spool *spool, const char *text)
{
    apr_size_t len = strlen(text);

    memcpy(qp_spool_reserve(spool, len, QP_SPOOL_MOVE), text, len);
    qp_spool_commit(spool, len);
}

/* Begins a transaction with a message. @param rcpts  paths, or NULL */
static void begin(struct plugin_test *test, const char *sender,
                  const char *const *rcpts)
{
    qp_session *qp = test_connect(test, "192.0.2.1");
    qp_txn *txn;

    qp_session_begin_txn(qp);
    txn = qp_transaction(qp);
    qp_txn_set_sender(txn, test_addr(test, sender));
    while (*rcpts != NULL) {
        qp_txn_add_rcpt(txn, test_addr(test, *rcpts++));
    }
    txn->header = qp_header_parse(HEADER, sizeof(HEADER) - 1, txn->pool);
    txn->has_empty_line = 1;
    txn->spool = qp_spool_create(top, 1000000, txn->pool);
    put_spool(txn->spool, BODY);
}

static qp_rc queue(struct plugin_test *test, const qp_plugin *maildir)
{
    qp_rc rc;

    memset(calls.count, 0, sizeof(calls.count));
    calls.counting = 1;
    rc = maildir->hooks.queue(maildir, test->qp, NULL);
    calls.counting = 0;
    return rc;
}

/* An instance whose folder is top/DIR. */
static qp_plugin *load(struct plugin_test *test, const char *words)
{
    qp_plugin *maildir = NULL;
    const char *line =
        apr_pstrcat(test->pool, "queue/maildir ", top, "/", words, NULL);

    is_str(test_load(test, &qp_plugin_queue_maildir, line, &maildir), NULL,
           "%s", words);
    return maildir;
}

/* ----------------------------------------------------------------------
 * Tests
 */

/** A pattern, a recipient and his Maildir. */
struct maildir_row {
    const char *pattern;
    const char *rcpt;
    const char *dir;
};

static const struct maildir_row dirs[] = {
    { "%d/%l", "<joe@example.org>", "example.org/joe" },
    { "%d/%l", "<Joe@Example.ORG>", "example.org/Joe" },
    { "%u", "<joe@example.org>", "joe@example.org" },
    { "%d/%l/Maildir", "<joe@example.org>", "example.org/joe/Maildir" },
    { "x%l", "<joe@example.org>", "xjoe" },
    { ".%d.%l", "<joe@example.org>", ".example.org.joe" },
    { "%l%d", "<joe@example.org>", "joeexample.org" },
    { "%d/%l", "<postmaster>", "mx.example.net/postmaster" },
    { "%d/%l", "<PostMaster@example.org>", "example.org/postmaster" },
    { "%d/%l", "<a+b-c_d=e.f@example.org>", "example.org/a+b-c_d=e.f" },
    { "%d/%l", "<-rf@example.org>", "example.org/-rf" },
    { "%d/%l", "<joe@[192.0.2.1]>", "_192.0.2.1_/joe" },
    { "%d/%l", "<joe@[IPv6:2001:db8::1]>", "_ipv6_2001_db8__1_/joe" },
    /* Nobody gets out. */
    { "%d/%l", "<\"../../joe\"@example.org>", "example.org/_._.._joe" },
    { "%d/%l", "<../joe@example.org>", NULL },
    { "%d/%l", "<\"..\"@example.org>", "example.org/_." },
    { "%d/%l", "<\".\"@example.org>", "example.org/_" },
    { "%d/%l", "<\"\"@example.org>", "example.org/_" },
    { ".%l", "<\"\"@example.org>", "._" },
    { ".%l", "<\".\"@example.org>", "._" },
    { "%l", "<\"/etc/passwd\"@example.org>", "_etc_passwd" },
    { "%l", "<\"a\\\\b\"@example.org>", "a_b" },
    { "%l", "<a/b@example.org>", "a_b" },
    { "%l", "<\".hidden\"@example.org>", "_hidden" },
    { "%l", "<$(id)@example.org>", NULL },
    { "%l", "<\"$(id);`id`|x\"@example.org>", "__id___id__x" },
    { "%l", "<%d@example.org>", "_d" },
};

#define X45 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define D61 X45 "xxxxxxxxxxxxxxx."

/** As above, with names that have no room in a folder: behind their beginning
 *  is the hash of the whole. */
static const struct maildir_row long_dirs[] = {
    /* 200 octets, then one more. */
    { "%d", "<a@" D61 D61 D61 "12345.example.org>",
      D61 D61 D61 "12345.example.org" },
    { "%d", "<a@" D61 D61 D61 "123456.example.org>",
      D61 D61 X45 "_77575e1437bbc85e5f088952fcbcbb83" },
    { "%d", "<a@" D61 D61 D61 "123457.example.org>",
      D61 D61 X45 "_e01ce48be9b4b914b104c5e1392179c9" },
    /* The text of the pattern belongs to it. */
    { "12%d", "<a@" D61 D61 D61 "1234.example.org>",
      "12" D61 D61
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_3fdde23a7f7e1d589ebdfda43d359586" },
    { "%d/12%l", "<a@" D61 D61 D61 "1234.example.org>",
      D61 D61 D61 "1234.example.org/12a" },
    /* The longest address of all, in a path of three. */
    { "%u/%l/%d", "<" X45 "xxxxxxxxxx123456789@" D61 D61 D61 D61 "1.test>",
      X45
      "xxxxxxxxxx123456789@" D61
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_1d97ec9ed51b92a9e2551efc28a1446f/" X45
      "xxxxxxxxxx123456789/" D61 D61 X45 "_7e1a888eeedfdf02732f67e27664ad7a" },
    { "%u", "<" X45 "xxxxxxxxxx12345678%@" D61 D61 D61 D61 "1.test>",
      X45
      "xxxxxxxxxx12345678_@" D61
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_4d68c518c7f537453fa3b93921c699ef" },
};

static void test_dirs(struct plugin_test *test, const struct maildir_row *rows,
                      size_t count)
{
    const char *rcpts[2] = { NULL, NULL };
    apr_array_header_t *found;
    const char *want;
    size_t i;

    for (i = 0; i < count; i++) {
        qp_plugin *maildir;
        qp_addr *addr = NULL;

        if (qp_addr_parse(rows[i].rcpt, &addr, test->pool) != NULL) {
            ok(rows[i].dir == NULL, "%s is no recipient", rows[i].rcpt);
            continue;
        }
        maildir =
            load(test, apr_pstrcat(test->pool, "box ", rows[i].pattern, NULL));
        rcpts[0] = rows[i].rcpt;
        begin(test, "<s@example.net>", rcpts);
        is_int(queue(test, maildir), QP_OK, "%s for %s", rows[i].pattern,
               rows[i].rcpt);
        found = list_files();
        is_int(found->nelts, 1, "one file");
        want = apr_pstrcat(test->pool, "box/", rows[i].dir, "/new/", NULL);
        ok(found->nelts == 1
               && strncmp(APR_ARRAY_IDX(found, 0, const char *), want,
                          strlen(want))
                      == 0,
           "%s: %s", want,
           found->nelts > 0 ? APR_ARRAY_IDX(found, 0, const char *) : "");
        clean();
    }
}

static void test_one_maildir(struct plugin_test *test)
{
    static const char *const rcpts[] = {
        "<a@example.org>", "<b@example.org>", "<\"c d\"@example.org>",
        "<a@example.org>", "<postmaster>",    NULL
    };
    qp_plugin *maildir = load(test, "box");
    const char *name;
    struct stat info;

    begin(test, "<s@example.net>", rcpts);
    is_int(queue(test, maildir), QP_OK, "a message for five");
    is_int(list_files()->nelts, 1, "is one file");
    name = APR_ARRAY_IDX(files, 0, const char *);
    is_str(read_file(name, test->pool),
           "Return-Path: <s@example.net>\n"
           "Delivered-To: a@example.org\n"
           "Delivered-To: b@example.org\n"
           "Delivered-To: \"c d\"@example.org\n"
           "Delivered-To: postmaster\n"
           "Subject: x\nX: y\n z\n\n" BODY,
           "with one Return-Path and each recipient once");
    stat(apr_pstrcat(test->pool, top, "/", name, NULL), &info);
    is_int(info.st_mode & 07777, 0600, "the file is private");
    stat(apr_pstrcat(test->pool, top, "/box/new", NULL), &info);
    is_int(info.st_mode & 07777, 0700, "so is the folder");
    is_str(test->qp->answer.text,
           apr_pstrcat(test->pool, "queued as ",
                       qp_txn_id(qp_transaction(test->qp)), NULL),
           "the client learns the id");
    clean();
}

static void test_null_sender(struct plugin_test *test)
{
    static const char *const rcpts[] = { "<a@example.org>", NULL };
    qp_plugin *maildir = load(test, "box/");

    begin(test, "<>", rcpts);
    is_int(queue(test, maildir), QP_OK, "from the null sender");
    is_int(list_files()->nelts, 1, "one file");
    ok(strncmp(read_file(APR_ARRAY_IDX(files, 0, const char *), test->pool),
               "Return-Path: <>\nDelivered-To: a@", 32)
           == 0,
       "Return-Path: <>");
    clean();
}

static void test_control(struct plugin_test *test)
{
    static const char *const rcpts[] = { "<a@example.org>", NULL };
    qp_addr evil = { "a\rb\nX-Evil: yes", "example.net" };
    qp_plugin *maildir = load(test, "box");
    const char *text;

    begin(test, "<s@example.net>", rcpts);
    qp_txn_set_sender(qp_transaction(test->qp), &evil);
    qp_txn_add_rcpt(qp_transaction(test->qp), &evil);
    is_int(queue(test, maildir), QP_OK, "addresses with line ends");
    list_files();
    text = read_file(APR_ARRAY_IDX(files, 0, const char *), test->pool);
    ok(strchr(text, '\r') == NULL && strstr(text, "\nX-Evil") == NULL,
       "begin no line");
    clean();
}

static void test_perms(struct plugin_test *test)
{
    static const char *const rcpts[] = { "<a@example.org>", NULL };
    qp_plugin *maildir = load(test, "box %l 0770");
    mode_t mask = umask(0077);
    struct stat info;

    begin(test, "<s@example.net>", rcpts);
    is_int(queue(test, maildir), QP_OK, "perms 0770");
    umask(mask);
    list_files();
    stat(apr_pstrcat(test->pool, top, "/",
                     APR_ARRAY_IDX(files, 0, const char *), NULL),
         &info);
    is_int(info.st_mode & 07777, 0660, "the file");
    stat(apr_pstrcat(test->pool, top, "/box/a", NULL), &info);
    is_int(info.st_mode & 07777, 0770, "the Maildir");
    clean();
}

static void test_same_id(struct plugin_test *test)
{
    static const char *const rcpts[] = { "<a@example.org>", NULL };
    qp_plugin *maildir = load(test, "box");
    int i;

    begin(test, "<s@example.net>", rcpts);
    for (i = 0; i < 100; i++) {
        if (queue(test, maildir) != QP_OK) {
            break;
        }
    }
    is_int(i, 100, "the same transaction again and again");
    is_int(list_files()->nelts, 100, "has as many files");
    clean();
}

static const char *const three[] = { "<a@example.org>", "<b@example.org>",
                                     "<A@example.org>", "<c@example.org>",
                                     NULL };

static void test_several(struct plugin_test *test)
{
    static const char *const same[] = { "<\"a/b\"@example.org>",
                                        "<a_b@example.org>", NULL };
    qp_plugin *maildir = load(test, "box %l");

    begin(test, "<s@example.net>", three);
    is_int(queue(test, maildir), QP_OK, "for four Maildirs");
    is_int(list_files()->nelts, 4, "four files");
    clean();
    begin(test, "<s@example.net>", same);
    is_int(queue(test, maildir), QP_OK, "for two recipients of one Maildir");
    is_int(list_files()->nelts, 1, "one file");
    ok(strstr(read_file(APR_ARRAY_IDX(files, 0, const char *), test->pool),
              "Delivered-To: a/b@example.org\nDelivered-To: a_b@example.org\n")
           != NULL,
       "that names both");
    clean();
}

/* Every call of a kind fails once; with error the answer is x.3.detail. */
static void test_failures(struct plugin_test *test, enum call call, int error,
                          int detail)
{
    static const char *const names[] = { "write", "fsync", "rename" };
    qp_plugin *maildir = load(test, "box %l");
    int total;
    int i;

    begin(test, "<s@example.net>", three);
    is_int(queue(test, maildir), QP_OK, "without a fault");
    total = calls.count[call];
    ok(total >= 4, "%s is called %d times", names[call], total);
    clean();
    calls.error = error;
    for (i = 1; i <= total; i++) {
        begin(test, "<s@example.net>", three);
        calls.fail_at[call] = i;
        is_int(queue(test, maildir), QP_DENYSOFT, "%s %d fails", names[call],
               i);
        calls.fail_at[call] = 0;
        is_int(list_files()->nelts, 0, "and leaves nothing behind");
        is_int(test->qp->answer.subject * 10 + test->qp->answer.detail,
               30 + detail, "4.3.%d", detail);
        ok(strstr(test->log, "3 queue/maildir: error, cannot ") != NULL,
           "and is logged");
        clean();
    }
}

/* What is in the way of a Maildir. */
static void test_obstacles(struct plugin_test *test)
{
    static const char *const rcpts[] = { "<a@example.org>", "<b@example.org>",
                                         NULL };
    static const char *const subs[] = { "/b", "/b/new", "/b/tmp" };
    qp_plugin *maildir = load(test, "box %l");
    qp_plugin *orphan = load(test, "no/box");
    char *path;
    size_t i;
    int fd;

    for (i = 0; i < QP_ARRAY_LEN(subs); i++) {
        mkdir(apr_pstrcat(test->pool, top, "/box", NULL), 0700);
        if (strlen(subs[i]) > 2) {
            mkdir(apr_pstrcat(test->pool, top, "/box/b", NULL), 0700);
        }
        path = apr_pstrcat(test->pool, top, "/box", subs[i], NULL);
        fd = open(path, O_CREAT | O_WRONLY, 0600);
        close(fd);
        begin(test, "<s@example.net>", rcpts);
        is_int(queue(test, maildir), QP_DENYSOFT, "%s is a file", subs[i]);
        is_int(list_files()->nelts, 1, "nobody has the message");
        clean();
    }
    begin(test, "<s@example.net>", rcpts);
    is_int(queue(test, orphan), QP_DENYSOFT, "the folder above is missing");
    is_int(test->qp->answer.subject * 10 + test->qp->answer.detail, 30,
           "4.3.0");
}

/** Lines of config/plugins and how the complaint begins. */
static const struct {
    const char *line;
    const char *error;
} lines[] = {
    { "queue/maildir", "dir: " },
    { "queue/maildir x", NULL },
    { "queue/maildir /x %d/%l 0700", NULL },
    { "queue/maildir dir /x subdir %u perms 0750", NULL },
    { "queue/maildir /x perms 2770", NULL },
    { "queue/maildir /x 0700", "subdir: " },
    { "queue/maildir /x users", "subdir: " },
    { "queue/maildir /x %", "subdir: " },
    { "queue/maildir /x %l/%", "subdir: " },
    { "queue/maildir /x %l%%", "subdir: " },
    { "queue/maildir /x %s", "subdir: " },
    { "queue/maildir /x ../%l", "subdir: " },
    { "queue/maildir /x %l/..", "subdir: " },
    { "queue/maildir /x %d/../%l", "subdir: " },
    { "queue/maildir /x ./%l", "subdir: " },
    { "queue/maildir /x %l 0600", "perms: " },
    { "queue/maildir /x %l 0800", "perms: " },
    { "queue/maildir /x %l 04700", "perms: " },
    { "queue/maildir /x %l 777777", "perms: " },
    { "queue/maildir /x %l rwx", "perms: " },
    { "queue/maildir /x %l 0700 more", "unknown option" },
};

static void test_options(struct plugin_test *test)
{
    qp_plugin *maildir = NULL;
    const char *error;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(lines); i++) {
        error =
            test_load(test, &qp_plugin_queue_maildir, lines[i].line, &maildir);
        ok(lines[i].error == NULL
               ? error == NULL
               : error != NULL
                     && strncmp(error, lines[i].error, strlen(lines[i].error))
                            == 0,
           "%s: %s", lines[i].line, error != NULL ? error : "fine");
    }
}

int main(void)
{
    struct plugin_test test = { 0 };
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    apr_pool_create(&files_pool, pool);
    if (mkdtemp(top) == NULL) {
        diag("%s cannot be made", top);
        return 1;
    }
    test_init(&test, pool);
    test_set(&test, "me", "MX.example.net");
    test_dirs(&test, dirs, QP_ARRAY_LEN(dirs));
    test_dirs(&test, long_dirs, QP_ARRAY_LEN(long_dirs));
    test_one_maildir(&test);
    test_null_sender(&test);
    test_control(&test);
    test_perms(&test);
    test_same_id(&test);
    test_several(&test);
    test_failures(&test, CALL_WRITE, ENOSPC, 1);
    test_failures(&test, CALL_WRITE, EDQUOT, 1);
    test_failures(&test, CALL_WRITE, EIO, 0);
    test_failures(&test, CALL_FSYNC, EIO, 0);
    test_failures(&test, CALL_RENAME, ENOSPC, 1);
    test_obstacles(&test);
    test_options(&test);
    clean();
    rmdir(top);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
