/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of old names. Used at start only; what is made lives in the
 * configuration's pool. Whether a plugin exists is the loader's to find out. */

#include "plugin/qp_alias.h"

#include <string.h>

#include <apr_strings.h>

/* What old arguments become. */
typedef enum arg_style {
    ARGS_SAME,   /* they have not changed */
    ARGS_ACTION, /* "action log|deny|denysoft" among them, denysoft if not */
    ARGS_ACTION_LOG, /* log, deny or denysoft as the only one; log if not */
    ARGS_DAYS,       /* a number of days, for both directions */
    ARGS_HOPS        /* a number of hops */
} arg_style;

typedef struct old_name {
    const char *old;
    const char *name;
    const char *args; /* put before the arguments; or NULL */
    arg_style style;
    const char *switch_key; /* see qp_alias; or NULL */
} old_name;

static const old_name old_names[] = {
    { "check_relay", "relay", NULL, ARGS_SAME, NULL },
    { "check_norelay", "relay", NULL, ARGS_SAME, NULL },
    { "relay_only", "relay", "only 1", ARGS_SAME, NULL },
    { "check_earlytalker", "earlytalker", NULL, ARGS_ACTION, NULL },
    { "check_spamhelo", "helo", "policy lenient reject_type perm", ARGS_SAME,
      NULL },
    { "check_badmailfrom", "badmailfrom", "lists badmailfrom", ARGS_SAME,
      NULL },
    { "check_badmailfrom_patterns", "badmailfrom", "lists badmailfrom_patterns",
      ARGS_SAME, NULL },
    { "check_badmailfromto", "badmailfromto", NULL, ARGS_SAME, NULL },
    { "check_badrcptto", "badrcptto", "lists badrcptto", ARGS_SAME, NULL },
    { "check_badrcptto_patterns", "badrcptto", "lists badrcptto_patterns",
      ARGS_SAME, NULL },
    { "require_resolvable_fromhost", "resolvable_fromhost", NULL, ARGS_SAME,
      "require_resolvable_fromhost" },
    { "check_basicheaders", "headers", "require From,Date", ARGS_DAYS, NULL },
    { "check_loop", "loop", NULL, ARGS_HOPS, NULL },
    { "check_bogus_bounce", "bogus_bounce", NULL, ARGS_ACTION_LOG, NULL },
    { "denysoft_greylist", "greylisting", NULL, ARGS_SAME, NULL },
    { "whitelist_soft", "whitelist", NULL, ARGS_SAME, NULL },
    { "async/check_earlytalker", "earlytalker", NULL, ARGS_ACTION, NULL },
    { "async/dnsbl", "dnsbl", NULL, ARGS_SAME, NULL },
    { "async/dns_whitelist_soft", "dns_whitelist_soft", NULL, ARGS_SAME, NULL },
    { "async/earlytalker", "earlytalker", NULL, ARGS_SAME, NULL },
    { "async/require_resolvable_fromhost", "resolvable_fromhost", NULL,
      ARGS_SAME, "require_resolvable_fromhost" },
    { "async/resolvable_fromhost", "resolvable_fromhost", NULL, ARGS_SAME,
      NULL },
    { "async/rhsbl", "rhsbl", NULL, ARGS_SAME, NULL },
    { "async/uribl", "uribl", NULL, ARGS_SAME, NULL },
    { "async/queue/smtp-forward", "queue/smtp-forward", NULL, ARGS_SAME, NULL },
};

/* Plugins of qpsmtpd, and what is done here in their place. */
static const struct {
    const char *name;
    const char *remedy;
} remedies[] = {
    { "tls_cert", "take the line out; mod_md or openssl make certificates" },
    { "stunnel", "take the line out; the PROXY protocol is the server's" },
    { "chunking", "take the line out; BDAT is built into the server" },
    { "logging/connection_id",
      "take the line out; every log line has the connection's id" },
    { "logging/transaction_id",
      "take the line out; every log line has the transaction's id" },
    { "virus/clamav", "use virus/clamdscan, which asks a running clamd" },
    { "auth/authsql", "use auth/httpd with httpd's provider dbd" },
    { "auth/auth_vpopmail_sql", "use auth/httpd with httpd's provider dbd" },
    { "auth/auth_ldap_bind", "use auth/httpd with httpd's provider ldap" },
};

/* Plugins of qpsmtpd that have no counterpart. */
static const char *const gone[] = {
    "dkim",
    "dmarc",
    "domainkeys",
    "dspam",
    "ident/geoip",
    "ident/p0f",
    "karma",
    "milter",
    "qmail_deliverable",
    "sender_permitted_from",
    "auth/auth_cvm_unix_local",
    "auth/auth_imap",
    "auth/auth_vpopmail",
    "auth/auth_vpopmaild",
    "auth/authnull",
    "auth/saslauth",
    "virus/aveclient",
    "virus/bitdefender",
    "virus/check_for_hi_virus",
    "virus/hbedv",
    "virus/kavscanner",
    "virus/klez_filter",
    "virus/sophie",
    "virus/uvscan",
};

static void push(apr_array_header_t *args, const char *word)
{
    APR_ARRAY_PUSH(args, const char *) = word;
}

static void push_pair(apr_array_header_t *args, const char *key,
                      const char *value)
{
    push(args, key);
    push(args, value);
}

/* What log, deny and denysoft are called today. */
static const char *push_action(apr_array_header_t *args, const char *action,
                               apr_pool_t *pool)
{
    if (strcmp(action, "log") == 0) {
        push_pair(args, "reject", "no");
    }
    else if (strcmp(action, "deny") == 0) {
        push_pair(args, "reject_type", "perm");
    }
    else if (strcmp(action, "denysoft") == 0) {
        push_pair(args, "reject_type", "temp");
    }
    else {
        return apr_psprintf(pool,
                            "action: \"%s\" is none of log, deny, denysoft",
                            action);
    }
    return NULL;
}

/* Whether the i-th word is 0 or 1. */
static int is_switch(const apr_array_header_t *words, int i)
{
    const char *word =
        i < words->nelts ? APR_ARRAY_IDX(words, i, const char *) : "";

    return strcmp(word, "0") == 0 || strcmp(word, "1") == 0;
}

/* Of check_earlytalker; defer-reject was a word of its own, or had a number
 * behind it. */
static const char *change_action(const apr_array_header_t *from,
                                 apr_array_header_t *to, apr_pool_t *pool)
{
    const char *action = "denysoft";
    const char *word;
    int i;

    for (i = 0; i < from->nelts; i++) {
        word = APR_ARRAY_IDX(from, i, const char *);
        if (strcmp(word, "action") == 0 && i + 1 < from->nelts) {
            action = APR_ARRAY_IDX(from, ++i, const char *);
        }
        else {
            push(to, word);
        }
        if (strcmp(word, "defer-reject") == 0 && !is_switch(from, i + 1)) {
            push(to, "1");
        }
    }
    return push_action(to, action, pool);
}

static const char *change_action_log(const apr_array_header_t *from,
                                     apr_array_header_t *to, apr_pool_t *pool)
{
    if (from->nelts > 1) {
        return "one of log, deny and denysoft is all that may be given";
    }
    return push_action(to,
                       from->nelts == 0 ? "log"
                                        : APR_ARRAY_IDX(from, 0, const char *),
                       pool);
}

static const char *change_days(const apr_array_header_t *from,
                               apr_array_header_t *to)
{
    const char *days;

    if (from->nelts > 1) {
        return "a number of days is all that may be given";
    }
    if (from->nelts == 1) {
        days = APR_ARRAY_IDX(from, 0, const char *);
        push_pair(to, "past", days);
        push_pair(to, "future", days);
    }
    return NULL;
}

static const char *change_hops(const apr_array_header_t *from,
                               apr_array_header_t *to)
{
    if (from->nelts > 1) {
        return "a number of hops is all that may be given";
    }
    if (from->nelts == 1) {
        push_pair(to, "hops", APR_ARRAY_IDX(from, 0, const char *));
    }
    return NULL;
}

static const char *change_args(arg_style style, const apr_array_header_t *from,
                               apr_array_header_t *to, apr_pool_t *pool)
{
    switch (style) {
    case ARGS_ACTION:
        return change_action(from, to, pool);
    case ARGS_ACTION_LOG:
        return change_action_log(from, to, pool);
    case ARGS_DAYS:
        return change_days(from, to);
    case ARGS_HOPS:
        return change_hops(from, to);
    case ARGS_SAME:
    default:
        apr_array_cat(to, from);
        return NULL;
    }
}

static int is_called(const char *name, const char *old)
{
    size_t len = strlen(old);

    return strncmp(name, old, len) == 0
           && (name[len] == '\0' || (name[len] == ':' && name[len + 1] != ':'));
}

static const old_name *find_old(const char *name)
{
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(old_names); i++) {
        if (is_called(name, old_names[i].old)) {
            return &old_names[i];
        }
    }
    return NULL;
}

const char *qp_alias_apply(qp_plugin_line *line, qp_alias *out,
                           apr_pool_t *pool)
{
    const old_name *found = find_old(line->name);
    apr_array_header_t *args;
    const char *error;

    memset(out, 0, sizeof(*out));
    if (found == NULL) {
        return NULL;
    }
    args = qp_str_words(found->args != NULL ? found->args : "", pool);
    error = change_args(found->style, line->args, args, pool);
    out->was = line->name;
    out->switch_key = found->switch_key;
    line->name =
        apr_pstrcat(pool, found->name, line->name + strlen(found->old), NULL);
    line->args = args;
    return error;
}

const char *qp_alias_remedy(const char *name)
{
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(remedies); i++) {
        if (is_called(name, remedies[i].name)) {
            return remedies[i].remedy;
        }
    }
    for (i = 0; i < QP_ARRAY_LEN(gone); i++) {
        if (is_called(name, gone[i])) {
            return "mod_qpsmtpd has no such plugin: take the line out, or put "
                   "a # before it";
        }
    }
    return NULL;
}
