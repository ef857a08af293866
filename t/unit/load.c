/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugin/qp_load: names, folders, shared objects that fit and that do
 * not, and what is said about them. The program does not export the functions
 * of the server, so that a plugin which calls one is as good as one that was
 * built for a newer server.
 */
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

/* Folders. --------------------------------------------------------------- */

static apr_array_header_t *make_dirs(apr_pool_t *pool, const char *one,
                                     const char *two)
{
    apr_array_header_t *dirs = apr_array_make(pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(dirs, const char *) = one;
    if (two != NULL) {
        APR_ARRAY_PUSH(dirs, const char *) = two;
    }
    return dirs;
}

static const char *load(const char *name, const qp_load_path *path,
                        apr_pool_t *pool)
{
    qp_load_result result;

    return qp_load_plugin(name, path, &result, pool);
}

static void test_names(apr_pool_t *pool)
{
    static const char *const bad[] = { "",        "/etc/passwd", "../x",
                                       "a/../b",  ".hidden",     "a b",
                                       "a\nb",    "a;b",         "a$b",
                                       "\xc3\xbc" };
    static const char *const good[] = { "none",     "none/none", "none-2",
                                        "No::None", "none:1",    "n.n" };
    qp_load_path path = { make_dirs(pool, "/nonexistent/one", "two"),
                          "/nonexistent/modules", "/nonexistent/conf", NULL };
    const char *error;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(bad); i++) {
        error = load(bad[i], &path, pool);
        ok(error != NULL && strstr(error, "is not a plugin name") != NULL,
           "no name: %d", (int)i);
    }
    for (i = 0; i < QP_ARRAY_LEN(good); i++) {
        error = load(good[i], &path, pool);
        ok(error != NULL && strstr(error, "no such plugin") != NULL,
           "a name: %s", good[i]);
    }
    error = load("sub/none", &path, pool);
    ok(strstr(error, "sub/none.so") != NULL
           && strstr(error, "/nonexistent/one") != NULL
           && strstr(error, "two") != NULL
           && strstr(error, "QpsmtpdPluginDirs") != NULL,
       "what is missing, where, and what to do: %s", error);
    error = load("My::Own::None", &path, pool);
    ok(strstr(error, "My/Own/None.so") != NULL
           && strstr(error, "/nonexistent/modules") != NULL
           && strstr(error, "/nonexistent/one") == NULL,
       "a module: %s", error);
}

/* Files that are no shared objects. */
static void test_files(engine_kit *kit)
{
    qp_load_path path = { make_dirs(kit->pool, "/nonexistent", "plugins"),
                          "/nonexistent", kit->dir, NULL };
    const char *error;

    mkdir(apr_pstrcat(kit->pool, kit->dir, "/plugins", NULL), 0700);
    mkdir(apr_pstrcat(kit->pool, kit->dir, "/plugins/folder.so", NULL), 0700);
    kit_file(kit, "plugins/script", "#!/usr/bin/perl\n");
    kit_file(kit, "plugins/text.so", "this is not ELF\n");
    kit_file(kit, "plugins/empty.so", "");
    error = load("script", &path, kit->pool);
    ok(error != NULL && strstr(error, "script is not a shared object") != NULL
           && strstr(error, "script.so") != NULL,
       "a script: %s", error);
    error = load("text", &path, kit->pool);
    ok(error != NULL && strstr(error, "cannot be loaded") != NULL
           && strstr(error, "text.so") != NULL,
       "a text: %s", error);
    error = load("empty", &path, kit->pool);
    ok(error != NULL && strstr(error, "cannot be loaded") != NULL,
       "an empty file: %s", error);
    error = load("folder", &path, kit->pool);
    ok(error != NULL && strstr(error, "no such plugin") != NULL, "a folder: %s",
       error);
}

/* Loaders. --------------------------------------------------------------- */

static qp_rc load_text(const char *name, const char *file, qp_loaded *out)
{
    if (strcmp(name, "good") == 0) {
        out->baton = apr_pstrdup(out->pool, file);
        out->def.conn_size = 5;
        return QP_OK;
    }
    if (strcmp(name, "bad") == 0) {
        out->error = "line 3: no";
        return QP_DENY;
    }
    return strcmp(name, "worse") == 0 ? QP_DENY : QP_DECLINED;
}

static qp_rc load_nothing(const char *name, const char *file, qp_loaded *out)
{
    return QP_DECLINED;
}

static void test_loaders(engine_kit *kit)
{
    apr_array_header_t *loaders =
        apr_array_make(kit->pool, 2, sizeof(qp_loader *));
    qp_load_path path = { make_dirs(kit->pool, "plugins", NULL), "/nonexistent",
                          kit->dir, loaders };
    qp_load_result result;
    const char *error;

    APR_ARRAY_PUSH(loaders, qp_loader *) = load_nothing;
    APR_ARRAY_PUSH(loaders, qp_loader *) = load_text;
    kit_file(kit, "plugins/good", "");
    kit_file(kit, "plugins/bad", "");
    kit_file(kit, "plugins/worse", "");
    is_str(qp_load_plugin("good", &path, &result, kit->pool), NULL,
           "a loader takes it");
    ok(result.def.conn_size == 5 && strstr(result.baton, "/plugins/good"),
       "what it has made of it");
    error = load("bad", &path, kit->pool);
    ok(error != NULL && strstr(error, "/plugins/bad: line 3: no") != NULL,
       "a loader refuses it: %s", error);
    error = load("worse", &path, kit->pool);
    ok(error != NULL && strstr(error, "/plugins/worse: ") != NULL,
       "without words: %s", error);
    error = load("script", &path, kit->pool);
    ok(error != NULL && strstr(error, "no plugin above it loads") != NULL,
       "no loader wants it: %s", error);
}

/* Records. --------------------------------------------------------------- */

#define HOOKS ((uint32_t)sizeof(qp_hooks))
#define DEF   ((uint32_t)sizeof(qp_plugin_def))
#define MAGIC QP_ABI_MAGIC
#define MAJOR QP_ABI_MAJOR
#define MINOR QP_ABI_MINOR

static const struct {
    const char *name;
    qp_abi abi;
    const char *error; /* a part of it; NULL: it fits */
} records[] = {
    { "our own", { MAGIC, MAJOR, MINOR, DEF, HOOKS }, NULL },
    { "an older one: fewer hooks",
      { MAGIC, MAJOR, 0, DEF - 8, HOOKS - 8 },
      NULL },
    { "an older one: fewer fields", { MAGIC, MAJOR, 0, DEF - 8, HOOKS }, NULL },
    { "no magic", { 0, MAJOR, MINOR, DEF, HOOKS }, "is not a plugin" },
    { "magic reversed",
      { 0x314d5051u, MAJOR, MINOR, DEF, HOOKS },
      "is not a plugin" },
    { "newer minor",
      { MAGIC, MAJOR, MINOR + 1, DEF, HOOKS },
      "is built for plugin ABI 1." },
    { "newer major",
      { MAGIC, MAJOR + 1, 0, DEF, HOOKS },
      "is built for plugin ABI 2.0" },
    { "older major",
      { MAGIC, MAJOR - 1, 0, DEF, HOOKS },
      "is built for plugin ABI 0.0" },
    { "too many hooks",
      { MAGIC, MAJOR, MINOR, DEF + 8, HOOKS + 8 },
      "another size" },
    { "too many fields",
      { MAGIC, MAJOR, MINOR, DEF + 8, HOOKS },
      "another size" },
    { "less than its hooks",
      { MAGIC, MAJOR, MINOR, HOOKS - 8, HOOKS },
      "another size" },
    { "nothing but magic", { MAGIC, MAJOR, MINOR, 0, HOOKS }, "another size" },
    { "a huge one",
      { MAGIC, MAJOR, MINOR, UINT32_MAX, UINT32_MAX },
      "another size" },
    { "a huge head", { MAGIC, MAJOR, MINOR, UINT32_MAX, 0 }, "another size" },
};

static void test_records(apr_pool_t *pool)
{
    const char *error;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(records); i++) {
        error = qp_load_check_abi(&records[i].abi, pool);
        if (records[i].error == NULL) {
            is_str(error, NULL, "%s", records[i].name);
        }
        else {
            ok(error != NULL && strstr(error, records[i].error) != NULL,
               "%s: %s", records[i].name, error);
        }
    }
    error = qp_load_check_abi(&records[6].abi, pool);
    ok(strstr(error, "offers 1.0") != NULL && strstr(error, "build it") != NULL,
       "what this server offers, and what to do");
}

/* Shared objects. -------------------------------------------------------- */

static void test_objects(const char *dir, apr_pool_t *pool)
{
    const char *parent = apr_pstrcat(pool, dir, "/..", NULL);
    qp_load_path path = { make_dirs(pool, "/nonexistent", dir), parent, "/",
                          NULL };
    qp_load_result result;
    const char *error;

    is_str(qp_load_plugin("crash", &path, &result, pool), NULL,
           "a plugin that fits");
    ok(result.def.hooks.vrfy != NULL && result.def.hooks.rcpt == NULL
           && result.def.parent == NULL && result.def.setup == NULL
           && result.baton == NULL,
       "its record");
    error = load("testplugins::crash", &path, pool);
    ok(error != NULL
           && strstr(error, "no QP_PLUGIN(testplugins_crash)") != NULL,
       "as a module, it has another name: %s", error);
    error = load("future_abi", &path, pool);
    ok(error != NULL && strstr(error, "is built for plugin ABI") != NULL
           && strstr(error, "/future_abi.so ") != NULL,
       "built for another ABI: %s", error);
    error = load("no_plugin", &path, pool);
    ok(error != NULL
           && strstr(error, "declares no QP_PLUGIN(no_plugin)") != NULL,
       "no plugin at all: %s", error);
    error = load("answer", &path, pool);
    ok(error != NULL
           && strstr(error, "uses a function that this server lacks") != NULL
           && strstr(error, "qp_") != NULL,
       "calls what is not there: %s", error);
}

/* A whole server: a line of the folder, a line of httpd's configuration. */
static void test_server(engine_kit *kit, const char *dir)
{
    qp_plugin_line line = { "crash:1", NULL, "httpd.conf:7" };
    qp_server_spec spec = { .config_dir = kit->dir,
                            .plugin_dirs = make_dirs(kit->pool, dir, NULL),
                            .sets = kit->sets,
                            .log_sink = kit->carrier.log_sink,
                            .log_ctx = kit };
    qp_server *server = NULL;
    const char *error;

    line.args = apr_array_make(kit->pool, 0, sizeof(const char *));
    spec.plugins = apr_array_make(kit->pool, 1, sizeof(line));
    APR_ARRAY_PUSH(spec.plugins, qp_plugin_line) = line;
    kit_file(kit, "plugins", "crash\n");
    is_str(qp_server_create(&server, &spec, kit->pool), NULL, "a server");
    if (server == NULL) {
        return;
    }
    is_int(server->plugins->nelts, 2, "its plugins");
    is_int(server->hooks.counts[QP_HOOK_vrfy], 2, "on their hook");
    is_int(qp_server_child_init(server, kit->pool), APR_SUCCESS, "a child");
    kit->server = server;
    kit_open(kit);
    is_str(kit_codes(kit_talk(kit, "EHLO x\r\nVRFY x\r\n"), kit->pool),
           "220 250 252", "a session of it");
    kit_close(kit);
    line.name = "none";
    APR_ARRAY_PUSH(spec.plugins, qp_plugin_line) = line;
    error = qp_server_create(&server, &spec, kit->pool);
    ok(error != NULL && strncmp(error, "httpd.conf:7: none: ", 20) == 0,
       "a line that is wrong: %s", error);
}

int main(void)
{
    const char *build = getenv("QP_BUILDDIR");
    apr_pool_t *pool;
    engine_kit *kit;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (build == NULL) {
        build = ".";
    }
    kit = kit_create(pool);
    test_names(pool);
    test_files(kit);
    test_loaders(kit);
    test_records(pool);
    build = apr_pstrcat(pool, build, "/lib/testplugins", NULL);
    test_objects(build, pool);
    test_server(kit_create(pool), build);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
