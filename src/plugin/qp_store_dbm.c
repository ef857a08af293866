/* SPDX-License-Identifier: Apache-2.0 */
/* Stores in SDBM files, which come with APR. A lock file keeps out all other
 * threads and processes while one works on the files; they are opened for each
 * call, so that no process has old pages of them. A value is preceded by the
 * time when it expires, in seconds, and a blank. Once an hour the values that
 * are still good are written to new files. */

#include "plugin/qp_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_dbm.h>
#include <apr_file_io.h>
#include <apr_strings.h>

/* The key that tells when the files were last tidied up; no key of a plugin
 * has a blank. */
#define SWEPT_KEY   " swept"
#define SWEEP_EVERY 3600

/* Between two looks at the lock. */
#define LOCK_STEP   apr_time_from_msec(5)

/* What a call works with. */
typedef struct dbm_files {
    qp_store *store;
    const char *path;
    apr_pool_t *pool; /* of the call; ends it, and closes everything */
    apr_dbm_t *dbm;
} dbm_files;

/* What APR has to prepare for DBM files goes with the topmost pool of the first
 * call, so that has to be one that lasts as long as the process, and not a
 * job's. */
static const char *open_home(qp_store_home *home, const char *rest)
{
    const char *path = rest;
    const char *used[2];

    if (rest[0] == '\0') {
        path = apr_pstrcat(home->pool, home->spool_dir, "/store/", home->name,
                           NULL);
    }
    if (path[0] != '/') {
        path = apr_pstrcat(home->pool, home->config_dir, "/", path, NULL);
    }
    home->state = apr_pstrdup(home->pool, path);
    if (apr_dbm_get_usednames_ex(home->pool, "sdbm", path, &used[0], &used[1])
        != APR_SUCCESS) {
        return "store: this APR has no SDBM files";
    }
    return NULL;
}

/* ---- the lock and the files ---------------------------------------------- */

static apr_status_t close_lock(void *data)
{
    close(*(int *)data); /* and it is unlocked */
    return APR_SUCCESS;
}

/* The folder may have to be made; that above it is the administrator's. */
static int open_lock(const char *path, apr_pool_t *pool)
{
    const char *file = apr_pstrcat(pool, path, ".lock", NULL);
    int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY;
    int fd = open(file, flags, 0600);
    char *dir;

    if (fd < 0 && errno == ENOENT) {
        dir = apr_pstrdup(pool, path);
        *strrchr(dir, '/') = '\0';
        if (mkdir(dir, 0700) == 0 || errno == EEXIST) {
            fd = open(file, flags, 0600);
        }
    }
    return fd;
}

static apr_status_t take_lock(dbm_files *files)
{
    const qp_store *store = files->store;
    int *fd = apr_palloc(files->pool, sizeof(*fd));

    *fd = open_lock(files->path, files->pool);
    if (*fd < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    apr_pool_cleanup_register(files->pool, fd, close_lock,
                              apr_pool_cleanup_null);
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return APR_FROM_OS_ERROR(errno);
        }
        if (qp_now() > store->deadline || qp_job_is_cancelled(store->job)) {
            return APR_TIMEUP;
        }
        apr_sleep(LOCK_STEP);
    }
    return APR_SUCCESS;
}

static apr_status_t open_dbm(apr_dbm_t **dbm, const char *path,
                             apr_pool_t *pool)
{
    return apr_dbm_open_ex(dbm, "sdbm", path, APR_DBM_RWCREATE,
                           APR_FPROT_UREAD | APR_FPROT_UWRITE, pool);
}

static apr_status_t begin_files(dbm_files *files, qp_store *store)
{
    apr_status_t rv;

    memset(files, 0, sizeof(*files));
    files->store = store;
    files->path = store->home->state;
    apr_pool_create(&files->pool, store->pool);
    rv = take_lock(files);
    if (rv == APR_SUCCESS) {
        rv = open_dbm(&files->dbm, files->path, files->pool);
    }
    return rv;
}

static void close_dbm(dbm_files *files)
{
    if (files->dbm != NULL) {
        apr_dbm_close(files->dbm);
        files->dbm = NULL;
    }
}

/* @return @a rv, with a word about it */
static apr_status_t end_files(dbm_files *files, apr_status_t rv)
{
    if (rv != APR_SUCCESS && !APR_STATUS_IS_NOTFOUND(rv)) {
        qp_store_note(files->store, rv,
                      apr_pstrcat(files->pool, "use ", files->path, NULL));
    }
    close_dbm(files);
    apr_pool_destroy(files->pool);
    return rv;
}

/* Files that cannot be read, such as after a crash of the machine, are put
 * aside, and new ones begun: what is lost is worth less than the mail. */
static apr_status_t renew_files(dbm_files *files)
{
    static const char *const ends[] = { ".pag", ".dir" };
    apr_pool_t *pool = files->pool;
    const char *file;
    size_t i;

    close_dbm(files);
    for (i = 0; i < QP_ARRAY_LEN(ends); i++) {
        file = apr_pstrcat(pool, files->path, ends[i], NULL);
        if (rename(file, apr_pstrcat(pool, file, ".damaged", NULL)) != 0) {
            return APR_FROM_OS_ERROR(errno);
        }
    }
    return open_dbm(&files->dbm, files->path, pool);
}

/* ---- values -------------------------------------------------------------- */

static apr_datum_t make_datum(const char *text)
{
    apr_datum_t datum;

    datum.dptr = (char *)(apr_uintptr_t)text; /* it is not written to */
    datum.dsize = strlen(text);
    return datum;
}

/* @param value  out: NULL if there is none, or it has expired */
static apr_status_t fetch(const dbm_files *files, const char *key,
                          const char **value)
{
    apr_datum_t found = { NULL, 0 };
    apr_status_t rv = apr_dbm_fetch(files->dbm, make_datum(key), &found);
    apr_int64_t expires;
    char *text;
    char *end;

    *value = NULL;
    if (rv != APR_SUCCESS || found.dptr == NULL) {
        return rv;
    }
    text = apr_pstrmemdup(files->store->pool, found.dptr, found.dsize);
    apr_dbm_freedatum(files->dbm, found);
    expires = apr_strtoi64(text, &end, 10);
    if (*end != ' '
        || (expires != 0 && expires <= apr_time_sec(apr_time_now()))) {
        return APR_SUCCESS;
    }
    *value = end + 1;
    return APR_SUCCESS;
}

static apr_status_t fetch_or_renew(dbm_files *files, const char *key,
                                   const char **value)
{
    apr_status_t rv = fetch(files, key, value);

    if (rv != APR_SUCCESS) {
        rv = renew_files(files);
    }
    return rv;
}

static apr_status_t put(const dbm_files *files, const char *key,
                        const char *value, apr_interval_time_t ttl)
{
    apr_time_t expires = 0;
    const char *text;

    if (ttl > 0) {
        expires = apr_time_sec(apr_time_now() + ttl + APR_USEC_PER_SEC - 1);
    }
    text = apr_psprintf(files->pool, "%" APR_TIME_T_FMT " %s", expires, value);
    return apr_dbm_store(files->dbm, make_datum(key), make_datum(text));
}

static apr_status_t remove_value(const dbm_files *files, const char *key)
{
    if (!apr_dbm_exists(files->dbm, make_datum(key))) {
        return APR_SUCCESS;
    }
    return apr_dbm_delete(files->dbm, make_datum(key));
}

/* ---- tidying up ---------------------------------------------------------- */

static int is_good(const apr_datum_t *value, apr_time_t now)
{
    char text[32];
    apr_int64_t expires;
    apr_size_t len =
        value->dsize < sizeof(text) ? value->dsize : sizeof(text) - 1;

    memcpy(text, value->dptr, len);
    text[len] = '\0';
    expires = apr_strtoi64(text, NULL, 10);
    return expires == 0 || expires > now;
}

static apr_status_t copy_good(const dbm_files *files, apr_dbm_t *to)
{
    apr_time_t now = apr_time_sec(apr_time_now());
    apr_datum_t key = { NULL, 0 };
    apr_datum_t value;
    apr_status_t rv = apr_dbm_firstkey(files->dbm, &key);

    while (rv == APR_SUCCESS && key.dptr != NULL) {
        rv = apr_dbm_fetch(files->dbm, key, &value);
        if (rv == APR_SUCCESS && value.dptr != NULL && is_good(&value, now)) {
            rv = apr_dbm_store(to, key, value);
        }
        if (rv == APR_SUCCESS) {
            rv = apr_dbm_nextkey(files->dbm, &key);
        }
    }
    return rv;
}

static apr_status_t put_in_place(const dbm_files *files, const char *fresh)
{
    static const char *const ends[] = { ".dir", ".pag" };
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(ends); i++) {
        if (rename(apr_pstrcat(files->pool, fresh, ends[i], NULL),
                   apr_pstrcat(files->pool, files->path, ends[i], NULL))
            != 0) {
            return APR_FROM_OS_ERROR(errno);
        }
    }
    return APR_SUCCESS;
}

/* Files of one go that failed are in the way of the next. */
static void remove_fresh(const dbm_files *files, const char *fresh)
{
    unlink(apr_pstrcat(files->pool, fresh, ".dir", NULL));
    unlink(apr_pstrcat(files->pool, fresh, ".pag", NULL));
}

static apr_status_t sweep(dbm_files *files)
{
    const char *fresh = apr_pstrcat(files->pool, files->path, ".new", NULL);
    apr_dbm_t *to = NULL;
    apr_status_t rv;

    remove_fresh(files, fresh);
    rv = open_dbm(&to, fresh, files->pool);
    if (rv == APR_SUCCESS) {
        rv = copy_good(files, to);
        apr_dbm_close(to);
    }
    if (rv == APR_SUCCESS) {
        close_dbm(files);
        rv = put_in_place(files, fresh);
    }
    if (rv == APR_SUCCESS && files->dbm == NULL) {
        rv = open_dbm(&files->dbm, files->path, files->pool);
    }
    return rv;
}

/* Whoever writes an hour after the last time tidies up. */
static apr_status_t sweep_if_due(dbm_files *files)
{
    apr_time_t now = apr_time_sec(apr_time_now());
    const char *value = NULL;
    apr_int64_t last = 0;
    apr_status_t rv = fetch(files, SWEPT_KEY, &value);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (value != NULL) {
        last = apr_strtoi64(value, NULL, 10);
    }
    if (last <= now && now - last < SWEEP_EVERY) {
        return APR_SUCCESS;
    }
    if (value != NULL) {
        rv = sweep(files);
    }
    if (rv == APR_SUCCESS) {
        rv = put(files, SWEPT_KEY,
                 apr_psprintf(files->pool, "%" APR_TIME_T_FMT, now), 0);
    }
    return rv;
}

/* ---- the calls ----------------------------------------------------------- */

static apr_status_t get_value(qp_store *store, const char *key,
                              const char **value)
{
    dbm_files files;
    apr_status_t rv = begin_files(&files, store);

    *value = NULL;
    if (rv == APR_SUCCESS) {
        rv = fetch_or_renew(&files, key, value);
    }
    if (rv == APR_SUCCESS && *value == NULL) {
        rv = APR_NOTFOUND;
    }
    return end_files(&files, rv);
}

static apr_status_t set_value(qp_store *store, const char *key,
                              const char *value, apr_interval_time_t ttl)
{
    dbm_files files;
    const char *old = NULL;
    apr_status_t rv = begin_files(&files, store);

    if (rv == APR_SUCCESS) {
        rv = fetch_or_renew(&files, key, &old);
    }
    if (rv == APR_SUCCESS) {
        rv = value != NULL ? put(&files, key, value, ttl)
                           : remove_value(&files, key);
    }
    if (rv == APR_SUCCESS) {
        rv = sweep_if_due(&files);
    }
    return end_files(&files, rv);
}

static apr_status_t update_value(qp_store *store, const char *key,
                                 qp_store_change *change, void *baton)
{
    dbm_files files;
    const char *value = NULL;
    apr_interval_time_t ttl = 0;
    apr_status_t rv = begin_files(&files, store);

    if (rv == APR_SUCCESS) {
        rv = fetch_or_renew(&files, key, &value);
    }
    if (rv == APR_SUCCESS) {
        value = change(value, baton, &ttl, store->pool);
    }
    if (rv == APR_SUCCESS && value != NULL) {
        rv = put(&files, key, value, ttl);
        if (rv == APR_SUCCESS) {
            rv = sweep_if_due(&files);
        }
    }
    return end_files(&files, rv);
}

const qp_store_kind qp_store_dbm_kind = {
    .name = "dbm",
    .open = open_home,
    .get = get_value,
    .set = set_value,
    .update = update_value,
};
