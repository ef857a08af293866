/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that is in no file: the first of all, which answers DECLINED to
 * everything and writes down what it sees. Its record is the baton of the
 * instance. It changes nothing. */

#include "tester/qp_watch.h"

#include <string.h>

#include <apr_strings.h>

#include "session/qp_notes.h"

/* Its name; what it answers itself is not written down. */
#define WATCH_NAME "qpsmtpd-plugin-test"

static void add_text(qp_record *record, char kind, int level, const char *text)
{
    qp_record_add(record, kind, level, text, strlen(text));
}

/* "PLUGIN HOOK ANSWER TEXT" */
static qp_rc note_verdict(const qp_plugin *self, qp_session *qp,
                          const qp_verdict_arg *arg)
{
    const char *text;

    if (strcmp(arg->plugin, WATCH_NAME) != 0) {
        text = apr_pstrcat(qp_pool(qp), arg->plugin, " ", arg->hook, " ",
                           qp_hook_rc_name(arg->rc),
                           arg->text[0] != '\0' ? " " : "", arg->text, NULL);
        add_text(qp_loader_baton(self), 'V', (int)arg->rc, text);
    }
    return QP_DECLINED;
}

/* Where notes go. */
struct note_target {
    qp_record *record;
    const char *owner;
    apr_pool_t *pool;
};

/* "transaction KEY=VALUE" */
static void note_value(struct note_target *target, const char *key,
                       const char *value)
{
    add_text(target->record, 'N', 0,
             apr_pstrcat(target->pool, target->owner, " ", key, "=", value,
                         NULL));
}

static void write_note(void *ctx, const qp_notes_value *value)
{
    struct note_target *target = ctx;

    if (value->text != NULL) {
        note_value(target, value->key, value->text);
    }
    if (value->num != 0) {
        note_value(target, value->key,
                   apr_psprintf(target->pool, "%" APR_INT64_T_FMT, value->num));
    }
    if (value->ptr != NULL) {
        note_value(target, value->key, "(a pointer)");
    }
}

static qp_rc hook_reset_transaction(const qp_plugin *self, qp_session *qp,
                                    const qp_reset_arg *arg)
{
    struct note_target target = { qp_loader_baton(self), "transaction",
                                  qp_pool(qp) };

    if (qp_transaction(qp) != NULL) {
        qp_notes_each(qp_txn_notes(qp_transaction(qp)), write_note, &target);
    }
    return QP_DECLINED;
}

static qp_rc hook_post_connection(const qp_plugin *self, qp_session *qp,
                                  const qp_end_arg *arg)
{
    struct note_target target = { qp_loader_baton(self), "connection",
                                  qp_pool(qp) };

    qp_notes_each(qp_conn_notes(qp_connection(qp)), write_note, &target);
    return QP_DECLINED;
}

/* The message, line by line, as the plugins behind this one get it. */
static qp_rc hook_queue(const qp_plugin *self, qp_session *qp,
                        const qp_data_arg *arg)
{
    qp_reader *reader =
        qp_txn_reader(qp_transaction(qp), QP_READ_MESSAGE, qp_pool(qp));
    const char *line;
    apr_size_t len;

    while (qp_reader_line(reader, &line, &len) == APR_SUCCESS) {
        if (len > 0 && line[len - 1] == '\n') {
            len--;
        }
        qp_record_add(qp_loader_baton(self), 'M', 0, line, len);
    }
    return QP_DECLINED;
}

void qp_watch_install(qp_server *server, qp_record *record, apr_pool_t *pool)
{
    qp_plugin *plugin = apr_pcalloc(pool, sizeof(*plugin));
    apr_array_header_t *all =
        apr_array_make(pool, server->plugins->nelts + 1, sizeof(qp_plugin *));

    plugin->name = WATCH_NAME;
    plugin->conn_slot = -1;
    plugin->txn_slot = -1;
    plugin->home = &server->home;
    plugin->baton = record;
    plugin->can = server->hooks.can;
    plugin->hooks.deny = note_verdict;
    plugin->hooks.ok = note_verdict;
    plugin->hooks.queue = hook_queue;
    plugin->hooks.reset_transaction = hook_reset_transaction;
    plugin->hooks.post_connection = hook_post_connection;
    APR_ARRAY_PUSH(all, qp_plugin *) = plugin;
    apr_array_cat(all, server->plugins);
    server->plugins = all;
    qp_hook_table_fill(&server->hooks, all, pool);
}
