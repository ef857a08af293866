/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SMTP session, or several behind each other, over stdin and stdout: the
 * whole engine without httpd and without a socket. What the client says is
 * read at once and shown to the engine in pieces; log lines go to stderr as
 * "LEVEL: LINE". All memory is in one pool and is given back at the end. It
 * does not judge what is said: see t/lib/QP/Dialog.pm.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_getopt.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "smtp/qp_engine.h"

/** What the command line says. */
struct options {
    qp_server_spec spec;
    qp_peers peers;
    apr_size_t chunk; /**< octets that are shown at once; 0: all */
    int by_line;      /**< a line is shown at once */
    int repeat;
    int level;
};

#define MAX_JOB_THREADS 4

/** The client of one session. */
struct memory {
    qp_io base;
    const struct options *options;
    const char *in;
    apr_size_t len;
    apr_size_t pos;
};

/** Wakes the thread that runs the session. */
struct waker {
    qp_waker base;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *cond;
    int woken;
};

/* The client. ------------------------------------------------------------- */

static apr_size_t piece_length(const struct memory *memory)
{
    const char *start = memory->in + memory->pos;
    apr_size_t len = memory->len - memory->pos;
    const char *end =
        memory->options->by_line ? memchr(start, '\n', len) : NULL;

    if (end != NULL) {
        return (apr_size_t)(end - start) + 1;
    }
    return memory->options->chunk > 0 && memory->options->chunk < len
               ? memory->options->chunk
               : len;
}

static apr_status_t peek_memory(qp_io *io, const char **data, apr_size_t *len)
{
    struct memory *memory = (struct memory *)io;

    if (memory->pos == memory->len) {
        return APR_EOF;
    }
    *data = memory->in + memory->pos;
    *len = piece_length(memory);
    return APR_SUCCESS;
}

static void skip_memory(qp_io *io, apr_size_t len)
{
    struct memory *memory = (struct memory *)io;

    memory->pos += len;
}

static void write_stdout(qp_io *io QP_UNUSED, const char *data, apr_size_t len)
{
    fwrite(data, 1, len, stdout);
}

static apr_status_t flush_stdout(qp_io *io QP_UNUSED)
{
    return fflush(stdout) == 0 ? APR_SUCCESS : APR_EPIPE;
}

static const qp_io_vtable memory_vtable = { peek_memory, skip_memory,
                                            write_stdout, flush_stdout };

/* Waiting. ----------------------------------------------------------------- */

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

/* The mutex is the process's, for the waker may outlive its session. */
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

static void wait_for_wake(qp_session *qp)
{
    struct waker *waker = (struct waker *)qp->waker;

    apr_thread_mutex_lock(waker->mutex);
    while (!waker->woken) {
        apr_thread_cond_wait(waker->cond, waker->mutex);
    }
    waker->woken = 0;
    apr_thread_mutex_unlock(waker->mutex);
}

/* The log. ----------------------------------------------------------------- */

static int is_enabled(void *ctx, int level)
{
    const struct options *options = ctx;

    return level <= options->level;
}

static void write_stderr(void *ctx QP_UNUSED, const qp_log_event *event)
{
    static const char *const names[] = { "emerg", "alert",  "crit", "error",
                                         "warn",  "notice", "info", "debug" };
    char line[QP_LOG_TEXT_MAX + 512];

    qp_log_compose(event, line, sizeof(line));
    fprintf(stderr, "%s: %s\n", names[event->level & 7], line);
}

static const qp_log_sink stderr_sink = { is_enabled, write_stderr };

/* The command line. -------------------------------------------------------- */

static const apr_getopt_option_t option_table[] = {
    { "config", 'c', 1, "folder of the config files" },
    { "plugins", 'p', 1, "folders of plugins, with colons between" },
    { "chunk", 'n', 1, "octets shown at once" },
    { "lines", 'l', 0, "a line shown at once" },
    { "set", 's', 1, "KEY=VALUE: a line of a config key" },
    { "remote", 'r', 1, "address of the client" },
    { "loglevel", 'v', 1, "0 to 7" },
    { "repeat", 'x', 1, "number of sessions" },
    { NULL, 0, 0, NULL },
};

static apr_array_header_t *split_path(const char *path, apr_pool_t *pool)
{
    apr_array_header_t *dirs = apr_array_make(pool, 2, sizeof(const char *));
    char *rest = apr_pstrdup(pool, path);
    char *colon;

    while ((colon = strchr(rest, ':')) != NULL) {
        *colon = '\0';
        APR_ARRAY_PUSH(dirs, const char *) = rest;
        rest = colon + 1;
    }
    APR_ARRAY_PUSH(dirs, const char *) = rest;
    return dirs;
}

static void add_setting(apr_hash_t *sets, const char *text, apr_pool_t *pool)
{
    const char *equals = strchr(text, '=');
    apr_array_header_t *lines;
    const char *key;

    if (equals == NULL) {
        return;
    }
    key = apr_pstrmemdup(pool, text, (apr_size_t)(equals - text));
    lines = apr_hash_get(sets, key, APR_HASH_KEY_STRING);
    if (lines == NULL) {
        lines = apr_array_make(pool, 1, sizeof(const char *));
        apr_hash_set(sets, key, APR_HASH_KEY_STRING, lines);
    }
    APR_ARRAY_PUSH(lines, const char *) = equals + 1;
}

static void take_option(struct options *options, int option, const char *value,
                        apr_pool_t *pool)
{
    switch (option) {
    case 'c':
        options->spec.config_dir = value;
        break;
    case 'p':
        options->spec.plugin_dirs = split_path(value, pool);
        break;
    case 'n':
        options->chunk = (apr_size_t)apr_atoi64(value);
        break;
    case 'l':
        options->by_line = 1;
        break;
    case 's':
        add_setting(options->spec.sets, value, pool);
        break;
    case 'r':
        options->peers.remote_ip = value;
        break;
    case 'v':
        options->level = (int)apr_atoi64(value);
        break;
    default:
        options->repeat = (int)apr_atoi64(value);
        break;
    }
}

/* @return whether it can be understood */
static int read_options(struct options *options, int argc,
                        const char *const *argv, apr_pool_t *pool)
{
    apr_getopt_t *getopt = NULL;
    const char *value;
    apr_status_t rv;
    int option;

    options->spec.sets = apr_hash_make(pool);
    options->spec.log_sink = &stderr_sink;
    options->spec.log_ctx = options;
    options->peers = (qp_peers){ "127.0.0.1", NULL, "127.0.0.1", 40000, 25, 1 };
    options->repeat = 1;
    options->level = QP_LOG_INFO;
    rv = apr_getopt_init(&getopt, pool, argc, argv);
    while (rv == APR_SUCCESS) {
        rv = apr_getopt_long(getopt, option_table, &option, &value);
        if (rv == APR_SUCCESS) {
            take_option(options, option, value, pool);
        }
    }
    return rv == APR_EOF && getopt->ind == argc
           && options->spec.config_dir != NULL;
}

/* The session. ------------------------------------------------------------- */

static char *read_stdin(apr_size_t *len)
{
    apr_size_t cap = 65536;
    char *text = malloc(cap);
    size_t n;

    *len = 0;
    while (text != NULL && (n = fread(text + *len, 1, cap - *len, stdin)) > 0) {
        *len += n;
        if (*len == cap) {
            cap *= 2;
            text = realloc(text, cap);
        }
    }
    if (text == NULL) {
        abort();
    }
    return text;
}

static void run_session(qp_server *server, const qp_carrier *carrier,
                        const qp_peers *peers, apr_pool_t *parent)
{
    apr_pool_t *pconn;
    qp_session *qp;
    qp_want want;

    apr_pool_create(&pconn, parent);
    qp = qp_engine_begin(server, carrier, peers, pconn);
    while ((want = qp_engine_run(qp)) != QP_WANT_CLOSE) {
        if (want == QP_WANT_WAKE || want == QP_WANT_WAKE_OR_INPUT) {
            wait_for_wake(qp);
        }
    }
    apr_pool_destroy(pconn);
    fflush(stdout);
}

/* @return NULL, or what is wrong */
static const char *run_all(const struct options *options, apr_pool_t *pool)
{
    struct memory memory = { { &memory_vtable, 0 }, options, NULL, 0, 0 };
    struct waker prototype = { { NULL, NULL, 0 }, NULL, NULL, 0 };
    qp_carrier carrier = { .io = &memory.base,
                           .log_sink = &stderr_sink,
                           .log_ctx = options->spec.log_ctx,
                           .make_waker = make_waker,
                           .waker_ctx = &prototype };
    qp_server *server = NULL;
    const char *error = qp_server_create(&server, &options->spec, pool);
    char *in;
    int i;

    if (error != NULL) {
        return error;
    }
    if (qp_server_child_init(server, pool) != APR_SUCCESS
        || qp_timers_create(&carrier.timers, pool) != APR_SUCCESS
        || qp_jobs_create(&carrier.jobs, MAX_JOB_THREADS, pool) != APR_SUCCESS
        || apr_thread_mutex_create(&prototype.mutex, 0, pool) != APR_SUCCESS
        || apr_thread_cond_create(&prototype.cond, pool) != APR_SUCCESS) {
        return "the process cannot be made ready";
    }
    in = read_stdin(&memory.len);
    memory.in = in;
    for (i = 0; i < options->repeat; i++) {
        memory.pos = 0;
        run_session(server, &carrier, &options->peers, pool);
    }
    free(in);
    return NULL;
}

int main(int argc, const char *const *argv)
{
    struct options options = { 0 };
    const char *error = "usage: qp_memory --config DIR --plugins DIR[:DIR] "
                        "[--chunk N | --lines] [--set KEY=VALUE] "
                        "[--remote IP] [--loglevel N] [--repeat N]";
    apr_pool_t *pool;
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (read_options(&options, argc, argv, pool)) {
        error = run_all(&options, pool);
    }
    failed = error != NULL;
    if (failed) {
        fprintf(stderr, "%s\n", error);
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
