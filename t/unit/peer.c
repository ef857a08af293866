/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_peer against a server in a thread of its own: what arrives,
 * the limits of what is read, deadlines, a job that is cancelled, and errors
 * in words.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "wire/qp_job.h"
#include "wire/qp_peer.h"

#define FOREVER apr_time_from_sec(60)
#define BIG     3000000

/** How a server treats its one client. */
typedef enum manner {
    SAY_FIRST,  /**< says all, then reads to the end */
    SAY_LAST,   /**< reads to the end, then says all */
    SAY_SLOWLY, /**< repeats what it has to say for ever, in single octets */
    TAKE_FILE   /**< takes a descriptor and reads from it */
} manner;

typedef struct server {
    int fd; /* that listens */
    int port;
    manner manner;
    const char *says;
    apr_size_t len;
    pthread_t thread;
    char *got; /* from the client, or from the file */
    apr_size_t got_len;
} server;

/* The server. -------------------------------------------------------------- */

static void read_rest(server *srv, int fd)
{
    ssize_t n;

    while (srv->got_len < BIG
           && (n = read(fd, srv->got + srv->got_len, BIG - srv->got_len)) > 0) {
        srv->got_len += (apr_size_t)n;
    }
}

static void say_all(const server *srv, int fd)
{
    if (srv->len > 0
        && send(fd, srv->says, srv->len, MSG_NOSIGNAL) != (ssize_t)srv->len) {
        diag("the server could not speak");
    }
}

static void say_slowly(const server *srv, int fd)
{
    while (send(fd, srv->says, 1, MSG_NOSIGNAL) == 1) {
        apr_sleep(1000);
    }
}

static void take_file(server *srv, int fd)
{
    char room[CMSG_SPACE(sizeof(int))];
    char octet = 'x';
    struct iovec data = { &octet, 1 };
    struct msghdr msg = { .msg_iov = &data,
                          .msg_iovlen = 1,
                          .msg_control = room,
                          .msg_controllen = sizeof(room) };
    int file = -1;

    if (read(fd, srv->got, 5) == 5 && recvmsg(fd, &msg, 0) == 1 && octet == 0
        && CMSG_FIRSTHDR(&msg) != NULL) {
        memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(file));
        srv->got_len = 5;
        read_rest(srv, file);
        close(file);
    }
}

static void *serve(void *data)
{
    server *srv = data;
    int fd = accept(srv->fd, NULL, NULL);

    if (srv->manner == SAY_SLOWLY) {
        say_slowly(srv, fd);
    }
    else if (srv->manner == TAKE_FILE) {
        take_file(srv, fd);
    }
    else {
        if (srv->manner == SAY_FIRST) {
            say_all(srv, fd);
        }
        read_rest(srv, fd);
        if (srv->manner == SAY_LAST) {
            say_all(srv, fd);
        }
    }
    close(fd);
    return NULL;
}

static server *make_server(manner how, const char *says, apr_size_t len,
                           apr_pool_t *pool)
{
    server *srv = apr_pcalloc(pool, sizeof(*srv));
    struct sockaddr_in addr = { .sin_family = AF_INET };
    socklen_t size = sizeof(addr);

    srv->manner = how;
    srv->says = says;
    srv->len = len;
    srv->got = apr_palloc(pool, BIG);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    srv->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(srv->fd, (struct sockaddr *)&addr, size) != 0
        || listen(srv->fd, 5) != 0
        || getsockname(srv->fd, (struct sockaddr *)&addr, &size) != 0) {
        abort();
    }
    srv->port = ntohs(addr.sin_port);
    return srv;
}

static void run_server(server *srv)
{
    if (pthread_create(&srv->thread, NULL, serve, srv) != 0) {
        abort();
    }
}

static void end_server(server *srv)
{
    pthread_join(srv->thread, NULL);
    close(srv->fd);
}

/** A server that runs and a stream to it. */
static qp_peer *meet(server **srv, manner how, const char *says,
                     apr_pool_t *pool)
{
    qp_peer *peer = qp_peer_create(NULL, pool);

    *srv = make_server(how, says, strlen(says), pool);
    run_server(*srv);
    qp_peer_deadline(peer, FOREVER);
    if (qp_peer_connect(peer, "127.0.0.1", (*srv)->port) != APR_SUCCESS) {
        abort();
    }
    return peer;
}

/* Connecting. -------------------------------------------------------------- */

static void test_connect(apr_pool_t *pool)
{
    qp_peer *peer = qp_peer_create(NULL, pool);
    server *srv = make_server(SAY_FIRST, "hi\n", 3, pool);
    const char *line = NULL;
    apr_size_t len;
    char *name;

    is_int(qp_peer_line(peer, 10, &line, &len), APR_EOF, "not connected: read");
    is_int(qp_peer_puts(peer, "x"), APR_SUCCESS, "it is only gathered");
    is_int(qp_peer_flush(peer), APR_EOF, "not connected: write");
    run_server(srv);
    qp_peer_deadline(peer, FOREVER);
    is_int(qp_peer_connect(peer, "localhost", srv->port), APR_SUCCESS,
           "all addresses of a name are tried");
    is_int(qp_peer_line(peer, 10, &line, &len), APR_SUCCESS, "a line");
    is_str(line, "hi", "which the server has said");
    name = apr_psprintf(pool, "localhost:%d", srv->port);
    is_str(qp_peer_name(peer), name, "its name");
    qp_peer_close(peer);
    end_server(srv);
    is_int(qp_peer_connect(peer, "127.0.0.1", srv->port), ECONNREFUSED,
           "nobody there");
    name =
        apr_psprintf(pool, "cannot connect to 127.0.0.1:%d: Connection refused",
                     srv->port);
    is_str(qp_peer_error(peer), name, "in words");
    is_int(qp_peer_connect(peer, "x\\y.invalid", 25), APR_EGENERAL, "no name");
    ok(strncmp(qp_peer_error(peer), "cannot find x\\y.invalid:25: ", 28) == 0,
       "in words: %s", qp_peer_error(peer));
    ok(qp_peer_connect(peer, "::1", srv->port) != APR_SUCCESS, "IPv6");
    ok(strstr(qp_peer_error(peer), "[::1]:") != NULL, "has brackets: %s",
       qp_peer_error(peer));
}

static void test_unix(apr_pool_t *pool)
{
    qp_peer *peer = qp_peer_create(NULL, pool);
    char *longer = apr_palloc(pool, 200);

    memset(longer, 'x', 199);
    longer[199] = '\0';
    ok(APR_STATUS_IS_ENOENT(qp_peer_connect_unix(peer, "/nowhere/socket")),
       "no such socket");
    is_str(qp_peer_error(peer),
           "cannot connect to /nowhere/socket: No such file or directory",
           "in words");
    is_int(qp_peer_connect_unix(peer, longer), APR_ENAMETOOLONG,
           "a path that is too long");
}

/* A listener whose queue is full never answers. */
static void test_full_queue(apr_pool_t *pool)
{
    char folder[] = "/tmp/qp_peer_XXXXXX";
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    apr_status_t rv = APR_SUCCESS;
    qp_peer *peer;
    int i;

    if (mkdtemp(folder) == NULL) {
        abort();
    }
    apr_snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/s", folder);
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0
        || listen(fd, 0) != 0) {
        abort();
    }
    for (i = 0; i < 5 && rv == APR_SUCCESS; i++) {
        peer = qp_peer_create(NULL, pool);
        qp_peer_deadline(peer, apr_time_from_msec(300));
        rv = qp_peer_connect_unix(peer, addr.sun_path);
    }
    is_int(rv, APR_TIMEUP, "a full queue: the deadline counts");
    close(fd);
    unlink(addr.sun_path);
    rmdir(folder);
}

/* Reading. ----------------------------------------------------------------- */

static void test_lines(apr_pool_t *pool)
{
    static const struct {
        const char *want;
        apr_size_t len;
    } lines[] = { { "one", 3 }, { "two", 3 }, { "", 0 },
                  { "\r", 1 },  { "a", 3 },   { "4567", 4 } };
    static const char says[] = "one\r\ntwo\n\r\n\r\r\na\0b\n4567\nrest";
    server *srv = make_server(SAY_FIRST, says, sizeof(says) - 1, pool);
    qp_peer *peer = qp_peer_create(NULL, pool);
    const char *line = NULL;
    apr_size_t len;
    apr_size_t i;

    run_server(srv);
    ok(qp_peer_connect(peer, "127.0.0.1", srv->port) == APR_SUCCESS, "lines");
    for (i = 0; i < QP_ARRAY_LEN(lines); i++) {
        is_int(qp_peer_line(peer, 5, &line, &len), APR_SUCCESS, "line %d",
               (int)i);
        is_str(line, lines[i].want, "its text");
        is_int((int)len, (int)lines[i].len, "its length");
    }
    ok(qp_peer_is_readable(peer), "there is more");
    is_int(qp_peer_shut(peer), APR_SUCCESS, "half closed");
    is_int(qp_peer_line(peer, 5, &line, &len), APR_EOF, "half a line");
    ok(strstr(qp_peer_error(peer), "it has closed") != NULL, "in words: %s",
       qp_peer_error(peer));
    end_server(srv);
}

static void test_limits(apr_pool_t *pool)
{
    server *srv;
    qp_peer *peer = meet(&srv, SAY_FIRST, "12345\r\n", pool);
    const char *line = NULL;
    apr_size_t len;
    char *many = apr_palloc(pool, 40001);

    is_int(qp_peer_line(peer, 6, &line, &len), APR_EGENERAL, "too long");
    ok(strstr(qp_peer_error(peer), ": it is too long") != NULL, "in words: %s",
       qp_peer_error(peer));
    is_int(qp_peer_line(peer, 7, &line, &len), APR_SUCCESS, "just right");
    qp_peer_close(peer);
    end_server(srv);

    memset(many, 'x', 40000);
    many[40000] = '\0';
    peer = meet(&srv, SAY_FIRST, many, pool);
    is_int(qp_peer_line(peer, QP_PEER_LINE_MAX, &line, &len), APR_EGENERAL,
           "much too long");
    qp_peer_close(peer);
    end_server(srv);
}

static void test_octets(apr_pool_t *pool)
{
    server *srv;
    qp_peer *peer = meet(&srv, SAY_FIRST, "0123456789", pool);
    char data[16] = "";
    apr_size_t len;

    is_int(qp_peer_read_all(peer, data, 4), APR_SUCCESS, "four octets");
    is_str(data, "0123", "are right");
    is_int(qp_peer_read(peer, data, 2, &len), APR_SUCCESS, "at most two");
    ok(len >= 1 && len <= 2 && data[0] == '4', "%d", (int)len);
    is_int(qp_peer_shut(peer), APR_SUCCESS, "half closed");
    is_int(qp_peer_read_all(peer, data, 11), APR_EOF, "more than there are");
    end_server(srv);
}

static void test_silence(apr_pool_t *pool)
{
    server *srv;
    qp_peer *peer = meet(&srv, SAY_LAST, "too late\n", pool);
    const char *line = NULL;
    apr_size_t len;

    ok(!qp_peer_is_readable(peer), "nothing was said");
    qp_peer_deadline(peer, apr_time_from_msec(50));
    is_int(qp_peer_line(peer, 100, &line, &len), APR_TIMEUP, "the deadline");
    ok(strstr(qp_peer_error(peer), ": it takes too long") != NULL, "words: %s",
       qp_peer_error(peer));
    qp_peer_deadline(peer, FOREVER);
    is_int(qp_peer_shut(peer), APR_SUCCESS, "a new deadline");
    is_int(qp_peer_line(peer, 100, &line, &len), APR_SUCCESS, "and it goes on");
    is_int(qp_peer_line(peer, 100, &line, &len), APR_EOF, "to the end");
    ok(qp_peer_is_readable(peer), "the end can be read");
    end_server(srv);

    peer = meet(&srv, SAY_SLOWLY, "x", pool);
    qp_peer_deadline(peer, apr_time_from_msec(100));
    is_int(qp_peer_line(peer, 10000, &line, &len), APR_TIMEUP,
           "an octet now and then does not buy time");
    qp_peer_close(peer);
    end_server(srv);
}

/* Writing. ----------------------------------------------------------------- */

static void test_big(apr_pool_t *pool)
{
    server *srv;
    qp_peer *peer = meet(&srv, SAY_LAST, "thanks\n", pool);
    char *data = apr_palloc(pool, BIG);
    apr_status_t rv = APR_SUCCESS;
    const char *line = NULL;
    apr_size_t sent = 0;
    apr_size_t n = 1;
    apr_size_t len;
    int i;

    for (i = 0; i < BIG; i++) {
        data[i] = (char)(i * 7 + i / 256);
    }
    while (sent < BIG && rv == APR_SUCCESS) {
        n = n < BIG - sent ? n : BIG - sent;
        rv = qp_peer_write(peer, data + sent, n);
        sent += n;
        n = n * 5 % 49999;
    }
    is_int(rv, APR_SUCCESS, "pieces of all sizes");
    is_int(qp_peer_shut(peer), APR_SUCCESS, "and the end");
    is_int(qp_peer_line(peer, 100, &line, &len), APR_SUCCESS, "it is answered");
    end_server(srv);
    ok(srv->got_len == BIG && memcmp(srv->got, data, BIG) == 0,
       "it has arrived: %lu octets", (unsigned long)srv->got_len);
}

/* A server that reads nothing more has said why. */
static void test_last_words(apr_pool_t *pool)
{
    server *srv = make_server(SAY_FIRST, "", 0, pool);
    qp_peer *peer = qp_peer_create(NULL, pool);
    char *data = apr_pcalloc(pool, BIG);
    apr_status_t rv = APR_SUCCESS;
    const char *line = NULL;
    apr_size_t len;
    char octet;
    int fd;

    qp_peer_deadline(peer, FOREVER);
    ok(qp_peer_connect(peer, "127.0.0.1", srv->port) == APR_SUCCESS, "last");
    fd = accept(srv->fd, NULL, NULL);
    if (send(fd, "enough\n", 7, 0) != 7) {
        abort();
    }
    qp_peer_deadline(peer, apr_time_from_msec(200));
    while (rv == APR_SUCCESS) {
        rv = qp_peer_write(peer, data, BIG);
    }
    is_int(rv, APR_TIMEUP, "a server that is full");
    qp_peer_deadline(peer, FOREVER);
    is_int(qp_peer_line(peer, 100, &line, &len), APR_SUCCESS, "can be heard");
    is_str(line, "enough", "what it says");
    if (recv(fd, &octet, 1, 0) != 1) {
        abort();
    }
    close(fd); /* with unread input: a reset */
    is_int(qp_peer_write(peer, data, 1), APR_SUCCESS, "gathered");
    ok(qp_peer_line(peer, 100, &line, &len) != APR_SUCCESS, "gone: %s",
       qp_peer_error(peer));
    close(srv->fd);
}

static void test_file(apr_pool_t *pool)
{
    char name[] = "/tmp/qp_peer_XXXXXX";
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    server *srv = make_server(TAKE_FILE, "", 0, pool);
    qp_peer *peer = qp_peer_create(NULL, pool);
    int file = mkstemp(name);

    apr_snprintf(addr.sun_path, sizeof(addr.sun_path), "%s.socket", name);
    close(srv->fd);
    srv->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (file < 0 || write(file, "content", 7) != 7 || lseek(file, 0, SEEK_SET)
        || bind(srv->fd, (struct sockaddr *)&addr, sizeof(addr)) != 0
        || listen(srv->fd, 5) != 0) {
        abort();
    }
    run_server(srv);
    qp_peer_deadline(peer, FOREVER);
    is_int(qp_peer_connect_unix(peer, addr.sun_path), APR_SUCCESS, "a path");
    is_str(qp_peer_name(peer), addr.sun_path, "is its name");
    is_int(qp_peer_puts(peer, "take:"), APR_SUCCESS, "what comes before");
    is_int(qp_peer_send_fd(peer, file), APR_SUCCESS, "a file is passed");
    end_server(srv);
    ok(srv->got_len == 12 && memcmp(srv->got, "take:content", 12) == 0,
       "and can be read there");
    close(file);
    unlink(name);
    unlink(addr.sun_path);
}

/* TLS; handshakes that succeed are in t/plugins/queue/smtp-forward.t. ------ */

static void test_tls(apr_pool_t *pool)
{
    qp_tls_files files = { .verifies = 1, .ca_file = "/nowhere/ca" };
    qp_peer *peer = qp_peer_create(NULL, pool);
    qp_tls *tls = NULL;
    const char *error = qp_tls_create(&tls, &files, pool);
    const char *line;
    apr_size_t len;
    server *srv;

    ok(error != NULL && strstr(error, "certificates: \"/nowhere/ca\"") != NULL,
       "no such file: %s", error);
    files = (qp_tls_files){ .cert_file = "/nowhere/cert" };
    error = qp_tls_create(&tls, &files, pool);
    ok(error != NULL && strstr(error, "certificate: \"/nowhere/cert") != NULL,
       "no such certificate: %s", error);
    files = (qp_tls_files){ .verifies = 0 };
    is_str(qp_tls_create(&tls, &files, pool), NULL, "nothing is needed");
    is_int(qp_peer_start_tls(peer, tls, "x"), APR_EINVAL, "not connected");

    peer = meet(&srv, SAY_FIRST, "220 go\r\n250 in clear\r\n", pool);
    is_int(qp_peer_line(peer, 100, &line, &len), APR_SUCCESS, "an answer");
    is_int(qp_peer_start_tls(peer, tls, "x"), APR_EGENERAL, "and one more");
    ok(strstr(qp_peer_error(peer), "in clear behind STARTTLS") != NULL,
       "is not taken for one under TLS: %s", qp_peer_error(peer));
    is_int(qp_peer_puts(peer, "x"), APR_SUCCESS, "gathered");
    is_int(qp_peer_flush(peer), APR_EOF, "it is closed");
    end_server(srv);

    peer = meet(&srv, SAY_FIRST, "no TLS at all, but text", pool);
    ok(qp_peer_start_tls(peer, tls, "127.0.0.1") == APR_EGENERAL
           && strstr(qp_peer_error(peer), "cannot start TLS with") != NULL,
       "no TLS: %s", qp_peer_error(peer));
    is_str(qp_peer_tls(peer), NULL, "nothing is encrypted");
    end_server(srv);

    peer = meet(&srv, SAY_LAST, "", pool);
    qp_peer_deadline(peer, apr_time_from_msec(50));
    is_int(qp_peer_start_tls(peer, tls, "x"), APR_TIMEUP, "the deadline");
    end_server(srv);
}

/* Jobs. -------------------------------------------------------------------- */

typedef struct listener {
    server *srv;
    const char *error;
    int waits; /* atomic */
    int rv;    /* atomic; -1: it still runs */
} listener;

static apr_status_t listen_long(qp_job *job, void *baton)
{
    listener *self = baton;
    qp_peer *peer = qp_peer_create(job, qp_job_pool(job));
    apr_status_t rv;
    const char *line;
    apr_size_t len;

    rv = qp_peer_connect(peer, "127.0.0.1", self->srv->port);
    __atomic_store_n(&self->waits, 1, __ATOMIC_RELEASE);
    if (rv == APR_SUCCESS) {
        rv = qp_peer_line(peer, 100, &line, &len);
    }
    self->error = strstr(qp_peer_error(peer), ": nobody waits") ? "good" : "";
    qp_peer_close(peer);
    __atomic_store_n(&self->rv, rv, __ATOMIC_RELEASE);
    return rv;
}

static void ignore_wake(qp_waker *waker)
{
}

static void test_cancel(apr_pool_t *pool)
{
    qp_waker waker = { ignore_wake, ignore_wake, 1 };
    listener self = { .rv = -1 };
    apr_pool_t *session;
    qp_jobs *jobs;

    self.srv = make_server(SAY_LAST, "", 0, pool);
    run_server(self.srv);
    apr_pool_create(&session, pool);
    if (qp_jobs_create(&jobs, 1, pool) != APR_SUCCESS) {
        abort();
    }
    QP_IGNORE(qp_job_start(qp_jobs_prepare(jobs, &waker, session), listen_long,
                           &self)
                  == NULL,
              "nobody waits");
    while (!__atomic_load_n(&self.waits, __ATOMIC_ACQUIRE)) {
        apr_sleep(1000);
    }
    apr_pool_destroy(session);
    end_server(self.srv);
    while (__atomic_load_n(&self.rv, __ATOMIC_ACQUIRE) == -1) {
        apr_sleep(1000);
    }
    is_int(self.rv, APR_EINTR, "a client that leaves ends the wait");
    is_str(self.error, "good", "in words");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_connect(pool);
    test_unix(pool);
    test_full_queue(pool);
    test_lines(pool);
    test_limits(pool);
    test_octets(pool);
    test_silence(pool);
    test_big(pool);
    test_last_words(pool);
    test_file(pool);
    test_tls(pool);
    test_cancel(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
