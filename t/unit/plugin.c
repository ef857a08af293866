/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugin/qp_plugin and plugin/qp_server: from the lines of
 * config/plugins to instances, with options, parents, further hooks and
 * loaders; and the services that depend on the plugin. The plugins are made by
 * a loader, so that no shared object is needed.
 */
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

struct opts {
    int max;
    const char *word;
};

struct child_opts {
    int max;
};

static const qp_opt opt_table[] = {
    QP_OPT_INT(struct opts, max, "max", "5", 0, 1000),
    QP_OPT_WORD_STR(1, struct opts, word, "word", "none"),
    QP_OPT_END,
};
static const qp_opt child_table[] = {
    QP_OPT_INT(struct child_opts, max, "max", "6", 0, 10),
    QP_OPT_END,
};

static const char *check_word(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);

    return strcmp(opt->word, "forbidden") == 0
               ? apr_psprintf(pconf, "%s is forbidden", opt->word)
               : NULL;
}

static qp_rc show_opts(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    int *calls = qp_conn_data(self, qp);

    if (strcmp(arg->line, qp_plugin_name(self)) != 0) {
        return QP_DECLINED;
    }
    return qp_return(qp, QP_OK, "%s %d %s %d", qp_plugin_name(self), opt->max,
                     opt->word, ++*calls);
}

static qp_rc show_child(const qp_plugin *self, qp_session *qp,
                        const qp_words_arg *arg)
{
    const struct child_opts *opt = qp_opts(self);
    qp_rc rc = QP_SUPER(self, qp, vrfy, arg);

    return rc == QP_DECLINED
               ? rc
               : qp_return(qp, rc, "child %d of %s", opt->max, qp->answer.text);
}

static qp_rc reject_noop(const qp_plugin *self, qp_session *qp,
                         const qp_words_arg *arg)
{
    return qp_reject(self, qp, "no noise");
}

static qp_rc be_rcpt(const qp_plugin *self, qp_session *qp,
                     const qp_rcpt_arg *arg)
{
    return QP_OK;
}

/* Further hooks, in order and in front of all. */
static qp_rc note_more(const qp_plugin *self, qp_session *qp, const char *what)
{
    return qp_return(qp, QP_DECLINED, "%s %s %s",
                     qp->answer.text != NULL ? qp->answer.text : "", what,
                     qp_current_hook(qp));
}

static qp_rc help_one(const qp_plugin *self, qp_session *qp,
                      const qp_words_arg *arg)
{
    qp_log(self, qp, QP_LOG_INFO, "one");
    return note_more(self, qp, "one");
}

static qp_rc help_two(const qp_plugin *self, qp_session *qp,
                      const qp_words_arg *arg)
{
    qp_log(self, qp, QP_LOG_INFO, "two");
    return QP_DECLINED;
}

static qp_rc help_first(const qp_plugin *self, qp_session *qp,
                        const qp_words_arg *arg)
{
    qp_log(self, qp, QP_LOG_INFO, "first");
    return QP_DECLINED;
}

static const char *add_more(qp_plugin *self, apr_pool_t *pconf)
{
    qp_register_help(self, help_two, QP_IN_ORDER);
    qp_register_help(self, help_first, QP_BEFORE_ALL);
    return NULL;
}

static const struct {
    const char *name;
    qp_plugin_def def;
} known[] = {
    { "plain",
      { .opts = opt_table,
        .opts_size = sizeof(struct opts),
        .conn_size = sizeof(int),
        .setup = check_word,
        .hooks = { .vrfy = show_opts, .noop = reject_noop } } },
    { "child",
      { .parent = "plain",
        .opts = child_table,
        .opts_size = sizeof(struct child_opts),
        .hooks = { .vrfy = show_child } } },
    { "orphan", { .parent = "missing" } },
    { "loop", { .parent = "loop" } },
    { "rcpt", { .hooks = { .rcpt = be_rcpt } } },
    { "more", { .setup = add_more, .hooks = { .help = help_one } } },
};

static qp_rc load_known(const char *name, const char *file, qp_loaded *out)
{
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(known); i++) {
        if (strcmp(known[i].name, name) == 0) {
            out->def = known[i].def;
            return QP_OK;
        }
    }
    return QP_DECLINED;
}

/* From lines to a server. ------------------------------------------------ */

static const char *make_plugins(engine_kit *kit, const char *text)
{
    char *copy = apr_pstrdup(kit->pool, text);
    char *last = NULL;
    char *line;
    qp_plugin_line from;
    apr_array_header_t *words = NULL;
    qp_plugin *plugin;
    const char *error = NULL;
    int number = 0;

    kit_reset(kit);
    for (line = apr_strtok(copy, "\n", &last); line != NULL && error == NULL;
         line = apr_strtok(NULL, "\n", &last)) {
        error = qp_str_args(line, &words, kit->pool);
        from.name = APR_ARRAY_IDX(words, 0, const char *);
        from.where = apr_psprintf(kit->pool, "plugins:%d", ++number);
        words->elts += sizeof(const char *);
        words->nelts--;
        from.args = words;
        error = qp_plugin_create(&from, &kit->home, &plugin, kit->pool);
        if (error == NULL) {
            APR_ARRAY_PUSH(kit->plugins, qp_plugin *) = plugin;
        }
    }
    return error != NULL ? error : kit_start(kit);
}

static void set_up_path(engine_kit *kit)
{
    apr_array_header_t *dirs =
        apr_array_make(kit->pool, 1, sizeof(const char *));
    apr_array_header_t *loaders =
        apr_array_make(kit->pool, 1, sizeof(qp_loader *));
    size_t i;

    APR_ARRAY_PUSH(dirs, const char *) = "plugins";
    APR_ARRAY_PUSH(loaders, qp_loader *) = load_known;
    kit->path.dirs = dirs;
    kit->path.loaders = loaders;
    kit->path.config_dir = kit->dir;
    kit->path.module_path = kit->dir;
    mkdir(apr_pstrcat(kit->pool, kit->dir, "/plugins", NULL), 0700);
    for (i = 0; i < QP_ARRAY_LEN(known); i++) {
        kit_file(kit, apr_pstrcat(kit->pool, "plugins/", known[i].name, NULL),
                 "");
    }
}

static const struct {
    const char *lines;
    const char *ask;
    const char *answer; /* the reply; or what stops the start, with a colon */
} cases[] = {
    { "plain", "plain", "250 2.1.5 plain 5 none 1\r\n" },
    { "plain max 7 hello", "plain", "250 2.1.5 plain 7 hello 1\r\n" },
    { "plain \"two words\" max 0", "plain",
      "250 2.1.5 plain 0 two words 1\r\n" },
    { "plain a\nplain:1 b\nplain:22 c", "plain:1",
      "250 2.1.5 plain:1 5 b 1\r\n" },
    { "plain a\nplain:1 b\nplain:22 c", "plain:22",
      "250 2.1.5 plain:22 5 c 1\r\n" },
    { "child max 3", "child", "250 2.1.5 child 3 of child 5 none 1\r\n" },
    { "child word x", "child", "250 2.1.5 child 6 of child 5 x 1\r\n" },
    { "child:2 x", "child:2", "250 2.1.5 child 6 of child:2 5 x 1\r\n" },
    { "plain reject no timeout 5s loglevel -1 reject_type soft", "plain",
      "250 2.1.5 plain 5 none 1\r\n" },
    { "plain max", NULL, "plugins:1: plain: max:" },
    { "plain\nplain max 1001", NULL, "plugins:2: plain: max: " },
    { "child max 11", NULL, "plugins:1: child: max: " },
    { "plain forbidden", NULL, "plugins:1: plain: forbidden is forbidden" },
    { "child forbidden", NULL, "plugins:1: child: forbidden is forbidden" },
    { "plain a b", NULL, "plugins:1: plain: " },
    { "rcpt a", NULL, "plugins:1: rcpt: " },
    { "orphan", NULL,
      "plugins:1: orphan: its parent missing: no such plugin:" },
    { "loop", NULL, "plugins:1: loop: is derived from itself" },
    { "missing", NULL, "plugins:1: missing: no such plugin: " },
    { "plain:x", NULL, "plugins:1: plain:x: no such plugin: " },
    { "plain:", NULL, "plugins:1: plain:: no such plugin: " },
    { "../plain", NULL, "plugins:1: ../plain: is not a plugin name" },
    { "plain loglevel 8", NULL, "plugins:1: plain: loglevel: " },
    { "plain loglevel x", NULL, "plugins:1: plain: loglevel: " },
    { "plain reject maybe", NULL, "plugins:1: plain: reject: " },
    { "plain reject_type never", NULL, "plugins:1: plain: reject_type: " },
    { "plain timeout never", NULL, "plugins:1: plain: timeout: " },
};

static void test_case(engine_kit *kit, size_t i)
{
    const char *error = make_plugins(kit, cases[i].lines);
    const char *line;

    if (cases[i].ask == NULL) {
        ok(error != NULL
               && strncmp(error, cases[i].answer, strlen(cases[i].answer)) == 0,
           "%s: %s", cases[i].lines, error);
        return;
    }
    if (!is_str(error, NULL, "%s", cases[i].lines)) {
        return;
    }
    kit_open(kit);
    kit_talk(kit, "");
    line = apr_pstrcat(kit->pool, "VRFY ", cases[i].ask, "\r\n", NULL);
    is_str(kit_talk(kit, line), cases[i].answer, "%s: answer", cases[i].lines);
    kit_close(kit);
}

/* The common options hold for the hooks of the parents, too. */
static void test_common(engine_kit *kit)
{
    static const char *const lines[][2] = {
        { "plain", "500" },
        { "child", "500" },
        { "child reject no", "250" },
        { "child reject naughty", "250" },
    };
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(lines); i++) {
        is_str(make_plugins(kit, lines[i][0]), NULL, "%s", lines[i][0]);
        kit_open(kit);
        kit_talk(kit, "");
        is_str(kit_codes(kit_talk(kit, "NOOP\r\n"), kit->pool), lines[i][1],
               "%s: qp_reject", lines[i][0]);
        kit_close(kit);
    }
}

static void test_more(engine_kit *kit)
{
    const char *log;

    is_str(make_plugins(kit, "more\nplain\nmore:1"), NULL, "further hooks");
    kit_open(kit);
    kit_talk(kit, "HELP\r\n");
    log = kit_view(&kit->log);
    ok(strstr(log, "more:1: first\n6 QP2000 more: first\n6 QP2000 more: one\n"
                   "6 QP2000 more: two\n6 QP2000 more:1: one\n"
                   "6 QP2000 more:1: two\n")
           != NULL,
       "in order, and in front of all");
    kit_close(kit);
}

/* Services. -------------------------------------------------------------- */

static qp_rc judge(const qp_plugin *self, qp_session *qp,
                   const qp_words_arg *arg)
{
    if (strcmp(arg->line, "immune") == 0) {
        return qp_return(qp, QP_OK, "immune %d", qp_is_immune(self, qp));
    }
    if (strcmp(arg->line, "verdicts") == 0) {
        qp_log(self, qp, QP_LOG_DEBUG, "a line with \x01 and %s", "100%");
        qp_pass(self, qp, "good");
        qp_fail(self, qp, "bad");
        qp_skip(self, qp, "no matter");
        qp_error(self, qp, "broken");
        return qp_fault(self, qp, "a bug");
    }
    return qp_reject(self, qp, "no %s", arg->line);
}

static const struct {
    int reject; /* as in the table of words */
    int type;
    const char *codes;
    const char *log;
    const char *naughty;
} rejects[] = {
    { 3, 0, "500", "fail, no x", NULL },
    { 2, 1, "500", "fail, no x", NULL },
    { 3, 4, "500", "fail, no x", NULL },
    { 0, 0, "250", "fail, tolerated, no x", NULL },
    { 1, 5, "250", "fail, tolerated, no x", NULL },
    { 4, 2, "250", "fail, naughty, no x", "no x\nno y" },
};

static void test_reject(engine_kit *kit)
{
    static const qp_plugin_def def = { .hooks = { .noop = judge } };
    qp_plugin *plugin;
    qp_notes *notes;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rejects); i++) {
        kit_reset(kit);
        plugin = kit_plugin(kit, &def, "judge", NULL);
        plugin->common.reject = rejects[i].reject;
        plugin->common.reject_type = rejects[i].type;
        kit_start(kit);
        kit_open(kit);
        kit_talk(kit, "");
        is_str(kit_codes(kit_talk(kit, "NOOP x\r\n"), kit->pool),
               rejects[i].codes, "reject %d", (int)i);
        is_int(kit->want == QP_WANT_CLOSE, rejects[i].type == 4,
               "reject %d: closed or not", (int)i);
        ok(strstr(kit_view(&kit->log), apr_pstrcat(kit->pool, " judge: ",
                                                   rejects[i].log, "\n", NULL))
               != NULL,
           "reject %d: log", (int)i);
        if (rejects[i].naughty != NULL) {
            kit_talk(kit, "NOOP y\r\n");
            notes = qp_conn_notes(kit->qp->conn);
            is_str(qp_note_get(notes, QP_NOTE_NAUGHTY), rejects[i].naughty,
                   "reject %d: note", (int)i);
            is_str(qp_note_get(notes, QP_NOTE_NAUGHTY_REJECT_TYPE), "temp",
                   "reject %d: note of the type", (int)i);
        }
    }
    kit_close(kit);
}

static qp_rc judge_status(const qp_plugin *self, qp_session *qp,
                          const qp_words_arg *arg)
{
    if (strcmp(arg->line, "rude") == 0) {
        qp_naughty_add(self, qp, "is %s", arg->line);
        return qp_return(qp, QP_DONE, "x");
    }
    return qp_reject_dsn(self, qp, 4, 6, "no %s", arg->line);
}

/* What marks a client: texts once each, not without end; the last type. */
static void test_naughty(engine_kit *kit)
{
    static const qp_plugin_def def = { .hooks = { .noop = judge,
                                                  .help = judge_status } };
    qp_plugin *plugin;
    const char *text;
    qp_rc type = QP_OK;
    int i;

    kit_reset(kit);
    plugin = kit_plugin(kit, &def, "judge", NULL);
    plugin->common.reject = 4;
    plugin->common.reject_type = QP_REJECT_TYPE_NONE;
    kit_start(kit);
    kit_open(kit);
    ok(qp_naughty(kit->qp, &type) == NULL && type == QP_DECLINED,
       "nothing is said of a new client");
    kit_talk(kit, "NOOP x\r\nNOOP xx\r\nNOOP x\r\nNOOP xx\r\nHELP rude\r\n");
    is_str(qp_naughty(kit->qp, &type), "no x\nno xx\nis rude",
           "each text once");
    is_int(type, QP_DECLINED, "no type is given");
    is_int(qp_reject_type(plugin, QP_DENYSOFT), QP_DENYSOFT, "nor known");
    plugin->common.reject_type = 5;
    kit_talk(kit, "NOOP x\r\n");
    qp_naughty(kit->qp, &type);
    is_int(type, QP_DENYSOFT_DISCONNECT, "the type that is given");
    is_int(qp_reject_type(plugin, QP_DENY), type, "is the plugin's");
    for (i = 0; i < 1000; i++) {
        kit_talk(kit, apr_psprintf(kit->pool, "NOOP %d\r\n", i));
    }
    text = qp_naughty(kit->qp, &type);
    ok(strlen(text) < 1100, "%d octets at most", (int)strlen(text));
    qp_naughty_clear(kit->qp);
    ok(qp_naughty(kit->qp, &type) == NULL && type == QP_DECLINED,
       "all can be forgotten");
    plugin->common.reject = 3;
    plugin->common.reject_type = QP_REJECT_TYPE_NONE;
    is_str(kit_talk(kit, "HELP y\r\n"), "500 5.4.6 no y\r\n", "a status");
    kit_close(kit);
}

static const struct {
    const char *loglevel;
    const char *want; /* of the lines of judge */
} levels[] = {
    { NULL, "7 QP2000, 6 QP2001, 6 QP2002, 6 QP2003, 3 QP2004, 2 QP2005, " },
    { "+2", "7 QP2000, 7 QP2001, 7 QP2002, 7 QP2003, 5 QP2004, 4 QP2005, " },
    { "-3", "4 QP2000, 3 QP2001, 3 QP2002, 3 QP2003, 0 QP2004, 0 QP2005, " },
    { "4", "4 QP2000, 4 QP2001, 4 QP2002, 4 QP2003, 4 QP2004, 4 QP2005, " },
};

static void test_levels(engine_kit *kit)
{
    static const qp_plugin_def def = { .hooks = { .noop = judge } };
    qp_plugin *plugin;
    char *last = NULL;
    char *line;
    const char *got;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(levels); i++) {
        kit_reset(kit);
        plugin = kit_plugin(kit, &def, "judge:5", NULL);
        plugin->common.loglevel = levels[i].loglevel;
        kit_start(kit);
        kit_open(kit);
        kit_talk(kit, "NOOP verdicts\r\n");
        got = "";
        line = apr_strtok(apr_pstrdup(kit->pool, kit_view(&kit->log)), "\n",
                          &last);
        for (; line != NULL; line = apr_strtok(NULL, "\n", &last)) {
            if (strstr(line, " judge:5: ") != NULL) {
                got =
                    apr_pstrcat(kit->pool, got,
                                apr_pstrmemdup(kit->pool, line, 8), ", ", NULL);
            }
        }
        is_str(got, levels[i].want, "levels %d", (int)i);
        ok(strstr(kit_view(&kit->log), "a line with \\x01 and 100%\n") != NULL
               && strstr(kit_view(&kit->log), "skip, no matter\n") != NULL
               && strstr(kit_view(&kit->log), "fault, a bug\n") != NULL,
           "levels %d: texts", (int)i);
    }
    kit_close(kit);
}

static void test_immune(engine_kit *kit)
{
    static const qp_plugin_def def = { .hooks = { .vrfy = judge } };

    kit_reset(kit);
    kit_plugin(kit, &def, "judge", NULL);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, "EHLO x\r\nMAIL FROM:<>\r\n");
    is_str(kit_talk(kit, "VRFY immune\r\n"), "250 2.1.5 immune 0\r\n",
           "not immune");
    qp_note_set(qp_txn_notes(kit->qp->txn), QP_NOTE_WHITELISTSENDER, "1");
    is_str(kit_talk(kit, "VRFY immune\r\n"), "250 2.1.5 immune 1\r\n",
           "by its sender");
    is_str(kit_talk(kit, "RSET\r\nVRFY immune\r\n"),
           "250 2.0.0 Reset\r\n250 2.1.5 immune 0\r\n", "which has gone");
    qp_note_set(qp_conn_notes(kit->qp->conn), QP_NOTE_WHITELISTHOST, "");
    is_str(kit_talk(kit, "VRFY immune\r\n"), "250 2.1.5 immune 1\r\n",
           "by its host");
    qp_note_set(qp_conn_notes(kit->qp->conn), QP_NOTE_WHITELISTHOST, NULL);
    qp_conn_set_relay_client(kit->qp->conn, 1);
    is_str(kit_talk(kit, "VRFY immune\r\n"), "250 2.1.5 immune 1\r\n",
           "it may relay");
    is_int(kit_count(kit_view(&kit->log), " judge: skip, "), 3, "it is logged");
    kit_close(kit);
}

/* The whole server from its folder. -------------------------------------- */

static const struct {
    const char *plugins;
    const char *dirs;
    const char *databytes;
    const char *error;
} folders[] = {
    { NULL, NULL, NULL, "/plugins: no plugin is loaded" },
    { "# none\n", NULL, NULL, "/plugins: no plugin is loaded" },
    { "\nmissing a b\n", NULL, NULL, "/plugins:2: missing: no such plugin" },
    { "missing\n", "/one\ntwo\n", NULL, "/one:two:" },
    { "missing \"a\n", NULL, NULL, "/plugins:1: " },
    { "$include none\n", NULL, NULL, "/plugins:1: " },
    { "missing\n", NULL, "x\n", "/databytes:1: databytes: " },
    { "missing\n", "$include none\n", NULL, "/plugin_dirs:1: " },
};

static void test_folders(engine_kit *kit)
{
    qp_server_spec spec = { .config_dir = kit->dir,
                            .log_sink = kit->carrier.log_sink,
                            .log_ctx = kit };
    qp_server *server = NULL;
    const char *error;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(folders); i++) {
        kit_file(kit, "plugins", folders[i].plugins);
        kit_file(kit, "plugin_dirs", folders[i].dirs);
        kit_file(kit, "databytes", folders[i].databytes);
        error = qp_server_create(&server, &spec, kit->pool);
        ok(error != NULL && strstr(error, folders[i].error) != NULL,
           "folder %d: %s", (int)i, error);
    }
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    set_up_path(kit);
    for (i = 0; i < QP_ARRAY_LEN(cases); i++) {
        test_case(kit, i);
    }
    test_common(kit);
    test_more(kit);
    test_reject(kit);
    test_naughty(kit);
    test_levels(kit);
    test_immune(kit);
    test_folders(kit_create(pool));
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
