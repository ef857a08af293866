/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_resolver against the name server of dns_server.h, which
 * answers well, wrong, or not at all. Everything waits for what happens, at
 * most ten seconds.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "dns_server.h"
#include "wire/qp_resolver.h"

#define SECONDS apr_time_from_sec(1)

/** What a test has. */
struct scene {
    apr_pool_t *pool;    /* of the process: the resolver's */
    apr_pool_t *session; /* of the session */
    struct dns_server *server;
    qp_resolver *resolver;
    qp_waker waker;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *changed;
    int wakes;
};

/* The session. ----------------------------------------------------------- */

static void wake_scene(qp_waker *waker)
{
    struct scene *s =
        (struct scene *)((char *)waker - offsetof(struct scene, waker));

    apr_thread_mutex_lock(s->mutex);
    s->wakes++;
    apr_thread_cond_broadcast(s->changed);
    apr_thread_mutex_unlock(s->mutex);
}

static void destroy_waker(qp_waker *waker)
{
    abort(); /* the scene holds one reference to the end */
}

static int wait_for_wakes(struct scene *s, int wanted)
{
    apr_status_t rv = APR_SUCCESS;
    int good;

    apr_thread_mutex_lock(s->mutex);
    while (s->wakes < wanted && rv == APR_SUCCESS) {
        rv = apr_thread_cond_timedwait(s->changed, s->mutex, 10 * SECONDS);
    }
    good = s->wakes >= wanted;
    apr_thread_mutex_unlock(s->mutex);
    return good;
}

static struct scene *make_scene(struct dns_server *server, apr_pool_t *pool)
{
    struct scene *s = apr_pcalloc(pool, sizeof(*s));

    s->server = server;
    apr_pool_create(&s->pool, pool);
    apr_pool_create(&s->session, pool);
    s->waker.wake = wake_scene;
    s->waker.destroy = destroy_waker;
    s->waker.refs = 1;
    if (apr_thread_mutex_create(&s->mutex, 0, pool) != APR_SUCCESS
        || apr_thread_cond_create(&s->changed, pool) != APR_SUCCESS
        || qp_resolver_create(&s->resolver, s->pool) != APR_SUCCESS) {
        abort();
    }
    return s;
}

static void end_scene(struct scene *s)
{
    apr_pool_destroy(s->session);
    apr_pool_destroy(s->pool);
    is_int(s->waker.refs, 1, "nothing is left");
}

static qp_dns *ask(struct scene *s, const char *name, const char *servers,
                   apr_interval_time_t timeout)
{
    qp_dns_question question = { name, QP_DNS_A, servers, timeout, 4 };
    qp_dns *dns = qp_resolver_know(s->resolver, &question, s->session);

    if (dns == NULL) {
        dns = qp_resolver_ask(s->resolver, &question, &s->waker, s->session);
    }
    return dns;
}

/* The outcome of one query, which has ten seconds. */
static qp_dns_result find_out(struct scene *s, const char *name, qp_dns **out)
{
    qp_dns *dns = ask(s, name, s->server->csv, 10 * SECONDS);

    while (!qp_ready(qp_dns_wait(dns))) {
        if (!wait_for_wakes(s, s->wakes + 1)) {
            break;
        }
    }
    if (out != NULL) {
        *out = dns;
    }
    return qp_dns_outcome(dns);
}

/* ------------------------------------------------------------------------- */

static void test_answers(struct dns_server *server, apr_pool_t *pool)
{
    static const struct {
        const char *name;
        int result;
    } rows[] = {
        { "plain.example", QP_DNS_FOUND },
        { "PLAIN2.Example.", QP_DNS_FOUND },
        { "nothing.example", QP_DNS_NXDOMAIN },
        { "empty.example", QP_DNS_NODATA },
        { "broken.example", QP_DNS_FAILED },
        { "refused.example", QP_DNS_FAILED },
        { "cut.example", QP_DNS_FAILED },
        { "no name", QP_DNS_BADNAME },
        { "", QP_DNS_BADNAME },
    };
    struct scene *s = make_scene(server, pool);
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_int(find_out(s, rows[i].name, NULL), rows[i].result, "<%s>",
               rows[i].name);
    }
    end_scene(s);
}

static void test_records(struct dns_server *server, apr_pool_t *pool)
{
    struct scene *s = make_scene(server, pool);
    qp_dns *dns;
    int ntcp;

    is_int(find_out(s, "forged.example", &dns), QP_DNS_FOUND,
           "behind answers with a wrong id and of another name");
    is_int(qp_dns_count(dns), 1, "there is one record");
    is_str(qp_dns_get(dns, 0)->text, "192.0.2.1", "the true one");
    is_int(qp_dns_get(dns, 0)->data_len, 4, "of four octets");
    ok(qp_dns_get(dns, 1) == NULL && qp_dns_get(dns, -1) == NULL,
       "there is no other");
    is_str(qp_dns_name(dns), "forged.example", "the name");
    is_int(find_out(s, "far.example", &dns), QP_DNS_FOUND,
           "an alias whose target has to be asked for");
    is_str(qp_dns_get(dns, 0)->text, "192.0.2.1", "its record");
    ntcp = dns_server_by_tcp(server);
    is_int(find_out(s, "long.example", &dns), QP_DNS_FOUND,
           "an answer that is too long for UDP");
    is_int(dns_server_by_tcp(server), ntcp + 1, "is asked for by TCP");
    is_int(qp_dns_count(dns), QP_DNS_MAX_RECORDS, "and cut at the limit");
    end_scene(s);
}

static void test_cached(struct dns_server *server, apr_pool_t *pool)
{
    struct scene *s = make_scene(server, pool);
    qp_dns *dns;
    int nasked;

    is_int(find_out(s, "kept.example", NULL), QP_DNS_FOUND, "a first time");
    nasked = dns_server_asked(server);
    is_int(find_out(s, "Kept.example", &dns), QP_DNS_FOUND, "a second time");
    is_str(qp_dns_get(dns, 0)->text, "192.0.2.1", "the same record");
    is_int(dns_server_asked(server), nasked, "without the server");
    is_int(find_out(s, "broken.example", NULL), QP_DNS_FAILED, "a failure");
    ok(dns_server_asked(server) > nasked, "asks it");
    nasked = dns_server_asked(server);
    is_int(find_out(s, "broken.example", NULL), QP_DNS_FAILED, "again");
    ok(dns_server_asked(server) > nasked, "again");
    end_scene(s);
}

/* Servers that are silent, or that are not there. */
static void test_silent(struct dns_server *server, apr_pool_t *pool)
{
    struct scene *s = make_scene(server, pool);
    qp_dns *dns[3];
    const char *two;
    int nasked = dns_server_asked(server);

    dns[0] = ask(s, "silent.example", server->csv, SECONDS / 5);
    ok(wait_for_wakes(s, 1), "a silent server ends");
    is_int(qp_dns_outcome(dns[0]), QP_DNS_TIMEOUT, "as time-out");
    ok(dns_server_asked(server) >= nasked + 2, "after some tries");
    dns[1] = ask(s, "garbage.example", server->csv, SECONDS / 5);
    ok(wait_for_wakes(s, 2), "so does one that talks nonsense");
    ok(qp_dns_outcome(dns[1]) == QP_DNS_TIMEOUT
           || qp_dns_outcome(dns[1]) == QP_DNS_FAILED,
       "without a record");
    /* Nobody listens on port 1. */
    two = apr_psprintf(pool, "127.0.0.1:1,%s", server->csv);
    dns[2] = ask(s, "second.example", two, 10 * SECONDS);
    ok(wait_for_wakes(s, 3), "with one dead server");
    is_int(qp_dns_outcome(dns[2]), QP_DNS_FOUND, "the other is asked");
    end_scene(s);
}

/* Many at the same time, more than one channel has. The server may
 * lose some when its buffer is full; they are asked for again. */
static void test_many(struct dns_server *server, apr_pool_t *pool)
{
    enum { N = 500 };
    struct scene *s = make_scene(server, pool);
    qp_dns *dns[N];
    int nfound = 0;
    int i;

    for (i = 0; i < N; i++) {
        dns[i] = ask(s, apr_psprintf(pool, "n%d.example", i), server->csv,
                     8 * SECONDS);
    }
    ok(wait_for_wakes(s, N), "five hundred at the same time");
    for (i = 0; i < N; i++) {
        nfound += qp_dns_outcome(dns[i]) == QP_DNS_FOUND;
    }
    is_int(nfound, N, "all are answered");
    end_scene(s);
}

/* The session leaves while its question is on the way. */
static void test_leave(struct dns_server *server, apr_pool_t *pool)
{
    struct scene *s = make_scene(server, pool);
    int nasked = dns_server_asked(server);
    int i;

    ask(s, "silent.example", server->csv, SECONDS / 5);
    for (i = 0; i < 1000 && dns_server_asked(server) == nasked; i++) {
        apr_sleep(1000);
    }
    apr_pool_destroy(s->session);
    apr_pool_create(&s->session, pool);
    is_int(find_out(s, "plain.example", NULL), QP_DNS_FOUND,
           "another one is answered");
    apr_thread_mutex_lock(s->mutex);
    is_int(s->wakes, 1, "the first one wakes nobody");
    apr_thread_mutex_unlock(s->mutex);
    end_scene(s);
}

/* A session that does not know yet that the process ends. */
struct latecomer {
    struct scene *s;
    qp_dns *dns;
};

static apr_status_t come_late(void *data)
{
    struct latecomer *late = data;

    late->dns = ask(late->s, "plain.example", late->s->server->csv, SECONDS);
    return APR_SUCCESS;
}

static void test_stop(struct dns_server *server, apr_pool_t *pool)
{
    struct scene *s = make_scene(server, pool);
    struct latecomer late = { s, NULL };
    qp_dns *dns;

    apr_pool_pre_cleanup_register(s->pool, &late, come_late);
    dns = ask(s, "silent.example", server->csv, 20 * SECONDS);
    apr_pool_destroy(s->pool);
    is_int(qp_dns_outcome(dns), QP_DNS_FAILED,
           "when the process ends, it is given up");
    ok(qp_ready(qp_dns_wait(late.dns)), "what comes then, too");
    apr_pool_destroy(s->session);
    is_int(s->waker.refs, 1, "nothing is left");
}

int main(void)
{
    apr_pool_t *pool;
    struct dns_server *server;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    server = dns_server_start(NULL, pool);
    test_answers(server, pool);
    test_records(server, pool);
    test_cached(server, pool);
    test_silent(server, pool);
    test_many(server, pool);
    test_leave(server, pool);
    test_stop(server, pool);
    dns_server_stop(server);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
