/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads on one server, each with sessions of its own, through twenty
 * plugins on all hooks of a session: they wait for timers and jobs, read the
 * configuration while it changes, use every kind of data. What counts is what
 * the thread sanitizer says; see make check-tsan. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "engine_kit.h"
#include "tap.h"

enum { THREADS = 64, SESSIONS = 8, PLUGINS = 20 };

/* A plugin that is on all hooks. ----------------------------------------- */

struct conn {
    int calls;
};

struct txn {
    qp_wait *delay;
    qp_wait *done;
    int *answer;
};

static qp_rc note_call(const qp_plugin *self, qp_session *qp)
{
    struct conn *conn = qp_conn_data(self, qp);
    qp_notes *notes = qp_conn_notes(qp_connection(qp));

    conn->calls++;
    qp_note_set(notes, QP_NOTE_NAUGHTY, qp_plugin_name(self));
    qp_karma_adjust(qp, 1);
    if (qp_config(qp, "rcpthosts")->nelts == 0) {
        return qp_fault(self, qp, "rcpthosts is empty");
    }
    qp_log(self, qp, QP_LOG_DEBUG, "call %d", conn->calls);
    return QP_DECLINED;
}

#define NOTE(hook, type)                                                       \
    static qp_rc note_##hook(const qp_plugin *self, qp_session *qp, type *arg) \
    {                                                                          \
        return note_call(self, qp);                                            \
    }
#define SLOT(hook, type) .hook = note_##hook,

#define NOTED_HOOKS(X)                                                         \
    X(pre_connection, const qp_pre_connection_arg)                             \
    X(connect, const qp_connect_arg)                                           \
    X(ehlo_parse, qp_parse_arg)                                                \
    X(ehlo, const qp_helo_arg)                                                 \
    X(mail_parse, qp_parse_arg)                                                \
    X(mail_pre, qp_addr_pre_arg)                                               \
    X(mail, const qp_mail_arg)                                                 \
    X(rcpt_parse, qp_parse_arg)                                                \
    X(rcpt_pre, qp_addr_pre_arg)                                               \
    X(data, const qp_data_arg)                                                 \
    X(data_headers_end, const qp_data_arg)                                     \
    X(data_post_headers, const qp_data_arg)                                    \
    X(received_line, qp_received_line_arg)                                     \
    X(data_post, const qp_data_arg)                                            \
    X(queue_pre, const qp_data_arg)                                            \
    X(queue_post, const qp_queue_post_arg)                                     \
    X(reset_transaction, const qp_reset_arg)                                   \
    X(vrfy, const qp_words_arg)                                                \
    X(noop, const qp_words_arg)                                                \
    X(help, const qp_words_arg)                                                \
    X(quit, const qp_words_arg)                                                \
    X(unrecognized_command, const qp_command_arg)                              \
    X(disconnect, const qp_end_arg)                                            \
    X(post_connection, const qp_end_arg)                                       \
    X(deny, const qp_verdict_arg)                                              \
    X(ok, const qp_verdict_arg)

NOTED_HOOKS(NOTE)

/* Work of another thread, which leaves its answer in the job. */
static apr_status_t look_up(qp_job *job, void *baton)
{
    int *answer = baton;

    *answer = qp_job_is_cancelled(job) ? 0 : 42;
    return APR_SUCCESS;
}

/* Waits for a timer and a job at once. */
static qp_rc wait_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg QP_UNUSED)
{
    struct txn *txn = qp_txn_data(self, qp);
    qp_wait *both[2];
    qp_job *job;

    if (txn->delay == NULL) {
        job = qp_job_create(qp, qp_txn_pool(qp));
        txn->answer = apr_pcalloc(qp_job_pool(job), sizeof(*txn->answer));
        txn->done = qp_job_start(job, look_up, txn->answer);
        txn->delay = qp_timer(qp, 500, qp_txn_pool(qp));
    }
    both[0] = txn->delay;
    both[1] = txn->done;
    if (!qp_ready(txn->delay) || !qp_ready(txn->done)) {
        return qp_await_all(qp, both, 2);
    }
    return *txn->answer == 42 ? note_call(self, qp) : QP_DENY;
}

static const qp_plugin_def busy_def = {
    .conn_size = sizeof(struct conn),
    .txn_size = sizeof(struct txn),
    .hooks = { .rcpt = wait_rcpt, NOTED_HOOKS(SLOT) },
};

static qp_rc accept_rcpt(const qp_plugin *self QP_UNUSED,
                         qp_session *qp QP_UNUSED,
                         const qp_rcpt_arg *arg QP_UNUSED)
{
    return QP_OK;
}

static qp_rc accept_message(const qp_plugin *self QP_UNUSED,
                            qp_session *qp QP_UNUSED,
                            const qp_data_arg *arg QP_UNUSED)
{
    return QP_OK;
}

static const qp_plugin_def last_def = { .hooks = { .rcpt = accept_rcpt,
                                                   .queue = accept_message } };

/* A client. -------------------------------------------------------------- */

struct waker {
    qp_waker base;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int woken;
};

struct client {
    engine_kit *kit;
    qp_jobs *jobs;
    int good; /* out: sessions with the replies that are due */
};

static void wake_client(qp_waker *base)
{
    struct waker *waker = (struct waker *)base;

    pthread_mutex_lock(&waker->mutex);
    waker->woken = 1;
    pthread_cond_signal(&waker->cond);
    pthread_mutex_unlock(&waker->mutex);
}

static void destroy_waker(qp_waker *base)
{
    struct waker *waker = (struct waker *)base;

    pthread_cond_destroy(&waker->cond);
    pthread_mutex_destroy(&waker->mutex);
    free(waker);
}

static qp_waker *make_waker(void *ctx)
{
    struct waker **made = ctx;
    struct waker *waker = calloc(1, sizeof(*waker));

    if (waker == NULL) {
        abort();
    }
    waker->base.wake = wake_client;
    waker->base.destroy = destroy_waker;
    waker->base.refs = 1;
    pthread_mutex_init(&waker->mutex, NULL);
    pthread_cond_init(&waker->cond, NULL);
    *made = waker;
    return &waker->base;
}

static void wait_for_wake(struct waker *waker)
{
    pthread_mutex_lock(&waker->mutex);
    while (!waker->woken) {
        pthread_cond_wait(&waker->cond, &waker->mutex);
    }
    waker->woken = 0;
    pthread_mutex_unlock(&waker->mutex);
}

static const char session_text[] =
    "EHLO client.example\r\nNOOP\r\nVRFY x\r\nHELP\r\nXYZZY\r\n"
    "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"
    "RCPT TO:<c@example.org>\r\nDATA\r\nSubject: x\r\n\r\ntext\r\n.\r\n"
    "RSET\r\nQUIT\r\n";

/* One session. @return whether its replies are the ones that are due */
static int run_session(const struct client *client, apr_pool_t *pool)
{
    struct waker *waker = NULL;
    mem_io *io = mem_io_create(pool);
    qp_carrier *carrier =
        apr_pmemdup(pool, &client->kit->carrier, sizeof(*carrier));
    qp_session *qp;
    qp_want want;

    carrier->io = &io->base;
    carrier->log_sink = NULL;
    carrier->make_waker = make_waker;
    carrier->waker_ctx = &waker;
    carrier->timers = client->kit->timers;
    carrier->jobs = client->jobs;
    mem_io_feed_text(io, session_text);
    io->at_end = APR_EOF;
    qp = qp_engine_begin(client->kit->server, carrier, &client->kit->peers,
                         pool);
    while ((want = qp_engine_run(qp)) != QP_WANT_CLOSE) {
        if (want == QP_WANT_WAKE || want == QP_WANT_WAKE_OR_INPUT) {
            wait_for_wake(waker);
        }
    }
    return strcmp(kit_codes(mem_io_output(io), pool),
                  "220 250 250 252 214 500 250 250 250 354 250 250 221")
           == 0;
}

static void *run_client(void *data)
{
    struct client *client = data;
    apr_pool_t *pool;
    int i;

    for (i = 0; i < SESSIONS; i++) {
        apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
        client->good += run_session(client, pool);
        apr_pool_destroy(pool);
    }
    return NULL;
}

/* Changes a file that all sessions read, over and over. */
static void *change_config(void *data)
{
    engine_kit *kit = data;
    int i;

    for (i = 0; i < 50; i++) {
        kit_file(kit, "rcpthosts",
                 i % 2 ? "example.org\n" : "example.org\nexample.net\n");
        apr_sleep(apr_time_from_msec(10));
    }
    return NULL;
}

int main(void)
{
    static struct client clients[THREADS];
    pthread_t threads[THREADS];
    pthread_t changer;
    apr_pool_t *pool;
    engine_kit *kit;
    qp_jobs *jobs = NULL;
    int good = 0;
    int i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    kit_file(kit, "rcpthosts", "example.org\n");
    for (i = 0; i < PLUGINS; i++) {
        kit_plugin(kit, &busy_def, apr_psprintf(pool, "busy:%d", i), NULL);
    }
    kit_plugin(kit, &last_def, "last", NULL);
    is_str(kit_start(kit), NULL, "the server starts");
    is_int(qp_server_child_init(kit->server, pool), APR_SUCCESS,
           "it is fit for threads");
    is_int(qp_jobs_create(&jobs, 8, pool), APR_SUCCESS, "so are the jobs");
    pthread_create(&changer, NULL, change_config, kit);
    for (i = 0; i < THREADS; i++) {
        clients[i].kit = kit;
        clients[i].jobs = jobs;
        pthread_create(&threads[i], NULL, run_client, &clients[i]);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        good += clients[i].good;
    }
    pthread_join(changer, NULL);
    is_int(good, THREADS * SESSIONS, "all sessions went well");
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
