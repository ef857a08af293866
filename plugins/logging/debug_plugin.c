/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets the lines of one plugin pass, and those of all others up to a level. It
 * keeps no data and writes nothing.

=pod

=head1 NAME

logging/debug_plugin - see the debug lines of one plugin

=head1 SYNOPSIS

In F<config/logging>, above a plugin that logs C<debug>:

    logging/debug_plugin queue/maildir warn
    logging/file loglevel debug /var/log/qpsmtpd/debug.log

=head1 DESCRIPTION

With the level C<debug> a log shows so much that the plugin one is working on
drowns in it. This plugin drops the lines of everything else above a level. The
lines of the named plugin go on to the logging plugins below, or to httpd's
error log, whatever their level is; what these do with it is their business.

=head1 CONFIGURATION

=over 4

=item plugin

The plugin that is to be seen, by its name in F<config/plugins>, as it stands in
the log. C<rcpt_ok> means all of its instances, C<rcpt_ok:2> only this one. The
first word without a name is taken for it. It has to be there.

=item loglevel

The highest level at which lines of the others pass: C<emerg> to C<debug>, 0 to
7, or C<LOGWARN> and so on. The second word without a name is taken for it. The
default is C<warn>.

=back

=head1 DIAGNOSTICS

None.

=head1 SEE ALSO

L<logging/file>, L<logging/apache>, F<docs/plugins.md>

=cut

*/

#include <string.h>

#include "line.h"

struct opts {
    const char *plugin;
    int level; /* see LINE_LEVEL */
};

static const char *const levels[] = { LINE_LEVELS, NULL };

static const qp_opt opt_table[] = {
    QP_OPT_WORD_STR(1, struct opts, plugin, "plugin", NULL),
    QP_OPT_ROW(QP_KIND_ENUM, 2, QP_FIELD(struct opts, level, int), "loglevel",
               "warn", 0, 0, levels),
    QP_OPT_END,
};

/* Whether a line is of the plugin, or of an instance of it. */
static int is_of(const char *name, const char *plugin)
{
    size_t len = strlen(plugin);

    return strncmp(name, plugin, len) == 0
           && (name[len] == '\0' || (name[len] == ':' && name[len + 1] != ':'));
}

static qp_rc hook_logging(const qp_plugin *self, qp_session *qp,
                          const qp_logging_arg *arg)
{
    const struct opts *opt = qp_opts(self);

    if (arg->level <= LINE_LEVEL(opt->level)
        || is_of(arg->plugin, opt->plugin)) {
        return QP_DECLINED;
    }
    return QP_OK;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);

    if (opt->plugin == NULL || opt->plugin[0] == '\0') {
        return "plugin: say which one, such as: logging/debug_plugin rcpt_ok";
    }
    return NULL;
}

QP_PLUGIN(logging_debug_plugin) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
    .hooks.logging = hook_logging,
};
