/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns clients away by their address: when too many connections of it are
 * open, and by a list. It keeps no data; the connections are counted by the
 * server.

=pod

=head1 NAME

hosts_allow - limit the connections of an address, and refuse addresses

=head1 SYNOPSIS

In F<config/plugins>, at the top:

    hosts_allow
    hosts_allow max_conn 10

In F<config/hosts_allow>:

    # our monitoring, as often as it likes
    192.0.2.17        OK
    # this network is fine but for one part of it
    198.51.100.128/25 DENY Please write to abuse@example.org
    203.0.113.        DENYSOFT
    2001:db8:bad::/48 DENY_DISCONNECT

=head1 DESCRIPTION

Before anything is sent to a client, two things are looked at.

If there are more connections of its address than C<max_conn>, this one
included, the client is answered 451. All child processes count together. If the
plugin karma knows the client, the limit depends on what it knows: 3 more for a
history above 5, and one connection only for a history of 0 or less.

The server itself has a limit, too, the config C<max_conn_ip>, which is checked
before and answered 421. Set that to what nobody may have, and C<max_conn> to
what you think is decent.

Then the first line of config C<hosts_allow> with the client's address decides.
It begins with a network, as in L<relay>: an address, a network such as
C<192.0.2.0/24> or C<2001:db8::/32>, or the beginning of an address such as
C<192.0.2.>. Then comes one of these words:

=over 4

=item OK

The client may go on, and C<max_conn> is not for it.

=item DECLINED

The client may go on, as if it was not listed. That takes a part out of a
network below.

=item DENY, DENY_DISCONNECT

The client is answered 550.

=item DENYSOFT, DENYSOFT_DISCONNECT

The client is answered 451.

=back

All of these that refuse also close the connection. The rest of the line is the
text for the client. A faulty line stops the start; if it comes in later, the
old list stays in force.

=head1 CONFIGURATION

=over 4

=item max_conn

How many connections an address may have at a time, from 0 to 1000000. The
default is 0: that of the config C<max_conn_ip>.

=back

=head1 FILES

=over 4

=item F<hosts_allow>

The list. Changes need no restart.

=item F<max_conn_ip>

The limit of the server.

=back

=head1 DIAGNOSTICS

=over 4

=item hosts_allow: pass, I<N> of I<MAX> connections

=item hosts_allow: pass, listed (I<LINE>)

=item hosts_allow: fail, I<N> connections, I<MAX> are allowed

=item hosts_allow: fail, listed (I<LINE>)

The client was turned away.

=back

=head1 SEE ALSO

L<relay>, L<loadcheck>, F<docs/admin.md>

=cut

*/

#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

#define KEY "hosts_allow"

struct opts {
    int max_conn;
};

static const qp_opt opt_table[] = {
    QP_OPT_INT(struct opts, max_conn, "max_conn", "0", 0, 1000000),
    QP_OPT_END,
};

/* A line of the list. */
struct entry {
    const char *line;
    qp_net net;
    qp_rc rc;
    const char *text; /* or "" */
};

/* The next word of a line, behind which the rest begins. */
static const char *cut_word(const char **rest, apr_pool_t *pool)
{
    const char *start = *rest + strspn(*rest, " \t");
    size_t len = strcspn(start, " \t");

    *rest = start + len + strspn(start + len, " \t");
    return apr_pstrmemdup(pool, start, len);
}

/* NETWORK ANSWER [TEXT]; makes an array of struct entry. */
static const char *read_entry(const char *line, void **whole, apr_pool_t *pool)
{
    struct entry entry;
    const char *word, *fault;

    entry.line = apr_pstrdup(pool, line);
    entry.text = entry.line;
    word = cut_word(&entry.text, pool);
    fault = qp_net_parse(word, &entry.net);
    if (fault != NULL) {
        return apr_psprintf(pool, "\"%s\": %s", word, fault);
    }
    word = cut_word(&entry.text, pool);
    if (!qp_rc_named(word, &entry.rc)) {
        return apr_psprintf(pool,
                            "\"%s\" behind the network is none of OK, "
                            "DECLINED, DENY, DENYSOFT",
                            word);
    }
    if (*whole == NULL) {
        *whole = apr_array_make(pool, 8, sizeof(entry));
    }
    APR_ARRAY_PUSH((apr_array_header_t *)*whole, struct entry) = entry;
    return NULL;
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    return qp_list_check(self, KEY, read_entry);
}

/* The first line with the address, or NULL. */
static const struct entry *find_entry(qp_session *qp, const char *ip)
{
    const apr_array_header_t *list = qp_list(qp, KEY, read_entry);
    const struct entry *entry;
    qp_ip client;
    int i;

    if (list == NULL || !qp_net_ip(ip, &client)) {
        return NULL;
    }
    for (i = 0; i < list->nelts; i++) {
        entry = &APR_ARRAY_IDX(list, i, const struct entry);
        if (qp_net_has(&entry->net, &client)) {
            return entry;
        }
    }
    return NULL;
}

/* 0: none. What the plugin karma knows of a client changes it. */
static int limit_of(const qp_plugin *self, qp_session *qp,
                    const qp_pre_connection_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    const qp_notes *notes = qp_conn_notes(qp_connection(qp));
    apr_int64_t history = qp_note_num(notes, QP_NOTE_KARMA_HISTORY);
    int max = opt->max_conn > 0 ? opt->max_conn : arg->max_conn_ip;

    if (max == 0 || !qp_note_has(notes, QP_NOTE_KARMA_HISTORY)) {
        return max;
    }
    if (history > 5) {
        return max + 3;
    }
    return history <= 0 ? 1 : max;
}

static qp_rc check_limit(const qp_plugin *self, qp_session *qp,
                         const qp_pre_connection_arg *arg)
{
    int max = limit_of(self, qp, arg);

    if (max == 0 || arg->conns_of_ip <= max) {
        return QP_DECLINED;
    }
    qp_fail(self, qp, "%d connections, %d are allowed", arg->conns_of_ip, max);
    return qp_return_dsn(qp, QP_DENYSOFT, 7, 0,
                         "Too many connections from %s, of which %d %s "
                         "allowed at a time; close some, or try again later",
                         arg->remote_ip, max, max == 1 ? "is" : "are");
}

static qp_rc apply_entry(const qp_plugin *self, qp_session *qp,
                         const struct entry *entry)
{
    if (entry->rc == QP_OK || entry->rc == QP_DECLINED) {
        qp_pass(self, qp, "listed (%s)", entry->line);
        return QP_DECLINED;
    }
    qp_fail(self, qp, "listed (%s)", entry->line);
    if (entry->text[0] == '\0') {
        return entry->rc; /* with the text of the hook */
    }
    return qp_return(qp, entry->rc, "%s", entry->text);
}

static qp_rc hook_pre_connection(const qp_plugin *self, qp_session *qp,
                                 const qp_pre_connection_arg *arg)
{
    const struct entry *entry = find_entry(qp, arg->remote_ip);
    qp_rc rc = QP_DECLINED;

    if (entry == NULL || entry->rc != QP_OK) {
        rc = check_limit(self, qp, arg);
    }
    if (rc != QP_DECLINED) {
        return rc;
    }
    if (entry != NULL) {
        return apply_entry(self, qp, entry);
    }
    qp_pass(self, qp, "%d of %d connections", arg->conns_of_ip,
            limit_of(self, qp, arg));
    return QP_DECLINED;
}

QP_PLUGIN(hosts_allow) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
    .hooks.pre_connection = hook_pre_connection,
};
