/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_qp.h
 * @brief What the files of the httpd side share.
 */
#ifndef MOD_QP_H
#define MOD_QP_H

#include <httpd.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_log.h>
#include <http_main.h>
#include <ap_mpm.h>
#include <mpm_common.h>

#include "smtp/qp_engine.h"

/* CONN_STATE_ASYNC_WAITIO: httpd 2.4.63. */
#if !AP_MODULE_MAGIC_AT_LEAST(20120211, 137)
#error "mod_qpsmtpd needs httpd 2.4.63 or newer"
#endif

extern QP_EXPORT module AP_MODULE_DECLARE_DATA qpsmtpd_module;

typedef struct mod_qp_conn mod_qp_conn;
typedef struct mod_qp_count mod_qp_count;

/** What a child process has for all its sessions. Lives in pchild. */
typedef struct mod_qp_child {
    qp_timers *timers;
    qp_jobs *jobs;
    qp_resolver *resolver;
    apr_thread_mutex_t *mutex; /**< guards sessions and is_parked in them */
    mod_qp_conn *sessions;
    mod_qp_count *count; /**< or NULL: there is no shared memory */
    int is_gone;         /**< the process is being torn down */
    int region;          /**< of count: this child's */
    int can_park;        /**< the MPM takes connections back (event) */
    apr_allocator_t *allocator;
    int nbrief;    /**< atomic: threads in mod_qp_brief_wait() */
    int max_brief; /**< of them, so that others are free for the rest */
    int stopping;  /**< atomic: 1: idle sessions are to end; 2: all */
} mod_qp_child;

/** A virtual host. Lives in pconf. */
typedef struct mod_qp_conf {
    int enabled; /**< -1: not said */
    const char *config_dir;
    apr_array_header_t *plugin_dirs; /**< of const char *, or NULL */
    const char *module_path;
    apr_array_header_t *plugins; /**< of qp_plugin_line, or NULL */
    apr_hash_t *sets;            /**< key -> lines, or NULL */
    apr_hash_t *wheres;          /**< key -> where it is set, or NULL */
    qp_server *server;           /**< NULL: not enabled */
    int tls;                     /**< a qp_tls_mode; -1: not said */
    const char *tls_where;       /**< of QpsmtpdTLS, or NULL */
    server_rec *self;            /**< the virtual host */
    int has_timeout;             /**< it says Timeout itself */
    apr_array_header_t *proxies; /**< of qp_net: QpsmtpdProxy; or NULL */
    server_rec *shadow;  /**< the same, unknown to mod_ssl; NULL: no mod_ssl */
    mod_qp_child *child; /**< in a child process */
    struct mod_qp_caches *caches; /**< of the main server: of all */
} mod_qp_conf;

/** The octets of a connection, over httpd's filters. */
typedef struct mod_qp_io {
    qp_io base; /**< first */
    conn_rec *c;
    apr_bucket_brigade *in, *out;
    apr_size_t consumed; /**< of the first bucket of in */
    int is_drained;      /**< the socket had no more when it was last read */
    int nbuffers;        /**< that were read at once since it was handed over */
    struct ssl_st *ssl;  /**< mod_ssl's, or NULL; gone when broken is set */
    int is_secure;       /**< mod_ssl is between the session and the socket */
    int was_shut;        /**< by us, to wake it: its end is not the client's */
    apr_status_t broken; /**< sticky: how the input ended */
    int can_park;        /**< never block */
} mod_qp_io;

/** What a session waits for while the MPM has it. */
typedef enum mod_qp_wait {
    MOD_QP_RUNS,
    MOD_QP_WAITS_CLIENT,
    MOD_QP_WAITS_WAKE,
    MOD_QP_WAITS_BOTH
} mod_qp_wait;

/** A session on its connection. Lives in pconn. */
struct mod_qp_conn {
    conn_rec *c;
    qp_session *qp;
    mod_qp_child *child;
    mod_qp_io io;
    qp_carrier carrier;
    struct mod_qp_waker *waker; /**< the session's, or NULL */
    int both; /**< descriptor: readable when waker or client are; or -1 */
    mod_qp_wait wait;
    int is_shaking;     /**< a handshake is under way: nothing may be written */
    struct ssl_st *ssl; /**< mod_ssl's, or NULL */
    struct qp_proxy *proxy; /**< the header is awaited; else NULL */
    apr_time_t until;       /**< when it, or the handshake, must be there, by
                                 qp_now() */
    apr_pool_t *keep;       /**< of the timer that keeps a waiting session */
    int is_brisk;           /**< the client answers at once */
    apr_time_t parked_at;   /**< when the MPM got it */
    int is_parked;          /**< with the MPM, at its socket */
    int is_swapped; /**< the MPM watches the waker in place of the socket */
    apr_os_sock_t socket; /**< the real one, while it is swapped */
    mod_qp_conn *next, *prev;
};

/* mod_qp_conf.c */
void *mod_qp_conf_create(apr_pool_t *pool, server_rec *s);
void *mod_qp_conf_merge(apr_pool_t *pool, void *base, void *over);
extern const command_rec mod_qp_directives[];
mod_qp_conf *mod_qp_conf_of(const server_rec *s);
/** Hook check_config: loads everything, for apachectl -t as for a start. */
int mod_qp_conf_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                      server_rec *s);
/** Hook post_config: opens caches, looks at the listeners. */
int mod_qp_conf_post(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                     server_rec *s);

/* mod_qp_io.c */
void mod_qp_io_init(mod_qp_io *io, conn_rec *c, int can_park);
/** From here on mod_ssl is between the session and the socket.
 *  @param ssl  its SSL, or NULL if that is not known */
void mod_qp_io_secure(mod_qp_io *io, struct ssl_st *ssl);
/** Makes unread input survive until the connection is taken up again, and lets
 *  go of the memory of what was read. */
void mod_qp_io_hold(mod_qp_io *io);
/** Blocks until there is input, or its end. @return APR_TIMEUP or success */
apr_status_t mod_qp_io_wait_input(mod_qp_io *io) QP_CHECKED;
/** Blocks until the socket has something to read, or its end, or it is
 *  @a until (qp_now()). @return APR_TIMEUP or success */
apr_status_t mod_qp_io_wait_octet(mod_qp_io *io, apr_time_t until) QP_CHECKED;
/** Blocks until the output is out. */
apr_status_t mod_qp_io_wait_output(mod_qp_io *io) QP_CHECKED;

/* mod_qp_brief.c */
/** Waits a moment for a client that answers at once. @return whether it has */
int mod_qp_brief_wait(mod_qp_conn *m);
/** The MPM takes the session, and gives it back. */
void mod_qp_brief_park(mod_qp_conn *m);
void mod_qp_brief_resume(mod_qp_conn *m);

/* mod_qp_tls.c */
/** What TLS the virtual host is to have, by QpsmtpdTLS and mod_ssl's own
 *  directives; into conf->tls. @return NULL, or what is wrong */
const char *mod_qp_tls_check(server_rec *s, mod_qp_conf *conf,
                             apr_pool_t *pool);
/** Whether mod_ssl is on for a virtual host. */
int mod_qp_tls_engine(const server_rec *s, apr_pool_t *pool);
/** Hook post_config: makes the shadow. */
void mod_qp_tls_prepare(server_rec *s, mod_qp_conf *conf, apr_pool_t *pconf);
/** Hooks pre_connection around mod_ssl's: it takes its hands off. */
int mod_qp_tls_hold(conn_rec *c, void *socket);
int mod_qp_tls_release(conn_rec *c, void *socket);
/** Registers for mod_ssl's own hooks; called when hooks are registered. */
void mod_qp_tls_register(void);
/** What the session may use. */
void mod_qp_tls_equip(mod_qp_conn *m, const mod_qp_conf *conf);
/** Starts a handshake, or goes on with it. With success the session knows.
 *  @return APR_EAGAIN: the client is to send more; or an error */
apr_status_t mod_qp_tls_shake(mod_qp_conn *m) QP_CHECKED;
/** Hook protocol_get. */
const char *mod_qp_tls_protocol(const conn_rec *c);

/* mod_qp_log.c */
extern const qp_log_sink mod_qp_log_conn;   /**< ctx: conn_rec */
extern const qp_log_sink mod_qp_log_server; /**< ctx: server_rec */

/* mod_qp_proxy.c */
/** Whether the connection must begin with a PROXY header. */
int mod_qp_proxy_expects(const conn_rec *c, const mod_qp_conf *conf);
/** Reads on in it. @return APR_SUCCESS: c says who the client is; APR_EAGAIN;
 *  or an error: there is none, or not in time */
apr_status_t mod_qp_proxy_read(mod_qp_conn *m) QP_CHECKED;

/* mod_qp_child.c */
/** Hooks child_init and child_stopping. */
void mod_qp_child_init(apr_pool_t *pchild, server_rec *s);
void mod_qp_child_stopping(apr_pool_t *pchild, int graceful);
/** Adds a session to those of the child, until its pool goes. */
void mod_qp_child_add(mod_qp_conn *m);
int mod_qp_child_is_stopping(const mod_qp_child *child);

/* mod_qp_park.c */
/** Takes a connection on: makes its session. */
mod_qp_conn *mod_qp_park_begin(conn_rec *c, mod_qp_conf *conf);
/** Runs the session until it ends or the MPM is to take it. @return OK */
int mod_qp_park_run(mod_qp_conn *m);
/** Hooks suspend_connection, resume_connection, pre_close_connection. */
void mod_qp_park_suspend(conn_rec *c, request_rec *r);
void mod_qp_park_resume(conn_rec *c, request_rec *r);
int mod_qp_park_close(conn_rec *c);
mod_qp_conn *mod_qp_park_of(const conn_rec *c);

#endif /* MOD_QP_H */
