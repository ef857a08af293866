/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file out.h
 * @brief What log lines are written to: an open file, or a program's input;
 *        for the plugin logging/file.
 *
 * Each is counted and lives in a pool of its own, until its last user lets go
 * of it. Which one a line goes to is not decided here.
 */
#ifndef LOGGING_OUT_H
#define LOGGING_OUT_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_pools.h>
#include <apr_strings.h>

struct out {
    apr_pool_t *pool;
    const char *name;
    dev_t dev;
    ino_t ino;
    int fd;
    pid_t program; /**< or 0 */
    unsigned int refs;
};

static inline struct out *make_out(const char *name, int fd)
{
    apr_pool_t *pool;
    struct out *out;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        abort();
    }
    apr_pool_tag(pool, "logging/file");
    out = apr_pcalloc(pool, sizeof(*out));
    out->pool = pool;
    out->name = apr_pstrdup(pool, name);
    out->fd = fd;
    out->refs = 1;
    return out;
}

/** NULL is possible. */
static inline struct out *share_out(struct out *out)
{
    if (out != NULL) {
        __atomic_add_fetch(&out->refs, 1, __ATOMIC_RELAXED);
    }
    return out;
}

/** NULL is possible. */
static inline void release_out(struct out *out)
{
    if (out == NULL
        || __atomic_sub_fetch(&out->refs, 1, __ATOMIC_ACQ_REL) != 0) {
        return;
    }
    close(out->fd);
    if (out->program > 0) {
        waitpid(out->program, NULL, WNOHANG);
    }
    apr_pool_destroy(out->pool);
}

/** Does not wait for the reader of a FIFO. @return NULL, with an errno */
static inline struct out *open_file(const char *name, int *error)
{
    int flags =
        O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = open(name, flags, 0640);
    struct stat info;
    struct out *out;

    if (fd < 0 || fstat(fd, &info) != 0) {
        *error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    out = make_out(name, fd);
    out->dev = info.st_dev;
    out->ino = info.st_ino;
    return out;
}

/** Whether the name still leads to the open file. */
static inline int is_there(const struct out *out)
{
    struct stat info;

    return stat(out->name, &info) == 0 && info.st_dev == out->dev
           && info.st_ino == out->ino;
}

/* Its signals are those of a program that was started by hand, and it is not
 * in httpd's group of processes: it sees the end of its input, and the last
 * lines, when httpd is stopped. @return 0, or an errno */
static inline int spawn_program(char **argv, int input, pid_t *pid)
{
    short flags =
        POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t signals;
    int error;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawnattr_init(&attr);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attr, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attr, &signals);
    posix_spawnattr_setflags(&attr, flags);
    error = posix_spawn(pid, argv[0], &actions, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/** Starts a program and writes to it without waiting for it. @return NULL,
 *  with an errno */
static inline struct out *start_out(char **argv, int *error)
{
    struct out *out;
    int ends[2];
    pid_t pid = 0;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        *error = errno;
        return NULL;
    }
    *error = spawn_program(argv, ends[0], &pid);
    close(ends[0]);
    if (*error != 0) {
        close(ends[1]);
        return NULL;
    }
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    out = make_out(argv[0], ends[1]);
    out->program = pid;
    return out;
}

#endif /* LOGGING_OUT_H */
