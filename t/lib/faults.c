/* SPDX-License-Identifier: Apache-2.0 */
/* For LD_PRELOAD: lets file calls fail. The file that QP_FAULTS names has two
 * numbers, N and an errno: of the calls that make, write, flush, move or close
 * a file in the folder QP_FAULTS_DIR, the N-th since that file was changed
 * fails with it. A close that fails has closed. How many calls there have been
 * is written to QP_FAULTS with ".seen" behind it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct timespec changed;
static long seen;

static long read_order(const char *control, long *error)
{
    char text[64];
    long n = 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY);
    ssize_t len;
    struct stat info;

    if (fd < 0) {
        return 0;
    }
    len = syscall(SYS_read, fd, text, sizeof(text) - 1);
    if (fstat(fd, &info) == 0
        && (info.st_mtim.tv_sec != changed.tv_sec
            || info.st_mtim.tv_nsec != changed.tv_nsec)) {
        changed = info.st_mtim;
        seen = 0;
    }
    syscall(SYS_close, fd);
    text[len > 0 ? len : 0] = '\0';
    return sscanf(text, "%ld %ld", &n, error) == 2 ? n : 0;
}

static void tell_seen(const char *control)
{
    char name[4096];
    char text[32];
    int fd;
    int len = snprintf(text, sizeof(text), "%ld\n", seen);

    snprintf(name, sizeof(name), "%s.seen", control);
    fd = (int)syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC,
                      0666);
    if (fd >= 0) {
        syscall(SYS_write, fd, text, (size_t)len);
        syscall(SYS_close, fd);
    }
}

/* @return whether this call is to fail; errno says how */
static int is_fault(const char *path)
{
    const char *control = getenv("QP_FAULTS");
    const char *dir = getenv("QP_FAULTS_DIR");
    long error = 0;
    int kept = errno;
    int fails = 0;

    if (control == NULL || dir == NULL || path == NULL
        || strncmp(path, dir, strlen(dir)) != 0) {
        return 0;
    }
    pthread_mutex_lock(&mutex);
    long n = read_order(control, &error);
    if (n > 0) {
        fails = ++seen == n;
        tell_seen(control);
    }
    pthread_mutex_unlock(&mutex);
    errno = fails ? (int)error : kept;
    return fails;
}

static int is_fault_of(int fd)
{
    char link[64];
    char path[4096];
    ssize_t len;
    int kept = errno;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof(path) - 1);
    errno = kept;
    path[len > 0 ? len : 0] = '\0';
    return is_fault(path);
}

#define REAL(type, name, ...)                                                  \
    static type (*real)(__VA_ARGS__);                                          \
    if (real == NULL) {                                                        \
        *(void **)&real = dlsym(RTLD_NEXT, #name);                             \
    }

#define OPEN(name)                                                             \
    int name(const char *path, int flags, ...)                                 \
    {                                                                          \
        va_list ap;                                                            \
        mode_t mode = 0;                                                       \
                                                                               \
        REAL(int, name, const char *, int, mode_t)                             \
        if (flags & O_CREAT) {                                                 \
            va_start(ap, flags);                                               \
            mode = (mode_t)va_arg(ap, int);                                    \
            va_end(ap);                                                        \
            if (is_fault(path)) {                                              \
                return -1;                                                     \
            }                                                                  \
        }                                                                      \
        return real(path, flags, mode);                                        \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *data, size_t len)
{
    REAL(ssize_t, write, int, const void *, size_t)
    return is_fault_of(fd) ? -1 : real(fd, data, len);
}

#define PWRITE(name)                                                           \
    ssize_t name(int fd, const void *data, size_t len, off64_t at)             \
    {                                                                          \
        REAL(ssize_t, name, int, const void *, size_t, off64_t)                \
        return is_fault_of(fd) ? -1 : real(fd, data, len, at);                 \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

#define SYNC(name)                                                             \
    int name(int fd)                                                           \
    {                                                                          \
        REAL(int, name, int)                                                   \
        return is_fault_of(fd) ? -1 : real(fd);                                \
    }
SYNC(fsync)
SYNC(fdatasync)

int close(int fd)
{
    REAL(int, close, int)
    if (is_fault_of(fd)) {
        int error = errno;

        real(fd);
        errno = error;
        return -1;
    }
    return real(fd);
}

#define MOVE(name)                                                             \
    int name(const char *from, const char *to)                                 \
    {                                                                          \
        REAL(int, name, const char *, const char *)                            \
        return is_fault(to) ? -1 : real(from, to);                             \
    }
MOVE(rename)
MOVE(link)
