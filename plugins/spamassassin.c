/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has messages judged by SpamAssassin's spamd. A job talks to spamd, and what
 * it keeps lives as long as that job; what is known in the end lives as long as
 * the transaction. It does not teach SpamAssassin anything.

=pod

=head1 NAME

spamassassin - have messages judged by SpamAssassin

=head1 SYNOPSIS

In F<config/plugins>, behind plugins that refuse for less:

    spamassassin
    spamassassin reject 15 munge_subject_threshold 8
    spamassassin spamd_socket /run/spamd.sock defer_on_error yes

=head1 DESCRIPTION

Each message is sent to spamd (protocol SPAMC 1.4), with the C<Received> of this
server on top, and above it C<X-Envelope-From> with the sender. The fields
C<X-Spam-...> that spamd answers are added on top of the message; if the score
is at least C<reject>, the message is refused.

Fields C<X-Spam-...> that the message had are renamed first, so that nobody
takes them for ours.

Clients that may relay or are whitelisted are left alone, and messages above
C<size_limit> are not sent to spamd.

If spamd cannot be reached, takes longer than C<timeout> or answers something
that is not understood, the message goes on unjudged, and the log says so. With
C<defer_on_error yes> the client is answered 452 and tries again. While spamd
works no thread that serves clients is held.

=head1 CONFIGURATION

=over 4

=item spamd_socket

Where spamd is: I<HOST>C<:>I<PORT>, C<[>I<IPV6>C<]:>I<PORT>, I<HOST>, or the
path of a socket. The default is C<localhost:783>.

=item spamd_user

The user whose preferences count. C<vpopmail> stands for the recipient, if there
is only one. Without it, spamd takes its own.

=item timeout

How long spamd may take in all, up to 30m. The default is 1m.

=item defer_on_error

What follows when spamd has no verdict: with C<yes> the message is deferred,
with C<no>, the default, it goes on.

=item size_limit

Octets of the largest message that is judged. The default is 500000.

=item reject

The score from which on messages are refused; C<userprefs> is what SpamAssassin
calls C<required_score>. The default is C<no>: none is refused. The argument
C<reject_type> is honoured.

=item reject_threshold

The same, in older versions.

=item munge_subject_threshold

The score from which on C<subject_prefix> is put in front of the subject of
spam.

=item subject_prefix

What is put there. The default is C<*** SPAM ***>.

=item headers

With C<none> no fields are added; C<all> is the default.

=item leave_old_headers

What happens to the C<X-Spam-...> of the message as it came: C<rename>, the
default, makes C<X-Old-Spam-...> of them, C<drop> removes and C<keep> keeps
them.

=back

=head1 FILES

=over 4

=item F<subject_prefix>

If it is there, it is used instead of the argument.

=back

=head1 NOTES

The transaction has a note C<spamassassin> with the verdict; see
F<plugins/spamassassin.h>. The karma of the connection falls by 1 for spam, and
again by 1, or rises by 1, if SpamAssassin has learned the message as spam or as
ham.

=head1 DIAGNOSTICS

=over 4

=item spamassassin: pass, ham, I<SCORE> of I<REQUIRED>, tests I<TESTS>

=item spamassassin: pass, spam, I<SCORE> of I<REQUIRED>, tests I<TESTS>

It is spam, but not so much that it is refused.

=item spamassassin: fail, I<WHY>

=item spamassassin: skip, I<N> octets are too many

=item spamassassin: error, cannot I<DO SOMETHING> I<SPAMD>: I<WHY>

There is no verdict.

=back

=head1 SEE ALSO

L<spamd(8)>, L<Mail::SpamAssassin::Conf(3)>

=cut

*/

#include <limits.h>
#include <stdlib.h>

#include "spamassassin_ask.h"

#define DEFAULT_PORT 783
#define MAX_TIMEOUT  apr_time_from_sec(1800)

struct opts {
    const char *socket;
    const char *user;
    apr_interval_time_t timeout;
    int defer;
    apr_off_t size_limit;
    const char *reject;
    const char *reject_threshold;
    const char *munge;
    const char *prefix;
    int headers;
    int old;
    /* Made of these by setup: */
    const char *host; /* or a path */
    int port;         /* 0: it is a path */
    long reject_at;   /* thousandths, or one of those below */
    long munge_at;
};

#define NEVER       LONG_MAX
#define AT_REQUIRED LONG_MIN

enum { HEADERS_ALL, HEADERS_NONE };
static const char *const header_words[] = { "all", "none", NULL };
enum { OLD_RENAME, OLD_DROP, OLD_KEEP };
static const char *const old_words[] = { "rename", "drop", "keep", NULL };

static const qp_opt opt_table[] = {
    QP_OPT_STR(struct opts, socket, "spamd_socket", "localhost:783"),
    QP_OPT_STR(struct opts, user, "spamd_user", NULL),
    QP_OPT_TIME(struct opts, timeout, "timeout", "1m"),
    QP_OPT_BOOL(struct opts, defer, "defer_on_error", "no"),
    QP_OPT_SIZE(struct opts, size_limit, "size_limit", "500000"),
    QP_OPT_STR(struct opts, reject, "reject", NULL),
    QP_OPT_STR(struct opts, reject_threshold, "reject_threshold", NULL),
    QP_OPT_STR(struct opts, munge, "munge_subject_threshold", NULL),
    QP_OPT_STR(struct opts, prefix, "subject_prefix", "*** SPAM ***"),
    QP_OPT_ENUM(struct opts, headers, "headers", "all", header_words),
    QP_OPT_ENUM(struct opts, old, "leave_old_headers", "rename", old_words),
    QP_OPT_DEFAULT("timeout", "1h"),
    QP_OPT_END,
};

struct txn {
    struct ask *ask;
    qp_wait *done;
    qp_wait *late;
};

/* The session. ------------------------------------------------------------ */

/* A name that cannot end the line that it stands in. */
static const char *find_user(const qp_plugin *self, qp_session *qp,
                             apr_pool_t *pool)
{
    const struct opts *opt = qp_opts(self);
    const apr_array_header_t *rcpts = qp_txn_rcpts(qp_transaction(qp));
    const char *user = opt->user;
    const char *p;

    if (user != NULL && strcmp(user, "vpopmail") == 0 && rcpts->nelts == 1) {
        user = qp_addr_text(APR_ARRAY_IDX(rcpts, 0, const qp_addr *), pool);
    }
    for (p = user; p != NULL && *p != '\0'; p++) {
        if (!apr_isgraph(*p)) {
            return NULL;
        }
    }
    return user != NULL ? apr_pstrdup(pool, user) : NULL;
}

static const char *make_envelope(qp_session *qp, apr_pool_t *pool)
{
    char *sender =
        apr_pstrdup(pool,
                    qp_addr_format(qp_txn_sender(qp_transaction(qp)), pool));
    char *p;

    for (p = sender; *p != '\0'; p++) {
        if (apr_iscntrl(*p)) {
            *p = '?';
        }
    }
    return apr_pstrcat(pool, "X-Envelope-From: ", sender, "\r\n", NULL);
}

static void start_ask(const qp_plugin *self, qp_session *qp, struct txn *txn)
{
    const struct opts *opt = qp_opts(self);
    const unsigned int flags =
        QP_READ_MESSAGE | QP_READ_CRLF | QP_READ_DETACHED;
    qp_job *job = qp_job_create(qp, qp_txn_pool(qp));
    apr_pool_t *pool = qp_job_pool(job);
    struct ask *ask = apr_pcalloc(pool, sizeof(*ask));

    ask->host = opt->host;
    ask->port = opt->port;
    ask->want_fields = opt->headers == HEADERS_ALL;
    ask->user = find_user(self, qp, pool);
    ask->envelope = make_envelope(qp, pool);
    ask->measured = qp_txn_reader(qp_transaction(qp), flags, pool);
    ask->reader = qp_txn_reader(qp_transaction(qp), flags, pool);
    ask->end = qp_now() + opt->timeout;
    ask->reply.pool = pool;
    ask->reply.length = -1;
    ask->reply.fields =
        apr_array_make(pool, SPAM_MAX_FIELDS, sizeof(struct spam_field));
    ask->reply.result.tests = "";
    ask->reply.result.autolearn = "";
    txn->ask = ask;
    txn->late = qp_timer(qp, opt->timeout, qp_txn_pool(qp));
    txn->done = qp_job_start(job, ask_spamd, ask);
}

static void disown_fields(const qp_plugin *self, qp_header *header,
                          apr_pool_t *pool)
{
    const struct opts *opt = qp_opts(self);
    const char *name;
    const char *value;
    int i = 0;

    if (opt->old == OLD_KEEP) {
        return;
    }
    while (qp_header_field(header, i, &name, &value)) {
        if (strncasecmp(name, "X-Spam-", 7) != 0) {
            i++;
        }
        else if (opt->old == OLD_DROP) {
            qp_header_delete(header, name, 0);
        }
        else {
            qp_header_rename(header, name, 0,
                             apr_pstrcat(pool, "X-Old-", name + 2, NULL));
        }
    }
}

/* On top, in the order in which spamd has them. */
static void add_fields(const qp_plugin *self, qp_session *qp,
                       const struct ask *ask)
{
    qp_txn *txn = qp_transaction(qp);
    const apr_array_header_t *fields = ask->reply.fields;
    const struct spam_field *field;
    int i;

    if (ask->user != NULL && ask->want_fields && qp_txn_rcpts(txn)->nelts > 1) {
        qp_header_add(qp_txn_header(txn), "X-Spam-User", ask->user,
                      QP_HEADER_TOP);
    }
    for (i = fields->nelts - 1; i >= 0; i--) {
        field = &APR_ARRAY_IDX(fields, i, struct spam_field);
        qp_header_add(qp_txn_header(txn), field->name, field->value,
                      QP_HEADER_TOP);
    }
}

static void munge_subject(const qp_plugin *self, qp_session *qp)
{
    const struct opts *opt = qp_opts(self);
    qp_header *header = qp_txn_header(qp_transaction(qp));
    const char *subject = qp_header_get(header, "Subject", 0);
    const char *prefix = qp_config_first(qp, "subject_prefix");

    if (prefix == NULL) {
        prefix = opt->prefix;
    }
    if (subject == NULL) {
        qp_header_add(header, "Subject", prefix, QP_HEADER_END);
        return;
    }
    if (!qp_header_replace(header, "Subject", 0,
                           apr_pstrcat(qp_pool(qp), prefix, " ", subject,
                                       NULL))) {
        qp_log(self, qp, QP_LOG_DEBUG, "the subject has gone");
    }
}

static void keep_result(qp_session *qp, const struct ask *ask)
{
    const spamassassin_result *from = &ask->reply.result;
    apr_pool_t *pool = qp_txn_pool(qp);
    spamassassin_result *result = apr_pcalloc(pool, sizeof(*result));

    result->is_spam = from->is_spam;
    result->score = apr_pstrdup(pool, from->score);
    result->required = apr_pstrdup(pool, from->required);
    result->autolearn = apr_pstrdup(pool, from->autolearn);
    result->tests = apr_pstrdup(pool, from->tests);
    qp_note_set_ptr(qp_txn_notes(qp_transaction(qp)), SPAMASSASSIN_NOTE,
                    result);
    if (result->is_spam) {
        qp_karma_adjust(qp, -1);
    }
    if (strcmp(result->autolearn, "ham") == 0) {
        qp_karma_adjust(qp, 1);
    }
    else if (strcmp(result->autolearn, "spam") == 0) {
        qp_karma_adjust(qp, -1);
    }
}

static qp_rc judge_verdict(const qp_plugin *self, qp_session *qp,
                           const struct ask *ask)
{
    const struct opts *opt = qp_opts(self);
    const struct spam_reply *reply = &ask->reply;
    long reject_at =
        opt->reject_at == AT_REQUIRED ? reply->required : opt->reject_at;

    keep_result(qp, ask);
    add_fields(self, qp, ask);
    if (reply->result.is_spam && reply->score >= opt->munge_at) {
        munge_subject(self, qp);
    }
    if (reject_at != NEVER && reply->score >= reject_at) {
        qp_log(self, qp, QP_LOG_DEBUG, "tests %s", reply->result.tests);
        return qp_reject(self, qp, "The message looks like spam (score %s)",
                         reply->result.score);
    }
    qp_pass(self, qp, "%s, %s of %s, tests %s",
            reply->result.is_spam ? "spam" : "ham", reply->result.score,
            reply->result.required, reply->result.tests);
    return QP_DECLINED;
}

static qp_rc give_up(const qp_plugin *self, qp_session *qp, const char *why)
{
    const struct opts *opt = qp_opts(self);

    qp_error(self, qp, "%s", why);
    return opt->defer ? qp_return_dsn(qp, QP_DENYSOFT, 3, 0,
                                      "The message cannot be checked now")
                      : QP_DECLINED;
}

static qp_rc finish_ask(const qp_plugin *self, qp_session *qp, struct txn *txn)
{
    const struct opts *opt = qp_opts(self);
    char reason[128];
    apr_status_t rv;

    if (!qp_ready(txn->done)) { /* the job is not to be looked at */
        return give_up(self, qp,
                       apr_psprintf(qp_pool(qp), "no verdict of %s in time",
                                    opt->socket));
    }
    rv = qp_wait_status(txn->done);
    if (rv == APR_SUCCESS) {
        return judge_verdict(self, qp, txn->ask);
    }
    if (txn->ask->peer != NULL && *qp_peer_error(txn->ask->peer) != '\0') {
        return give_up(self, qp, qp_peer_error(txn->ask->peer));
    }
    return give_up(self, qp,
                   apr_psprintf(qp_pool(qp), "cannot ask %s: %s", opt->socket,
                                apr_strerror(rv, reason, sizeof(reason))));
}

static qp_rc hook_data_post(const qp_plugin *self, qp_session *qp,
                            const qp_data_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct txn *txn = qp_txn_data(self, qp);
    qp_txn *message = qp_transaction(qp);
    qp_wait *waits[2];

    if (txn->done == NULL) {
        if (qp_is_immune(self, qp)) {
            return QP_DECLINED;
        }
        disown_fields(self, qp_txn_header(message), qp_pool(qp));
        if (qp_txn_data_size(message) > opt->size_limit) {
            qp_skip(self, qp, "%" APR_OFF_T_FMT " octets are too many",
                    qp_txn_data_size(message));
            return QP_DECLINED;
        }
        start_ask(self, qp, txn);
    }
    if (!qp_ready(txn->done) && !qp_ready(txn->late)) {
        waits[0] = txn->done;
        waits[1] = txn->late;
        return qp_await_any(qp, waits, 2);
    }
    return finish_ask(self, qp, txn);
}

/* Start. ------------------------------------------------------------------ */

/* HOST, HOST:PORT, [IPV6]:PORT, or a path. @return NULL, or what is wrong */
static const char *parse_socket(struct opts *opt, apr_pool_t *pconf)
{
    char *host = apr_pstrdup(pconf, opt->socket);
    char *colon = strrchr(host, ':');
    char *end;

    opt->host = host;
    opt->port = 0;
    if (*host == '/') {
        return NULL;
    }
    opt->port = DEFAULT_PORT;
    if (*host == '[' && (end = strchr(host, ']')) != NULL) {
        *end = '\0';
        opt->host = host + 1;
        colon = end[1] == ':' ? end + 1 : NULL;
        if (colon == NULL && end[1] != '\0') {
            return "spamd_socket: behind ] comes :PORT";
        }
    }
    else if (colon != NULL && strchr(host, ':') != colon) {
        colon = NULL; /* an IPv6 address as it is */
    }
    if (colon != NULL) {
        *colon = '\0';
        opt->port = (int)strtol(colon + 1, &end, 10);
        if (!apr_isdigit(colon[1]) || *end != '\0' || opt->port < 1
            || opt->port > 65535) {
            return "spamd_socket: the port is a number within 1..65535";
        }
    }
    return *opt->host == '\0' || strpbrk(opt->host, " \t/[]") != NULL
               ? "spamd_socket: it is HOST:PORT, or a path that begins with /"
               : NULL;
}

/* @return NULL, or what is wrong */
static const char *parse_threshold(const char *name, const char *text, long *at,
                                   apr_pool_t *pconf)
{
    *at = NEVER;
    if (text == NULL || strcmp(text, "0") == 0 || strcasecmp(text, "no") == 0) {
        return NULL;
    }
    if (strcmp(text, "userprefs") == 0 && strcmp(name, "reject") == 0) {
        *at = AT_REQUIRED;
        return NULL;
    }
    return parse_score(text, at)
               ? NULL
               : apr_psprintf(pconf, "%s: \"%s\" is no score", name, text);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    struct opts *opt = qp_opts_edit(self);
    const char *error = parse_socket(opt, pconf);

    if (error == NULL) {
        error = parse_threshold("reject",
                                opt->reject != NULL ? opt->reject
                                                    : opt->reject_threshold,
                                &opt->reject_at, pconf);
    }
    if (error == NULL) {
        error = parse_threshold("munge_subject_threshold", opt->munge,
                                &opt->munge_at, pconf);
    }
    if (error == NULL && (opt->timeout <= 0 || opt->timeout > MAX_TIMEOUT)) {
        error = "timeout: more than 0 and up to 30m";
    }
    return error;
}

QP_PLUGIN(spamassassin) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .setup = setup,
    .hooks.data_post = hook_data_post,
};
