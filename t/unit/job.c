/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_job: work on other threads, how many at a time, and what
 * happens when nobody wants it any more.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

struct counter {
    qp_waker base;
    int wakes;
    int destroyed;
};

static void count_wake(qp_waker *base)
{
    __atomic_add_fetch(&((struct counter *)base)->wakes, 1, __ATOMIC_RELAXED);
}

static void count_destroy(qp_waker *base)
{
    ((struct counter *)base)->destroyed++;
}

static int is_at(const int *value, int want)
{
    return __atomic_load_n(value, __ATOMIC_ACQUIRE) == want;
}

static void wait_until(const qp_wait *wait)
{
    int tries = 0;

    while (!qp_ready(wait) && tries++ < 10000) {
        apr_sleep(1000);
    }
}

/* A handle is ready a moment before its waker is called. */
static int count_wakes(const struct counter *counter, int want)
{
    int tries = 0;

    while (__atomic_load_n(&counter->wakes, __ATOMIC_RELAXED) < want
           && tries++ < 10000) {
        apr_sleep(1000);
    }
    return __atomic_load_n(&counter->wakes, __ATOMIC_RELAXED);
}

/** What the jobs of a test share. */
struct shared {
    int running;
    int most; /* that ran at a time */
    int ran;
    int go; /* jobs wait for it */
    int cancelled;
};

static void note_most(struct shared *shared, int running)
{
    int most = __atomic_load_n(&shared->most, __ATOMIC_RELAXED);

    while (running > most
           && !__atomic_compare_exchange_n(&shared->most, &most, running, 0,
                                           __ATOMIC_RELAXED,
                                           __ATOMIC_RELAXED)) {
        continue;
    }
}

static apr_status_t work(qp_job *job, void *baton)
{
    struct shared *shared = baton;
    char *text = apr_palloc(qp_job_pool(job), 1000);

    memset(text, 'x', 1000);
    note_most(shared,
              __atomic_add_fetch(&shared->running, 1, __ATOMIC_ACQ_REL));
    while (is_at(&shared->go, 0) && !qp_job_is_cancelled(job)) {
        apr_sleep(1000);
    }
    if (qp_job_is_cancelled(job)) {
        __atomic_add_fetch(&shared->cancelled, 1, __ATOMIC_ACQ_REL);
    }
    __atomic_sub_fetch(&shared->running, 1, __ATOMIC_ACQ_REL);
    __atomic_add_fetch(&shared->ran, 1, __ATOMIC_ACQ_REL);
    return text[999] == 'x' ? APR_EGENERAL : APR_EINVAL;
}

/** Threads, and a session that asks for work. */
struct fixture {
    apr_pool_t *pchild;
    apr_pool_t *pcmd;
    qp_jobs *jobs;
    struct counter counter;
    struct shared shared;
};

static void set_up(struct fixture *fix, int threads, apr_pool_t *pool)
{
    memset(fix, 0, sizeof(*fix));
    fix->counter.base.wake = count_wake;
    fix->counter.base.destroy = count_destroy;
    fix->counter.base.refs = 1;
    apr_pool_create(&fix->pchild, pool);
    apr_pool_create(&fix->pcmd, pool);
    is_int(qp_jobs_create(&fix->jobs, threads, fix->pchild), APR_SUCCESS,
           "%d threads", threads);
}

static qp_wait *start(struct fixture *fix)
{
    qp_job *job = qp_jobs_prepare(fix->jobs, &fix->counter.base, fix->pcmd);

    return qp_job_start(job, work, &fix->shared);
}

static void tear_down(struct fixture *fix)
{
    apr_pool_destroy(fix->pcmd);
    apr_pool_destroy(fix->pchild);
    is_int(fix->counter.base.refs, 1, "all references are given back");
}

static void test_many(apr_pool_t *pool)
{
    qp_wait *waits[40];
    struct fixture fix;
    int failed = 0;
    int i;

    set_up(&fix, 3, pool);
    for (i = 0; i < 40; i++) {
        waits[i] = start(&fix);
    }
    for (i = 0; i < 5000 && !is_at(&fix.shared.running, 3); i++) {
        apr_sleep(1000);
    }
    ok(!qp_ready(waits[0]), "they run elsewhere");
    __atomic_store_n(&fix.shared.go, 1, __ATOMIC_RELEASE);
    for (i = 0; i < 40; i++) {
        wait_until(waits[i]);
        failed += qp_wait_status(waits[i]) != APR_EGENERAL;
    }
    is_int(failed, 0, "each has the outcome of its work");
    is_int(fix.shared.ran, 40, "all have run");
    is_int(fix.shared.most, 3, "as many at a time as there are threads");
    is_int(count_wakes(&fix.counter, 40), 40, "each wakes its session");
    tear_down(&fix);
}

static void test_cancelled(apr_pool_t *pool)
{
    struct fixture fix;
    int i;

    set_up(&fix, 1, pool);
    start(&fix);
    for (i = 0; i < 5000 && !is_at(&fix.shared.running, 1); i++) {
        apr_sleep(1000);
    }
    start(&fix);
    qp_jobs_prepare(fix.jobs, &fix.counter.base, fix.pcmd);
    apr_pool_clear(fix.pcmd);
    for (i = 0; i < 5000 && !is_at(&fix.shared.ran, 1); i++) {
        apr_sleep(1000);
    }
    is_int(fix.shared.cancelled, 1, "a running one learns of it");
    __atomic_store_n(&fix.shared.go, 1, __ATOMIC_RELEASE);
    wait_until(start(&fix));
    is_int(fix.shared.ran, 2, "one that had not begun is not begun");
    is_int(count_wakes(&fix.counter, 1), 1, "nobody is woken for them");
    tear_down(&fix);
}

/* The process ends: running ones are waited for, the others given up. */
static void test_stop(apr_pool_t *pool)
{
    qp_wait *waits[3];
    struct fixture fix;
    int i;

    set_up(&fix, 1, pool);
    for (i = 0; i < 3; i++) {
        waits[i] = start(&fix);
    }
    for (i = 0; i < 5000 && !is_at(&fix.shared.running, 1); i++) {
        apr_sleep(1000);
    }
    apr_pool_destroy(fix.pchild);
    is_int(fix.shared.ran, 1, "the running one has come to its end");
    is_int(fix.shared.cancelled, 1, "since it was told");
    is_int(qp_wait_status(waits[0]), APR_EGENERAL, "its outcome");
    is_int(qp_wait_status(waits[1]), APR_EINTR, "one that waited");
    is_int(qp_wait_status(waits[2]), APR_EINTR, "another");
    apr_pool_create(&fix.pchild, pool);
    tear_down(&fix);
}

static void test_overload(apr_pool_t *pool)
{
    struct fixture fix;
    qp_wait *last = NULL;
    int n = 0;

    set_up(&fix, 1, pool);
    do {
        last = start(&fix);
    } while (!qp_ready(last) && ++n < 30000);
    ok(n > 1000 && n < 30000, "%d jobs wait", n);
    is_int(qp_wait_status(last), APR_EAGAIN, "the next one is refused");
    tear_down(&fix);
}

/* In a session. ---------------------------------------------------------- */

struct lookup {
    const char *name;
    const char *found;
};

static apr_status_t look_up(qp_job *job, void *baton)
{
    struct lookup *lookup = baton;

    apr_sleep(5000);
    lookup->found = apr_pstrcat(qp_job_pool(job), "found ", lookup->name, NULL);
    return strcmp(lookup->name, "bad") == 0 ? APR_EGENERAL : APR_SUCCESS;
}

struct txn_data {
    struct lookup *lookup;
    qp_wait *done;
};

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    struct txn_data *data = qp_txn_data(self, qp);
    qp_wait *done = data->done;
    qp_job *job;

    if (done == NULL) {
        job = qp_job_create(qp, qp_txn_pool(qp));
        data->lookup = apr_pcalloc(qp_job_pool(job), sizeof(*data->lookup));
        data->lookup->name = apr_pstrdup(qp_job_pool(job), arg->rcpt->user);
        data->done = qp_job_start(job, look_up, data->lookup);
        return qp_await(qp, data->done);
    }
    data->done = NULL;
    return qp_return(qp,
                     qp_wait_status(done) == APR_SUCCESS ? QP_DENY
                                                         : QP_DENYSOFT,
                     "%s", data->lookup->found);
}

static void test_session(engine_kit *kit)
{
    static const qp_plugin_def def = { .txn_size = sizeof(struct txn_data),
                                       .hooks = { .rcpt = hook_rcpt } };

    kit_plugin(kit, &def, "lookup", NULL);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, "EHLO x\r\nMAIL FROM:<>\r\n");
    is_str(kit_talk(kit, "RCPT TO:<a@b>\r\nRCPT TO:<bad@b>\r\nNOOP\r\n"),
           "550 5.7.1 found a\r\n450 4.7.1 found bad\r\n"
           "250 2.0.0 Nothing done\r\n",
           "a hook that waits for work");
    kit->hold = 1;
    kit_talk(kit, "RCPT TO:<c@b>\r\n");
    kit_close(kit);
    kit->hold = 0;
    ok(1, "a session that leaves its work behind");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_many(pool);
    test_cancelled(pool);
    test_stop(pool);
    test_overload(pool);
    test_session(kit_create(pool));
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
