/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Swallows every log line. It keeps no data, and looks at none.

=pod

=head1 NAME

logging/devnull - throw log lines away

=head1 SYNOPSIS

In F<config/logging>, below the plugins that write lines somewhere:

    logging/file loglevel info /var/log/qpsmtpd/smtp.log
    logging/devnull

=head1 DESCRIPTION

Takes every line that the plugins above have not taken, at any level, and
writes it nowhere: httpd's error log gets nothing more of this server. Errors
and faults go the same way, so it belongs below another logging plugin that
has them. What httpd itself and its other modules say is not touched.

L<logging/apache> does the same by level.

=head1 CONFIGURATION

There are no options.

=head1 DIAGNOSTICS

None, of course.

=head1 SEE ALSO

L<logging/apache>, L<logging/file>, F<docs/plugins.md>

=cut

*/

#include "qpsmtpd.h"

static qp_rc hook_logging(const qp_plugin *self, qp_session *qp,
                          const qp_logging_arg *arg)
{
    return QP_OK;
}

QP_PLUGIN(logging_devnull) = { .hooks.logging = hook_logging };
