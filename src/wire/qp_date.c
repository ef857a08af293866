/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the date of a message (RFC 5322 3.3 and 4.3), in one pass. Keeps
 * nothing and allocates nothing. It does not guess: what the grammar does not
 * have, or the calendar, is no date.
 */
#include "qpsmtpd.h"

#include <string.h>

#include <apr_lib.h>

#include "base/qp_base.h"
#include "base/qp_str.h"

/* A date in pieces, as it is read. */
struct parts {
    int weekday; /* 0: Sunday; -1: not given */
    int day, month, year;
    int hour, minute, second;
    int offset; /* minutes east of Greenwich */
};

static const char *const weekdays[] = { "Sun", "Mon", "Tue", "Wed",
                                        "Thu", "Fri", "Sat" };
static const char *const months[] = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

/* obs-zone (RFC 5322 4.3). Other words are +0000, for they are unreliable. */
static const struct {
    const char *name;
    int hours;
} zones[] = { { "EST", -5 }, { "EDT", -4 }, { "CST", -6 }, { "CDT", -5 },
              { "MST", -7 }, { "MDT", -6 }, { "PST", -8 }, { "PDT", -7 } };

/* A number of min to max digits. @return what follows, or NULL */
static const char *read_number(const char *p, int min, int max, int *number)
{
    int digits = 0;

    *number = 0;
    while (digits < max && apr_isdigit(p[digits])) {
        *number = 10 * *number + (p[digits] - '0');
        digits++;
    }
    return digits >= min && !apr_isdigit(p[digits]) ? p + digits : NULL;
}

/* The name of three letters that @a p begins with. @return its number, or -1 */
static int find_name(const char *p, const char *const *names, int n)
{
    int i, k;

    for (i = 0; i < n; i++) {
        for (k = 0; k < 3 && apr_tolower(p[k]) == apr_tolower(names[i][k]);
             k++) {
        }
        if (k == 3 && !apr_isalpha(p[3])) {
            return i;
        }
    }
    return -1;
}

/* [ day-name "," ] */
static const char *read_weekday(const char *p, struct parts *parts)
{
    parts->weekday = -1;
    if (!apr_isalpha(*p)) {
        return p;
    }
    parts->weekday = find_name(p, weekdays, 7);
    if (parts->weekday < 0) {
        return NULL;
    }
    p = qp_str_skip_comments(p + 3);
    return p != NULL && *p == ',' ? qp_str_skip_comments(p + 1) : NULL;
}

/* day month year; those of two or three digits are as RFC 5322 4.3 says. */
static const char *read_day(const char *p, struct parts *parts)
{
    const char *year;

    p = read_number(p, 1, 2, &parts->day);
    p = p != NULL ? qp_str_skip_comments(p) : NULL;
    parts->month = p != NULL ? find_name(p, months, 12) : -1;
    if (parts->month < 0) {
        return NULL;
    }
    year = qp_str_skip_comments(p + 3);
    p = year != NULL ? read_number(year, 2, 4, &parts->year) : NULL;
    if (p == NULL) {
        return NULL;
    }
    if (p - year == 2) {
        parts->year += parts->year < 50 ? 2000 : 1900;
    }
    else if (p - year == 3) {
        parts->year += 1900;
    }
    return qp_str_skip_comments(p);
}

/* A colon and two digits. */
static const char *read_colon(const char *p, int *number)
{
    p = p != NULL && *p == ':' ? qp_str_skip_comments(p + 1) : NULL;
    p = p != NULL ? read_number(p, 2, 2, number) : NULL;
    return p != NULL ? qp_str_skip_comments(p) : NULL;
}

/* hour ":" minute [ ":" second ] */
static const char *read_time(const char *p, struct parts *parts)
{
    p = read_number(p, 2, 2, &parts->hour);
    p = p != NULL ? qp_str_skip_comments(p) : NULL;
    p = read_colon(p, &parts->minute);
    parts->second = 0;
    return p != NULL && *p == ':' ? read_colon(p, &parts->second) : p;
}

static const char *read_zone_name(const char *p, struct parts *parts)
{
    const char *end = p;
    size_t i;

    while (apr_isalpha(*end)) {
        end++;
    }
    for (i = 0; i < QP_ARRAY_LEN(zones); i++) {
        if (find_name(p, &zones[i].name, 1) == 0) {
            parts->offset = 60 * zones[i].hours;
        }
    }
    return end > p ? end : NULL;
}

/* ( "+" / "-" ) 4DIGIT, or a word */
static const char *read_zone(const char *p, struct parts *parts)
{
    int number;

    parts->offset = 0;
    if (*p != '+' && *p != '-') {
        return read_zone_name(p, parts);
    }
    parts->offset = *p == '+' ? 1 : -1;
    p = read_number(p + 1, 4, 4, &number);
    parts->offset *= number / 100 * 60 + number % 100;
    return p != NULL && number % 100 < 60 ? p : NULL;
}

static int is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of_month(int month, int year)
{
    static const int days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    return days[month] + (month == 1 && is_leap(year));
}

/* Days from the first of January 1970, a Thursday, to this one. */
static int count_days(const struct parts *parts)
{
    int before = parts->year - 1;
    int days = 365 * (parts->year - 1970) + before / 4 - before / 100
               + before / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    int i;

    for (i = 0; i < parts->month; i++) {
        days += days_of_month(i, parts->year);
    }
    return days + parts->day - 1;
}

/* RFC 5322 3.3: the year is 1900 or later, the day of the week is that of the
 * date; 60 is a leap second. */
static int is_possible(const struct parts *parts)
{
    return parts->year >= 1900 && parts->day >= 1
           && parts->day <= days_of_month(parts->month, parts->year)
           && parts->hour < 24 && parts->minute < 60 && parts->second <= 60
           && (parts->weekday < 0
               || parts->weekday == (count_days(parts) % 7 + 7 + 4) % 7);
}

int qp_date_parse(const char *text, apr_time_t *when)
{
    struct parts parts;
    const char *p = qp_str_skip_comments(text);
    apr_int64_t seconds;

    p = p != NULL ? read_weekday(p, &parts) : NULL;
    p = p != NULL ? read_day(p, &parts) : NULL;
    p = p != NULL ? read_time(p, &parts) : NULL;
    p = p != NULL ? read_zone(p, &parts) : NULL;
    p = p != NULL ? qp_str_skip_comments(p) : NULL;
    if (p == NULL || *p != '\0' || !is_possible(&parts)) {
        return 0;
    }
    seconds = (apr_int64_t)count_days(&parts) * 86400 + parts.hour * 3600
              + (parts.minute - parts.offset) * 60 + parts.second;
    *when = apr_time_from_sec(seconds);
    return 1;
}
