/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file user_config.h
 * @brief How a text becomes the lines of a config key, for the plugins that
 *        get it from elsewhere: user_config and http_config.
 *
 * The lines are those of config files, but for $include, which is not offered
 * to strangers. They point into the text.
 */
#ifndef USER_CONFIG_H
#define USER_CONFIG_H

#include <string.h>

#include <apr_lib.h>

#include "qpsmtpd.h"

/** Cuts the text into lines, without comments. */
static inline apr_array_header_t *split_lines(char *text, apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, 8, sizeof(const char *));
    char *next, *end;

    for (; text != NULL; text = next) {
        next = strchr(text, '\n');
        end = next != NULL ? next++ : text + strlen(text);
        while (end > text && apr_isspace(end[-1])) {
            end--;
        }
        *end = '\0';
        while (apr_isspace(*text)) {
            text++;
        }
        if (*text != '\0' && *text != '#') {
            APR_ARRAY_PUSH(lines, const char *) = text;
        }
    }
    return lines;
}

#endif /* USER_CONFIG_H */
