/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs how long a connection was. The time of its start lives as long as the
 * connection. It judges nothing.

=pod

=head1 NAME

connection_time - log how long each connection was

=head1 SYNOPSIS

In F<config/plugins>, at the top:

    connection_time
    connection_time debug
    connection_time loglevel 7

=head1 DESCRIPTION

The clock starts before the first byte is sent to a client, and stops when all
is over. It should stand above the plugins that let clients wait, as these are
part of what is measured. A client that was turned away before the greeting by
L<hosts_allow> gets no line.

=head1 CONFIGURATION

=over 4

=item loglevel

The level of the line: a word such as C<debug>, a number from 0 to 7, or an old
name such as C<LOGDEBUG>. It may be given without its name, as the first word.
The default is C<info>.

=back

=head1 DIAGNOSTICS

=over 4

=item connection_time: I<SECONDS> s, from I<ADDRESS>

A connection has ended.

=back

=head1 SEE ALSO

F<docs/plugins.md>

=cut

*/

#include "logging/line.h"

struct opts {
    int level;
};

struct conn {
    apr_time_t start;
};

static const char *const levels[] = { LINE_LEVELS, NULL };

static const qp_opt opt_table[] = {
    QP_OPT_ROW(QP_KIND_ENUM, 1, QP_FIELD(struct opts, level, int), "loglevel",
               "info", 0, 0, levels),
    QP_OPT_END,
};

static void start_clock(const qp_plugin *self, qp_session *qp)
{
    struct conn *conn = qp_conn_data(self, qp);

    if (conn->start == 0) {
        conn->start = qp_now();
    }
}

static qp_rc hook_pre_connection(const qp_plugin *self, qp_session *qp,
                                 const qp_pre_connection_arg *arg)
{
    start_clock(self, qp);
    return QP_DECLINED;
}

static qp_rc hook_post_connection(const qp_plugin *self, qp_session *qp,
                                  const qp_end_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    const struct conn *conn = qp_conn_data(self, qp);
    apr_interval_time_t time = qp_now() - conn->start;

    qp_log(self, qp, LINE_LEVEL(opt->level), "%d.%03d s, from %s",
           (int)apr_time_sec(time), (int)(apr_time_usec(time) / 1000),
           qp_conn_remote_ip(qp_connection(qp)));
    return QP_DECLINED;
}

QP_PLUGIN(connection_time) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .conn_size = sizeof(struct conn),
    .hooks.pre_connection = hook_pre_connection,
    .hooks.post_connection = hook_post_connection,
};
