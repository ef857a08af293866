/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_hook.h
 * @brief Runs the plugins of a hook, one after the other, and can be left in
 *        the middle.
 *
 * Two ways to run a hook. qp_hook_start(): the verdict hooks; a plugin may
 * await, and the verdict goes to a responder when there is one. qp_hook_call():
 * the others; at once, with the verdict as value.
 */
#ifndef QP_HOOK_H
#define QP_HOOK_H

#include "plugin/qp_plugin.h"
#include "session/qp_session.h"

#define QP_HOOK_ENUM(name, type) QP_HOOK_##name,
typedef enum qp_hook_id { QP_HOOK_LIST(QP_HOOK_ENUM) QP_HOOK_COUNT } qp_hook_id;
#undef QP_HOOK_ENUM

_Static_assert(sizeof(qp_hooks) == QP_HOOK_COUNT * sizeof(void (*)(void)),
               "a slot of qp_hooks is missing in QP_HOOK_LIST");

/** One plugin on one hook. */
typedef struct qp_hook_entry {
    const qp_plugin *self; /**< what the hook is called with */
    const qp_hooks *hooks; /**< where its function stands */
} qp_hook_entry;

/** All plugins of a server, by hook. Made at start, then read-only. */
typedef struct qp_hook_table {
    const qp_hook_entry *entries[QP_HOOK_COUNT];
    int counts[QP_HOOK_COUNT];
    unsigned int can; /**< QP_CAN_... of all that have the hook queue */
} qp_hook_table;

/** Fills the table from plugins (of qp_plugin *), in their order. */
void qp_hook_table_fill(qp_hook_table *table, const apr_array_header_t *plugins,
                        apr_pool_t *pool);

/** Its name as in qpsmtpd.h. */
const char *qp_hook_name(qp_hook_id hook);

/** The reverse of qp_rc. @return "DENY" and so on, or "?" */
const char *qp_hook_rc_name(qp_rc rc);

/** Untyped; use the typed ones below. */
void qp_hook_start(qp_session *qp, qp_hook_id hook, void *arg,
                   qp_responder *respond);
qp_rc qp_hook_call(const qp_hook_table *table, qp_session *qp, qp_hook_id hook,
                   void *arg);

/** Whether the chain under way, which awaits something, can go on. */
int qp_hook_is_ready(qp_session *qp);

/** Whether the chain under way is about a message that the client has handed
 *  over: it goes on although the client leaves. */
int qp_hook_keeps_message(const qp_session *qp);

/** How long the plugin that waits may do so. 0: for ever, or none waits */
apr_interval_time_t qp_hook_timeout(const qp_session *qp);

/** Goes on with it. */
void qp_hook_resume(qp_session *qp);

/** Forgets the chain under way, if any. */
void qp_hook_cancel(qp_session *qp);

/* qp_start_NAME(qp, arg, respond) and qp_call_NAME(table, qp, arg). */
#define QP_HOOK_TYPED(name, type)                                              \
    static inline void qp_start_##name(qp_session *qp, type *arg,              \
                                       qp_responder *respond)                  \
    {                                                                          \
        union {                                                                \
            type *typed;                                                       \
            void *plain;                                                       \
        } cast = { .typed = arg };                                             \
                                                                               \
        qp_hook_start(qp, QP_HOOK_##name, cast.plain, respond);                \
    }                                                                          \
    static inline qp_rc qp_call_##name(const qp_hook_table *table,             \
                                       qp_session *qp, type *arg)              \
    {                                                                          \
        union {                                                                \
            type *typed;                                                       \
            void *plain;                                                       \
        } cast = { .typed = arg };                                             \
                                                                               \
        return qp_hook_call(table, qp, QP_HOOK_##name, cast.plain);            \
    }

QP_HOOK_LIST(QP_HOOK_TYPED)
#undef QP_HOOK_TYPED

#endif /* QP_HOOK_H */
