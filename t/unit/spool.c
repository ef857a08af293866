/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of session/qp_spool: a message in memory and in a file, what reading
 * gives, what is left behind, and what is swept away.
 */
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "session/qp_spool.h"

#define OCTETS 400000

struct fixture {
    apr_pool_t *pool;
    const char *dir;   /* made by the test */
    const char *spool; /* below; made by the spool */
    char *text;        /* OCTETS of it */
};

static const char *below(const struct fixture *fix, const char *name)
{
    return apr_pstrcat(fix->pool, fix->spool, "/", name, NULL);
}

/* The only file of the spool folder. */
static const char *find_file(const struct fixture *fix, int *count)
{
    DIR *handle = opendir(fix->spool);
    struct dirent *entry;
    const char *found = NULL;

    *count = 0;
    while (handle != NULL && (entry = readdir(handle)) != NULL) {
        if (entry->d_name[0] != '.') {
            found = below(fix, entry->d_name);
            ++*count;
        }
    }
    if (handle != NULL) {
        closedir(handle);
    }
    return found;
}

static int count_files(const struct fixture *fix)
{
    int count;

    find_file(fix, &count);
    return count;
}

static void put(qp_spool *spool, const char *text, apr_size_t len)
{
    char *room = qp_spool_reserve(spool, len + 2, QP_SPOOL_MOVE);

    memcpy(room, text, len);
    qp_spool_commit(spool, len);
}

/* @return whether reading from offset on, in pieces, gives the rest of the
 *         text */
static int reads_back(const struct fixture *fix, const qp_spool *spool,
                      apr_off_t offset, apr_size_t piece)
{
    char *buf = malloc(piece);
    const char *data;
    apr_size_t len = piece;
    apr_status_t rv;
    int good = buf != NULL;

    while (good
           && (rv = qp_spool_read(spool, offset, buf, &data, &len))
                  == APR_SUCCESS) {
        good = len > 0 && memcmp(data, fix->text + offset, len) == 0;
        offset += (apr_off_t)len;
        len = piece;
    }
    free(buf);
    return good && APR_STATUS_IS_EOF(rv) && offset == qp_spool_size(spool);
}

static void check_reading(const struct fixture *fix, const qp_spool *spool,
                          const char *name)
{
    static const apr_size_t pieces[] = { 1000, 4096, 65536, 1000000 };
    apr_off_t size = qp_spool_size(spool);
    int good = 1;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(pieces); i++) {
        good &= reads_back(fix, spool, 0, pieces[i])
                && reads_back(fix, spool, size / 3, pieces[i])
                && reads_back(fix, spool, size > 0 ? size - 1 : 0, pieces[i])
                && reads_back(fix, spool, size, pieces[i]);
    }
    ok(good, "%s: all parts of it can be read", name);
}

static void test_memory(const struct fixture *fix)
{
    apr_pool_t *ptxn;
    qp_spool *spool;
    apr_size_t len;
    apr_size_t n;

    apr_pool_create(&ptxn, fix->pool);
    spool = qp_spool_create(fix->spool, 10000, ptxn);
    is_int((long long)qp_spool_size(spool), 0, "a new spool");
    check_reading(fix, spool, "a new spool");
    for (n = 0; n < 10000; n += 100) {
        put(spool, fix->text + n, 100);
    }
    is_int(count_files(fix), 0, "no file up to the threshold");
    ok(memcmp(qp_spool_memory(spool, &len), fix->text, 10000) == 0
           && len == 10000,
       "all is in memory");
    check_reading(fix, spool, "in memory");
    is_int(qp_spool_status(spool), APR_SUCCESS, "no error");
    apr_pool_destroy(ptxn);
}

/* @param threshold  of the spool; @param by  octets at a time */
static void test_file(const struct fixture *fix, int threshold, apr_size_t by)
{
    char name[60];
    struct stat info;
    apr_pool_t *ptxn;
    qp_spool *spool;
    const char *file;
    apr_size_t n;
    int count;

    apr_snprintf(name, sizeof(name), "threshold %d, by %d", threshold, (int)by);
    apr_pool_create(&ptxn, fix->pool);
    spool = qp_spool_create(fix->spool, threshold, ptxn);
    for (n = 0; n + by <= OCTETS; n += by) {
        put(spool, fix->text + n, by);
        if (n < (apr_size_t)threshold && n + by > (apr_size_t)threshold) {
            check_reading(fix, spool, name);
        }
    }
    file = find_file(fix, &count);
    is_int(count, 1, "%s: one file", name);
    ok(stat(file, &info) == 0 && (info.st_mode & 07777) == 0600, "%s: its mode",
       name);
    ok(info.st_size > 0 && info.st_size <= qp_spool_size(spool),
       "%s: most is in it", name);
    ok(stat(fix->spool, &info) == 0 && (info.st_mode & 07777) == 0700,
       "%s: the mode of the folder", name);
    is_int((long long)qp_spool_size(spool), (long long)n, "%s: size", name);
    check_reading(fix, spool, name);
    is_int(qp_spool_sweep(fix->spool), 0, "%s: not swept away", name);
    apr_pool_destroy(ptxn);
    is_int(count_files(fix), 0, "%s: removed with its pool", name);
}

/* What is still looked at stays in memory. */
static void test_keep(const struct fixture *fix)
{
    apr_pool_t *ptxn;
    qp_spool *spool;
    apr_size_t len;
    apr_size_t n;

    apr_pool_create(&ptxn, fix->pool);
    spool = qp_spool_create(fix->spool, 0, ptxn);
    for (n = 0; n < 100000; n += 1000) {
        memcpy(qp_spool_reserve(spool, 1000, QP_SPOOL_KEEP), fix->text + n,
               1000);
        qp_spool_commit(spool, 1000);
    }
    ok(memcmp(qp_spool_memory(spool, &len), fix->text, 100000) == 0
           && len == 100000 && count_files(fix) == 0,
       "kept in memory");
    put(spool, fix->text + n, 100000);
    is_int(count_files(fix), 1, "then it goes to the file");
    check_reading(fix, spool, "kept and moved");
    qp_spool_reserve(spool, 5000, QP_SPOOL_MOVE);
    qp_spool_commit(spool, 0);
    check_reading(fix, spool, "reserved and not used");
    apr_pool_destroy(ptxn);
}

static void test_errors(const struct fixture *fix)
{
    static const char *const dirs[] = { "/nonexistent/spool", "/dev/null" };
    apr_pool_t *ptxn;
    qp_spool *spool;
    size_t i;
    int n;

    for (i = 0; i < QP_ARRAY_LEN(dirs); i++) {
        apr_pool_create(&ptxn, fix->pool);
        spool = qp_spool_create(dirs[i], 0, ptxn);
        put(spool, fix->text, 100);
        is_int(qp_spool_status(spool), APR_SUCCESS, "%s: not used yet",
               dirs[i]);
        for (n = 0; n < 20; n++) {
            put(spool, fix->text, 20000);
        }
        ok(qp_spool_status(spool) != APR_SUCCESS, "%s: an error", dirs[i]);
        ok(qp_spool_size(spool) < 200000, "%s: memory stays bounded", dirs[i]);
        ok(qp_spool_file(spool) == NULL, "%s: no file", dirs[i]);
        apr_pool_destroy(ptxn);
    }
}

/* A file that somebody has cut. */
static void test_cut(const struct fixture *fix)
{
    char buf[1000];
    apr_size_t len = sizeof(buf);
    const char *data;
    apr_pool_t *ptxn;
    qp_spool *spool;
    int count;

    apr_pool_create(&ptxn, fix->pool);
    spool = qp_spool_create(fix->spool, 0, ptxn);
    put(spool, fix->text, 100000);
    put(spool, fix->text, 100000);
    is_int(truncate(find_file(fix, &count), 500), 0, "the file is cut");
    is_int(qp_spool_read(spool, 0, buf, &data, &len), APR_SUCCESS,
           "what is left of it");
    is_int((long long)len, 500, "as much as there is");
    len = sizeof(buf);
    is_int(qp_spool_read(spool, 500, buf, &data, &len), APR_EGENERAL,
           "an error, and not the end");
    apr_pool_destroy(ptxn);
}

/* The whole message as a file; copies; a new body. */
static void test_copies(const struct fixture *fix, int octets)
{
    apr_pool_t *ptxn;
    apr_pool_t *other;
    qp_spool *spool;
    qp_spool *copy = NULL;
    qp_spool *next;
    struct stat info;
    const char *path;
    int fd;

    apr_pool_create(&ptxn, fix->pool);
    apr_pool_create(&other, fix->pool);
    spool = qp_spool_create(fix->spool, 10000, ptxn);
    put(spool, fix->text, (apr_size_t)octets);
    is_int(qp_spool_detach(spool, &copy, other), APR_SUCCESS, "%d: a copy",
           octets);
    path = qp_spool_file(spool);
    ok(path != NULL && stat(path, &info) == 0 && info.st_size == octets,
       "%d: all of it is in the file", octets);
    is_int((long long)qp_spool_filed(spool, &fd), octets, "%d: and known so",
           octets);
    ok(fd >= 0, "%d: and open", octets);
    check_reading(fix, spool, "in a file");
    put(spool, fix->text + octets, 1000);
    check_reading(fix, spool, "and more behind");
    next = qp_spool_renew(spool);
    is_int((long long)qp_spool_size(next), 0, "%d: a new one", octets);
    put(next, fix->text, 50000);
    ok(qp_spool_file(next) != NULL && strcmp(qp_spool_file(next), path) != 0,
       "%d: with a file of its own", octets);
    apr_pool_destroy(ptxn);
    is_int(count_files(fix), 0, "%d: all files are removed", octets);
    is_int((long long)qp_spool_size(copy), octets, "%d: the copy stays",
           octets);
    check_reading(fix, copy, "a copy");
    apr_pool_destroy(other);
}

/* Leftovers. ------------------------------------------------------------- */

static int make_file(const struct fixture *fix, const char *name, int age)
{
    const char *path = below(fix, name);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    struct utimbuf times;

    times.actime = time(NULL) - age;
    times.modtime = times.actime;
    utime(path, &times);
    return fd;
}

/* A name as the spool makes it, new, of a process that has ended or lives. */
static const char *name_of(const struct fixture *fix, int is_dead)
{
    pid_t pid = is_dead ? fork() : getpid();

    if (pid == 0) {
        _exit(0);
    }
    if (is_dead && waitpid(pid, NULL, 0) != pid) {
        abort();
    }
    return apr_psprintf(fix->pool, "qp-1700000000-%ld-0123456789abcdef",
                        (long)pid);
}

/* R106: after a crash the age of a file says nothing. */
static void test_sweep_dead(const struct fixture *fix)
{
    const char *dead = name_of(fix, 1);
    const char *alive = name_of(fix, 0);
    int locked;

    close(make_file(fix, dead, 0));
    close(make_file(fix, alive, 0));
    is_int(qp_spool_sweep(fix->spool), 1, "a new file of a dead process");
    is_int(access(below(fix, dead), F_OK), -1, "is removed");
    is_int(access(below(fix, alive), F_OK), 0, "that of a living one stays");
    locked = make_file(fix, dead, 0);
    is_int(flock(locked, LOCK_EX | LOCK_NB), 0, "a file in use");
    is_int(qp_spool_sweep(fix->spool), 0, "stays, whoever has made it");
    close(locked);
    remove(below(fix, dead));
    remove(below(fix, alive));
}

static void test_sweep(const struct fixture *fix)
{
    static const char *const stay[] = { "qp-locked", "qp-new", "other-old",
                                        "qp-link",   "qp-dir", "qp-fifo" };
    struct utimbuf times = { 1, 1 };
    int locked;
    size_t i;

    close(make_file(fix, "qp-old", 1000));
    close(make_file(fix, "qp-older", 100000));
    close(make_file(fix, "qp-new", 0));
    close(make_file(fix, "other-old", 1000));
    locked = make_file(fix, "qp-locked", 1000);
    is_int(flock(locked, LOCK_EX | LOCK_NB), 0, "a file in use");
    is_int(symlink(below(fix, "other-old"), below(fix, "qp-link")), 0,
           "a link");
    is_int(mkdir(below(fix, "qp-dir"), 0700), 0, "a folder");
    is_int(mkfifo(below(fix, "qp-fifo"), 0600), 0, "a pipe");
    utime(below(fix, "qp-dir"), &times);
    utime(below(fix, "qp-fifo"), &times);
    is_int(qp_spool_sweep(fix->spool), 2, "two leftovers are removed");
    for (i = 0; i < QP_ARRAY_LEN(stay); i++) {
        is_int(access(below(fix, stay[i]), F_OK), 0, "%s stays", stay[i]);
    }
    close(locked);
    is_int(qp_spool_sweep(fix->spool), 1, "one that was in use before");
    is_int(qp_spool_sweep("/nonexistent"), 0, "no folder, no leftovers");
    for (i = 1; i < QP_ARRAY_LEN(stay); i++) {
        remove(below(fix, stay[i]));
    }
}

int main(void)
{
    static char template[] = "/tmp/qp-unit-XXXXXX";
    struct fixture fix;
    int i;

    apr_initialize();
    apr_pool_create(&fix.pool, NULL);
    fix.dir = mkdtemp(template);
    fix.spool = apr_pstrcat(fix.pool, fix.dir, "/spool", NULL);
    fix.text = malloc(OCTETS + 2000);
    for (i = 0; i < OCTETS + 2000; i++) {
        fix.text[i] = (char)(i % 251 * (i % 17));
    }
    test_memory(&fix);
    test_file(&fix, 0, 100);
    test_file(&fix, 10000, 100);
    test_file(&fix, 10000, 4096);
    test_file(&fix, 100000, 70000);
    test_keep(&fix);
    test_errors(&fix);
    test_cut(&fix);
    test_copies(&fix, 0);
    test_copies(&fix, 5000);
    test_copies(&fix, 300000);
    test_sweep(&fix);
    test_sweep_dead(&fix);
    free(fix.text);
    is_int(rmdir(fix.spool), 0, "nothing is left in the spool");
    is_int(rmdir(fix.dir), 0, "nothing is left");
    apr_pool_destroy(fix.pool);
    apr_terminate();
    return done_testing();
}
