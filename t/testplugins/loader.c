/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads plugins that are text files: they begin with "#!reply", and each line
 * behind it is "HOOK ANSWER TEXT", such as
 *
 *     noop DENY not today
 *
 * Lines that begin with "#" are comments. What it makes of a file lives as long
 * as the configuration. For tests of loaders; such a plugin takes no options.
 */
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

#define MAGIC "#!reply"

struct line {
    const char *hook;
    qp_rc rc;
    const char *text;
};

/* The baton: of struct line. */
typedef apr_array_header_t script;

static const struct {
    const char *name;
    qp_rc rc;
} answers[] = {
    { "OK", QP_OK },
    { "DENY", QP_DENY },
    { "DENYSOFT", QP_DENYSOFT },
    { "DECLINED", QP_DECLINED },
};

static qp_rc play(const qp_plugin *self, qp_session *qp)
{
    const script *lines = qp_loader_baton(self);
    const struct line *line;
    int i;

    for (i = 0; i < lines->nelts; i++) {
        line = &APR_ARRAY_IDX(lines, i, struct line);
        if (strcmp(line->hook, qp_current_hook(qp)) == 0) {
            return qp_return(qp, line->rc, "%s: %s", qp_plugin_name(self),
                             line->text);
        }
    }
    return QP_DECLINED;
}

#define DEFINE_HOOK(hook, type)                                                \
    static qp_rc play_##hook(const qp_plugin *self, qp_session *qp, type *arg) \
    {                                                                          \
        return play(self, qp);                                                 \
    }

#define SCRIPT_HOOKS(X)                                                        \
    X(connect, const qp_connect_arg)                                           \
    X(ehlo, const qp_helo_arg)                                                 \
    X(mail, const qp_mail_arg)                                                 \
    X(rcpt, const qp_rcpt_arg)                                                 \
    X(data, const qp_data_arg)                                                 \
    X(queue, const qp_data_arg)                                                \
    X(vrfy, const qp_words_arg)                                                \
    X(noop, const qp_words_arg)                                                \
    X(help, const qp_words_arg)

SCRIPT_HOOKS(DEFINE_HOOK)

/* @return whether there is such a hook */
static int set_hook(qp_hooks *hooks, const char *name)
{
#define SET_HOOK(hook, type)                                                   \
    if (strcmp(name, #hook) == 0) {                                            \
        hooks->hook = play_##hook;                                             \
        return 1;                                                              \
    }
    SCRIPT_HOOKS(SET_HOOK)
    return 0;
}

static int find_answer(const char *name, qp_rc *rc)
{
    size_t i;

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (strcmp(answers[i].name, name) == 0) {
            *rc = answers[i].rc;
            return 1;
        }
    }
    return 0;
}

static const char *parse_line(char *text, script *lines, qp_loaded *out)
{
    struct line line = { NULL, QP_DECLINED, "" };
    char *last = NULL;
    const char *answer;

    line.hook = apr_strtok(text, " \n", &last);
    answer = apr_strtok(NULL, " \n", &last);
    if (last != NULL && *last != '\0') {
        line.text = apr_pstrmemdup(out->pool, last, strcspn(last, "\n"));
    }
    if (answer == NULL || !find_answer(answer, &line.rc)) {
        return "each line is HOOK ANSWER TEXT";
    }
    line.hook = apr_pstrdup(out->pool, line.hook);
    if (!set_hook(&out->def.hooks, line.hook)) {
        return apr_pstrcat(out->pool, "there is no hook ", line.hook, NULL);
    }
    APR_ARRAY_PUSH(lines, struct line) = line;
    return NULL;
}

static qp_rc read_script(FILE *in, qp_loaded *out)
{
    script *lines = apr_array_make(out->pool, 4, sizeof(struct line));
    char text[1000];
    int number = 1;

    while (out->error == NULL && fgets(text, sizeof(text), in) != NULL) {
        number++;
        if (text[0] != '#' && text[0] != '\n') {
            out->error = parse_line(text, lines, out);
        }
    }
    if (out->error != NULL) {
        out->error = apr_psprintf(out->pool, "line %d: %s", number, out->error);
        return QP_DENY;
    }
    out->baton = lines;
    return QP_OK;
}

static qp_rc load(const char *name, const char *file, qp_loaded *out)
{
    FILE *in = fopen(file, "re");
    char first[sizeof(MAGIC) + 1];
    qp_rc rc = QP_DECLINED;

    if (in == NULL) {
        return QP_DECLINED;
    }
    if (fgets(first, sizeof(first), in) != NULL
        && strcmp(first, MAGIC "\n") == 0) {
        rc = read_script(in, out);
    }
    fclose(in);
    return rc;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    qp_add_loader(self, load);
    return NULL;
}

QP_PLUGIN(loader) = { .setup = setup };
