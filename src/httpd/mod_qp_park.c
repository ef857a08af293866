/* SPDX-License-Identifier: Apache-2.0 */
/* Carries a session on a connection: runs it, and hands it to the MPM while it
 * waits. On event a waiting session holds no thread; on worker and prefork the
 * thread waits in place. The session lives in the connection's pool. After a
 * session is handed over it must not be touched: another worker may have it. */

#include "httpd/mod_qp.h"
#include "httpd/mod_qp_count.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_portable.h>
#include <http_protocol.h>
#include <scoreboard.h>

#include "wire/qp_proxy.h"

APLOG_USE_MODULE(qpsmtpd);

/* Without a descriptor for the waker the thread looks again after this. */
#define NAP       apr_time_from_msec(20)
/* How often, in milliseconds, one that waits for a plugin in place looks
 * whether the process is told to end: it waits for its threads. */
#define LOOK_STOP 250

/* Wakes the session by an eventfd. Counted, from malloc. */
typedef struct mod_qp_waker {
    qp_waker base; /* first */
    int fd;
} mod_qp_waker;

static void wake_session(qp_waker *base)
{
    mod_qp_waker *waker = (mod_qp_waker *)base;
    uint64_t one = 1;

    if (waker->fd >= 0 && write(waker->fd, &one, sizeof(one)) < 0) {
        return; /* it is full: the session has been woken */
    }
}

static void destroy_waker(qp_waker *base)
{
    mod_qp_waker *waker = (mod_qp_waker *)base;

    if (waker->fd >= 0) {
        close(waker->fd);
    }
    free(waker);
}

static void watch(int set, int fd, uint32_t events)
{
    struct epoll_event event;

    memset(&event, 0, sizeof(event));
    event.events = events;
    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0) {
        return; /* without it the plugin's deadline wakes the session */
    }
}

/* The waker and the client in one descriptor, for the MPM to watch. */
static apr_status_t make_both(mod_qp_conn *m)
{
    apr_os_sock_t fd;

    m->both = epoll_create1(EPOLL_CLOEXEC);
    if (m->both < 0) {
        return errno;
    }
    watch(m->both, m->waker->fd, EPOLLIN);
    if (apr_os_sock_get(&fd, ap_get_conn_socket(m->c)) == APR_SUCCESS) {
        watch(m->both, fd, EPOLLIN | EPOLLRDHUP);
    }
    return APR_SUCCESS;
}

static apr_status_t close_both(void *data)
{
    mod_qp_conn *m = data;

    if (m->both >= 0) {
        close(m->both);
    }
    return APR_SUCCESS;
}

static qp_waker *make_waker(void *ctx)
{
    mod_qp_conn *m = ctx;
    mod_qp_waker *waker = malloc(sizeof(*waker));

    if (waker == NULL) {
        abort();
    }
    waker->base.wake = wake_session;
    waker->base.destroy = destroy_waker;
    waker->base.refs = 1;
    waker->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    m->waker = waker;
    if (waker->fd >= 0 && make_both(m) == APR_SUCCESS) {
        apr_pool_cleanup_register(m->c->pool, m, close_both,
                                  apr_pool_cleanup_null);
    }
    return &waker->base;
}

static int is_gone(void *ctx)
{
    const mod_qp_conn *m = ctx;

    return m->child->is_gone;
}

mod_qp_conn *mod_qp_park_of(const conn_rec *c)
{
    return ap_get_module_config(c->conn_config, &qpsmtpd_module);
}

/* event takes the Timeout of parked connections from the main server; only its
 * own post_read_request hook makes it look at the virtual host's. */
static void use_vhost_timeout(conn_rec *c)
{
    const apr_array_header_t *hooks = ap_hook_get_post_read_request();
    const ap_LINK_post_read_request_t *link;
    request_rec r;
    int i;

    if (hooks == NULL || c->base_server->timeout == ap_server_conf->timeout) {
        return;
    }
    memset(&r, 0, sizeof(r));
    r.connection = c;
    r.server = c->base_server;
    r.pool = c->pool;
    link = (const ap_LINK_post_read_request_t *)hooks->elts;
    for (i = 0; i < hooks->nelts; i++) {
        if (link[i].szName != NULL && strcmp(link[i].szName, "event.c") == 0) {
            link[i].pFunc(&r);
        }
    }
}

static qp_peers describe_peers(const mod_qp_conn *m)
{
    qp_peers peers;
    const mod_qp_count *count = m->child->count;
    const conn_rec *c = m->c;

    memset(&peers, 0, sizeof(peers));
    peers.remote_ip = c->client_ip;
    peers.remote_port = c->client_addr->port;
    peers.local_ip = c->local_ip;
    peers.local_port = c->local_addr->port;
    peers.remote_host = c->remote_host; /* NULL as long as nobody asked */
    if (count != NULL) {
        peers.conns_of_ip =
            mod_qp_count_sum(count, m->carrier.rate_key, &peers.conns_of_all);
    }
    return peers;
}

/* Now it is known who the client is. */
static void begin_session(mod_qp_conn *m)
{
    mod_qp_conf *conf = mod_qp_conf_of(m->c->base_server);
    qp_peers peers;

    m->proxy = NULL;
    if (m->child->count != NULL) {
        m->carrier.rates = mod_qp_count_rates(m->child->count);
        m->carrier.rate_key =
            mod_qp_count_key(m->child->count, m->c->client_ip);
    }
    mod_qp_child_add(m);
    peers = describe_peers(m);
    m->qp = qp_engine_begin(conf->server, &m->carrier, &peers, m->c->pool);
}

mod_qp_conn *mod_qp_park_begin(conn_rec *c, mod_qp_conf *conf)
{
    mod_qp_conn *m = apr_pcalloc(c->pool, sizeof(*m));
    int can_park = conf->child->can_park && c->cs != NULL;

    m->c = c;
    m->child = conf->child;
    m->both = -1;
    m->is_brisk = 1;
    mod_qp_io_init(&m->io, c, can_park);
    m->carrier.io = &m->io.base;
    m->carrier.log_sink = &mod_qp_log_conn;
    m->carrier.log_ctx = c;
    m->carrier.make_waker = make_waker;
    m->carrier.waker_ctx = m;
    m->carrier.is_gone = is_gone;
    m->carrier.timers = conf->child->timers;
    m->carrier.jobs = conf->child->jobs;
    m->carrier.allocator = conf->child->allocator;
    mod_qp_tls_equip(m, conf);
    m->carrier.resolver = conf->child->resolver;
    m->carrier.httpd = c;
    ap_set_module_config(c->conn_config, &qpsmtpd_module, m);
    if (can_park) {
        use_vhost_timeout(c);
    }
    if (mod_qp_proxy_expects(c, conf)) {
        m->proxy = apr_pcalloc(c->pool, sizeof(*m->proxy));
        m->until = qp_now() + c->base_server->timeout;
    }
    else {
        begin_session(m);
    }
    return m;
}

static int finish(mod_qp_conn *m)
{
    m->wait = MOD_QP_RUNS;
    m->c->keepalive = AP_CONN_CLOSE;
    if (m->c->cs != NULL) {
        m->c->cs->state = CONN_STATE_LINGER;
    }
    return OK;
}

/* The last that is done with a session before the MPM has it. */
static int hand_over(mod_qp_conn *m, mod_qp_wait wait, int sense)
{
    m->wait = wait;
    mod_qp_io_hold(&m->io);
    mod_qp_brief_park(m);
    m->c->cs->sense = sense;
    m->c->cs->state = CONN_STATE_ASYNC_WAITIO;
    return OK;
}

/* A session that waits for a plugin is governed by that plugin's timeout, not
 * by how long the client may be silent: it is taken back before the MPM would
 * end it, and handed over anew. */
static void keep_session(mod_qp_conn *m)
{
    apr_interval_time_t timeout = m->c->base_server->timeout;
    apr_interval_time_t plugin = qp_hook_timeout(m->qp);

    if (plugin > 0 && plugin + apr_time_from_sec(1) < timeout) {
        return;
    }
    if (m->keep == NULL) {
        apr_pool_create(&m->keep, m->c->pool);
        apr_pool_tag(m->keep, "keep");
    }
    QP_IGNORE(qp_timers_add(m->child->timers, timeout / 2,
                            qp_session_waker(m->qp), m->keep)
                  == NULL,
              "it is only there to wake the session");
}

static int hand_over_waiting(mod_qp_conn *m, mod_qp_wait wait)
{
    keep_session(m);
    return hand_over(m, wait, CONN_SENSE_WANT_READ);
}

static void drain_waker(const mod_qp_waker *waker)
{
    uint64_t count;

    if (read(waker->fd, &count, sizeof(count)) < 0) {
        return; /* something else woke us; the engine looks for itself */
    }
}

static int must_end(const mod_qp_conn *m)
{
    return __atomic_load_n(&m->child->stopping, __ATOMIC_ACQUIRE) == 2;
}

/* Waits in place: on an MPM that does not take connections back, or without a
 * descriptor. The deadline of the plugin ends it. */
static void wait_for_wake(mod_qp_conn *m, int fd)
{
    struct pollfd waiting = { fd, POLLIN, 0 };
    int n = 0;

    if (fd < 0) {
        apr_sleep(NAP);
    }
    while (fd >= 0 && n == 0 && !must_end(m)) {
        n = poll(&waiting, 1, LOOK_STOP);
        n = n < 0 && errno == EINTR ? 0 : n;
    }
    if (n > 0) {
        drain_waker(m->waker);
    }
    if (must_end(m)) {
        m->c->aborted = 1;
        qp_engine_end(m->qp, QP_END_EOF);
    }
}

/* From here on, or no more, the end of the process may wake the session. */
static void set_parked(mod_qp_conn *m, int is_parked)
{
    apr_thread_mutex_lock(m->child->mutex);
    m->is_parked = is_parked;
    if (is_parked && mod_qp_child_is_stopping(m->child)) {
        apr_os_sock_get(&m->socket, ap_get_conn_socket(m->c));
        shutdown(m->socket, SHUT_RD);
        m->io.was_shut = 1;
    }
    apr_thread_mutex_unlock(m->child->mutex);
}

/* The session ends if the client stays silent, or is gone. */
static void wait_for_input(mod_qp_conn *m)
{
    apr_status_t rv;

    if (qp_engine_is_idle(m->qp)) {
        set_parked(m, 1);
    }
    rv = mod_qp_io_wait_input(&m->io);
    if (m->is_parked) {
        set_parked(m, 0);
    }
    if (APR_STATUS_IS_TIMEUP(rv)) {
        qp_engine_end(m->qp, QP_END_TIMEOUT);
    }
}

static void wait_for_output(mod_qp_conn *m)
{
    if (mod_qp_io_wait_output(&m->io) != APR_SUCCESS) {
        qp_engine_end(m->qp, QP_END_EOF);
    }
}

/* A server that stops lets transactions finish, and nothing else begin. From a
 * session that was woken for it no more input comes. */
static int must_stop(mod_qp_conn *m)
{
    return m->io.was_shut
           || (mod_qp_child_is_stopping(m->child) && qp_engine_is_idle(m->qp));
}

/* A handshake that has failed leaves nothing that could be said or read. */
static void give_up_tls(mod_qp_conn *m)
{
    qp_engine_end(m->qp, QP_END_TLS);
    m->c->aborted = 1;
}

/* Whoever must begin with a PROXY header and does not, is not served: it would
 * be taken for the balancer. */
static int refuse_proxy(mod_qp_conn *m)
{
    ap_log_cerror(APLOG_MARK, APLOG_INFO, 0, m->c,
                  "QP9106: closed: no PROXY header, or a wrong one "
                  "(QpsmtpdProxy)");
    m->c->aborted = 1;
    return finish(m);
}

static int run_session(mod_qp_conn *m)
{
    int can_park = m->io.can_park;
    apr_status_t rv;

    for (;;) {
        switch (qp_engine_run(m->qp)) {
        case QP_WANT_CLOSE:
            return finish(m);
        case QP_WANT_INPUT:
            if (must_stop(m)) {
                qp_engine_end(m->qp, QP_END_STOPPING);
            }
            else if (!can_park) {
                wait_for_input(m);
            }
            else if (!mod_qp_brief_wait(m)) {
                return hand_over(m, MOD_QP_WAITS_CLIENT, CONN_SENSE_WANT_READ);
            }
            break;
        case QP_WANT_TLS:
            rv = mod_qp_tls_shake(m);
            if (APR_STATUS_IS_EAGAIN(rv) && can_park) {
                return hand_over(m, MOD_QP_WAITS_CLIENT, CONN_SENSE_WANT_READ);
            }
            if (APR_STATUS_IS_EAGAIN(rv)) {
                rv = mod_qp_io_wait_octet(&m->io, m->until);
            }
            if (rv != APR_SUCCESS) {
                give_up_tls(m);
            }
            break;
        case QP_WANT_OUTPUT:
            if (can_park) {
                return hand_over(m, MOD_QP_WAITS_CLIENT, CONN_SENSE_WANT_WRITE);
            }
            wait_for_output(m);
            break;
        case QP_WANT_WAKE:
            qp_session_waker(m->qp);
            if (can_park && m->waker->fd >= 0) {
                return hand_over_waiting(m, MOD_QP_WAITS_WAKE);
            }
            wait_for_wake(m, m->waker->fd);
            break;
        case QP_WANT_WAKE_OR_INPUT:
            qp_session_waker(m->qp);
            if (can_park && m->waker->fd >= 0) {
                return hand_over_waiting(m, m->both < 0 || m->io.was_shut
                                                ? MOD_QP_WAITS_WAKE
                                                : MOD_QP_WAITS_BOTH);
            }
            wait_for_wake(m, m->both);
            break;
        }
    }
}

int mod_qp_park_run(mod_qp_conn *m)
{
    apr_status_t rv;

    if (m->proxy != NULL) {
        rv = mod_qp_proxy_read(m);
        if (APR_STATUS_IS_EAGAIN(rv) && m->io.can_park) {
            return hand_over(m, MOD_QP_WAITS_CLIENT, CONN_SENSE_WANT_READ);
        }
        if (rv != APR_SUCCESS) {
            return refuse_proxy(m);
        }
        begin_session(m);
    }
    return run_session(m);
}

/* Hooks around the time that the MPM has the connection. ----------------- */

/* The MPM watches whatever descriptor the socket has: for the time being, one
 * that is readable when the session can go on. */
static void swap_socket(mod_qp_conn *m)
{
    apr_socket_t *socket = ap_get_conn_socket(m->c);

    if (apr_os_sock_get(&m->socket, socket) == APR_SUCCESS) {
        apr_os_sock_put(&socket,
                        m->wait == MOD_QP_WAITS_BOTH ? &m->both : &m->waker->fd,
                        m->c->pool);
        m->is_swapped = 1;
    }
}

void mod_qp_park_suspend(conn_rec *c, request_rec *r QP_UNUSED)
{
    mod_qp_conn *m = mod_qp_park_of(c);

    if (m == NULL || m->proxy != NULL
        || c->cs->state != CONN_STATE_ASYNC_WAITIO) {
        return;
    }
    switch (m->wait) {
    case MOD_QP_WAITS_WAKE:
    case MOD_QP_WAITS_BOTH:
        if (!m->is_swapped) {
            swap_socket(m);
        }
        break;
    case MOD_QP_WAITS_CLIENT:
        if (qp_engine_is_idle(m->qp) || m->is_shaking) {
            set_parked(m, 1);
        }
        break;
    case MOD_QP_RUNS:
        break;
    }
}

void mod_qp_park_resume(conn_rec *c, request_rec *r QP_UNUSED)
{
    mod_qp_conn *m = mod_qp_park_of(c);
    apr_socket_t *socket;

    if (m == NULL) {
        return;
    }
    if (m->is_swapped) {
        socket = ap_get_conn_socket(c);
        apr_os_sock_put(&socket, &m->socket, c->pool);
        m->is_swapped = 0;
        drain_waker(m->waker);
    }
    if (m->keep != NULL) {
        apr_pool_clear(m->keep);
    }
    if (m->is_parked) {
        set_parked(m, 0);
    }
    mod_qp_brief_resume(m);
    m->wait = MOD_QP_RUNS;
}

/* What a client does not read must not hold the worker that closes it: httpd's
 * own last flush would wait for it. */
static int is_stuck(mod_qp_conn *m)
{
    return m->io.can_park && m->io.base.unsent > 0
           && APR_STATUS_IS_EAGAIN(qp_io_flush(&m->io.base));
}

/* The end of every connection that is not torn down with its process. If the
 * session does not know yet, the MPM has closed it: its time is up. */
int mod_qp_park_close(conn_rec *c)
{
    mod_qp_conn *m = mod_qp_park_of(c);

    if (m == NULL) {
        return DECLINED;
    }
    if (m->qp == NULL) {
        c->aborted = 1; /* it never came to a session: nothing is said */
        return OK;
    }
    if (c->aborted || is_stuck(m)) {
        qp_engine_end(m->qp, QP_END_EOF);
    }
    else {
        qp_engine_end(m->qp, QP_END_TIMEOUT);
    }
    /* mod_ssl would finish a handshake before its last octet, and block. */
    if (m->is_shaking || is_stuck(m)) {
        c->aborted = 1;
    }
    return OK;
}
