/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver: one thread, which sends the questions of all sessions through
 * c-ares and completes their handles. It lives as long as the pool of the
 * process. Channels of c-ares belong to the thread alone; one carries a number
 * of questions and is replaced, so that the port they are sent from changes and
 * a new resolv.conf is seen. What an answer means is not known here. */

#include "wire/qp_resolver.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <ares.h>

#include "wire/qp_dns_cache.h"

/* Queries of a process; beyond that the answer is FAILED at once. */
#define MAX_QUERIES   10000
#define MAX_LANES     64
/* Queries of one channel, whose ids have 16 bits. */
#define LANE_QUERIES  200
#define LANE_AGE      apr_time_from_sec(30)
/* Answers beyond that come by TCP; fits into a packet of IPv6 (RFC 9715 3). */
#define UDP_SIZE      1232
#define MAX_EVENTS    32
/* Aliases whose target is asked for in turn. */
#define MAX_HOPS      8
#define CLASS_IN      1
#define EVENT_OF_LOOP UINT64_MAX

struct qp_dns_lane {
    qp_resolver *resolver;
    ares_channel channel; /* NULL: free */
    char *servers;        /* or NULL */
    apr_interval_time_t timeout;
    int tries;
    int nqueries; /* under way */
    int nused;    /* all that it has had */
    apr_time_t born;
};

typedef struct qp_dns_lane dns_lane;

struct qp_resolver {
    pthread_mutex_t mutex;
    qp_dns *first; /* questions that the thread has not taken */
    qp_dns **end;
    int nqueries; /* of both lists */
    int stopping;
    int is_running;
    pthread_t thread;
    int event_fd; /* written to for new questions and to stop; or -1 */
    qp_dns_cache *cache;
    /* The thread's own. */
    int epoll_fd; /* or -1 */
    qp_dns *active;
    apr_time_t next_deadline; /* of the active ones; or earlier */
    dns_lane lanes[MAX_LANES];
};

/* The active ones; the thread's. ------------------------------------------ */

static void add_active(qp_resolver *resolver, qp_dns *dns)
{
    dns->next = resolver->active;
    dns->link = &resolver->active;
    if (dns->next != NULL) {
        dns->next->link = &dns->next;
    }
    resolver->active = dns;
    if (dns->deadline < resolver->next_deadline) {
        resolver->next_deadline = dns->deadline;
    }
}

/* Nobody knows it any more but the session. */
static void drop_active(qp_resolver *resolver, qp_dns *dns)
{
    *dns->link = dns->next;
    if (dns->next != NULL) {
        dns->next->link = dns->link;
    }
    pthread_mutex_lock(&resolver->mutex);
    resolver->nqueries--;
    pthread_mutex_unlock(&resolver->mutex);
    qp_dns_query_unref(dns);
}

/* Those whose time is up; c-ares goes on with them for a while. */
static void expire_queries(qp_resolver *resolver, apr_time_t now)
{
    qp_dns *dns;

    if (now < resolver->next_deadline) {
        return;
    }
    resolver->next_deadline = INT64_MAX;
    for (dns = resolver->active; dns != NULL; dns = dns->next) {
        if (dns->is_over) {
            continue;
        }
        if (dns->deadline <= now) {
            qp_dns_query_finish(dns, qp_dns_data_create(QP_DNS_TIMEOUT));
        }
        else if (dns->deadline < resolver->next_deadline) {
            resolver->next_deadline = dns->deadline;
        }
    }
}

/* Lanes; the thread's. ---------------------------------------------------- */

static void watch_socket(void *data, ares_socket_t fd, int readable,
                         int writable)
{
    dns_lane *lane = data;
    qp_resolver *resolver = lane->resolver;
    struct epoll_event event;

    memset(&event, 0, sizeof(event));
    event.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
    event.data.u64 =
        (uint64_t)(lane - resolver->lanes) << 32 | (uint32_t)(int)fd;
    if (event.events == 0) {
        epoll_ctl(resolver->epoll_fd, EPOLL_CTL_DEL, fd, &event);
    }
    else if (epoll_ctl(resolver->epoll_fd, EPOLL_CTL_MOD, fd, &event) != 0) {
        epoll_ctl(resolver->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

/* The time of the first try, so that all tries of one server end with the
 * time-out: each takes twice as long as the one before. */
static int first_try(const qp_dns *dns)
{
    apr_interval_time_t part = dns->timeout / ((1 << dns->tries) - 1);
    apr_int64_t ms = apr_time_as_msec(part);

    return ms < 10 ? 10 : ms > INT_MAX ? INT_MAX : (int)ms;
}

static int open_lane(dns_lane *lane, const qp_dns *dns)
{
    char only_dns[] = "b";
    struct ares_options options;

    memset(&options, 0, sizeof(options));
    options.flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
    options.ednspsz = UDP_SIZE;
    options.timeout = first_try(dns);
    options.tries = dns->tries;
    options.lookups = only_dns;
    options.sock_state_cb = watch_socket;
    options.sock_state_cb_data = lane;
    if (ares_init_options(&lane->channel, &options,
                          ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS
                              | ARES_OPT_TRIES | ARES_OPT_LOOKUPS
                              | ARES_OPT_SOCK_STATE_CB | ARES_OPT_DOMAINS)
        != ARES_SUCCESS) {
        lane->channel = NULL;
        return 0;
    }
    if (dns->servers != NULL
        && ares_set_servers_ports_csv(lane->channel, dns->servers)
               != ARES_SUCCESS) {
        ares_destroy(lane->channel);
        lane->channel = NULL;
        return 0;
    }
    lane->servers = dns->servers != NULL ? strdup(dns->servers) : NULL;
    lane->timeout = dns->timeout;
    lane->tries = dns->tries;
    lane->nqueries = lane->nused = 0;
    lane->born = qp_now();
    return 1;
}

static void close_lane(dns_lane *lane)
{
    ares_destroy(lane->channel);
    lane->channel = NULL;
    free(lane->servers);
    lane->servers = NULL;
}

static int is_worn(const dns_lane *lane, apr_time_t now)
{
    return lane->nused >= LANE_QUERIES || now - lane->born > LANE_AGE;
}

static int is_lane_for(const dns_lane *lane, const qp_dns *dns, apr_time_t now)
{
    if (lane->channel == NULL || is_worn(lane, now)
        || lane->timeout != dns->timeout || lane->tries != dns->tries) {
        return 0;
    }
    return lane->servers == NULL || dns->servers == NULL
               ? lane->servers == dns->servers
               : strcmp(lane->servers, dns->servers) == 0;
}

/* @return NULL: all are in use, or none can be opened */
static dns_lane *find_lane(qp_resolver *resolver, const qp_dns *dns,
                           apr_time_t now)
{
    dns_lane *free_lane = NULL;
    dns_lane *l;
    int i;

    for (i = 0; i < MAX_LANES; i++) {
        l = &resolver->lanes[i];
        if (is_lane_for(l, dns, now)) {
            return l;
        }
        if (l->channel == NULL && free_lane == NULL) {
            free_lane = l;
        }
    }
    return free_lane != NULL && open_lane(free_lane, dns) ? free_lane : NULL;
}

/* Questions and answers; the thread's. ------------------------------------ */

static void take_answer(void *arg, int status, int timeouts, unsigned char *msg,
                        int len);

static void send_query(qp_dns *dns)
{
    dns->lane->nqueries++;
    dns->lane->nused++;
    ares_query(dns->lane->channel, dns->asked, CLASS_IN, (int)dns->type,
               take_answer, dns);
}

static qp_dns_data *read_answer(qp_dns *dns, int status,
                                const unsigned char *msg, int len, char *next)
{
    switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
        if (msg != NULL && len > 0) {
            return qp_dns_parse(msg, (apr_size_t)len, dns->asked, dns->type,
                                next);
        }
        return qp_dns_data_create(QP_DNS_FAILED);
    case ARES_ETIMEOUT:
        return qp_dns_data_create(QP_DNS_TIMEOUT);
    default:
        return qp_dns_data_create(QP_DNS_FAILED);
    }
}

static void take_answer(void *arg, int status, int timeouts QP_UNUSED,
                        unsigned char *msg, int len)
{
    qp_dns *dns = arg;
    qp_resolver *resolver = dns->resolver;
    char next[QP_DNS_NAME_MAX + 1] = "";
    qp_dns_data *data;

    dns->lane->nqueries--;
    if (dns->is_over) {
        drop_active(resolver, dns);
        return;
    }
    data = read_answer(dns, status, msg, len, next);
    if (next[0] != '\0' && dns->nhops++ < MAX_HOPS) {
        qp_dns_data_unref(data);
        memcpy(dns->asked, next, sizeof(dns->asked));
        send_query(dns);
        return;
    }
    if (dns->nhops == 0) {
        qp_dns_cache_put(resolver->cache, dns->type, dns->name, dns->servers,
                         data);
    }
    qp_dns_query_finish(dns, data);
    drop_active(resolver, dns);
}

static void start_query(qp_resolver *resolver, qp_dns *dns, apr_time_t now)
{
    add_active(resolver, dns);
    dns->lane =
        qp_wait_cancelled(dns->wait) ? NULL : find_lane(resolver, dns, now);
    if (dns->lane == NULL) {
        qp_dns_query_finish(dns, qp_dns_data_create(QP_DNS_FAILED));
        drop_active(resolver, dns);
        return;
    }
    send_query(dns);
}

/* @return whether to go on */
static int take_questions(qp_resolver *resolver)
{
    apr_time_t now = qp_now();
    uint64_t count;
    qp_dns *list;
    qp_dns *dns;
    int stopping;

    if (read(resolver->event_fd, &count, sizeof(count)) < 0) {
        count = 0; /* woken by an answer */
    }
    pthread_mutex_lock(&resolver->mutex);
    stopping = resolver->stopping;
    list = stopping ? NULL : resolver->first;
    if (list != NULL) {
        resolver->first = NULL;
        resolver->end = &resolver->first;
    }
    pthread_mutex_unlock(&resolver->mutex);
    while (list != NULL) {
        dns = list;
        list = dns->next;
        start_query(resolver, dns, now);
    }
    return !stopping;
}

/* The loop. --------------------------------------------------------------- */

/* Milliseconds until something is due; -1: nothing is. */
static int find_delay(qp_resolver *resolver)
{
    apr_time_t now = qp_now();
    apr_time_t due = resolver->next_deadline;
    struct timeval tv;
    dns_lane *l;
    int i;

    for (i = 0; i < MAX_LANES; i++) {
        l = &resolver->lanes[i];
        if (l->channel != NULL && l->nqueries > 0
            && ares_timeout(l->channel, NULL, &tv) != NULL
            && now + apr_time_from_sec(tv.tv_sec) + tv.tv_usec < due) {
            due = now + apr_time_from_sec(tv.tv_sec) + tv.tv_usec;
        }
    }
    if (due == INT64_MAX) {
        return -1;
    }
    return due <= now ? 0 : (int)apr_time_as_msec(due - now) + 1;
}

static void handle_event(qp_resolver *resolver, const struct epoll_event *event)
{
    const dns_lane *l;
    ares_socket_t fd;

    if (event->data.u64 == EVENT_OF_LOOP) {
        return;
    }
    l = &resolver->lanes[event->data.u64 >> 32];
    fd = (ares_socket_t)(uint32_t)event->data.u64;
    if (l->channel != NULL) {
        ares_process_fd(l->channel,
                        event->events & ~(uint32_t)EPOLLOUT ? fd
                                                            : ARES_SOCKET_BAD,
                        event->events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
    }
}

/* What is late by now; and channels that have done their part. */
static void tend_lanes(qp_resolver *resolver, apr_time_t now)
{
    dns_lane *l;
    int i;

    for (i = 0; i < MAX_LANES; i++) {
        l = &resolver->lanes[i];
        if (l->channel != NULL && l->nqueries > 0) {
            ares_process_fd(l->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        }
        if (l->channel != NULL && l->nqueries == 0 && is_worn(l, now)) {
            close_lane(l);
        }
    }
}

static void *run_resolver(void *data)
{
    qp_resolver *resolver = data;
    struct epoll_event events[MAX_EVENTS];
    apr_time_t now;
    int n;
    int i;

    while (take_questions(resolver)) {
        n = epoll_wait(resolver->epoll_fd, events, MAX_EVENTS,
                       find_delay(resolver));
        for (i = 0; i < n; i++) {
            handle_event(resolver, &events[i]);
        }
        now = qp_now();
        tend_lanes(resolver, now);
        expire_queries(resolver, now);
    }
    return NULL;
}

/* Start and stop. --------------------------------------------------------- */

static int open_descriptors(qp_resolver *resolver)
{
    struct epoll_event event;

    memset(&event, 0, sizeof(event));
    event.events = EPOLLIN;
    event.data.u64 = EVENT_OF_LOOP;
    resolver->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    resolver->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return resolver->event_fd >= 0 && resolver->epoll_fd >= 0
           && epoll_ctl(resolver->epoll_fd, EPOLL_CTL_ADD, resolver->event_fd,
                        &event)
                  == 0;
}

static void close_descriptors(qp_resolver *resolver)
{
    if (resolver->event_fd >= 0) {
        close(resolver->event_fd);
    }
    if (resolver->epoll_fd >= 0) {
        close(resolver->epoll_fd);
    }
    resolver->event_fd = resolver->epoll_fd = -1;
}

/* Called with the mutex held. Signals are for the server's own threads.
 * @return whether there is a thread */
static int start_thread(qp_resolver *resolver)
{
    sigset_t all;
    sigset_t before;
    int rv;

    if (resolver->is_running) {
        return 1;
    }
    if (!open_descriptors(resolver)) {
        close_descriptors(resolver);
        return 0;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rv = pthread_create(&resolver->thread, NULL, run_resolver, resolver);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rv != 0) {
        close_descriptors(resolver);
    }
    resolver->is_running = rv == 0;
    return rv == 0;
}

static void wake_thread(qp_resolver *resolver)
{
    uint64_t one = 1;

    if (write(resolver->event_fd, &one, sizeof(one)) < 0) {
        return; /* it is full: the thread has been woken */
    }
}

/* What the thread has left; it has ended. Answers come out of ares_destroy as
 * failures. */
static void give_up(qp_resolver *resolver)
{
    qp_dns *dns;
    int i;

    for (i = 0; i < MAX_LANES; i++) {
        if (resolver->lanes[i].channel != NULL) {
            close_lane(&resolver->lanes[i]);
        }
    }
    while ((dns = resolver->first) != NULL) {
        resolver->first = dns->next;
        qp_dns_query_finish(dns, qp_dns_data_create(QP_DNS_FAILED));
        qp_dns_query_unref(dns);
    }
}

static apr_status_t stop_resolver(void *data)
{
    qp_resolver *resolver = data;

    pthread_mutex_lock(&resolver->mutex);
    resolver->stopping = 1;
    if (resolver->is_running) {
        wake_thread(resolver);
    }
    pthread_mutex_unlock(&resolver->mutex);
    if (resolver->is_running) {
        pthread_join(resolver->thread, NULL);
    }
    give_up(resolver);
    close_descriptors(resolver);
    pthread_mutex_destroy(&resolver->mutex);
    return APR_SUCCESS;
}

apr_status_t qp_resolver_create(qp_resolver **out, apr_pool_t *pool)
{
    qp_resolver *resolver = apr_pcalloc(pool, sizeof(*resolver));
    int i;

    resolver->end = &resolver->first;
    resolver->event_fd = resolver->epoll_fd = -1;
    resolver->next_deadline = INT64_MAX;
    for (i = 0; i < MAX_LANES; i++) {
        resolver->lanes[i].resolver = resolver;
    }
    pthread_mutex_init(&resolver->mutex, NULL);
    resolver->cache = qp_dns_cache_create(pool);
    apr_pool_pre_cleanup_register(pool, resolver, stop_resolver);
    *out = resolver;
    return APR_SUCCESS;
}

/* Asking. ----------------------------------------------------------------- */

qp_dns *qp_resolver_know(qp_resolver *resolver, const qp_dns_question *question,
                         apr_pool_t *pool)
{
    char name[QP_DNS_NAME_MAX + 1];
    qp_dns_data *data;

    if (!qp_dns_normalize(name, question->name)) {
        return qp_dns_query_known(question, qp_dns_data_create(QP_DNS_BADNAME),
                                  pool);
    }
    if (resolver == NULL) {
        return qp_dns_query_known(question, qp_dns_data_create(QP_DNS_FAILED),
                                  pool);
    }
    data = qp_dns_cache_get(resolver->cache, question->type, name,
                            question->servers);
    return data != NULL ? qp_dns_query_known(question, data, pool) : NULL;
}

/* Called with the mutex held. @return whether it will be asked */
static int queue_query(qp_resolver *resolver, qp_dns *dns)
{
    if (resolver->stopping || resolver->nqueries >= MAX_QUERIES
        || !start_thread(resolver)) {
        return 0;
    }
    resolver->nqueries++;
    *resolver->end = dns;
    resolver->end = &dns->next;
    return 1;
}

qp_dns *qp_resolver_ask(qp_resolver *resolver, const qp_dns_question *question,
                        qp_waker *waker, apr_pool_t *pool)
{
    qp_dns *dns = qp_dns_query_make(question, pool);
    int is_queued;

    dns->resolver = resolver;
    dns->refs = 2;
    dns->deadline = qp_now() + question->timeout;
    /* Made last: when the pool goes, it is cancelled first. */
    dns->wait = qp_wait_create(waker, pool);
    pthread_mutex_lock(&resolver->mutex);
    is_queued = queue_query(resolver, dns);
    if (is_queued) {
        wake_thread(resolver);
    }
    pthread_mutex_unlock(&resolver->mutex);
    if (!is_queued) {
        qp_dns_query_finish(dns, qp_dns_data_create(QP_DNS_FAILED));
        qp_dns_query_unref(dns);
    }
    return dns;
}
