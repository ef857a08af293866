/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds clients that speak before it is their turn. Its timers live as long as
 * the connection, or as the transaction. It does not read what is said.

=pod

=head1 NAME

earlytalker - refuse clients that do not wait for their turn

=head1 SYNOPSIS

In F<config/plugins>, near the top but below L<relay> and L<whitelist>:

    earlytalker
    earlytalker wait 3 check-at CONNECT check-at DATA
    earlytalker wait 500ms reject naughty
    earlytalker defer-reject yes

=head1 DESCRIPTION

A mail client waits for the greeting before it says HELO or EHLO, and for the
answer 354 to DATA before it sends the message, also when it sends other
commands in groups (RFC 5321 4.3.1, RFC 2920 3.1). Many programs that send spam
are in a hurry, and write everything at once.

This plugin lets each client wait for a moment, C<wait>, before the greeting.
One that has said something by then is refused with 550, and the connection is
closed. With C<check-at DATA> the same is done before the answer to DATA, where
the refusal is 554. There, too, the connection is closed, for what comes next is
a message, and may not be taken for commands. No thread waits meanwhile if httpd
runs with the MPM event.

The server itself does not wait, but with config C<pipelining> C<strict> it
closes the connection of a client whose words are there already: after this
plugin before the greeting, and before it at DATA. For C<reject no>, C<reject
naughty> and C<defer-reject> to let such a client go on, C<pipelining> must be
C<lenient>, as it is by default.

Behind implicit TLS it counts what a client says within TLS. The handshake is
not speech.

Clients that may relay or are whitelisted need not wait, if the plugin that says
so stands above. Neither do those with a karma history above 5.

Other plugins find the number 1 in the note C<earlytalker> of a connection whose
client has spoken too early. They can set the note C<earlytalker_wait> to
another number of seconds.

=head1 CONFIGURATION

=over 4

=item wait

How long a client has to keep silent: seconds, or with ms, s, m, h or d. The
default is 1; at most 20s.

=item check-at

CONNECT or DATA; both if it is repeated. The default is CONNECT.

=item defer-reject

With C<defer-reject yes> a client that speaks before the greeting is refused at
MAIL, 550 or as C<reject_type> says. By then it may have logged in, and is not
refused at all. The default is no.

=item reject

=item reject_type

As in all plugins; see F<docs/plugin-list.md>. With C<reject no> the client is
only marked by the note.

=back

=head1 DIAGNOSTICS

=over 4

=item earlytalker: pass, silent for I<TIME> ms

=item earlytalker: fail, you spoke before you were greeted

=item earlytalker: fail, you spoke before the answer to DATA

=item earlytalker: skip, the client has left

=item earlytalker: skip, karma history I<NUMBER>

=back

=head1 SEE ALSO

L<helo>, F<docs/plugins.md>

=cut

*/

#include <strings.h>

#include <apr_strings.h>

#include "earlytalker.h"

#define MAX_WAIT       apr_time_from_sec(20)
#define GOOD_HISTORY   5
#define BEFORE_GREETED "you spoke before you were greeted"
#define BEFORE_ANSWER  "you spoke before the answer to DATA"

struct opts {
    apr_interval_time_t wait;
    apr_array_header_t *check_at;
    int defer_reject;
};

struct conn {
    qp_wait *delay; /* before the greeting */
};

struct txn {
    qp_wait *delay; /* before 354 */
};

static const qp_opt opt_table[] = {
    QP_OPT_TIME(struct opts, wait, "wait", "1"),
    QP_OPT_LIST(struct opts, check_at, "check-at", "CONNECT"),
    QP_OPT_BOOL(struct opts, defer_reject, "defer-reject", "no"),
    QP_OPT_END,
};

static apr_interval_time_t time_to_wait(const qp_plugin *self, qp_session *qp)
{
    const struct opts *opt = qp_opts(self);
    const qp_notes *notes = qp_conn_notes(qp_connection(qp));
    apr_int64_t seconds = qp_note_num(notes, QP_NOTE_EARLYTALKER_WAIT);

    if (!qp_note_has(notes, QP_NOTE_EARLYTALKER_WAIT) || seconds < 0) {
        return opt->wait;
    }
    return seconds < apr_time_sec(MAX_WAIT) ? apr_time_from_sec(seconds)
                                            : MAX_WAIT;
}

static int is_trusted(const qp_plugin *self, qp_session *qp)
{
    apr_int64_t history =
        qp_note_num(qp_conn_notes(qp_connection(qp)), QP_NOTE_KARMA_HISTORY);

    if (history > GOOD_HISTORY) {
        qp_skip(self, qp, "karma history %" APR_INT64_T_FMT, history);
        return 1;
    }
    return qp_is_immune(self, qp);
}

/* Looks, and awaits the client or the end of the time.
 * @param spoke  out: whether the client has said something; NULL input waits
 * @return QP_YIELD to be called again */
static qp_rc watch_client(const qp_plugin *self, qp_session *qp, qp_wait *delay,
                          int *spoke)
{
    qp_wait *waits[2] = { delay, qp_client_input(qp) };

    *spoke = 0;
    if (qp_ready(waits[1])) {
        if (qp_wait_status(waits[1]) == APR_SUCCESS) {
            *spoke = 1;
        }
        else {
            qp_skip(self, qp, "the client has left");
        }
        return QP_DECLINED;
    }
    if (!qp_ready(delay)) {
        return qp_await_any(qp, waits, 2);
    }
    qp_pass(self, qp, "silent for %d ms", (int)(time_to_wait(self, qp) / 1000));
    return QP_DECLINED;
}

static void mark_client(qp_session *qp)
{
    qp_note_set_num(qp_conn_notes(qp_connection(qp)), QP_NOTE_EARLYTALKER, 1);
    qp_karma_adjust(qp, -1);
}

static qp_rc connect_handler(const qp_plugin *self, qp_session *qp,
                             const qp_connect_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    struct conn *conn = qp_conn_data(self, qp);
    int spoke;

    if (conn->delay == NULL) {
        if (is_trusted(self, qp)) {
            return QP_DECLINED;
        }
        conn->delay = qp_timer(qp, time_to_wait(self, qp), qp_conn_pool(qp));
    }
    if (watch_client(self, qp, conn->delay, &spoke) == QP_YIELD) {
        return QP_YIELD;
    }
    if (!spoke) {
        return QP_DECLINED;
    }
    mark_client(qp);
    if (opt->defer_reject) {
        qp_fail(self, qp, "deferred, %s", BEFORE_GREETED);
        return QP_DECLINED;
    }
    return qp_reject(self, qp, "%s", BEFORE_GREETED);
}

/* What comes behind DATA is a message: it must not be read as commands. */
static qp_rc close_with(qp_rc rc)
{
    if (rc == QP_DENY) {
        return QP_DENY_DISCONNECT;
    }
    return rc == QP_DENYSOFT ? QP_DENYSOFT_DISCONNECT : rc;
}

static qp_rc data_handler(const qp_plugin *self, qp_session *qp,
                          const qp_data_arg *arg)
{
    struct txn *txn = qp_txn_data(self, qp);
    int spoke;

    if (txn->delay == NULL) {
        if (is_trusted(self, qp)) {
            return QP_DECLINED;
        }
        txn->delay = qp_timer(qp, time_to_wait(self, qp), qp_txn_pool(qp));
    }
    if (watch_client(self, qp, txn->delay, &spoke) == QP_YIELD) {
        return QP_YIELD;
    }
    if (!spoke) {
        return QP_DECLINED;
    }
    mark_client(qp);
    return close_with(qp_reject(self, qp, "%s", BEFORE_ANSWER));
}

/* With defer-reject, for who has spoken before the greeting. */
static qp_rc mail_handler(const qp_plugin *self, qp_session *qp,
                          const qp_mail_arg *arg)
{
    if (qp_note_num(qp_conn_notes(qp_connection(qp)), QP_NOTE_EARLYTALKER) == 0
        || is_trusted(self, qp)) {
        return QP_DECLINED;
    }
    return qp_reject(self, qp, "%s", BEFORE_GREETED);
}

static const char *register_check(qp_plugin *self, const char *at,
                                  apr_pool_t *pconf)
{
    if (strcasecmp(at, "connect") == 0) {
        qp_plugin_hooks(self)->connect = connect_handler;
    }
    else if (strcasecmp(at, "data") == 0) {
        qp_plugin_hooks(self)->data = data_handler;
    }
    else {
        return apr_psprintf(pconf, "check-at: \"%s\" is none of CONNECT, DATA",
                            at);
    }
    return NULL;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);
    const char *error = NULL;
    int i;

    if (opt->wait > MAX_WAIT) {
        return "wait: at most 20s, or clients give up";
    }
    if (opt->check_at == NULL) {
        return "check-at: say CONNECT or DATA";
    }
    for (i = 0; i < opt->check_at->nelts && error == NULL; i++) {
        error =
            register_check(self, APR_ARRAY_IDX(opt->check_at, i, const char *),
                           pconf);
    }
    if (opt->defer_reject) {
        qp_plugin_hooks(self)->mail = mail_handler;
    }
    return error;
}

QP_PLUGIN(earlytalker) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .conn_size = sizeof(struct conn),
    .txn_size = sizeof(struct txn),
    .setup = setup,
};
