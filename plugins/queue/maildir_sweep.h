/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file maildir_sweep.h
 * @brief Removes from a Maildir's tmp what deliveries of dead processes left.
 *
 * A process looks into a Maildir when it starts or first delivers there, and
 * when it delivers there an hour later. Only names that queue/maildir makes are
 * looked at; what others left is for those to judge.
 */
#ifndef MAILDIR_SWEEP_H
#define MAILDIR_SWEEP_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_time.h>

/* Maildirs that are remembered; where two share a place they are looked into
 * more often. */
#define SWEEP_SLOTS  1024
/* Seconds after which any file in tmp may be removed, by maildir(5). */
#define LEFTOVER_AGE (36 * 3600)

#define DIGITS       "0123456789"

/* Each is the hash of a name, and the hour when tmp was looked into. */
struct maildir_swept {
    apr_uint64_t slots[SWEEP_SLOTS];
};

/* Whether it is time to look into a Maildir. Threads that come at once may both
 * look, or neither for an hour: both are harmless. */
static inline int is_sweep_due(struct maildir_swept *swept, const char *dir)
{
    apr_ssize_t len = APR_HASH_KEY_STRING;
    apr_uint32_t hash = apr_hashfunc_default(dir, &len);
    apr_uint64_t now =
        (apr_uint64_t)hash << 32
        | (apr_uint32_t)(apr_time_sec(apr_time_now()) / 3600 + 1);

    return __atomic_exchange_n(&swept->slots[hash % SWEEP_SLOTS], now,
                               __ATOMIC_RELAXED)
           != now;
}

/* "SECONDS.MmicrosecondsPprocessQtransaction.host" @return at the number of the
 * process, or NULL */
static inline const char *find_process(const char *name)
{
    size_t len = strspn(name, DIGITS);

    if (len == 0 || strncmp(name + len, ".M", 2) != 0) {
        return NULL;
    }
    name += len + 2;
    name += strspn(name, DIGITS);
    if (name[0] != 'P') {
        return NULL;
    }
    len = strspn(name + 1, DIGITS);
    return len > 0 && name[1 + len] == 'Q' ? name + 1 : NULL;
}

/* Whether a process is no more, or has ended and nobody has asked how: where
 * init does not, as in many a container, it remains like that. */
static inline int is_gone(pid_t pid)
{
    char text[512];
    char path[64];
    ssize_t len = -1;
    const char *name;
    int fd;

    if (kill(pid, 0) != 0) {
        return errno == ESRCH;
    }
    apr_snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        len = read(fd, text, sizeof(text) - 1);
        close(fd);
    }
    text[len > 0 ? len : 0] = '\0';
    name = strrchr(text, ')'); /* PID (NAME) STATE, proc(5) */
    return name != NULL && strncmp(name, ") Z", 3) == 0;
}

/* Of this host: whether it has no such process. A file of one that lives may
 * be in use, whatever its age: the clock may have been set. Of another host: by
 * its age. */
static inline int is_abandoned(const char *process, const char *host,
                               const struct stat *info)
{
    char *end = NULL;
    long pid = strtol(process, &end, 10);
    const char *dot = strchr(end, '.');

    if (dot == NULL || strcmp(dot + 1, host) != 0) {
        return info->st_mtime + LEFTOVER_AGE < apr_time_sec(apr_time_now());
    }
    return pid > 0 && is_gone((pid_t)pid);
}

static inline int is_leftover(int tmp, const char *name, const char *host)
{
    const char *process = find_process(name);
    struct stat info;

    return process != NULL
           && fstatat(tmp, name, &info, AT_SYMLINK_NOFOLLOW) == 0
           && S_ISREG(info.st_mode) && is_abandoned(process, host, &info);
}

/* @return how many were removed */
static inline int sweep_tmp(const char *tmp, const char *host)
{
    DIR *handle = opendir(tmp);
    const struct dirent *entry;
    int removed = 0;

    if (handle == NULL) {
        return 0;
    }
    while ((entry = readdir(handle)) != NULL) {
        if (is_leftover(dirfd(handle), entry->d_name, host)
            && unlinkat(dirfd(handle), entry->d_name, 0) == 0) {
            removed++;
        }
    }
    closedir(handle);
    return removed;
}

#endif /* MAILDIR_SWEEP_H */
