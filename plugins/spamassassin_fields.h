/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file spamassassin_fields.h
 * @brief Takes the fields X-Spam-... out of the header that spamd answers,
 *        for plugin spamassassin. Everything is in the pool of the reply.
 */
#ifndef SPAMASSASSIN_FIELDS_H
#define SPAMASSASSIN_FIELDS_H

#include "spamassassin_reply.h"

/** Fields that are taken, and octets of the name and of the value of each. */
#define SPAM_MAX_FIELDS 30
#define SPAM_NAME_MAX   60
#define SPAM_VALUE_MAX  4000

struct spam_field {
    const char *name;
    const char *value; /* folded by LF and a blank */
};

/** Whether the field, of which @a len octets are the name, is to be taken.
 *  Report and Prev-Subject are for people who look into their mail. */
static inline int is_spam_field(const char *line, apr_size_t len)
{
    apr_size_t i;

    if (len < 8 || len > SPAM_NAME_MAX || strncasecmp(line, "X-Spam-", 7) != 0
        || (len == 13 && strncasecmp(line + 7, "Report", 6) == 0)
        || (len == 19 && strncasecmp(line + 7, "Prev-Subject", 12) == 0)) {
        return 0;
    }
    for (i = 0; i < len; i++) {
        if (!apr_isalnum(line[i]) && line[i] != '-' && line[i] != '_') {
            return 0;
        }
    }
    return 1;
}

/** Adds one field, whose lines are @a text. */
static inline void take_field(struct spam_reply *reply, const char *text,
                              apr_size_t len)
{
    const char *colon = memchr(text, ':', len);
    struct spam_field field;
    apr_size_t namelen;

    if (colon == NULL || reply->fields->nelts == SPAM_MAX_FIELDS) {
        return;
    }
    namelen = (apr_size_t)(colon - text);
    len -= namelen + 1;
    if (!is_spam_field(text, namelen) || len > SPAM_VALUE_MAX) {
        return;
    }
    field.name = apr_pstrmemdup(reply->pool, text, namelen);
    field.value = apr_pstrmemdup(reply->pool, colon + 1, len);
    field.value = skip_spaces(field.value);
    APR_ARRAY_PUSH(reply->fields, struct spam_field) = field;
}

/** Drops CR, and makes blanks of other octets that do not belong there. */
static inline apr_size_t clean_header(char *text, apr_size_t len)
{
    apr_size_t i;
    apr_size_t n = 0;

    for (i = 0; i < len; i++) {
        if (text[i] == '\r') {
            continue;
        }
        text[n++] = apr_iscntrl(text[i]) && text[i] != '\n' && text[i] != '\t'
                        ? ' '
                        : text[i];
    }
    return n;
}

/** Takes the X-Spam fields of a header, which may be cut off; it is changed.
 *  A field counts when the line behind it has begun. */
static inline void parse_header(struct spam_reply *reply, char *text,
                                apr_size_t len)
{
    apr_size_t start = 0;
    apr_size_t i;

    len = clean_header(text, len);
    for (i = 1; i < len && text[start] != '\n'; i++) {
        if (text[i - 1] == '\n' && text[i] != ' ' && text[i] != '\t') {
            take_field(reply, text + start, i - 1 - start);
            start = i;
        }
    }
}

/** A word of X-Spam-Status, behind @a key such as "tests=". Lists are folded
 *  behind commas. @return "" if there is none */
static inline const char *find_status(const struct spam_reply *reply,
                                      const char *key)
{
    const char *value = "";
    char *word;
    char *p;
    int i;

    for (i = 0; i < reply->fields->nelts; i++) {
        struct spam_field *field =
            &APR_ARRAY_IDX(reply->fields, i, struct spam_field);

        if (strcasecmp(field->name, "X-Spam-Status") == 0) {
            value = field->value;
        }
    }
    value = strstr(value, key);
    if (value == NULL) {
        return "";
    }
    word = apr_pstrdup(reply->pool, value + strlen(key));
    for (value = word, p = word; *value != '\0'; value++) {
        if (strchr(" \t\n", *value) == NULL) {
            *p++ = *value;
        }
        else if (p == word || p[-1] != ',') {
            break;
        }
    }
    *p = '\0';
    return word;
}

#endif /* SPAMASSASSIN_FIELDS_H */
