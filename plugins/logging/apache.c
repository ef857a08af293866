/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides which lines go on to httpd's error log. It keeps no data; the writing
 * is httpd's.

=pod

=head1 NAME

logging/apache - log to httpd's error log, up to a level

=head1 SYNOPSIS

In F<config/logging>, as the last line:

    logging/apache loglevel info

In F<httpd.conf>, in the virtual host:

    LogLevel warn qpsmtpd:info

=head1 DESCRIPTION

A line that no logging plugin takes goes to the C<ErrorLog> of the virtual
host, under the same level, with or without this plugin. This one takes the
lines above its level and drops them, and so decides what is left over for
httpd. The C<LogLevel> of httpd decides after it: what is to be seen must pass
both.

It does without httpd's C<LogLevel> what that does with it, but for one server
of several, and for this server's plugins alone. Without an argument it drops
nothing: a note in F<config/logging> that the error log is wanted.

Plugins below it see what it lets pass. So it belongs at the end.

=head1 CONFIGURATION

=over 4

=item loglevel

The highest level that passes: C<emerg>, C<alert>, C<crit>, C<error>, C<warn>,
C<notice>, C<info> or C<debug>, in any case, as a number from 0 to 7, or as
C<LOGINFO> and so on. It can stand without the word C<loglevel>. The default is
C<debug>.

=back

=head1 DIAGNOSTICS

None.

=head1 SEE ALSO

L<logging/devnull>, L<logging/debug_plugin>, F<docs/plugins.md>

=cut

*/

#include "line.h"

struct opts {
    int level; /* see LINE_LEVEL */
};

static const char *const levels[] = { LINE_LEVELS, NULL };

static const qp_opt opt_table[] = {
    QP_OPT_ROW(QP_KIND_ENUM, 1, QP_FIELD(struct opts, level, int), "loglevel",
               "debug", 0, 0, levels),
    QP_OPT_END,
};

static qp_rc hook_logging(const qp_plugin *self, qp_session *qp,
                          const qp_logging_arg *arg)
{
    const struct opts *opt = qp_opts(self);

    return arg->level > LINE_LEVEL(opt->level) ? QP_OK : QP_DECLINED;
}

QP_PLUGIN(logging_apache) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .hooks.logging = hook_logging,
};
