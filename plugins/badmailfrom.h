/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file badmailfrom.h
 * @brief The form of the lists badmailfrom and badrcptto, for these two.
 *
 * Each line is ADDRESS, @DOMAIN or a regular expression, and may have a reason
 * behind a blank. Nothing outlives the command, except for the memory that a
 * warning was given. It does not decide what follows from a match.
 */
#ifndef BADMAILFROM_H
#define BADMAILFROM_H

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "qpsmtpd.h"

/* A line with one of these is tried as a regular expression. */
#define BAD_REGEX_CHARS "/^$*+!%?\\"

/* What one expression may cost: steps, and KiB of memory. An address has some
 * hundred octets, for which a sane expression needs a few thousand steps. */
#define BAD_REGEX_STEPS 100000
#define BAD_REGEX_HEAP  1024

/** For a plugin's .conn_size. */
struct bad_conn {
    int has_warned;
};

/** Where a search is. */
struct bad_search {
    const qp_plugin *self;
    qp_session *qp;
    const char *key;  /**< of the list */
    const char *addr; /**< user@host */
    const char *host;
    apr_pool_t *pool; /**< cleared for each line */
};

/* Once in a connection, so that a client cannot fill the log with it. */
static inline void warn_of_line(const struct bad_search *search,
                                const char *pattern, const char *why)
{
    struct bad_conn *conn = qp_conn_data(search->self, search->qp);

    if (!conn->has_warned) {
        conn->has_warned = 1;
        qp_log(search->self, search->qp, QP_LOG_WARN, "%s: \"%s\": %s",
               search->key, pattern, why);
    }
}

static inline void *alloc_for_regex(PCRE2_SIZE size, void *pool)
{
    return apr_palloc(pool, size);
}

/* The pool is cleared as a whole. */
static inline void free_for_regex(void *memory, void *pool)
{
}

static inline void warn_of_regex(const struct bad_search *search,
                                 const char *pattern, int error)
{
    PCRE2_UCHAR text[128];

    pcre2_get_error_message(error, text, sizeof(text));
    warn_of_line(search, pattern, (const char *)text);
}

static inline int matches_regex(const struct bad_search *search,
                                const char *pattern)
{
    pcre2_general_context *memory =
        pcre2_general_context_create(alloc_for_regex, free_for_regex,
                                     search->pool);
    pcre2_match_context *limits = pcre2_match_context_create(memory);
    pcre2_match_data *found = pcre2_match_data_create(1, memory);
    PCRE2_SIZE len = strlen(pattern);
    PCRE2_SPTR start = (PCRE2_SPTR)pattern;
    pcre2_code *code;
    PCRE2_SIZE at;
    int rc;

    if (len > 2 && start[0] == '/' && start[len - 1] == '/') {
        start++;
        len -= 2;
    }
    code = pcre2_compile(start, len, PCRE2_CASELESS, &rc, &at,
                         pcre2_compile_context_create(memory));
    if (code == NULL) {
        warn_of_regex(search, pattern, rc);
        return 0;
    }
    pcre2_set_match_limit(limits, BAD_REGEX_STEPS);
    pcre2_set_depth_limit(limits, BAD_REGEX_STEPS);
    pcre2_set_heap_limit(limits, BAD_REGEX_HEAP);
    rc = pcre2_match(code, (PCRE2_SPTR)search->addr, strlen(search->addr), 0, 0,
                     found, limits);
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH) {
        warn_of_regex(search, pattern, rc);
    }
    return rc >= 0;
}

/* An address may hold the characters of an expression: "a+b@example.org" is
 * first of all itself. */
static inline int matches_pattern(const struct bad_search *search,
                                  const char *pattern)
{
    if (strcasecmp(pattern, search->addr) == 0) {
        return 1;
    }
    if (pattern[0] == '@' && strcasecmp(pattern + 1, search->host) == 0) {
        return 1;
    }
    if (strpbrk(pattern, BAD_REGEX_CHARS) != NULL) {
        return matches_regex(search, pattern);
    }
    if (strchr(pattern, '@') == NULL) {
        warn_of_line(search, pattern, "neither address, @domain nor pattern");
    }
    return 0;
}

/**
 * Looks for a mailbox in the list of a key.
 * @param addr    with a user and a host
 * @param reason  out: the text behind the pattern, or ""; as long as the
 *                command
 * @return the pattern that matched, or NULL
 */
static inline const char *find_bad(const qp_plugin *self, qp_session *qp,
                                   const char *key, const qp_addr *addr,
                                   const char **reason)
{
    const apr_array_header_t *lines = qp_config(qp, key);
    struct bad_search search = {
        .self = self, .qp = qp, .key = key, .host = addr->host
    };
    const char *line, *pattern;
    apr_size_t len;
    int i;

    search.addr = apr_pstrcat(qp_pool(qp), addr->user, "@", addr->host, NULL);
    apr_pool_create(&search.pool, qp_pool(qp));
    for (i = 0; i < lines->nelts; i++) {
        apr_pool_clear(search.pool);
        line = APR_ARRAY_IDX(lines, i, const char *);
        len = strcspn(line, " \t");
        pattern = apr_pstrmemdup(search.pool, line, len);
        if (matches_pattern(&search, pattern)) {
            *reason = line + len + strspn(line + len, " \t");
            return pattern;
        }
    }
    apr_pool_destroy(search.pool);
    return NULL;
}

#endif /* BADMAILFROM_H */
