/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file maildir_dir.h
 * @brief What queue/maildir knows of a delivery, and the folders that it makes.
 *
 * All of it lives as long as the command.
 */
#ifndef MAILDIR_DIR_H
#define MAILDIR_DIR_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "maildir_sweep.h"
#include "maildir_sync.h"
#include "qpsmtpd.h"

struct opts {
    const char *dir;
    const char *subdir;
    const char *perms;
    struct maildir_sync *sync;   /* of the process */
    struct maildir_swept *swept; /* of the process */
};

/* The message in one Maildir. */
struct copy {
    const char *dir;           /* the Maildir */
    apr_array_header_t *trace; /* of const char *: lines on top of the file */
    const char *name;          /* of the file */
    const char *path;          /* where the file is now, or NULL */
    apr_status_t status;       /* with LMTP, what became of it */
};

/* One message on its way. */
struct delivery {
    const qp_plugin *self;
    qp_session *qp;
    qp_txn *txn;
    apr_pool_t *pool; /* of the command */
    const struct opts *opt;
    mode_t perms;
    const char *host; /* of this machine, safe for a file name */
    char *buffer;
    apr_array_header_t *copies; /* of struct copy * */
    apr_hash_t *by_dir;         /* the same */
    const char *failed;         /* "write PATH", when something did */
    int nfailed;                /* copies, with LMTP */
};

/* Remembers what could not be done. */
static inline apr_status_t fail(struct delivery *job, apr_status_t rv,
                                const char *verb, const char *path)
{
    job->failed = apr_pstrcat(job->pool, verb, " ", path, NULL);
    return rv;
}

/* Makes one folder, unless it is there already. */
static inline apr_status_t make_dir(struct delivery *job, const char *path)
{
    apr_status_t rv;

    if (mkdir(path, job->perms) != 0) {
        return errno == EEXIST ? APR_SUCCESS : fail(job, errno, "make", path);
    }
    /* The umask of the server may have taken something away. */
    if (chmod(path, job->perms) != 0) {
        return fail(job, errno, "make", path);
    }
    rv = flush_dir(apr_pstrcat(job->pool, path, "/..", NULL));
    return rv != APR_SUCCESS ? fail(job, rv, "flush what is above", path) : rv;
}

/* Makes a folder and what is above it, down from the configured one. */
static inline apr_status_t make_dirs(struct delivery *job, const char *path)
{
    const char *slash = path + strlen(job->opt->dir);
    apr_status_t rv = APR_SUCCESS;

    while (rv == APR_SUCCESS && slash != NULL) {
        rv = make_dir(job, apr_pstrmemdup(job->pool, path, slash - path));
        slash = strchr(slash + 1, '/');
    }
    return rv == APR_SUCCESS ? make_dir(job, path) : rv;
}

/* Sees that the Maildir is complete. Its last folder is there: so are all. */
static inline apr_status_t make_maildir(struct delivery *job, const char *dir)
{
    static const char *const subs[] = { "/tmp", "/cur", "/new" };
    apr_status_t rv = APR_SUCCESS;
    int i;

    if (access(apr_pstrcat(job->pool, dir, subs[2], NULL), F_OK) == 0) {
        return APR_SUCCESS;
    }
    for (i = 0; rv == APR_SUCCESS && i < 3; i++) {
        rv = make_dirs(job, apr_pstrcat(job->pool, dir, subs[i], NULL));
    }
    return rv;
}

/* Removes what a crash has left there. The session is NULL at start. */
static inline void sweep_maildir(const qp_plugin *self, qp_session *qp,
                                 const char *dir, const char *host,
                                 apr_pool_t *pool)
{
    const struct opts *opt = qp_opts(self);
    const char *tmp = apr_pstrcat(pool, dir, "/tmp", NULL);
    int removed = is_sweep_due(opt->swept, dir) ? sweep_tmp(tmp, host) : 0;

    if (removed > 0) {
        qp_log(self, qp, QP_LOG_INFO,
               "removed %d files of dead processes from %s", removed, tmp);
    }
}

#endif /* MAILDIR_DIR_H */
