/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns clients away while the machine has too much to do. It keeps no data,
 * and does not look at what httpd itself has to do.

=pod

=head1 NAME

loadcheck - turn clients away while the load is high

=head1 SYNOPSIS

In F<config/plugins>, at the top:

    loadcheck
    loadcheck max_load 20

=head1 DESCRIPTION

When a client connects while the load average of the last minute is above
C<max_load>, it is answered 450 and the connection is closed. A mail server
comes again later, so that no mail is lost. That helps when scanning of messages
for spam and viruses, or other services of the machine, need all of its
processors.

The load is what C<uptime> shows: programs that run or wait for a processor or
a disk. A value around the number of processors means that they are all busy.

How many connections there may be is not decided here, but by httpd
(C<MaxRequestWorkers>), and for an address by L<hosts_allow>.

=head1 CONFIGURATION

=over 4

=item max_load

A load above this is too high. From 0 to 10000; the default is 7.

=back

=head1 DIAGNOSTICS

=over 4

=item loadcheck: pass, load I<LOAD>

=item loadcheck: fail, load I<LOAD> is above I<MAX>

The client was turned away.

=item loadcheck: error, the load average is not known

The system does not tell. Clients are let in.

=back

=head1 SEE ALSO

L<hosts_allow>, F<docs/plugins.md>

=cut

*/

#include <stdlib.h>

#include "qpsmtpd.h"

struct opts {
    int max_load;
};

static const qp_opt opt_table[] = {
    QP_OPT_INT(struct opts, max_load, "max_load", "7", 0, 10000),
    QP_OPT_END,
};

static qp_rc hook_connect(const qp_plugin *self, qp_session *qp,
                          const qp_connect_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    double load;

    if (getloadavg(&load, 1) != 1) {
        qp_error(self, qp, "the load average is not known");
        return QP_DECLINED;
    }
    if (load <= opt->max_load) {
        qp_pass(self, qp, "load %.2f", load);
        return QP_DECLINED;
    }
    qp_fail(self, qp, "load %.2f is above %d", load, opt->max_load);
    return qp_dsn_sys_not_accepting_mail(
        qp, "This server is too busy at the moment, try again later");
}

QP_PLUGIN(loadcheck) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .hooks.connect = hook_connect,
};
