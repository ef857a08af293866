/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes config keys from a web server. A thread of each process gets them and
 * keeps them fresh; sessions see what it has, and never wait for it. Values are
 * counted, and live in pools of their own. Only the bodies are understood, not
 * Cache-Control.

=pod

=head1 NAME

http_config - take config keys from a web server

=head1 SYNOPSIS

In F<config/plugins>, as the first line:

    http_config http://config.example.org/smtp/ keys rcpthosts,relayclients
    http_config https://a.example.org/ https://b.example.org/ wait 2s

=head1 DESCRIPTION

The value of a config key is the text behind the URL with the name of the key
added to it. With several URLs, the first one that has lines for the key counts.
Lines are trimmed; empty ones, and those that begin with C<#>, do not count.

Each child process of httpd asks for each key when it is first needed, or at its
start if the key is listed under C<keys>; and then again after each C<refresh>,
with C<If-None-Match> and C<If-Modified-Since>, so that an unchanged value costs
little. A session takes what is there at the moment. It never waits for the web
server:

=over 4

=item *

As long as no answer has come, the config file counts, or the default. With
C<wait> a child process takes no clients until it has asked for all C<keys>, or
the time is over.

=item *

An answer 404 or 410, or a text without lines, says that the web server knows
nothing of the key: then the next URL counts, or the config file.

=item *

Any other failure leaves the value in force that was there before. It is said
in the log, and tried again after C<refresh>, or after ten seconds if that is
less.

=back

The keys C<plugins>, C<plugin_dirs> and C<logging> are never asked for, nor is
what C<QpsmtpdSet> has set.

Who can change the answers decides on who may relay, so outside of one's own
network the URL should be C<https>. The certificate is checked. A redirection
to C<http> is not followed from there.

=head1 CONFIGURATION

=over 4

=item url

All other words: the URLs, which begin with C<http://> or C<https://>. A name
and a password may stand in them; they are left out in the log.

=item keys

The keys that are asked for, with commas between them; others are left alone.
Without it, every key of the server and of its plugins is asked for as soon as
it is needed.

=item refresh

How long a value is good; C<60s> unless given.

=item wait

How long the start of a child process may be delayed for the C<keys>; C<0>,
which is no time at all, unless given, and C<60s> at most.

=item timeout

How long a request may take in all, redirections included; C<10s> unless given.

=item max_size

How large an answer may be; C<1M> unless given.

=item redirects

How many redirections are followed, 0 to 20; 3 unless given.

=item proxy

The URL of a proxy. Without it there is none, whatever the environment says.

=back

=head1 DIAGNOSTICS

=over 4

=item http_config: I<KEY>: I<URL>: I<N> lines

A value has come, or has changed; at C<info>.

=item http_config: I<KEY>: I<URL>: I<REASON>; the old value stays in force

An error. It is said once, and every five minutes as long as it lasts.

=back

=head1 SEE ALSO

L<user_config>, F<docs/admin.md>, F<docs/plugins.md>

=cut

*/

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_thread_proc.h>

#include "http_config.h"

#define KEY_MAX_LEN  64
/* More keys than this are not asked for: there are some dozens. */
#define MAX_ENTRIES  512
#define RETRY_AFTER  apr_time_from_sec(10)
#define REMIND_AFTER apr_time_from_sec(300)
#define MAX_WAIT     apr_time_from_sec(60)

struct fetcher;

struct opts {
    apr_array_header_t *urls; /* of const char * */
    apr_array_header_t *keys; /* the same; NULL: all */
    apr_interval_time_t refresh;
    apr_interval_time_t wait;
    struct http_limits limits;
    struct fetcher *fetcher; /* made by setup */
};

/* What the sessions of a process share. It is made in pconf by setup, is empty
 * in the parent process, and filled in each child by post_fork, before there
 * are threads. The mutex guards entries, their due and is_tried, the values of
 * their sources, and the pool. */
struct fetcher {
    const qp_plugin *self;
    apr_pool_t *pool; /* NULL: not in a child process */
    apr_thread_t *thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct entry *entries;
    int nentries;
    struct http_client client;
};

static const qp_opt opt_table[] = {
    QP_OPT_REST(struct opts, urls, "url"),
    QP_OPT_LIST(struct opts, keys, "keys", NULL),
    QP_OPT_TIME(struct opts, refresh, "refresh", "60s"),
    QP_OPT_TIME(struct opts, wait, "wait", "0"),
    QP_OPT_TIME(struct opts, limits.timeout, "timeout", "10s"),
    QP_OPT_SIZE(struct opts, limits.max_size, "max_size", "1M"),
    QP_OPT_INT(struct opts, limits.redirects, "redirects", "3", 0, 20),
    QP_OPT_STR(struct opts, limits.proxy, "proxy", ""),
    QP_OPT_END,
};

/* ---- the thread ---------------------------------------------------------- */

/* A fault of the web server is one of the environment, and may last. */
static void report_failure(const struct fetcher *fetcher,
                           const struct entry *entry, struct source *source,
                           const char *why)
{
    apr_time_t now = qp_now();

    if (!source->is_failing || now >= source->reminded + REMIND_AFTER) {
        qp_log(fetcher->self, NULL, QP_LOG_ERROR,
               "%s: %s: %s; the old value stays in force", entry->key,
               source->shown, why);
        source->reminded = now;
    }
    source->is_failing = 1;
}

static void replace_value(struct fetcher *fetcher, const struct entry *entry,
                          struct source *source, struct value *value)
{
    struct value *old;

    if (value != NULL || source->value != NULL) {
        qp_log(fetcher->self, NULL, QP_LOG_INFO, "%s: %s: %d lines", entry->key,
               source->shown, value != NULL ? value->lines->nelts : 0);
    }
    pthread_mutex_lock(&fetcher->mutex);
    old = source->value;
    source->value = value;
    pthread_mutex_unlock(&fetcher->mutex);
    release_value(old);
}

/* What a status means (RFC 9110 15). @return NULL, or what is wrong */
static const char *take_reply(struct fetcher *fetcher,
                              const struct entry *entry, struct source *source,
                              struct http_reply *reply)
{
    struct value *value = NULL;

    if (reply->status == 304
        && (source->validators.etag[0] != '\0'
            || source->validators.modified[0] != '\0')) {
        apr_pool_destroy(reply->pool);
        return NULL;
    }
    if (reply->status == 200) {
        if (memchr(reply->text, '\0', reply->len) != NULL) {
            return "the answer is no text: there is a NUL in it";
        }
        value = make_value(reply->text, reply->pool);
    }
    else if (reply->status != 404 && reply->status != 410) {
        return apr_psprintf(reply->pool, "the answer is %ld", reply->status);
    }
    source->validators = reply->validators;
    if (value == NULL) {
        apr_pool_destroy(reply->pool);
    }
    replace_value(fetcher, entry, source, value);
    return NULL;
}

/* @return whether it was answered */
static int ask_source(struct fetcher *fetcher, const struct entry *entry,
                      struct source *source)
{
    struct http_reply reply = { .pool = make_pool() };
    const char *error;

    error =
        http_get(&fetcher->client, source->url, &source->validators, &reply);
    if (error == NULL) {
        error = take_reply(fetcher, entry, source, &reply);
    }
    if (error == NULL) {
        source->is_failing = 0;
        return 1;
    }
    if (!http_is_stopping(&fetcher->client)) {
        report_failure(fetcher, entry, source, error);
    }
    apr_pool_destroy(reply.pool);
    return 0;
}

/* Called and left with the mutex held. */
static void ask_entry(struct fetcher *fetcher, struct entry *entry)
{
    const struct opts *opt = qp_opts(fetcher->self);
    apr_interval_time_t again = opt->refresh;
    int i;

    pthread_mutex_unlock(&fetcher->mutex);
    for (i = 0; i < opt->urls->nelts; i++) {
        if (!http_is_stopping(&fetcher->client)
            && !ask_source(fetcher, entry, &entry->sources[i])
            && again > RETRY_AFTER) {
            again = RETRY_AFTER;
        }
    }
    pthread_mutex_lock(&fetcher->mutex);
    entry->is_tried = 1;
    entry->due = qp_now() + again;
    pthread_cond_broadcast(&fetcher->changed);
}

static struct entry *find_due(const struct fetcher *fetcher)
{
    struct entry *entry;
    struct entry *first = fetcher->entries;

    for (entry = first; entry != NULL; entry = entry->next) {
        if (entry->due < first->due) {
            first = entry;
        }
    }
    return first;
}

/* Called and left with the mutex held. */
static void sleep_until(struct fetcher *fetcher, apr_time_t due)
{
    struct timespec until;

    until.tv_sec = (time_t)apr_time_sec(due);
    until.tv_nsec = (long)apr_time_usec(due) * 1000;
    pthread_cond_timedwait(&fetcher->changed, &fetcher->mutex, &until);
}

static void *APR_THREAD_FUNC run_fetcher(apr_thread_t *thread, void *data)
{
    struct fetcher *fetcher = data;
    struct entry *entry;

    pthread_mutex_lock(&fetcher->mutex);
    while (!http_is_stopping(&fetcher->client)) {
        entry = find_due(fetcher);
        if (entry == NULL) {
            pthread_cond_wait(&fetcher->changed, &fetcher->mutex);
        }
        else if (entry->due > qp_now()) {
            sleep_until(fetcher, entry->due);
        }
        else {
            ask_entry(fetcher, entry);
        }
    }
    pthread_mutex_unlock(&fetcher->mutex);
    return NULL;
}

/* ---- sessions ------------------------------------------------------------ */

/* With the mutex held. */
static struct entry *add_entry(struct fetcher *fetcher, const char *key)
{
    const struct opts *opt = qp_opts(fetcher->self);
    struct entry *entry = apr_pcalloc(fetcher->pool, sizeof(*entry));
    struct source *source;
    int i;

    entry->key = apr_pstrdup(fetcher->pool, key);
    entry->sources = apr_pcalloc(fetcher->pool, (apr_size_t)opt->urls->nelts
                                                    * sizeof(*source));
    for (i = 0; i < opt->urls->nelts; i++) {
        source = &entry->sources[i];
        source->url =
            apr_pstrcat(fetcher->pool,
                        APR_ARRAY_IDX(opt->urls, i, const char *), key, NULL);
        source->shown = hide_password(source->url, fetcher->pool);
    }
    entry->next = fetcher->entries;
    fetcher->entries = entry;
    fetcher->nentries++;
    pthread_cond_broadcast(&fetcher->changed);
    return entry;
}

/* With the mutex held. @return NULL: there are too many */
static struct entry *find_entry(struct fetcher *fetcher, const char *key)
{
    struct entry *entry = fetcher->entries;

    while (entry != NULL && strcmp(entry->key, key) != 0) {
        entry = entry->next;
    }
    if (entry == NULL && fetcher->nentries < MAX_ENTRIES) {
        entry = add_entry(fetcher, key);
    }
    return entry;
}

static int is_wanted(const struct opts *opt, const char *key)
{
    const char *p;
    int i;

    for (p = key; *p != '\0'; p++) {
        if (!apr_isalnum(*p) && strchr("_.-", *p) == NULL) {
            return 0;
        }
    }
    if (opt->keys == NULL) {
        return p > key && p - key <= KEY_MAX_LEN;
    }
    for (i = 0; i < opt->keys->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(opt->keys, i, const char *), key) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The first source that has lines. @return with a reference, or NULL */
static struct value *get_value(struct fetcher *fetcher, const char *key)
{
    const struct opts *opt = qp_opts(fetcher->self);
    struct value *value = NULL;
    struct entry *entry;
    int i;

    pthread_mutex_lock(&fetcher->mutex);
    entry = find_entry(fetcher, key);
    for (i = 0; entry != NULL && value == NULL && i < opt->urls->nelts; i++) {
        value = entry->sources[i].value;
    }
    if (value != NULL) {
        __atomic_add_fetch(&value->refs, 1, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&fetcher->mutex);
    return value;
}

static qp_rc hook_config(const qp_plugin *self, qp_session *qp,
                         qp_config_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct value *value;

    if (opt->fetcher->pool == NULL || !is_wanted(opt, arg->key)) {
        return QP_DECLINED;
    }
    value = get_value(opt->fetcher, arg->key);
    if (value == NULL) {
        return QP_DECLINED;
    }
    apr_pool_cleanup_register(arg->pool, value, release_value,
                              apr_pool_cleanup_null);
    arg->lines = value->lines;
    return QP_OK;
}

/* ---- start and end ------------------------------------------------------- */

static apr_status_t stop_fetcher(void *data)
{
    struct fetcher *fetcher = data;
    const struct opts *opt = qp_opts(fetcher->self);
    struct entry *entry;
    apr_pool_t *pool = fetcher->pool;
    apr_status_t ended;
    apr_status_t rv;
    int i;

    http_stop(&fetcher->client);
    pthread_mutex_lock(&fetcher->mutex);
    pthread_cond_broadcast(&fetcher->changed);
    pthread_mutex_unlock(&fetcher->mutex);
    rv = apr_thread_join(&ended, fetcher->thread);
    for (entry = fetcher->entries; entry != NULL; entry = entry->next) {
        for (i = 0; i < opt->urls->nelts; i++) {
            release_value(entry->sources[i].value);
        }
    }
    http_close(&fetcher->client);
    curl_global_cleanup();
    pthread_cond_destroy(&fetcher->changed);
    pthread_mutex_destroy(&fetcher->mutex);
    fetcher->entries = NULL;
    fetcher->pool = NULL;
    apr_pool_destroy(pool);
    return rv;
}

/* Signals are for httpd's own threads. */
static apr_status_t start_thread(struct fetcher *fetcher, apr_pool_t *pchild)
{
    sigset_t all, before;
    apr_status_t rv;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rv =
        apr_thread_create(&fetcher->thread, NULL, run_fetcher, fetcher, pchild);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rv;
}

static void make_locks(struct fetcher *fetcher)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&fetcher->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&fetcher->changed, &attr);
    pthread_condattr_destroy(&attr);
}

/* Waits until all the keys that were listed have been asked for. */
static void wait_for_keys(struct fetcher *fetcher, apr_interval_time_t wait)
{
    apr_time_t end = qp_now() + wait;
    const struct entry *entry;

    pthread_mutex_lock(&fetcher->mutex);
    while (qp_now() < end) {
        entry = fetcher->entries;
        while (entry != NULL && entry->is_tried) {
            entry = entry->next;
        }
        if (entry == NULL) {
            break;
        }
        sleep_until(fetcher, end);
    }
    pthread_mutex_unlock(&fetcher->mutex);
}

static qp_rc hook_post_fork(const qp_plugin *self, qp_session *qp,
                            const qp_post_fork_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct fetcher *fetcher = opt->fetcher;
    int i;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK
        || !http_open(&fetcher->client, &opt->limits)) {
        return qp_fault(self, NULL, "libcurl cannot be set up");
    }
    fetcher->self = self;
    fetcher->pool = make_pool();
    make_locks(fetcher);
    for (i = 0; opt->keys != NULL && i < opt->keys->nelts; i++) {
        find_entry(fetcher, APR_ARRAY_IDX(opt->keys, i, const char *));
    }
    if (start_thread(fetcher, arg->pchild) != APR_SUCCESS) {
        fetcher->pool = NULL;
        return qp_fault(self, NULL, "there is no thread");
    }
    /* Before the pool's own children go: the thread's pool is one of them. */
    apr_pool_pre_cleanup_register(arg->pchild, fetcher, stop_fetcher);
    wait_for_keys(fetcher, opt->wait);
    return QP_DECLINED;
}

static int is_url(const char *word)
{
    return (strncasecmp(word, "http://", 7) == 0 && word[7] != '\0')
           || (strncasecmp(word, "https://", 8) == 0 && word[8] != '\0');
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    struct opts *opt = qp_opts_edit(self);
    int i;

    if (opt->urls == NULL) {
        return "url: a URL must be given, such as "
               "http://config.example.org/smtp/";
    }
    for (i = 0; i < opt->urls->nelts; i++) {
        if (!is_url(APR_ARRAY_IDX(opt->urls, i, const char *))) {
            return apr_psprintf(pconf, "url: \"%s\" is none of http or https",
                                APR_ARRAY_IDX(opt->urls, i, const char *));
        }
    }
    if (opt->refresh < apr_time_from_msec(100)
        || opt->limits.timeout < apr_time_from_msec(1)) {
        return "refresh, timeout: at least 100ms and 1ms";
    }
    if (opt->wait > MAX_WAIT) {
        return "wait: at most 60s";
    }
    if (opt->wait > 0 && opt->keys == NULL) {
        return "wait: say which keys it is for, by the option keys";
    }
    opt->fetcher = apr_pcalloc(pconf, sizeof(*opt->fetcher));
    return NULL;
}

QP_PLUGIN(http_config) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
    .hooks.config = hook_config,
    .hooks.post_fork = hook_post_fork,
};
