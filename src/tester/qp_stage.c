/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the folder of a dialog and removes it again: config files from the
 * dialog's settings, links to those of a given folder, an empty spool and
 * Maildir. It does not look into what it writes. */

#include "tester/qp_stage.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_file_info.h>
#include <apr_strings.h>

/* Descriptors that removing a tree may use. */
#define MAX_OPEN 16

/* Removing. -------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *info QP_UNUSED,
                        int kind QP_UNUSED, struct FTW *at QP_UNUSED)
{
    return remove(path);
}

static apr_status_t remove_dir(void *dir)
{
    nftw(dir, remove_entry, MAX_OPEN, FTW_DEPTH | FTW_PHYS);
    return APR_SUCCESS;
}

/* Making. ---------------------------------------------------------------- */

static const char *make_dirs(qp_stage *stage, apr_pool_t *pool)
{
    static const char *const names[] = { "config",      "spool",
                                         "Maildir",     "Maildir/new",
                                         "Maildir/cur", "Maildir/tmp" };
    const char *temp = NULL;
    char *dir;
    size_t i;

    if (apr_temp_dir_get(&temp, pool) != APR_SUCCESS) {
        return "there is no folder for temporary files; set TMPDIR";
    }
    dir = apr_pstrcat(pool, temp, "/qpsmtpd-XXXXXX", NULL);
    if (mkdtemp(dir) == NULL) {
        return apr_psprintf(pool, "no folder can be made in %s", temp);
    }
    apr_pool_cleanup_register(pool, dir, remove_dir, apr_pool_cleanup_null);
    stage->dir = dir;
    for (i = 0; i < QP_ARRAY_LEN(names); i++) {
        if (mkdir(apr_pstrcat(pool, dir, "/", names[i], NULL), 0700) != 0) {
            return apr_psprintf(pool, "%s/%s cannot be made", dir, names[i]);
        }
    }
    stage->config_dir = apr_pstrcat(pool, dir, "/config", NULL);
    stage->spool_dir = apr_pstrcat(pool, dir, "/spool", NULL);
    return NULL;
}

/* Puts @a by in place of each @a what. */
static const char *replace_all(const char *text, const char *what,
                               const char *by, apr_pool_t *pool)
{
    const char *found;

    while ((found = strstr(text, what)) != NULL) {
        text =
            apr_pstrcat(pool,
                        apr_pstrmemdup(pool, text, (apr_size_t)(found - text)),
                        by, replace_all(found + strlen(what), what, by, pool),
                        NULL);
    }
    return text;
}

struct expansion {
    const char *text;
    apr_pool_t *pool;
};

static int expand_one(void *rec, const char *name, const char *value)
{
    struct expansion *expansion = rec;
    const char *what = apr_pstrcat(expansion->pool, "@", name, "@", NULL);

    if (strstr(value, what) == NULL) {
        expansion->text =
            replace_all(expansion->text, what, value, expansion->pool);
    }
    return 1;
}

static const char *append_line(const qp_stage *stage, const char *key,
                               const char *text, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, stage->config_dir, "/", key, NULL);
    FILE *out = fopen(path, "a");

    if (out == NULL) {
        return apr_psprintf(pool, "%s cannot be written", path);
    }
    fprintf(out, "%s\n", text);
    return fclose(out) == 0 ? NULL
                            : apr_psprintf(pool, "%s cannot be written", path);
}

static const char *write_settings(const qp_stage *stage,
                                  const apr_table_t *defines, apr_pool_t *pool)
{
    struct expansion expansion = { NULL, pool };
    const qp_dialog_line *line;
    const char *error = NULL;
    int i;

    for (i = 0; error == NULL && i < stage->dialog->lines->nelts; i++) {
        line = &APR_ARRAY_IDX(stage->dialog->lines, i, qp_dialog_line);
        if (line->kind != 'K' || qp_dialog_is_option(line->key)) {
            continue;
        }
        expansion.text = line->text;
        apr_table_do(expand_one, &expansion, defines, NULL);
        error = append_line(stage, line->key, expansion.text, pool);
    }
    return error;
}

static int has_file(const qp_stage *stage, const char *name, apr_pool_t *pool)
{
    return access(apr_pstrcat(pool, stage->config_dir, "/", name, NULL), F_OK)
           == 0;
}

/* The files of the given folder, but for those that the dialog has. */
static const char *link_files(const qp_stage *stage, const char *base,
                              apr_pool_t *pool)
{
    const char *error = NULL;
    apr_dir_t *dir = NULL;
    apr_finfo_t info;

    if (apr_dir_open(&dir, base, pool) != APR_SUCCESS) {
        return apr_psprintf(pool, "the folder %s cannot be read", base);
    }
    while (error == NULL
           && apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (info.name[0] != '.' && !has_file(stage, info.name, pool)
            && symlink(apr_pstrcat(pool, base, "/", info.name, NULL),
                       apr_pstrcat(pool, stage->config_dir, "/", info.name,
                                   NULL))
                   != 0) {
            error = apr_psprintf(pool, "%s cannot be linked", info.name);
        }
    }
    apr_dir_close(dir);
    return error;
}

static const char *write_defaults(const qp_stage *stage, apr_pool_t *pool)
{
    const char *error = NULL;

    if (!has_file(stage, "me", pool)) {
        error = append_line(stage, "me", "mx.example.org", pool);
    }
    if (error == NULL && !has_file(stage, "spool_dir", pool)) {
        error = append_line(stage, "spool_dir", stage->spool_dir, pool);
    }
    return error;
}

const char *qp_stage_create(qp_stage **out, const qp_dialog *dialog,
                            const char *base, const apr_table_t *defines,
                            apr_pool_t *pool)
{
    qp_stage *stage = apr_pcalloc(pool, sizeof(*stage));
    apr_table_t *all = apr_table_copy(pool, defines);
    const char *error;

    stage->dialog = dialog;
    *out = stage;
    error = make_dirs(stage, pool);
    if (error != NULL) {
        return error;
    }
    apr_table_set(all, "DIR", stage->dir);
    apr_table_set(all, "MAILDIR",
                  apr_pstrcat(pool, stage->dir, "/Maildir", NULL));
    error = write_settings(stage, all, pool);
    if (error == NULL && base != NULL) {
        error = link_files(stage, base, pool);
    }
    return error != NULL ? error : write_defaults(stage, pool);
}

/* Asking. ---------------------------------------------------------------- */

int qp_stage_spooled(const qp_stage *stage, apr_pool_t *pool)
{
    apr_dir_t *dir = NULL;
    apr_finfo_t info;
    int n = 0;

    if (apr_dir_open(&dir, stage->spool_dir, pool) != APR_SUCCESS) {
        return 0;
    }
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        n += info.name[0] != '.';
    }
    apr_dir_close(dir);
    return n;
}

/* The line of the dialog that is the @a number-th of a key. */
static int find_setting(const qp_dialog *dialog, const char *key, int number)
{
    const qp_dialog_line *line;
    int i;

    for (i = 0; i < dialog->lines->nelts; i++) {
        line = &APR_ARRAY_IDX(dialog->lines, i, qp_dialog_line);
        if (line->kind == 'K' && strcmp(line->key, key) == 0 && --number == 0) {
            return line->number;
        }
    }
    return 0;
}

const char *qp_stage_explain(const qp_stage *stage, const char *error,
                             apr_pool_t *pool)
{
    apr_size_t len = strlen(stage->config_dir);
    const char *key = error + len + 1;
    const char *colon;
    char *rest = NULL;
    int number;

    if (strncmp(error, stage->config_dir, len) != 0 || error[len] != '/'
        || (colon = strchr(key, ':')) == NULL) {
        return error;
    }
    number = (int)apr_strtoi64(colon + 1, &rest, 10);
    number = find_setting(stage->dialog,
                          apr_pstrmemdup(pool, key, (apr_size_t)(colon - key)),
                          number);
    return number == 0 || *rest != ':'
               ? error
               : apr_psprintf(pool, "%s:%d%s", stage->dialog->file, number,
                              rest);
}
