/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file engine_kit.h
 * @brief A whole server without httpd, socket or shared object, for tests.
 *
 *     engine_kit *kit = kit_create(pool);
 *     kit_script script = { QP_HOOK_mail, QP_DENY, "no", 0, 0 };
 *
 *     kit_set(kit, "databytes", "1000");
 *     kit_plugin(kit, &kit_script_def, "script", &script);
 *     kit_plugin(kit, &kit_base_def, "base", kit);
 *     kit_start(kit);
 *     kit_open(kit);
 *     is_str(kit_talk(kit, "NOOP\r\n"), "220 ...", "greeting and reply");
 *
 * Everything lives in the pool of the kit. It checks nothing by itself.
 */
#ifndef ENGINE_KIT_H
#define ENGINE_KIT_H

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "mem_io.h"
#include "smtp/qp_engine.h"

/** A text that grows. */
typedef struct kit_text {
    char *text; /**< NULL as long as it is empty */
    apr_size_t len, cap;
} kit_text;

/** The fields may be read at any time, and changed where it says so. */
typedef struct engine_kit {
    apr_pool_t *pool;
    const char *dir;             /**< temporary; the config folder */
    apr_hash_t *sets;            /**< see kit_set */
    apr_array_header_t *plugins; /**< of qp_plugin * */
    qp_plugin_home home;
    qp_load_path path;
    qp_logger logger; /**< of the server */
    qp_server *server;
    qp_timers *timers;
    qp_carrier carrier; /**< may be changed between two sessions */
    qp_peers peers;     /**< the same */
    apr_pool_t *pconn;  /**< of the session, or NULL */
    qp_session *qp;
    mem_io *io;
    const qp_tls *tls; /**< may be set: a handshake brings it; NULL: it fails */
    qp_want want;      /**< the last answer of qp_engine_run */
    int hold;          /**< may be set: kit_run does not wait for the waker */
    int busy;          /**< may be set: kit_run stops at QP_WANT_OUTPUT */
    kit_text log;      /**< "LEVEL TAG PLUGIN: TEXT\n" of the session */
    /** May be cleared; hooks as they run, " NAME" each, by plugins of the
     *  kit, and " NAME=CODE" where replies so far are of interest. */
    kit_text trace;
    kit_text stored; /**< the message that kit_base queued last */
    kit_text normal; /**< see kit_normal */
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *cond;
    int wakes; /**< how often the session has been woken */
} engine_kit;

/** Makes a kit, with a folder of its own and values for me and spool_dir. */
engine_kit *kit_create(apr_pool_t *pool);

/** A key of QpsmtpdSet; NULL takes it away. Before kit_start. */
void kit_set(engine_kit *kit, const char *key, const char *value);

/** Writes a file of the config folder; NULL removes it. The new content is
 *  put in place by a rename, so that a change is never missed. */
void kit_file(engine_kit *kit, const char *name, const char *text);

/** Adds a plugin to the end of the list. Before kit_start. @param opts  what
 *  qp_opts() gives; must outlive the kit */
qp_plugin *kit_plugin(engine_kit *kit, const qp_plugin_def *def,
                      const char *name, void *opts);

/** Takes all plugins and sets away, for the next kit_start. */
void kit_reset(engine_kit *kit);

/** Makes a server of what was set. @return NULL, or the fault */
const char *kit_start(engine_kit *kit);

/** Begins a session, which has not run; ends the one before. */
void kit_open(engine_kit *kit);

/** Runs the session until it has used up its input and waits for more, or has
 *  ended. */
void kit_run(engine_kit *kit);

/** Sends text, and runs. @return all replies since the last call */
const char *kit_talk(engine_kit *kit, const char *text);

/** The session is gone: its pool is destroyed. */
void kit_close(engine_kit *kit);

/** Waits until the session is woken, at most ten seconds. @return whether */
int kit_wait(engine_kit *kit);

/** Moves the clock of this program, apr_time_now(): what is looked at again
 *  after a second is looked at again after this. Not that of timers. */
void kit_skip_time(apr_interval_time_t by);

/** Sets a text back to nothing. */
void kit_clear(kit_text *text);
void kit_append(kit_text *text, const char *data, apr_size_t len);
void kit_print(kit_text *text, const char *fmt, ...) QP_PRINTF(2, 3);
const char *kit_view(const kit_text *text);

/** The text with the session's id as "ID" and dates as "DATE". */
const char *kit_normal(engine_kit *kit, const char *text);

/** The codes of the last lines of all replies in @a text: "220 250 550". */
const char *kit_codes(const char *text, apr_pool_t *pool);

/** How often @a needle is in @a text. */
int kit_count(const char *text, const char *needle);

/** The lines of a whole message up to 250, but for QUIT. */
extern const char kit_mail[];

/* Plugins of the kit. ---------------------------------------------------- */

/** One answer in one hook; in all others DECLINED. */
typedef struct kit_script {
    qp_hook_id hook;
    int rc;           /**< a qp_rc, or what is none */
    const char *text; /**< or NULL */
    int reply;        /**< not 0: sends the text with this code itself */
    int calls;        /**< out: how often it answered */
} kit_script;

/** Options: a kit_script. */
extern const qp_plugin_def kit_script_def;
/** Says OK to recipients, and queues by adding the message to kit->stored.
 *  Options: the kit. */
extern const qp_plugin_def kit_base_def;
/** Notes all hooks but the quiet and the parsing ones in kit->trace. Options:
 *  the kit. */
extern const qp_plugin_def kit_trace_def;
/** Notes deny and ok in kit->trace: " deny(PLUGIN HOOK RC TEXT)". Options: the
 *  kit. */
extern const qp_plugin_def kit_observer_def;

#endif /* ENGINE_KIT_H */
