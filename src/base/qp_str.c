/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded text: escaping, splitting at blanks, numbers with units. Results
 * live in the caller's buffer or pool. Knows neither locales nor UTF-8: an
 * octet above 126 is never printable here.
 */
#include "base/qp_str.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

#define ELLIPSIS      "..."
#define ELLIPSIS_LEN  (sizeof(ELLIPSIS) - 1)

/** Digits of a fraction that count: microseconds of a second. */
#define FRACTION_UNIT 1000000

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

/** Writes one octet as it may stand in a log. @return 1, 2 or 4 */
static apr_size_t escape_octet(char *out, char c)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char octet = (unsigned char)c;

    if (c == '\\') {
        out[0] = '\\';
        out[1] = '\\';
        return 2;
    }
    if (is_printable(c)) {
        out[0] = c;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = hex[octet >> 4];
    out[3] = hex[octet & 15];
    return 4;
}

apr_size_t qp_str_escape(char *out, apr_size_t size, const char *text,
                         apr_size_t len)
{
    char piece[4];
    apr_size_t used = 0;
    apr_size_t cut = 0; /* the last place with room for the ellipsis */
    apr_size_t i;
    apr_size_t n;

    QP_ASSERT(size >= 8);
    for (i = 0; i < len; i++) {
        n = escape_octet(piece, text[i]);
        if (used + n >= size) {
            memcpy(out + cut, ELLIPSIS, ELLIPSIS_LEN + 1);
            return cut + ELLIPSIS_LEN;
        }
        memcpy(out + used, piece, n);
        used += n;
        if (used + ELLIPSIS_LEN < size) {
            cut = used;
        }
    }
    out[used] = '\0';
    return used;
}

void qp_str_clean(char *text)
{
    for (; *text != '\0'; text++) {
        if (!is_printable(*text) && !is_blank(*text)) {
            *text = '?';
        }
    }
}

apr_array_header_t *qp_str_words(const char *line, apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 4, sizeof(const char *));
    apr_size_t len;

    line += strspn(line, " \t");
    while (*line != '\0') {
        len = strcspn(line, " \t");
        APR_ARRAY_PUSH(words, const char *) = apr_pstrmemdup(pool, line, len);
        line += len;
        line += strspn(line, " \t");
    }
    return words;
}

/**
 * Copies one word to @a out, which has room for all that is left. Quotes may
 * begin and end anywhere in a word, so that key="two words" is one.
 * @return the place behind the word, or NULL if a quote is not closed
 */
static const char *read_arg(const char *from, char *out)
{
    int quoted = 0;

    for (; *from != '\0' && (quoted || !is_blank(*from)); from++) {
        if (*from == '"') {
            quoted = !quoted;
            continue;
        }
        if (quoted && *from == '\\' && (from[1] == '"' || from[1] == '\\')) {
            from++;
        }
        *out++ = *from;
    }
    *out = '\0';
    return quoted ? NULL : from;
}

const char *qp_str_args(const char *line, apr_array_header_t **words,
                        apr_pool_t *pool)
{
    /* One buffer for all words: each is at most as long as its source, and
     * the blank behind it leaves room for its terminator. */
    char *buffer = apr_palloc(pool, strlen(line) + 1);

    *words = apr_array_make(pool, 4, sizeof(const char *));
    line += strspn(line, " \t");
    while (*line != '\0') {
        line = read_arg(line, buffer);
        if (line == NULL) {
            return "a double quote is not closed";
        }
        APR_ARRAY_PUSH(*words, const char *) = buffer;
        buffer += strlen(buffer) + 1;
        line += strspn(line, " \t");
    }
    return NULL;
}

/** Reads digits up to @a max. @return 1, or 0 if there are none or too many */
static int read_digits(const char **text, apr_uint64_t max, apr_uint64_t *value)
{
    const char *p = *text;
    apr_uint64_t sum = 0;
    apr_uint64_t digit;

    for (; is_digit(*p); p++) {
        digit = (apr_uint64_t)(*p - '0');
        if (sum > (max - digit) / 10) {
            return 0;
        }
        sum = sum * 10 + digit;
    }
    if (p == *text) {
        return 0;
    }
    *text = p;
    *value = sum;
    return 1;
}

int qp_str_number(const char *text, apr_int64_t *value)
{
    int negative = *text == '-';
    apr_uint64_t sum;

    if (*text == '-' || *text == '+') {
        text++;
    }
    if (!read_digits(&text, (apr_uint64_t)APR_INT64_MAX + (negative ? 1 : 0),
                     &sum)
        || *text != '\0') {
        return 0;
    }
    /* The least number has no positive twin, so 1 is taken out first. */
    *value =
        negative && sum > 0 ? -(apr_int64_t)(sum - 1) - 1 : (apr_int64_t)sum;
    return 1;
}

int qp_str_size(const char *text, apr_off_t *value)
{
    static const char units[] = "KMG";
    const char *unit;
    apr_uint64_t sum;
    int shift = 0;

    if (!read_digits(&text, APR_INT64_MAX, &sum)) {
        return 0;
    }
    if (*text != '\0') {
        unit = strchr(units, *text & ~0x20);
        if (unit == NULL || *unit == '\0' || text[1] != '\0') {
            return 0;
        }
        shift = 10 * ((int)(unit - units) + 1);
    }
    if (sum > (apr_uint64_t)APR_INT64_MAX >> shift) {
        return 0;
    }
    *value = (apr_off_t)(sum << shift);
    return 1;
}

/** The length of a unit, in microseconds; 0 if there is no such unit. */
static apr_uint64_t find_time_unit(const char *name)
{
    static const struct {
        const char *name;
        apr_uint64_t usec;
    } units[] = {
        { "", APR_USEC_PER_SEC },         { "ms", 1000 },
        { "s", APR_USEC_PER_SEC },        { "m", 60 * APR_USEC_PER_SEC },
        { "h", 3600 * APR_USEC_PER_SEC }, { "d", 86400 * APR_USEC_PER_SEC },
    };
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(units); i++) {
        if (strcmp(name, units[i].name) == 0) {
            return units[i].usec;
        }
    }
    return 0;
}

/** Reads ".DIGITS" as millionths; further digits are without effect.
 *  @return 1, or 0 if no digit follows the dot */
static int read_fraction(const char **text, apr_uint64_t *millionths)
{
    apr_uint64_t place = FRACTION_UNIT / 10;

    *millionths = 0;
    if (**text != '.') {
        return 1;
    }
    (*text)++;
    if (!is_digit(**text)) {
        return 0;
    }
    for (; is_digit(**text); (*text)++) {
        *millionths += place * (apr_uint64_t)(**text - '0');
        place /= 10;
    }
    return 1;
}

int qp_str_time(const char *text, apr_interval_time_t *value)
{
    apr_uint64_t whole;
    apr_uint64_t millionths;
    apr_uint64_t unit;
    apr_uint64_t part;

    if (!read_digits(&text, APR_INT64_MAX, &whole)
        || !read_fraction(&text, &millionths)) {
        return 0;
    }
    unit = find_time_unit(text);
    if (unit == 0) {
        return 0;
    }
    /* At most 10^6 times a day: 8.64e16, far from 64 bits. */
    part = millionths * unit / FRACTION_UNIT;
    if (whole > ((apr_uint64_t)APR_INT64_MAX - part) / unit) {
        return 0;
    }
    *value = (apr_interval_time_t)(whole * unit + part);
    return 1;
}

int qp_str_bool(const char *text, int *value)
{
    static const char *const words[] = { "0",   "1",  "no",    "yes",
                                         "off", "on", "false", "true" };
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(words); i++) {
        if (apr_cstr_casecmp(text, words[i]) == 0) {
            *value = i % 2 == 1;
            return 1;
        }
    }
    return 0;
}

const char *qp_str_skip_comments(const char *text)
{
    const char *p = text;
    int depth = 0;

    for (; *p != '\0'; p++) {
        if (*p == '(') {
            depth++;
        }
        else if (*p == ')' && depth > 0) {
            depth--;
        }
        else if (*p == '\\' && depth > 0 && p[1] != '\0') {
            p++;
        }
        else if (depth == 0 && strchr(" \t\r\n", *p) == NULL) {
            break;
        }
    }
    return depth == 0 ? p : NULL;
}
