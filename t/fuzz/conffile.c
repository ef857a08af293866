/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of wire/qp_conffile and plugin/qp_opt: a file of the config
 * folder, and each of its lines as the options of a plugin (R112, R117).
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "plugin/qp_opt.h"
#include "wire/qp_conffile.h"

struct opts {
    int max;
    int strict;
    apr_off_t size;
    apr_interval_time_t wait;
    const char *name;
    const char *file;
    int mode;
    apr_array_header_t *zones;
    apr_array_header_t *rest;
    int quiet;
    int port;
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
    QP_OPT_FLAG(struct opts, quiet, "quiet"),
    QP_OPT_WORD_INT(1, struct opts, port, "port", "25", 1, 65535),
    QP_OPT_REST(struct opts, rest, "words"),
    QP_OPT_END,
};

static void check_opts(const char *line, apr_pool_t *pool)
{
    struct opts opts;
    qp_opt_target target = { table, &opts };
    apr_array_header_t *words = apr_array_make(pool, 4, sizeof(char *));
    char *copy = apr_pstrdup(pool, line);
    char *last = NULL;
    char *word = apr_strtok(copy, " \t", &last);

    memset(&opts, 0, sizeof(opts));
    for (; word != NULL; word = apr_strtok(NULL, " \t", &last)) {
        APR_ARRAY_PUSH(words, const char *) = word;
    }
    if (qp_opt_parse(&target, 1, words, "/dir", pool) != NULL) {
        return;
    }
    fuzz_check(opts.max >= -10 && opts.max <= 1000);
    fuzz_check(opts.port >= 1 && opts.port <= 65535);
    fuzz_check(opts.mode >= 0 && opts.mode <= 2 && opts.size >= 0);
    fuzz_check((opts.strict & ~1) == 0 && opts.wait >= 0);
    fuzz_check(opts.file == NULL || opts.file[0] == '/');
}

static void check_lines(const qp_conffile *file, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < file->lines->nelts; i++) {
        const qp_conffile_line *line =
            &APR_ARRAY_IDX(file->lines, i, qp_conffile_line);

        fuzz_check(line->text[0] != '\0' && line->text[0] != '#');
        fuzz_check(line->text[0] != ' ' && line->text[0] != '\t');
        fuzz_check(strchr(line->text, '\n') == NULL && line->number > 0);
        check_opts(line->text, pool);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    qp_conffile *file = NULL;
    const char *error;
    int fd;

    /* Files elsewhere are not ours to read. */
    if (memmem(data, size, "/", 1) != NULL) {
        return 0;
    }
    pool = fuzz_begin();
    fd = memfd_create("conffile", 0);
    fuzz_check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    error = qp_conffile_read_path("/nonexistent",
                                  apr_psprintf(pool, "/proc/self/fd/%d", fd),
                                  &file, pool);
    fuzz_check(file != NULL);
    if (error == NULL) {
        check_lines(file, pool);
    }
    else {
        fuzz_check(strncmp(error, "/proc/self/fd/", 14) == 0);
    }
    close(fd);
    return fuzz_end(pool);
}
