/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugin/qp_opt: words in, struct or complaint out (core.md 10.6,
 * D17).
 */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>

#include "plugin/qp_opt.h"

struct opts {
    char before;
    int max;
    int strict;
    apr_off_t size;
    apr_interval_time_t wait;
    const char *name;
    const char *file;
    int mode;
    apr_array_header_t *zones;
    apr_array_header_t *extra;
    int quiet;
    const char *host;
    int port;
    char behind;
};

struct common {
    int reject;
    const char *second;
    apr_array_header_t *rest;
};

static const char *const modes[] = { "none", "log", "refuse", NULL };

static const qp_opt table[] = {
    QP_OPT_INT(struct opts, max, "max", "5", -10, 1000),
    QP_OPT_BOOL(struct opts, strict, "strict", "yes"),
    QP_OPT_SIZE(struct opts, size, "size", "10K"),
    QP_OPT_TIME(struct opts, wait, "wait", "1.5s"),
    QP_OPT_STR(struct opts, name, "name", NULL),
    QP_OPT_PATH(struct opts, file, "file", "db/x"),
    QP_OPT_ENUM(struct opts, mode, "mode", "refuse", modes),
    QP_OPT_LIST(struct opts, zones, "zones", "a.example,b.example"),
    QP_OPT_LIST(struct opts, extra, "extra", NULL),
    QP_OPT_FLAG(struct opts, quiet, "quiet"),
    QP_OPT_WORD_INT(2, struct opts, port, "port", "25", 1, 65535),
    QP_OPT_WORD_STR(1, struct opts, host, "host", NULL),
    QP_OPT_END,
};

static const qp_opt common_table[] = {
    QP_OPT_BOOL(struct common, reject, "reject", "1"),
    QP_OPT_WORD_STR(1, struct common, second, "second", NULL),
    QP_OPT_REST(struct common, rest, "words"),
    QP_OPT_END,
};

static const qp_opt int_table[] = {
    QP_OPT_INT(struct opts, max, "max", NULL, 0, 1000),
    QP_OPT_INT(struct opts, port, "wide", NULL, -5000000000L, 5000000000L),
    QP_OPT_BOOL(struct opts, strict, "reject", NULL),
    QP_OPT_END,
};

static const char *join(const apr_array_header_t *list, apr_pool_t *pool)
{
    return list != NULL ? apr_array_pstrcat(pool, list, '|') : NULL;
}

/* Everything, as text. */
static const char *show(const struct opts *opts, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "%d %d %" APR_OFF_T_FMT " %" APR_TIME_T_FMT
                        " %s %s %d %s %s %d %s %d",
                        opts->max, opts->strict, opts->size, opts->wait,
                        opts->name != NULL ? opts->name : "-", opts->file,
                        opts->mode, join(opts->zones, pool),
                        opts->extra != NULL ? join(opts->extra, pool) : "-",
                        opts->quiet, opts->host != NULL ? opts->host : "-",
                        opts->port);
}

static apr_array_header_t *split(const char *line, apr_pool_t *pool)
{
    apr_array_header_t *words = NULL;
    const char *error = qp_str_args(line, &words, pool);

    if (error != NULL) {
        diag("%s: %s", line, error);
    }
    return words;
}

static const struct {
    const char *line;
    const char *want;
} good[] = {
    { "", "5 1 10240 1500000 - /conf/db/x 2 a.example|b.example - 0 - 25" },
    { "max 7 strict off size 2G wait 10m name \"J. Doe\" file /abs mode log",
      "7 0 2147483648 600000000 J. Doe /abs 1 a.example|b.example - 0 - 25" },
    { "mode NONE strict ON wait 20ms size 1k",
      "5 1 1024 20000 - /conf/db/x 0 a.example|b.example - 0 - 25" },
    { "max -10", "-10 1 10240 1500000 - /conf/db/x 2 a.example|b.example - 0 "
                 "- 25" },
    { "max 1000 quiet",
      "1000 1 10240 1500000 - /conf/db/x 2 a.example|b.example - 1 - 25" },
    { "zones c", "5 1 10240 1500000 - /conf/db/x 2 c - 0 - 25" },
    { "zones c,d zones e zones \" f , ,g,\"",
      "5 1 10240 1500000 - /conf/db/x 2 c|d|e|f|g - 0 - 25" },
    { "zones \"\"", "5 1 10240 1500000 - /conf/db/x 2  - 0 - 25" },
    { "extra x extra x,y", "5 1 10240 1500000 - /conf/db/x 2 "
                           "a.example|b.example x|x|y 0 - 25" },
    { "mx.example 26",
      "5 1 10240 1500000 - /conf/db/x 2 a.example|b.example - 0 "
      "mx.example 26" },
    { "26", "5 1 10240 1500000 - /conf/db/x 2 a.example|b.example - 0 26 25" },
    { "quiet mx.example max 1 26",
      "1 1 10240 1500000 - /conf/db/x 2 a.example|b.example - 1 "
      "mx.example 26" },
    { "host mx.example 26",
      "5 1 10240 1500000 - /conf/db/x 2 a.example|b.example - 0 "
      "mx.example 26" },
    { "port 26 mx.example",
      "5 1 10240 1500000 - /conf/db/x 2 a.example|b.example - 0 "
      "mx.example 26" },
    { "name max", "5 1 10240 1500000 max /conf/db/x 2 a.example|b.example - 0 "
                  "- 25" },
    { "name \"\"", "5 1 10240 1500000  /conf/db/x 2 a.example|b.example - 0 "
                   "- 25" },
};

static const struct {
    const char *line;
    const char *want;
} bad[] = {
    { "max 1e9", "max: \"1e9\" is not a number within -10..1000" },
    { "max 1001", "max: \"1001\" is not a number within -10..1000" },
    { "max -11", "max: \"-11\" is not a number within -10..1000" },
    { "max \"\"", "max: \"\" is not a number within -10..1000" },
    { "max 99999999999999999999",
      "max: \"99999999999999999999\" is not a number within -10..1000" },
    { "max", "max: a value is missing behind it" },
    { "name x zones", "zones: a value is missing behind it" },
    { "strict maybe", "strict: \"maybe\" is neither yes nor no (1, yes, on, "
                      "true, 0, no, off, false)" },
    { "size 5T",
      "size: \"5T\" is not a size (octets, or with K, M or G: 500K)" },
    { "size -5",
      "size: \"-5\" is not a size (octets, or with K, M or G: 500K)" },
    { "wait 5y", "wait: \"5y\" is not a time (seconds, or with ms, s, m, h "
                 "or d: 10m)" },
    { "mode maybe", "mode: \"maybe\" is none of none, log, refuse" },
    { "mode", "mode: a value is missing behind it" },
    { "file \"\"", "file: \"\" is not a path" },
    { "max 1 max 1", "max: given twice; remove one" },
    { "quiet quiet", "quiet: given twice; remove one" },
    { "mx.example host mx.example", "host: given twice; remove one" },
    { "mx.example smtp", "port: \"smtp\" is not a number within 1..65535" },
    { "mx.example 25 foo",
      "unknown option \"foo\"; known are max, strict, size, wait, name, file, "
      "mode, zones, extra, quiet, port, host" },
    { "mx.example 25 \"a\tb\\\"\"",
      "unknown option \"a\\x09b\"\"; known are max, strict, size, wait, name, "
      "file, mode, zones, extra, quiet, port, host" },
};

static void test_table(apr_pool_t *pool)
{
    struct opts opts;
    qp_opt_target target = { table, &opts };
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(good); i++) {
        memset(&opts, 0, sizeof(opts));
        opts.before = opts.behind = 'x';
        is_str(qp_opt_parse(&target, 1, split(good[i].line, pool), "/conf",
                            pool),
               NULL, "good: %s", good[i].line);
        is_str(show(&opts, pool), good[i].want, "fields: %s", good[i].line);
        ok(opts.before == 'x' && opts.behind == 'x', "nothing else");
    }
    for (i = 0; i < QP_ARRAY_LEN(bad); i++) {
        memset(&opts, 0, sizeof(opts));
        is_str(qp_opt_parse(&target, 1, split(bad[i].line, pool), "/conf",
                            pool),
               bad[i].want, "bad: %s", bad[i].line);
    }
}

/* Two tables: names in either, bare words in the first that takes one, all
 * others to REST. */
static void test_targets(apr_pool_t *pool)
{
    struct opts opts = { .max = 0 };
    struct common common = { 0, NULL, NULL };
    qp_opt_target targets[] = { { table, &opts }, { common_table, &common } };
    const char *error;

    error =
        qp_opt_parse(targets, 2,
                     split("reject no mx 26 2nd words max 3 w,x reject2 w,x",
                           pool),
                     "/c", pool);
    is_str(error, NULL, "two tables");
    is_int(common.reject, 0, "named in the second");
    is_int(opts.max, 3, "named in the first");
    is_str(opts.host, "mx", "first bare word");
    is_int(opts.port, 26, "second bare word");
    is_str(common.second, "2nd", "bare word of the second table");
    is_str(join(common.rest, pool), "words|w,x|reject2|w,x", "the rest");
    memset(&common, 0, sizeof(common));
    targets[0].table = NULL;
    error = qp_opt_parse(targets, 2, split("", pool), "/c", pool);
    is_str(error, NULL, "a target without table");
    is_int(common.reject, 1, "default of the second");
    ok(common.second == NULL && common.rest == NULL,
       "without default a field stays zero");
    error = qp_opt_parse(targets, 2, split("reject", pool), "/c", pool);
    is_str(error, "reject: a value is missing behind it", "no value");
    error = qp_opt_parse(targets, 1, split("foo", pool), "/c", pool);
    is_str(error, "unknown option \"foo\"; there are none", "no options");
    error = qp_opt_parse(NULL, 0, split("", pool), "/c", pool);
    is_str(error, NULL, "no targets");
}

/* A child changes a default of its parent, which changes one of all. */
static void test_defaults(apr_pool_t *pool)
{
    static const qp_opt child[] = { QP_OPT_DEFAULT("max", "7"), QP_OPT_END };
    static const qp_opt parent[] = {
        QP_OPT_INT(struct opts, max, "max", "5", 0, 9),
        QP_OPT_DEFAULT("reject", "no"),
        QP_OPT_END,
    };
    static const qp_opt odd[] = { QP_OPT_DEFAULT("nosuch", "7"), QP_OPT_END };
    struct opts opts = { .max = 0 };
    struct common common = { 1, NULL, NULL };
    qp_opt_target targets[] = { { child, NULL },
                                { parent, &opts },
                                { common_table, &common } };

    is_str(qp_opt_parse(targets, 3, split("", pool), "/c", pool), NULL,
           "other defaults");
    is_int(opts.max, 7, "of a parent");
    is_int(common.reject, 0, "and of all");
    is_str(qp_opt_parse(targets, 3, split("reject yes max 3", pool), "/c",
                        pool),
           NULL, "with arguments");
    is_int(opts.max, 3, "these win");
    is_int(common.reject, 1, "in both");
    is_str(qp_opt_parse(targets, 1, split("max 3", pool), "/c", pool),
           "max: is to have another default, but there is no such option",
           "a default of nothing");
    targets[0].table = odd;
    ok(qp_opt_parse(targets, 3, split("", pool), "/c", pool) != NULL,
       "an unknown option");
}

static void test_bounds(apr_pool_t *pool)
{
    struct opts opts = { .max = -1 };
    qp_opt_target target = { int_table, &opts };

    is_str(qp_opt_parse(&target, 1, split("foo", pool), NULL, pool),
           "unknown option \"foo\"; known are max, wide, reject",
           "the options that there are");
    is_int(opts.max, -1, "a field without default is not touched");
    is_str(qp_opt_parse(&target, 1, split("wide 2147483647", pool), NULL, pool),
           NULL, "the largest int");
    is_int(opts.port, 2147483647, "its value");
    is_str(qp_opt_parse(&target, 1, split("wide -2147483648", pool), NULL,
                        pool),
           NULL, "the least int");
    is_str(qp_opt_parse(&target, 1, split("wide -2147483649", pool), NULL,
                        pool),
           "wide: \"-2147483649\" is not a number within "
           "-5000000000..5000000000",
           "less than an int");
    is_str(qp_opt_parse(&target, 1, split("wide 2147483648", pool), NULL, pool),
           "wide: \"2147483648\" is not a number within "
           "-5000000000..5000000000",
           "more than an int");
}

static void test_set(apr_pool_t *pool)
{
    static const qp_opt broken = QP_OPT_INT(struct opts, max, "max", "x", 0, 9);
    const qp_opt none = QP_OPT_END;
    struct opts opts = { .max = 0 };
    qp_opt faulty[2];
    qp_opt_target target = { faulty, &opts };

    is_str(qp_opt_set(&table[7], &opts, "a,b", NULL, pool), NULL, "list");
    is_str(qp_opt_set(&table[7], &opts, "c", NULL, pool), NULL, "once more");
    is_str(join(opts.zones, pool), "a|b|c", "a list is appended to");
    is_str(qp_opt_set(&table[9], &opts, "1", NULL, pool), NULL, "flag");
    is_int(opts.quiet, 1, "is set");
    is_str(qp_opt_set(&table[5], &opts, "x", NULL, pool), NULL, "path");
    is_str(opts.file, "x", "without a folder to start from");
    is_str(qp_opt_set(&none, &opts, "x", NULL, pool),
           "(end): the option is of no known kind", "a row of no kind");
    faulty[0] = broken;
    faulty[1] = none;
    is_str(qp_opt_parse(&target, 1, split("", pool), NULL, pool),
           "max: \"x\" is not a number within 0..9", "a faulty default");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_table(pool);
    test_targets(pool);
    test_defaults(pool);
    test_bounds(pool);
    test_set(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
