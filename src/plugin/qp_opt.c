/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills a struct from words, as an option table says. Texts and lists live in
 * the caller's pool. It does not split lines into words, and does not know
 * where they stand: the caller puts FILE:LINE in front of a complaint.
 */
#include "plugin/qp_opt.h"

#include <limits.h>
#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

/** How much of a word a complaint quotes. */
#define QUOTE_MAX 200

/** The reading of one line. */
struct parser {
    const qp_opt_target *targets;
    int ntargets;
    char **given; /**< for each target and row: whether it was given */
    const char *dir;
    apr_pool_t *pool;
};

/** A row of the table of a target. */
struct match {
    const qp_opt *opt; /**< NULL: there is none */
    void *dest;
    char *given;
};

static const char *quote_word(const char *word, apr_pool_t *pool)
{
    char text[QUOTE_MAX];

    qp_str_escape(text, sizeof(text), word, strlen(word));
    return apr_pstrcat(pool, "\"", text, "\"", NULL);
}

/* "NAME: "VALUE" is WHAT" */
static const char *complain_value(const qp_opt *opt, const char *value,
                                  const char *what, apr_pool_t *pool)
{
    return apr_pstrcat(pool, opt->name, ": ", quote_word(value, pool), " is ",
                       what, NULL);
}

/* ---- one field ---------------------------------------------------------- */

/* By memcpy, for the type of the field is known to the table only. */
static void store_field(const qp_opt *opt, void *dest, const void *value,
                        size_t size)
{
    memcpy((char *)dest + opt->offset, value, size);
}

static const char *set_int(const qp_opt *opt, void *dest, const char *value,
                           apr_pool_t *pool)
{
    apr_int64_t number;
    int field;

    if (!qp_str_number(value, &number) || number < opt->min || number > opt->max
        || number < INT_MIN || number > INT_MAX) {
        return complain_value(opt, value,
                              apr_psprintf(pool, "not a number within %ld..%ld",
                                           opt->min, opt->max),
                              pool);
    }
    field = (int)number;
    store_field(opt, dest, &field, sizeof(field));
    return NULL;
}

static const char *set_bool(const qp_opt *opt, void *dest, const char *value,
                            apr_pool_t *pool)
{
    int field;

    if (!qp_str_bool(value, &field)) {
        return complain_value(opt, value,
                              "neither yes nor no (1, yes, on, true, "
                              "0, no, off, false)",
                              pool);
    }
    store_field(opt, dest, &field, sizeof(field));
    return NULL;
}

static const char *set_size(const qp_opt *opt, void *dest, const char *value,
                            apr_pool_t *pool)
{
    apr_off_t field;

    if (!qp_str_size(value, &field) || field < 0) {
        return complain_value(opt, value,
                              "not a size (octets, or with K, M or G: "
                              "500K)",
                              pool);
    }
    store_field(opt, dest, &field, sizeof(field));
    return NULL;
}

static const char *set_time(const qp_opt *opt, void *dest, const char *value,
                            apr_pool_t *pool)
{
    apr_interval_time_t field;

    if (!qp_str_time(value, &field) || field < 0) {
        return complain_value(opt, value,
                              "not a time (seconds, or with ms, s, m, h or "
                              "d: 10m)",
                              pool);
    }
    store_field(opt, dest, &field, sizeof(field));
    return NULL;
}

static void set_text(const qp_opt *opt, void *dest, const char *value,
                     apr_pool_t *pool)
{
    const char *field = apr_pstrdup(pool, value);

    store_field(opt, dest, &field, sizeof(field));
}

static const char *set_path(const qp_opt *opt, void *dest, const char *value,
                            const char *dir, apr_pool_t *pool)
{
    if (value[0] == '\0') {
        return complain_value(opt, value, "not a path", pool);
    }
    if (value[0] != '/' && dir != NULL) {
        value = apr_pstrcat(pool, dir, "/", value, NULL);
    }
    set_text(opt, dest, value, pool);
    return NULL;
}

static const char *set_enum(const qp_opt *opt, void *dest, const char *value,
                            apr_pool_t *pool)
{
    const char *known = "none of";
    int i;

    for (i = 0; opt->names[i] != NULL; i++) {
        if (apr_cstr_casecmp(value, opt->names[i]) == 0) {
            store_field(opt, dest, &i, sizeof(i));
            return NULL;
        }
        known =
            apr_pstrcat(pool, known, i > 0 ? ", " : " ", opt->names[i], NULL);
    }
    return complain_value(opt, value, known, pool);
}

/* The list of a field, which is made when it is first needed. */
static apr_array_header_t *get_list(const qp_opt *opt, void *dest,
                                    apr_pool_t *pool)
{
    apr_array_header_t *list;

    memcpy(&list, (char *)dest + opt->offset, sizeof(list));
    if (list == NULL) {
        list = apr_array_make(pool, 4, sizeof(const char *));
        store_field(opt, dest, &list, sizeof(list));
    }
    return list;
}

/* list       = [ item ] *( "," [ item ] )   ; blanks around an item go */
static void add_list(const qp_opt *opt, void *dest, const char *value,
                     apr_pool_t *pool)
{
    apr_array_header_t *list = get_list(opt, dest, pool);
    apr_size_t len;
    apr_size_t trimmed;

    for (;;) {
        value += strspn(value, ", \t");
        len = strcspn(value, ",");
        trimmed = len;
        while (trimmed > 0
               && (value[trimmed - 1] == ' ' || value[trimmed - 1] == '\t')) {
            trimmed--;
        }
        if (len == 0) {
            return;
        }
        APR_ARRAY_PUSH(list, const char *) =
            apr_pstrmemdup(pool, value, trimmed);
        value += len;
    }
}

static void add_rest(const qp_opt *opt, void *dest, const char *value,
                     apr_pool_t *pool)
{
    APR_ARRAY_PUSH(get_list(opt, dest, pool), const char *) =
        apr_pstrdup(pool, value);
}

const char *qp_opt_set(const qp_opt *opt, void *dest, const char *value,
                       const char *dir, apr_pool_t *pool)
{
    switch (opt->kind) {
    case QP_KIND_INT:
        return set_int(opt, dest, value, pool);
    case QP_KIND_BOOL:
    case QP_KIND_FLAG:
        return set_bool(opt, dest, value, pool);
    case QP_KIND_SIZE:
        return set_size(opt, dest, value, pool);
    case QP_KIND_TIME:
        return set_time(opt, dest, value, pool);
    case QP_KIND_STR:
        set_text(opt, dest, value, pool);
        return NULL;
    case QP_KIND_PATH:
        return set_path(opt, dest, value, dir, pool);
    case QP_KIND_ENUM:
        return set_enum(opt, dest, value, pool);
    case QP_KIND_LIST:
        add_list(opt, dest, value, pool);
        return NULL;
    case QP_KIND_REST:
        add_rest(opt, dest, value, pool);
        return NULL;
    case QP_KIND_DEFAULT:
    case QP_KIND_END:
        break;
    }
    return apr_psprintf(pool, "%s: the option is of no known kind",
                        opt->name != NULL ? opt->name : "(end)");
}

/* ---- a line of words ---------------------------------------------------- */

static int count_rows(const qp_opt *table)
{
    int n = 0;

    while (table != NULL && table[n].kind != QP_KIND_END) {
        n++;
    }
    return n;
}

static struct match match_row(const struct parser *parser, int target, int row)
{
    struct match match;

    match.opt = &parser->targets[target].table[row];
    match.dest = parser->targets[target].dest;
    match.given = &parser->given[target][row];
    return match;
}

/* Whether a word may name it; what REST takes has no name. */
static int has_name(const qp_opt *opt)
{
    return opt->kind != QP_KIND_REST && opt->kind != QP_KIND_DEFAULT;
}

static struct match find_name(const struct parser *parser, int from,
                              const char *word)
{
    struct match none = { NULL, NULL, NULL };
    const qp_opt *table;
    int i;
    int row;

    for (i = from; i < parser->ntargets; i++) {
        table = parser->targets[i].table;
        for (row = 0; row < count_rows(table); row++) {
            if (has_name(&table[row]) && strcmp(table[row].name, word) == 0) {
                return match_row(parser, i, row);
            }
        }
    }
    return none;
}

/* The row of a target that takes the next bare word; -1: none. */
static int find_word_row(const struct parser *parser, int target)
{
    const qp_opt *table = parser->targets[target].table;
    int best = -1;
    int row;

    for (row = 0; row < count_rows(table); row++) {
        if (table[row].word > 0 && !parser->given[target][row]
            && (best < 0 || table[row].word < table[best].word)) {
            best = row;
        }
    }
    return best;
}

static struct match find_word(const struct parser *parser)
{
    struct match none = { NULL, NULL, NULL };
    int i;
    int row;

    for (i = 0; i < parser->ntargets; i++) {
        row = find_word_row(parser, i);
        if (row >= 0) {
            return match_row(parser, i, row);
        }
    }
    return none;
}

static struct match find_rest(const struct parser *parser)
{
    struct match none = { NULL, NULL, NULL };
    const qp_opt *table;
    int i;
    int row;

    for (i = 0; i < parser->ntargets; i++) {
        table = parser->targets[i].table;
        for (row = 0; row < count_rows(table); row++) {
            if (table[row].kind == QP_KIND_REST) {
                return match_row(parser, i, row);
            }
        }
    }
    return none;
}

static const char *complain_unknown(const struct parser *parser,
                                    const char *word)
{
    apr_array_header_t *names =
        apr_array_make(parser->pool, 8, sizeof(const char *));
    const char *what = apr_pstrcat(parser->pool, "unknown option ",
                                   quote_word(word, parser->pool), NULL);
    const qp_opt *table;
    int i;
    int row;

    for (i = 0; i < parser->ntargets; i++) {
        table = parser->targets[i].table;
        for (row = 0; row < count_rows(table); row++) {
            if (table[row].kind != QP_KIND_DEFAULT) {
                APR_ARRAY_PUSH(names, const char *) = table[row].name;
            }
        }
    }
    if (names->nelts == 0) {
        return apr_pstrcat(parser->pool, what, "; there are none", NULL);
    }
    what = apr_pstrcat(parser->pool, what, "; known are ", NULL);
    for (i = 0; i < names->nelts; i++) {
        what = apr_pstrcat(parser->pool, what, i > 0 ? ", " : "",
                           APR_ARRAY_IDX(names, i, const char *), NULL);
    }
    return what;
}

/* A list is repeated at will; what is given first replaces its default. */
static const char *set_match(const struct parser *parser,
                             const struct match *match, const char *value)
{
    const qp_opt *opt = match->opt;
    apr_array_header_t *none = NULL;

    if (opt->kind == QP_KIND_LIST) {
        if (!*match->given) {
            store_field(opt, match->dest, &none, sizeof(none));
        }
    }
    else if (*match->given && opt->kind != QP_KIND_REST) {
        return apr_pstrcat(parser->pool, opt->name, ": given twice; remove one",
                           NULL);
    }
    *match->given = 1;
    return qp_opt_set(opt, match->dest, value, parser->dir, parser->pool);
}

/* A name, and the next word for its value unless it is a flag. */
static const char *take_named(const struct parser *parser,
                              const struct match *match,
                              const apr_array_header_t *args, int *index)
{
    if (match->opt->kind == QP_KIND_FLAG) {
        return set_match(parser, match, "1");
    }
    if (++*index >= args->nelts) {
        return apr_pstrcat(parser->pool, match->opt->name,
                           ": a value is missing behind it", NULL);
    }
    return set_match(parser, match, APR_ARRAY_IDX(args, *index, const char *));
}

static const char *take_word(const struct parser *parser,
                             const apr_array_header_t *args, int *index)
{
    const char *word = APR_ARRAY_IDX(args, *index, const char *);
    struct match match = find_name(parser, 0, word);

    if (match.opt != NULL) {
        return take_named(parser, &match, args, index);
    }
    match = find_word(parser);
    if (match.opt == NULL) {
        match = find_rest(parser);
    }
    if (match.opt == NULL) {
        return complain_unknown(parser, word);
    }
    return set_match(parser, &match, word);
}

static const char *set_default(const struct parser *parser,
                               const struct match *match, const char *def)
{
    const qp_opt *opt = match->opt;
    apr_array_header_t *none = NULL;

    if (def == NULL) {
        return NULL;
    }
    if (opt->kind == QP_KIND_LIST) {
        store_field(opt, match->dest, &none, sizeof(none));
    }
    return qp_opt_set(opt, match->dest, def, parser->dir, parser->pool);
}

/* A row that gives another default to a row of a later target. */
static const char *change_default(const struct parser *parser, int target,
                                  const qp_opt *opt)
{
    struct match match = find_name(parser, target + 1, opt->name);

    if (match.opt == NULL) {
        return apr_psprintf(parser->pool,
                            "%s: is to have another default, "
                            "but there is no such option",
                            opt->name);
    }
    return set_default(parser, &match, opt->def);
}

/* The last target first, so that the others can change its defaults. */
static const char *set_defaults(const struct parser *parser)
{
    struct match match;
    const char *error = NULL;
    int nrows;
    int i;
    int row;

    for (i = parser->ntargets - 1; i >= 0; i--) {
        nrows = count_rows(parser->targets[i].table);
        for (row = 0; row < nrows && error == NULL; row++) {
            match = match_row(parser, i, row);
            error = match.opt->kind == QP_KIND_DEFAULT
                        ? change_default(parser, i, match.opt)
                        : set_default(parser, &match, match.opt->def);
        }
    }
    return error;
}

const char *qp_opt_parse(const qp_opt_target *targets, int ntargets,
                         const apr_array_header_t *args, const char *dir,
                         apr_pool_t *pool)
{
    struct parser parser;
    const char *error;
    int i;

    parser.targets = targets;
    parser.ntargets = ntargets;
    parser.given = apr_palloc(pool, sizeof(char *) * (size_t)(ntargets + 1));
    parser.dir = dir;
    parser.pool = pool;
    for (i = 0; i < ntargets; i++) {
        parser.given[i] =
            apr_pcalloc(pool, (size_t)count_rows(targets[i].table) + 1);
    }
    error = set_defaults(&parser);
    for (i = 0; i < args->nelts && error == NULL; i++) {
        error = take_word(&parser, args, &i);
    }
    return error;
}
