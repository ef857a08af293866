/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of the plugin greylisting without a store: the algorithm, keys, lines
 * of denysoft_greylist, records.
 */
#include "tap.h"

#include <apr_general.h>

#include "plugins/greylist_record.h"

static const struct grey_set defaults = {
    .remote_ip = 1,
    .ipv4_prefix = 32,
    .ipv6_prefix = 64,
    .black_timeout = apr_time_from_sec(3000),
    .grey_timeout = apr_time_from_sec(12000),
    .white_timeout = apr_time_from_sec(3110400),
};

static const struct {
    const char *record; /* or NULL */
    apr_int64_t now;
    enum grey_verdict verdict;
    const char *want;
    apr_int64_t life; /* seconds */
} steps[] = {
    { NULL, 100000, GREY_NEW, "100000:1:0:0", 12000 },
    { "100000:1:0:0", 100000, GREY_BLACK, "100000:1:1:0", 12000 },
    { "100000:1:1:0", 102999, GREY_BLACK, "100000:1:2:0", 9001 },
    { "100000:1:2:0", 103000, GREY_WHITE, "103000:1:2:1", 3110400 },
    { "100000:1:2:0", 111999, GREY_WHITE, "111999:1:2:1", 3110400 },
    { "100000:1:2:0", 112000, GREY_NEW, "112000:2:0:0", 12000 },
    { "100000:1:2:1", 100000, GREY_WHITE, "100000:1:2:2", 3110400 },
    { "100000:1:2:1", 3210399, GREY_WHITE, "3210399:1:2:2", 3110400 },
    { "100000:1:2:1", 3210400, GREY_NEW, "3210400:2:0:0", 12000 },
    { "100000:1:2:0", 99999, GREY_NEW, "99999:2:0:0", 12000 }, /* clock */
    { "nonsense", 100000, GREY_NEW, "100000:1:0:0", 12000 },
    { "1:2:3", 100000, GREY_NEW, "100000:1:0:0", 12000 },
    { "1:2:3:4:5", 100000, GREY_NEW, "100000:1:0:0", 12000 },
    { "1:2:-3:4", 100000, GREY_NEW, "100000:1:0:0", 12000 },
    { "", 100000, GREY_NEW, "100000:1:0:0", 12000 },
};

static void test_steps(apr_pool_t *pool)
{
    struct grey_judgement judgement;
    struct grey_record record;
    apr_time_t now;
    int is_known;
    size_t i;

    for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        now = apr_time_from_sec(steps[i].now);
        is_known = read_record(steps[i].record, &record);
        judge_record(&defaults, now, &record, is_known, &judgement);
        is_int(judgement.verdict, steps[i].verdict, "record %d", (int)i);
        is_str(apr_psprintf(pool,
                            "%" APR_INT64_T_FMT ":%" APR_INT64_T_FMT
                            ":%" APR_INT64_T_FMT ":%" APR_INT64_T_FMT,
                            record.time, record.fresh, record.black,
                            record.white),
               steps[i].want, "becomes");
        is_int(apr_time_sec(record_life(&defaults, now, &record)),
               steps[i].life, "and is of use for");
        is_int(judgement.verdict == GREY_WHITE, judgement.wait == 0,
               "it passes, or has to wait");
    }
}

static const struct {
    const char *ip;
    int ipv4_prefix, ipv6_prefix;
    const char *want;
} networks[] = {
    { "192.0.2.77", 32, 64, "192.0.2.77" },
    { "192.0.2.77", 24, 64, "192.0.2.0" },
    { "192.0.2.77", 30, 64, "192.0.2.76" },
    { "192.0.2.77", 8, 64, "192.0.0.0" },
    { "::ffff:192.0.2.77", 24, 64, "192.0.2.0" },
    { "2001:db8:1:2:3:4:5:6", 32, 64, "20010db8000100020000000000000000" },
    { "2001:db8:1:2ff:3:4:5:6", 32, 57, "20010db8000102800000000000000000" },
    { "2001:db8:1:2:3:4:5:6", 32, 128, "20010db8000100020003000400050006" },
    { "nonsense", 32, 64, "nonsense" },
};

static void test_keys(apr_pool_t *pool)
{
    const qp_addr sender = { "Sender", "Example.NET" };
    const qp_addr rcpt = { "rcpt", "example.org" };
    struct grey_set set = defaults;
    size_t i;

    for (i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
        set.ipv4_prefix = networks[i].ipv4_prefix;
        set.ipv6_prefix = networks[i].ipv6_prefix;
        is_str(grey_network(networks[i].ip, &set, pool), networks[i].want,
               "%s/%d/%d", networks[i].ip, set.ipv4_prefix, set.ipv6_prefix);
    }
    set = defaults;
    is_str(grey_key(&set, "192.0.2.1", &sender, &rcpt, pool), "192.0.2.1",
           "the key of a network");
    set.sender = 1;
    is_str(grey_key(&set, "192.0.2.1", &sender, NULL, pool),
           "192.0.2.1:sender@example.net", "with the sender");
    set.recipient = 1;
    is_str(grey_key(&set, "192.0.2.1", &sender, &rcpt, pool),
           "192.0.2.1:sender@example.net:rcpt@example.org",
           "with the recipient");
    set.remote_ip = 0;
    is_str(grey_key(&set, "192.0.2.1", &sender, &rcpt, pool),
           "sender@example.net:rcpt@example.org", "without the network");
    set.sender = 0;
    set.recipient = 0;
    is_str(grey_key(&set, "192.0.2.1", &sender, &rcpt, pool), NULL, "of none");
}

static const char *const wrong[] = {
    "black_timeout",
    "black_timeout x",
    "black_timeout 1w",
    "black_timeout -1",
    "sender 2",
    "sender",
    "ipv4_prefix 33",
    "mode loud",
    "black 3",
    "black_timeouts 3",
    "store dbm",
    "black_timeout 1mm",
    "black_timeout 99999999999",
};

static void test_lines(apr_pool_t *pool)
{
    struct grey_set set = defaults;
    void *whole = NULL;
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ok(read_grey_line(wrong[i], &whole, pool) != NULL, "\"%s\" is wrong",
           wrong[i]);
    }
    ok(whole == NULL, "nothing comes of it");
    is_str(read_grey_line("black_timeout 5m", &whole, pool), NULL, "a time");
    is_str(read_grey_line("grey_timeout 77", &whole, pool), NULL, "seconds");
    is_str(read_grey_line("white_timeout 2d", &whole, pool), NULL, "days");
    is_str(read_grey_line("sender yes", &whole, pool), NULL, "a yes");
    is_str(read_grey_line("remote_ip 0", &whole, pool), NULL, "a no");
    is_str(read_grey_line("ipv6_prefix\t56", &whole, pool), NULL, "a number");
    is_str(read_grey_line("mode testonly", &whole, pool), NULL, "a mode");
    apply_grey_lines(&set, whole);
    is_int(set.black_timeout, apr_time_from_sec(300), "black_timeout");
    is_int(set.grey_timeout, apr_time_from_sec(77), "grey_timeout");
    is_int(set.white_timeout, apr_time_from_sec(172800), "white_timeout");
    is_int(set.sender * 10 + set.remote_ip, 10, "sender and remote_ip");
    is_int(set.ipv6_prefix, 56, "ipv6_prefix");
    is_int(set.mode, GREY_TESTONLY, "mode");
    is_int(set.deny_late + set.recipient, 0, "others stay");
    apply_grey_lines(&set, NULL);
    is_int(set.ipv6_prefix, 56, "no lines, no change");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_steps(pool);
    test_keys(pool);
    test_lines(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
