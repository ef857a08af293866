/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_job: that jobs run at the same time, but not more than
 * allowed; that a session may leave at any time; and how all ends with the
 * process. Everything waits for what happens, at most ten seconds.
 */
#include "tap.h"

#include <dirent.h>
#include <stdlib.h>

#include <apr_general.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "wire/qp_job.h"

/** What sessions and jobs of a test share. */
typedef struct scene {
    apr_pool_t *pool; /* of the process: the jobs' */
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *changed;
    qp_waker waker;
    qp_jobs *jobs;
    int wakes, running, most, started, ended, cancelled;
    int wanted; /* of started: so many meet */
} scene;

static int wait_until(scene *s, const int *count, int wanted)
{
    apr_status_t rv = APR_SUCCESS;
    int good;

    apr_thread_mutex_lock(s->mutex);
    while (*count < wanted && rv == APR_SUCCESS) {
        rv = apr_thread_cond_timedwait(s->changed, s->mutex,
                                       apr_time_from_sec(10));
    }
    good = *count >= wanted;
    apr_thread_mutex_unlock(s->mutex);
    return good;
}

static void count_up(scene *s, int *count)
{
    apr_thread_mutex_lock(s->mutex);
    ++*count;
    apr_thread_cond_broadcast(s->changed);
    apr_thread_mutex_unlock(s->mutex);
}

static void wake_scene(qp_waker *waker)
{
    scene *s = (scene *)((char *)waker - offsetof(scene, waker));

    count_up(s, &s->wakes);
}

static void destroy_waker(qp_waker *waker)
{
    abort(); /* the scene holds one reference to the end */
}

static scene *make_scene(int threads, apr_pool_t *pool)
{
    scene *s = apr_pcalloc(pool, sizeof(*s));

    apr_pool_create(&s->pool, pool);
    s->waker.wake = wake_scene;
    s->waker.destroy = destroy_waker;
    s->waker.refs = 1;
    if (apr_thread_mutex_create(&s->mutex, 0, pool) != APR_SUCCESS
        || apr_thread_cond_create(&s->changed, pool) != APR_SUCCESS
        || qp_jobs_create(&s->jobs, threads, s->pool) != APR_SUCCESS) {
        abort();
    }
    return s;
}

static qp_wait *start_job(scene *s, qp_job_fn *run, apr_pool_t *pool)
{
    return qp_job_start(qp_jobs_prepare(s->jobs, &s->waker, pool), run, s);
}

/* Jobs. ------------------------------------------------------------------- */

static void begin_job(scene *s)
{
    apr_thread_mutex_lock(s->mutex);
    s->started++;
    s->running++;
    s->most = s->running > s->most ? s->running : s->most;
    apr_thread_cond_broadcast(s->changed);
    apr_thread_mutex_unlock(s->mutex);
}

static apr_status_t end_job(scene *s, apr_status_t rv)
{
    apr_thread_mutex_lock(s->mutex);
    s->running--;
    s->ended++;
    apr_thread_cond_broadcast(s->changed);
    apr_thread_mutex_unlock(s->mutex);
    return rv;
}

/* Waits for the others. */
static apr_status_t meet(qp_job *job, void *baton)
{
    scene *s = baton;
    int met;

    begin_job(s);
    met = wait_until(s, &s->started, s->wanted);
    return end_job(s, met ? APR_SUCCESS : APR_TIMEUP);
}

static apr_status_t nap(qp_job *job, void *baton)
{
    begin_job(baton);
    apr_sleep(2000);
    return end_job(baton, APR_ENOENT);
}

/* Stays until nobody wants it, and uses its memory then. */
static apr_status_t stay(qp_job *job, void *baton)
{
    scene *s = baton;
    char *memory = apr_palloc(qp_job_pool(job), 100);

    begin_job(s);
    while (!qp_job_is_cancelled(job)) {
        apr_sleep(1000);
    }
    memset(memory, 1, 100);
    count_up(s, &s->cancelled);
    return end_job(s, APR_EINTR);
}

/* ------------------------------------------------------------------------- */

static void test_outcome(apr_pool_t *pool)
{
    scene *s = make_scene(2, pool);
    apr_pool_t *session;
    qp_wait *wait;

    apr_pool_create(&session, pool);
    wait = start_job(s, nap, session);
    ok(wait_until(s, &s->wakes, 1), "a job wakes its session");
    ok(qp_ready(wait), "and is ready");
    is_int(qp_wait_status(wait), APR_ENOENT, "its outcome");
    qp_jobs_prepare(s->jobs, &s->waker, session);
    apr_pool_destroy(session);
    apr_pool_destroy(s->pool);
    is_int(s->waker.refs, 1, "nothing is left, nor of one never started");
}

/* A thread that is idle must not make many jobs wait for each other. */
static void test_together(apr_pool_t *pool)
{
    enum { N = 8, ROUNDS = 50 };
    scene *s = make_scene(2 * N, pool);
    apr_pool_t *session;
    qp_wait *waits[N];
    int bad = 0;
    int round;
    int i;

    for (round = 0; round < ROUNDS; round++) {
        s->started = s->wakes = 0;
        s->wanted = 1 + round % N;
        apr_pool_create(&session, pool);
        for (i = 0; i < s->wanted; i++) {
            waits[i] = start_job(s, meet, session);
        }
        wait_until(s, &s->wakes, s->wanted);
        for (i = 0; i < s->wanted; i++) {
            bad += qp_wait_status(waits[i]) != APR_SUCCESS;
        }
        apr_pool_destroy(session);
    }
    is_int(bad, 0, "jobs run at the same time, however many there were");
    is_int(s->most, N, "on half of the threads");
    apr_pool_destroy(s->pool);
}

static void test_limit(apr_pool_t *pool)
{
    scene *s = make_scene(5, pool);
    apr_pool_t *session;
    int i;

    /* The first three wait for each other; the others may be run one by one on
     * a busy machine. */
    s->wanted = 3;
    apr_pool_create(&session, pool);
    for (i = 0; i < 40; i++) {
        start_job(s, meet, session);
    }
    ok(wait_until(s, &s->wakes, 40), "forty jobs of one kind on five");
    is_int(s->most, 3, "half of them at a time, and never more");
    apr_pool_destroy(session);
    apr_pool_destroy(s->pool);
}

/* Further kinds. */
static apr_status_t stay_too(qp_job *job, void *baton)
{
    return stay(job, baton) + 0;
}

static apr_status_t stay_as_well(qp_job *job, void *baton)
{
    return stay(job, baton) | 0;
}

/* Services that are mute take half of what is there, and half of the rest, and
 * so on; another kind of work goes on. */
static void test_kinds(apr_pool_t *pool)
{
    static qp_job_fn *const mute[] = { stay, stay_too, stay_as_well };
    static const int running[] = { 8, 12, 14 };
    scene *s = make_scene(16, pool);
    apr_pool_t *session;
    qp_wait *wait;
    int i;

    apr_pool_create(&session, pool);
    for (i = 0; i < 120; i++) {
        start_job(s, mute[i / 40], session);
        if (i % 40 == 39) {
            ok(wait_until(s, &s->started, running[i / 40]), "kind %d", i / 40);
        }
    }
    wait = start_job(s, nap, session);
    ok(wait_until(s, &s->wakes, 1), "another kind finds a thread");
    is_int(qp_wait_status(wait), APR_ENOENT, "and its end");
    is_int(s->most, 15, "each of the mute ones has half of what was left");
    apr_pool_destroy(session);
    ok(wait_until(s, &s->ended, 15), "they end");
    apr_pool_create(&session, pool);
    start_job(s, nap, session);
    ok(wait_until(s, &s->wakes, 2), "and more goes on");
    apr_pool_destroy(session);
    apr_pool_destroy(s->pool);
    is_int(s->waker.refs, 1, "nothing is left");
}

/* The session leaves while one job runs and the other waits for a thread. */
static void test_leave(apr_pool_t *pool)
{
    scene *s = make_scene(1, pool);
    apr_pool_t *session;

    apr_pool_create(&session, pool);
    start_job(s, stay, session);
    ok(wait_until(s, &s->started, 1), "a job runs");
    start_job(s, stay, session);
    apr_pool_destroy(session);
    ok(wait_until(s, &s->ended, 1), "it ends when its session has left");
    is_int(s->wakes, 0, "and wakes nobody");
    apr_pool_create(&session, pool);
    start_job(s, nap, session);
    ok(wait_until(s, &s->wakes, 1), "the next one runs");
    is_int(s->started, 2, "one that nobody waits for does not");
    apr_pool_destroy(session);
    apr_pool_destroy(s->pool);
    is_int(s->waker.refs, 1, "nothing is left");
}

static void test_too_many(apr_pool_t *pool)
{
    scene *s = make_scene(1, pool);
    apr_pool_t *session;
    qp_wait *wait;
    int i;

    apr_pool_create(&session, pool);
    wait = start_job(s, stay, session);
    wait_until(s, &s->started, 1);
    for (i = 0; i < 10000; i++) {
        wait = start_job(s, nap, session);
    }
    is_int(qp_wait_status(wait), APR_EAGAIN, "ten thousand jobs may wait");
    ok(!qp_ready(wait), "the last one does");
    wait = start_job(s, nap, session);
    ok(qp_ready(wait), "one more does not");
    is_int(qp_wait_status(wait), APR_EAGAIN, "it says so");
    apr_pool_destroy(session);
    apr_pool_destroy(s->pool);
    is_int(s->started, 1, "the others were not started");
    is_int(s->waker.refs, 1, "nothing is left");
}

/** A session that does not know yet that the process ends. */
typedef struct latecomer {
    scene *s;
    apr_pool_t *session;
    qp_wait *wait;
} latecomer;

static apr_status_t come_late(void *data)
{
    latecomer *late = data;

    late->wait = start_job(late->s, nap, late->session);
    return APR_SUCCESS;
}

/* The process ends before its sessions do. */
static void test_stop(apr_pool_t *pool)
{
    scene *s = make_scene(1, pool);
    latecomer late = { NULL, NULL, NULL };
    apr_pool_t *session;
    qp_wait *waits[2];

    apr_pool_create(&session, pool);
    late.s = s;
    late.session = session;
    apr_pool_cleanup_register(s->pool, &late, come_late, apr_pool_cleanup_null);
    waits[0] = start_job(s, stay, session);
    waits[1] = start_job(s, nap, session);
    wait_until(s, &s->started, 1);
    apr_pool_destroy(s->pool);
    is_int(qp_wait_status(waits[0]), APR_EINTR, "a job that runs is stopped");
    is_int(qp_wait_status(waits[1]), APR_EINTR, "one that waits is given up");
    is_int(qp_wait_status(late.wait), APR_EINTR, "one that comes late, too");
    is_int(s->started, 1, "neither was started");
    apr_pool_destroy(session);
    is_int(s->waker.refs, 1, "nothing is left");
}

/* Threads of this process. */
static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *entry;
    int n = 0;

    if (tasks == NULL) {
        abort();
    }
    while ((entry = readdir(tasks)) != NULL) {
        n += entry->d_name[0] != '.';
    }
    closedir(tasks);
    return n;
}

/* The first test: the threads of others come and go. */
static void test_threads(apr_pool_t *pool)
{
    scene *s = make_scene(5, pool);
    int before = count_threads();
    apr_pool_t *session;

    apr_pool_create(&session, pool);
    start_job(s, stay, session);
    is_int(count_threads() - before, 1, "a job has one thread");
    apr_pool_destroy(session);
    apr_pool_destroy(s->pool);
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_threads(pool);
    test_outcome(pool);
    test_together(pool);
    test_limit(pool);
    test_kinds(pool);
    test_leave(pool);
    test_too_many(pool);
    test_stop(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
