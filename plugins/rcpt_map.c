/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers the recipients of a domain from a file of addresses. It keeps no
 * data; the file is in memory as long as it is the same. It has no say in
 * other domains.

=pod

=head1 NAME

rcpt_map - accept the recipients of a domain that are in a file

=head1 SYNOPSIS

In F<config/plugins>, above C<rcpt_ok>:

    rcpt_map domain example.org file map/example.org
    rcpt_map:1 domain example.net file /etc/mail/users default DENY=Unknown

In F<config/map/example.org>:

    postmaster@example.org  OK
    user@example.org        OK
    gone@example.org        DENY      Has left us
    moving@example.org      DENYSOFT  Please try again tomorrow

=head1 DESCRIPTION

If the domain of a recipient is that of the plugin, its answer is looked up in
the file, and if it is not there, it is the default: the recipient is refused.
Recipients of other domains are left to the plugins below.

Each line of the file is an address, an answer, and perhaps a text for the
client. The answer is C<OK>, C<DENY>, C<DENYSOFT>, C<DENY_DISCONNECT>,
C<DENYSOFT_DISCONNECT>, or C<DECLINED>, which leaves the recipient to the
plugins below. Upper and lower case are the same. Of two lines with the same
address the first counts.

Lines that cannot be understood, a missing file, and one without lines stop the
start. When the file changes, it is read again; one with a fault is reported,
and the old one stays in force. If it has no lines any more, recipients of the
domain are answered 451.

=head1 CONFIGURATION

=over 4

=item file

The file; a relative path starts in the config folder. It has to be given. (The
config folder itself should not have it, as the files there are config keys.)

=item domain

The domain. It has to be given.

=item default

The answer to recipients that are not in the file, and perhaps a text behind
C<=>, in which C<_> stands for a blank. The default is
C<DENY=No_such_user>.

=back

=head1 DIAGNOSTICS

=over 4

=item rcpt_map: pass, I<RECIPIENT>

It is accepted, or left to the plugins below.

=item rcpt_map: skip, not in I<DOMAIN>

It is left to the plugins below.

=item rcpt_map: fail, I<RECIPIENT>

It is refused.

=item rcpt_map: error, I<FILE> has no lines

The file has become empty, or was removed: put it back.

=back

=head1 SEE ALSO

L<rcpt_regexp>, L<rcpt_ok>

=cut

*/

#include <string.h>
#include <strings.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "qpsmtpd.h"

struct opts {
    const char *file;
    const char *domain;
    const char *unlisted;
};

struct entry {
    qp_rc rc;
    const char *text; /* or "" */
};

struct map {
    apr_hash_t *entries; /* of struct entry, by the address in lower case */
};

static const qp_opt opt_table[] = {
    QP_OPT_PATH(struct opts, file, "file", NULL),
    QP_OPT_STR(struct opts, domain, "domain", NULL),
    QP_OPT_STR(struct opts, unlisted, "default", "DENY=No_such_user"),
    QP_OPT_END,
};

static char *lower_case(const char *text, apr_size_t len, apr_pool_t *pool)
{
    char *lower = apr_pstrmemdup(pool, text, len);
    char *p;

    for (p = lower; *p != '\0'; p++) {
        *p = (char)apr_tolower(*p);
    }
    return lower;
}

/* Makes a struct map. */
static const char *read_entry(const char *line, void **whole, apr_pool_t *pool)
{
    struct map *map = *whole;
    struct entry *entry = apr_palloc(pool, sizeof(*entry));
    size_t len = strcspn(line, " \t");
    const char *addr = lower_case(line, len, pool);
    const char *rest = line + len + strspn(line + len, " \t");
    const char *word;

    if (strchr(addr, '@') == NULL) {
        return apr_psprintf(pool, "\"%s\" is no address", addr);
    }
    len = strcspn(rest, " \t");
    word = apr_pstrmemdup(pool, rest, len);
    if (!qp_rc_named(word, &entry->rc)) {
        return apr_psprintf(pool,
                            "\"%s\": behind the address stands OK, DENY, "
                            "DENYSOFT or another answer",
                            word);
    }
    entry->text = apr_pstrdup(pool, rest + len + strspn(rest + len, " \t"));
    if (map == NULL) {
        map = apr_palloc(pool, sizeof(*map));
        map->entries = apr_hash_make(pool);
        *whole = map;
    }
    if (apr_hash_get(map->entries, addr, APR_HASH_KEY_STRING) == NULL) {
        apr_hash_set(map->entries, addr, APR_HASH_KEY_STRING, entry);
    }
    return NULL;
}

/* "CODE=text_with_underscores". @return NULL, or what is wrong */
static const char *read_default(const char *word, struct entry *entry,
                                apr_pool_t *pool)
{
    size_t len = strcspn(word, "=");
    char *text = apr_pstrdup(pool, word[len] == '=' ? word + len + 1 : "");
    char *p;

    for (p = text; *p != '\0'; p++) {
        if (*p == '_') {
            *p = ' ';
        }
    }
    entry->text = text;
    if (!qp_rc_named(apr_pstrmemdup(pool, word, len), &entry->rc)) {
        return "default: must be an answer such as DENY, and perhaps = and a "
               "text behind it";
    }
    return NULL;
}

static const struct entry *find_entry(const struct opts *opt,
                                      const struct map *map,
                                      const qp_addr *rcpt, apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, rcpt->user, "@", rcpt->host, NULL);
    struct entry *entry =
        apr_hash_get(map->entries, lower_case(text, strlen(text), pool),
                     APR_HASH_KEY_STRING);
    const char *error;

    if (entry == NULL) {
        entry = apr_palloc(pool, sizeof(*entry));
        error = read_default(opt->unlisted, entry, pool);
        if (error != NULL) {
            entry->rc = QP_DENYSOFT; /* setup has seen to it */
        }
    }
    return entry;
}

static qp_rc hook_rcpt(const qp_plugin *self, qp_session *qp,
                       const qp_rcpt_arg *arg)
{
    const struct opts *opt = qp_opts(self);
    const char *text = qp_addr_text(arg->rcpt, qp_pool(qp));
    const struct entry *entry;
    const struct map *map;

    if (strcasecmp(arg->rcpt->host, opt->domain) != 0) {
        qp_skip(self, qp, "not in %s", opt->domain);
        return QP_DECLINED;
    }
    map = qp_list(qp, opt->file, read_entry);
    if (map == NULL) {
        qp_error(self, qp, "%s has no lines", opt->file);
        return qp_dsn_net_directory_server_failed(qp, NULL);
    }
    entry = find_entry(opt, map, arg->rcpt, qp_pool(qp));
    if (entry->rc == QP_OK || entry->rc == QP_DECLINED) {
        qp_pass(self, qp, "%s", text);
        return entry->rc;
    }
    qp_fail(self, qp, "%s", text);
    return qp_dsn_no_such_user_rc(qp, entry->rc,
                                  entry->text[0] != '\0' ? entry->text : NULL);
}

static const char *setup(qp_plugin *self, apr_pool_t *pconf)
{
    const struct opts *opt = qp_opts(self);
    struct entry entry;
    const char *error;

    if (opt->file == NULL || opt->domain == NULL) {
        return "file and domain have to be given";
    }
    error = read_default(opt->unlisted, &entry, pconf);
    return error != NULL ? error : qp_list_require(self, opt->file, read_entry);
}

QP_PLUGIN(rcpt_map) = {
    .opts = opt_table,
    .opts_size = sizeof(struct opts),
    .setup = setup,
    .hooks.rcpt = hook_rcpt,
};
