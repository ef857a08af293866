/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses for now what it sees for the first time, and lets it pass when it
 * comes again. What was seen is in a store, which jobs ask; the state of a
 * session lives as long as its transaction. It does not judge content.

=pod

=head1 NAME

greylisting - refuse for now what is seen for the first time

=head1 SYNOPSIS

In F<config/plugins>, below C<relay> and C<whitelist>:

    greylisting
    greylisting black_timeout 5m white_timeout 60d
    greylisting sender 1 recipient 1 store redis:127.0.0.1:6379

=head1 DESCRIPTION

A message from a client that is not known is answered 450. Real mail servers
come again; most senders of spam do not. A client that comes again after
C<black_timeout> and within C<grey_timeout> is let pass, and is then known: all
of its mail passes at once, as long as it sends some within C<white_timeout>.

"A client" is a key of up to three parts: its network, the sender, the
recipient. By default it is the network alone. IPv4 addresses count by
themselves, IPv6 addresses by their /64, within which a client can choose.

The sender is looked at in MAIL. With C<recipient> or C<per_recipient> it is
RCPT instead, and other recipients of the message may pass. There the null
sender, which other servers use to check addresses, is not refused before DATA;
with C<deny_late> nobody is.

Clients that may relay or are whitelisted pass, and so does a message all of
whose recipients are in L<whitelist>'s C<whitelistrcpt>, if it is not refused
before DATA.

=head2 Exceptions

Config C<greylist_exclude_files> names files, by their path, or config keys. A
line of these is an address or a network; a host name; or a Perl-compatible
regular expression between slashes, which is looked for in the host name. Host
names are compared with the verified name of the client, for which the DNS is
asked if there are such lines.

=head2 The store

What was seen is in files, by default F<greylist.*> in the folder F<store> of
the spool folder, which all children of httpd share; or in a Redis server, which
several servers can share. If the store cannot be used, or does not answer
within some seconds, messages pass, and an error is logged.

C<socache:PROVIDER> and C<socache:PROVIDER:ARGS> are small object caches of
httpd, whose module has to be loaded before; C<ARGS> is what its manual calls
the arguments of the provider:

=over 4

=item socache:shmcb:F</PATH>(I<SIZE>)

Memory that the children share (mod_socache_shmcb); without arguments 512 kB of
it. When it is full the oldest records go. Size it by 150 octets for a record.

=item socache:dbm:F</PATH>

A file (mod_socache_dbm).

=item socache:redis:I<HOST>:I<PORT>, socache:memcache:I<HOST>:I<PORT>

Servers (mod_socache_redis, mod_socache_memcache), by the connections and with
the directives of these modules; several are separated by commas.

=back

The first two begin empty at each start and each restart of httpd, also a
graceful one, such as rotation of the logs may do: all clients are then new. So
they suit short times; for the times that are the default here take C<dbm> or
Redis. memcached keeps records for 30 days at most, and a server that does not
answer at all holds up a job for as long as it likes, as its module knows no
time; mail then passes after C<timeout>. Watch it, or take Redis. On a machine
one access at a time is made to such a cache (C<Mutex> of httpd,
C<qpsmtpd-store>); C<redis:HOST> has no such bound, and is exact also when two
machines see a client at the same moment.

=head1 CONFIGURATION

=over 4

=item remote_ip

Whether the network of the client is in the key. The default is yes.

=item sender

Whether the sender is. The default is no.

=item recipient

Whether the recipient is. The default is no.

=item ipv4_prefix

Bits of an IPv4 address that are its network, from 8 to 32. The default is 32.

=item ipv6_prefix

The same for IPv6, from 16 to 128. The default is 64.

=item black_timeout

How long a new key is refused. The default is 50 minutes.

=item grey_timeout

Until when it has to have come again; after that it is new. The default is 200
minutes.

=item white_timeout

How long a key is known after its last message. The default is 36 days.

=item deny_late

Whether the refusal waits until DATA. The default is no.

=item per_recipient

Whether each recipient may have settings of its own, in its config
C<denysoft_greylist> (see L<user_config>). The default is no.

=item mode

C<denysoft> refuses; C<testonly> only logs and sets the note C<greylist>; C<off>
does nothing, which is of use for single recipients. The default is C<denysoft>.

=item store

Where it is: C<dbm>, C<dbm:PATH>, C<redis:HOST:PORT> or C<redis:/SOCKET>, the
latter two with C<PASSWORD@> before the host and C<#NUMBER> of a database behind
it if need be; or C<socache:PROVIDER>, as above. The default is C<dbm>.

=item db_dir

As in qpsmtpd: the folder of the files. The same as C<store dbm:DIR/greylist>.

=item redis

As in qpsmtpd: HOST or HOST:PORT. The same as C<store redis:HOST:PORT>.

=item nfslock

=item upgrade

As in qpsmtpd; they have no effect.

=back

Times are numbers of seconds, or have C<s>, C<m>, C<h> or C<d> behind them. By
default a refusal is one for now; C<reject> and C<reject_type>, which all
plugins have, change that.

=head1 FILES

=over 4

=item F<denysoft_greylist>

Lines such as C<black_timeout 300>: the options from C<remote_ip> to
C<deny_late>, and C<mode>. They take precedence over those in
F<config/plugins>, and a change needs no restart.

=item F<greylist_exclude_files>

Files with exceptions. A change of it, or of these files, needs no restart.

=back

=head1 DIAGNOSTICS

=over 4

=item greylisting: pass, I<KEY> is known, message I<N>

=item greylisting: pass, all recipients are whitelisted

=item greylisting: skip, I<WHAT> is in I<FILE>

The message may go on.

=item greylisting: I<KEY> is new

=item greylisting: I<KEY> came too early, I<N> s are left

=item greylisting: fail, I<TEXT>

It is refused, now or at DATA.

=item greylisting: fail, tolerated, as the mode is testonly

It would be refused.

=item greylisting: error, the store cannot be asked, so it passes: I<REASON>

The store is out of order: mend it, until then greylisting does nothing.

=back

=head1 SEE ALSO

L<whitelist>, L<user_config>, L<relay>, F<docs/plugins.md>

=cut

*/

#include "greylist_record.h"

#define KEY_LINES    "denysoft_greylist"
#define KEY_EXCLUDES "greylist_exclude_files"
#define NOTE         "greylist"

/* How long a session waits for the store, in all. */
#define LONGEST      apr_time_from_sec(8)

struct opts {
    struct grey_set set;
    int per_recipient, nfslock, upgrade;
    const char *store;
    const char *db_dir;
    const char *redis;
};

/* A question to the store, in the job's pool. */
struct ask {
    const qp_plugin *self;
    struct grey_set set;
    const char *key;
    struct grey_judgement judgement; /* out */
    const char *error;               /* out: or NULL */
};

struct txn {
    apr_pool_t *pool; /* of a question, or NULL */
    struct ask *ask;
    qp_wait *waits[2];         /* for the answer, and for too long */
    int is_late;               /* all of it is to be refused at DATA */
    apr_array_header_t *rcpts; /* of const qp_addr *: these are; or NULL */
};

static const char *const mode_words[] = GREY_WORDS_MODE;

static const qp_opt opt_table[] = {
    QP_OPT_BOOL(struct opts, set.remote_ip, "remote_ip", "yes"),
    QP_OPT_BOOL(struct opts, set.sender, "sender", "no"),
    QP_OPT_BOOL(struct opts, set.recipient, "recipient", "no"),
    QP_OPT_INT(struct opts, set.ipv4_prefix, "ipv4_prefix", "32", 8, 32),
    QP_OPT_INT(struct opts, set.ipv6_prefix, "ipv6_prefix", "64", 16, 128),
    QP_OPT_TIME(struct opts, set.black_timeout, "black_timeout", "3000"),
    QP_OPT_TIME(struct opts, set.grey_timeout, "grey_timeout", "12000"),
    QP_OPT_TIME(struct opts, set.white_timeout, "white_timeout", "3110400"),
    QP_OPT_BOOL(struct opts, set.deny_late, "deny_late", "no"),
    QP_OPT_BOOL(struct opts, per_recipient, "per_recipient", "no"),
    QP_OPT_ENUM(struct opts, set.mode, "mode", "denysoft", mode_words),
    QP_OPT_STR(struct opts, store, "store", "dbm"),
    QP_OPT_PATH(struct opts, db_dir, "db_dir", NULL),
    QP_OPT_STR(struct opts, redis, "redis", NULL),
    QP_OPT_BOOL(struct opts, nfslock, "nfslock", "no"),
    QP_OPT_BOOL(struct opts, upgrade, "upgrade", "no"),
    QP_OPT_DEFAULT("reject_type", "temp"),
    QP_OPT_END,
};

/* ---- exceptions ---------------------------------------------------------- */

/* What a file of exceptions comes to. */
struct excluded {
    apr_array_header_t *nets; /* of qp_net */
    void *names;              /* for qp_pattern_find(); or NULL */
};

static const char *read_exception(const char *line, void **whole,
                                  apr_pool_t *pool)
{
    struct excluded *excluded = *whole;
    qp_net net;

    if (excluded == NULL) {
        excluded = apr_pcalloc(pool, sizeof(*excluded));
        excluded->nets = apr_array_make(pool, 8, sizeof(qp_net));
        *whole = excluded;
    }
    if (qp_net_parse(line, &net) == NULL) {
        APR_ARRAY_PUSH(excluded->nets, qp_net) = net;
        return NULL;
    }
    return qp_pattern_words(line, &excluded->names, pool);
}

/* Looks into one file. @return QP_OK, QP_DECLINED: not in it, or QP_YIELD */
static qp_rc look_into(const qp_plugin *self, qp_session *qp, const char *file)
{
    const struct excluded *excluded = qp_list(qp, file, read_exception);
    const qp_conn *conn = qp_connection(qp);
    qp_ip ip;

    if (excluded == NULL) {
        return QP_DECLINED;
    }
    if (qp_net_ip(qp_conn_remote_ip(conn), &ip)
        && qp_net_find(excluded->nets, &ip) != NULL) {
        qp_skip(self, qp, "%s is in %s", qp_conn_remote_ip(conn), file);
        return QP_OK;
    }
    if (excluded->names == NULL) {
        return QP_DECLINED;
    }
    if (qp_client_name_verify(qp) == QP_CLIENT_NAME_PENDING) {
        return qp_client_name_await(qp);
    }
    if (qp_pattern_find(self, qp, excluded->names, qp_conn_remote_host(conn))
        == NULL) {
        return QP_DECLINED;
    }
    qp_skip(self, qp, "%s is in %s", qp_conn_remote_host(conn), file);
    return QP_OK;
}

static qp_rc find_exception(const qp_plugin *self, qp_session *qp)
{
    const apr_array_header_t *files = qp_config(qp, KEY_EXCLUDES);
    qp_rc rc = QP_DECLINED;
    int i;

    for (i = 0; i < files->nelts && rc == QP_DECLINED; i++) {
        rc = look_into(self, qp, APR_ARRAY_IDX(files, i, const char *));
    }
    return rc;
}

/* ---- asking the store ---------------------------------------------------- */

static const char *change_record(const char *old, void *baton,
                                 apr_interval_time_t *ttl, apr_pool_t *pool)
{
    struct ask *ask = baton;
    apr_time_t now = apr_time_now();
    struct grey_record record;
    int is_known = read_record(old, &record);

    judge_record(&ask->set, now, &record, is_known, &ask->judgement);
    *ttl = record_life(&ask->set, now, &record);
    return apr_psprintf(pool,
                        "%" APR_INT64_T_FMT ":%" APR_INT64_T_FMT
                        ":%" APR_INT64_T_FMT ":%" APR_INT64_T_FMT,
                        record.time, record.fresh, record.black, record.white);
}

static apr_status_t ask_store(qp_job *job, void *baton)
{
    struct ask *ask = baton;
    qp_store *store = qp_store_begin(ask->self, job);
    apr_status_t rv = qp_store_update(store, ask->key, change_record, ask);

    if (rv != APR_SUCCESS) {
        ask->error = qp_store_error(store);
    }
    return rv;
}

static void start_asking(const qp_plugin *self, qp_session *qp,
                         const struct grey_set *set, const char *key)
{
    struct txn *txn = qp_txn_data(self, qp);
    qp_job *job;

    apr_pool_create(&txn->pool, qp_txn_pool(qp));
    job = qp_job_create(qp, txn->pool);
    txn->ask = apr_pcalloc(qp_job_pool(job), sizeof(*txn->ask));
    txn->ask->self = self;
    txn->ask->set = *set;
    txn->ask->key = apr_pstrdup(qp_job_pool(job), key);
    txn->waits[0] = qp_job_start(job, ask_store, txn->ask);
    txn->waits[1] = qp_timer(qp, LONGEST, txn->pool);
}

static void stop_asking(struct txn *txn)
{
    apr_pool_destroy(txn->pool);
    memset(txn->waits, 0, sizeof(txn->waits));
    txn->pool = NULL;
    txn->ask = NULL;
}

/* An answer that the store does not give is a good one. */
static int is_grey(const qp_plugin *self, qp_session *qp, const struct txn *txn)
{
    const struct ask *ask = txn->ask;
    const char *error = NULL;

    if (!qp_ready(txn->waits[0])) {
        error = "it takes too long";
    }
    else if (qp_wait_status(txn->waits[0]) != APR_SUCCESS) {
        error = ask->error != NULL ? ask->error : "too many jobs are waiting";
    }
    if (error != NULL) {
        qp_error(self, qp, "the store cannot be asked, so it passes: %s",
                 error);
        return 0;
    }
    switch (ask->judgement.verdict) {
    case GREY_NEW:
        qp_log(self, qp, QP_LOG_INFO, "%s is new", ask->key);
        return 1;
    case GREY_BLACK:
        qp_fail(self, qp, "%s came too early, %" APR_INT64_T_FMT " s are left",
                ask->key, ask->judgement.wait);
        return 1;
    case GREY_WHITE:
    default:
        qp_pass(self, qp, "%s is known, message %" APR_INT64_T_FMT, ask->key,
                ask->judgement.count);
        return 0;
    }
}

/* ---- the hooks ----------------------------------------------------------- */

static struct grey_set settings_for(const qp_plugin *self, qp_session *qp,
                                    const qp_addr *rcpt)
{
    const struct opts *opt = qp_opts(self);
    struct grey_set set = opt->set;

    apply_grey_lines(&set, qp_list(qp, KEY_LINES, read_grey_line));
    if (rcpt != NULL && opt->per_recipient) {
        apply_grey_lines(&set,
                         qp_user_list(qp, rcpt, KEY_LINES, read_grey_line));
    }
    return set;
}

static qp_rc refuse(const qp_plugin *self, qp_session *qp)
{
    return qp_reject_dsn(self, qp, 7, 1,
                         "Not known yet, please try again later");
}

/* Refuses now, or notes what is to be refused at DATA. */
static qp_rc settle(const qp_plugin *self, qp_session *qp,
                    const struct grey_set *set, const qp_addr *rcpt)
{
    struct txn *txn = qp_txn_data(self, qp);
    const qp_addr *sender = qp_txn_sender(qp_transaction(qp));
    apr_pool_t *ptxn = qp_txn_pool(qp);
    qp_addr *copy;

    qp_note_set(qp_txn_notes(qp_transaction(qp)), NOTE, "1");
    if (set->mode == GREY_TESTONLY) {
        qp_fail(self, qp, "tolerated, as the mode is testonly");
        return QP_DECLINED;
    }
    if (!set->deny_late && (rcpt == NULL || !qp_addr_is_null(sender))) {
        return refuse(self, qp);
    }
    if (rcpt == NULL) {
        txn->is_late = 1;
        return QP_DECLINED;
    }
    if (txn->rcpts == NULL) {
        txn->rcpts = apr_array_make(ptxn, 4, sizeof(const qp_addr *));
    }
    copy = apr_palloc(ptxn, sizeof(*copy));
    copy->user = apr_pstrdup(ptxn, rcpt->user);
    copy->host = apr_pstrdup(ptxn, rcpt->host);
    APR_ARRAY_PUSH(txn->rcpts, const qp_addr *) = copy;
    return QP_DECLINED;
}

/* @param rcpt  NULL: of MAIL */
static qp_rc judge(const qp_plugin *self, qp_session *qp, const qp_addr *sender,
                   const qp_addr *rcpt)
{
    struct txn *txn = qp_txn_data(self, qp);
    struct grey_set set = settings_for(self, qp, rcpt);
    const char *key;
    int grey;
    qp_rc rc;

    if (txn->pool == NULL) {
        if (set.mode == GREY_OFF || qp_is_immune(self, qp)) {
            return QP_DECLINED;
        }
        key = grey_key(&set, qp_conn_remote_ip(qp_connection(qp)), sender, rcpt,
                       qp_pool(qp));
        rc = key != NULL ? find_exception(self, qp) : QP_OK;
        if (rc != QP_DECLINED) {
            return rc == QP_OK ? QP_DECLINED : rc;
        }
        start_asking(self, qp, &set, key);
    }
    if (!qp_ready(txn->waits[0]) && !qp_ready(txn->waits[1])) {
        return qp_await_any(qp, txn->waits, 2);
    }
    grey = is_grey(self, qp, txn);
    stop_asking(txn);
    return grey ? settle(self, qp, &set, rcpt) : QP_DECLINED;
}

/* Whether recipients are looked at, and not the message as a whole. */
static int is_for_rcpt(const qp_plugin *self, qp_session *qp)
{
    const struct opts *opt = qp_opts(self);

    return opt->per_recipient || settings_for(self, qp, NULL).recipient;
}

static qp_rc hook_mail(const qp_plugin *self, qp_session *qp,
                       const qp_mail_arg *arg)
{
    return is_for_rcpt(self, qp) ? QP_DECLINED
                                 : judge(self, qp, arg->sender, NULL);
}

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    if (!is_for_rcpt(self, qp)) {
        return QP_DECLINED;
    }
    return judge(self, qp, qp_txn_sender(qp_transaction(qp)), arg->rcpt);
}

static int has_addr(const apr_array_header_t *addrs, const qp_addr *addr)
{
    int i;

    for (i = 0; addrs != NULL && i < addrs->nelts; i++) {
        if (qp_addr_equal(APR_ARRAY_IDX(addrs, i, const qp_addr *), addr)) {
            return 1;
        }
    }
    return 0;
}

/* What is left of the refusals, once the recipients are known that count. */
static qp_rc hook_data(const qp_plugin *self, qp_session *qp,
                       const qp_data_arg *arg)
{
    const struct txn *txn = qp_txn_data(self, qp);
    qp_txn *transaction = qp_transaction(qp);
    const apr_array_header_t *rcpts = qp_txn_rcpts(transaction);
    const apr_array_header_t *white =
        qp_note_ptr(qp_txn_notes(transaction), QP_NOTE_WHITELISTRCPT);
    const qp_addr *rcpt;
    int i;

    if ((!txn->is_late && txn->rcpts == NULL) || qp_is_immune(self, qp)) {
        return QP_DECLINED;
    }
    for (i = 0; i < rcpts->nelts; i++) {
        rcpt = APR_ARRAY_IDX(rcpts, i, const qp_addr *);
        if (!has_addr(white, rcpt)
            && (txn->is_late || has_addr(txn->rcpts, rcpt))) {
            return refuse(self, qp);
        }
    }
    qp_pass(self, qp, "all recipients are whitelisted");
    return QP_DECLINED;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);
    const char *where = opt->store;
    const char *error;

    if (opt->redis != NULL) {
        where = apr_pstrcat(pconf, "redis:", opt->redis, NULL);
    }
    else if (opt->db_dir != NULL) {
        where = apr_pstrcat(pconf, "dbm:", opt->db_dir, "/greylist", NULL);
    }
    error = qp_store_open(self, where, "greylist");
    return error != NULL ? error
                         : qp_list_check(self, KEY_LINES, read_grey_line);
}

QP_PLUGIN(greylisting) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .setup = setup,
    .hooks.mail = hook_mail,
    .hooks.rcpt = hook_rcpt,
    .hooks.data = hook_data,
};
