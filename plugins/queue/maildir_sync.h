/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file maildir_sync.h
 * @brief Flushes folders, for several deliveries at once.
 *
 * Flushing a folder makes all safe that was moved there before, whoever did
 * it. So a delivery that comes while the folder is being flushed waits for the
 * next time, together with all others that have come meanwhile, and one of
 * them does it. Made before the process forks, empty; each child then has its
 * own. It knows nothing of messages.
 */
#ifndef MAILDIR_SYNC_H
#define MAILDIR_SYNC_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

/* Folders that are flushed at the same time; beyond these, or when two share a
 * place, each delivery flushes for itself. */
#define SYNC_SLOTS 64

struct sync_slot {
    char dir[512];             /* that the deliveries here want to be flushed */
    int users;                 /* of them */
    int is_busy;               /* one of them is flushing */
    unsigned long begun, done; /* flushes, by number */
    unsigned long failed;      /* the last that failed; 0: none */
    apr_status_t rv;           /* why */
};

struct maildir_sync {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *cond;
    struct sync_slot slots[SYNC_SLOTS];
};

static inline struct maildir_sync *sync_create(apr_pool_t *pconf)
{
    struct maildir_sync *sync = apr_pcalloc(pconf, sizeof(*sync));

    if (apr_thread_mutex_create(&sync->mutex, APR_THREAD_MUTEX_DEFAULT, pconf)
            != APR_SUCCESS
        || apr_thread_cond_create(&sync->cond, pconf) != APR_SUCCESS) {
        return NULL;
    }
    return sync;
}

/* Makes what is in a folder survive a crash. Some file systems cannot be told
 * to and say EINVAL; there it is as safe as it gets. */
static inline apr_status_t flush_dir(const char *dir)
{
    apr_status_t rv = APR_SUCCESS;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return errno;
    }
    if (fsync(fd) != 0 && errno != EINVAL) {
        rv = errno;
    }
    close(fd);
    return rv;
}

/* With the mutex held, which is given back while it flushes. */
static inline void flush_for_all(struct maildir_sync *sync,
                                 struct sync_slot *slot)
{
    unsigned long number = ++slot->begun;
    apr_status_t rv;

    slot->is_busy = 1;
    apr_thread_mutex_unlock(sync->mutex);
    rv = flush_dir(slot->dir);
    apr_thread_mutex_lock(sync->mutex);
    slot->is_busy = 0;
    slot->done = number;
    if (rv != APR_SUCCESS) {
        slot->failed = number;
        slot->rv = rv;
    }
    apr_thread_cond_broadcast(sync->cond);
}

/* With the mutex held. A flush that is under way may have missed us. */
static inline apr_status_t flush_together(struct maildir_sync *sync,
                                          struct sync_slot *slot)
{
    unsigned long wanted = slot->begun + 1;

    while (slot->done < wanted) {
        if (slot->is_busy) {
            apr_thread_cond_wait(sync->cond, sync->mutex);
        }
        else {
            flush_for_all(sync, slot);
        }
    }
    return slot->failed >= wanted ? slot->rv : APR_SUCCESS;
}

/* Flushes a folder after something was moved there. */
static inline apr_status_t sync_folder(struct maildir_sync *sync,
                                       const char *dir)
{
    apr_ssize_t len = APR_HASH_KEY_STRING;
    struct sync_slot *slot =
        &sync->slots[apr_hashfunc_default(dir, &len) % SYNC_SLOTS];
    apr_status_t rv;

    apr_thread_mutex_lock(sync->mutex);
    if (strlen(dir) >= sizeof(slot->dir)
        || (slot->users > 0 && strcmp(slot->dir, dir) != 0)) {
        apr_thread_mutex_unlock(sync->mutex);
        return flush_dir(dir);
    }
    if (slot->users++ == 0) {
        apr_cpystrn(slot->dir, dir, sizeof(slot->dir));
    }
    rv = flush_together(sync, slot);
    slot->users--;
    apr_thread_mutex_unlock(sync->mutex);
    return rv;
}

#endif /* MAILDIR_SYNC_H */
