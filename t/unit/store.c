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

#include "store_tests.h"

/* Files. ------------------------------------------------------------------- */

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
    qp_store *store = bench_begin(b, bench_open(b, "dbm", "sweep"), b->pool);
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
    is_str(bench_value(store, "stays"), "1", "what is for ever stays");
    is_str(bench_value(store, "long"), "1", "and what is for long");
    is_str(bench_value(store, "last"), "1", "and the last");
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
    qp_store *store = bench_begin(b, bench_open(b, "dbm", "damage"), b->pool);
    char *junk = apr_palloc(b->pool, 4096);

    memset(junk, 0xee, 4096);
    is_int(qp_store_set(store, "a", "1", 0), APR_SUCCESS, "a value");
    write_file(b, "spool/store/damage.pag", junk, 4096);
    is_int(qp_store_set(store, "a", "2", 0), APR_SUCCESS, "in a damaged file");
    is_str(bench_value(store, "a"), "2", "is there");
    is_int(size_of(b, "spool/store/damage.pag.damaged"), 4096,
           "the old file is put aside");
}

static void test_trouble(bench *b)
{
    const char *file = apr_pstrcat(b->pool, b->dir, "/plain", NULL);
    qp_store *store;

    write_file(b, "plain", "x", 1);
    store =
        bench_begin(b,
                    bench_open(b,
                               apr_pstrcat(b->pool, "dbm:", file, "/x", NULL),
                               "trouble"),
                    b->pool);
    ok(strstr(bench_value(store, "a"), "dbm: cannot use ") != NULL,
       "no folder: %s", qp_store_error(store));
    store = bench_begin(b, bench_open(b, "dbm:/nonexistent/deep/x", "trouble"),
                        b->pool);
    ok(strstr(bench_value(store, "a"), "No such file") != NULL,
       "none at all: %s", qp_store_error(store));
}

/* Processes as well as threads. */
static void test_processes(bench *b)
{
    qp_plugin *plugin = bench_open(b, "dbm", "forked");
    adder a = { .b = b, .plugin = plugin, .may_repeat = 1 };
    pid_t pids[3];
    int status;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(pids); i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            apr_pool_create_unmanaged_ex(&a.pool, NULL, NULL);
            bench_add_often(&a);
            _exit(a.failed);
        }
    }
    for (i = 0; i < QP_ARRAY_LEN(pids); i++) {
        waitpid(pids[i], &status, 0);
        is_int(status, 0, "process %d", (int)i);
    }
    is_int(atoi(bench_value(bench_begin(b, plugin, b->pool), "shared")),
           (int)QP_ARRAY_LEN(pids) * BENCH_ROUNDS, "nothing is lost");
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
        error = qp_store_open(bench_plugin(b), wrong[i], "words");
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
    plugin = bench_open(b, apr_psprintf(b->pool, "redis:127.0.0.1:%d", port),
                        "liar");
    for (i = 0; i < QP_ARRAY_LEN(nonsense); i++) {
        l.says = nonsense[i];
        l.len = strcmp(l.says, "$3\r\na") == 0 ? 9 : strlen(l.says);
        if (pthread_create(&thread, NULL, say_nonsense, &l) != 0) {
            abort();
        }
        got = bench_value(bench_begin(b, plugin, b->pool), "a");
        pthread_join(thread, NULL);
        ok(strncmp(got, "redis: cannot ", 14) == 0, "answer %d: %s", (int)i,
           got);
    }
    close(l.fd);
    got = bench_value(bench_begin(b, plugin, b->pool), "a");
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
    bench_test_kind(b, apr_pstrcat(b->pool, "redis:secret@", path, "#3", NULL));
    got = bench_value(
        bench_begin(b,
                    bench_open(b, apr_pstrcat(b->pool, "redis:", path, NULL),
                               "x"),
                    b->pool),
        "a");
    ok(strstr(got, "NOAUTH") != NULL, "without the password: %s", got);
    store = bench_begin(
        b,
        bench_open(b, apr_pstrcat(b->pool, "redis:secret@", path, NULL), "x"),
        b->pool);
    is_int(qp_store_set(store, "e", "1", apr_time_from_msec(20)), APR_SUCCESS,
           "a value for a time");
    apr_sleep(apr_time_from_msec(40));
    is_str(bench_value(store, "e"), "(none)", "is gone behind it");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    got = bench_value(store, "e");
    ok(strncmp(got, "redis: cannot ", 14) == 0, "a server that is gone: %s",
       got);
}

int main(void)
{
    bench b;

    apr_initialize();
    memset(&b, 0, sizeof(b));
    apr_pool_create(&b.pool, NULL);
    b.kit = kit_create(b.pool);
    bench_set_up(&b);
    bench_test_kind(&b, "dbm");
    bench_test_kind(&b, "dbm:by/path");
    bench_test_expiry(&b, "dbm");
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
