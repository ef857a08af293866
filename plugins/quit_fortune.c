/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says something nice to clients that leave. It keeps no data. It runs no
 * program: the texts are lines of a config key.

=pod

=head1 NAME

quit_fortune - say goodbye with a fortune

=head1 SYNOPSIS

In F<config/plugins>:

    quit_fortune

In F<config/fortunes>:

    Nothing is as permanent as a temporary solution.
    Measure twice,\ncut once.

=head1 DESCRIPTION

A client that says HELO and not EHLO is perhaps a person, who types the
commands by hand. On QUIT such a client gets one line of config C<fortunes>,
taken at random, along with the reply 221:

    221-2.0.0 mx.example.org closing connection
    221-2.0.0   / Measure twice,
    221 2.0.0   / cut once.

Clients that say EHLO are programs, and get the plain reply. So does everybody
as long as there are no fortunes.

The two characters C<\n> in a line begin a new line of the reply.

=head1 CONFIGURATION

There are no options.

=head1 FILES

=over 4

=item F<fortunes>

The texts, one a line.

=item F<me>

The name of this server.

=back

=head1 DIAGNOSTICS

None.

=head1 SEE ALSO

F<docs/plugins.md>

=cut

*/

#include <string.h>
#include <strings.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "qpsmtpd.h"

#define LINE_BREAK  "\\n"
#define LINE_PREFIX "\n  / "

static const char *choose_line(const apr_array_header_t *lines)
{
    unsigned char octets[sizeof(unsigned)];
    unsigned n = 0;
    unsigned i;

    if (apr_generate_random_bytes(octets, sizeof(octets)) == APR_SUCCESS) {
        for (i = 0; i < sizeof(octets); i++) {
            n = n << 8 | octets[i];
        }
    }
    return APR_ARRAY_IDX(lines, n % (unsigned)lines->nelts, const char *);
}

/* The fortune with a prefix before each of its lines. */
static const char *format_fortune(const char *line, apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 4, sizeof(const char *));
    const char *end;

    while ((end = strstr(line, LINE_BREAK)) != NULL) {
        APR_ARRAY_PUSH(parts, const char *) = LINE_PREFIX;
        APR_ARRAY_PUSH(parts, const char *) =
            apr_pstrmemdup(pool, line, end - line);
        line = end + strlen(LINE_BREAK);
    }
    APR_ARRAY_PUSH(parts, const char *) = LINE_PREFIX;
    APR_ARRAY_PUSH(parts, const char *) = line;
    return apr_array_pstrcat(pool, parts, '\0');
}

static qp_rc hook_quit(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    const apr_array_header_t *lines;
    const char *me;

    if (strcasecmp(qp_conn_hello(qp_connection(qp)), "helo") != 0) {
        return QP_DECLINED;
    }
    lines = qp_config(qp, "fortunes");
    if (lines->nelts == 0) {
        return QP_DECLINED;
    }
    me = qp_config_first(qp, "me");
    return qp_return(qp, QP_OK, "%s closing connection%s",
                     me != NULL ? me : "Goodbye,",
                     format_fortune(choose_line(lines), qp_pool(qp)));
}

QP_PLUGIN(quit_fortune) = {
    .hooks.quit = hook_quit,
};
