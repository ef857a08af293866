/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugin/qp_config: where a value comes from, changes of files while
 * sessions use them, faults that keep the old value, and the services for
 * plugins.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "engine_kit.h"

static const char *join(const apr_array_header_t *lines, apr_pool_t *pool)
{
    return apr_array_pstrcat(pool, lines, '|');
}

/* Sources. --------------------------------------------------------------- */

/** What the config plugin of a test knows. */
struct answers {
    const char *key;
    const char *value; /* NULL: a value without lines */
    int asked;
};

static qp_rc answer_config(const qp_plugin *self, qp_session *qp,
                           qp_config_arg *arg)
{
    struct answers *answers = self->opts;

    answers->asked++;
    if (strcmp(arg->key, answers->key) != 0) {
        return QP_DECLINED;
    }
    if (answers->value != NULL) {
        arg->lines = apr_array_make(arg->pool, 1, sizeof(const char *));
        APR_ARRAY_PUSH(arg->lines, const char *) = answers->value;
    }
    return QP_OK;
}

static qp_rc answer_user(const qp_plugin *self, qp_session *qp,
                         qp_user_config_arg *arg)
{
    if (strcmp(arg->addr->user, "known") != 0) {
        return QP_DECLINED;
    }
    arg->lines = apr_array_make(arg->pool, 1, sizeof(const char *));
    APR_ARRAY_PUSH(arg->lines, const char *) =
        apr_pstrcat(arg->pool, arg->key, " of ", arg->addr->host, NULL);
    return qp_return(qp, QP_OK, "a text that nobody wants");
}

static qp_rc deny_config(const qp_plugin *self, qp_session *qp,
                         qp_config_arg *arg)
{
    arg->lines = apr_array_make(arg->pool, 1, sizeof(const char *));
    return QP_DENY;
}

static const struct {
    const char *key;
    const char *want;
} sources[] = {
    { "of_set", "from set" },       /* a hook and a file have it, too */
    { "of_hook", "from hook" },     /* and a file */
    { "of_file", "line 1|line 2" }, /* comments and blanks removed */
    { "of_empty_file", "" },        { "of_nobody", "" },
    { "databytes", "0" }, /* default */
};

static void test_sources(engine_kit *kit)
{
    static const qp_plugin_def def = {
        .hooks = { .config = answer_config, .user_config = answer_user }
    };
    static const qp_plugin_def bad = { .hooks = { .config = deny_config } };
    struct answers set = { "of_set", "from hook", 0 };
    struct answers hook = { "of_hook", "from hook", 0 };
    struct answers nothing = { "of_nothing", NULL, 0 };
    const qp_addr known = { "known", "example.org" };
    const qp_addr other = { "other", "example.org" };
    size_t i;

    kit_reset(kit);
    kit_set(kit, "of_set", "from set");
    kit_file(kit, "of_set", "from file\n");
    kit_file(kit, "of_hook", "from file\n");
    kit_file(kit, "of_nothing", "from file\n");
    kit_file(kit, "of_file", "# comment\n\n  line 1 \nline 2");
    kit_file(kit, "of_empty_file", "# nothing\n");
    kit_plugin(kit, &bad, "bad", NULL);
    kit_plugin(kit, &def, "set", &set);
    kit_plugin(kit, &def, "hook", &hook);
    kit_plugin(kit, &def, "nothing", &nothing);
    kit_start(kit);
    kit_open(kit);
    for (i = 0; i < QP_ARRAY_LEN(sources); i++) {
        is_str(join(qp_config(kit->qp, sources[i].key), kit->pool),
               sources[i].want, "%s", sources[i].key);
    }
    set.asked = 0;
    qp_config(kit->qp, "of_set");
    is_int(set.asked, 0, "no hook is asked for what is set");
    is_int(qp_config(kit->qp, "of_nothing")->nelts, 0,
           "a hook may say that there is nothing");
    is_str(qp_config_first(kit->qp, "of_file"), "line 1", "the first line");
    is_str(qp_config_first(kit->qp, "of_nobody"), NULL, "no first line");
    ok(qp_config_has(kit->qp, "of_file", "LINE 2")
           && !qp_config_has(kit->qp, "of_file", "line")
           && !qp_config_has(kit->qp, "of_nobody", ""),
       "whether it has a line");
    is_str(join(qp_user_config(kit->qp, &known, "of_file"), kit->pool),
           "of_file of example.org", "of a user");
    is_str(join(qp_user_config(kit->qp, &other, "of_file"), kit->pool),
           "line 1|line 2", "of another user");
    ok(kit->qp->answer.text == NULL, "texts of these hooks are dropped");
    kit_close(kit);
}

/* Names that are no plain file names lead nowhere. */
static void test_names(engine_kit *kit)
{
    kit_reset(kit);
    kit_start(kit);
    kit_open(kit);
    is_int(qp_config(kit->qp, "no/such/folder")->nelts, 0, "a deep name");
    is_int(qp_config(kit->qp, ".")->nelts, 0, "the folder itself");
    kit_close(kit);
}

/* Changes. --------------------------------------------------------------- */

static const char *value_of(engine_kit *kit, const char *key)
{
    qp_config_value *value = qp_config_get(kit->server->config, key);
    const char *text = join(value->lines, kit->pool);

    qp_config_value_release(value);
    return text;
}

static void check_value(engine_kit *kit, const char *key, const char *want)
{
    is_str(value_of(kit, key), want, "%s becomes \"%s\"", key, want);
}

static void test_changes(engine_kit *kit)
{
    qp_config_value *held;
    const apr_array_header_t *lines;

    kit_reset(kit);
    kit_clear(&kit->log);
    kit_file(kit, "changed", "old\n");
    kit_file(kit, "removed", "old\n");
    kit_file(kit, "faulty", "old\n");
    kit_file(kit, "outer", "a\n$include inner\nb\n");
    kit_file(kit, "inner", "old\n");
    kit_file(kit, "databytes", "12\n");
    kit_start(kit);
    kit_open(kit);
    held = qp_config_get(kit->server->config, "changed");
    lines = qp_config(kit->qp, "changed");
    is_str(value_of(kit, "removed"), "old", "before it is removed");
    is_str(value_of(kit, "faulty"), "old", "before it is faulty");
    is_str(value_of(kit, "outer"), "a|old|b", "with what it includes");
    is_str(value_of(kit, "created"), "", "before there is a file");
    is_str(value_of(kit, "databytes"), "12", "in place of the default");
    kit_file(kit, "changed", "new\n");
    kit_file(kit, "removed", NULL);
    kit_file(kit, "faulty", "$include none\n");
    kit_file(kit, "inner", "new\n");
    kit_file(kit, "created", "new\n");
    kit_file(kit, "databytes", NULL);
    kit_skip_time(apr_time_from_msec(500));
    is_str(value_of(kit, "changed"), "old", "not looked at each time");
    kit_skip_time(apr_time_from_msec(500));
    check_value(kit, "changed", "new");
    check_value(kit, "removed", "");
    check_value(kit, "outer", "a|new|b");
    check_value(kit, "created", "new");
    check_value(kit, "databytes", "0");
    is_str(value_of(kit, "faulty"), "old", "a fault keeps the old value");
    is_str(join(held->lines, kit->pool), "old", "a value that is held stays");
    is_str(join(lines, kit->pool), "old", "for the length of a command");
    qp_config_value_release(held);
    is_int(kit_count(kit_view(&kit->log), "3 QP1201 "), 1, "one ERROR");
    ok(strstr(kit_view(&kit->log), "/faulty:1: ") != NULL,
       "it names file and line");
}

/* The fault stays for some checks, changes, and is mended. */
static void test_mended(engine_kit *kit)
{
    int i;

    kit_file(kit, "faulty", "$include neither\n");
    for (i = 0; i < 100; i++) {
        kit_skip_time(apr_time_from_sec(1));
        value_of(kit, "faulty");
    }
    is_str(value_of(kit, "faulty"), "old", "still the old value");
    is_int(kit_count(kit_view(&kit->log), "3 QP1201 "), 1,
           "no ERROR each second");
    kit_skip_time(apr_time_from_sec(250));
    value_of(kit, "faulty");
    is_int(kit_count(kit_view(&kit->log), "3 QP1201 "), 2,
           "a reminder after some minutes");
    kit_file(kit, "faulty", "mended\n");
    kit_skip_time(apr_time_from_sec(1));
    check_value(kit, "faulty", "mended");
    kit_file(kit, "faulty", "once more\n");
    kit_skip_time(-apr_time_from_sec(100));
    check_value(kit, "faulty", "once more"); /* the clock was set back */
    kit_close(kit);
}

/* At start a fault is told at once, and nothing is kept. */
static void test_read(engine_kit *kit)
{
    qp_config_source source = { .dir = kit->dir, .logger = &kit->logger };
    qp_config_store *store;
    qp_config_value *value = NULL;
    const char *error;

    source.defaults = qp_settings_defaults(kit->pool);
    store = qp_config_create(&source, kit->pool);
    kit_file(kit, "faulty", "a\n$include none\n");
    error = qp_config_read(store, "faulty", &value);
    ok(error != NULL && strstr(error, "/faulty:2: ") != NULL && value == NULL,
       "a fault at start: %s", error);
    kit_file(kit, "faulty", "a\nb\n");
    is_str(qp_config_read(store, "faulty", &value), NULL, "no fault at start");
    is_str(join(value->lines, kit->pool), "a|b", "its lines");
    ok(strstr(value->where, "/faulty:1") != NULL, "its place");
    qp_config_value_release(value);
    is_str(qp_config_read(store, "max_errors", &value), NULL, "a default");
    is_str(value->where, "max_errors (default)", "its place is none");
    qp_config_value_release(value);
}

/* Threads of a child process. -------------------------------------------- */

struct load {
    qp_config_store *store;
    int stop;
    int wrong;
};

static void *APR_THREAD_FUNC use_values(apr_thread_t *thread, void *data)
{
    struct load *load = data;
    qp_config_value *value;
    const char *line;

    while (!__atomic_load_n(&load->stop, __ATOMIC_RELAXED)) {
        value = qp_config_get(load->store, "shared");
        line = value->lines->nelts == 1
                   ? APR_ARRAY_IDX(value->lines, 0, const char *)
                   : "";
        if (strcmp(line, "old") != 0 && strcmp(line, "new") != 0) {
            __atomic_add_fetch(&load->wrong, 1, __ATOMIC_RELAXED);
        }
        qp_config_value_release(value);
    }
    return NULL;
}

static void test_threads(engine_kit *kit)
{
    struct load load = { NULL, 0, 0 };
    apr_pool_t *pchild = qp_txn_make_pool(kit->pool, NULL, "pchild");
    apr_thread_t *threads[4];
    apr_status_t rv;
    size_t i;

    kit_reset(kit);
    kit_file(kit, "shared", "old\n");
    kit_start(kit);
    is_str(value_of(kit, "shared"), "old", "read before the fork");
    is_int(qp_server_child_init(kit->server, pchild), APR_SUCCESS,
           "child_init");
    load.store = kit->server->config;
    for (i = 0; i < QP_ARRAY_LEN(threads); i++) {
        rv = apr_thread_create(&threads[i], NULL, use_values, &load, kit->pool);
        is_int(rv, APR_SUCCESS, "thread %d", (int)i);
    }
    for (i = 0; i < 50; i++) {
        kit_file(kit, "shared", i % 2 == 0 ? "old\n" : "new\n");
        kit_skip_time(apr_time_from_sec(1));
        apr_sleep(1000);
    }
    check_value(kit, "shared", "new");
    __atomic_store_n(&load.stop, 1, __ATOMIC_RELAXED);
    for (i = 0; i < QP_ARRAY_LEN(threads); i++) {
        apr_thread_join(&rv, threads[i]);
    }
    is_int(load.wrong, 0, "every thread saw a whole value, old or new");
    kit_skip_time(apr_time_from_sec(1));
    is_str(value_of(kit, "of_the_child"), "", "a key that is new");
    apr_pool_destroy(pchild); /* before pconf, as in httpd */
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    test_sources(kit);
    test_names(kit);
    test_changes(kit);
    test_mended(kit);
    test_read(kit);
    test_threads(kit);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
