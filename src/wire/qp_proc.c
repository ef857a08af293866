/* SPDX-License-Identifier: Apache-2.0 */
/* Other programs, for jobs: started without a shell, with an environment and
 * descriptors of their own, fed and read until a deadline, and killed with all
 * that they have started. httpd's threads make a fork that runs code of ours
 * unsafe, so it is posix_spawn. What the program does is the plugin's
 * business. */

#include "base/qp_base.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

/* How often a wait looks whether its job is still wanted. */
#define LOOK_EVERY 100 /* ms */
/* The same when only the end of the program is waited for. */
#define END_EVERY  5 /* ms */

/* One run; on the stack of its job. Descriptors are -1 when they are closed. */
typedef struct run {
    qp_job *job;
    qp_proc *proc;
    apr_time_t deadline;
    pid_t pid;
    int feeds[QP_PROC_FEEDS]; /* ours, to write */
    int out[2];               /* ours, to read: stdout and stderr */
    const char *block;        /* a piece: what is left of it */
    apr_size_t block_len;
    apr_size_t written; /* of the text that is being fed */
} run;

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

/* Starting. ---------------------------------------------------------------- */

/* Pipes and the ends of the program: theirs[0 ... ] are its descriptors. */
static apr_status_t open_pipe(int *ours, int *theirs, int is_input)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return errno;
    }
    *ours = ends[is_input ? 1 : 0];
    *theirs = ends[is_input ? 0 : 1];
    if (fcntl(*ours, F_SETFL, O_NONBLOCK) != 0) {
        return errno;
    }
    return APR_SUCCESS;
}

/* A descriptor of ours must not be one of those that the program gets, or it
 * would be overwritten before it is copied. */
static apr_status_t move_up(int *fd)
{
    int up = fcntl(*fd, F_DUPFD_CLOEXEC, 16);

    if (up < 0) {
        return errno;
    }
    close(*fd);
    *fd = up;
    return APR_SUCCESS;
}

static apr_status_t open_pipes(run *r, int *theirs)
{
    const qp_proc *proc = r->proc;
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < QP_PROC_FEEDS && rv == APR_SUCCESS; i++) {
        if (i == 0 || proc->feeds[i].fd != 0) {
            rv = open_pipe(&r->feeds[i], &theirs[i], 1);
        }
    }
    for (i = 0; i < 2 && rv == APR_SUCCESS; i++) {
        if (i == 0 && proc->feeds[1].fd == 1) {
            continue;
        }
        rv = open_pipe(&r->out[i], &theirs[QP_PROC_FEEDS + i], 0);
    }
    for (i = 0; i < QP_PROC_FEEDS + 2 && rv == APR_SUCCESS; i++) {
        if (theirs[i] >= 0) {
            rv = move_up(&theirs[i]);
        }
    }
    return rv;
}

static int add_descriptors(posix_spawn_file_actions_t *actions,
                           const qp_proc *proc, const int *theirs)
{
    int last = 2;
    int rc = 0;
    int i;

    for (i = 0; i < QP_PROC_FEEDS && rc == 0; i++) {
        if (theirs[i] >= 0) {
            rc = posix_spawn_file_actions_adddup2(actions, theirs[i],
                                                  proc->feeds[i].fd);
            last = proc->feeds[i].fd > last ? proc->feeds[i].fd : last;
        }
    }
    for (i = 0; i < 2 && rc == 0; i++) {
        if (theirs[QP_PROC_FEEDS + i] >= 0) {
            rc = posix_spawn_file_actions_adddup2(actions,
                                                  theirs[QP_PROC_FEEDS + i],
                                                  1 + i);
        }
    }
    if (rc == 0) {
        rc = posix_spawn_file_actions_addclosefrom_np(actions, last + 1);
    }
    return rc;
}

/* Signals are as after a login: threads of jobs have all of them blocked. */
static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none;
    sigset_t all;
    int rc;

    sigemptyset(&none);
    sigfillset(&all);
    rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP
                                            | POSIX_SPAWN_SETSIGDEF
                                            | POSIX_SPAWN_SETSIGMASK);
    rc = rc != 0 ? rc : posix_spawnattr_setpgroup(attr, 0);
    rc = rc != 0 ? rc : posix_spawnattr_setsigdefault(attr, &all);
    return rc != 0 ? rc : posix_spawnattr_setsigmask(attr, &none);
}

/* posix_spawn does not change what it is given. */
static char *const *unconst(const char *const *list)
{
    char *const *out;

    memcpy(&out, &list, sizeof(out));
    return out;
}

static apr_status_t spawn(run *r, const int *theirs)
{
    static const char *const usual[] = { "PATH=/usr/local/bin:/usr/bin:/bin",
                                         NULL };
    const qp_proc *proc = r->proc;
    const char *const *env = proc->env != NULL ? proc->env : usual;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    rc = add_descriptors(&actions, proc, theirs);
    rc = rc != 0 ? rc : set_attributes(&attr);
    if (rc == 0) {
        rc = posix_spawn(&r->pid, proc->argv[0], &actions, &attr,
                         unconst(proc->argv), unconst(env));
    }
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* Feeding and reading. ----------------------------------------------------- */

static int is_text(const qp_proc_feed *feed)
{
    return feed->reader == NULL && feed->next == NULL;
}

/* What is to be written next to a feed. @return APR_EOF: nothing more */
static apr_status_t next_piece(run *r, const qp_proc_feed *feed,
                               const char **data, apr_size_t *len)
{
    apr_status_t rv = APR_SUCCESS;

    if (is_text(feed)) {
        *data = feed->text + r->written;
        *len = feed->len - r->written;
        return *len > 0 ? APR_SUCCESS : APR_EOF;
    }
    while (rv == APR_SUCCESS && r->block_len == 0) {
        rv = feed->reader != NULL
                 ? qp_reader_block(feed->reader, &r->block, &r->block_len)
                 : feed->next(feed->baton, &r->block, &r->block_len);
    }
    *data = r->block;
    *len = r->block_len;
    return rv;
}

/* Writes as much as goes. A program that has closed its end has read enough.
 * @return an error of what makes the pieces */
static apr_status_t feed_program(run *r, int i)
{
    const qp_proc_feed *feed = &r->proc->feeds[i];
    apr_status_t rv;
    const char *data;
    apr_size_t len = 0;
    ssize_t n = 1;

    while ((rv = next_piece(r, feed, &data, &len)) == APR_SUCCESS) {
        n = write(r->feeds[i], data, len);
        if (n < 0) {
            break;
        }
        if (is_text(feed)) {
            r->written += (apr_size_t)n;
            continue;
        }
        r->block += n;
        r->block_len -= (apr_size_t)n;
    }
    if (rv == APR_SUCCESS && (errno == EAGAIN || errno == EINTR)) {
        return APR_SUCCESS;
    }
    if (rv == APR_SUCCESS) {
        r->proc->is_unread = 1;
    }
    close_fd(&r->feeds[i]);
    r->written = 0;
    r->block_len = 0;
    return APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : rv;
}

/* Keeps what fits and reads on, so that the program is not held up. */
static void hear_program(run *r, int i)
{
    char *kept = i == 0 ? r->proc->out : r->proc->err;
    apr_size_t *len = i == 0 ? &r->proc->out_len : &r->proc->err_len;
    char data[4096];
    apr_size_t room;
    ssize_t n = read(r->out[i], data, sizeof(data));

    if (n > 0) {
        room = QP_PROC_TEXT - *len;
        room = (apr_size_t)n < room ? (apr_size_t)n : room;
        memcpy(kept + *len, data, room);
        *len += room;
        kept[*len] = '\0';
    }
    else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_fd(&r->out[i]);
    }
}

static apr_status_t look_up_time(const run *r)
{
    if (r->job != NULL && qp_job_is_cancelled(r->job)) {
        return APR_EINTR;
    }
    return qp_now() < r->deadline ? APR_SUCCESS : APR_TIMEUP;
}

static nfds_t list_open(const run *r, struct pollfd *fds, int *which)
{
    nfds_t n = 0;
    int i;

    /* Feeds go one after the other: the second may not be read before the
     * first has ended. */
    for (i = 0; i < QP_PROC_FEEDS && n == 0; i++) {
        if (r->feeds[i] >= 0) {
            which[n] = i;
            fds[n++] = (struct pollfd){ r->feeds[i], POLLOUT, 0 };
        }
    }
    for (i = 0; i < 2; i++) {
        if (r->out[i] >= 0) {
            which[n] = QP_PROC_FEEDS + i;
            fds[n++] = (struct pollfd){ r->out[i], POLLIN, 0 };
        }
    }
    return n;
}

static void note_end(qp_proc *proc, int status)
{
    if (WIFEXITED(status)) {
        proc->exit = WEXITSTATUS(status);
    }
    else if (WIFSIGNALED(status)) {
        proc->signal = WTERMSIG(status);
    }
}

/* Whether the program has ended. What it has started may still have its pipes,
 * and nobody waits for that. */
static int reap(run *r)
{
    int status = 0;

    if (r->pid > 0 && waitpid(r->pid, &status, WNOHANG) == r->pid) {
        note_end(r->proc, status);
        r->pid = 0;
    }
    return r->pid == 0;
}

static void hear_last(run *r)
{
    int i;

    for (i = 0; i < QP_PROC_FEEDS; i++) {
        r->proc->is_unread = r->proc->is_unread || r->feeds[i] >= 0;
    }
    for (i = 0; i < 2; i++) {
        if (r->out[i] >= 0) {
            hear_program(r, i);
        }
    }
}

static apr_status_t converse(run *r)
{
    struct pollfd fds[QP_PROC_FEEDS + 2];
    int which[QP_PROC_FEEDS + 2];
    apr_status_t rv = APR_SUCCESS;
    nfds_t n;
    nfds_t i;

    while (rv == APR_SUCCESS && (n = list_open(r, fds, which)) > 0) {
        if (poll(fds, n, LOOK_EVERY) < 0 && errno != EINTR) {
            return errno;
        }
        for (i = 0; i < n && rv == APR_SUCCESS; i++) {
            if (fds[i].revents == 0) {
                continue;
            }
            if (which[i] < QP_PROC_FEEDS) {
                rv = feed_program(r, which[i]);
            }
            else {
                hear_program(r, which[i] - QP_PROC_FEEDS);
            }
        }
        if (reap(r)) {
            hear_last(r);
            return rv;
        }
        rv = rv == APR_SUCCESS ? look_up_time(r) : rv;
    }
    return rv;
}

/* The end. ----------------------------------------------------------------- */

static apr_status_t await_end(run *r)
{
    apr_status_t rv = APR_SUCCESS;

    while (!reap(r) && rv == APR_SUCCESS) {
        apr_sleep(apr_time_from_msec(END_EVERY));
        rv = look_up_time(r);
    }
    return r->pid == 0 ? APR_SUCCESS : rv;
}

/* A program that is not to go on takes with it what it has started; one that
 * has ended by itself may have left something to do. */
static void end_run(run *r)
{
    int i;

    for (i = 0; i < QP_PROC_FEEDS; i++) {
        close_fd(&r->feeds[i]);
    }
    close_fd(&r->out[0]);
    close_fd(&r->out[1]);
    if (r->pid > 0) {
        kill(-r->pid, SIGKILL);
        while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
}

static apr_status_t note(qp_proc *proc, apr_status_t rv, const char *doing)
{
    char text[128];

    if (APR_STATUS_IS_TIMEUP(rv)) {
        apr_cpystrn(text, "it takes too long", sizeof(text));
    }
    else {
        apr_strerror(rv, text, sizeof(text));
    }
    apr_snprintf(proc->error, sizeof(proc->error), "cannot %s %s: %s", doing,
                 proc->argv[0], text);
    return rv;
}

apr_status_t qp_proc_run(qp_job *job, qp_proc *proc,
                         apr_interval_time_t timeout)
{
    run r = { .job = job,
              .proc = proc,
              .deadline = qp_now() + timeout,
              .feeds = { -1, -1 },
              .out = { -1, -1 } };
    int theirs[QP_PROC_FEEDS + 2] = { -1, -1, -1, -1 };
    apr_status_t rv;
    int i;

    proc->out_len = proc->err_len = 0;
    proc->out[0] = proc->err[0] = proc->error[0] = '\0';
    proc->exit = -1;
    proc->signal = proc->is_unread = 0;
    rv = open_pipes(&r, theirs);
    if (rv == APR_SUCCESS) {
        rv = spawn(&r, theirs);
    }
    for (i = 0; i < QP_PROC_FEEDS + 2; i++) {
        close_fd(&theirs[i]);
    }
    if (rv != APR_SUCCESS) {
        end_run(&r);
        return note(proc, rv, "start");
    }
    rv = converse(&r);
    if (rv == APR_SUCCESS) {
        rv = await_end(&r);
    }
    end_run(&r);
    return rv != APR_SUCCESS ? note(proc, rv, "wait for") : rv;
}
