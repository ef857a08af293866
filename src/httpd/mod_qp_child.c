/* SPDX-License-Identifier: Apache-2.0 */
/* A child process: what its sessions share, and how it stops. Everything lives
 * in pchild. Which session waits for what is mod_qp_park's business. */

#include "httpd/mod_qp.h"
#include "httpd/mod_qp_cache.h"
#include "httpd/mod_qp_count.h"

#include <apr_allocator.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <apr_portable.h>

#include "plugin/qp_temp.h"

APLOG_USE_MODULE(qpsmtpd);

/* Octets that are kept for the next command, in a child, and not given back to
 * the system. */
#define MAX_FREE        (4 * 1024 * 1024)

/* Jobs that run at a time in a child; half of them of one kind. They wait for
 * others most of the time. */
#define MAX_JOB_THREADS 64

/* Without its caches and timers a child cannot serve anybody. */
static void give_up(server_rec *s, apr_status_t rv)
{
    ap_log_error(APLOG_MARK, APLOG_EMERG, rv, s,
                 "QP9101: child process cannot be set up for SMTP");
    exit(APEXIT_CHILDFATAL);
}

static void sweep_spool(server_rec *s, qp_server *server)
{
    qp_settings *settings = qp_settings_get(server->settings);
    int removed = qp_spool_sweep(settings->spool_dir)
                  + qp_temp_sweep(settings->spool_dir);

    if (removed > 0) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "QP9102: removed %d file(s) of dead sessions from "
                     "%s",
                     removed, settings->spool_dir);
    }
    qp_settings_release(settings);
}

/* The memory of commands and messages comes and goes all the time, on any
 * thread. It must not go with pchild: sessions may go later. */
static apr_status_t make_allocator(mod_qp_child *child, apr_pool_t *process)
{
    apr_thread_mutex_t *mutex;
    apr_status_t rv;

    rv = apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT, process);
    if (rv == APR_SUCCESS) {
        rv = apr_allocator_create(&child->allocator);
    }
    if (rv == APR_SUCCESS) {
        apr_allocator_mutex_set(child->allocator, mutex);
        apr_allocator_max_free_set(child->allocator, MAX_FREE);
    }
    return rv;
}

static mod_qp_child *make_child(apr_pool_t *pchild, server_rec *s)
{
    mod_qp_child *child = apr_pcalloc(pchild, sizeof(*child));
    apr_status_t rv;

    rv = apr_thread_mutex_create(&child->mutex, APR_THREAD_MUTEX_DEFAULT,
                                 pchild);
    if (rv == APR_SUCCESS) {
        rv = make_allocator(child, s->process->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = qp_timers_create(&child->timers, pchild);
    }
    if (rv == APR_SUCCESS) {
        rv = qp_jobs_create(&child->jobs, MAX_JOB_THREADS, pchild);
    }
    if (rv == APR_SUCCESS) {
        rv = qp_resolver_create(&child->resolver, pchild);
    }
    if (rv != APR_SUCCESS) {
        give_up(s, rv);
    }
    child->count = mod_qp_count_get(s);
    if (child->count != NULL) {
        child->region = mod_qp_count_claim(child->count);
    }
    if (child->region < 0) {
        child->count = NULL; /* more processes than httpd has slots for */
    }
    if (ap_mpm_query(AP_MPMQ_CAN_WAITIO, &child->can_park) != APR_SUCCESS) {
        child->can_park = 0;
    }
    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &child->max_brief) != APR_SUCCESS) {
        child->max_brief = 0;
    }
    child->max_brief -= (child->max_brief + 4) / 5;
    return child;
}

/* Before anything else of the process goes: from now on sessions end without
 * hooks, for what hooks use is going too. prefork does all this in a signal
 * handler. */
static apr_status_t mark_gone(void *data)
{
    mod_qp_child *child = data;

    child->is_gone = 1;
    return APR_SUCCESS;
}

void mod_qp_child_init(apr_pool_t *pchild, server_rec *s)
{
    mod_qp_child *child = NULL;
    mod_qp_conf *conf;
    apr_status_t rv = mod_qp_cache_child_init(s, pchild);

    if (rv != APR_SUCCESS) {
        give_up(s, rv);
    }
    for (; s != NULL; s = s->next) {
        conf = mod_qp_conf_of(s);
        if (conf->server == NULL) {
            continue;
        }
        if (child == NULL) {
            child = make_child(pchild, s);
        }
        conf->child = child;
        rv = qp_server_child_init(conf->server, pchild);
        if (rv != APR_SUCCESS) {
            give_up(s, rv);
        }
        sweep_spool(s, conf->server);
    }
    if (child != NULL) {
        apr_pool_pre_cleanup_register(pchild, child, mark_gone);
    }
}

/* Sends nothing; but the MPM finds the connection readable and gives it to a
 * worker, which sees that the child is stopping. */
static void wake_parked(mod_qp_conn *m)
{
    apr_os_sock_t fd;

    if (m->is_parked
        && apr_os_sock_get(&fd, ap_get_conn_socket(m->c)) == APR_SUCCESS) {
        shutdown(fd, SHUT_RD);
        m->io.was_shut = 1;
    }
}

void mod_qp_child_stopping(apr_pool_t *pchild QP_UNUSED, int graceful)
{
    const server_rec *s;
    mod_qp_child *child = NULL;
    mod_qp_conn *m;

    for (s = ap_server_conf; s != NULL && child == NULL; s = s->next) {
        child = mod_qp_conf_of(s)->child;
    }
    if (child == NULL) {
        return;
    }
    __atomic_store_n(&child->stopping, graceful ? 1 : 2, __ATOMIC_RELEASE);
    if (!graceful) {
        return; /* httpd closes the sockets */
    }
    apr_thread_mutex_lock(child->mutex);
    for (m = child->sessions; m != NULL; m = m->next) {
        wake_parked(m);
    }
    apr_thread_mutex_unlock(child->mutex);
}

/* prefork tells only its own state: its children run no hook until they end. */
int mod_qp_child_is_stopping(const mod_qp_child *child)
{
    int state = AP_MPMQ_RUNNING;

    if (__atomic_load_n(&child->stopping, __ATOMIC_ACQUIRE) == 1) {
        return 1;
    }
    return !child->can_park
           && ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS
           && state == AP_MPMQ_STOPPING;
}

static apr_status_t remove_session(void *data)
{
    mod_qp_conn *m = data;

    if (m->child->is_gone) {
        return APR_SUCCESS;
    }
    apr_thread_mutex_lock(m->child->mutex);
    if (m->child->count != NULL) {
        mod_qp_count_leave(m->child->count, m->child->region,
                           m->carrier.rate_key);
    }
    if (m->prev != NULL) {
        m->prev->next = m->next;
    }
    else {
        m->child->sessions = m->next;
    }
    if (m->next != NULL) {
        m->next->prev = m->prev;
    }
    apr_thread_mutex_unlock(m->child->mutex);
    return APR_SUCCESS;
}

void mod_qp_child_add(mod_qp_conn *m)
{
    mod_qp_child *child = m->child;

    apr_thread_mutex_lock(child->mutex);
    m->next = child->sessions;
    if (m->next != NULL) {
        m->next->prev = m;
    }
    child->sessions = m;
    if (child->count != NULL) {
        mod_qp_count_enter(child->count, child->region, m->carrier.rate_key);
    }
    apr_thread_mutex_unlock(child->mutex);
    apr_pool_cleanup_register(m->c->pool, m, remove_session,
                              apr_pool_cleanup_null);
}
