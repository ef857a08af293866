/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivers messages into Maildirs. What it keeps lives as long as the command.
 * It does not know users or quotas, and leaves nothing behind when it fails.

=pod

=head1 NAME

queue/maildir - deliver messages into Maildirs

=head1 SYNOPSIS

In F<config/plugins>:

    queue/maildir /var/mail/qpsmtpd
    queue/maildir /var/mail %d/%l
    queue/maildir /var/mail %d/%l/Maildir 0770

=head1 DESCRIPTION

Without a pattern, each message becomes one file in one Maildir, with a
C<Delivered-To> field for each recipient. A program that looks into F<new> can
take it from there.

With a pattern, each recipient has a Maildir of his own below the folder, and
the message becomes a file in each of them. In the pattern, C<%l> stands for
the local part of the recipient, C<%d> for the domain in lower case, and C<%u>
for I<local part>C<@>I<domain>. The domain of a recipient without one is
config C<me>.

What is put in stays within its component of the path: every ASCII character
but letters, digits and C<- + _ . , @ => becomes C<_>, so does a dot at its
beginning, and an empty text is C<_>. A domain in UTF-8 is written with
A-labels (C<xn-->...), a local part in UTF-8 as it is. So no recipient leads
out of the folder, but two with unusual names may share a Maildir.
C<postmaster> is written in lower case; otherwise the case of a local part
matters.

A component that would be longer than 200 octets is cut: its first 167 octets,
C<_> and 32 hexadecimal digits of the SHA-1 of all of it. So two long names do
not share a Maildir because their beginnings are alike.

The folder of a recipient is made when the first message comes, and with it
every folder on the way but the ones above the configured folder. A plugin that
knows which recipients there are has to stand above C<rcpt_ok>, or anybody can
make folders without number.

The first field of the file is C<Return-Path> with the sender; such a field
that came with the message is removed (RFC 5321 4.4). Line ends are LF, but
those of a message with BODY=BINARYMIME are CR LF, for its body is stored octet
for octet.

=head2 Safety

The client is told that its message is queued after the message has reached
stable storage for all recipients. All files are first written and flushed in
F<tmp>, then moved to F<new>, and then F<new> is flushed. If anything fails,
none of them remains, and the client is answered 452, so that it tries again
later. With LMTP each Maildir is dealt with for itself, and only the recipients
of one that fails are answered 452.

When a process dies in the middle, a file may remain in F<tmp>. Nobody needs it:
its message was not answered. Each process looks into F<tmp> when it starts, or
with I<subdir> when it first delivers there, and when it delivers there an hour
later. It removes files that this plugin has named: those of processes of this
host that are no more, and those of other hosts that are older than 36 hours.
Others it leaves alone. So hosts, and containers, that share a Maildir must have
different names.

File names are unique over threads, processes and hosts:
I<seconds>.MI<microseconds>PI<process>QI<transaction>.I<host>.

=head1 CONFIGURATION

=over 4

=item dir

The folder, absolute or relative to the config folder. It may be given without
its name, as the first word. It has to be given. It is made when it is missing,
if the folder above it is there and the server may write to it.

=item subdir

The pattern, with at least one of C<%l>, C<%d> and C<%u>. It may be given
without its name, as the second word. There is none by default.

=item perms

The permissions of folders that are made, an octal number. Files get the same
without the permission to execute. The owner must have all. It may be given
without its name, as the third word. The default is 0700.

=back

=head1 DIAGNOSTICS

=over 4

=item queue/maildir: pass, message I<ID> in I<N> Maildirs, first I<PATH>

The message was delivered.

=item queue/maildir: removed I<N> files of dead processes from I<PATH>

A process has died in the middle of deliveries.

=item queue/maildir: error, cannot I<DO SOMETHING> I<PATH>: I<WHY>

The message was not delivered; the client was answered 452 4.3.1 if the file
system is full, otherwise 452 4.3.0.

=item queue/maildir: error, cannot I<DO SOMETHING> I<PATH>: I<WHY>, and I<N> more of I<M> Maildirs

With LMTP: the message was not delivered there, but into the others.

=back

=head1 SEE ALSO

L<queue/discard>, L<maildir(5)>, F<docs/plugins.md>

=cut

*/

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_errno.h>
#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_network_io.h>
#include <apr_strings.h>

#include "maildir_dir.h"
#include "maildir_path.h"
#include "qpsmtpd.h"

static const qp_opt opt_table[] = {
    QP_OPT_WORD_PATH(1, struct opts, dir, "dir", NULL),
    QP_OPT_WORD_STR(2, struct opts, subdir, "subdir", NULL),
    QP_OPT_WORD_STR(3, struct opts, perms, "perms", "0700"),
    QP_OPT_END,
};

#define PERMS_OWNER 0700
#define PERMS_MAX   02777

/* Writes go to the disk in pieces of this size. */
#define BUFFER_SIZE (64 * 1024)

/* File names that are tried before it gives up. */
#define MAX_NAMES   8

static struct copy *nth_copy(const struct delivery *job, int i)
{
    return APR_ARRAY_IDX(job->copies, i, struct copy *);
}

/* "<user@host>", without what could end the line (R28). */
static char *format_addr(const qp_addr *addr, apr_pool_t *pool)
{
    char *text = apr_pstrdup(pool, qp_addr_format(addr, pool));
    char *p;

    for (p = text; *p != '\0'; p++) {
        if (apr_iscntrl(*p)) {
            *p = '?';
        }
    }
    return text;
}

static void add_trace(struct copy *copy, const char *name, const char *value,
                      apr_pool_t *pool)
{
    APR_ARRAY_PUSH(copy->trace, const char *) =
        apr_pstrcat(pool, name, ": ", value, "\n", NULL);
}

static struct copy *find_copy(struct delivery *job, const char *dir)
{
    struct copy *copy = apr_hash_get(job->by_dir, dir, APR_HASH_KEY_STRING);

    if (copy == NULL) {
        copy = apr_pcalloc(job->pool, sizeof(*copy));
        copy->dir = dir;
        copy->trace = apr_array_make(job->pool, 2, sizeof(const char *));
        add_trace(copy, "Return-Path",
                  format_addr(qp_txn_sender(job->txn), job->pool), job->pool);
        apr_hash_set(job->by_dir, dir, APR_HASH_KEY_STRING, copy);
        APR_ARRAY_PUSH(job->copies, struct copy *) = copy;
    }
    return copy;
}

static const char *find_dir(const struct delivery *job, const qp_addr *rcpt)
{
    if (job->opt->subdir == NULL) {
        return job->opt->dir;
    }
    return apr_pstrcat(job->pool, job->opt->dir, "/",
                       maildir_path(job->qp, job->opt->subdir, rcpt, job->pool),
                       NULL);
}

/* Finds the Maildirs, each once, and each recipient once. */
static void plan_copies(struct delivery *job)
{
    const apr_array_header_t *rcpts = qp_txn_rcpts(job->txn);
    apr_hash_t *seen = apr_hash_make(job->pool);
    const qp_addr *rcpt;
    const char *dir;
    char *text;
    int i;

    for (i = 0; i < rcpts->nelts; i++) {
        rcpt = APR_ARRAY_IDX(rcpts, i, const qp_addr *);
        /* Delivered-To has no angle brackets. */
        text = format_addr(rcpt, job->pool) + 1;
        text[strlen(text) - 1] = '\0';
        if (apr_hash_get(seen, text, APR_HASH_KEY_STRING) == NULL) {
            apr_hash_set(seen, text, APR_HASH_KEY_STRING, text);
            dir = find_dir(job, rcpt);
            add_trace(find_copy(job, dir), "Delivered-To", text, job->pool);
        }
    }
}

/* The lines on top have the line ends of the message. */
static const char *join_trace(const struct copy *copy, int is_binary,
                              apr_pool_t *pool)
{
    const char *from = apr_array_pstrcat(pool, copy->trace, '\0');
    char *text = apr_palloc(pool, 2 * strlen(from) + 1);
    char *to = text;

    for (; *from != '\0'; from++) {
        if (*from == '\n' && is_binary) {
            *to++ = '\r';
        }
        *to++ = *from;
    }
    *to = '\0';
    return text;
}

static apr_status_t put_message(struct delivery *job, const struct copy *copy,
                                apr_file_t *file)
{
    apr_pool_t *pool = apr_file_pool_get(file);
    qp_reader *reader = qp_txn_reader(job->txn, QP_READ_MESSAGE, pool);
    const char *data = join_trace(copy, qp_txn_is_binary(job->txn), pool);
    apr_size_t len = strlen(data);
    apr_status_t rv;

    do {
        rv = apr_file_write_full(file, data, len, NULL);
        if (rv == APR_SUCCESS) {
            rv = qp_reader_block(reader, &data, &len);
        }
    } while (rv == APR_SUCCESS);
    return APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : rv;
}

/* The mode of files in the form of APR, which has a digit in four bits. */
static apr_fileperms_t file_perms(mode_t perms)
{
    return (perms & 0600) << 2 | (perms & 0060) << 1 | (perms & 0006);
}

/* Opens a file in tmp under a name that nobody else has. */
static apr_status_t open_copy(struct delivery *job, struct copy *copy,
                              apr_pool_t *pool, apr_file_t **file)
{
    const char *id = qp_txn_id(job->txn); /* ID.N, letters and digits */
    int len = (int)strcspn(id, ".");
    const char *path;
    apr_status_t rv;
    apr_time_t now;
    int tries = 0;

    do {
        now = apr_time_now();
        copy->name =
            apr_psprintf(job->pool, "%" APR_TIME_T_FMT ".M%06dP%ldQ%.*s_%s.%s",
                         apr_time_sec(now), (int)apr_time_usec(now),
                         (long)getpid(), len, id, id + len + (id[len] != 0),
                         job->host);
        path = apr_pstrcat(job->pool, copy->dir, "/tmp/", copy->name, NULL);
        rv = apr_file_open(file, path,
                           APR_FOPEN_CREATE | APR_FOPEN_EXCL | APR_FOPEN_WRITE
                               | APR_FOPEN_BUFFERED | APR_FOPEN_BINARY,
                           file_perms(job->perms), pool);
    } while (APR_STATUS_IS_EEXIST(rv) && ++tries < MAX_NAMES);
    if (rv != APR_SUCCESS) {
        return fail(job, rv, "create", path);
    }
    copy->path = path;
    apr_file_buffer_set(*file, job->buffer, BUFFER_SIZE);
    return APR_SUCCESS;
}

/* Writes one file in tmp, down to the disk. */
static apr_status_t write_copy(struct delivery *job, struct copy *copy)
{
    apr_pool_t *pool;
    apr_file_t *file;
    apr_status_t rv, closed;

    apr_pool_create(&pool, job->pool);
    rv = open_copy(job, copy, pool, &file);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = apr_file_perms_set(copy->path, file_perms(job->perms));
    if (rv == APR_SUCCESS) {
        rv = put_message(job, copy, file);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_sync(file);
    }
    closed = apr_file_close(file);
    if (rv == APR_SUCCESS) {
        rv = closed;
    }
    apr_pool_destroy(pool);
    return rv != APR_SUCCESS ? fail(job, rv, "write", copy->path) : rv;
}

/* Moves one file to where readers see it. */
static apr_status_t publish_copy(struct delivery *job, struct copy *copy)
{
    const char *dir = apr_pstrcat(job->pool, copy->dir, "/new", NULL);
    const char *path = apr_pstrcat(job->pool, dir, "/", copy->name, NULL);
    apr_status_t rv;

    if (rename(copy->path, path) != 0) {
        return fail(job, errno, "move to new", copy->path);
    }
    copy->path = path;
    rv = sync_folder(job->opt->sync, dir);
    return rv != APR_SUCCESS ? fail(job, rv, "flush", dir) : rv;
}

/* One Maildir, as far as nobody sees it. */
static apr_status_t prepare_copy(struct delivery *job, struct copy *copy)
{
    apr_status_t rv = make_maildir(job, copy->dir);

    if (rv == APR_SUCCESS) {
        sweep_maildir(job->self, job->qp, copy->dir, job->host, job->pool);
        rv = write_copy(job, copy);
    }
    return rv;
}

/* Nobody sees anything before all files are safe. */
static apr_status_t deliver(struct delivery *job)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; rv == APR_SUCCESS && i < job->copies->nelts; i++) {
        rv = prepare_copy(job, nth_copy(job, i));
    }
    for (i = 0; rv == APR_SUCCESS && i < job->copies->nelts; i++) {
        rv = publish_copy(job, nth_copy(job, i));
    }
    return rv;
}

static void remove_copy(struct copy *copy)
{
    if (copy->path != NULL) {
        unlink(copy->path);
        copy->path = NULL;
    }
}

static int is_full(apr_status_t rv)
{
    return APR_STATUS_IS_ENOSPC(rv) || rv == EDQUOT;
}

/* Leaves nothing behind, and says why. */
static qp_rc give_up(const qp_plugin *self, const struct delivery *job,
                     apr_status_t rv)
{
    char why[128];
    int i;

    for (i = 0; i < job->copies->nelts; i++) {
        remove_copy(nth_copy(job, i));
    }
    qp_error(self, job->qp, "cannot %s: %s", job->failed,
             apr_strerror(rv, why, sizeof(why)));
    if (is_full(rv)) {
        return qp_dsn_sys_disk_full(job->qp, NULL);
    }
    return qp_dsn_sys_unspecified(job->qp, "The message could not be stored");
}

/* With LMTP one Maildir that fails is the matter of its recipients alone. */
static void deliver_copy(struct delivery *job, struct copy *copy)
{
    copy->status = prepare_copy(job, copy);
    if (copy->status == APR_SUCCESS) {
        copy->status = publish_copy(job, copy);
    }
    if (copy->status != APR_SUCCESS) {
        remove_copy(copy);
        job->nfailed++;
    }
}

static void tell_rcpts(const struct delivery *job)
{
    const apr_array_header_t *rcpts = qp_txn_rcpts(job->txn);
    const struct copy *copy;
    int i;

    for (i = 0; i < rcpts->nelts; i++) {
        copy = apr_hash_get(job->by_dir,
                            find_dir(job, APR_ARRAY_IDX(rcpts, i, qp_addr *)),
                            APR_HASH_KEY_STRING);
        if (copy->status == APR_SUCCESS) {
            qp_rcpt_result(job->qp, i, QP_OK, "queued as %s",
                           qp_txn_id(job->txn));
        }
        else {
            qp_rcpt_result(job->qp, i, QP_DENYSOFT,
                           is_full(copy->status)
                               ? "4.3.1 Mail system is full"
                               : "4.3.0 The message could not be stored");
        }
    }
}

/* As many as can be. @return the last error */
static apr_status_t deliver_each(const qp_plugin *self, struct delivery *job)
{
    apr_status_t rv = APR_SUCCESS;
    char why[128];
    int i;

    for (i = 0; i < job->copies->nelts; i++) {
        deliver_copy(job, nth_copy(job, i));
        if (nth_copy(job, i)->status != APR_SUCCESS) {
            rv = nth_copy(job, i)->status;
        }
    }
    if (job->nfailed == job->copies->nelts) {
        return rv;
    }
    tell_rcpts(job);
    if (job->nfailed > 0) {
        qp_error(self, job->qp, "cannot %s: %s, and %d more of %d Maildirs",
                 job->failed, apr_strerror(rv, why, sizeof(why)),
                 job->nfailed - 1, job->copies->nelts);
    }
    return APR_SUCCESS;
}

/* Name of this machine, as it may stand in a file name. */
static const char *find_host(apr_pool_t *pool)
{
    char name[APRMAXHOSTLEN + 1];

    return apr_gethostname(name, sizeof(name), pool) == APR_SUCCESS
               ? maildir_clean(name, pool)
               : "localhost";
}

static mode_t read_perms(const struct opts *opt)
{
    return (mode_t)apr_strtoi64(opt->perms, NULL, 8);
}

static void start_delivery(struct delivery *job, const qp_plugin *self,
                           qp_session *qp)
{
    job->self = self;
    job->qp = qp;
    job->txn = qp_transaction(qp);
    job->pool = qp_pool(qp);
    job->opt = qp_opts(self);
    job->perms = read_perms(job->opt);
    job->host = find_host(job->pool);
    job->buffer = apr_palloc(job->pool, BUFFER_SIZE);
    job->copies = apr_array_make(job->pool, 4, sizeof(struct copy *));
    job->by_dir = apr_hash_make(job->pool);
}

static qp_rc hook_queue(const qp_plugin *self, qp_session *qp,
                        const qp_data_arg *arg)
{
    struct delivery job = { .failed = "" };
    qp_header *header;
    apr_status_t rv;

    start_delivery(&job, self, qp);
    plan_copies(&job);
    /* This is final delivery, and ours is the only Return-Path (RFC 5321 4.4).
     * The header is everybody's, but no other queue plugin gets to see it:
     * this one never declines. */
    header = qp_txn_header(job.txn);
    if (header != NULL) {
        qp_header_delete(header, "Return-Path", -1);
    }
    rv = qp_has_rcpt_results(qp) ? deliver_each(self, &job) : deliver(&job);
    if (rv != APR_SUCCESS) {
        return give_up(self, &job, rv);
    }
    if (job.nfailed == 0) {
        qp_pass(self, qp, "message %s in %d Maildirs, first %s",
                qp_txn_id(job.txn), job.copies->nelts, nth_copy(&job, 0)->path);
    }
    return qp_return(qp, QP_OK, "queued as %s", qp_txn_id(job.txn));
}

static const char *check_perms(const struct opts *opt, apr_pool_t *pconf)
{
    size_t len = strlen(opt->perms);
    mode_t perms = read_perms(opt);

    if (len == 0 || len > 5 || strspn(opt->perms, "01234567") != len
        || perms > PERMS_MAX || (perms & PERMS_OWNER) != PERMS_OWNER) {
        return apr_psprintf(pconf,
                            "perms: \"%s\" is no octal number from "
                            "0700 on",
                            opt->perms);
    }
    return NULL;
}

/* When the server is up again nothing of a crash is left (R106). Where the
 * Maildirs of users are is not known here. */
static qp_rc hook_post_fork(const qp_plugin *self, qp_session *qp,
                            const qp_post_fork_arg *arg)
{
    const struct opts *opt = qp_opts(self);

    if (opt->subdir == NULL) {
        sweep_maildir(self, qp, opt->dir, find_host(arg->pchild), arg->pchild);
    }
    return QP_DECLINED;
}

/* The folders are made by the child, which is another user. */
static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    struct opts *opt = qp_opts_edit(self);
    const char *problem = NULL;

    qp_plugin_declare(self,
                      QP_CAN_BINARYMIME | QP_CAN_SMTPUTF8 | QP_CAN_REQUIRETLS);
    opt->swept = apr_pcalloc(pconf, sizeof(*opt->swept));
    opt->sync = sync_create(pconf);
    if (opt->sync == NULL) {
        return "there is no memory for a lock";
    }
    if (opt->dir == NULL) {
        return "dir: the folder of the Maildir has to be given";
    }
    if (opt->subdir != NULL) {
        problem = maildir_check(opt->subdir, pconf);
    }
    return problem != NULL ? problem : check_perms(opt, pconf);
}

QP_PLUGIN(queue_maildir) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
    .hooks.post_fork = hook_post_fork,
    .hooks.queue = hook_queue,
};
