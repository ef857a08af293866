/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refuses at random, to see what clients make of it. The chance is kept in a
 * note of the connection. It is no plugin for a server that people rely on.

=pod

=head1 NAME

random_error - refuse some commands at random

=head1 SYNOPSIS

In F<config/plugins>, of a server for tests:

    random_error 30
    random_error percent 30

=head1 DESCRIPTION

For people who test a mail client or a mail server: some commands, chosen by
chance, are answered with a temporary error, 4xx, and after two of five of these
the connection is closed. That is what networks and servers do on a bad day, and
a client has to try again later, without losing a message or sending it twice.

A whole session with one message asks six times: when it connects, at HELO or
EHLO, MAIL, RCPT and DATA, and behind the message. C<percent> is the chance that
one of these six fails.

Another plugin can change the chance for a connection, by a number in the note
C<random_fail_%> of the connection.

=head1 CONFIGURATION

=over 4

=item percent

How many of 100 sessions fail. It may be given without its name, as the first
word. From 0 to 100; the default is 1.

=back

=head1 DIAGNOSTICS

=over 4

=item random_error: fail, by chance

=item random_error: fail, by chance, with disconnect

The command was refused.

=back

=head1 SEE ALSO

F<docs/plugins.md>

=cut

*/

#include <math.h>

#include <apr_general.h>

#include "random_error.h"

/* How often a session with one message asks. */
#define NHOOKS 6

struct opts {
    int percent;
};

static const qp_opt opt_table[] = {
    QP_OPT_WORD_INT(1, struct opts, percent, "percent", "1", 0, 100),
    QP_OPT_END,
};

/* From 0 up to, but without, 1; near to 1 if there is no randomness. */
static double draw_number(void)
{
    uint32_t number = 0;

    if (apr_generate_random_bytes((unsigned char *)&number, sizeof(number))
        != APR_SUCCESS) {
        number = UINT32_MAX;
    }
    return number / (UINT32_MAX + 1.0);
}

/* The chance of one hook, so that that of all comes to percent. */
static double hook_chance(const qp_plugin *self, qp_session *qp)
{
    const struct opts *opt = qp_opts(self);
    const qp_notes *notes = qp_conn_notes(qp_connection(qp));
    double percent = opt->percent;

    if (qp_note_has(notes, QP_NOTE_RANDOM_FAIL)) {
        percent = (double)qp_note_num(notes, QP_NOTE_RANDOM_FAIL);
    }
    if (percent >= 100) {
        return 1;
    }
    return percent <= 0 ? 0 : 1 - pow(1 - percent / 100, 1.0 / NHOOKS);
}

static qp_rc fail_sometimes(const qp_plugin *self, qp_session *qp)
{
    if (draw_number() >= hook_chance(self, qp)) {
        return QP_DECLINED;
    }
    if (draw_number() < 2.0 / 5) {
        qp_fail(self, qp, "by chance, with disconnect");
        return qp_return(qp, QP_DENYSOFT_DISCONNECT,
                         "Bad luck, try again on a new connection");
    }
    qp_fail(self, qp, "by chance");
    return qp_return(qp, QP_DENYSOFT, "Bad luck, try again");
}

/* One function for each type of argument. */
#define FAIL_SOMETIMES(hook, type)                                             \
    static qp_rc hook_##hook(const qp_plugin *self, qp_session *qp,            \
                             const type *arg)                                  \
    {                                                                          \
        return fail_sometimes(self, qp);                                       \
    }
FAIL_SOMETIMES(connect, qp_connect_arg)
FAIL_SOMETIMES(helo, qp_helo_arg)
FAIL_SOMETIMES(mail, qp_mail_arg)
FAIL_SOMETIMES(rcpt, qp_rcpt_arg)
FAIL_SOMETIMES(data, qp_data_arg)

QP_PLUGIN(random_error) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .hooks.connect = hook_connect,
    .hooks.helo = hook_helo,
    .hooks.ehlo = hook_helo,
    .hooks.mail = hook_mail,
    .hooks.rcpt = hook_rcpt,
    .hooks.data = hook_data,
    .hooks.data_post = hook_data,
};
