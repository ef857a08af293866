/* SPDX-License-Identifier: Apache-2.0 */
/* For LD_PRELOAD: a clock that is set. The file that QP_CLOCK names has a
 * number of seconds, in the form of the machine, by which the time of day is
 * wrong for all processes. The monotonic clock is not, as in life. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t none;

static int64_t *map_offset(void)
{
    const char *name = getenv("QP_CLOCK");
    int fd = name != NULL ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *map = MAP_FAILED;

    if (fd >= 0) {
        map = mmap(NULL, sizeof(none), PROT_READ, MAP_SHARED, fd, 0);
        close(fd);
    }
    return map != MAP_FAILED ? map : &none;
}

static time_t find_offset(void)
{
    static int64_t *offset;
    int64_t *found = __atomic_load_n(&offset, __ATOMIC_ACQUIRE);

    if (found == NULL) {
        found = map_offset();
        __atomic_store_n(&offset, found, __ATOMIC_RELEASE);
    }
    return (time_t)__atomic_load_n(found, __ATOMIC_RELAXED);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int rv = (int)syscall(SYS_clock_gettime, clock, now);

    if (rv == 0
        && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += find_offset();
    }
    return rv;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec exact;
    int rv = clock_gettime(CLOCK_REALTIME, &exact);

    (void)zone;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return rv;
}

time_t time(time_t *out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}
