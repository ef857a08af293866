/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of qp_date: what RFC 5322 has for a date, what it has not, every day
 * of some centuries against APR, and octets at random.
 */
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/qp_base.h"
#include "qpsmtpd.h"

/* Seconds since 1970; BAD: no date. */
#define BAD -9999999999LL

static const struct {
    const char *text;
    long long want;
} rows[] = {
    { "Tue, 24 Nov 2026 09:04:33 +0000", 1795511073 },
    { "24 Nov 2026 09:04:33 +0000", 1795511073 },
    { "Tue, 24 Nov 2026 09:04 +0000", 1795511040 },
    { "Tue, 24 Nov 2026 10:04:33 +0100", 1795511073 },
    { "Tue, 24 Nov 2026 03:34:33 -0530", 1795511073 },
    { "tue, 24 NOV 2026 09:04:33 gmt", 1795511073 },
    { "Tue, 24 Nov 2026 09:04:33 UT", 1795511073 },
    { "Tue, 24 Nov 2026 04:04:33 EST", 1795511073 },
    { "Tue, 24 Nov 2026 02:04:33 PDT", 1795511073 },
    { "Tue, 24 Nov 2026 09:04:33 Z", 1795511073 },
    { "Tue, 24 Nov 2026 09:04:33 ESTA", 1795511073 },
    { "Tue, 24 Nov 26 09:04:33 +0000", 1795511073 },
    { "Tue, 24 Nov 126 09:04:33 +0000", 1795511073 },
    { " Tue,\n 24 Nov 2026\t09:04:33\r\n +0000 (UTC) ", 1795511073 },
    { "(a (b) \\) c)Tue(x),(x)24(x)Nov(x)2026(x)09(x):(x)04(x):(x)33 +0000",
      1795511073 },
    { "Thu, 1 Jan 1970 00:00:00 +0000", 0 },
    { "Wed, 31 Dec 1969 23:59:59 +0000", -1 },
    { "1 Jan 70 00:00:00 +0000", 0 },
    { "Mon, 1 Jan 1900 00:00:00 +0000", -2208988800LL },
    { "29 Feb 2024 00:00:00 +0000", 1709164800 },
    { "29 Feb 2000 00:00:00 +0000", 951782400 },
    { "31 Dec 9999 23:59:60 -0000", 253402300800LL },
    { "30 Jun 2012 23:59:60 +0000", 1341100800 },
    { "", BAD },
    { "today", BAD },
    { "Mon, 24 Nov 2026 09:04:33 +0000", BAD },
    { "Tuesday, 24 Nov 2026 09:04:33 +0000", BAD },
    { "Tue 24 Nov 2026 09:04:33 +0000", BAD },
    { "Tue, 24 Nov 2026 09:04:33", BAD },
    { "Tue, 24 Nov 2026 9:04:33 +0000", BAD },
    { "Tue, 24 Nov 2026 09:04:33 +000", BAD },
    { "Tue, 24 Nov 2026 09:04:33 +00000", BAD },
    { "Tue, 24 Nov 2026 09:04:33 +0060", BAD },
    { "Tue, 24 Nov 2026 09:04:33 0000", BAD },
    { "Tue, 24 Nov 2026 09:04:33 +0000 x", BAD },
    { "Tue, 24 Nov 2026 09:04:33 +0000 (x", BAD },
    { "(Tue, 24 Nov 2026 09:04:33 +0000", BAD },
    { "24 November 2026 09:04:33 +0000", BAD },
    { "24 11 2026 09:04:33 +0000", BAD },
    { "2026-11-24 09:04:33 +0000", BAD },
    { "0 Nov 2026 09:04:33 +0000", BAD },
    { "31 Nov 2026 09:04:33 +0000", BAD },
    { "29 Feb 2026 09:04:33 +0000", BAD },
    { "29 Feb 1900 09:04:33 +0000", BAD },
    { "24 Nov 1899 09:04:33 +0000", BAD },
    { "24 Nov 12026 09:04:33 +0000", BAD },
    { "24 Nov 6 09:04:33 +0000", BAD },
    { "024 Nov 2026 09:04:33 +0000", BAD },
    { "24 Nov 2026 24:04:33 +0000", BAD },
    { "24 Nov 2026 09:60:33 +0000", BAD },
    { "24 Nov 2026 09:04:61 +0000", BAD },
    { "24 Nov 2026 09:04: +0000", BAD },
    { "24 Nov 2026 09.04.33 +0000", BAD },
    { "-4 Nov 2026 09:04:33 +0000", BAD },
    { "99999999999999999999 Nov 2026 09:04:33 +0000", BAD },
    { "24 N", BAD },
    { "24 \xe9\xe9\xe9 2026 09:04:33 +0000", BAD },
};

static void test_rows(void)
{
    apr_time_t when;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        when = apr_time_from_sec(BAD);
        is_int(qp_date_parse(rows[i].text, &when), rows[i].want != BAD,
               "<%s>: is it a date", rows[i].text);
        is_int(apr_time_sec(when), rows[i].want, "<%s>: when", rows[i].text);
    }
}

/* Every day from 1900 to 2200, as APR writes it. */
static void test_days(void)
{
    char text[APR_RFC822_DATE_LEN];
    apr_time_t when, got;
    int bad = 0;
    int day;

    for (day = -25567; day < 84006; day++) {
        when = apr_time_from_sec((apr_int64_t)day * 86400 + 43200);
        apr_rfc822_date(text, when);
        bad += !qp_date_parse(text, &got) || got != when;
    }
    is_int(bad, 0, "300 years of days");
}

/* Nothing is read beyond the end (in a build with the sanitizer), and all ends
 * in time. */
static void test_random(apr_pool_t *pool)
{
    static const char set[] = "  ,,::()\\0123456789+-TueNovGMT\n\xff";
    char *text = apr_palloc(pool, 1 << 20);
    apr_time_t when;
    unsigned int state = 5322;
    int dates = 0;
    int i, k;

    for (i = 0; i < 20000; i++) {
        char *copy = malloc(41);

        for (k = 0; k < 40; k++) {
            state = state * 1103515245u + 12345u;
            copy[k] = set[(state >> 16) % (sizeof(set) - 1)];
        }
        copy[state % 41] = '\0';
        copy[40] = '\0';
        dates += qp_date_parse(copy, &when);
        free(copy);
    }
    is_int(dates, 0, "nothing at random is a date");
    memset(text, '(', (1 << 20) - 1);
    text[(1 << 20) - 1] = '\0';
    ok(!qp_date_parse(text, &when), "nor is a deep comment");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    test_rows();
    test_days();
    test_random(pool);
    return done_testing();
}
