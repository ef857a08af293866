/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the differences between a dialog and what has happened. It keeps
 * nothing, and does not print. */

#include "tester/qp_judge.h"

#include <regex.h>
#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>

/** A judgement under way. */
struct trial {
    const qp_dialog *dialog;
    const qp_record *record;
    const char *way;
    apr_array_header_t *wrong; /* of const char * */
    apr_pool_t *pool;
};

static void add_wrong(struct trial *trial, int number, const char *fmt, ...)
    QP_PRINTF(3, 4);

static void add_wrong(struct trial *trial, int number, const char *fmt, ...)
{
    const char *where = trial->dialog->file;
    va_list ap;

    if (number > 0) {
        where = apr_psprintf(trial->pool, "%s:%d", where, number);
    }
    va_start(ap, fmt);
    APR_ARRAY_PUSH(trial->wrong, const char *) =
        apr_pstrcat(trial->pool, where, ": ", trial->way, ": ",
                    apr_pvsprintf(trial->pool, fmt, ap), NULL);
    va_end(ap);
}

/* Whether @a text is @a pattern, in which "..." stands for anything. */
static int is_match(const char *pattern, const char *text)
{
    const char *dots = strstr(pattern, "...");
    size_t len = dots != NULL ? (size_t)(dots - pattern) : strlen(pattern);

    if (dots == NULL) {
        return strcmp(pattern, text) == 0;
    }
    if (strncmp(pattern, text, len) != 0) {
        return 0;
    }
    text += len;
    pattern = dots + 3;
    while ((dots = strstr(pattern, "...")) != NULL) {
        len = (size_t)(dots - pattern);
        while (strncmp(pattern, text, len) != 0 && *text != '\0') {
            text++;
        }
        if (strncmp(pattern, text, len) != 0) {
            return 0;
        }
        text += len;
        pattern = dots + 3;
    }
    len = strlen(pattern);
    return strlen(text) >= len
           && strcmp(text + strlen(text) - len, pattern) == 0;
}

/* The next event of a kind, from *at on; or NULL. */
static const qp_event *next_event(const qp_record *record, char kind, int *at)
{
    const qp_event *event;

    while (*at < record->events->nelts) {
        event = &APR_ARRAY_IDX(record->events, (*at)++, qp_event);
        if (event->kind == kind) {
            return event;
        }
    }
    return NULL;
}

/* The replies, up to the first difference. */
static void judge_replies(struct trial *trial)
{
    const qp_dialog_line *line;
    const qp_event *event;
    int at = 0;
    int i;

    for (i = 0; i < trial->dialog->lines->nelts; i++) {
        line = &APR_ARRAY_IDX(trial->dialog->lines, i, qp_dialog_line);
        if (line->kind != 'S' || strcmp(line->text, QP_DIALOG_EOF) == 0) {
            continue;
        }
        event = next_event(trial->record, 'S', &at);
        if (event == NULL || !is_match(line->text, event->text)) {
            add_wrong(trial, line->number, "want <%s>, got <%s>", line->text,
                      event != NULL ? event->text : "(nothing)");
            return;
        }
    }
    event = next_event(trial->record, 'S', &at);
    if (event != NULL) {
        add_wrong(trial, 0, "want no more, got <%s>", event->text);
    }
}

/* The last line is who closes. */
static void judge_end(struct trial *trial)
{
    const qp_dialog_line *line;
    const qp_dialog_line *eof = NULL;
    int i;

    for (i = 0; i < trial->dialog->lines->nelts; i++) {
        line = &APR_ARRAY_IDX(trial->dialog->lines, i, qp_dialog_line);
        if (line->kind == 'S' && strcmp(line->text, QP_DIALOG_EOF) == 0) {
            eof = line;
        }
    }
    if (trial->record->is_stuck) {
        add_wrong(trial, 0, "a plugin waits for something that never comes");
    }
    else if (eof != NULL && trial->record->has_left) {
        add_wrong(trial, eof->number, "the server does not close");
    }
    else if (eof == NULL && !trial->record->has_left) {
        add_wrong(trial, 0, "the server closes; \"S: <eof>\" would expect it");
    }
}

/* Whether an event is what a line expects: a part of a log line, or the whole
 * of another. */
static int is_expected(const qp_dialog_line *line, const qp_event *event)
{
    if (line->kind != event->kind) {
        return 0;
    }
    return line->kind == 'L' ? strstr(event->text, line->text) != NULL
                             : is_match(line->text, event->text);
}

static int has_happened(const struct trial *trial, const qp_dialog_line *line)
{
    int i;

    for (i = 0; i < trial->record->events->nelts; i++) {
        if (is_expected(line,
                        &APR_ARRAY_IDX(trial->record->events, i, qp_event))) {
            return 1;
        }
    }
    return 0;
}

/* What must have happened at some time. */
static void judge_expected(struct trial *trial)
{
    static const char *const what[] = { ['L'] = "log line with",
                                        ['V'] = "verdict",
                                        ['N'] = "note",
                                        ['M'] = "line of a message" };
    const qp_dialog_line *line;
    int i;

    for (i = 0; i < trial->dialog->lines->nelts; i++) {
        line = &APR_ARRAY_IDX(trial->dialog->lines, i, qp_dialog_line);
        if (strchr("LVNM", line->kind) != NULL && !has_happened(trial, line)) {
            add_wrong(trial, line->number, "no %s <%s>",
                      what[(unsigned char)line->kind], line->text);
        }
    }
}

/* What must not be in the log. */
static void judge_unwanted(struct trial *trial)
{
    const qp_dialog_line *line;
    const qp_event *event;
    int at;
    int i;

    for (i = 0; i < trial->dialog->lines->nelts; i++) {
        line = &APR_ARRAY_IDX(trial->dialog->lines, i, qp_dialog_line);
        at = 0;
        while (line->kind == 'X'
               && (event = next_event(trial->record, 'L', &at)) != NULL) {
            if (strstr(event->text, line->text) != NULL) {
                add_wrong(trial, line->number, "unwanted log line: %s",
                          event->text);
            }
        }
    }
}

static int is_announced(const struct trial *trial, const qp_event *event)
{
    int i;

    for (i = 0; i < trial->dialog->lines->nelts; i++) {
        if (is_expected(&APR_ARRAY_IDX(trial->dialog->lines, i, qp_dialog_line),
                        event)) {
            return 1;
        }
    }
    return 0;
}

/* A log line above INFO is trouble, unless the dialog has it. */
static void judge_log(struct trial *trial)
{
    const qp_event *event;
    int at = 0;

    while ((event = next_event(trial->record, 'L', &at)) != NULL) {
        if (event->level < QP_LOG_INFO && !is_announced(trial, event)) {
            add_wrong(trial, 0, "unexpected log line: %s", event->text);
        }
    }
}

/* A dialog that has lines of E: the server must not start. */
static void judge_fault(struct trial *trial)
{
    const char *fault = trial->record->fault;
    const qp_dialog_line *line;
    int i;

    for (i = 0; i < trial->dialog->lines->nelts; i++) {
        line = &APR_ARRAY_IDX(trial->dialog->lines, i, qp_dialog_line);
        if (line->kind != 'E') {
            continue;
        }
        if (fault == NULL) {
            add_wrong(trial, line->number, "want <%s>, but the server starts",
                      line->text);
        }
        else if (strstr(fault, line->text) == NULL) {
            add_wrong(trial, line->number, "want <%s>, got <%s>", line->text,
                      fault);
        }
    }
}

apr_array_header_t *qp_judge_record(const qp_dialog *dialog,
                                    const qp_record *record, const char *way,
                                    apr_pool_t *pool)
{
    struct trial trial = { dialog, record, way,
                           apr_array_make(pool, 4, sizeof(const char *)),
                           pool };

    if (dialog->nfaults > 0) {
        judge_fault(&trial);
        return trial.wrong;
    }
    if (record->fault != NULL) {
        APR_ARRAY_PUSH(trial.wrong, const char *) = record->fault;
        return trial.wrong;
    }
    judge_replies(&trial);
    judge_end(&trial);
    judge_expected(&trial);
    judge_unwanted(&trial);
    judge_log(&trial);
    if (record->has_bare) {
        add_wrong(&trial, 0, "a bare CR or LF in a reply");
    }
    if (record->nspooled > 0) {
        add_wrong(&trial, 0, "%d file(s) left in the spool folder",
                  record->nspooled);
    }
    return trial.wrong;
}

/* Puts @a by in place of what matches. */
static const char *replace_matches(const char *text, const char *expression,
                                   const char *by, apr_pool_t *pool)
{
    const char *done = "";
    regmatch_t match;
    regex_t regex;

    if (regcomp(&regex, expression, REG_EXTENDED) != 0) {
        return text;
    }
    while (regexec(&regex, text, 1, &match, 0) == 0) {
        done = apr_pstrcat(pool, done,
                           apr_pstrmemdup(pool, text, (apr_size_t)match.rm_so),
                           by, NULL);
        text += match.rm_eo;
    }
    regfree(&regex);
    return apr_pstrcat(pool, done, text, NULL);
}

const char *qp_judge_said(const qp_record *record, apr_pool_t *pool)
{
    static const char id[] = "[0-9A-Za-z]{6,}\\.[0-9]+";
    static const char date[] = "[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} "
                               "[0-9]{4} [0-9:]{8} [-+][0-9]{4}";
    const char *said = "";
    const qp_event *event;
    int at = 0;

    while ((event = next_event(record, 'S', &at)) != NULL) {
        said = apr_pstrcat(pool, said, event->text, "\n", NULL);
    }
    return replace_matches(replace_matches(said, date, "DATE", pool), id, "ID",
                           pool);
}
