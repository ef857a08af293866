/* SPDX-License-Identifier: Apache-2.0 */
/* Stores in Redis, by its protocol RESP2. Connections are kept for the next
 * job, a few of them for each process. Answers are read strictly: what is
 * longer than our values, or not in order, ends the connection. */

#include "plugin/qp_store.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#define DEFAULT_PORT 6379

/* Connections that are kept. */
#define MAX_IDLE     8

/* How often a value is tried to be changed that others change, too. */
#define MAX_TRIES    16
#define TRY_STEP     apr_time_from_msec(2)

/* Longest answer: a value of ours, in bulk. */
#define ANSWER_MAX   (QP_STORE_VALUE_MAX + 64)

/* Lives in pconf. */
typedef struct redis_home {
    const char *host;     /* or a path */
    int port;             /* 0: a path */
    const char *password; /* or NULL */
    const char *database; /* or NULL */
    apr_thread_mutex_t *mutex;
    struct redis_link *idle[MAX_IDLE];
    int nidle;
} redis_home;

/* A connection. Has a pool of its own, as it outlives jobs. */
typedef struct redis_link {
    qp_peer *peer;
    apr_pool_t *pool;
} redis_link;

/* An answer of the server. */
typedef enum answer_kind {
    ANSWER_STATUS, /* +OK */
    ANSWER_NUMBER, /* :1 */
    ANSWER_BULK,   /* a value */
    ANSWER_NULL    /* no value, or EXEC that did nothing */
} answer_kind;

typedef struct answer {
    answer_kind kind;
    apr_int64_t number; /* of NUMBER */
    const char *text;   /* of BULK and STATUS, in the job's pool */
} answer;

/* ---- where it is --------------------------------------------------------- */

static apr_status_t drop_idle(void *data)
{
    redis_home *redis = data;

    while (redis->nidle > 0) {
        apr_pool_destroy(redis->idle[--redis->nidle]->pool);
    }
    return APR_SUCCESS;
}

static const char *read_port(redis_home *redis, char *text, apr_pool_t *pool)
{
    char *colon = strrchr(text, ':');
    apr_int64_t port = DEFAULT_PORT;

    if (text[0] == '/') {
        redis->host = text;
        return NULL;
    }
    if (colon != NULL && (text[0] != '[' || colon[-1] == ']')) {
        *colon = '\0';
        if (!qp_str_number(colon + 1, &port) || port < 1 || port > 65535) {
            return apr_psprintf(pool, "store: \"%s\" is no port", colon + 1);
        }
    }
    if (text[0] == '[' && text[strlen(text) - 1] == ']') {
        text[strlen(text) - 1] = '\0';
        text++;
    }
    if (text[0] == '\0') {
        return "store: behind redis: stands a host or the path of a socket";
    }
    redis->host = text;
    redis->port = (int)port;
    return NULL;
}

static const char *open_home(qp_store_home *home, const char *rest)
{
    redis_home *redis = apr_pcalloc(home->pool, sizeof(*redis));
    char *text = apr_pstrdup(home->pool, rest);
    char *at = strrchr(text, '@');
    char *hash = strrchr(text, '#');

    if (at != NULL) {
        *at = '\0';
        redis->password = text;
        text = at + 1;
    }
    if (hash != NULL && hash > text) {
        *hash = '\0';
        redis->database = hash + 1;
        if (hash[1] == '\0'
            || strspn(hash + 1, "0123456789") != strlen(hash + 1)) {
            return "store: behind # stands the number of a database";
        }
    }
    home->state = redis;
    apr_pool_cleanup_register(home->pool, redis, drop_idle,
                              apr_pool_cleanup_null);
    if (apr_thread_mutex_create(&redis->mutex, APR_THREAD_MUTEX_DEFAULT,
                                home->pool)
        != APR_SUCCESS) {
        return "store: no mutex can be made";
    }
    return read_port(redis, text, home->pool);
}

/* ---- saying and hearing -------------------------------------------------- */

/* A command with its words, each as a bulk. */
static apr_status_t say(redis_link *link, int n, const char *const *words)
{
    char head[32];
    apr_status_t rv;
    int i;

    apr_snprintf(head, sizeof(head), "*%d\r\n", n);
    rv = qp_peer_puts(link->peer, head);
    for (i = 0; rv == APR_SUCCESS && i < n; i++) {
        apr_snprintf(head, sizeof(head), "$%" APR_SIZE_T_FMT "\r\n",
                     strlen(words[i]));
        rv = qp_peer_puts(link->peer, head);
        if (rv == APR_SUCCESS) {
            rv = qp_peer_puts(link->peer, words[i]);
        }
        if (rv == APR_SUCCESS) {
            rv = qp_peer_puts(link->peer, "\r\n");
        }
    }
    return rv;
}

static apr_status_t hear_bulk(redis_link *link, apr_int64_t size, answer *out,
                              apr_pool_t *pool)
{
    char *text;
    apr_status_t rv;

    if (size == -1) {
        out->kind = ANSWER_NULL;
        return APR_SUCCESS;
    }
    if (size < 0 || size > ANSWER_MAX) {
        return qp_peer_fail(link->peer,
                            "a value of %" APR_INT64_T_FMT " octets", size);
    }
    text = apr_palloc(pool, (apr_size_t)size + 3);
    rv = qp_peer_read_all(link->peer, text, (apr_size_t)size + 2);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (memcmp(text + size, "\r\n", 2) != 0
        || memchr(text, '\0', (apr_size_t)size) != NULL) {
        return qp_peer_fail(link->peer, "a value that is none of ours");
    }
    text[size] = '\0';
    out->kind = ANSWER_BULK;
    out->text = text;
    return APR_SUCCESS;
}

/* An array comes from EXEC only: of one answer, or none if it did nothing. */
static apr_status_t hear(redis_link *link, answer *out, apr_pool_t *pool)
{
    const char *line;
    apr_size_t len;
    apr_int64_t number = 0;
    apr_status_t rv = qp_peer_line(link->peer, ANSWER_MAX, &line, &len);

    if (rv == APR_SUCCESS && len > 0 && line[0] == '*'
        && strcmp(line, "*1") == 0) {
        rv = qp_peer_line(link->peer, ANSWER_MAX, &line, &len);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    out->text = NULL;
    if (strcmp(line, "*-1") == 0) {
        out->kind = ANSWER_NULL;
        return APR_SUCCESS;
    }
    if (line[0] == '+') {
        out->kind = ANSWER_STATUS;
        out->text = apr_pstrdup(pool, line + 1);
        return APR_SUCCESS;
    }
    if (line[0] == '-') {
        return qp_peer_fail(link->peer, "\"%.200s\"", line + 1);
    }
    if ((line[0] == ':' || line[0] == '$')
        && qp_str_number(line + 1, &number)) {
        out->kind = ANSWER_NUMBER;
        out->number = number;
        return line[0] == ':' ? APR_SUCCESS
                              : hear_bulk(link, number, out, pool);
    }
    return qp_peer_fail(link->peer, "\"%.200s\"", line);
}

static apr_status_t ask(redis_link *link, int n, const char *const *words,
                        answer *out, apr_pool_t *pool)
{
    apr_status_t rv = say(link, n, words);

    if (rv == APR_SUCCESS) {
        rv = qp_peer_flush(link->peer);
    }
    return rv == APR_SUCCESS ? hear(link, out, pool) : rv;
}

/* ---- connections --------------------------------------------------------- */

static apr_status_t greet(const redis_home *redis, redis_link *link,
                          apr_pool_t *pool)
{
    const char *auth[] = { "AUTH", redis->password };
    const char *select[] = { "SELECT", redis->database };
    apr_status_t rv = APR_SUCCESS;
    answer got;

    if (redis->password != NULL) {
        rv = ask(link, 2, auth, &got, pool);
    }
    if (rv == APR_SUCCESS && redis->database != NULL) {
        rv = ask(link, 2, select, &got, pool);
    }
    return rv;
}

static redis_link *take_idle(redis_home *redis)
{
    redis_link *link = NULL;

    apr_thread_mutex_lock(redis->mutex);
    if (redis->nidle > 0) {
        link = redis->idle[--redis->nidle];
    }
    apr_thread_mutex_unlock(redis->mutex);
    if (link != NULL && qp_peer_is_readable(link->peer)) {
        apr_pool_destroy(link->pool); /* closed, or not in order */
        link = NULL;
    }
    return link;
}

static redis_link *make_link(qp_store *store)
{
    redis_link *link;
    apr_pool_t *pool;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    apr_pool_tag(pool, "qp_store_redis");
    link = apr_pcalloc(pool, sizeof(*link));
    link->pool = pool;
    link->peer = qp_peer_create(store->job, pool);
    return link;
}

/* What is to be said, by whoever has a connection. */
typedef apr_status_t conversation(qp_store *store, redis_link *link,
                                  void *baton);

static apr_status_t connect_link(qp_store *store, redis_link *link)
{
    const redis_home *redis = store->home->state;
    apr_status_t rv;

    if (redis->port == 0) {
        rv = qp_peer_connect_unix(link->peer, redis->host);
    }
    else {
        rv = qp_peer_connect(link->peer, redis->host, redis->port);
    }
    return rv == APR_SUCCESS ? greet(redis, link, store->pool) : rv;
}

/* @return as talk; the connection is kept if it is in order */
static apr_status_t end_talk(qp_store *store, redis_link *link, apr_status_t rv)
{
    redis_home *redis = store->home->state;
    int is_kept = 0;

    if (rv == APR_SUCCESS || APR_STATUS_IS_NOTFOUND(rv)) {
        qp_peer_use(link->peer, NULL);
        apr_thread_mutex_lock(redis->mutex);
        if (redis->nidle < MAX_IDLE) {
            redis->idle[redis->nidle++] = link;
            is_kept = 1;
        }
        apr_thread_mutex_unlock(redis->mutex);
    }
    else {
        apr_snprintf(store->error, sizeof(store->error), "redis: %s",
                     qp_peer_error(link->peer));
    }
    if (!is_kept) {
        apr_pool_destroy(link->pool);
    }
    return rv;
}

static apr_status_t talk(qp_store *store, conversation *say_it, void *baton)
{
    redis_link *link = take_idle(store->home->state);
    apr_interval_time_t left = store->deadline - qp_now();
    apr_status_t rv = APR_SUCCESS;

    if (link != NULL) {
        qp_peer_use(link->peer, store->job);
        qp_peer_deadline(link->peer, left);
    }
    else {
        link = make_link(store);
        qp_peer_deadline(link->peer, left);
        rv = connect_link(store, link);
    }
    if (rv == APR_SUCCESS) {
        rv = say_it(store, link, baton);
    }
    return end_talk(store, link, rv);
}

/* ---- the calls ----------------------------------------------------------- */

/* What a conversation is about. */
typedef struct errand {
    const char *key;   /* with the name before it */
    const char *value; /* in or out */
    apr_interval_time_t ttl;
    qp_store_change *change;
    void *baton;
} errand;

static const char *full_key(const qp_store *store, const char *key)
{
    return apr_pstrcat(store->pool, store->home->name, ":", key, NULL);
}

static apr_status_t say_get(qp_store *store, redis_link *link, void *baton)
{
    errand *about = baton;
    const char *words[] = { "GET", about->key };
    answer got;
    apr_status_t rv = ask(link, 2, words, &got, store->pool);

    about->value = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (got.kind == ANSWER_BULK) {
        about->value = got.text;
        return APR_SUCCESS;
    }
    return got.kind == ANSWER_NULL
               ? APR_NOTFOUND
               : qp_peer_fail(link->peer, "no value where one is due");
}

/* The words of SET, or DEL. @return how many */
static int set_words(const qp_store *store, const errand *about,
                     const char **words)
{
    apr_interval_time_t ms = (about->ttl + 999) / 1000;

    words[0] = about->value != NULL ? "SET" : "DEL";
    words[1] = about->key;
    words[2] = about->value;
    words[3] = "PX";
    words[4] = apr_psprintf(store->pool, "%" APR_TIME_T_FMT, ms);
    if (about->value == NULL) {
        return 2;
    }
    return about->ttl > 0 ? 5 : 3;
}

static apr_status_t say_set(qp_store *store, redis_link *link, void *baton)
{
    const errand *about = baton;
    const char *words[5];
    int n = set_words(store, about, words);
    answer got;

    return ask(link, n, words, &got, store->pool);
}

/* MULTI, the words, EXEC; others that changed the key make it do nothing.
 * @return APR_EAGAIN then */
static apr_status_t say_exec(qp_store *store, redis_link *link,
                             const errand *about)
{
    static const char *const multi[] = { "MULTI" };
    static const char *const exec[] = { "EXEC" };
    const char *words[5];
    int n = set_words(store, about, words);
    answer got;
    apr_status_t rv = ask(link, 1, multi, &got, store->pool);

    if (rv == APR_SUCCESS) {
        rv = ask(link, n, words, &got, store->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = ask(link, 1, exec, &got, store->pool);
    }
    if (rv == APR_SUCCESS && got.kind == ANSWER_NULL) {
        rv = APR_EAGAIN;
    }
    return rv;
}

static apr_status_t try_update(qp_store *store, redis_link *link, errand *about)
{
    static const char *const unwatch[] = { "UNWATCH" };
    const char *watch[] = { "WATCH", about->key };
    answer got;
    apr_status_t rv = ask(link, 2, watch, &got, store->pool);

    if (rv == APR_SUCCESS) {
        rv = say_get(store, link, about);
    }
    if (rv != APR_SUCCESS && !APR_STATUS_IS_NOTFOUND(rv)) {
        return rv;
    }
    about->ttl = 0;
    about->value =
        about->change(about->value, about->baton, &about->ttl, store->pool);
    if (about->value == NULL) {
        return ask(link, 1, unwatch, &got, store->pool);
    }
    return say_exec(store, link, about);
}

static apr_status_t say_update(qp_store *store, redis_link *link, void *baton)
{
    apr_status_t rv = APR_EAGAIN;
    int i;

    for (i = 0; i < MAX_TRIES && APR_STATUS_IS_EAGAIN(rv); i++) {
        apr_sleep(i * TRY_STEP); /* so that one of them is the first */
        rv = try_update(store, link, baton);
    }
    return APR_STATUS_IS_EAGAIN(rv)
               ? qp_peer_fail(link->peer,
                              "others change the value all the time")
               : rv;
}

static apr_status_t get_value(qp_store *store, const char *key,
                              const char **value)
{
    errand about = { .key = full_key(store, key) };
    apr_status_t rv = talk(store, say_get, &about);

    *value = about.value;
    return rv;
}

static apr_status_t set_value(qp_store *store, const char *key,
                              const char *value, apr_interval_time_t ttl)
{
    errand about = { .key = full_key(store, key), .value = value, .ttl = ttl };

    return talk(store, say_set, &about);
}

static apr_status_t update_value(qp_store *store, const char *key,
                                 qp_store_change *change, void *baton)
{
    errand about = { .key = full_key(store, key),
                     .change = change,
                     .baton = baton };

    return talk(store, say_update, &about);
}

/* Of add_value. */
typedef struct addition {
    const char *key;
    const qp_store_sum *what;
    apr_int64_t sum;
} addition;

/* A number that is new gets its time to live. */
static apr_status_t say_add(qp_store *store, redis_link *link, void *baton)
{
    addition *about = baton;
    const char *incr[] = { "INCRBY", about->key,
                           apr_psprintf(store->pool, "%" APR_INT64_T_FMT,
                                        about->what->by) };
    const char *expire[] = { "PEXPIRE", about->key,
                             apr_psprintf(store->pool, "%" APR_TIME_T_FMT,
                                          (about->what->ttl + 999) / 1000) };
    answer got;
    apr_status_t rv = ask(link, 3, incr, &got, store->pool);

    if (rv != APR_SUCCESS) {
        return strstr(qp_peer_error(link->peer), "not an integer") != NULL
                   ? APR_EINVAL
                   : rv;
    }
    if (got.kind != ANSWER_NUMBER) {
        return qp_peer_fail(link->peer, "no number where one is due");
    }
    about->sum = got.number;
    if (about->sum != about->what->by || about->what->ttl == 0) {
        return APR_SUCCESS;
    }
    return ask(link, 3, expire, &got, store->pool);
}

static apr_status_t add_value(qp_store *store, const char *key,
                              const qp_store_sum *what, apr_int64_t *sum)
{
    addition about = { full_key(store, key), what, 0 };
    apr_status_t rv = talk(store, say_add, &about);

    *sum = about.sum;
    return rv;
}

const qp_store_kind qp_store_redis_kind = {
    .name = "redis",
    .open = open_home,
    .get = get_value,
    .set = set_value,
    .update = update_value,
    .add = add_value,
};
