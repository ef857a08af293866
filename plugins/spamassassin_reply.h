/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file spamassassin_reply.h
 * @brief Reads the verdict of spamd, for plugin spamassassin.
 *
 * A reply is a status line, lines with the verdict, an empty line, and then
 * the fields that spamassassin_fields.h reads. It comes from another program,
 * so each piece has a limit and one form. Everything is in the pool of the
 * reply. No input or output here.
 */
#ifndef SPAMASSASSIN_REPLY_H
#define SPAMASSASSIN_REPLY_H

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "spamassassin.h"

/** Scores are counted in thousandths. */
#define SPAM_SCORE_MAX 100000000L
/** Octets of a score as text. */
#define SPAM_TEXT_MAX  12
struct spam_reply {
    apr_pool_t *pool;
    spamassassin_result result; /* score NULL: there is no verdict yet */
    long score, required;       /* thousandths */
    apr_off_t length;           /* of what is behind the empty line; -1: to
                                   the end of the stream */
    apr_array_header_t *fields; /* of struct spam_field */
};

/** A number such as "-1.25", of at most SPAM_TEXT_MAX octets; more than three
 *  digits behind the point are not looked at. @return what follows, or NULL */
static inline const char *read_score(const char *text, long *thousandths)
{
    const char *p = text + (*text == '-');
    const char *digits = p;
    long unit = 1000;

    for (*thousandths = 0; apr_isdigit(*p) && *thousandths < SPAM_SCORE_MAX;
         p++) {
        *thousandths = 10 * *thousandths + 1000L * (*p - '0');
    }
    if (p == digits || apr_isdigit(*p)) {
        return NULL;
    }
    if (*p == '.') {
        for (p++; apr_isdigit(*p); p++) {
            unit /= 10;
            *thousandths += unit * (*p - '0');
        }
    }
    if (*text == '-') {
        *thousandths = -*thousandths;
    }
    return p - text <= SPAM_TEXT_MAX ? p : NULL;
}

/** The same, with nothing behind it. */
static inline int parse_score(const char *text, long *thousandths)
{
    const char *end = read_score(text, thousandths);

    return end != NULL && *end == '\0';
}

static inline const char *skip_spaces(const char *p)
{
    return p + strspn(p, " \t");
}

/** "SPAMD/1.1 0 EX_OK" */
static inline int is_ok_status(const char *line)
{
    if (strncmp(line, "SPAMD/", 6) != 0 || !apr_isdigit(line[6])) {
        return 0;
    }
    line = skip_spaces(line + strcspn(line, " "));
    return line[0] == '0' && line[1] == ' '
           && strcmp(skip_spaces(line + 1), "EX_OK") == 0;
}

/** "True ; 7.2 / 5.0" @return whether it is that */
static inline int parse_verdict(struct spam_reply *reply, const char *text)
{
    const char *score, *required, *end;

    if (strncasecmp(text, "True", 4) == 0
        || strncasecmp(text, "False", 5) == 0) {
        reply->result.is_spam = apr_tolower(*text) == 't';
        text += reply->result.is_spam ? 4 : 5;
    }
    else if (strncasecmp(text, "Yes", 3) == 0
             || strncasecmp(text, "No", 2) == 0) {
        reply->result.is_spam = apr_tolower(*text) == 'y';
        text += reply->result.is_spam ? 3 : 2;
    }
    else {
        return 0;
    }
    text = skip_spaces(text);
    if (*text != ';') {
        return 0;
    }
    score = skip_spaces(text + 1);
    end = read_score(score, &reply->score);
    text = end != NULL ? skip_spaces(end) : "";
    if (*text != '/') {
        return 0;
    }
    reply->result.score =
        apr_pstrmemdup(reply->pool, score, (apr_size_t)(end - score));
    required = skip_spaces(text + 1);
    end = read_score(required, &reply->required);
    if (end == NULL || *skip_spaces(end) != '\0') {
        return 0;
    }
    reply->result.required =
        apr_pstrmemdup(reply->pool, required, (apr_size_t)(end - required));
    return 1;
}

/** One of the lines with the verdict. @return NULL, or what is wrong */
static inline const char *parse_head(struct spam_reply *reply, const char *line)
{
    const char *value;
    char *end;

    if (strncasecmp(line, "Spam:", 5) == 0) {
        return parse_verdict(reply, skip_spaces(line + 5))
                   ? NULL
                   : "its verdict cannot be read";
    }
    if (strncasecmp(line, "Content-length:", 15) == 0) {
        value = skip_spaces(line + 15);
        if (!apr_isdigit(*value) || strlen(value) > 12) {
            return "its length cannot be read";
        }
        reply->length = apr_strtoi64(value, &end, 10);
        return *end == '\0' ? NULL : "its length cannot be read";
    }
    return strchr(line, ':') != NULL ? NULL : "it is not that of a spamd";
}

#endif /* SPAMASSASSIN_REPLY_H */
