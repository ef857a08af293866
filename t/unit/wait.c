/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_wait and wire/qp_timer by themselves, and of sessions whose
 * hooks wait: input that must stay where it is, clients that leave meanwhile,
 * plugins that wait too long.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "engine_kit.h"

/* Handles. --------------------------------------------------------------- */

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

static struct counter make_counter(void)
{
    struct counter counter = { { count_wake, count_destroy, 1 }, 0, 0 };

    return counter;
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

static void test_handles(apr_pool_t *pool)
{
    struct counter counter = make_counter();
    apr_pool_t *pcmd;
    qp_wait *wait;

    apr_pool_create(&pcmd, pool);
    wait = qp_wait_create(&counter.base, pcmd);
    ok(!qp_ready(wait) && !qp_wait_cancelled(wait), "a new handle");
    is_int(qp_wait_status(wait), APR_EAGAIN, "its status");
    qp_wait_complete(wait, APR_EGENERAL);
    ok(qp_ready(wait) && !qp_wait_cancelled(wait), "completed");
    is_int(qp_wait_status(wait), APR_EGENERAL, "its status then");
    is_int(counter.wakes, 1, "the session is woken");
    apr_pool_clear(pcmd);
    is_int(counter.wakes, 1, "once");
    wait = qp_wait_create(&counter.base, pcmd);
    apr_pool_clear(pcmd);
    ok(qp_ready(wait) && qp_wait_cancelled(wait),
       "cancelled with its pool: ready for whoever still looks");
    qp_wait_complete(wait, APR_SUCCESS);
    is_int(counter.wakes, 1, "nobody is woken by a cancelled handle");
    is_int(counter.destroyed, 0, "the waker is still held");
    wait = qp_wait_create(&counter.base, pcmd);
    qp_waker_unref(&counter.base);
    is_int(counter.destroyed, 0, "a handle holds it");
    qp_wait_complete(wait, APR_SUCCESS);
    is_int(counter.destroyed, 1, "until it is complete");
    apr_pool_destroy(pcmd);
    is_int(counter.destroyed, 1, "the last reference is gone");
    is_int(counter.wakes, 2, "wakes in all");
}

static void test_plain(apr_pool_t *pool)
{
    apr_pool_t *pcmd;
    qp_wait *wait;

    apr_pool_create(&pcmd, pool);
    wait = qp_wait_create_plain(pcmd);
    ok(!qp_ready(wait), "a plain handle");
    qp_wait_mark(wait, APR_EOF);
    ok(qp_ready(wait) && qp_wait_status(wait) == APR_EOF, "is marked");
    apr_pool_destroy(pcmd);
}

/* Handles of many sessions, completed on another thread while these end. */
#define NRACES 3000

struct race {
    qp_wait *waits[NRACES];
    int made; /* atomic */
};

static void *APR_THREAD_FUNC complete_all(apr_thread_t *thread, void *data)
{
    struct race *race = data;
    int i;

    for (i = 0; i < NRACES; i++) {
        while (__atomic_load_n(&race->made, __ATOMIC_ACQUIRE) <= i) {
            apr_thread_yield();
        }
        qp_wait_complete(race->waits[i], APR_SUCCESS);
    }
    return NULL;
}

static void test_race(apr_pool_t *pool)
{
    struct race *race = apr_pcalloc(pool, sizeof(*race));
    struct counter counter = make_counter();
    apr_thread_t *thread = NULL;
    apr_pool_t *pcmd;
    apr_status_t rv;
    int i;

    apr_pool_create(&pcmd, pool);
    is_int(apr_thread_create(&thread, NULL, complete_all, race, pool),
           APR_SUCCESS, "a thread");
    for (i = 0; i < NRACES; i++) {
        race->waits[i] = qp_wait_create(&counter.base, pcmd);
        __atomic_store_n(&race->made, i + 1, __ATOMIC_RELEASE);
        if (i % 3 == 0) {
            apr_pool_clear(pcmd);
        }
    }
    apr_thread_join(&rv, thread);
    apr_pool_destroy(pcmd);
    is_int(counter.base.refs, 1, "every reference is given back");
    ok(counter.wakes > 0 && counter.wakes <= NRACES, "%d of %d wakes",
       counter.wakes, NRACES);
}

/* Timers. ---------------------------------------------------------------- */

static int count_ready(qp_wait *const *waits, int n)
{
    int ready = 0;
    int i;

    for (i = 0; i < n; i++) {
        ready += qp_ready(waits[i]);
    }
    return ready;
}

static void wait_until(const qp_wait *wait)
{
    int tries = 0;

    while (!qp_ready(wait) && tries++ < 10000) {
        apr_sleep(1000);
    }
}

/* A number of timers in any order; what is ready later is never ready
 * earlier. */
static void test_timers(apr_pool_t *pool)
{
    struct counter counter = make_counter();
    qp_timers *timers = NULL;
    qp_wait *waits[200];
    apr_pool_t *pchild;
    apr_pool_t *pcmd;
    int misplaced = 0;
    int i;

    apr_pool_create(&pchild, pool);
    apr_pool_create(&pcmd, pool);
    is_int(qp_timers_create(&timers, pchild), APR_SUCCESS, "timers");
    for (i = 0; i < 200; i++) {
        waits[i * 77 % 200] =
            qp_timers_add(timers, apr_time_from_msec(10 + i * 77 % 200 / 4),
                          &counter.base, pcmd);
    }
    is_int(count_ready(waits, 200), 0, "none is ready at once");
    for (i = 0; i < 200; i++) {
        wait_until(waits[i]);
        misplaced +=
            i + 40 < 200 && qp_ready(waits[i + 40]) && !qp_ready(waits[i]);
    }
    is_int(count_ready(waits, 200), 200, "all become ready");
    is_int(misplaced, 0, "in the order of their times");
    is_int(count_wakes(&counter, 200), 200, "each wakes");
    waits[0] = qp_timers_add(timers, 0, &counter.base, pcmd);
    wait_until(waits[0]);
    is_int(qp_wait_status(waits[0]), APR_SUCCESS, "no delay at all");
    apr_pool_destroy(pcmd);
    apr_pool_destroy(pchild);
    is_int(counter.base.refs, 1, "all references are given back");
}

/* A long one does not keep a short one that is added later waiting; at the end
 * of the process all complete. */
static void test_timers_end(apr_pool_t *pool)
{
    struct counter counter = make_counter();
    qp_timers *timers = NULL;
    apr_pool_t *pchild;
    apr_pool_t *pcmd;
    qp_wait *lasting;
    qp_wait *brief;

    apr_pool_create(&pchild, pool);
    apr_pool_create(&pcmd, pool);
    is_int(qp_timers_create(&timers, pchild), APR_SUCCESS, "timers");
    lasting =
        qp_timers_add(timers, apr_time_from_sec(1000), &counter.base, pcmd);
    brief = qp_timers_add(timers, 1000, &counter.base, pcmd);
    wait_until(brief);
    ok(qp_ready(brief) && !qp_ready(lasting), "the shorter one is first");
    apr_pool_destroy(pchild);
    is_int(qp_wait_status(lasting), APR_EINTR, "the process ends");
    apr_pool_destroy(pcmd);
    is_int(counter.base.refs, 1, "nothing is left");
}

/* Sessions. -------------------------------------------------------------- */

/** A plugin that waits in one hook. */
struct delay {
    qp_hook_id hook;
    apr_interval_time_t by;
    int rc;
    int how; /* 0: a timer; see start_wait */
    int calls;
};

struct delay_conn {
    qp_wait *waits[2];
};

static qp_rc start_wait(const struct delay *delay, qp_session *qp,
                        struct delay_conn *conn)
{
    conn->waits[0] = qp_timer(qp, delay->by, qp_conn_pool(qp));
    if (delay->how == 1) {
        conn->waits[1] = qp_timer(qp, delay->by * 3, qp_conn_pool(qp));
        return qp_await_all(qp, conn->waits, 2);
    }
    if (delay->how == 2) {
        conn->waits[1] = qp_client_input(qp);
        return qp_await_any(qp, conn->waits, 2);
    }
    return qp_await(qp, conn->waits[0]);
}

static qp_rc wait_here(const qp_plugin *self, qp_session *qp, qp_hook_id hook)
{
    struct delay *delay = self->opts;
    struct delay_conn *conn = qp_conn_data(self, qp);
    qp_rc rc;

    if (hook != delay->hook) {
        return QP_DECLINED;
    }
    delay->calls++;
    if (conn->waits[0] == NULL) {
        return start_wait(delay, qp, conn);
    }
    rc = (qp_rc)delay->rc;
    if (delay->how == 2) {
        rc = qp_ready(conn->waits[1]) ? QP_DENY : rc;
    }
    conn->waits[0] = NULL;
    return rc;
}

#define HOOKS(X)                                                               \
    X(pre_connection, const qp_pre_connection_arg)                             \
    X(connect, const qp_connect_arg)                                           \
    X(ehlo, const qp_helo_arg)                                                 \
    X(mail_pre, qp_addr_pre_arg)                                               \
    X(mail, const qp_mail_arg)                                                 \
    X(rcpt_pre, qp_addr_pre_arg)                                               \
    X(rcpt, const qp_rcpt_arg)                                                 \
    X(data, const qp_data_arg)                                                 \
    X(data_headers_end, const qp_data_arg)                                     \
    X(data_post_headers, const qp_data_arg)                                    \
    X(data_post, const qp_data_arg)                                            \
    X(queue_pre, const qp_data_arg)                                            \
    X(queue, const qp_data_arg)                                                \
    X(queue_post, const qp_queue_post_arg)                                     \
    X(noop, const qp_words_arg)                                                \
    X(vrfy, const qp_words_arg)                                                \
    X(help, const qp_words_arg)                                                \
    X(quit, const qp_words_arg)                                                \
    X(unrecognized_command, const qp_command_arg)                              \
    X(reset_transaction, const qp_reset_arg)                                   \
    X(disconnect, const qp_end_arg)                                            \
    X(post_connection, const qp_end_arg)

#define DEFINE_HOOK(name, type)                                                \
    static qp_rc wait_##name(const qp_plugin *self, qp_session *qp, type *arg) \
    {                                                                          \
        return wait_here(self, qp, QP_HOOK_##name);                            \
    }
HOOKS(DEFINE_HOOK)

#define HOOK_SLOT(name, type) .name = wait_##name,
#define HOOK_ID(name, type)   QP_HOOK_##name,

static const qp_plugin_def delay_def = {
    .conn_size = sizeof(struct delay_conn),
    .hooks = { HOOKS(HOOK_SLOT) },
};
static const qp_hook_id hooks[] = { HOOKS(HOOK_ID) };
#define NWAITING (QP_ARRAY_LEN(hooks) - 3) /* the last may not */

static const char session[] =
    "EHLO client.example\r\nNOOP\r\nVRFY x\r\nHELP\r\nFOO\r\n"
    "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n"
    "DATA\r\nA: b\r\n\r\nbody\r\n.\r\nQUIT\r\n";

static qp_plugin *start_delay(engine_kit *kit, struct delay *delay)
{
    qp_plugin *plugin;

    kit_reset(kit);
    kit_plugin(kit, &kit_trace_def, "trace", kit);
    plugin = kit_plugin(kit, &delay_def, "delay", delay);
    kit_plugin(kit, &kit_base_def, "base", kit);
    if (kit_start(kit) != NULL) {
        abort();
    }
    return plugin;
}

/* A session that waits says and does what one without waiting does. */
static void test_transparent(engine_kit *kit)
{
    struct delay delay = { QP_HOOK_COUNT, 3000, QP_DECLINED, 0, 0 };
    const char *output;
    const char *trace;
    size_t i;
    int round;

    start_delay(kit, &delay);
    kit_open(kit);
    output = apr_pstrdup(kit->pool, kit_normal(kit, kit_talk(kit, session)));
    trace = apr_pstrdup(kit->pool, kit_view(&kit->trace));
    for (i = 0; i < 2 * NWAITING; i++) {
        delay.hook = hooks[i / 2];
        delay.how = i % 2;
        delay.calls = 0;
        round = delay.how ? 1 : 0;
        start_delay(kit, &delay);
        kit_open(kit);
        kit->io->chunk = round ? 5 : 0;
        is_str(kit_normal(kit, kit_talk(kit, session)), output,
               "waiting in %s, %d: replies", qp_hook_name(delay.hook), round);
        is_str(kit_view(&kit->trace), trace, "waiting in %s, %d: hooks",
               qp_hook_name(delay.hook), round);
        is_int(delay.calls, 2, "waiting in %s, %d: called again once",
               qp_hook_name(delay.hook), round);
        is_int(kit_count(kit_view(&kit->log), "\n2 "), 0,
               "waiting in %s, %d: no fault", qp_hook_name(delay.hook), round);
    }
    kit_close(kit);
}

/* What was sent behind the command stays where it is. */
static void test_input_waits(engine_kit *kit)
{
    struct delay delay = { QP_HOOK_rcpt, 30000, QP_DENY, 0, 0 };
    apr_size_t left;
    int i;

    start_delay(kit, &delay);
    kit_open(kit);
    kit_talk(kit, "EHLO x\r\nMAIL FROM:<>\r\n");
    kit->hold = 1;
    kit_talk(kit, "RCPT TO:<a@b>\r\nNOOP\r\nRSET\r\n");
    is_int(kit->want, QP_WANT_WAKE, "it waits, with input to come");
    is_str(mem_io_output(kit->io), "", "nothing is said");
    left = mem_io_left(kit->io);
    is_int((long long)left, 12, "the input is untouched");
    for (i = 0; i < 5; i++) {
        kit_talk(kit, "NOOP\r\n");
    }
    is_int((long long)mem_io_left(kit->io), 42, "more input is, too");
    is_int(delay.calls, 1, "the plugin is not called for it");
    kit->hold = 0;
    kit_run(kit);
    is_str(kit_codes(mem_io_output(kit->io), kit->pool),
           "550 250 250 250 250 250 250 250", "then all is answered");
    kit->hold = 1;
    kit_talk(kit, "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\n");
    is_int(kit->want, QP_WANT_WAKE_OR_INPUT, "it waits, without input");
    is_str(kit_codes(mem_io_output(kit->io), kit->pool), "250",
           "what was said before is on its way");
    is_int((long long)kit->io->flushed, (long long)mem_io_output_len(kit->io),
           "indeed");
    kit->hold = 0;
    kit_close(kit);
}

/* A session that waits ends; the handle is ready later, or not at all. */
static void test_cancelled(engine_kit *kit, qp_hook_id hook, int way)
{
    struct delay delay = { hook, 20000, QP_DECLINED, 0, 0 };
    const char *trace;

    start_delay(kit, &delay);
    kit_open(kit);
    kit->hold = 1;
    kit_talk(kit, hook == QP_HOOK_quit ? "QUIT\r\n" : kit_mail);
    ok(kit->want == QP_WANT_WAKE || kit->want == QP_WANT_WAKE_OR_INPUT,
       "%s waits", qp_hook_name(hook));
    kit_clear(&kit->trace);
    if (way == 0) {
        kit_close(kit);
    }
    else if (way == 1) {
        qp_engine_end(kit->qp, QP_END_TIMEOUT);
        is_int(qp_engine_run(kit->qp), QP_WANT_CLOSE, "it is over");
    }
    else if (kit->want == QP_WANT_WAKE_OR_INPUT) {
        kit->io->at_end = APR_EOF;
        kit_run(kit);
        if (hook == QP_HOOK_data_post || hook == QP_HOOK_queue) {
            is_int(kit->want, QP_WANT_WAKE, "the message is not given up");
            qp_engine_end(kit->qp, QP_END_EOF);
            kit->want = qp_engine_run(kit->qp);
        }
        is_int(kit->want, QP_WANT_CLOSE, "the client's leaving is seen");
    }
    kit->hold = 0;
    kit_close(kit);
    trace = kit_view(&kit->trace);
    ok(kit_count(trace, " disconnect") == 1
           && kit_count(trace, " post_connection") == 1
           && strstr(trace, "queue") == NULL,
       "%s, cancelled %d: the hooks of the end and no other:%s",
       qp_hook_name(hook), way, trace);
    is_int(delay.calls, 1, "%s, cancelled %d: not called again",
           qp_hook_name(hook), way);
    apr_sleep(30000); /* the timer fires */
}

/* A plugin that waits too long (architecture.md 3.5b). */
static const struct {
    qp_hook_id hook;
    const char *codes;
} deadlines[] = {
    { QP_HOOK_pre_connection, "220 250 250 250 354 250" },
    { QP_HOOK_connect, "220 250 250 250 354 250" },
    { QP_HOOK_ehlo, "220 250 250 250 354 250" },
    { QP_HOOK_mail, "220 250 250 250 354 250" },
    { QP_HOOK_rcpt, "220 250 250 450 503 500 500 500 500" },
    { QP_HOOK_data, "220 250 250 250 354 250" },
    { QP_HOOK_data_headers_end, "220 250 250 250 354 250" },
    { QP_HOOK_data_post_headers, "220 250 250 250 354 452" },
    { QP_HOOK_data_post, "220 250 250 250 354 452" },
    { QP_HOOK_queue_pre, "220 250 250 250 354 452" },
    { QP_HOOK_queue, "220 250 250 250 354 452" },
    { QP_HOOK_queue_post, "220 250 250 250 354 250" },
};

static void test_deadlines(engine_kit *kit)
{
    struct delay delay = { 0, apr_time_from_sec(100), QP_OK, 0, 0 };
    qp_plugin *plugin;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(deadlines); i++) {
        delay.hook = deadlines[i].hook;
        delay.how = i % 2;
        plugin = start_delay(kit, &delay);
        plugin->common.timeout = 3000;
        kit_open(kit);
        is_str(kit_codes(kit_talk(kit, kit_mail), kit->pool),
               deadlines[i].codes, "too slow in %s", qp_hook_name(delay.hook));
        is_int(kit_count(kit_view(&kit->log), "4 QP1103 : delay: "), 1,
               "too slow in %s: WARN", qp_hook_name(delay.hook));
        kit_close(kit);
    }
}

static void test_deadline_of_all(engine_kit *kit)
{
    struct delay delay = { QP_HOOK_rcpt, 1000, QP_OK, 0, 0 };
    qp_plugin *plugin = start_delay(kit, &delay);

    plugin->common.timeout = 0;
    kit_open(kit);
    is_str(kit_codes(kit_talk(kit, kit_mail), kit->pool),
           "220 250 250 250 354 250", "no timeout at all");
    kit_close(kit);
}

/* "When the timer is due or the client speaks." */
static void test_client_input(engine_kit *kit)
{
    struct delay delay = { QP_HOOK_connect, 20000, QP_DECLINED, 2, 0 };

    start_delay(kit, &delay);
    kit_open(kit);
    is_str(kit_codes(kit_talk(kit, ""), kit->pool), "220",
           "a client that waits for the greeting");
    is_int(delay.calls, 2, "by the timer");
    kit_open(kit);
    is_str(kit_codes(kit_talk(kit, "EHLO x\r\n"), kit->pool), "550",
           "a client that talks early");
    delay.by = apr_time_from_sec(100);
    kit_open(kit);
    kit->hold = 1;
    kit_talk(kit, "");
    is_int(kit->want, QP_WANT_WAKE_OR_INPUT, "both are waited for");
    is_str(kit_codes(kit_talk(kit, "E"), kit->pool), "550",
           "a client that talks a little later");
    kit_open(kit);
    kit_talk(kit, "");
    kit->io->at_end = APR_EOF;
    is_str(kit_codes(kit_talk(kit, ""), kit->pool), "550",
           "one that has left is input, too");
    is_int(kit->want, QP_WANT_CLOSE, "and closes the session");
    kit->hold = 0;
    kit_close(kit);
}

/* Where no hook may wait. */
static void test_not_there(engine_kit *kit)
{
    struct delay delay = { 0, 1000, QP_DECLINED, 0, 0 };
    size_t i;

    for (i = NWAITING; i < QP_ARRAY_LEN(hooks); i++) {
        delay.hook = hooks[i];
        delay.calls = 0;
        start_delay(kit, &delay);
        kit_open(kit);
        kit_talk(kit, session);
        is_int(kit->want, QP_WANT_CLOSE, "%s cannot wait",
               qp_hook_name(delay.hook));
        is_int(delay.calls, 1, "%s is called once", qp_hook_name(delay.hook));
        ok(strstr(kit_view(&kit->log), "\n2 ") != NULL, "%s: a fault",
           qp_hook_name(delay.hook));
    }
    kit_close(kit);
}

static void test_sessions(engine_kit *kit)
{
    static const qp_hook_id waiting[] = { QP_HOOK_connect, QP_HOOK_mail,
                                          QP_HOOK_data_headers_end,
                                          QP_HOOK_data_post, QP_HOOK_quit };
    size_t i;

    test_transparent(kit);
    test_input_waits(kit);
    for (i = 0; i < 3 * QP_ARRAY_LEN(waiting); i++) {
        test_cancelled(kit, waiting[i / 3], (int)i % 3);
    }
    test_deadlines(kit);
    test_deadline_of_all(kit);
    test_client_input(kit);
    test_not_there(kit);
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_handles(pool);
    test_plain(pool);
    test_race(pool);
    test_timers(pool);
    test_timers_end(pool);
    test_sessions(kit_create(pool));
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
