/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file plugin_test.h
 * @brief What a unit test of a plugin needs: the plugin without loading it, a
 *        session without a socket, config values without files, the log.
 *
 * Everything lives in the pool of the test. A hook is called directly, so
 * there is no engine that makes a reply of its answer.
 */
#ifndef PLUGIN_TEST_H
#define PLUGIN_TEST_H

#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "plugin/qp_plugin.h"
#include "plugin/qp_server.h"
#include "session/qp_session.h"

struct plugin_test {
    apr_pool_t *pool;
    apr_pool_t *pconn; /* of the session, or NULL */
    qp_server server;
    qp_carrier carrier;
    apr_hash_t *sets;
    qp_session *qp;
    char log[4096]; /* the newest lines: "LEVEL PLUGIN: TEXT\n" */
};

static inline int test_log_enabled(void *ctx, int level)
{
    return 1;
}

static inline void test_log_write(void *ctx, const qp_log_event *event)
{
    struct plugin_test *test = ctx;
    char line[1024];
    size_t len;

    apr_snprintf(line, sizeof(line), "%d %s: %s\n", event->level, event->plugin,
                 event->text);
    len = strlen(test->log);
    if (len + strlen(line) >= sizeof(test->log)) {
        len = 0;
    }
    apr_cpystrn(test->log + len, line, sizeof(test->log) - len);
}

static const qp_log_sink test_sink = { test_log_enabled, test_log_write };

/* A config hook that knows what was set, so that no file is looked for. */
static inline qp_rc test_config(const qp_plugin *self, qp_session *qp,
                                qp_config_arg *arg)
{
    const struct plugin_test *test = self->opts;
    apr_array_header_t *lines =
        apr_hash_get(test->sets, arg->key, APR_HASH_KEY_STRING);

    arg->lines = lines != NULL
                     ? lines
                     : apr_array_make(arg->pool, 0, sizeof(const char *));
    return QP_OK;
}

/** @param test  zeroed */
static inline void test_init(struct plugin_test *test, apr_pool_t *pool)
{
    qp_config_source source = { .dir = "/nonexistent" };
    qp_plugin *config = apr_pcalloc(pool, sizeof(*config));
    apr_array_header_t *plugins = apr_array_make(pool, 1, sizeof(config));

    test->pool = pool;
    test->sets = apr_hash_make(pool);
    test->server.config = qp_config_create(&source, pool);
    test->server.home.path = &test->server.path;
    test->server.home.logger = &test->server.logger;
    test->server.logger.sink = &test_sink;
    test->server.logger.ctx = test;
    test->carrier.log_sink = &test_sink;
    test->carrier.log_ctx = test;
    config->name = "config";
    config->home = &test->server.home;
    config->hooks.config = test_config;
    config->opts = test;
    APR_ARRAY_PUSH(plugins, qp_plugin *) = config;
    qp_hook_table_fill(&test->server.hooks, plugins, pool);
}

/** Gives a config key its lines, separated by LF; NULL: none. */
static inline void test_set(struct plugin_test *test, const char *key,
                            const char *text)
{
    apr_array_header_t *lines =
        apr_array_make(test->pool, 4, sizeof(const char *));
    char *last = NULL;
    char *line = NULL;

    if (text != NULL) {
        line = apr_strtok(apr_pstrdup(test->pool, text), "\n", &last);
    }
    for (; line != NULL; line = apr_strtok(NULL, "\n", &last)) {
        APR_ARRAY_PUSH(lines, const char *) = line;
    }
    apr_hash_set(test->sets, key, APR_HASH_KEY_STRING, lines);
}

static inline qp_plugin *test_instance(struct plugin_test *test,
                                       const qp_plugin_def *def,
                                       const char *name)
{
    qp_plugin *plugin = apr_pcalloc(test->pool, sizeof(*plugin));

    plugin->name = name;
    plugin->def = *def;
    plugin->hooks = def->hooks;
    plugin->home = &test->server.home;
    plugin->opts = apr_pcalloc(test->pool, def->opts_size + 1);
    plugin->conn_slot = def->conn_size > 0 ? test->server.home.nconn++ : -1;
    plugin->txn_slot = def->txn_size > 0 ? test->server.home.ntxn++ : -1;
    plugin->common.reject = 3; /* yes, in the table of qp_plugin.c */
    return plugin;
}

/** Makes an instance as a line of config/plugins does. To be called before
 *  test_connect. @return NULL, or what is wrong */
static inline const char *test_load(struct plugin_test *test,
                                    const qp_plugin_def *def, const char *line,
                                    qp_plugin **out)
{
    apr_array_header_t *words = qp_str_words(line, test->pool);
    qp_opt_target target = { def->opts, NULL };
    const char *error;

    *out = test_instance(test, def, APR_ARRAY_IDX(words, 0, const char *));
    words->elts += sizeof(const char *);
    words->nelts--;
    target.dest = (*out)->opts;
    error = qp_opt_parse(&target, 1, words, "/conf", test->pool);
    if (error == NULL && def->setup != NULL) {
        error = def->setup(*out, test->pool);
    }
    return error;
}

/** A session of a client; ends the one before. */
static inline qp_session *test_connect(struct plugin_test *test,
                                       const char *remote_ip)
{
    qp_peers peers = { .remote_ip = apr_pstrdup(test->pool, remote_ip),
                       .local_ip = "192.0.2.25",
                       .remote_port = 40000,
                       .local_port = 25 };

    if (test->pconn != NULL) {
        apr_pool_destroy(test->pconn);
    }
    apr_pool_create(&test->pconn, test->pool);
    test->qp = qp_session_create(&test->carrier, &peers, test->pconn);
    test->qp->config = test->server.config;
    test->qp->hooks = &test->server.hooks;
    test->log[0] = '\0';
    return test->qp;
}

/** A mailbox from its path, "<user@host>". */
static inline qp_addr *test_addr(struct plugin_test *test, const char *path)
{
    qp_addr *addr = NULL;
    const char *error = qp_addr_parse(path, &addr, test->pool);

    if (error != NULL) {
        diag("%s: %s", path, error);
        abort();
    }
    return addr;
}

#endif /* PLUGIN_TEST_H */
