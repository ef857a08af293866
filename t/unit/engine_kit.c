/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server and its sessions for tests. Plugins are made from their records,
 * without loading, so that what they do stands in the test itself. All of it
 * lives as long as the pool of the kit; the folder is removed with it. It does
 * not judge.
 */
#include "engine_kit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <apr_strings.h>

const char kit_mail[] = "EHLO client.example\r\n"
                        "MAIL FROM:<a@example.net>\r\n"
                        "RCPT TO:<b@example.org>\r\n"
                        "DATA\r\n"
                        "Subject: test\r\n"
                        "\r\n"
                        "text\r\n"
                        ".\r\n";

/* Texts. ----------------------------------------------------------------- */

void kit_clear(kit_text *text)
{
    text->len = 0;
    if (text->text != NULL) {
        text->text[0] = '\0';
    }
}

void kit_append(kit_text *text, const char *data, apr_size_t len)
{
    if (text->len + len + 1 > text->cap) {
        text->cap = 2 * (text->len + len + 1);
        text->text = realloc(text->text, text->cap);
        if (text->text == NULL) {
            abort();
        }
    }
    memcpy(text->text + text->len, data, len);
    text->len += len;
    text->text[text->len] = '\0';
}

void kit_print(kit_text *text, const char *fmt, ...)
{
    char piece[4096];
    va_list ap;

    va_start(ap, fmt);
    apr_vsnprintf(piece, sizeof(piece), fmt, ap);
    va_end(ap);
    kit_append(text, piece, strlen(piece));
}

const char *kit_view(const kit_text *text)
{
    return text->text != NULL ? text->text : "";
}

static int starts_date(const char *p)
{
    static const char days[] = "Mon, Tue, Wed, Thu, Fri, Sat, Sun, ";
    char day[6];

    if (strlen(p) < 31) {
        return 0;
    }
    apr_cpystrn(day, p, sizeof(day));
    return strstr(days, day) != NULL && day[3] == ',' && p[19] == ':';
}

const char *kit_normal(engine_kit *kit, const char *text)
{
    const char *id = kit->qp->conn->id;
    const char *p = text;

    kit_clear(&kit->normal);
    while (*p != '\0') {
        if (strncmp(p, id, QP_ID_LEN) == 0) {
            kit_append(&kit->normal, "ID", 2);
            p += QP_ID_LEN;
        }
        else if (starts_date(p)) {
            kit_append(&kit->normal, "DATE", 4);
            p += strcspn(p, "\r\n");
        }
        else {
            kit_append(&kit->normal, p++, 1);
        }
    }
    return kit_view(&kit->normal);
}

const char *kit_codes(const char *text, apr_pool_t *pool)
{
    char *codes = apr_palloc(pool, strlen(text) + 2);
    char *to = codes;
    const char *end;

    while ((end = strchr(text, '\n')) != NULL) {
        if (text[3] == ' ') {
            memcpy(to, text, 4);
            to += 4;
        }
        text = end + 1;
    }
    to -= to > codes ? 1 : 0;
    *to = '\0';
    return codes;
}

int kit_count(const char *text, const char *needle)
{
    int n = 0;

    while ((text = strstr(text, needle)) != NULL) {
        text += strlen(needle);
        n++;
    }
    return n;
}

/* The clock. ------------------------------------------------------------- */

static apr_interval_time_t skipped; /* atomic */

void kit_skip_time(apr_interval_time_t by)
{
    __atomic_add_fetch(&skipped, by, __ATOMIC_RELAXED);
}

/* In place of APR's, for all that is linked into the program. */
apr_time_t apr_time_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000
           + __atomic_load_n(&skipped, __ATOMIC_RELAXED);
}

/* The log. --------------------------------------------------------------- */

static int log_enabled(void *ctx QP_UNUSED, int level QP_UNUSED)
{
    return 1;
}

static void log_write(void *ctx, const qp_log_event *event)
{
    engine_kit *kit = ctx;

    kit_print(&kit->log, "%d %s %s: %s\n", event->level, event->tag,
              event->plugin, event->text);
}

static const qp_log_sink log_sink = { log_enabled, log_write };

/* The folder. ------------------------------------------------------------ */

static void empty_folder(const char *dir, apr_pool_t *pool)
{
    DIR *handle = opendir(dir);
    struct dirent *entry;
    const char *path;

    while (handle != NULL && (entry = readdir(handle)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0
            || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        path = apr_pstrcat(pool, dir, "/", entry->d_name, NULL);
        if (unlink(path) != 0) {
            empty_folder(path, pool);
            rmdir(path);
        }
    }
    if (handle != NULL) {
        closedir(handle);
    }
}

void kit_file(engine_kit *kit, const char *name, const char *text)
{
    const char *path = apr_pstrcat(kit->pool, kit->dir, "/", name, NULL);
    const char *fresh = apr_pstrcat(kit->pool, kit->dir, "/.new", NULL);
    FILE *out;

    if (text == NULL) {
        unlink(path);
        return;
    }
    out = fopen(fresh, "w");
    if (out == NULL || fwrite(text, 1, strlen(text), out) != strlen(text)
        || fclose(out) != 0 || rename(fresh, path) != 0) {
        abort();
    }
}

/* Waking. ---------------------------------------------------------------- */

/** The waker outlives its session, but never the kit. */
struct kit_waker {
    qp_waker base;
    engine_kit *kit;
};

static void wake_kit(qp_waker *base)
{
    engine_kit *kit = ((struct kit_waker *)base)->kit;

    apr_thread_mutex_lock(kit->mutex);
    kit->wakes++;
    apr_thread_cond_signal(kit->cond);
    apr_thread_mutex_unlock(kit->mutex);
}

static void destroy_waker(qp_waker *base)
{
    free(base);
}

static qp_waker *make_waker(void *ctx)
{
    struct kit_waker *waker = calloc(1, sizeof(*waker));

    if (waker == NULL) {
        abort();
    }
    waker->base.wake = wake_kit;
    waker->base.destroy = destroy_waker;
    waker->base.refs = 1;
    waker->kit = ctx;
    return &waker->base;
}

int kit_wait(engine_kit *kit)
{
    apr_status_t rv = APR_SUCCESS;
    int woken;

    apr_thread_mutex_lock(kit->mutex);
    while (kit->wakes == 0 && rv == APR_SUCCESS) {
        rv = apr_thread_cond_timedwait(kit->cond, kit->mutex,
                                       apr_time_from_sec(10));
    }
    woken = kit->wakes > 0;
    kit->wakes = 0;
    apr_thread_mutex_unlock(kit->mutex);
    return woken;
}

/* The kit. --------------------------------------------------------------- */

static apr_status_t remove_kit(void *data)
{
    engine_kit *kit = data;

    empty_folder(kit->dir, kit->pool);
    rmdir(kit->dir);
    free(kit->log.text);
    free(kit->trace.text);
    free(kit->stored.text);
    free(kit->normal.text);
    return APR_SUCCESS;
}

static const char *make_folder(apr_pool_t *pool)
{
    const char *tmp = getenv("TMPDIR");
    char *dir =
        apr_pstrcat(pool, tmp != NULL ? tmp : "/tmp", "/qp-unit-XXXXXX", NULL);

    if (mkdtemp(dir) == NULL) {
        abort();
    }
    return dir;
}

static void set_up_carrier(engine_kit *kit)
{
    kit->carrier.log_sink = &log_sink;
    kit->carrier.log_ctx = kit;
    kit->carrier.make_waker = make_waker;
    kit->carrier.waker_ctx = kit;
    kit->peers.remote_ip = "192.0.2.1";
    kit->peers.remote_host = "client.example";
    kit->peers.local_ip = "192.0.2.25";
    kit->peers.remote_port = 40000;
    kit->peers.local_port = 25;
    kit->peers.conns_of_ip = 1;
}

engine_kit *kit_create(apr_pool_t *pool)
{
    engine_kit *kit = apr_pcalloc(pool, sizeof(*kit));

    kit->pool = pool;
    kit->dir = make_folder(pool);
    apr_pool_cleanup_register(pool, kit, remove_kit, apr_pool_cleanup_null);
    kit->logger.sink = &log_sink;
    kit->logger.ctx = kit;
    kit->home.path = &kit->path;
    kit->home.logger = &kit->logger;
    kit->home.pool = pool;
    set_up_carrier(kit);
    kit_reset(kit);
    if (apr_thread_mutex_create(&kit->mutex, 0, pool) != APR_SUCCESS
        || apr_thread_cond_create(&kit->cond, pool) != APR_SUCCESS
        || qp_timers_create(&kit->timers, pool) != APR_SUCCESS
        || qp_jobs_create(&kit->carrier.jobs, 4, pool) != APR_SUCCESS
        || qp_resolver_create(&kit->carrier.resolver, pool) != APR_SUCCESS) {
        abort();
    }
    kit->carrier.timers = kit->timers;
    return kit;
}

void kit_reset(engine_kit *kit)
{
    kit_close(kit);
    kit->sets = apr_hash_make(kit->pool);
    kit->plugins = apr_array_make(kit->pool, 4, sizeof(qp_plugin *));
    kit->home.nconn = 0;
    kit->home.ntxn = 0;
    kit_set(kit, "me", "mx.example.com");
    kit_set(kit, "pipelining", "lenient"); /* input is there at once */
    kit_set(kit, "spool_dir", apr_pstrcat(kit->pool, kit->dir, "/spool", NULL));
}

void kit_set(engine_kit *kit, const char *key, const char *value)
{
    apr_array_header_t *lines = NULL;

    if (value != NULL) {
        lines = apr_array_make(kit->pool, 1, sizeof(const char *));
        APR_ARRAY_PUSH(lines, const char *) = apr_pstrdup(kit->pool, value);
    }
    apr_hash_set(kit->sets, key, APR_HASH_KEY_STRING, lines);
}

qp_plugin *kit_plugin(engine_kit *kit, const qp_plugin_def *def,
                      const char *name, void *opts)
{
    qp_plugin *plugin = apr_pcalloc(kit->pool, sizeof(*plugin));

    plugin->name = name;
    plugin->def = *def;
    plugin->hooks = def->hooks;
    plugin->home = &kit->home;
    plugin->opts = opts;
    plugin->common.timeout = apr_time_from_sec(30);
    plugin->conn_slot = def->conn_size > 0 ? kit->home.nconn++ : -1;
    plugin->txn_slot = def->txn_size > 0 ? kit->home.ntxn++ : -1;
    APR_ARRAY_PUSH(kit->plugins, qp_plugin *) = plugin;
    return plugin;
}

const char *kit_start(engine_kit *kit)
{
    qp_server *server = apr_pcalloc(kit->pool, sizeof(*server));
    qp_config_source source = { .dir = kit->dir,
                                .sets = kit->sets,
                                .logger = &kit->logger };
    const char *error;

    kit_close(kit);
    source.defaults = qp_settings_defaults(kit->pool);
    server->config_dir = kit->dir;
    server->config = qp_config_create(&source, kit->pool);
    kit->home.config = server->config;
    server->plugins = kit->plugins;
    error = qp_settings_create(&server->settings, server->config, &source,
                               kit->pool);
    if (error != NULL) {
        return error;
    }
    qp_hook_table_fill(&server->hooks, kit->plugins, kit->pool);
    kit->server = server;
    return NULL;
}

void kit_open(engine_kit *kit)
{
    kit_close(kit);
    kit_clear(&kit->log);
    kit_clear(&kit->trace);
    kit_clear(&kit->stored);
    apr_pool_create(&kit->pconn, kit->pool);
    kit->io = mem_io_create(kit->pconn);
    kit->carrier.io = &kit->io->base;
    kit->wakes = 0;
    kit->qp =
        qp_engine_begin(kit->server, &kit->carrier, &kit->peers, kit->pconn);
}

/* @return whether the session can be run again */
static int wait_for_session(engine_kit *kit)
{
    switch (kit->want) {
    case QP_WANT_WAKE_OR_INPUT:
        if (mem_io_left(kit->io) > 0) {
            return 1;
        }
        return !kit->hold && kit_wait(kit);
    case QP_WANT_WAKE:
        return !kit->hold && kit_wait(kit);
    case QP_WANT_OUTPUT:
        return !kit->busy && kit->io->flush_busy > 0;
    case QP_WANT_INPUT:
        return mem_io_left(kit->io) > 0;
    case QP_WANT_TLS:
        if (kit->tls != NULL) {
            qp_engine_secured(kit->qp, kit->tls);
        }
        else {
            qp_engine_end(kit->qp, QP_END_TLS);
        }
        return 1;
    case QP_WANT_CLOSE:
        break;
    }
    return 0;
}

void kit_run(engine_kit *kit)
{
    do {
        kit->want = qp_engine_run(kit->qp);
    } while (wait_for_session(kit));
}

const char *kit_talk(engine_kit *kit, const char *text)
{
    mem_io_clear_output(kit->io);
    mem_io_feed_text(kit->io, text);
    kit_run(kit);
    return mem_io_output(kit->io);
}

void kit_close(engine_kit *kit)
{
    if (kit->pconn != NULL) {
        apr_pool_destroy(kit->pconn);
        kit->pconn = NULL;
        kit->qp = NULL;
        kit->io = NULL;
    }
}

/* Plugins. --------------------------------------------------------------- */

static qp_rc play_script(const qp_plugin *self, qp_session *qp, qp_hook_id hook)
{
    kit_script *script = self->opts;

    if (hook != script->hook) {
        return QP_DECLINED;
    }
    script->calls++;
    if (script->reply != 0) {
        qp_respond(qp, script->reply, "%s",
                   script->text != NULL ? script->text : "own reply");
        return (qp_rc)script->rc;
    }
    if (script->text != NULL) {
        return qp_return(qp, (qp_rc)script->rc, "%s", script->text);
    }
    return (qp_rc)script->rc;
}

static qp_rc note_hook(const qp_plugin *self, qp_hook_id hook)
{
    engine_kit *kit = self->opts;

    kit_print(&kit->trace, " %s", qp_hook_name(hook));
    return QP_DECLINED;
}

/* All that are neither quiet nor parsers nor without session. */
#define HOOKS(X)                                                               \
    X(pre_connection, const qp_pre_connection_arg)                             \
    X(connect, const qp_connect_arg)                                           \
    X(helo, const qp_helo_arg)                                                 \
    X(ehlo, const qp_helo_arg)                                                 \
    X(mail_pre, qp_addr_pre_arg)                                               \
    X(mail, const qp_mail_arg)                                                 \
    X(rcpt_pre, qp_addr_pre_arg)                                               \
    X(rcpt, const qp_rcpt_arg)                                                 \
    X(data, const qp_data_arg)                                                 \
    X(data_headers_end, const qp_data_arg)                                     \
    X(data_post_headers, const qp_data_arg)                                    \
    X(received_line, qp_received_line_arg)                                     \
    X(data_post, const qp_data_arg)                                            \
    X(queue_pre, const qp_data_arg)                                            \
    X(queue, const qp_data_arg)                                                \
    X(queue_post, const qp_queue_post_arg)                                     \
    X(reset_transaction, const qp_reset_arg)                                   \
    X(vrfy, const qp_words_arg)                                                \
    X(noop, const qp_words_arg)                                                \
    X(help, const qp_words_arg)                                                \
    X(quit, const qp_words_arg)                                                \
    X(unrecognized_command, const qp_command_arg)                              \
    X(disconnect, const qp_end_arg)                                            \
    X(post_connection, const qp_end_arg)

#define DEFINE_HOOKS(name, type)                                               \
    static qp_rc play_##name(const qp_plugin *self, qp_session *qp, type *arg) \
    {                                                                          \
        return play_script(self, qp, QP_HOOK_##name);                          \
    }                                                                          \
    static qp_rc note_##name(const qp_plugin *self, qp_session *qp, type *arg) \
    {                                                                          \
        return note_hook(self, QP_HOOK_##name);                                \
    }

HOOKS(DEFINE_HOOKS)

#define PLAY_SLOT(name, type) .name = play_##name,
#define NOTE_SLOT(name, type) .name = note_##name,

const qp_plugin_def kit_script_def = { .hooks = { HOOKS(PLAY_SLOT) } };
const qp_plugin_def kit_trace_def = { .hooks = { HOOKS(NOTE_SLOT) } };

static qp_rc base_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    return QP_OK;
}

static qp_rc base_queue(const qp_plugin *self, qp_session *qp,
                        const qp_data_arg *arg)
{
    engine_kit *kit = self->opts;
    qp_reader *reader =
        qp_txn_reader(qp_transaction(qp), QP_READ_MESSAGE, qp_pool(qp));
    const char *data;
    apr_size_t len;
    apr_status_t rv;

    kit_clear(&kit->stored);
    while ((rv = qp_reader_block(reader, &data, &len)) == APR_SUCCESS) {
        kit_append(&kit->stored, data, len);
    }
    return APR_STATUS_IS_EOF(rv) ? QP_OK : QP_DENYSOFT;
}

const qp_plugin_def kit_base_def = {
    .hooks = { .rcpt = base_rcpt, .queue = base_queue },
};

static qp_rc observe(const qp_plugin *self, const char *what,
                     const qp_verdict_arg *arg)
{
    engine_kit *kit = self->opts;

    kit_print(&kit->trace, " %s(%s %s %s %s)", what, arg->plugin, arg->hook,
              qp_hook_rc_name(arg->rc), arg->text);
    return QP_DENY; /* which must not count */
}

static qp_rc observe_deny(const qp_plugin *self, qp_session *qp,
                          const qp_verdict_arg *arg)
{
    return observe(self, "deny", arg);
}

static qp_rc observe_ok(const qp_plugin *self, qp_session *qp,
                        const qp_verdict_arg *arg)
{
    return observe(self, "ok", arg);
}

const qp_plugin_def kit_observer_def = {
    .hooks = { .deny = observe_deny, .ok = observe_ok },
};
