/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugin/qp_temp: files and folders of plugins are private, go with
 * the transaction, whatever is in them, and nothing else goes.
 */
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"
#include "plugin/qp_temp.h"

/** What the plugin has made in the current transaction. */
typedef struct made {
    const char *file, *unused, *dir, *lasting;
} made;

static void make_file(const char *path, int mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);

    if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) != 0) {
        diag("cannot make %s", path);
        abort();
    }
}

static void make_folder(const char *path, mode_t mode)
{
    if (mkdir(path, 0700) != 0 || chmod(path, mode) != 0) {
        diag("cannot make %s", path);
        abort();
    }
}

static int mode_of(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0 ? (int)(info.st_mode & 07777) : -1;
}

/* A tree as a careless program leaves it: deep, with folders that may not be
 * looked into, a name of 255 octets, and a link that leads out. */
static void fill_dir(const char *dir, apr_pool_t *pool)
{
    const char *deep = dir;
    char name[256];
    int i;

    for (i = 0; i < 40; i++) {
        deep = apr_pstrcat(pool, deep, "/d", NULL);
        make_folder(deep, 0700);
    }
    memset(name, 'n', 255);
    name[255] = '\0';
    make_file(apr_pstrcat(pool, deep, "/", name, NULL), 0000);
    if (symlink("../../keep", apr_pstrcat(pool, dir, "/link", NULL)) != 0) {
        abort();
    }
    make_folder(apr_pstrcat(pool, dir, "/shut", NULL), 0700);
    make_folder(apr_pstrcat(pool, dir, "/shut/inner", NULL), 0700);
    make_file(apr_pstrcat(pool, dir, "/shut/inner/f", NULL), 0400);
    chmod(apr_pstrcat(pool, dir, "/shut/inner", NULL), 0500);
    chmod(apr_pstrcat(pool, dir, "/shut", NULL), 0000);
}

static qp_rc make_all(const qp_plugin *self, qp_session *qp,
                      const qp_rcpt_arg *arg)
{
    made *m = self->opts;

    m->file = apr_pstrdup(self->home->pool, qp_temp_file(qp));
    m->unused = apr_pstrdup(self->home->pool, qp_temp_file(qp));
    m->dir = apr_pstrdup(self->home->pool, qp_temp_dir(qp));
    m->lasting = apr_pstrdup(self->home->pool, qp_make_temp_dir(qp, 0750));
    return QP_OK;
}

/* Without a transaction they go with the command. */
static qp_rc make_one(const qp_plugin *self, qp_session *qp,
                      const qp_words_arg *arg)
{
    made *m = self->opts;

    m->dir = apr_pstrdup(self->home->pool, qp_temp_dir(qp));
    is_int(m->dir != NULL ? mode_of(m->dir) : 0, 0700, "a folder for NOOP");
    return QP_DECLINED;
}

static const qp_plugin_def temp_def = {
    .hooks = { .rcpt = make_all, .noop = make_one },
};

static void start_kit(engine_kit *kit, const char *spool, made *m)
{
    kit_reset(kit);
    kit_set(kit, "spool_dir", spool);
    kit->home.pool = kit->pool;
    memset(m, 0, sizeof(*m));
    kit_plugin(kit, &temp_def, "temp", m);
    if (kit_start(kit) != NULL) {
        abort();
    }
    kit_open(kit);
    kit_talk(kit, "EHLO x\r\nMAIL FROM:<a@example.net>\r\n");
}

static void test_lifetime(engine_kit *kit, const char *spool)
{
    made m;

    start_kit(kit, spool, &m);
    umask(077);
    kit_talk(kit, "RCPT TO:<b@example.org>\r\n");
    is_int(mode_of(spool), 0700, "spool_dir is made");
    ok(strncmp(m.file, spool, strlen(spool)) == 0, "a name in spool_dir");
    is_int(mode_of(m.file), -1, "a file is not made");
    ok(strcmp(m.file, m.unused) != 0, "names differ");
    is_int(mode_of(m.dir), 0700, "a folder is private");
    is_int(mode_of(m.lasting), 0750, "the mode of another, for all umasks");
    make_file(m.file, 0600);
    make_file(apr_pstrcat(kit->pool, spool, "/keep", NULL), 0600);
    fill_dir(m.dir, kit->pool);
    kit_talk(kit, "NOOP\r\n");
    is_int(mode_of(m.file), 0600, "they stay within the transaction");
    kit_talk(kit, "RSET\r\n");
    is_int(mode_of(m.file), -1, "the file goes with it");
    is_int(mode_of(m.dir), -1, "the folder, too");
    is_int(mode_of(m.lasting), 0750, "the one that lasts does not");
    is_int(mode_of(apr_pstrcat(kit->pool, spool, "/keep", NULL)), 0600,
           "nor does what a link leads to");
    kit_talk(kit, "NOOP\r\n");
    is_int(mode_of(m.dir), -1, "one of NOOP goes with its reply");
    kit_close(kit);
}

/* A session that is cut off cleans up as well. */
static void test_cut_off(engine_kit *kit, const char *spool)
{
    made m;

    start_kit(kit, spool, &m);
    kit_talk(kit, "RCPT TO:<b@example.org>\r\n");
    make_file(m.file, 0600);
    fill_dir(m.dir, kit->pool);
    kit_close(kit);
    is_int(mode_of(m.file), -1, "the file goes with the session");
    is_int(mode_of(m.dir), -1, "the folder, too");
}

static void test_trouble(engine_kit *kit)
{
    made m;

    start_kit(kit, "/dev/null/spool", &m);
    kit_talk(kit, "RCPT TO:<b@example.org>\r\n");
    is_str(m.dir, NULL, "no folder in a file");
    is_str(m.lasting, NULL, "nor one that lasts");
    is_int(kit_count(kit_view(&kit->log), "3 QP1303 "), 2, "both are logged");
    kit_close(kit);
}

static pid_t dead_process(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        _exit(0);
    }
    if (waitpid(pid, NULL, 0) != pid) {
        abort();
    }
    return pid;
}

static const char *name_of(apr_pool_t *pool, const char *spool, pid_t pid)
{
    return apr_psprintf(pool, "%s/tmp-%ld-0123456789abcdef", spool, (long)pid);
}

/* R106: what a crash has left goes, whatever its age. */
static void test_sweep(engine_kit *kit, const char *spool)
{
    const char *dead = name_of(kit->pool, spool, dead_process());
    const char *alive = name_of(kit->pool, spool, getpid());
    const char *old = apr_pstrcat(kit->pool, alive, "0", NULL);
    struct utimbuf times = { 1, 1 };

    make_folder(dead, 0700);
    fill_dir(dead, kit->pool);
    make_file(alive, 0600);
    make_file(old, 0600);
    utime(old, &times);
    is_int(qp_temp_sweep(spool), 1, "a leftover is removed");
    is_int(mode_of(dead), -1, "a new folder of a dead process");
    is_int(mode_of(old), 0600, "not one of a living process, though it is old");
    is_int(mode_of(alive), 0600, "nor a new one");
    is_int(mode_of(apr_pstrcat(kit->pool, spool, "/keep", NULL)), 0600,
           "nor what is others'");
}

/* As root everything could be removed without a thought. */
static void drop_root(const char *dir)
{
    if (getuid() == 0 && chown(dir, 65534, 65534) == 0) {
        if (setgid(65534) != 0 || setuid(65534) != 0) {
            abort();
        }
    }
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;
    const char *spool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    drop_root(kit->dir);
    spool = apr_pstrcat(pool, kit->dir, "/spool", NULL);
    test_lifetime(kit, spool);
    test_cut_off(kit, spool);
    test_sweep(kit, spool);
    test_trouble(kit);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
