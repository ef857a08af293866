/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugin/qp_store and its kinds: SDBM files, and a redis-server that
 * is started here if there is one. Values, their end, numbers, changes by many
 * threads and processes, damaged files, servers that talk nonsense.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "engine_kit.h"
#include "plugin/qp_store.h"

#define THREADS 4
#define ROUNDS  50

/** What the tests share. */
typedef struct bench {
    engine_kit *kit;
    apr_pool_t *pool;
    const char *dir; /* temporary */
    qp_waker waker;
} bench;

/* It is never asked to wake anybody. */
static void wake_nobody(qp_waker *waker)
{
}

static qp_plugin *make_plugin(bench *b)
{
    qp_plugin *plugin = apr_pcalloc(b->pool, sizeof(*plugin));

    plugin->name = "test";
    plugin->home = &b->kit->home;
    return plugin;
}

static qp_plugin *open_store(bench *b, const char *where, const char *name)
{
    qp_plugin *plugin = make_plugin(b);

    is_str(qp_store_open(plugin, where, name), NULL, "%s", where);
    return plugin;
}

static qp_store *begin(bench *b, const qp_plugin *plugin, apr_pool_t *pool)
{
    return qp_store_begin(plugin, qp_jobs_prepare(b->kit->carrier.jobs,
                                                  &b->waker, pool));
}

/* @return the value, or what went wrong */
static const char *value_of(qp_store *store, const char *key)
{
    const char *value = NULL;
    apr_status_t rv = qp_store_get(store, key, &value);

    if (APR_STATUS_IS_NOTFOUND(rv)) {
        return "(none)";
    }
    return rv == APR_SUCCESS ? value : qp_store_error(store);
}

/* Every kind. -------------------------------------------------------------- */

static void test_values(qp_store *store, apr_pool_t *pool)
{
    char *longest = apr_pcalloc(pool, 602);
    char *big = apr_pcalloc(pool, 502);

    memset(longest, 'k', 600);
    memset(big, 'v', 501);
    is_str(value_of(store, "a"), "(none)", "no value");
    is_int(qp_store_set(store, "a", "1", 0), APR_SUCCESS, "a value");
    is_str(value_of(store, "a"), "1", "is there");
    is_int(qp_store_set(store, "a", "two words", 0), APR_SUCCESS, "another");
    is_str(value_of(store, "a"), "two words", "replaces it");
    is_int(qp_store_set(store, "e", "", 0), APR_SUCCESS, "an empty one");
    is_str(value_of(store, "e"), "", "is a value, too");
    is_int(qp_store_delete(store, "a"), APR_SUCCESS, "deleted");
    is_str(value_of(store, "a"), "(none)", "it is gone");
    is_int(qp_store_delete(store, "a"), APR_SUCCESS, "twice");
    is_int(qp_store_set(store, longest, "long", 0), APR_SUCCESS, "a long key");
    is_str(value_of(store, longest), "long", "is there");
    longest[600] = 'x';
    is_str(value_of(store, longest), "(none)", "a longer one is another");
    is_int(qp_store_set(store, " \r\n", "odd", 0), APR_SUCCESS, "an odd key");
    is_str(value_of(store, " \r\n"), "odd", "is there");
    is_str(value_of(store, " "), "(none)", "and no other");
    is_int(qp_store_set(store, "a", big, 0), APR_ENOSPC, "too long a value");
    ok(strstr(qp_store_error(store), "cannot keep so long a value") != NULL,
       "it is said");
    big[500] = '\0';
    is_int(qp_store_set(store, "a", big, 0), APR_SUCCESS, "the longest value");
    is_str(value_of(store, "a"), big, "is there");
    is_str(qp_store_error(store), "", "nothing is wrong");
}

static void test_numbers(qp_store *store)
{
    apr_int64_t sum = 0;

    is_int(qp_store_add(store, "n", 2, 0, &sum), APR_SUCCESS, "a number");
    is_int(sum, 2, "is the first");
    is_int(qp_store_add(store, "n", -5, 0, &sum), APR_SUCCESS, "and another");
    is_int(sum, -3, "is their sum");
    is_int(qp_store_set(store, "n", "40", 0), APR_SUCCESS, "a value");
    is_int(qp_store_add(store, "n", 2, 0, &sum), APR_SUCCESS, "that is one");
    is_int(sum, 42, "counts as one");
    is_int(qp_store_set(store, "n", "word", 0), APR_SUCCESS, "a word");
    is_int(qp_store_add(store, "n", 2, 0, &sum), APR_EINVAL, "is none");
    is_str(value_of(store, "n"), "word", "and stays");
}

/* Adds its letter to the value. */
static const char *append(const char *old, void *baton,
                          apr_interval_time_t *ttl, apr_pool_t *pool)
{
    *ttl = 0;
    if (strcmp(baton, "-") == 0) {
        return NULL;
    }
    return apr_pstrcat(pool, old != NULL ? old : "", baton, NULL);
}

static void test_changes(qp_store *store)
{
    char *big = apr_pcalloc(store->pool, 502);
    char a[] = "a";
    char b[] = "b";
    char no[] = "-";

    memset(big, 'v', 501);
    is_int(qp_store_update(store, "c", append, a), APR_SUCCESS, "made");
    is_int(qp_store_update(store, "c", append, b), APR_SUCCESS, "changed");
    is_int(qp_store_update(store, "c", append, no), APR_SUCCESS, "left");
    is_str(value_of(store, "c"), "ab", "the value");
    is_int(qp_store_update(store, "c2", append, no), APR_SUCCESS, "not made");
    is_str(value_of(store, "c2"), "(none)", "no value");
    is_int(qp_store_update(store, "c", append, big), APR_ENOSPC, "too long");
    is_str(value_of(store, "c"), "ab", "the old value stays");
}

/** Threads that add to the same number. */
typedef struct adder {
    bench *b;
    const qp_plugin *plugin;
    apr_pool_t *pool;
    pthread_t thread;
    int may_repeat; /* a call that took too long, for it has done nothing */
    int failed;
} adder;

static void *add_often(void *data)
{
    adder *a = data;
    qp_store *store;
    apr_pool_t *pool;
    apr_status_t rv;
    apr_int64_t sum;
    int i;

    for (i = 0; i < ROUNDS; i++) {
        apr_pool_create(&pool, a->pool);
        store = begin(a->b, a->plugin, pool);
        do { /* nothing is added when the others never let it have the lock */
            rv = qp_store_add(store, "shared", 1, 0, &sum);
        } while (APR_STATUS_IS_TIMEUP(rv) && a->may_repeat);
        a->failed += rv != APR_SUCCESS;
        apr_pool_destroy(pool);
    }
    return NULL;
}

static void test_threads(bench *b, const qp_plugin *plugin)
{
    adder adders[THREADS];
    qp_store *store = begin(b, plugin, b->pool);
    int failed = 0;
    int i;

    is_int(qp_store_delete(store, "shared"), APR_SUCCESS, "no number");
    for (i = 0; i < THREADS; i++) {
        adders[i].b = b;
        adders[i].plugin = plugin;
        adders[i].may_repeat = plugin->store->kind == &qp_store_dbm_kind;
        adders[i].failed = 0;
        apr_pool_create_unmanaged_ex(&adders[i].pool, NULL, NULL);
        if (pthread_create(&adders[i].thread, NULL, add_often, &adders[i])) {
            abort();
        }
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(adders[i].thread, NULL);
        failed += adders[i].failed;
        apr_pool_destroy(adders[i].pool);
    }
    is_int(failed, 0, "threads that add");
    is_str(apr_strtok(apr_pstrdup(b->pool, value_of(store, "shared")), " ",
                      &(char *){ NULL }),
           apr_itoa(b->pool, THREADS * ROUNDS), "nothing is lost");
}

static void test_kind(bench *b, const char *where)
{
    qp_plugin *plugin = open_store(b, where, "test");
    qp_plugin *other = open_store(b, where, "other");
    qp_store *store = begin(b, plugin, b->pool);

    test_values(store, b->pool);
    test_numbers(store);
    test_changes(store);
    test_threads(b, plugin);
    is_int(qp_store_set(store, "mine", "1", 0), APR_SUCCESS, "a value");
    if (strncmp(where, "dbm:", 4) != 0) {
        is_str(value_of(begin(b, other, b->pool), "mine"), "(none)",
               "is not there by another name");
    }
}

/* Files. ------------------------------------------------------------------- */

static void test_expiry(bench *b)
{
    qp_store *store = begin(b, open_store(b, "dbm", "expiry"), b->pool);
    apr_int64_t sum = 0;

    is_int(qp_store_set(store, "e", "1", apr_time_from_sec(100)), APR_SUCCESS,
           "a value for a time");
    is_int(qp_store_add(store, "n", 1, apr_time_from_sec(100), &sum),
           APR_SUCCESS, "a number for a time");
    kit_skip_time(apr_time_from_sec(90));
    is_str(value_of(store, "e"), "1", "is there before its end");
    is_int(qp_store_add(store, "n", 1, apr_time_from_sec(100), &sum),
           APR_SUCCESS, "what is added");
    is_int(sum, 2, "counts");
    kit_skip_time(apr_time_from_sec(20));
    is_str(value_of(store, "e"), "(none)", "and not behind it");
    is_int(qp_store_add(store, "n", 1, apr_time_from_sec(100), &sum),
           APR_SUCCESS, "and does not prolong");
    is_int(sum, 1, "the first one's time");
}

static apr_off_t size_of(bench *b, const char *name)
{
    apr_finfo_t info;
    const char *file = apr_pstrcat(b->pool, b->dir, "/", name, NULL);

    return apr_stat(&info, file, APR_FINFO_SIZE, b->pool) == APR_SUCCESS
               ? info.size
               : -1;
}

/* What has expired is thrown away, an hour later. */
static void test_sweep(bench *b)
{
    qp_store *store = begin(b, open_store(b, "dbm", "sweep"), b->pool);
    apr_off_t size;
    int i;

    is_int(qp_store_set(store, "stays", "1", 0), APR_SUCCESS, "for ever");
    is_int(qp_store_set(store, "long", "1", apr_time_from_sec(9000)),
           APR_SUCCESS, "for long");
    for (i = 0; i < 500; i++) {
        if (qp_store_set(store, apr_psprintf(b->pool, "key %d", i),
                         "some value that takes room in the file",
                         apr_time_from_sec(60))
            != APR_SUCCESS) {
            ok(0, "%s", qp_store_error(store));
        }
    }
    size = size_of(b, "spool/store/sweep.pag");
    kit_skip_time(apr_time_from_sec(3601));
    is_int(qp_store_set(store, "last", "1", 0), APR_SUCCESS, "an hour later");
    ok(size_of(b, "spool/store/sweep.pag") < size, "the file is smaller");
    is_int(size_of(b, "spool/store/sweep.new.pag"), -1, "nothing is left");
    is_str(value_of(store, "stays"), "1", "what is for ever stays");
    is_str(value_of(store, "long"), "1", "and what is for long");
    is_str(value_of(store, "last"), "1", "and the last");
}

static void write_file(bench *b, const char *name, const char *text, size_t len)
{
    apr_file_t *file;

    if (apr_file_open(&file, apr_pstrcat(b->pool, b->dir, "/", name, NULL),
                      APR_FOPEN_WRITE | APR_FOPEN_TRUNCATE | APR_FOPEN_CREATE,
                      APR_FPROT_OS_DEFAULT, b->pool)
            != APR_SUCCESS
        || apr_file_write_full(file, text, len, NULL) != APR_SUCCESS) {
        abort();
    }
    apr_file_close(file);
}

static void test_damage(bench *b)
{
    qp_store *store = begin(b, open_store(b, "dbm", "damage"), b->pool);
    char *junk = apr_palloc(b->pool, 4096);

    memset(junk, 0xee, 4096);
    is_int(qp_store_set(store, "a", "1", 0), APR_SUCCESS, "a value");
    write_file(b, "spool/store/damage.pag", junk, 4096);
    is_int(qp_store_set(store, "a", "2", 0), APR_SUCCESS, "in a damaged file");
    is_str(value_of(store, "a"), "2", "is there");
    is_int(size_of(b, "spool/store/damage.pag.damaged"), 4096,
           "the old file is put aside");
}

static void test_trouble(bench *b)
{
    const char *file = apr_pstrcat(b->pool, b->dir, "/plain", NULL);
    qp_store *store;

    write_file(b, "plain", "x", 1);
    store = begin(b,
                  open_store(b, apr_pstrcat(b->pool, "dbm:", file, "/x", NULL),
                             "trouble"),
                  b->pool);
    ok(strstr(value_of(store, "a"), "dbm: cannot use ") != NULL,
       "no folder: %s", qp_store_error(store));
    store =
        begin(b, open_store(b, "dbm:/nonexistent/deep/x", "trouble"), b->pool);
    ok(strstr(value_of(store, "a"), "No such file") != NULL, "none at all: %s",
       qp_store_error(store));
}

/* Processes as well as threads. */
static void test_processes(bench *b)
{
    qp_plugin *plugin = open_store(b, "dbm", "forked");
    adder a = { .b = b, .plugin = plugin, .may_repeat = 1 };
    pid_t pids[3];
    int status;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(pids); i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            apr_pool_create_unmanaged_ex(&a.pool, NULL, NULL);
            add_often(&a);
            _exit(a.failed);
        }
    }
    for (i = 0; i < QP_ARRAY_LEN(pids); i++) {
        waitpid(pids[i], &status, 0);
        is_int(status, 0, "process %d", (int)i);
    }
    is_int(atoi(value_of(begin(b, plugin, b->pool), "shared")),
           (int)QP_ARRAY_LEN(pids) * ROUNDS, "nothing is lost");
}

/* Redis. ------------------------------------------------------------------- */

static const char *const wrong[] = {
    "mysql:x",        "",          "dbms",          "redis:",
    "redis:host:abc", "redis:h:0", "redis:h:65536", "redis:h#x",
    "redis:h#",
};

static void test_words(bench *b)
{
    const char *error;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(wrong); i++) {
        error = qp_store_open(make_plugin(b), wrong[i], "words");
        ok(error != NULL && strncmp(error, "store: ", 7) == 0, "\"%s\": %s",
           wrong[i], error != NULL ? error : "no error");
    }
}

static const char *const nonsense[] = {
    "$501\r\n",
    "$999999999999\r\n",
    "$-2\r\n",
    "*2\r\n$1\r\na\r\n",
    "$1\r\nab\r\n",
    "-NOAUTH Authentication required\r\n",
    "HTTP/1.1 400 Bad Request\r\n",
    ":x\r\n",
    "$3\r\na\0b\r\n",
    "",
    ":5\r\n",
    "+OK\r\n",
};

/** A server that says one thing. */
typedef struct liar {
    int fd;
    const char *says;
    size_t len;
} liar;

static void *say_nonsense(void *data)
{
    const liar *l = data;
    int fd = accept(l->fd, NULL, NULL);
    char buffer[512];

    if (read(fd, buffer, sizeof(buffer)) > 0
        && send(fd, l->says, l->len, MSG_NOSIGNAL) >= 0) {
        shutdown(fd, SHUT_WR);
        while (read(fd, buffer, sizeof(buffer)) > 0) {
        }
    }
    close(fd);
    return NULL;
}

static int listen_local(int *port)
{
    struct sockaddr_in addr = { .sin_family = AF_INET };
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&addr, len) != 0 || listen(fd, 4) != 0
        || getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
        abort();
    }
    *port = ntohs(addr.sin_port);
    return fd;
}

static void test_nonsense(bench *b)
{
    liar l = { 0, NULL, 0 };
    pthread_t thread;
    qp_plugin *plugin;
    const char *got;
    int port;
    size_t i;

    l.fd = listen_local(&port);
    plugin = open_store(b, apr_psprintf(b->pool, "redis:127.0.0.1:%d", port),
                        "liar");
    for (i = 0; i < QP_ARRAY_LEN(nonsense); i++) {
        l.says = nonsense[i];
        l.len = strcmp(l.says, "$3\r\na") == 0 ? 9 : strlen(l.says);
        if (pthread_create(&thread, NULL, say_nonsense, &l) != 0) {
            abort();
        }
        got = value_of(begin(b, plugin, b->pool), "a");
        pthread_join(thread, NULL);
        ok(strncmp(got, "redis: cannot ", 14) == 0, "answer %d: %s", (int)i,
           got);
    }
    close(l.fd);
    got = value_of(begin(b, plugin, b->pool), "a");
    ok(strstr(got, "Connection refused") != NULL, "no server: %s", got);
}

/* @return 0, or -1 without a redis-server */
static pid_t start_redis(bench *b, const char *socket_path)
{
    pid_t pid = fork();
    struct stat info;
    int i;

    if (pid == 0) {
        if (dup2(open("/dev/null", O_WRONLY), 1) != 1) {
            _exit(126);
        }
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
               socket_path, "--save", "", "--requirepass", "secret", NULL);
        _exit(127);
    }
    for (i = 0; i < 1000 && stat(socket_path, &info) != 0; i++) {
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            return -1;
        }
        apr_sleep(10000);
    }
    return pid;
}

static void test_redis(bench *b)
{
    const char *path = apr_pstrcat(b->pool, b->dir, "/redis", NULL);
    pid_t pid = start_redis(b, path);
    qp_store *store;
    const char *got;

    if (pid < 0) {
        diag("there is no redis-server: its tests are left out");
        return;
    }
    test_kind(b, apr_pstrcat(b->pool, "redis:secret@", path, "#3", NULL));
    got = value_of(
        begin(b, open_store(b, apr_pstrcat(b->pool, "redis:", path, NULL), "x"),
              b->pool),
        "a");
    ok(strstr(got, "NOAUTH") != NULL, "without the password: %s", got);
    store =
        begin(b,
              open_store(b, apr_pstrcat(b->pool, "redis:secret@", path, NULL),
                         "x"),
              b->pool);
    is_int(qp_store_set(store, "e", "1", apr_time_from_msec(20)), APR_SUCCESS,
           "a value for a time");
    apr_sleep(apr_time_from_msec(40));
    is_str(value_of(store, "e"), "(none)", "is gone behind it");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    got = value_of(store, "e");
    ok(strncmp(got, "redis: cannot ", 14) == 0, "a server that is gone: %s",
       got);
}

static void set_up(bench *b)
{
    const char *spool = apr_pstrcat(b->pool, b->kit->dir, "/spool", NULL);

    b->dir = b->kit->dir;
    b->waker.wake = wake_nobody;
    b->waker.destroy = wake_nobody;
    b->waker.refs = 1;
    b->kit->path.config_dir = b->dir;
    if (mkdir(spool, 0700) != 0 && errno != EEXIST) {
        abort();
    }
    kit_set(b->kit, "spool_dir", spool);
    is_str(kit_start(b->kit), NULL, "a server");
}

int main(void)
{
    bench b;

    apr_initialize();
    memset(&b, 0, sizeof(b));
    apr_pool_create(&b.pool, NULL);
    b.kit = kit_create(b.pool);
    set_up(&b);
    test_kind(&b, "dbm");
    test_kind(&b, "dbm:by/path");
    test_expiry(&b);
    test_sweep(&b);
    test_damage(&b);
    test_trouble(&b);
    test_processes(&b);
    test_words(&b);
    test_nonsense(&b);
    test_redis(&b);
    apr_pool_destroy(b.pool);
    apr_terminate();
    return done_testing();
}
