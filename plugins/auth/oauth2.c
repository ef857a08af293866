/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets in who has a token. The endpoint is asked in a job, which has a copy of
 * the token and overwrites it. What good tokens are worth is in a store, under
 * a hash of the token.

=pod

=head1 NAME

auth/oauth2 - log in by a token of OAuth 2.0

=head1 SYNOPSIS

In F<config/plugins>:

    auth/oauth2 https://id.example.org/introspect scope mail.send \
        credentials /etc/qpsmtpd/oauth2

In F</etc/qpsmtpd/oauth2>, which only root can read:

    smtp-server:its-password-there

=head1 DESCRIPTION

Serves AUTH OAUTHBEARER (RFC 7628) and XOAUTH2, which are offered under TLS: the
client has a token instead of a password. The authorization server that has
issued it is asked what it is worth, at its introspection endpoint (RFC 7662).
The client is let in if the answer says that the token is active, has not
expired, and is meant for this server: it has all of the C<scope>, the
C<audience> and the C<issuer> that the options ask for. One of the first two has
to be given, as otherwise a token that was issued for any other service would
do here.

The name of the user is the member C<user> of the answer. A client may say who
it wants to be; then it has to be this name, but for upper and lower case of
ASCII letters.

A client whose token is refused is told so as the RFC says, with the C<scope>
and the C<discovery> of the options, and may get a new one. If the endpoint
cannot be asked, takes too long, or says anything that is not such an answer,
the client is answered 454, and tries again later. No thread of a session waits
meanwhile.

The certificate of the endpoint is checked; redirections are not followed.
Answers of more than 64 kB are not taken.

=head2 The cache

That a token is good is remembered for the time C<cache>, but never beyond the
token's own end: a token that is revoked may be good for so long. It is in a
C<store> under a hash of the token and of all that is asked for. Whoever can
write to the store decides on who is let in: a Redis has to be one's own. If
the store cannot be used, the endpoint is asked each time.

=head1 CONFIGURATION

=over 4

=item endpoint

The URL of the introspection endpoint, C<https>. It has to be given; also as
the first word.

=item credentials

A file with a line I<CLIENT>:I<PASSWORD>, which this server shows there (HTTP
Basic). It is read at the start, by root. Without it none are shown.

=item scope

The scopes that a token must have, with commas between them.

=item audience

What C<aud> of a token must be, or have among others.

=item issuer

What C<iss> of a token must be.

=item user

The member that has the name; C<username> unless given. Others may have C<sub>
or C<email>.

=item discovery

The URL of the C<openid-configuration>, which clients are told.

=item ca_file

The certificates, PEM, of the CAs that may have issued that of the endpoint;
those of the system unless given.

=item timeout

How long the endpoint may take in all; C<10s> unless given, C<40s> at most.

=item cache

How long a good token is remembered; C<60s> unless given, 0 is not at all, and
at most an hour.

=item store

Where: C<dbm>, C<redis:HOST:PORT> and so on, see L<greylisting>. The default is
C<dbm>.

=back

=head1 DIAGNOSTICS

=over 4

=item auth/oauth2: pass, I<USER>

=item auth/oauth2: pass, I<USER> (remembered)

=item auth/oauth2: fail, the token is refused: I<REASON>

=item auth/oauth2: fail, wants to be I<NAME>, but the token is of I<USER>

=item auth/oauth2: error, I<URL> cannot be asked: I<REASON>

=item auth/oauth2: error, I<URL> gives no answer of use: I<REASON>

=item auth/oauth2: the store cannot be used: I<REASON>

A warning; the endpoint was asked.

=back

=head1 SEE ALSO

L<auth/external>, L<auth/httpd>, F<docs/admin.md>

=cut

*/

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include <openssl/evp.h>

#include "oauth2_answer.h"
#include "oauth2_ask.h"
#include "qpsmtpd.h"

#define MAX_TIMEOUT apr_time_from_sec(40)
#define MAX_CACHE   apr_time_from_sec(3600)

struct opts {
    struct endpoint endpoint;
    const char *credentials; /* a file, or NULL */
    struct token_wants wants;
    const char *discovery;
    apr_array_header_t *scopes; /* of const char *; or NULL */
    apr_interval_time_t cache;
    const char *store;
};

static const qp_opt opt_table[] = {
    QP_OPT_WORD_STR(1, struct opts, endpoint.url, "endpoint", ""),
    QP_OPT_PATH(struct opts, endpoint.ca_file, "ca_file", NULL),
    QP_OPT_TIME(struct opts, endpoint.timeout, "timeout", "10s"),
    QP_OPT_PATH(struct opts, credentials, "credentials", NULL),
    QP_OPT_LIST(struct opts, scopes, "scope", NULL),
    QP_OPT_STR(struct opts, wants.audience, "audience", ""),
    QP_OPT_STR(struct opts, wants.issuer, "issuer", ""),
    QP_OPT_STR(struct opts, wants.member, "user", "username"),
    QP_OPT_STR(struct opts, discovery, "discovery", ""),
    QP_OPT_TIME(struct opts, cache, "cache", "60s"),
    QP_OPT_STR(struct opts, store, "store", "dbm"),
    QP_OPT_DEFAULT("timeout", "1m"),
    QP_OPT_END,
};

/* In the job's pool. */
struct ask {
    const qp_plugin *self;
    char *token;     /* overwritten when the job is done */
    const char *key; /* of the store */
    int is_remembered;
    const char *error;       /* of asking, or NULL */
    const char *store_error; /* or NULL */
    struct token_answer answer;
};

/* Of one command. */
struct txn {
    struct ask *ask;
    qp_wait *done;
};

/* The job. --------------------------------------------------------------- */

/* @return whether the store knows the token, and then who it is */
static int recall_token(qp_store *store, struct ask *ask)
{
    const char *user = NULL;
    apr_status_t rv = qp_store_get(store, ask->key, &user);

    if (rv == APR_SUCCESS) {
        ask->answer.verdict = TOKEN_GOOD;
        ask->answer.user = user;
        ask->is_remembered = 1;
    }
    else if (!APR_STATUS_IS_NOTFOUND(rv)) {
        ask->store_error = qp_store_error(store);
    }
    return rv == APR_SUCCESS;
}

static void remember_token(qp_store *store, struct ask *ask)
{
    const struct opts *opt = qp_opts(ask->self);
    const struct token_answer *answer = &ask->answer;
    apr_interval_time_t ttl = opt->cache;

    /* Not in microseconds: it may be as large as any number. */
    if (answer->exp > 0
        && answer->exp - answer->now < (json_int_t)apr_time_sec(ttl)) {
        ttl = apr_time_from_sec(answer->exp - answer->now);
    }
    if (qp_store_set(store, ask->key, answer->user, ttl) != APR_SUCCESS) {
        ask->store_error = qp_store_error(store);
    }
}

static apr_status_t run_ask(qp_job *job, void *baton)
{
    struct ask *ask = baton;
    const struct opts *opt = qp_opts(ask->self);
    struct http_reply reply = { .pool = qp_job_pool(job) };
    qp_store *store = opt->cache > 0 ? qp_store_begin(ask->self, job) : NULL;

    ask->answer.pool = reply.pool;
    ask->answer.now = (json_int_t)apr_time_sec(apr_time_now());
    if (store == NULL || !recall_token(store, ask)) {
        ask->error = ask_endpoint(&opt->endpoint, ask->token, job, &reply);
        if (ask->error == NULL) {
            judge_answer(reply.text, reply.len, &opt->wants, &ask->answer);
        }
        if (store != NULL && ask->store_error == NULL
            && ask->answer.verdict == TOKEN_GOOD) {
            remember_token(store, ask);
        }
    }
    qp_secret_wipe(ask->token);
    return APR_SUCCESS;
}

/* The session. ----------------------------------------------------------- */

static void add_part(EVP_MD_CTX *md, const char *text)
{
    EVP_DigestUpdate(md, text, strlen(text) + 1);
}

/* SHA-256, in hexadecimal digits, of a token and of all that it has to have.
 * NULL: OpenSSL fails */
static const char *make_key(const struct opts *opt, const char *token,
                            apr_pool_t *pool)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    char *key = apr_pcalloc(pool, 2 * EVP_MAX_MD_SIZE + 1);
    int is_good = md != NULL && EVP_DigestInit(md, EVP_sha256()) == 1;
    unsigned int i;

    if (is_good) {
        add_part(md, token);
        add_part(md, opt->endpoint.url);
        add_part(md, opt->wants.member);
        add_part(md, opt->wants.audience);
        add_part(md, opt->wants.issuer);
        for (i = 0; opt->scopes != NULL && (int)i < opt->scopes->nelts; i++) {
            add_part(md, APR_ARRAY_IDX(opt->scopes, i, const char *));
        }
        is_good = EVP_DigestFinal(md, digest, &len) == 1;
    }
    EVP_MD_CTX_free(md);
    for (i = 0; i < len; i++) {
        apr_snprintf(key + 2 * (size_t)i, 3, "%02x", digest[i]);
    }
    return is_good ? key : NULL;
}

static int start_ask(const qp_plugin *self, qp_session *qp, struct txn *txn,
                     const char *token)
{
    qp_job *job = qp_job_create(qp, qp_txn_pool(qp));
    struct ask *ask = apr_pcalloc(qp_job_pool(job), sizeof(*ask));

    ask->self = self;
    ask->key = make_key(qp_opts(self), token, qp_job_pool(job));
    if (ask->key == NULL) {
        return 0;
    }
    ask->token = apr_pstrdup(qp_job_pool(job), token);
    txn->ask = ask;
    txn->done = qp_job_start(job, run_ask, ask);
    return 1;
}

static qp_rc judge_good(const qp_plugin *self, qp_session *qp,
                        const struct ask *ask, qp_auth_token_arg *arg)
{
    if (arg->user[0] != '\0' && strcasecmp(arg->user, ask->answer.user) != 0) {
        qp_fail(self, qp, "wants to be %s, but the token is of %s", arg->user,
                ask->answer.user);
        return QP_DENY;
    }
    arg->user = apr_pstrdup(arg->pool, ask->answer.user);
    qp_pass(self, qp, "%s%s", arg->user,
            ask->is_remembered ? " (remembered)" : "");
    return QP_OK;
}

static qp_rc judge_ask(const qp_plugin *self, qp_session *qp,
                       const struct ask *ask, qp_auth_token_arg *arg)
{
    const struct opts *opt = qp_opts(self);

    if (ask->store_error != NULL) {
        qp_log(self, qp, QP_LOG_WARN, "the store cannot be used: %s",
               ask->store_error);
    }
    if (ask->error != NULL) {
        qp_error(self, qp, "%s cannot be asked: %s", opt->endpoint.url,
                 ask->error);
        return QP_DENYSOFT;
    }
    switch (ask->answer.verdict) {
    case TOKEN_GOOD:
        return judge_good(self, qp, ask, arg);
    case TOKEN_BAD:
        qp_fail(self, qp, "the token is refused: %s", ask->answer.why);
        return QP_DENY;
    case TOKEN_USELESS:
        break;
    }
    qp_error(self, qp, "%s gives no answer of use: %s", opt->endpoint.url,
             ask->answer.why);
    return QP_DENYSOFT;
}

static qp_rc hook_auth_token(const qp_plugin *self, qp_session *qp,
                             qp_auth_token_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct txn *txn = qp_txn_data(self, qp);

    if (txn->done == NULL && !start_ask(self, qp, txn, arg->token)) {
        qp_error(self, qp, "OpenSSL cannot make a hash");
        return QP_DENYSOFT;
    }
    if (!qp_ready(txn->done)) {
        return qp_await(qp, txn->done);
    }
    if (opt->scopes != NULL) {
        arg->scope = apr_array_pstrcat(arg->pool, opt->scopes, ' ');
    }
    if (opt->discovery[0] != '\0') {
        arg->discovery = opt->discovery;
    }
    if (qp_wait_status(txn->done) != APR_SUCCESS) {
        qp_error(self, qp, "%s cannot be asked: too much is under way",
                 opt->endpoint.url);
        return QP_DENYSOFT;
    }
    return judge_ask(self, qp, txn->ask, arg);
}

/* Start. ----------------------------------------------------------------- */

static qp_rc hook_post_fork(const qp_plugin *self, qp_session *qp,
                            const qp_post_fork_arg *arg)
{
    (void)qp;
    (void)arg;
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK
               ? QP_DECLINED
               : qp_fault(self, NULL, "libcurl cannot be set up");
}

/* CLIENT:PASSWORD, the first line. @return NULL, or what is wrong */
static const char *read_credentials(struct opts *opt, apr_pool_t *pconf)
{
    char line[1024];
    apr_file_t *file;
    apr_status_t rv;
    char *colon;

    rv = apr_file_open(&file, opt->credentials, APR_FOPEN_READ, 0, pconf);
    if (rv == APR_SUCCESS) {
        rv = apr_file_gets(line, sizeof(line), file);
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS) {
        return apr_psprintf(pconf, "credentials: %s cannot be read: %s",
                            opt->credentials,
                            apr_strerror(rv, line, sizeof(line)));
    }
    line[strcspn(line, "\r\n")] = '\0';
    colon = strchr(line, ':');
    if (colon == NULL || colon == line) {
        return apr_psprintf(pconf,
                            "credentials: the line of %s has to be "
                            "CLIENT:PASSWORD",
                            opt->credentials);
    }
    opt->endpoint.secret = apr_pstrdup(pconf, colon + 1);
    opt->endpoint.id = apr_pstrmemdup(pconf, line, (size_t)(colon - line));
    explicit_bzero(line, sizeof(line));
    return NULL;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    struct opts *opt = qp_opts_edit(self);
    const char *error = NULL;

    if (strncasecmp(opt->endpoint.url, "https://", 8) != 0
        || opt->endpoint.url[8] == '\0') {
        return "endpoint: a URL with https must be given, such as "
               "https://id.example.org/introspect";
    }
    if (strpbrk(opt->endpoint.url, "@#") != NULL) {
        return "endpoint: names and passwords belong in credentials";
    }
    if ((opt->scopes == NULL || opt->scopes->nelts == 0)
        && opt->wants.audience[0] == '\0') {
        return "scope, audience: one of them must be given, or a token for any "
               "other service would do";
    }
    if (opt->endpoint.timeout < apr_time_from_msec(1)
        || opt->endpoint.timeout > MAX_TIMEOUT) {
        return "timeout: at least 1ms, and at most 40s";
    }
    if (opt->cache < 0 || opt->cache > MAX_CACHE) {
        return "cache: at most 1h";
    }
    opt->wants.scopes = opt->scopes;
    if (opt->credentials != NULL) {
        error = read_credentials(opt, pconf);
    }
    if (error == NULL && opt->cache > 0) {
        error = qp_store_open(self, opt->store, "oauth2");
    }
    return error;
}

QP_PLUGIN(auth_oauth2) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .setup = setup,
    .hooks.auth_token = hook_auth_token,
    .hooks.post_fork = hook_post_fork,
};
