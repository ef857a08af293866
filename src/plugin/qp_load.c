/* SPDX-License-Identifier: Apache-2.0 */
/* Loads plugins. The shared object stays mapped as long as the configuration's
 * pool; nothing is called here but the dynamic linker. */

#include "plugin/qp_load.h"

#include <ctype.h>
#include <string.h>

#include <apr_dso.h>
#include <apr_file_info.h>
#include <apr_strings.h>

/* The name as the end of a C identifier: queue/maildir -> queue_maildir. */
static const char *symbol_suffix(const char *name, apr_pool_t *pool)
{
    char *suffix = apr_pstrdup(pool, name);
    char *from = suffix;
    char *to = suffix;

    while (*from != '\0') {
        if (from[0] == ':' && from[1] == ':') {
            from++;
        }
        *to++ = isalnum((unsigned char)*from) ? *from : '_';
        from++;
    }
    *to = '\0';
    return suffix;
}

/* My::Plugin is My/Plugin below the module path (D16). */
static const char *module_file(const char *name, apr_pool_t *pool)
{
    char *file = apr_pstrdup(pool, name);
    char *colons;

    while ((colons = strstr(file, "::")) != NULL) {
        *colons = '/';
        memmove(colons + 1, colons + 2, strlen(colons + 2) + 1);
    }
    return file;
}

static int is_file(const char *path, apr_pool_t *pool)
{
    apr_finfo_t info;

    return apr_stat(&info, path, APR_FINFO_TYPE, pool) == APR_SUCCESS
           && info.filetype == APR_REG;
}

/* A name is a relative path without tricks: it ends up in file names. */
static int is_plain_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "_-/:.";

    return name[0] != '\0' && name[0] != '/' && name[0] != '.'
           && strspn(name, allowed) == strlen(name)
           && strstr(name, "..") == NULL;
}

static const char *absolute_dir(const char *dir, const qp_load_path *path,
                                apr_pool_t *pool)
{
    if (dir[0] == '/') {
        return dir;
    }
    return apr_pstrcat(pool, path->config_dir, "/", dir, NULL);
}

static const char *explain_missing(const char *name,
                                   const apr_array_header_t *dirs,
                                   const char *directive, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "no such plugin: %s.so is not in %s; check the name, "
                        "or add its folder to %s",
                        name, apr_array_pstrcat(pool, dirs, ':'), directive);
}

/* Where a plugin is, as a shared object or as something for a loader. */
typedef struct found_file {
    const char *object; /* NAME.so, or NULL */
    const char *script; /* NAME, or NULL */
} found_file;

static const char *find_file(const char *name, const qp_load_path *path,
                             found_file *found, apr_pool_t *pool)
{
    apr_array_header_t *dirs = apr_array_make(pool, 4, sizeof(const char *));
    const char *directive = "QpsmtpdPluginDirs";
    const char *base;
    const char *object;
    int i;

    if (strstr(name, "::") != NULL) {
        APR_ARRAY_PUSH(dirs, const char *) = path->module_path;
        name = module_file(name, pool);
        directive = "QpsmtpdModulePath";
    }
    else {
        apr_array_cat(dirs, path->dirs);
    }
    for (i = 0; i < dirs->nelts; i++) {
        base = apr_pstrcat(pool,
                           absolute_dir(APR_ARRAY_IDX(dirs, i, const char *),
                                        path, pool),
                           "/", name, NULL);
        object = apr_pstrcat(pool, base, ".so", NULL);
        if (is_file(object, pool)) {
            found->object = object;
            return NULL;
        }
        if (found->script == NULL && is_file(base, pool)) {
            found->script = base;
        }
    }
    if (found->script != NULL) {
        return NULL;
    }
    return explain_missing(name, dirs, directive, pool);
}

const char *qp_load_check_abi(const qp_abi *abi, apr_pool_t *pool)
{
    if (abi->magic != QP_ABI_MAGIC) {
        return "is not a plugin for mod_qpsmtpd; build it with QP_PLUGIN of "
               "qpsmtpd.h";
    }
    if (abi->major != QP_ABI_MAJOR || abi->minor > QP_ABI_MINOR) {
        return apr_psprintf(pool,
                            "is built for plugin ABI %d.%d; this server "
                            "offers %d.%d: build it with this server's "
                            "qpsmtpd.h",
                            abi->major, abi->minor, QP_ABI_MAJOR, QP_ABI_MINOR);
    }
    if (abi->hooks_size > sizeof(qp_hooks) || abi->def_size < abi->hooks_size
        || abi->def_size - abi->hooks_size > offsetof(qp_plugin_def, hooks)) {
        return apr_psprintf(pool,
                            "claims plugin ABI %d.%d, but its record is of "
                            "another size (%u and %u octets): build it with "
                            "this server's qpsmtpd.h",
                            abi->major, abi->minor, abi->def_size,
                            abi->hooks_size);
    }
    return NULL;
}

/* Both halves of a record may have grown at their ends since it was built. */
static void copy_def(qp_plugin_def *def, const void *record, const qp_abi *abi)
{
    size_t head = abi->def_size - abi->hooks_size;

    memset(def, 0, sizeof(*def));
    memcpy(def, record, head);
    memcpy(&def->hooks, (const char *)record + head, abi->hooks_size);
}

static const char *open_object(const char *file, apr_dso_handle_t **dso,
                               apr_pool_t *pool)
{
    char reason[512];

    if (apr_dso_load(dso, file, pool) == APR_SUCCESS) {
        return NULL;
    }
    apr_dso_error(*dso, reason, sizeof(reason));
    if (strstr(reason, "undefined symbol: qp_") != NULL) {
        return apr_psprintf(pool,
                            "%s uses a function that this server lacks (%s); "
                            "it is built for a newer mod_qpsmtpd",
                            file, reason);
    }
    return apr_psprintf(pool, "cannot be loaded: %s", reason);
}

static const char *load_object(const char *name, const char *file,
                               qp_load_result *out, apr_pool_t *pconf)
{
    const char *suffix = symbol_suffix(name, pconf);
    const char *error;
    apr_dso_handle_t *dso = NULL;
    apr_dso_handle_sym_t abi = NULL;
    apr_dso_handle_sym_t record = NULL;

    error = open_object(file, &dso, pconf);
    if (error != NULL) {
        return error;
    }
    if (apr_dso_sym(&abi, dso, apr_pstrcat(pconf, "qp_abi_", suffix, NULL))
            != APR_SUCCESS
        || apr_dso_sym(&record, dso,
                       apr_pstrcat(pconf, "qp_plugin_", suffix, NULL))
               != APR_SUCCESS) {
        return apr_psprintf(pconf,
                            "%s declares no QP_PLUGIN(%s); the name behind "
                            "QP_PLUGIN must be that of the file",
                            file, suffix);
    }
    error = qp_load_check_abi(abi, pconf);
    if (error != NULL) {
        return apr_pstrcat(pconf, file, " ", error, NULL);
    }
    copy_def(&out->def, record, abi);
    return NULL;
}

/* The first loader that takes the file. */
static const char *load_script(const char *name, const char *file,
                               const qp_load_path *path, qp_load_result *out,
                               apr_pool_t *pconf)
{
    qp_loaded loaded;
    qp_rc rc;
    int i;

    for (i = 0; path->loaders != NULL && i < path->loaders->nelts; i++) {
        memset(&loaded, 0, sizeof(loaded));
        loaded.pool = pconf;
        rc = APR_ARRAY_IDX(path->loaders, i, qp_loader *)(name, file, &loaded);
        if (rc == QP_OK) {
            out->def = loaded.def;
            out->baton = loaded.baton;
            return NULL;
        }
        if (rc != QP_DECLINED) {
            return apr_pstrcat(pconf, file, ": ",
                               loaded.error != NULL ? loaded.error
                                                    : "refused by its loader",
                               NULL);
        }
    }
    return apr_psprintf(pconf,
                        "%s is not a shared object, and no plugin above it "
                        "loads such files; build %s.so, or list its loader "
                        "first",
                        file, name);
}

int qp_load_exists(const char *name, const qp_load_path *path, apr_pool_t *pool)
{
    found_file found = { NULL, NULL };

    return is_plain_name(name) && find_file(name, path, &found, pool) == NULL;
}

const char *qp_load_plugin(const char *name, const qp_load_path *path,
                           qp_load_result *out, apr_pool_t *pconf)
{
    found_file found = { NULL, NULL };
    const char *error;

    memset(out, 0, sizeof(*out));
    if (!is_plain_name(name)) {
        return "is not a plugin name: letters, digits and _-/:. only";
    }
    error = find_file(name, path, &found, pconf);
    if (error != NULL) {
        return error;
    }
    if (found.object != NULL) {
        return load_object(name, found.object, out, pconf);
    }
    return load_script(name, found.script, path, out, pconf);
}
