/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_watch.h
 * @brief Sees what plugins answer, the notes they leave, and the message as
 *        it is queued.
 */
#ifndef QP_WATCH_H
#define QP_WATCH_H

#include "plugin/qp_server.h"
#include "tester/qp_record.h"

/** Puts a plugin that writes to @a record above those of @a server; all of
 *  them live in @a pool. */
void qp_watch_install(qp_server *server, qp_record *record, apr_pool_t *pool);

#endif /* QP_WATCH_H */
