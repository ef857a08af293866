/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugin/qp_hook: the order of a chain, who observes it, inherited
 * hooks and QP_SUPER, parsers that plugins bring, what hooks are given, and
 * hooks that wait.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

#define HELLO "EHLO client.example\r\n"
#define MAIL  "MAIL FROM:<a@example.net> SIZE=12\r\n"
#define RCPT  "RCPT TO:<b@example.org>\r\n"

/* Observers. ------------------------------------------------------------- */

/* Each answer of a chain is told to deny or ok, with the plugin's name, the
 * hook, the code and the text; in the order of the plugins (D10). */
static const struct {
    qp_hook_id hook;
    int rcs[3]; /* of three plugins; 0: it is not asked */
    const char *text;
    const char *shown; /* of it, to the client */
    const char *line;
    const char *want;
} observed[] = {
    { QP_HOOK_mail,
      { QP_DECLINED, QP_DECLINED, QP_DECLINED },
      NULL,
      NULL,
      MAIL,
      " ok(one mail DECLINED ) ok(two:1 mail DECLINED ) "
      "ok(three mail DECLINED )" },
    { QP_HOOK_mail,
      { QP_DECLINED, QP_DENY, 0 },
      "no, thanks",
      " no, thanks\r\n",
      MAIL,
      " ok(one mail DECLINED no, thanks) deny(two:1 mail DENY no, thanks)" },
    { QP_HOOK_mail,
      { QP_OK, 0, 0 },
      "fine",
      NULL,
      MAIL,
      " ok(one mail OK fine)" },
    { QP_HOOK_vrfy,
      { QP_DECLINED, QP_DENY, 0 },
      NULL,
      NULL,
      "VRFY x\r\n",
      " ok(one vrfy DECLINED ) deny(two:1 vrfy DENY )" },
    { QP_HOOK_noop,
      { QP_DENY_DISCONNECT, 0, 0 },
      "a\nb",
      " b\r\n",
      "NOOP\r\n",
      " deny(one noop DENY_DISCONNECT a\nb)" },
    { QP_HOOK_mail_pre,
      { QP_DECLINED, QP_DENYSOFT_DISCONNECT, 0 },
      NULL,
      NULL,
      MAIL,
      " ok(one mail_pre DECLINED ) "
      "deny(two:1 mail_pre DENYSOFT_DISCONNECT )" },
    { QP_HOOK_help,
      { 12, QP_DENYSOFT + 4, QP_DENYSOFT },
      NULL,
      NULL,
      "HELP\r\n",
      " ok(one help DECLINED ) ok(two:1 help DECLINED ) "
      "deny(three help DENYSOFT )" },
};

/* Only what the hook of the case was answered. */
static const char *pick_hook(engine_kit *kit, const char *name)
{
    const char *key = apr_pstrcat(kit->pool, " ", name, " ", NULL);
    char *picked = apr_pstrdup(kit->pool, "");
    char *copy = apr_pstrdup(kit->pool, kit_view(&kit->trace));
    char *last = NULL;
    char *piece;

    for (piece = apr_strtok(copy, ")", &last); piece != NULL;
         piece = apr_strtok(NULL, ")", &last)) {
        if (strstr(piece, key) != NULL) {
            picked = apr_pstrcat(kit->pool, picked, piece, ")", NULL);
        }
    }
    return picked;
}

static void test_observers(engine_kit *kit)
{
    static const char *const names[] = { "one", "two:1", "three" };
    kit_script scripts[QP_ARRAY_LEN(observed)][3];
    const char *out;
    size_t i;
    int n;

    for (i = 0; i < QP_ARRAY_LEN(observed); i++) {
        kit_reset(kit);
        kit_plugin(kit, &kit_observer_def, "observer", kit);
        for (n = 0; n < 3; n++) {
            memset(&scripts[i][n], 0, sizeof(scripts[i][n]));
            scripts[i][n].hook = observed[i].hook;
            scripts[i][n].rc = observed[i].rcs[n];
            scripts[i][n].text = observed[i].text;
            kit_plugin(kit, &kit_script_def, names[n], &scripts[i][n]);
        }
        kit_start(kit);
        kit_open(kit);
        kit_talk(kit, HELLO);
        kit_clear(&kit->trace);
        out = kit_talk(kit, observed[i].line);
        is_int((long long)strlen(kit_codes(out, kit->pool)), 3,
               "observed %d: one reply", (int)i);
        ok(observed[i].shown == NULL || strstr(out, observed[i].shown) != NULL,
           "observed %d: its text", (int)i);
        is_str(pick_hook(kit, qp_hook_name(observed[i].hook)), observed[i].want,
               "observed %d", (int)i);
        for (n = 0; n < 3; n++) {
            is_int(scripts[i][n].calls, observed[i].rcs[n] != 0,
                   "observed %d: plugin %d is asked or not", (int)i, n);
        }
        kit_close(kit);
    }
}

/* An answer that is none is logged once for each plugin. */
static void test_warned_once(engine_kit *kit)
{
    kit_script script = { QP_HOOK_noop, 1, NULL, 0, 0 };
    kit_script other = { QP_HOOK_noop, 1, NULL, 0, 0 };

    kit_reset(kit);
    kit_plugin(kit, &kit_script_def, "odd", &script);
    kit_plugin(kit, &kit_script_def, "odd:1", &other);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, "NOOP\r\nNOOP\r\nNOOP\r\n");
    is_int(kit_count(kit_view(&kit->log), "2 QP1101 : odd: answer 1 (?)"), 1,
           "an odd answer is logged once");
    is_int(kit_count(kit_view(&kit->log), "2 QP1101 : odd:1: answer 1"), 1,
           "once for each instance");
    is_int(script.calls, 3, "it is asked all the same");
    kit_open(kit);
    kit_talk(kit, "NOOP\r\n");
    ok(strstr(kit_view(&kit->log), "QP1101") == NULL, "not in each session");
    kit_close(kit);
}

/* Inheritance. ----------------------------------------------------------- */

struct family_opts {
    const char *word;
};

struct family_data {
    int calls;
};

static qp_rc say_word(const qp_plugin *self, qp_session *qp, const char *hook)
{
    const struct family_opts *opt = qp_opts(self);
    struct family_data *data = qp_conn_data(self, qp);

    return qp_return(qp, QP_DENY, "%s %s %s %d", qp_plugin_name(self),
                     opt->word, hook, ++data->calls);
}

static qp_rc old_vrfy(const qp_plugin *self, qp_session *qp,
                      const qp_words_arg *arg)
{
    return say_word(self, qp, "vrfy");
}

static qp_rc old_noop(const qp_plugin *self, qp_session *qp,
                      const qp_words_arg *arg)
{
    return say_word(self, qp, "noop");
}

static qp_rc old_help(const qp_plugin *self, qp_session *qp,
                      const qp_words_arg *arg)
{
    return say_word(self, qp, "help");
}

static qp_rc young_vrfy(const qp_plugin *self, qp_session *qp,
                        const qp_words_arg *arg)
{
    struct family_data *data = qp_conn_data(self, qp);

    data->calls += 100;
    if (strcmp(arg->line, "mine") == 0) {
        return say_word(self, qp, "vrfy");
    }
    return QP_SUPER(self, qp, vrfy, arg);
}

static qp_rc young_noop(const qp_plugin *self, qp_session *qp,
                        const qp_words_arg *arg)
{
    return QP_SUPER(self, qp, noop, arg);
}

static qp_rc young_quit(const qp_plugin *self, qp_session *qp,
                        const qp_words_arg *arg)
{
    qp_rc rc = QP_SUPER(self, qp, quit, arg);

    return qp_return(qp, rc, "super said %s", qp_hook_rc_name(rc));
}

#define FAMILY .conn_size = sizeof(struct family_data)

static const qp_plugin_def old_def = {
    FAMILY,
    .hooks = { .vrfy = old_vrfy, .noop = old_noop, .help = old_help },
};
static const qp_plugin_def middle_def = { FAMILY, .hooks = { .vrfy = NULL } };
static const qp_plugin_def young_def = {
    FAMILY,
    .hooks = { .vrfy = young_vrfy, .noop = young_noop, .quit = young_quit },
};

/* As a line of config/plugins makes it: parents are not in the list. */
static qp_plugin *add_family(engine_kit *kit, const char *name, int depth,
                             struct family_opts *opts)
{
    static const qp_plugin_def *const defs[] = { &young_def, &old_def,
                                                 &old_def };
    qp_plugin *plugin = kit_plugin(kit, defs[0], name, &opts[0]);
    qp_plugin *each = plugin;
    int i;

    for (i = 1; i <= depth; i++) {
        each->parent =
            kit_plugin(kit, depth == 2 && i == 1 ? &middle_def : defs[i], name,
                       &opts[i]);
        apr_array_pop(kit->plugins);
        each = each->parent;
    }
    return plugin;
}

static void test_family(engine_kit *kit)
{
    struct family_opts one[] = { { "child" }, { "parent" } };

    kit_reset(kit);
    add_family(kit, "one", 1, one);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, HELLO);
    is_str(kit_talk(kit, "VRFY x\r\n"), "554 5.7.1 one parent vrfy 1\r\n",
           "SUPER has the parent's options and data");
    is_str(kit_talk(kit, "VRFY mine\r\n"), "554 5.7.1 one child vrfy 201\r\n",
           "the child has its own");
    is_str(kit_talk(kit, "NOOP\r\n"), "500 5.5.1 one parent noop 2\r\n",
           "SUPER of another hook, with the same data");
    is_str(kit_talk(kit, "HELP\r\n"), "500 5.5.1 one parent help 3\r\n",
           "a hook that the child lacks is inherited");
    is_str(kit_talk(kit, "QUIT\r\n"), "221 2.0.0 super said DECLINED\r\n",
           "SUPER of a hook that nobody has");
    kit_close(kit);
}

/* A hook that the parent lacks is its own parent's (core.md 11). */
static void test_grandparent(engine_kit *kit)
{
    struct family_opts opts[] = { { "child" }, { "parent" }, { "old" } };

    kit_reset(kit);
    add_family(kit, "three", 2, opts);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, HELLO);
    is_str(kit_talk(kit, "HELP\r\n"), "500 5.5.1 three old help 1\r\n",
           "inherited over two generations");
    is_str(kit_talk(kit, "NOOP\r\n"), "500 5.5.1 three old noop 2\r\n",
           "SUPER over two generations");
    is_str(kit_talk(kit, "VRFY x\r\n"), "554 5.7.1 three old vrfy 3\r\n",
           "SUPER over two generations, another hook");
    kit_close(kit);
}

/* Two instances of one plugin: own options, own data of both lives. */
struct count_opts {
    const char *word;
};

struct count_data {
    int n;
};

static qp_rc count_vrfy(const qp_plugin *self, qp_session *qp,
                        const qp_words_arg *arg)
{
    const struct count_opts *opt = qp_opts(self);
    struct count_data *conn = qp_conn_data(self, qp);
    struct count_data *txn = qp_txn_data(self, qp);

    if (strcmp(opt->word, arg->line) != 0) {
        return QP_DECLINED;
    }
    return qp_return(qp, QP_OK, "%s %d %d", qp_plugin_name(self), ++conn->n,
                     ++txn->n);
}

static void test_instances(engine_kit *kit)
{
    static const qp_plugin_def def = { .conn_size = sizeof(struct count_data),
                                       .txn_size = sizeof(struct count_data),
                                       .hooks = { .vrfy = count_vrfy } };
    struct count_opts a = { "a" };
    struct count_opts b = { "b" };

    kit_reset(kit);
    kit_plugin(kit, &def, "count", &a);
    kit_plugin(kit, &def, "count:2", &b);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, HELLO MAIL);
    is_str(kit_talk(kit, "VRFY a\r\nVRFY a\r\nVRFY b\r\n"),
           "250 2.1.5 count 1 1\r\n250 2.1.5 count 2 2\r\n"
           "250 2.1.5 count:2 1 1\r\n",
           "each instance counts for itself");
    is_str(kit_talk(kit, "RSET\r\nVRFY a\r\nVRFY a\r\n" MAIL "VRFY b\r\n"),
           "250 2.0.0 Reset\r\n250 2.1.5 count 3 1\r\n250 2.1.5 count 4 1\r\n"
           "250 2.1.0 Sender <a@example.net> ok\r\n250 2.1.5 count:2 2 1\r\n",
           "data of a transaction goes with it");
    kit_open(kit);
    is_str(kit_codes(kit_talk(kit, "VRFY a\r\n"), kit->pool), "220 250",
           "a new session");
    ok(strstr(mem_io_output(kit->io), "count 1 1") != NULL,
       "data of a connection goes with it");
    kit_close(kit);
}

/* Parsers. --------------------------------------------------------------- */

struct parse_opts {
    const char *name;
    qp_rc rc;
    engine_kit *kit;
};

static qp_rc parse_path(const qp_plugin *self, qp_session *qp, const char *verb,
                        const char *line, qp_parsed *out)
{
    const struct parse_opts *opt = qp_opts(self);

    kit_print(&opt->kit->trace, " %s:%s:%s", opt->name, verb, line);
    if (strcmp(line, "bad") == 0) {
        out->error = "as bad as can be";
        return QP_DENY;
    }
    if (strcmp(line, "worse") == 0) {
        return QP_DENY;
    }
    out->first = verb[1] == 'a' || verb[0] == 'r' ? "<p@example.com>" : "p";
    return QP_OK;
}

static qp_rc bring_parser(const qp_plugin *self, qp_session *qp,
                          qp_parse_arg *arg)
{
    const struct parse_opts *opt = qp_opts(self);

    if (opt->rc != QP_DECLINED) {
        arg->parse = parse_path;
    }
    return opt->rc;
}

static const qp_plugin_def parser_def = {
    .hooks = { .helo_parse = bring_parser,
               .ehlo_parse = bring_parser,
               .mail_parse = bring_parser,
               .rcpt_parse = bring_parser },
};

static qp_rc observe_nothing(const qp_plugin *self, qp_session *qp,
                             const qp_verdict_arg *arg)
{
    return QP_DECLINED;
}

static void test_parsers(engine_kit *kit)
{
    static const qp_plugin_def ok_def = { .hooks.ok = observe_nothing };
    struct parse_opts first = { "first", QP_DECLINED, kit };
    struct parse_opts second = { "second", QP_OK, kit };
    struct parse_opts wrong = { "WRONG", QP_OK, kit };

    kit_reset(kit);
    kit_plugin(kit, &parser_def, "first", &first);
    kit_plugin(kit, &parser_def, "second", &second);
    kit_plugin(kit, &ok_def, "observer", &wrong);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_start(kit);
    kit_open(kit);
    is_str(kit_codes(kit_talk(kit, "HELO a  b\r\nMAIL some one\r\nRCPT x\r\n"
                                   "EHLO worse\r\nEHLO bad\r\nMAIL bad\r\n"
                                   "RSET\r\nMAIL worse\r\n"),
                     kit->pool),
           "220 250 250 250 501 501 503 250 501", "replies");
    is_str(kit_view(&kit->trace),
           " second:helo:a  b second:mail:some one second:rcpt:x"
           " second:ehlo:worse second:ehlo:bad second:mail:worse",
           "the parser is called as its own plugin, with the whole line");
    is_str(kit_talk(kit, "MAIL bad\r\n"), "501 5.5.4 as bad as can be\r\n",
           "its error is sent");
    kit_close(kit);
}

/* What a config hook answers within another hook changes nothing there. */
static qp_rc config_of_another(const qp_plugin *self, qp_session *qp,
                               qp_config_arg *arg)
{
    return qp_return(qp, QP_DECLINED, "text of the config hook");
}

static qp_rc ask_config(const qp_plugin *self, qp_session *qp,
                        qp_parse_arg *arg)
{
    arg->parse = parse_path;
    qp_config(qp, "somekey");
    return QP_OK;
}

static qp_rc deny_then_ask(const qp_plugin *self, qp_session *qp,
                           const qp_words_arg *arg)
{
    qp_return(qp, QP_DENY, "text of the vrfy hook");
    qp_config(qp, "somekey");
    return QP_DENY;
}

static void test_nested(engine_kit *kit)
{
    static const qp_plugin_def outer = { .hooks = { .mail_parse = ask_config,
                                                    .vrfy = deny_then_ask } };
    static const qp_plugin_def inner = { .hooks.config = config_of_another };
    struct parse_opts right = { "right", QP_OK, kit };
    struct parse_opts wrong = { "WRONG", QP_OK, kit };

    kit_reset(kit);
    kit_plugin(kit, &outer, "outer", &right);
    kit_plugin(kit, &inner, "inner", &wrong);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, HELLO);
    kit_clear(&kit->trace);
    kit_talk(kit, "MAIL x\r\n");
    is_str(kit_view(&kit->trace), " right:mail:x",
           "the parser's plugin, when the hook has asked for config");
    is_str(kit_talk(kit, "VRFY x\r\n"), "554 5.7.1 text of the vrfy hook\r\n",
           "the text, when the hook has asked for config");
    kit_close(kit);
}

/* What the hooks are given. ---------------------------------------------- */

static qp_rc note_words(const qp_plugin *self, qp_session *qp,
                        const qp_words_arg *arg)
{
    engine_kit *kit = self->opts;

    kit_print(&kit->trace, " [%s|%s]", arg->line,
              apr_array_pstrcat(qp_pool(qp), arg->words, '|'));
    return QP_DECLINED;
}

static qp_rc note_command(const qp_plugin *self, qp_session *qp,
                          const qp_command_arg *arg)
{
    engine_kit *kit = self->opts;

    kit_print(&kit->trace, " [%s:%s|%s]", arg->verb, arg->line,
              apr_array_pstrcat(qp_pool(qp), arg->words, '|'));
    return QP_DECLINED;
}

static qp_rc note_helo(const qp_plugin *self, qp_session *qp,
                       const qp_helo_arg *arg)
{
    engine_kit *kit = self->opts;

    kit_print(&kit->trace, " [%s|%s|%s]", arg->host, arg->rest,
              qp_conn_hello_host(qp_connection(qp)));
    return QP_DECLINED;
}

static qp_rc note_start(const qp_plugin *self, qp_session *qp,
                        const qp_pre_connection_arg *arg)
{
    engine_kit *kit = self->opts;

    kit_print(&kit->trace, " [%s:%d %s:%d %d/%d]", arg->remote_ip,
              arg->remote_port, arg->local_ip, arg->local_port,
              arg->conns_of_ip, arg->max_conn_ip);
    return QP_DECLINED;
}

/* mail_pre adds what is missing, and a parameter that mail sees. */
static qp_rc mend_address(const qp_plugin *self, qp_session *qp,
                          qp_addr_pre_arg *arg)
{
    engine_kit *kit = self->opts;

    kit_print(&kit->trace, " [pre %s]", arg->addr);
    apr_table_unset(arg->params, "foo");
    arg->addr = apr_pstrcat(qp_pool(qp), "<", arg->addr, ">", NULL);
    return QP_OK;
}

static qp_rc note_mail(const qp_plugin *self, qp_session *qp,
                       const qp_mail_arg *arg)
{
    engine_kit *kit = self->opts;
    const char *foo = apr_table_get(arg->params, "foo");
    const char *size = apr_table_get(arg->params, "size");

    kit_print(&kit->trace, " [%s %s %s %s]",
              qp_addr_text(arg->sender, qp_pool(qp)), foo ? foo : "-",
              size ? size : "-",
              qp_txn_sender(qp_transaction(qp)) == NULL ? "none" : "set");
    return QP_DECLINED;
}

static void test_arguments(engine_kit *kit)
{
    static const qp_plugin_def def = {
        .hooks = { .noop = note_words,
                   .help = note_words,
                   .vrfy = note_words,
                   .quit = note_words,
                   .unrecognized_command = note_command,
                   .helo = note_helo,
                   .ehlo = note_helo,
                   .pre_connection = note_start,
                   .mail_pre = mend_address,
                   .mail = note_mail },
    };

    kit_reset(kit);
    kit_set(kit, "max_conn_ip", "5");
    kit_plugin(kit, &def, "note", kit);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, "NOOP\r\nHELP a  b \r\nVRFY x\ty\r\nSTARTtls now  \r\n"
                  "\r\n x\r\nHELO a b c\r\nEHLO d\r\n"
                  "MAIL FROM:a@example.net SIZE=7 FOO=bar\r\nQUIT z\r\n");
    is_str(kit_view(&kit->trace),
           " [192.0.2.1:40000 192.0.2.25:25 1/5] [|] [a  b|a|b] [x\ty|x|y]"
           " [starttls:now|now] [:|] [:x|x] [a|b c|] [d||a] [pre a@example.net]"
           " [a@example.net - 7 none] [z|z]",
           "arguments");
    kit_close(kit);
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    test_observers(kit);
    test_warned_once(kit);
    test_family(kit);
    test_grandparent(kit);
    test_instances(kit);
    test_parsers(kit);
    test_nested(kit);
    test_arguments(kit);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
