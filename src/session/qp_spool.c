/* SPDX-License-Identifier: Apache-2.0 */
/* The spool of one message. Up to the threshold it is a buffer in the
 * transaction's pool; beyond, a file of mode 0600 whose tail is in the buffer
 * (D22). The file is locked while its session lives, so that leftovers can be
 * told from files in use. It knows nothing of headers or line ends. */

#include "session/qp_spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <apr_strings.h>

#define FIRST_BUFFER 4000
#define FILE_BUFFER  65536
#define FILE_PREFIX  "qp-"

/* Seconds from which on a file that nobody has locked is a leftover, though a
 * process of the number that made it lives. */
#define LEFTOVER_AGE 60

struct qp_spool {
    apr_pool_t *pool;
    const char *dir;
    apr_off_t threshold;
    char *buf; /* the tail of the message */
    apr_size_t len, cap;
    apr_off_t filed; /* octets in the file */
    int fd;          /* -1: no file yet */
    const char *path;
    apr_status_t error;
};

static apr_status_t remove_file(void *data)
{
    qp_spool *spool = data;

    if (spool->fd >= 0) {
        unlink(spool->path);
        close(spool->fd);
        spool->fd = -1;
    }
    return APR_SUCCESS;
}

qp_spool *qp_spool_create(const char *dir, apr_off_t threshold,
                          apr_pool_t *pool)
{
    qp_spool *spool = apr_pcalloc(pool, sizeof(*spool));

    spool->pool = pool;
    spool->dir = dir;
    spool->threshold = threshold;
    spool->fd = -1;
    return spool;
}

/* A name of the form of core.md 17, which qp_spool_sweep recognises. */
static int open_new(qp_spool *spool)
{
    unsigned char random[8];
    int fd;

    QP_IGNORE(apr_generate_random_bytes(random, sizeof(random)),
              "O_EXCL holds the promise");
    spool->path =
        apr_psprintf(spool->pool,
                     "%s/" FILE_PREFIX "%" APR_INT64_T_FMT
                     "-%ld-%02x%02x%02x%02x%02x%02x%02x%02x",
                     spool->dir, (apr_int64_t)apr_time_sec(apr_time_now()),
                     (long)getpid(), random[0], random[1], random[2], random[3],
                     random[4], random[5], random[6], random[7]);
    fd = open(spool->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
              0600);
    if (fd < 0 && errno == ENOENT && mkdir(spool->dir, 0700) == 0) {
        fd = open(spool->path,
                  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    return fd;
}

/* @return 0, or an errno */
static int lock_new(int fd)
{
    struct stat info;

    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &info) != 0) {
        return errno;
    }
    return info.st_nlink > 0 ? 0 : ESTALE; /* swept before it was locked */
}

static apr_status_t open_file(qp_spool *spool)
{
    int fd = open_new(spool);
    int error;

    if (fd < 0) {
        return errno;
    }
    error = lock_new(fd);
    if (error != 0) {
        unlink(spool->path);
        close(fd);
        return error;
    }
    spool->fd = fd;
    apr_pool_cleanup_register(spool->pool, spool, remove_file,
                              apr_pool_cleanup_null);
    return APR_SUCCESS;
}

/* At its place: the position of the descriptor is shared with buckets that
 * read the file. */
static apr_status_t write_all(const qp_spool *spool)
{
    apr_size_t done = 0;
    ssize_t n;

    while (done < spool->len) {
        n = pwrite(spool->fd, spool->buf + done, spool->len - done,
                   spool->filed + (apr_off_t)done);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        if (n > 0) {
            done += (apr_size_t)n;
        }
    }
    return APR_SUCCESS;
}

static void move_to_file(qp_spool *spool)
{
    apr_status_t rv = spool->error;

    if (rv == APR_SUCCESS && spool->fd < 0) {
        rv = open_file(spool);
    }
    if (rv == APR_SUCCESS) {
        rv = write_all(spool);
    }
    if (rv == APR_SUCCESS) {
        spool->filed += (apr_off_t)spool->len;
    }
    spool->error = rv;
    spool->len = 0;
}

static void grow_buffer(qp_spool *spool, apr_size_t needed)
{
    apr_size_t cap = spool->cap == 0 ? FIRST_BUFFER : 2 * spool->cap;
    char *buf;

    if (cap < needed) {
        cap = needed;
    }
    buf = apr_palloc(spool->pool, cap);
    if (spool->len > 0) {
        memcpy(buf, spool->buf, spool->len);
    }
    spool->buf = buf;
    spool->cap = cap;
}

char *qp_spool_reserve(qp_spool *spool, apr_size_t len, qp_spool_flags flags)
{
    apr_size_t needed = spool->len + len;

    if (needed > spool->cap && flags == QP_SPOOL_MOVE && spool->len > 0
        && (spool->fd >= 0 || (apr_off_t)needed > spool->threshold)) {
        move_to_file(spool);
        needed = len > FILE_BUFFER ? len : FILE_BUFFER;
    }
    if (needed > spool->cap) {
        grow_buffer(spool, needed);
    }
    return spool->buf + spool->len;
}

void qp_spool_commit(qp_spool *spool, apr_size_t len)
{
    QP_ASSERT(spool->len + len <= spool->cap);
    spool->len += len;
}

const char *qp_spool_file(qp_spool *spool)
{
    if (spool->len > 0 || spool->fd < 0) {
        move_to_file(spool);
    }
    return spool->error == APR_SUCCESS ? spool->path : NULL;
}

qp_spool *qp_spool_renew(const qp_spool *spool)
{
    return qp_spool_create(spool->dir, spool->threshold, spool->pool);
}

static apr_status_t close_copy(void *data)
{
    const qp_spool *spool = data;

    close(spool->fd);
    return APR_SUCCESS;
}

apr_status_t qp_spool_detach(const qp_spool *spool, qp_spool **out,
                             apr_pool_t *pool)
{
    qp_spool *copy = apr_pmemdup(pool, spool, sizeof(*spool));

    copy->pool = pool;
    copy->buf = apr_pmemdup(pool, spool->buf, spool->len);
    copy->cap = spool->len;
    if (spool->fd >= 0) {
        copy->fd = fcntl(spool->fd, F_DUPFD_CLOEXEC, 0);
        if (copy->fd < 0) {
            return errno;
        }
        apr_pool_cleanup_register(pool, copy, close_copy,
                                  apr_pool_cleanup_null);
    }
    *out = copy;
    return APR_SUCCESS;
}

apr_off_t qp_spool_filed(const qp_spool *spool, int *fd)
{
    *fd = spool->fd;
    return spool->filed;
}

apr_off_t qp_spool_size(const qp_spool *spool)
{
    return spool->filed + (apr_off_t)spool->len;
}

const char *qp_spool_memory(const qp_spool *spool, apr_size_t *len)
{
    *len = spool->len;
    return spool->buf;
}

apr_status_t qp_spool_status(const qp_spool *spool)
{
    return spool->error;
}

apr_status_t qp_spool_read(const qp_spool *spool, apr_off_t offset, char *buf,
                           const char **data, apr_size_t *len)
{
    apr_off_t behind = offset - spool->filed;
    apr_size_t want = *len;
    ssize_t n;

    if (behind >= 0) {
        *len = behind < (apr_off_t)spool->len ? spool->len - (apr_size_t)behind
                                              : 0;
        *data = spool->buf + behind;
        return *len > 0 ? APR_SUCCESS : APR_EOF;
    }
    if ((apr_off_t)want > -behind) {
        want = (apr_size_t)-behind;
    }
    do {
        n = pread(spool->fd, buf, want, offset);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno;
    }
    *data = buf;
    *len = (apr_size_t)n;
    return n > 0 ? APR_SUCCESS : APR_EGENERAL; /* the file was cut */
}

int qp_spool_is_dead(const char *pid)
{
    long number = strtol(pid, NULL, 10);

    return number > 0 && kill((pid_t)number, 0) != 0 && errno == ESRCH;
}

/* "qp-SECONDS-PROCESS-RANDOM" */
static int is_of_dead(const char *name)
{
    const char *dash = strchr(name + strlen(FILE_PREFIX), '-');

    return dash != NULL && qp_spool_is_dead(dash + 1);
}

/* A leftover is a file of ours that no process holds locked. One that was
 * made a moment ago may not be locked yet, if who made it lives. */
static int is_leftover(int fd, const char *name)
{
    struct stat info;

    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode)
           && (is_of_dead(name) || info.st_mtime + LEFTOVER_AGE < time(NULL))
           && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static int remove_leftover(int dirfd, const char *name)
{
    int removed = 0;
    int fd =
        openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0) {
        return 0;
    }
    if (is_leftover(fd, name)) {
        removed = unlinkat(dirfd, name, 0) == 0;
    }
    close(fd);
    return removed;
}

int qp_spool_sweep(const char *dir)
{
    DIR *handle = opendir(dir);
    const struct dirent *entry;
    int removed = 0;

    if (handle == NULL) {
        return 0;
    }
    while ((entry = readdir(handle)) != NULL) {
        if (strncmp(entry->d_name, FILE_PREFIX, strlen(FILE_PREFIX)) == 0) {
            removed += remove_leftover(dirfd(handle), entry->d_name);
        }
    }
    closedir(handle);
    return removed;
}
