/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file oauth2_member.h
 * @brief Members of a JSON object, for the plugin auth/oauth2.
 *
 * Pure functions, which make nothing.
 */
#ifndef OAUTH2_MEMBER_H
#define OAUTH2_MEMBER_H

#include <string.h>

#include <apr_strings.h>
#include <apr_tables.h>

#include <jansson.h>

/** A member that is a text or not there at all. @return 0: neither */
static inline int get_text(const json_t *json, const char *name,
                           const char **text)
{
    const json_t *value = json_object_get(json, name);

    *text = json_string_value(value);
    return value == NULL || *text != NULL;
}

/** A number of seconds, or 0 if it is not there. @return 0: neither */
static inline int get_seconds(const json_t *json, const char *name,
                              json_int_t *seconds)
{
    const json_t *value = json_object_get(json, name);

    *seconds = json_integer_value(value);
    return value == NULL || (json_is_integer(value) && *seconds > 0);
}

/** Whether a list of words with single blanks between them has a word. */
static inline int has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    const char *p = list;

    while ((p = strstr(p, word)) != NULL) {
        if ((p == list || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0')) {
            return 1;
        }
        p += len;
    }
    return 0;
}

static inline int has_scopes(const char *scope,
                             const apr_array_header_t *wanted)
{
    int i = 0;

    while (wanted != NULL && scope != NULL && i < wanted->nelts
           && has_word(scope, APR_ARRAY_IDX(wanted, i, const char *))) {
        i++;
    }
    return wanted == NULL || i == wanted->nelts;
}

static inline int is_text(const json_t *json, const char *wanted)
{
    const char *text = json_string_value(json);

    return text != NULL && strcmp(text, wanted) == 0;
}

/** aud is a text or a list of texts (RFC 7519 4.1.3). */
static inline int has_audience(const json_t *json, const char *wanted)
{
    const json_t *aud = json_object_get(json, "aud");
    size_t i = 0;

    while (i < json_array_size(aud)
           && !is_text(json_array_get(aud, i), wanted)) {
        i++;
    }
    return wanted[0] == '\0' || is_text(aud, wanted)
           || i < json_array_size(aud);
}

#endif /* OAUTH2_MEMBER_H */
