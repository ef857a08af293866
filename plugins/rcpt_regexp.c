/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers recipients as a list of addresses and expressions says. It keeps no
 * data. It does not know which domains are ours.

=pod

=head1 NAME

rcpt_regexp - accept or refuse recipients by a list of expressions

=head1 SYNOPSIS

In F<config/plugins>, above C<rcpt_ok>:

    rcpt_regexp

In F<config/rcpt_regexp>:

    postmaster@example.org   OK       Always
    /^info-\d+@example\.org$/ DENYSOFT Try again tomorrow
    /^[^@]*@example\.net$/    DENY     No such user

=head1 DESCRIPTION

Each recipient is compared with the lines of config C<rcpt_regexp>: a pattern,
an answer, and perhaps a text. The first line that matches answers for the
recipient. If none does, the plugins below are asked.

A pattern is an address, or a Perl-compatible regular expression between
slashes, which is looked for in I<user>C<@>I<domain>. Upper and lower case are
the same. There is no blank in it; C<\s> stands for one.

The answer is one of

=over 4

=item OK

The recipient is accepted, for any client: see that the expression ends in one
of your domains and C<$>, or this is an open relay.

=item DENY, DENYSOFT

It is refused for good (550) or for now (450), with the text.

=item DENY_DISCONNECT, DENYSOFT_DISCONNECT

The same, and the connection is closed.

=item DECLINED

The plugins below are asked, and no further line.

=back

A line that cannot be understood stops the start. In a file that is changed
later it is reported, and the old list stays in force.

=head1 CONFIGURATION

There are no options.

=head1 FILES

=over 4

=item F<rcpt_regexp>

The list. A change needs no restart.

=back

=head1 DIAGNOSTICS

=over 4

=item rcpt_regexp: pass, I<RECIPIENT> matches I<PATTERN>

It is accepted, or left to the plugins below.

=item rcpt_regexp: pass, I<RECIPIENT> is not listed

The plugins below are asked.

=item rcpt_regexp: fail, I<RECIPIENT> matches I<PATTERN>

It is refused.

=back

=head1 SEE ALSO

L<rcpt_map>, L<badrcptto>, L<rcpt_ok>, L<pcre2pattern(3)>

=cut

*/

#include <string.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

#define KEY "rcpt_regexp"

struct entry {
    qp_pattern *pattern;
    qp_rc rc;
    const char *text; /* or "" */
};

/* Makes an array of struct entry. */
static const char *read_entry(const char *line, void **whole, apr_pool_t *pool)
{
    apr_array_header_t *entries = *whole;
    struct entry entry;
    const char *rest, *word;
    const char *error =
        qp_pattern_read(line, QP_PATTERN_WORD, &entry.pattern, pool);
    size_t len;

    if (error != NULL) {
        return error;
    }
    rest = qp_pattern_rest(entry.pattern);
    len = strcspn(rest, " \t");
    word = apr_pstrmemdup(pool, rest, len);
    if (!qp_rc_named(word, &entry.rc)) {
        return apr_psprintf(pool,
                            "\"%s\": behind the pattern stands OK, DENY, "
                            "DENYSOFT or another answer",
                            word);
    }
    entry.text = rest + len + strspn(rest + len, " \t");
    if (entries == NULL) {
        entries = apr_array_make(pool, 8, sizeof(entry));
        *whole = entries;
    }
    APR_ARRAY_PUSH(entries, struct entry) = entry;
    return NULL;
}

static const struct entry *find_entry(const qp_plugin *self, qp_session *qp,
                                      const char *text)
{
    const apr_array_header_t *entries = qp_list(qp, KEY, read_entry);
    const struct entry *entry;
    int i;

    for (i = 0; entries != NULL && i < entries->nelts; i++) {
        entry = &APR_ARRAY_IDX(entries, i, const struct entry);
        if (qp_pattern_matches(self, qp, entry->pattern, text)) {
            return entry;
        }
    }
    return NULL;
}

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    const qp_addr *rcpt = arg->rcpt;
    const char *text =
        apr_pstrcat(qp_pool(qp), rcpt->user, rcpt->host[0] != '\0' ? "@" : "",
                    rcpt->host, NULL);
    const struct entry *entry = find_entry(self, qp, text);

    if (entry == NULL) {
        qp_pass(self, qp, "%s is not listed", text);
        return QP_DECLINED;
    }
    if (entry->rc == QP_OK || entry->rc == QP_DECLINED) {
        qp_pass(self, qp, "%s matches %s", text,
                qp_pattern_text(entry->pattern));
        return entry->rc;
    }
    qp_fail(self, qp, "%s matches %s", text, qp_pattern_text(entry->pattern));
    if (entry->text[0] == '\0') {
        return qp_dsn_no_such_user_rc(qp, entry->rc, NULL);
    }
    return qp_return(qp, entry->rc, "%s", entry->text);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    return qp_list_check(self, KEY, read_entry);
}

QP_PLUGIN(rcpt_regexp) = {
    .setup = setup,
    .hooks.rcpt = hook_rcpt,
};
