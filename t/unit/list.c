/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugin/qp_list: what readers make of files, of values of hooks and
 * of users; how often they are called; changes and faults.
 */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

/* A list of words; "bad" is none. */
static const char *read_words(const char *line, void **whole, apr_pool_t *pool)
{
    if (strcmp(line, "bad") == 0) {
        return "\"bad\" is not good";
    }
    *whole = apr_pstrcat(pool, *whole != NULL ? (char *)*whole : "", line, ";",
                         NULL);
    return NULL;
}

static const char *read_other(const char *line, void **whole, apr_pool_t *pool)
{
    *whole = apr_pstrdup(pool, line);
    return NULL;
}

static qp_rc answer_config(const qp_plugin *self, qp_session *qp,
                           qp_config_arg *arg)
{
    if (strcmp(arg->key, "hooked") != 0) {
        return QP_DECLINED;
    }
    arg->lines = apr_array_make(arg->pool, 3, sizeof(const char *));
    APR_ARRAY_PUSH(arg->lines, const char *) = "h1";
    APR_ARRAY_PUSH(arg->lines, const char *) = "bad";
    APR_ARRAY_PUSH(arg->lines, const char *) = "h2";
    return QP_OK;
}

static qp_rc answer_user(const qp_plugin *self, qp_session *qp,
                         qp_user_config_arg *arg)
{
    if (arg->addr->user[0] != 'u') {
        return QP_DECLINED;
    }
    arg->lines = apr_array_make(arg->pool, 3, sizeof(const char *));
    APR_ARRAY_PUSH(arg->lines, const char *) = arg->addr->user;
    return QP_OK;
}

static const char *words(engine_kit *kit, const char *key)
{
    const char *text = qp_list(kit->qp, key, read_words);

    return text != NULL ? text : "(none)";
}

static void test_file(engine_kit *kit)
{
    qp_plugin *plugin = APR_ARRAY_IDX(kit->server->plugins, 0, qp_plugin *);
    const char *path = apr_pstrcat(kit->pool, kit->dir, "/by.path", NULL);
    const char *text;
    const char *fault;

    is_str(words(kit, "missing"), "(none)", "a list without lines");
    is_str(words(kit, "lines"), "a;b;", "a list of a file");
    ok(words(kit, "lines") == words(kit, "lines"), "is made once");
    is_str(qp_list(kit->qp, "lines", read_other), "b", "by another reader");
    is_str(words(kit, "lines"), "a;b;", "both are kept");
    is_str(words(kit, "set"), "from set;", "a list of QpsmtpdSet");
    is_str(words(kit, path), "p;", "a file by its path");
    is_str(qp_list_check(plugin, "lines", read_words), NULL, "no fault");
    fault = qp_list_check(plugin, "faulty", read_words);
    ok(fault != NULL && strstr(fault, "/faulty:3: \"bad\" is not good") != NULL,
       "a fault, with its place: %s", fault != NULL ? fault : "none");
    text = words(kit, "lines");
    kit_file(kit, "lines", "c\n");
    kit_file(kit, "by.path", "q\n");
    kit_skip_time(apr_time_from_sec(1));
    is_str(words(kit, "lines"), "c;", "a change");
    is_str(qp_list(kit->qp, "lines", read_other), "c", "for all readers");
    is_str(words(kit, path), "q;", "a change of the other file");
    is_str(text, "a;b;", "what is in use stays");
    kit_clear(&kit->log);
    kit_file(kit, "lines", "d\nbad\n");
    kit_skip_time(apr_time_from_sec(1));
    is_str(words(kit, "lines"), "c;", "a fault keeps the old list");
    is_str(qp_list(kit->qp, "lines", read_other), "c", "for all readers");
    ok(strstr(kit_view(&kit->log), "/lines:2: \"bad\" is not good; the old")
           != NULL,
       "it is logged");
    kit_file(kit, "lines", "d\n");
    kit_skip_time(apr_time_from_sec(1));
    is_str(words(kit, "lines"), "d;", "the fault is mended");
}

static void test_hooks(engine_kit *kit)
{
    qp_addr user = { "user", "example.org" };
    qp_addr other = { "other", "example.org" };
    char name[16];
    int i;

    kit_clear(&kit->log);
    is_str(words(kit, "hooked"), "h1;h2;", "a list of a hook");
    is_str(words(kit, "hooked"), "h1;h2;", "and again");
    is_int(kit_count(kit_view(&kit->log), "\"bad\" is not good; this line"), 1,
           "its fault is a warning, once");
    is_str(qp_user_list(kit->qp, &user, "lines", read_words), "user;",
           "a list of a user");
    is_str(qp_user_list(kit->qp, &other, "lines", read_words), "d;",
           "a user without one");
    for (i = 0; i < 200; i++) {
        apr_snprintf(name, sizeof(name), "u%d", i);
        user.user = name;
        if (strncmp(qp_user_list(kit->qp, &user, "lines", read_words), name,
                    strlen(name))
            != 0) {
            ok(0, "the list of %s", name);
        }
    }
    is_str(words(kit, "hooked"), "h1;h2;", "after many others");
}

int main(void)
{
    static const qp_plugin_def def = {
        .hooks = { .config = answer_config, .user_config = answer_user }
    };
    apr_pool_t *pool;
    engine_kit *kit;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    kit_file(kit, "lines", "a\nb\n");
    kit_file(kit, "faulty", "a\n# comment\nbad\n");
    kit_file(kit, "by.path", "p\n");
    kit_set(kit, "set", "from set");
    kit_plugin(kit, &def, "hooks", NULL);
    is_str(kit_start(kit), NULL, "the server starts");
    kit_open(kit);
    test_file(kit);
    test_hooks(kit);
    kit_close(kit);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
