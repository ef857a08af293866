/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file badmailfrom.h
 * @brief The lists of badmailfrom and badrcptto, for these two.
 *
 * A list is a config key with a pattern in each line, and a reason behind it.
 * It does not decide what follows from a match.
 */
#ifndef BADMAILFROM_H
#define BADMAILFROM_H

#include <string.h>

#include "qpsmtpd.h"

/** Ends the names of lists that have expressions only, as two plugins of 2008
 *  had them. */
#define BAD_PATTERNS "_patterns"

struct bad_opts {
    apr_array_header_t *lists; /* of const char * */
};

static inline qp_list_reader *reader_of(const char *key)
{
    size_t len = strlen(key);
    size_t end = strlen(BAD_PATTERNS);

    return len > end && strcmp(key + len - end, BAD_PATTERNS) == 0
               ? qp_pattern_regexes
               : qp_pattern_mails;
}

/** For .setup. */
static inline const char *check_lists(qp_plugin *self, apr_pool_t *pconf)
{
    const struct bad_opts *opt = qp_opts(self);
    const char *error = NULL;
    const char *key;
    int i;

    for (i = 0; i < opt->lists->nelts && error == NULL; i++) {
        key = APR_ARRAY_IDX(opt->lists, i, const char *);
        error = qp_list_check(self, key, reader_of(key));
    }
    return error;
}

/** The first pattern of all lists that matches; or NULL. */
static inline const qp_pattern *find_listed(const qp_plugin *self,
                                            qp_session *qp, const qp_addr *addr)
{
    const struct bad_opts *opt = qp_opts(self);
    const qp_pattern *found = NULL;
    const char *key;
    int i;

    for (i = 0; i < opt->lists->nelts && found == NULL; i++) {
        key = APR_ARRAY_IDX(opt->lists, i, const char *);
        found = qp_pattern_find_addr(self, qp, qp_list(qp, key, reader_of(key)),
                                     addr);
    }
    return found;
}

#endif /* BADMAILFROM_H */
