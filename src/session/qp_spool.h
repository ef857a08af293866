/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_spool.h
 * @brief The octets of a message: in memory, and from a size on in a file.
 */
#ifndef QP_SPOOL_H
#define QP_SPOOL_H

#include "base/qp_log.h"

typedef struct qp_spool qp_spool;

/**
 * An empty spool.
 * @param dir        folder of the files; made (0700) when it is missing
 * @param threshold  from how many octets on a file is used
 * @param pool       its lifetime; the file is removed with it
 */
qp_spool *qp_spool_create(const char *dir, apr_off_t threshold,
                          apr_pool_t *pool);

/**
 * Room for @a len octets behind what is there.
 * @param flags  QP_SPOOL_KEEP: the memory may not go to the file now, since
 *               its start is still being looked at
 */
typedef enum qp_spool_flags { QP_SPOOL_MOVE, QP_SPOOL_KEEP } qp_spool_flags;
char *qp_spool_reserve(qp_spool *spool, apr_size_t len, qp_spool_flags flags);

/** Takes the first @a len octets of what was reserved. */
void qp_spool_commit(qp_spool *spool, apr_size_t len);

/** Octets in all. */
apr_off_t qp_spool_size(const qp_spool *spool);

/** The message as far as it is in memory: all of it while no file is used. */
const char *qp_spool_memory(const qp_spool *spool, apr_size_t *len);

/** Puts all of it into the file. @return its path, or NULL: see the status */
const char *qp_spool_file(qp_spool *spool);

/** An empty spool of the same kind, in the same pool. */
qp_spool *qp_spool_renew(const qp_spool *spool);

/**
 * A copy that lives in @a pool and needs nothing of the original: octets in
 * memory are copied, the file is shared.
 */
apr_status_t qp_spool_detach(const qp_spool *spool, qp_spool **out,
                             apr_pool_t *pool) QP_CHECKED;

/** Octets in the file, and its descriptor; the rest is in memory. */
apr_off_t qp_spool_filed(const qp_spool *spool, int *fd);

/** The first error of the file; what came after it is lost. */
apr_status_t qp_spool_status(const qp_spool *spool);

/**
 * Reads from @a offset on.
 * @param data  out: valid until the spool is written to, or @a buf is reused
 * @param len   in: size of @a buf; out: octets at @a data
 * @return APR_SUCCESS, APR_EOF, or an error of the file
 */
apr_status_t qp_spool_read(const qp_spool *spool, apr_off_t offset, char *buf,
                           const char **data, apr_size_t *len) QP_CHECKED;

/** Removes what sessions of dead processes left in @a dir. Files of living
 *  ones are locked and stay. @return how many were removed */
int qp_spool_sweep(const char *dir);

/** @param pid  a text that begins with the number of a process
 *  @return whether there is no such process on this machine */
int qp_spool_is_dead(const char *pid);

#endif /* QP_SPOOL_H */
