/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes log lines to the standard error of the process. It keeps no data, and
 * opens nothing.

=pod

=head1 NAME

logging/warn - log to standard error

=head1 SYNOPSIS

In F<config/logging>:

    logging/warn
    logging/warn info
    logging/warn loglevel debug tee

=head1 DESCRIPTION

Writes the lines up to a level to standard error. For a running httpd that is
the file of the C<ErrorLog> outside of virtual hosts, whatever C<ErrorLog> and
C<LogLevel> the virtual host has; if that is a program or syslog, it depends on
httpd where standard error goes. The main use is a server in the foreground, or
in a container.

A line looks like this:

    1234 k3v9x0a1.2 (rcpt) rcpt_ok: pass, example.org is in rcpthosts

These are the process, the id of the connection with the number of the
transaction, or C<-> for what belongs to no connection, the hook, the plugin and
its text. Hook and plugin are missing if it is the server that speaks.

What has been written is done with: plugins below and httpd's error log do not
get it, unless C<tee> says so. Lines above the level go on to them.

=head1 CONFIGURATION

=over 4

=item loglevel

The highest level that is written: C<emerg>, C<alert>, C<crit>, C<error>,
C<warn>, C<notice>, C<info> or C<debug>, in any case, as a number from 0 to 7,
or as C<LOGINFO> and so on. It can stand without the word C<loglevel>. The
default is C<warn>.

=item tee

What has been written goes to the plugins below, too, and at the end to httpd's
error log.

=back

=head1 DIAGNOSTICS

None. A line that cannot be written goes to the plugins below.

=head1 SEE ALSO

L<logging/file>, L<logging/syslog>, L<logging/apache>, F<docs/plugins.md>

=cut

*/

#include "line.h"

struct opts {
    int level; /* see LINE_LEVEL */
    int tee;
};

static const char *const levels[] = { LINE_LEVELS, NULL };

static const qp_opt opt_table[] = {
    QP_OPT_ROW(QP_KIND_ENUM, 1, QP_FIELD(struct opts, level, int), "loglevel",
               "warn", 0, 0, levels),
    QP_OPT_FLAG(struct opts, tee, "tee"),
    QP_OPT_END,
};

static qp_rc hook_logging(const qp_plugin *self, qp_session *qp,
                          const qp_logging_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    char line[LINE_SIZE];
    apr_size_t len;

    if (arg->level > LINE_LEVEL(opt->level)) {
        return QP_DECLINED;
    }
    len = (apr_size_t)apr_snprintf(line, sizeof(line), "%ld ", (long)getpid());
    len += compose_line(line + len, sizeof(line) - len - 1, qp, arg);
    line[len++] = '\n';
    if (!write_line(STDERR_FILENO, line, len) || opt->tee) {
        return QP_DECLINED;
    }
    return QP_OK;
}

QP_PLUGIN(logging_warn) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .hooks.logging = hook_logging,
};
