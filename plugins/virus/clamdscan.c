/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has messages scanned by ClamAV's clamd. A job talks to clamd, and what it
 * keeps lives as long as that job. It does not unpack or look into messages
 * itself.

=pod

=head1 NAME

virus/clamdscan - have messages scanned by ClamAV

=head1 SYNOPSIS

In F<config/plugins>:

    virus/clamdscan
    virus/clamdscan clamd_socket /run/clamav/clamd.ctl max_size 10240
    virus/clamdscan clamd_host 192.0.2.7 clamd_port 3310 defer_on_error yes

=head1 DESCRIPTION

Each message is given to clamd, those of relay clients too. A message with a
virus is refused with 552, the client is marked as naughty (see L<naughty>), and
the karma of the connection falls by 1. With C<deny_viruses no> the message goes
on with these fields:

    X-Virus-Found: Yes
    X-Virus-Details: NAME

A message without one gets

    X-Virus-Found: No
    X-Virus-Checked: Checked by ClamAV on mx.example.org

Fields of these names that the message had are removed.

If clamd cannot be reached, takes longer than C<timeout>, or has no verdict, the
message goes on without it, and the log says so. With C<defer_on_error yes> the
client is answered 452 and tries again. While clamd works no thread that serves
clients is held.

There are three ways for the message to get to clamd:

=over 4

=item instream

It is sent. This works in any case, and is the default with C<clamd_host>.
C<StreamMaxLength> of clamd has to be large enough.

=item fildes

The open file with the message is handed over. Nothing is copied, and clamd
needs no access to the folder. This works by a socket in the file system only,
and is the default there.

=item scan

The name of the file is sent. clamd has to run on this host, under a user who
may enter C<spool_dir> and read the files of the server, which have mode 0600:
as the user of httpd, or as root.

=back

For the latter two, the message is written to a file of its own in C<spool_dir>.
In all three, clamd gets the message with the fields that this server has added,
and C<Return-Path: E<lt>E<gt>> on top: clamd tells a message by its first field,
does not know all fields, and looks into attachments only if it does.

=head1 CONFIGURATION

=over 4

=item clamd_socket

The path of clamd's socket. The default is F</var/run/clamav/clamd.ctl>.

=item clamd_host

=item clamd_port

Where clamd is, if it is reached by TCP. If one of them is given, the defaults
of the other are C<localhost> and 3310, and C<clamd_socket> is not used.

=item method

C<instream>, C<fildes> or C<scan>; with C<auto>, the default, it is chosen as
above.

=item timeout

How long clamd may take in all, up to 30m. The default is 1m.

=item deny_viruses

With C<no> messages with viruses are marked and not refused. The default is
C<yes>.

=item defer_on_error

What follows when clamd has no verdict: with C<yes> the message is deferred,
with C<no>, the default, it goes on.

=item max_size

The largest message that is scanned, in units of 1024 octets; 0 for all. The
default is 1024.

=item scan_all

With C<no> only messages are scanned that consist of parts
(C<Content-Type: multipart/...>). The default is C<yes>.

=back

The common arguments C<reject> and C<reject_type> are honoured.

=head1 DIAGNOSTICS

=over 4

=item virus/clamdscan: pass, no virus found

=item virus/clamdscan: pass, virus I<NAME> found

It goes on, with C<deny_viruses no>.

=item virus/clamdscan: fail, Virus found: I<NAME>

=item virus/clamdscan: skip, I<WHY>

=item virus/clamdscan: error, cannot I<DO SOMETHING> I<CLAMD>: I<WHY>

There is no verdict.

=back

=head1 SEE ALSO

L<clamd(8)>, L<clamd.conf(5)>, L<naughty>

=cut

*/

#include <string.h>
#include <strings.h>

#include "clamdscan_job.h"

#define DEFAULT_SOCKET "/var/run/clamav/clamd.ctl"
#define MAX_TIMEOUT    apr_time_from_sec(1800)

struct opts {
    const char *socket;
    const char *host;
    int port;
    int method;
    apr_interval_time_t timeout;
    int deny;
    int defer;
    int max_size;
    int scan_all;
};

enum { METHOD_AUTO, METHOD_INSTREAM, METHOD_FILDES, METHOD_SCAN };
static const char *const method_words[] = { "auto", "instream", "fildes",
                                            "scan", NULL };

static const qp_opt opt_table[] = {
    QP_OPT_STR(struct opts, socket, "clamd_socket", NULL),
    QP_OPT_STR(struct opts, host, "clamd_host", NULL),
    QP_OPT_INT(struct opts, port, "clamd_port", NULL, 1, 65535),
    QP_OPT_ENUM(struct opts, method, "method", "auto", method_words),
    QP_OPT_TIME(struct opts, timeout, "timeout", "1m"),
    QP_OPT_BOOL(struct opts, deny, "deny_viruses", "yes"),
    QP_OPT_BOOL(struct opts, defer, "defer_on_error", "no"),
    QP_OPT_INT(struct opts, max_size, "max_size", "1024", 0, 4194303),
    QP_OPT_BOOL(struct opts, scan_all, "scan_all", "yes"),
    QP_OPT_DEFAULT("timeout", "1h"),
    QP_OPT_END,
};

struct txn {
    struct scan *scan;
    qp_wait *done;
    qp_wait *late;
};

static const char *const own_fields[] = { "X-Virus-Found", "X-Virus-Details",
                                          "X-Virus-Checked" };

/* @return NULL, or why the message is not scanned */
static const char *find_excuse(const struct opts *opt, qp_session *qp)
{
    qp_txn *txn = qp_transaction(qp);
    const char *type = qp_header_get(qp_txn_header(txn), "Content-Type", 0);
    apr_off_t size = qp_txn_data_size(txn);

    if (opt->max_size > 0 && size > (apr_off_t)opt->max_size * 1024) {
        return apr_psprintf(qp_pool(qp),
                            "%" APR_OFF_T_FMT " octets are too many", size);
    }
    if (opt->scan_all) {
        return NULL;
    }
    if (type != NULL) {
        type += strspn(type, " \t\n");
    }
    return type == NULL || strncasecmp(type, "multipart/", 10) != 0
               ? "not of several parts"
               : NULL;
}

static void start_scan(const struct opts *opt, qp_session *qp, struct txn *txn)
{
    qp_txn *message = qp_transaction(qp);
    qp_job *job = qp_job_create(qp, qp_txn_pool(qp));
    apr_pool_t *pool = qp_job_pool(job);
    struct scan *scan = apr_pcalloc(pool, sizeof(*scan));

    scan->pool = pool;
    scan->host = opt->host;
    scan->port = opt->port;
    scan->end = qp_now() + opt->timeout;
    scan->by = opt->method == METHOD_SCAN     ? BY_NAME
               : opt->method == METHOD_FILDES ? BY_FILE
                                              : BY_STREAM;
    scan->file = apr_pstrdup(pool, qp_temp_file(qp));
    scan->reader =
        qp_txn_reader(message, QP_READ_MESSAGE | QP_READ_DETACHED, pool);
    txn->scan = scan;
    txn->late = qp_timer(qp, opt->timeout, qp_txn_pool(qp));
    txn->done = qp_job_start(job, run_scan, scan);
}

static qp_rc judge_clean(const qp_plugin *self, qp_session *qp)
{
    qp_header *header = qp_txn_header(qp_transaction(qp));
    const char *me = qp_config_first(qp, "me");

    qp_header_add(header, "X-Virus-Checked",
                  apr_pstrcat(qp_pool(qp), "Checked by ClamAV on ",
                              me != NULL ? me : "localhost", NULL),
                  QP_HEADER_TOP);
    qp_header_add(header, "X-Virus-Found", "No", QP_HEADER_TOP);
    qp_pass(self, qp, "no virus found");
    return QP_DECLINED;
}

static qp_rc judge_virus(const qp_plugin *self, qp_session *qp,
                         const char *virus)
{
    const struct opts *opt = qp_opts(self);
    qp_header *header = qp_txn_header(qp_transaction(qp));

    qp_karma_adjust(qp, -1);
    if (opt->deny) {
        qp_naughty_add(self, qp, "Virus found: %s", virus);
        return qp_reject(self, qp, "Virus found: %s", virus);
    }
    qp_header_add(header, "X-Virus-Details", virus, QP_HEADER_TOP);
    qp_header_add(header, "X-Virus-Found", "Yes", QP_HEADER_TOP);
    qp_pass(self, qp, "virus %s found", virus);
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

static qp_rc finish_scan(const qp_plugin *self, qp_session *qp,
                         const struct txn *txn)
{
    const struct opts *opt = qp_opts(self);
    const struct scan *scan = txn->scan;
    char reason[128];
    apr_status_t rv;

    if (!qp_ready(txn->done)) { /* the job is not to be looked at */
        return give_up(self, qp,
                       apr_psprintf(qp_pool(qp), "no verdict of %s in time",
                                    opt->host));
    }
    rv = qp_wait_status(txn->done);
    if (rv == APR_SUCCESS) {
        return scan->virus != NULL ? judge_virus(self, qp, scan->virus)
                                   : judge_clean(self, qp);
    }
    if (scan->peer != NULL && *qp_peer_error(scan->peer) != '\0') {
        return give_up(self, qp, qp_peer_error(scan->peer));
    }
    return give_up(self, qp,
                   apr_psprintf(qp_pool(qp),
                                "cannot give the message to %s: "
                                "%s",
                                opt->host,
                                apr_strerror(rv, reason, sizeof(reason))));
}

/* @return whether there is something to wait for */
static int begin(const qp_plugin *self, qp_session *qp, struct txn *txn)
{
    const struct opts *opt = qp_opts(self);
    qp_header *header = qp_txn_header(qp_transaction(qp));
    const char *excuse = find_excuse(opt, qp);
    size_t i;

    for (i = 0; i < sizeof(own_fields) / sizeof(own_fields[0]); i++) {
        qp_header_delete(header, own_fields[i], -1);
    }
    if (excuse != NULL) {
        qp_skip(self, qp, "%s", excuse);
        return 0;
    }
    start_scan(opt, qp, txn);
    return 1;
}

static qp_rc hook_data_post(const qp_plugin *self, qp_session *qp,
                            const qp_data_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);
    qp_wait *waits[2];

    if (txn->done == NULL && !begin(self, qp, txn)) {
        return QP_DECLINED;
    }
    if (!qp_ready(txn->done) && !qp_ready(txn->late)) {
        waits[0] = txn->done;
        waits[1] = txn->late;
        return qp_await_any(qp, waits, 2);
    }
    return finish_scan(self, qp, txn);
}

/* Afterwards, host is a path if port is 0. */
static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    struct opts *opt = qp_opts_edit(self);

    if (opt->timeout <= 0 || opt->timeout > MAX_TIMEOUT) {
        return "timeout: more than 0 and up to 30m";
    }
    if (opt->host != NULL || opt->port != 0) {
        if (opt->method == METHOD_FILDES) {
            return "method: fildes works by clamd_socket only";
        }
        opt->host = opt->host != NULL ? opt->host : "localhost";
        opt->port = opt->port != 0 ? opt->port : 3310;
        return NULL;
    }
    opt->host = opt->socket != NULL ? opt->socket : DEFAULT_SOCKET;
    if (*opt->host != '/') {
        return "clamd_socket: the path begins with /";
    }
    if (opt->method == METHOD_AUTO) {
        opt->method = METHOD_FILDES;
    }
    return NULL;
}

QP_PLUGIN(virus_clamdscan) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .txn_size = sizeof(struct txn),
    .setup = setup,
    .hooks.data_post = hook_data_post,
};
