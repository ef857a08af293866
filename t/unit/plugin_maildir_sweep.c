/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugins/queue/maildir_sweep.h: which files in tmp are leftovers of
 * deliveries (R106), and when a Maildir is looked into.
 */
#include "tap.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <utime.h>

#include <apr_general.h>

#include "base/qp_base.h"
#include "plugins/queue/maildir_sweep.h"

#define HOST "mx.example.org"

/** A name in tmp; %ld is a process. */
struct row {
    const char *name;
    int is_alive; /* the process */
    int hours;    /* old */
    int stays;
};

static const struct row rows[] = {
    { "1700000000.M000001P%ldQabc_1." HOST, 0, 0, 0 },
    { "1700000000.M000001P%ldQabc_2." HOST, 0, 37, 0 },
    { "1700000000.M000001P%ldQabc_3." HOST, 1, 35, 1 },
    { "1700000000.M000001P%ldQabc_4." HOST, 1, 99, 1 },
    /* Nobody knows the processes of another host. */
    { "1700000000.M000001P%ldQabc_1.other.example", 0, 35, 1 },
    { "1700000000.M000001P%ldQabc_1." HOST ".test", 0, 0, 1 },
    { "1700000000.M000001P%ldQabc_1.other.test", 0, 37, 0 },
    /* Others' names. */
    { "1700000000.%ld_2." HOST, 0, 99, 1 },
    { "1700000000.M000001P", 0, 99, 1 },
    { "1700000000.M%ld", 0, 99, 1 },
    { "M000001P%ldQabc_1." HOST, 0, 99, 1 },
    { "1700000000.M000001P0Qabc_1." HOST, 0, 0, 1 },
    { "1700000000.M000001P99999999999999999999Qabc_1." HOST, 0, 0, 1 },
    { "1700000000.M000001P%ld", 0, 0, 1 },
    { "1700000000.M000001P%ldQabc", 0, 0, 1 },
    { "1700000000.M000001P%ldX." HOST, 0, 0, 1 },
    { "1700000000.M000001P%ldV5I7." HOST, 0, 99, 1 },
    { "1700000000.M000001P%ld." HOST, 0, 99, 1 },
};

/* One that has ended: with WNOWAIT nobody asks how, with 0 it is no more. */
static long dead_process(int options)
{
    siginfo_t info;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(0);
    }
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | options) != 0) {
        abort();
    }
    return pid;
}

static const char *name_of(const struct row *row, const char *dir, long dead,
                           apr_pool_t *pool)
{
    const char *mark = strstr(row->name, "%ld");

    if (mark == NULL) {
        return apr_pstrcat(pool, dir, "/", row->name, NULL);
    }
    return apr_psprintf(pool, "%s/%.*s%ld%s", dir, (int)(mark - row->name),
                        row->name, row->is_alive ? (long)getpid() : dead,
                        mark + 3);
}

static void put_file(const char *path, int hours)
{
    struct utimbuf times;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    times.actime = times.modtime = time(NULL) - 3600 * hours;
    if (fd < 0 || close(fd) != 0 || utime(path, &times) != 0) {
        diag("cannot make %s", path);
        abort();
    }
}

static void test_files(const char *dir, int options, apr_pool_t *pool)
{
    long dead = dead_process(options);
    const char *folder =
        apr_psprintf(pool, "%s/1700000000.M000002P%ldQabc_1." HOST, dir, dead);
    int gone = 0;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        put_file(name_of(&rows[i], dir, dead, pool), rows[i].hours);
        gone += !rows[i].stays;
    }
    is_int(mkdir(folder, 0700), 0, "a folder");
    is_int(symlink("nowhere", apr_pstrcat(pool, folder, "x", NULL)), 0,
           "a link");
    is_int(sweep_tmp(dir, HOST), gone, "leftovers are removed");
    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_int(access(name_of(&rows[i], dir, dead, pool), F_OK),
               rows[i].stays ? 0 : -1, "%s, %d h: %s", rows[i].name,
               rows[i].hours, rows[i].stays ? "stays" : "goes");
        unlink(name_of(&rows[i], dir, dead, pool));
    }
    is_int(rmdir(folder), 0, "a folder is none of them");
    is_int(unlink(apr_pstrcat(pool, folder, "x", NULL)), 0, "nor a link");
    is_int(sweep_tmp("/nonexistent", HOST), 0, "no folder, no leftovers");
}

static void test_due(apr_pool_t *pool)
{
    struct maildir_swept *swept = apr_pcalloc(pool, sizeof(*swept));
    int again;

    is_int(is_sweep_due(swept, "/a"), 1, "the first time");
    /* An hour may just begin. */
    again = is_sweep_due(swept, "/a") && is_sweep_due(swept, "/a");
    is_int(again, 0, "not the next");
    is_int(is_sweep_due(swept, "/b"), 1, "another Maildir");
}

int main(void)
{
    char dir[] = "/tmp/qp_sweep_XXXXXX";
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (mkdtemp(dir) == NULL) {
        abort();
    }
    test_files(dir, 0, pool);
    test_files(dir, WNOWAIT, pool);
    is_int(rmdir(dir), 0, "nothing else is there");
    test_due(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
