/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qpsmtpd-plugin-test: plays dialogs to plugins and prints TAP. Without files
 * it is one session over stdin and stdout. The manual is docs/plugins.md,
 * chapter 10. All memory is in pools, one for each dialog.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_getopt.h>
#include <apr_hash.h>
#include <apr_signal.h>
#include <apr_strings.h>

#include "tester/qp_judge.h"
#include "tester/qp_play.h"

/** What the command line says. */
struct options {
    qp_play_spec spec;
    qp_play_way way;           /* with a name: this one only */
    apr_array_header_t *files; /* of const char * */
    int transcript;
    int verbose;
    int help;
};

static const qp_play_way ways[] = { { "lines", 0, 1, 0 },
                                    { "octets", 1, 0, 0 },
                                    { "batch", 0, 0, 1 } };

/* The command line. ------------------------------------------------------ */

static const apr_getopt_option_t option_table[] = {
    { "plugin-dir", 'p', 1,
      "DIR: a folder of plugins, before the installed "
      "ones; default: this one" },
    { "config", 'c', 1, "DIR: config files, unless the dialog has them" },
    { "set", 's', 1, "KEY=VALUE: a line of a config key" },
    { "define", 'd', 1, "NAME=VALUE: @NAME@ in settings is VALUE" },
    { "remote", 'r', 1, "IP: address of the client; default: 127.0.0.1" },
    { "chunk", 'n', 1, "N: only N octets at once" },
    { "lines", 'l', 0, "only line by line" },
    { "transcript", 't', 0, "print what happens" },
    { "verbose", 'v', 0, "the same, with all verdicts and log lines" },
    { "help", 'h', 0, "print this" },
    { NULL, 0, 0, NULL },
};

static const char usage[] =
    "usage: qpsmtpd-plugin-test [OPTION]... [FILE.smtp]...\n"
    "Plays dialogs to plugins and prints TAP. Without files: one session over\n"
    "stdin and stdout.\n";

static void print_help(void)
{
    const apr_getopt_option_t *option;

    fputs(usage, stdout);
    for (option = option_table; option->name != NULL; option++) {
        fprintf(stdout, "  -%c, --%-11s %s\n", option->optch, option->name,
                option->description);
    }
}

static const char *absolute_path(const char *path, apr_pool_t *pool)
{
    char *absolute = NULL;
    apr_size_t len;

    if (apr_filepath_merge(&absolute, NULL, path, APR_FILEPATH_NOTRELATIVE,
                           pool)
        != APR_SUCCESS) {
        return path;
    }
    len = strlen(absolute);
    if (len > 1 && absolute[len - 1] == '/') {
        absolute[len - 1] = '\0';
    }
    return absolute;
}

static void add_setting(apr_hash_t *sets, const char *key, const char *value,
                        apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_hash_get(sets, key, APR_HASH_KEY_STRING);

    if (lines == NULL) {
        lines = apr_array_make(pool, 1, sizeof(const char *));
        apr_hash_set(sets, key, APR_HASH_KEY_STRING, lines);
    }
    APR_ARRAY_PUSH(lines, const char *) = value;
}

/* KEY=VALUE of --set and --define. @return NULL, or what is wrong */
static const char *take_pair(struct options *options, int option,
                             const char *text, apr_pool_t *pool)
{
    const char *equals = strchr(text, '=');
    const char *key;

    if (equals == NULL || equals == text) {
        return apr_psprintf(pool, "\"%s\" is not KEY=VALUE", text);
    }
    key = apr_pstrmemdup(pool, text, (apr_size_t)(equals - text));
    if (option == 's') {
        add_setting(options->spec.sets, key, equals + 1, pool);
    }
    else {
        apr_table_set(options->spec.defines, key, equals + 1);
    }
    return NULL;
}

static const char *take_chunk(struct options *options, const char *value,
                              apr_pool_t *pool)
{
    char *end = NULL;
    apr_int64_t n = apr_strtoi64(value, &end, 10);

    if (n < 1 || *end != '\0') {
        return apr_psprintf(pool, "\"%s\" is not a number of octets", value);
    }
    options->way = (qp_play_way){ apr_psprintf(pool, "by %s", value),
                                  (apr_size_t)n, 0, 0 };
    return NULL;
}

/* @return NULL, or what is wrong */
static const char *take_option(struct options *options, int option,
                               const char *value, apr_pool_t *pool)
{
    switch (option) {
    case 'p':
        APR_ARRAY_PUSH(options->spec.plugin_dirs, const char *) =
            absolute_path(value, pool);
        break;
    case 'c':
        options->spec.config_dir = absolute_path(value, pool);
        break;
    case 's':
    case 'd':
        return take_pair(options, option, value, pool);
    case 'r':
        options->spec.remote_ip = value;
        break;
    case 'n':
        return take_chunk(options, value, pool);
    case 'l':
        options->way = ways[0];
        break;
    case 'v':
        options->verbose = 1;
        options->spec.loglevel = QP_LOG_DEBUG;
        options->transcript = 1;
        break;
    case 't':
        options->transcript = 1;
        break;
    default:
        options->help = 1;
        break;
    }
    return NULL;
}

/* @return NULL, or what is wrong; "" if it has been said already */
static const char *read_options(struct options *options, int argc,
                                const char *const *argv, apr_pool_t *pool)
{
    apr_getopt_t *getopt = NULL;
    const char *error = NULL;
    const char *value = NULL;
    apr_status_t rv;
    int option = 0;

    rv = apr_getopt_init(&getopt, pool, argc, argv);
    getopt->interleave = 1;
    while (error == NULL && rv == APR_SUCCESS) {
        rv = apr_getopt_long(getopt, option_table, &option, &value);
        if (rv == APR_SUCCESS) {
            error = take_option(options, option, value, pool);
        }
    }
    if (error == NULL && rv != APR_EOF) {
        return "";
    }
    for (; getopt->ind < argc; getopt->ind++) {
        APR_ARRAY_PUSH(options->files, const char *) =
            getopt->argv[getopt->ind];
    }
    if (options->spec.plugin_dirs->nelts == 0) {
        APR_ARRAY_PUSH(options->spec.plugin_dirs, const char *) =
            absolute_path(".", pool);
    }
    return error;
}

static void init_options(struct options *options, apr_pool_t *pool)
{
    memset(options, 0, sizeof(*options));
    options->files = apr_array_make(pool, 8, sizeof(const char *));
    options->spec.plugin_dirs = apr_array_make(pool, 4, sizeof(const char *));
    options->spec.sets = apr_hash_make(pool);
    options->spec.defines = apr_table_make(pool, 4);
    options->spec.remote_ip = "127.0.0.1";
    options->spec.loglevel = QP_LOG_INFO;
}

/* Dialogs. --------------------------------------------------------------- */

static void print_wrong(const apr_array_header_t *wrong)
{
    int i;

    for (i = 0; i < wrong->nelts; i++) {
        fprintf(stdout, "# %s\n", APR_ARRAY_IDX(wrong, i, const char *));
    }
}

/* Plays a dialog one way. @param said  in: as it was before, or NULL; out */
static void play_way(const struct options *options, const qp_dialog *dialog,
                     const qp_play_way *way, apr_array_header_t *wrong,
                     const char **said)
{
    apr_pool_t *pool = wrong->pool;
    qp_record *record = NULL;
    const char *now;

    if (qp_record_create(&record, pool) != APR_SUCCESS) {
        APR_ARRAY_PUSH(wrong, const char *) = "no mutex can be made";
        return;
    }
    qp_play_dialog(&options->spec, dialog, way, record);
    apr_array_cat(wrong, qp_judge_record(dialog, record, way->name, pool));
    now = qp_judge_said(record, pool);
    if (*said == NULL) {
        *said = now;
        if (options->transcript) {
            qp_record_print(record, options->verbose, stdout);
        }
    }
    else if (strcmp(*said, now) != 0) {
        APR_ARRAY_PUSH(wrong, const char *) =
            apr_psprintf(pool,
                         "%s: %s: the server says something else than before",
                         dialog->file, way->name);
    }
}

/* @return of const char *: what is wrong */
static apr_array_header_t *play_dialog(const struct options *options,
                                       const qp_dialog *dialog,
                                       apr_pool_t *pool)
{
    apr_array_header_t *wrong = apr_array_make(pool, 4, sizeof(const char *));
    const char *said = NULL;
    size_t i;

    if (options->way.name != NULL) {
        play_way(options, dialog, &options->way, wrong, &said);
        return wrong;
    }
    for (i = 0; i < QP_ARRAY_LEN(ways); i++) {
        if (qp_dialog_wants(dialog, "chunkings", ways[i].name)
            && (said == NULL || dialog->nfaults == 0) && wrong->nelts == 0) {
            play_way(options, dialog, &ways[i], wrong, &said);
        }
    }
    return wrong;
}

/* One test. @return whether it failed */
static int test_file(const struct options *options, const char *file,
                     int number, apr_pool_t *pool)
{
    qp_dialog *dialog = NULL;
    const char *error = qp_dialog_read(&dialog, file, pool);
    apr_array_header_t *wrong;

    if (error != NULL) {
        fprintf(stdout, "not ok %d - %s\n# %s\n", number, dialog->name, error);
        return 1;
    }
    if (!qp_dialog_wants(dialog, "transports", "memory")) {
        fprintf(stdout, "ok %d - %s # skip not for memory\n", number,
                dialog->name);
        return 0;
    }
    wrong = play_dialog(options, dialog, pool);
    fprintf(stdout, "%s %d - %s\n", wrong->nelts > 0 ? "not ok" : "ok", number,
            dialog->name);
    print_wrong(wrong);
    fflush(stdout);
    return wrong->nelts > 0;
}

static int test_files(const struct options *options, apr_pool_t *parent)
{
    int failed = 0;
    apr_pool_t *pool;
    int i;

    fprintf(stdout, "1..%d\n", options->files->nelts);
    fflush(stdout);
    for (i = 0; i < options->files->nelts; i++) {
        apr_pool_create(&pool, parent);
        failed |=
            test_file(options, APR_ARRAY_IDX(options->files, i, const char *),
                      i + 1, pool);
        apr_pool_destroy(pool);
    }
    return failed;
}

/* Standard input. -------------------------------------------------------- */

static const char *read_stdin(apr_size_t *len, apr_pool_t *pool)
{
    apr_array_header_t *text = apr_array_make(pool, 65536, 1);
    char block[4096];
    size_t n;
    size_t i;

    while ((n = fread(block, 1, sizeof(block), stdin)) > 0) {
        for (i = 0; i < n; i++) {
            APR_ARRAY_PUSH(text, char) = block[i];
        }
    }
    *len = (apr_size_t)text->nelts;
    return text->elts;
}

/* @return whether it failed */
static int play_stdin(struct options *options, apr_pool_t *pool)
{
    apr_size_t len = 0;
    const char *text = read_stdin(&len, pool);
    qp_dialog *dialog = qp_dialog_create("stdin", text, len, pool);
    qp_record *record = NULL;

    options->spec.raw = stdout;
    if (qp_record_create(&record, pool) != APR_SUCCESS) {
        return 1;
    }
    qp_play_dialog(&options->spec, dialog, &options->way, record);
    if (record->fault != NULL) {
        fprintf(stderr, "%s\n", record->fault);
    }
    return record->fault != NULL || record->is_stuck;
}

int main(int argc, const char *const *argv)
{
    struct options options;
    const char *error;
    apr_pool_t *pool;
    int failed = 0;

    apr_initialize();
    apr_signal(SIGPIPE, SIG_IGN); /* as httpd does */
    apr_pool_create(&pool, NULL);
    init_options(&options, pool);
    error = read_options(&options, argc, argv, pool);
    if (error != NULL) {
        fprintf(stderr, "%s%s%s", error, *error != '\0' ? "\n" : "", usage);
        failed = 1;
    }
    else if (options.help) {
        print_help();
    }
    else if (options.files->nelts > 0) {
        failed = test_files(&options, pool);
    }
    else {
        failed = play_stdin(&options, pool);
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
