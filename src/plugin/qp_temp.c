/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary files and folders of plugins, in spool_dir. What belongs to a
 * transaction goes with its pool. Names are random, folders are made
 * exclusively (R109). Spool files of messages are qp_spool's. */

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "plugin/qp_temp.h"
#include "session/qp_spool.h"

#define MAX_OPEN 16

/* How names begin, so that what stays can be told from leftovers. */
#define REMOVED  "tmp"
#define KEPT     "dir"

const char *qp_spool_dir(qp_session *qp)
{
    return qp->settings->spool_dir;
}

/* A name in spool_dir, which is made when it is missing, as qp_spool does. */
static const char *make_name(qp_session *qp, const char *kind, apr_pool_t *pool)
{
    const char *dir = qp->settings->spool_dir;
    apr_uint64_t random = 0;

    if (apr_generate_random_bytes((unsigned char *)&random, sizeof(random))
        != APR_SUCCESS) {
        abort();
    }
    mkdir(dir, 0700);
    return apr_psprintf(pool, "%s/%s-%ld-%016" APR_UINT64_T_HEX_FMT, dir, kind,
                        (long)getpid(), random);
}

static apr_status_t remove_file(void *data)
{
    unlink(data);
    return APR_SUCCESS;
}

static int remove_entry(const char *path, const struct stat *info QP_UNUSED,
                        int flag QP_UNUSED, struct FTW *walk QP_UNUSED)
{
    remove(path);
    return 0;
}

/* What a plugin unpacks may bring folders that even their owner may not look
 * into. */
static int open_folder(const char *path, const struct stat *info QP_UNUSED,
                       int flag, struct FTW *walk QP_UNUSED)
{
    if ((flag == FTW_D || flag == FTW_DNR) && chmod(path, 0700) == 0
        && flag == FTW_DNR) {
        nftw(path, open_folder, MAX_OPEN, FTW_PHYS);
    }
    return 0;
}

static apr_status_t remove_tree(void *data)
{
    nftw(data, remove_entry, MAX_OPEN, FTW_DEPTH | FTW_PHYS);
    if (access(data, F_OK) == 0) {
        nftw(data, open_folder, MAX_OPEN, FTW_PHYS);
        nftw(data, remove_entry, MAX_OPEN, FTW_DEPTH | FTW_PHYS);
    }
    return APR_SUCCESS;
}

const char *qp_temp_file(qp_session *qp)
{
    apr_pool_t *pool = qp_txn_pool(qp);
    const char *name = make_name(qp, REMOVED, pool);

    apr_pool_cleanup_register(pool, name, remove_file, apr_pool_cleanup_null);
    return name;
}

static const char *make_dir(qp_session *qp, const char *kind, apr_pool_t *pool,
                            int mode)
{
    const char *name = make_name(qp, kind, pool);
    char reason[128];
    apr_status_t rv;

    if (mkdir(name, 0700) == 0) {
        if (chmod(name, (mode_t)mode) == 0) {
            return name;
        }
        rv = apr_get_os_error();
        rmdir(name);
    }
    else {
        rv = apr_get_os_error();
    }
    qp_session_log(qp, QP_LOG_ERROR, "QP1303", "cannot make %s: %s", name,
                   apr_strerror(rv, reason, sizeof(reason)));
    return NULL;
}

const char *qp_make_temp_dir(qp_session *qp, int mode)
{
    return make_dir(qp, KEPT, qp_session_pcmd(qp), mode);
}

const char *qp_temp_dir(qp_session *qp)
{
    apr_pool_t *pool = qp_txn_pool(qp);
    const char *name = make_dir(qp, REMOVED, pool, 0700);

    if (name != NULL) {
        apr_pool_cleanup_register(pool, name, remove_tree,
                                  apr_pool_cleanup_null);
    }
    return name;
}

/* "tmp-PID-RANDOM", of a process that is no more. The age says nothing: the
 * clock may have been set. */
static int is_leftover(const char *name)
{
    return strncmp(name, REMOVED "-", strlen(REMOVED) + 1) == 0
           && qp_spool_is_dead(name + strlen(REMOVED) + 1);
}

int qp_temp_sweep(const char *dir)
{
    DIR *handle = opendir(dir);
    const struct dirent *entry;
    char path[PATH_MAX];
    int removed = 0;

    if (handle == NULL) {
        return 0;
    }
    while ((entry = readdir(handle)) != NULL) {
        if (is_leftover(entry->d_name)) {
            apr_snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
            remove_tree(path);
            removed++;
        }
    }
    closedir(handle);
    return removed;
}
