/* SPDX-License-Identifier: Apache-2.0 */
/* One session of the engine over memory. The client keeps in step with the
 * server: it says what stands together in the dialog, and goes on when it has
 * got as many lines as it expects, or when the server has nothing left to do
 * but to wait for it. All memory is in a pool of the play. Nothing is judged
 * here. */

#include "tester/qp_play.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_thread_cond.h>

#include "smtp/qp_engine.h"
#include "tester/qp_script.h"
#include "tester/qp_watch.h"

#define MAX_JOB_THREADS 4

/* The longest that the server may wait for a timer or a job. */
#define MAX_WAIT        apr_time_from_sec(120)

/** The client of one session. */
struct memory {
    qp_io base;
    const qp_play_spec *spec;
    const qp_play_way *way;
    qp_record *record;
    const qp_script *script;
    int turn;          /* index of what is said */
    int is_pushed;     /* the server waits for input only: do not wait for it */
    apr_size_t pos;    /* in the turn's text */
    const char *heard; /* of what the client said: a line that is not over */
    apr_size_t nheard;
    apr_array_header_t *unsent; /* of char: what the server has written */
};

/** Wakes the thread that runs the session. */
struct waker {
    qp_waker base;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *cond;
    int woken;
};

/* The client. ------------------------------------------------------------ */

/* What is said now, or NULL: it is the server's turn, or all is said. */
static const qp_script_turn *find_turn(struct memory *memory)
{
    const apr_array_header_t *turns = memory->script->turns;
    const qp_script_turn *turn;

    while (memory->turn < turns->nelts) {
        turn = &APR_ARRAY_IDX(turns, memory->turn, qp_script_turn);
        if (memory->record->nreplies < turn->nlines && !memory->is_pushed) {
            return NULL;
        }
        if (memory->pos < turn->len) {
            return turn;
        }
        memory->pos = 0;
        memory->turn++;
        memory->is_pushed = 0;
    }
    return NULL;
}

static int may_leave(const struct memory *memory)
{
    return memory->turn == memory->script->turns->nelts
           && (memory->is_pushed
               || memory->record->nreplies >= memory->script->nlines);
}

static apr_size_t piece_length(const struct memory *memory,
                               const qp_script_turn *turn)
{
    const char *start = turn->text + memory->pos;
    apr_size_t len = turn->len - memory->pos;
    const char *end = memory->way->by_line ? memchr(start, '\n', len) : NULL;

    if (end != NULL) {
        return (apr_size_t)(end - start) + 1;
    }
    return memory->way->chunk > 0 && memory->way->chunk < len
               ? memory->way->chunk
               : len;
}

static apr_status_t peek_memory(qp_io *io, const char **data, apr_size_t *len)
{
    struct memory *memory = (struct memory *)io;
    const qp_script_turn *turn = find_turn(memory);

    if (turn != NULL) {
        *data = turn->text + memory->pos;
        *len = piece_length(memory, turn);
        return APR_SUCCESS;
    }
    if (!may_leave(memory)) {
        return APR_EAGAIN;
    }
    memory->record->has_left = 1;
    return APR_EOF;
}

/* Writes down a line that the client has said, or with @a is_cut the part of
 * one. */
static void hear_line(struct memory *memory, int is_cut)
{
    if (memory->spec->raw == NULL && memory->nheard > 0) {
        qp_record_add(memory->record, 'C', is_cut, memory->heard,
                      memory->nheard - (is_cut ? 0 : 2));
    }
    memory->nheard = 0;
}

static void skip_memory(qp_io *io, apr_size_t len)
{
    struct memory *memory = (struct memory *)io;
    const char *text =
        APR_ARRAY_IDX(memory->script->turns, memory->turn, qp_script_turn).text
        + memory->pos;
    apr_size_t i;

    memory->pos += len;
    for (i = 0; i < len; i++) {
        if (memory->nheard == 0) {
            memory->heard = text + i;
        }
        memory->nheard++;
        if (text[i] == '\n' && memory->nheard > 1
            && memory->heard[memory->nheard - 2] == '\r') {
            hear_line(memory, 0);
        }
    }
    if (memory->pos
        == APR_ARRAY_IDX(memory->script->turns, memory->turn, qp_script_turn)
               .len) {
        hear_line(memory, 1);
    }
}

static void write_memory(qp_io *io, const char *data, apr_size_t len)
{
    struct memory *memory = (struct memory *)io;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        APR_ARRAY_PUSH(memory->unsent, char) = data[i];
    }
}

/* Takes the lines out of what was written; a line is over with CR LF. */
static void take_replies(struct memory *memory)
{
    const char *text = memory->unsent->elts;
    const char *end = text + memory->unsent->nelts;
    const char *line = text;
    const char *at;

    for (at = text; at < end; at++) {
        if (*at == '\n' && at > line && at[-1] == '\r') {
            qp_record_add(memory->record, 'S', 0, line,
                          (apr_size_t)(at - 1 - line));
            line = at + 1;
        }
        else if (*at == '\n' || (at > line && at[-1] == '\r')) {
            memory->record->has_bare = 1;
        }
    }
    memory->record->has_bare |= line < end;
    apr_array_clear(memory->unsent);
}

/* The client sees replies when they are sent, not when they are written. */
static apr_status_t flush_memory(qp_io *io)
{
    struct memory *memory = (struct memory *)io;
    FILE *raw = memory->spec->raw;

    if (raw != NULL) {
        fwrite(memory->unsent->elts, 1, (size_t)memory->unsent->nelts, raw);
    }
    take_replies(memory);
    return raw == NULL || fflush(raw) == 0 ? APR_SUCCESS : APR_EPIPE;
}

static const qp_io_vtable memory_vtable = { peek_memory, skip_memory,
                                            write_memory, flush_memory };

/* Waiting. --------------------------------------------------------------- */

static void wake(qp_waker *base)
{
    struct waker *waker = (struct waker *)base;

    apr_thread_mutex_lock(waker->mutex);
    waker->woken = 1;
    apr_thread_cond_signal(waker->cond);
    apr_thread_mutex_unlock(waker->mutex);
}

static void destroy_waker(qp_waker *base)
{
    free(base);
}

/* The mutex is the play's, for the waker may outlive its session. */
static qp_waker *make_waker(void *ctx)
{
    struct waker *prototype = ctx;
    struct waker *waker = malloc(sizeof(*waker));

    if (waker == NULL) {
        abort();
    }
    *waker = *prototype;
    waker->base.wake = wake;
    waker->base.destroy = destroy_waker;
    waker->base.refs = 1;
    return &waker->base;
}

/* Whether the client says something or leaves, now that it has the replies. */
static int has_input(struct memory *memory)
{
    const char *data;
    apr_size_t len;

    return peek_memory(&memory->base, &data, &len) != APR_EAGAIN;
}

/* @return whether it was woken in time */
static int wait_for_wake(qp_session *qp)
{
    struct waker *waker = (struct waker *)qp->waker;
    apr_status_t rv = APR_SUCCESS;

    apr_thread_mutex_lock(waker->mutex);
    while (!waker->woken && rv == APR_SUCCESS) {
        rv = apr_thread_cond_timedwait(waker->cond, waker->mutex, MAX_WAIT);
    }
    waker->woken = 0;
    apr_thread_mutex_unlock(waker->mutex);
    return rv == APR_SUCCESS;
}

/* The log. --------------------------------------------------------------- */

static int is_enabled(void *ctx, int level)
{
    const struct memory *memory = ctx;

    return level <= memory->spec->loglevel;
}

static void write_log(void *ctx, const qp_log_event *event)
{
    static const char *const names[] = { "emerg", "alert",  "crit", "error",
                                         "warn",  "notice", "info", "debug" };
    const struct memory *memory = ctx;
    const char *name = names[event->level & 7];
    char line[QP_LOG_TEXT_MAX + 512];
    apr_size_t len = qp_log_compose(event, line, sizeof(line));

    if (memory->spec->raw != NULL) {
        fprintf(stderr, "%s: %s\n", name, line);
        return;
    }
    qp_record_add(memory->record, 'L', event->level, line, len);
}

static const qp_log_sink play_sink = { is_enabled, write_log };

/* The session. ----------------------------------------------------------- */

static void run_session(qp_server *server, const qp_carrier *carrier,
                        struct memory *memory, apr_pool_t *parent)
{
    const char *remote = qp_dialog_option(memory->script->dialog, "remote");
    qp_peers peers = { remote != NULL ? remote : memory->spec->remote_ip,
                       NULL,
                       "127.0.0.1",
                       40000,
                       25,
                       1,
                       1 };
    apr_pool_t *pconn;
    qp_session *qp;
    qp_want want;

    apr_pool_create(&pconn, parent);
    qp = qp_engine_begin(server, carrier, &peers, pconn);
    while ((want = qp_engine_run(qp)) != QP_WANT_CLOSE) {
        if (want == QP_WANT_INPUT) {
            memory->is_pushed |= !has_input(memory);
        }
        else if (want == QP_WANT_WAKE
                 || (want == QP_WANT_WAKE_OR_INPUT && !has_input(memory))) {
            memory->record->is_stuck = !wait_for_wake(qp);
        }
        if (memory->record->is_stuck) {
            qp_engine_end(qp, QP_END_TIMEOUT);
            break;
        }
    }
    apr_pool_destroy(pconn);
    take_replies(memory);
}

/* The services of a child process. @return NULL, or what is wrong */
static const char *make_services(qp_carrier *carrier, struct waker *prototype,
                                 apr_pool_t *pchild)
{
    if (qp_timers_create(&carrier->timers, pchild) != APR_SUCCESS
        || qp_resolver_create(&carrier->resolver, pchild) != APR_SUCCESS
        || qp_jobs_create(&carrier->jobs, MAX_JOB_THREADS, pchild)
               != APR_SUCCESS
        || apr_thread_mutex_create(&prototype->mutex, APR_THREAD_MUTEX_DEFAULT,
                                   pchild)
               != APR_SUCCESS
        || apr_thread_cond_create(&prototype->cond, pchild) != APR_SUCCESS) {
        return "the process cannot be made ready";
    }
    return NULL;
}

/* @return NULL, or what is wrong */
static const char *run_server(struct memory *memory, const qp_stage *stage,
                              apr_pool_t *pconf)
{
    qp_server_spec spec = { .config_dir = stage->config_dir,
                            .plugin_dirs = memory->spec->plugin_dirs,
                            .sets = memory->spec->sets,
                            .log_sink = &play_sink,
                            .log_ctx = memory };
    struct waker prototype = { { NULL, NULL, 0 }, NULL, NULL, 0 };
    qp_carrier carrier = { .io = &memory->base,
                           .log_sink = &play_sink,
                           .log_ctx = memory,
                           .make_waker = make_waker,
                           .waker_ctx = &prototype };
    qp_server *server = NULL;
    apr_pool_t *pchild;
    const char *error = qp_server_create(&server, &spec, pconf);

    if (error != NULL) {
        return apr_pstrdup(memory->record->pool,
                           qp_stage_explain(stage, error,
                                            memory->record->pool));
    }
    if (memory->spec->raw == NULL) {
        qp_watch_install(server, memory->record, pconf);
    }
    apr_pool_create(&pchild, pconf);
    error = make_services(&carrier, &prototype, pchild);
    if (error == NULL && qp_server_child_init(server, pchild) != APR_SUCCESS) {
        error = "the server cannot be made ready";
    }
    if (error == NULL) {
        run_session(server, &carrier, memory, pchild);
    }
    apr_pool_destroy(pchild);
    return error;
}

void qp_play_dialog(const qp_play_spec *spec, const qp_dialog *dialog,
                    const qp_play_way *way, qp_record *record)
{
    struct memory memory = { .base = { &memory_vtable, 0 },
                             .spec = spec,
                             .way = way,
                             .record = record,
                             .unsent = apr_array_make(record->pool, 512, 1) };
    qp_stage *stage = NULL;
    apr_pool_t *pconf;
    apr_pool_t *pstage;

    apr_pool_create(&pstage, record->pool);
    memory.script = qp_script_create(dialog, way->is_batch, pstage);
    record->fault = qp_stage_create(&stage, dialog, spec->config_dir,
                                    spec->defines, pstage);
    if (record->fault == NULL) {
        apr_pool_create(&pconf, pstage);
        record->fault = run_server(&memory, stage, pconf);
        apr_pool_destroy(pconf);
        record->nspooled = qp_stage_spooled(stage, pstage);
    }
    if (record->fault != NULL) {
        record->fault = apr_pstrdup(record->pool, record->fault);
    }
    apr_pool_destroy(pstage);
}
