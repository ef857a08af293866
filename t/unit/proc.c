/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_proc with programs of the system: what they read and say,
 * how they end, what they have, and what happens when they do not end.
 */
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/qp_base.h"

#define FOREVER apr_time_from_sec(60)

static qp_proc *make_proc(const char *const *argv, const char *text,
                          apr_pool_t *pool)
{
    qp_proc *proc = apr_pcalloc(pool, sizeof(*proc));

    proc->argv = argv;
    proc->feeds[0].text = text;
    proc->feeds[0].len = strlen(text);
    return proc;
}

/** Runs a line of the shell, which is not what plugins do. */
static qp_proc *run_shell(const char *line, const char *text, apr_pool_t *pool)
{
    const char **argv = apr_pcalloc(pool, 4 * sizeof(*argv));
    qp_proc *proc;

    argv[0] = "/bin/sh";
    argv[1] = "-c";
    argv[2] = line;
    proc = make_proc(argv, text, pool);
    is_int(qp_proc_run(NULL, proc, FOREVER), APR_SUCCESS, "%s", line);
    return proc;
}

static void test_ends(apr_pool_t *pool)
{
    qp_proc *proc = run_shell("cat; echo bad >&2; exit 7", "hello", pool);

    is_int(proc->exit, 7, "its exit status");
    is_int(proc->signal, 0, "no signal");
    is_str(proc->out, "hello", "its stdout");
    is_str(proc->err, "bad\n", "its stderr");
    is_int(proc->is_unread, 0, "it has read all");
    proc = run_shell("kill -9 $$", "", pool);
    is_int(proc->signal, SIGKILL, "a signal");
    is_int(proc->exit, -1, "is no exit status");
}

static void test_unread(apr_pool_t *pool)
{
    char *big = apr_pcalloc(pool, 1000001);
    qp_proc *proc;

    memset(big, 'x', 1000000);
    proc = run_shell("exit 0", big, pool);
    is_int(proc->exit, 0, "it says that all is well");
    is_int(proc->is_unread, 1, "but has not read all");
    proc = run_shell("cat", big, pool);
    is_int(proc->is_unread, 0, "it has read all");
    is_int((int)proc->out_len, QP_PROC_TEXT, "what it says is bounded");
    is_int((int)strlen(proc->out), QP_PROC_TEXT, "and ended");
    /* What it leaves behind holds its pipes. */
    proc = run_shell("sleep 60 & exit 3", "", pool);
    is_int(proc->exit, 3, "nobody waits for a program that it has started");
}

static void test_surroundings(apr_pool_t *pool)
{
    int fd = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    const char *env[] = { "A=b c", NULL };
    const char *argv[] = { "/usr/bin/env", NULL };
    const char *words[] = { "/bin/echo", "$HOME;", "-n", "`id`", "*", NULL };
    qp_proc *proc = run_shell("cd /proc/self/fd; echo *", "", pool);

    is_str(proc->out, "0 1 2 3\n", "no descriptor but its own, and its folder");
    close(fd);
    proc = make_proc(argv, "", pool);
    proc->env = env;
    is_int(qp_proc_run(NULL, proc, FOREVER), APR_SUCCESS, "an environment");
    is_str(proc->out, "A=b c\n", "is what it was given");
    proc = make_proc(words, "", pool);
    is_int(qp_proc_run(NULL, proc, FOREVER), APR_SUCCESS, "words");
    is_str(proc->out, "$HOME; -n `id` *\n", "arrive as they are");
    proc = run_shell("trap", "", pool);
    is_str(proc->out, "", "signals are as they were at first");
    proc = run_shell("kill -TERM $$; echo alive", "", pool);
    is_int(proc->signal, SIGTERM, "and not blocked");
}

/* "piece " three times, or until it is to fail. */
static apr_status_t make_piece(void *baton, const char **data, apr_size_t *len)
{
    int *left = baton;

    *data = "piece ";
    *len = 6;
    if (*left < 0) {
        return APR_EGENERAL;
    }
    return (*left)-- > 0 ? APR_SUCCESS : APR_EOF;
}

static void test_pieces(apr_pool_t *pool)
{
    const char *argv[] = { "/bin/cat", NULL };
    qp_proc *proc = make_proc(argv, "", pool);
    int left = 3;

    proc->feeds[0].next = make_piece;
    proc->feeds[0].baton = &left;
    is_int(qp_proc_run(NULL, proc, FOREVER), APR_SUCCESS, "pieces");
    is_str(proc->out, "piece piece piece ", "are fed as they are made");
    left = -1;
    is_int(qp_proc_run(NULL, proc, FOREVER), APR_EGENERAL,
           "one that cannot be made");
    is_int(proc->exit, -1, "ends the program");
}

/* The second one is read when the first has ended. */
static void test_two_feeds(apr_pool_t *pool)
{
    const char *argv[] = { "/bin/sh", "-c", "cat >&2; echo / >&2; cat <&1 >&2",
                           NULL };
    qp_proc *proc = make_proc(argv, "message", pool);

    proc->feeds[1].fd = 1;
    proc->feeds[1].text = "Fa\0Tb\0";
    proc->feeds[1].len = 7;
    is_int(qp_proc_run(NULL, proc, FOREVER), APR_SUCCESS, "two feeds");
    ok(proc->err_len == 16 && memcmp(proc->err, "message/\nFa\0Tb\0", 16) == 0,
       "%lu octets", (unsigned long)proc->err_len);
}

static void test_faults(apr_pool_t *pool)
{
    const char *nobody[] = { "/nowhere/program", NULL };
    /* Seconds that no other run of this test waits for. */
    const char *seconds = apr_psprintf(pool, "61.%ld", (long)getpid());
    const char *slow[] = {
        "/bin/sh", "-c",
        apr_psprintf(pool, "sleep %s & sleep %s", seconds, seconds), NULL
    };
    qp_proc *proc = make_proc(nobody, "", pool);
    qp_proc *left;

    is_int(qp_proc_run(NULL, proc, FOREVER), ENOENT, "no such program");
    is_str(proc->error,
           "cannot start /nowhere/program: No such file or directory",
           "in words");
    proc = make_proc(slow, "", pool);
    is_int(qp_proc_run(NULL, proc, apr_time_from_msec(100)), APR_TIMEUP,
           "one that does not end");
    is_str(proc->error, "cannot wait for /bin/sh: it takes too long",
           "in words");
    left = run_shell(apr_psprintf(pool,
                                  "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | "
                                  "grep -c '[s]leep %s ' || :",
                                  seconds),
                     "", pool);
    is_str(left->out, "0\n", "nothing of it is left");
}

int main(void)
{
    apr_pool_t *pool;

    signal(SIGPIPE, SIG_IGN); /* jobs have all signals blocked */
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_ends(pool);
    test_unread(pool);
    test_pieces(pool);
    test_surroundings(pool);
    test_two_feeds(pool);
    test_faults(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
