/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file greylist_set.h
 * @brief The settings of the plugin greylisting, and the lines of config
 *        denysoft_greylist.
 *
 * Nothing is kept. It knows no sessions and no store.
 */
#ifndef GREYLIST_SET_H
#define GREYLIST_SET_H

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "qpsmtpd.h"

#define GREY_WORDS_MODE                                                        \
    {                                                                          \
        "denysoft", "testonly", "off", NULL                                    \
    }

enum grey_mode { GREY_DENYSOFT, GREY_TESTONLY, GREY_OFF };

/** What options and lines of config denysoft_greylist set. */
struct grey_set {
    int mode; /* of enum grey_mode */
    int remote_ip, sender, recipient, deny_late;
    int ipv4_prefix, ipv6_prefix;
    apr_interval_time_t black_timeout, grey_timeout, white_timeout;
};

/** One line of it. */
struct grey_line {
    apr_size_t offset; /* of the field in struct grey_set */
    int is_time;
    apr_interval_time_t value;
};

/* A number of seconds, or with s, m, h or d behind it. */
static inline int read_seconds(const char *text, apr_interval_time_t *value)
{
    static const char units[] = "smhd";
    static const int factors[] = { 1, 60, 3600, 86400 };
    char *end = NULL;
    apr_int64_t n = apr_strtoi64(text, &end, 10);
    const char *unit = *end != '\0' ? strchr(units, *end) : units;

    if (end == text || n < 0 || n > 1000000000 || unit == NULL
        || (*end != '\0' && end[1] != '\0')) {
        return 0;
    }
    *value = apr_time_from_sec(n * factors[unit - units]);
    return 1;
}

static inline int read_small(const char *text, int max,
                             apr_interval_time_t *value)
{
    static const char *const yes[] = { "1", "yes", "on", "true" };
    static const char *const no[] = { "0", "no", "off", "false" };
    char *end = NULL;
    size_t i;

    for (i = 0; max == 1 && i < sizeof(yes) / sizeof(yes[0]); i++) {
        *value = strcasecmp(text, yes[i]) == 0;
        if (*value || strcasecmp(text, no[i]) == 0) {
            return 1;
        }
    }
    *value = apr_strtoi64(text, &end, 10);
    return end != text && *end == '\0' && *value >= 0 && *value <= max;
}

static inline int read_mode(const char *text, apr_interval_time_t *value)
{
    static const char *const modes[] = GREY_WORDS_MODE;
    int i;

    for (i = 0; modes[i] != NULL; i++) {
        if (strcasecmp(text, modes[i]) == 0) {
            *value = i;
            return 1;
        }
    }
    return 0;
}

/** A reader for qp_list(): makes an array of struct grey_line. */
static inline const char *read_grey_line(const char *line, void **whole,
                                         apr_pool_t *pool)
{
    static const struct {
        const char *key;
        apr_size_t offset;
        int max; /* 0: a time; -1: a mode */
    } keys[] = {
        { "mode", offsetof(struct grey_set, mode), -1 },
        { "remote_ip", offsetof(struct grey_set, remote_ip), 1 },
        { "sender", offsetof(struct grey_set, sender), 1 },
        { "recipient", offsetof(struct grey_set, recipient), 1 },
        { "deny_late", offsetof(struct grey_set, deny_late), 1 },
        { "ipv4_prefix", offsetof(struct grey_set, ipv4_prefix), 32 },
        { "ipv6_prefix", offsetof(struct grey_set, ipv6_prefix), 128 },
        { "black_timeout", offsetof(struct grey_set, black_timeout), 0 },
        { "grey_timeout", offsetof(struct grey_set, grey_timeout), 0 },
        { "white_timeout", offsetof(struct grey_set, white_timeout), 0 },
    };
    apr_array_header_t *lines = *whole;
    apr_size_t len = strcspn(line, " \t");
    const char *word = line + len + strspn(line + len, " \t");
    struct grey_line got = { 0, 0, 0 };
    int is_good = 0;
    size_t i = 0;

    while (i < sizeof(keys) / sizeof(keys[0])
           && (strlen(keys[i].key) != len
               || strncmp(keys[i].key, line, len) != 0)) {
        i++;
    }
    if (i == sizeof(keys) / sizeof(keys[0])) {
        return apr_psprintf(pool, "\"%s\" begins with no option of greylisting",
                            line);
    }
    got.offset = keys[i].offset;
    got.is_time = keys[i].max == 0;
    if (keys[i].max > 0) {
        is_good = read_small(word, keys[i].max, &got.value);
    }
    else {
        is_good = keys[i].max == 0 ? read_seconds(word, &got.value)
                                   : read_mode(word, &got.value);
    }
    if (!is_good) {
        return apr_psprintf(pool, "\"%s\" is no value for %s", word,
                            keys[i].key);
    }
    if (lines == NULL) {
        lines = apr_array_make(pool, 4, sizeof(got));
        *whole = lines;
    }
    APR_ARRAY_PUSH(lines, struct grey_line) = got;
    return NULL;
}

/** Puts lines of a list into a copy of the options. */
static inline void apply_grey_lines(struct grey_set *set, const void *list)
{
    const apr_array_header_t *lines = list;
    const struct grey_line *line;
    char *field;
    int value;
    int i;

    for (i = 0; lines != NULL && i < lines->nelts; i++) {
        line = &APR_ARRAY_IDX(lines, i, const struct grey_line);
        field = (char *)set + line->offset;
        value = (int)line->value;
        if (line->is_time) {
            memcpy(field, &line->value, sizeof(line->value));
        }
        else {
            memcpy(field, &value, sizeof(value));
        }
    }
}

#endif /* GREYLIST_SET_H */
