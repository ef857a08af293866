/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugin/qp_logging: which plugins a line of the log is shown to, in
 * what order, and that they cannot disturb the session that logs.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"
#include "plugin/qp_logging.h"

/** A logging plugin of the test. */
struct logger {
    const char *name;
    kit_text *lines;
    int max_level; /* takes these */
    qp_rc rc;
    int noisy; /* logs itself */
};

static qp_rc hook_logging(const qp_plugin *self, qp_session *qp,
                          const qp_logging_arg *arg)
{
    const struct logger *logger = qp_opts(self);

    if (logger->noisy) {
        qp_log(self, qp, QP_LOG_INFO, "noise of %s", logger->name);
    }
    if (logger->noisy && qp != NULL) {
        qp_return(qp, QP_DENY, "a text of the logging plugin");
    }
    if (arg->level > logger->max_level) {
        return QP_DECLINED;
    }
    kit_print(logger->lines, "%s %d %s/%s %s\n", logger->name, arg->level,
              arg->hook, arg->plugin, arg->text);
    return logger->rc;
}

static qp_rc hook_vrfy(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    qp_return(qp, QP_DENY, "a text for the client");
    qp_log(self, qp, QP_LOG_NOTICE, "a note\nin two lines");
    return QP_DENY;
}

static const qp_plugin_def logging_def = { .hooks.logging = hook_logging };
static const qp_plugin_def vrfy_def = { .hooks.vrfy = hook_vrfy };

static void test_order(engine_kit *kit, kit_text *lines)
{
    struct logger first = { "first", lines, QP_LOG_WARN, QP_OK, 0 };
    struct logger second = { "second", lines, QP_LOG_NOTICE, QP_DECLINED, 1 };
    struct logger third = { "third", lines, QP_LOG_NOTICE, QP_OK, 1 };

    kit_clear(lines);
    kit_reset(kit);
    kit_plugin(kit, &logging_def, "first", &first);
    kit_plugin(kit, &logging_def, "second", &second);
    kit_plugin(kit, &logging_def, "third", &third);
    kit_plugin(kit, &vrfy_def, "vrfy", NULL);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, "");
    is_str(kit_talk(kit, "VRFY x\r\n"), "554 5.7.1 a text for the client\r\n",
           "the answer of a hook that logs");
    is_str(kit_view(lines),
           "second 5 vrfy/vrfy a note\\x0ain two lines\n"
           "third 5 vrfy/vrfy a note\\x0ain two lines\n",
           "until a plugin says that it is written");
    ok(strstr(kit_view(&kit->log), "a note") == NULL,
       "then it does not go to the last sink");
    ok(strstr(kit_view(&kit->log), " QP1601 ") != NULL,
       "what nobody wants does");
    ok(strstr(kit_view(&kit->log), " second: noise of second\n") != NULL
           && strstr(kit_view(lines), "noise") == NULL,
       "what a logging plugin logs goes past all of them");
    kit_close(kit);
}

static void test_all_taken(engine_kit *kit, kit_text *lines)
{
    struct logger all = { "all", lines, QP_LOG_DEBUG, QP_DENY, 0 };

    kit_clear(lines);
    kit_reset(kit);
    kit_plugin(kit, &logging_def, "all", &all);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, kit_mail);
    is_str(kit_view(&kit->log), "", "any answer but DECLINED stops a line");
    ok(kit_count(kit_view(lines), "\n") > 10
           && strstr(kit_view(lines), "all 7 / READY -> MAIL") != NULL,
       "lines of the engine have no hook and no plugin");
    kit_close(kit);
}

/* Lines of the server, which belong to no session. */
static void test_server(engine_kit *kit, kit_text *lines)
{
    struct logger first = { "first", lines, QP_LOG_ERROR, QP_OK, 1 };
    qp_logger before = kit->logger;
    qp_logging logging;

    kit_clear(lines);
    kit_clear(&kit->log);
    kit_reset(kit);
    kit_plugin(kit, &logging_def, "first", &first);
    kit_start(kit);
    qp_logging_install(&logging, &kit->server->hooks, NULL, &kit->logger);
    qp_log_write(&kit->logger, QP_LOG_ERROR, "QP0001", "taken");
    qp_log_write(&kit->logger, QP_LOG_WARN, "QP0002", "left");
    is_str(kit_view(lines), "first 3 / taken\n", "a line of the server");
    is_str(kit_view(&kit->log),
           "6 QP2000 first: noise of first\n6 QP2000 first: noise of first\n"
           "4 QP0002 : left\n",
           "what is left, and noise, goes on");
    kit->logger = before;
}

int main(void)
{
    kit_text lines = { NULL, 0, 0 };
    apr_pool_t *pool;
    engine_kit *kit;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    kit_append(&lines, "", 0);
    test_order(kit, &lines);
    test_all_taken(kit, &lines);
    test_server(kit, &lines);
    apr_pool_destroy(pool);
    free(lines.text);
    apr_terminate();
    return done_testing();
}
