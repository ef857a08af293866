/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of plugin/qp_alias: old lines of config/plugins, and what they are
 * today; names that are no longer.
 */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>

#include "plugin/qp_alias.h"

static const struct {
    const char *line;
    const char *want; /* "!" and a text: an error with it */
} rows[] = {
    { "relay only 1", "relay only 1" },
    { "check_relay", "relay" },
    { "check_relay:1", "relay:1" },
    { "check_relays", "check_relays" },
    { "check_relay::x", "check_relay::x" },
    { "check_norelay", "relay" },
    { "relay_only", "relay only 1" },
    { "check_badmailfrom", "badmailfrom lists badmailfrom" },
    { "check_badmailfrom reject naughty",
      "badmailfrom lists badmailfrom reject naughty" },
    { "check_badmailfrom_patterns", "badmailfrom lists badmailfrom_patterns" },
    { "check_badmailfromto", "badmailfromto" },
    { "check_badrcptto", "badrcptto lists badrcptto" },
    { "check_badrcptto_patterns", "badrcptto lists badrcptto_patterns" },
    { "check_earlytalker", "earlytalker reject_type temp" },
    { "check_earlytalker wait 2 action deny defer-reject",
      "earlytalker wait 2 defer-reject 1 reject_type perm" },
    { "check_earlytalker defer-reject 0 action log",
      "earlytalker defer-reject 0 reject no" },
    { "check_spamhelo", "helo policy lenient reject_type perm" },
    { "check_earlytalker action log", "earlytalker reject no" },
    { "check_earlytalker action", "earlytalker action reject_type temp" },
    { "check_earlytalker action bite", "!\"bite\" is none of log, deny" },
    { "async/check_earlytalker action denysoft",
      "earlytalker reject_type temp" },
    { "check_bogus_bounce", "bogus_bounce reject no" },
    { "check_bogus_bounce deny", "bogus_bounce reject_type perm" },
    { "check_bogus_bounce deny log", "!one of log, deny" },
    { "check_basicheaders", "headers require From,Date" },
    { "check_basicheaders 3", "headers require From,Date past 3 future 3" },
    { "check_basicheaders 3 4", "!a number of days" },
    { "check_loop 50", "loop hops 50" },
    { "check_loop", "loop" },
    { "check_loop 1 2", "!a number of hops" },
    { "require_resolvable_fromhost", "resolvable_fromhost" },
    { "denysoft_greylist black_timeout 60", "greylisting black_timeout 60" },
    { "async/dnsbl disconnect", "dnsbl disconnect" },
    { "async/queue/smtp-forward 127.0.0.1", "queue/smtp-forward 127.0.0.1" },
};

static void test_rows(apr_pool_t *pool)
{
    apr_array_header_t *words;
    qp_plugin_line line;
    qp_alias alias;
    const char *error;
    const char *got;
    const char *was;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        words = qp_str_words(rows[i].line, pool);
        was = APR_ARRAY_IDX(words, 0, const char *);
        line.where = "plugins:1";
        line.name = was;
        words->elts += words->elt_size;
        words->nelts--;
        line.args = words;
        error = qp_alias_apply(&line, &alias, pool);
        if (rows[i].want[0] == '!') {
            ok(error != NULL && strstr(error, rows[i].want + 1) != NULL,
               "%s: %s", rows[i].line, error != NULL ? error : "no error");
            continue;
        }
        is_str(error, NULL, "%s", rows[i].line);
        got = line.args->nelts == 0
                  ? line.name
                  : apr_pstrcat(pool, line.name, " ",
                                apr_array_pstrcat(pool, line.args, ' '), NULL);
        is_str(got, rows[i].want, "is read");
        is_str(alias.was, strcmp(was, line.name) != 0 ? was : NULL,
               "what it was");
    }
}

static void test_switch(apr_pool_t *pool)
{
    qp_plugin_line line = { "require_resolvable_fromhost",
                            apr_array_make(pool, 1, sizeof(const char *)),
                            "plugins:1" };
    qp_alias alias;

    is_str(qp_alias_apply(&line, &alias, pool), NULL, "a line with a switch");
    is_str(alias.switch_key, "require_resolvable_fromhost", "its key");
    line.name = "check_relay";
    is_str(qp_alias_apply(&line, &alias, pool), NULL, "a line without one");
    is_str(alias.switch_key, NULL, "no key");
}

static void test_remedies(void)
{
    ok(strstr(qp_alias_remedy("karma"), "take the line out") != NULL, "karma");
    ok(strstr(qp_alias_remedy("dkim:1"), "take the line out") != NULL,
       "an instance");
    ok(strstr(qp_alias_remedy("virus/clamav"), "virus/clamdscan") != NULL,
       "one with a successor");
    ok(strstr(qp_alias_remedy("auth/auth_ldap_bind"), "auth/httpd") != NULL,
       "passwords in a directory");
    is_str(qp_alias_remedy("of_my_own"), NULL, "a name that nobody knows");
    is_str(qp_alias_remedy("karmas"), NULL, "nor this one");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_rows(pool);
    test_switch(pool);
    test_remedies();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
