/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of lists that administrators write. They live in the pool that
 * they were read into, and can be used by all threads. What follows from a
 * match is up to the plugins. */

#define PCRE2_CODE_UNIT_WIDTH 8

#include "wire/qp_pattern.h"

#include <string.h>
#include <strings.h>

#include <pcre2.h>

#include <apr_strings.h>

/* A pattern with one of these is an expression. */
#define MAIL_REGEX_CHARS "/^$*+!%?\\"
#define HELO_REGEX_CHARS "{}[]()^$|*+?\\!"

/* What one expression may cost: octets when it is compiled, then steps, and
 * KiB of memory. An address has some hundred octets, for which a sane
 * expression needs a few thousand steps. */
#define REGEX_MAX_LEN    4096
#define REGEX_STEPS      100000
#define REGEX_HEAP       1024

struct qp_pattern {
    const char *text;
    const char *rest;
    const char *word;    /* what equals it in any case; or NULL */
    const char *host;    /* of "@host"; or NULL */
    pcre2_code *code;    /* or NULL */
    int is_negated;      /* what the expression does not match */
    unsigned int *fault; /* atomic: it has once cost too much */
};

static void *alloc_octets(PCRE2_SIZE size, void *pool)
{
    return apr_palloc(pool, size);
}

/* The pool is cleared as a whole. */
static void free_octets(void *memory, void *pool)
{
}

static int is_utf_fault(int error)
{
    return error <= PCRE2_ERROR_UTF8_ERR1 && error >= PCRE2_ERROR_UTF8_ERR21;
}

/* An expression that is no UTF-8 is one of octets. */
static pcre2_code *compile_octets(PCRE2_SPTR text, PCRE2_SIZE len, int *error,
                                  pcre2_compile_context *context)
{
    uint32_t flags = PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C;
    PCRE2_SIZE at;
    pcre2_code *code;

    code = pcre2_compile(text, len, flags | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF,
                         error, &at, context);
    if (code == NULL && is_utf_fault(*error)) {
        code = pcre2_compile(text, len, flags, error, &at, context);
    }
    return code;
}

/* @return NULL, or what is wrong with the expression */
static const char *compile_regex(qp_pattern *pattern, const char *text,
                                 apr_size_t len, apr_pool_t *pool)
{
    pcre2_general_context *memory =
        pcre2_general_context_create(alloc_octets, free_octets, pool);
    pcre2_compile_context *context = pcre2_compile_context_create(memory);
    PCRE2_UCHAR reason[128];
    int error;

    pcre2_set_max_pattern_length(context, REGEX_MAX_LEN);
    pattern->code = compile_octets((PCRE2_SPTR)text, len, &error, context);
    if (pattern->code != NULL) {
        return NULL;
    }
    pcre2_get_error_message(error, reason, sizeof(reason));
    return apr_psprintf(pool, "\"%s\" is no regular expression: %s",
                        pattern->text, (const char *)reason);
}

/* "/.../", with something between the slashes. */
static int is_delimited(const char *text, apr_size_t len)
{
    return len > 2 && text[0] == '/' && text[len - 1] == '/';
}

static const char *read_regex(qp_pattern *pattern, const char *text,
                              apr_pool_t *pool)
{
    apr_size_t len = strlen(text);

    if (is_delimited(text, len)) {
        return compile_regex(pattern, text + 1, len - 2, pool);
    }
    return compile_regex(pattern, text, len, pool);
}

/* An address may hold the characters of an expression: "a+b@example.org" is
 * first of all itself. It is an expression besides, if it can be one. */
static const char *read_mail(qp_pattern *pattern, apr_pool_t *pool)
{
    const char *text = pattern->text;
    const char *error = NULL;

    pattern->word = text;
    if (text[0] == '@') {
        pattern->host = text + 1;
    }
    if (strpbrk(text, MAIL_REGEX_CHARS) != NULL) {
        error = read_regex(pattern, text, pool);
    }
    else if (strchr(text, '@') == NULL) {
        error = apr_psprintf(pool,
                             "\"%s\" is no address, no @domain and no regular "
                             "expression; for the latter put it between "
                             "slashes",
                             text);
    }
    return error;
}

static const char *read_word(qp_pattern *pattern, apr_pool_t *pool)
{
    if (is_delimited(pattern->text, strlen(pattern->text))) {
        return read_regex(pattern, pattern->text, pool);
    }
    pattern->word = pattern->text;
    return NULL;
}

static const char *read_helo(qp_pattern *pattern, apr_pool_t *pool)
{
    const char *text = pattern->text;

    if (strpbrk(text, HELO_REGEX_CHARS) == NULL) {
        return read_word(pattern, pool);
    }
    if (text[0] == '!') {
        pattern->is_negated = 1;
        text++;
    }
    return read_regex(pattern, text, pool);
}

static const char *read_any_regex(qp_pattern *pattern, apr_pool_t *pool)
{
    return read_regex(pattern, pattern->text, pool);
}

const char *qp_pattern_read(const char *line, qp_pattern_kind kind,
                            qp_pattern **out, apr_pool_t *pool)
{
    qp_pattern *pattern = apr_pcalloc(pool, sizeof(*pattern));
    apr_size_t len = strcspn(line, " \t");

    pattern->text = apr_pstrmemdup(pool, line, len);
    pattern->rest = apr_pstrdup(pool, line + len + strspn(line + len, " \t"));
    pattern->fault = apr_pcalloc(pool, sizeof(*pattern->fault));
    *out = pattern;
    switch (kind) {
    case QP_PATTERN_MAIL:
        return read_mail(pattern, pool);
    case QP_PATTERN_HELO:
        return read_helo(pattern, pool);
    case QP_PATTERN_REGEX:
        return read_any_regex(pattern, pool);
    case QP_PATTERN_WORD:
    default:
        return read_word(pattern, pool);
    }
}

const char *qp_pattern_text(const qp_pattern *pattern)
{
    return pattern->text;
}

const char *qp_pattern_rest(const qp_pattern *pattern)
{
    return pattern->rest;
}

static int match_regex(const qp_pattern *pattern, const char *text)
{
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_match_data *found = pcre2_match_data_create(1, NULL);
    int rc = PCRE2_ERROR_NOMEMORY;

    if (limits != NULL && found != NULL) {
        pcre2_set_match_limit(limits, REGEX_STEPS);
        pcre2_set_depth_limit(limits, REGEX_STEPS);
        pcre2_set_heap_limit(limits, REGEX_HEAP);
        rc = pcre2_match(pattern->code, (PCRE2_SPTR)text, strlen(text), 0, 0,
                         found, limits);
    }
    pcre2_match_data_free(found);
    pcre2_match_context_free(limits);
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH) {
        return (rc >= 0) != pattern->is_negated;
    }
    return -1;
}

int qp_pattern_match(const qp_pattern *pattern, const char *text)
{
    const char *at;

    if (pattern->word != NULL && strcasecmp(pattern->word, text) == 0) {
        return 1;
    }
    if (pattern->host != NULL) {
        at = strrchr(text, '@');
        if (at != NULL && strcasecmp(pattern->host, at + 1) == 0) {
            return 1;
        }
    }
    return pattern->code != NULL ? match_regex(pattern, text) : 0;
}

int qp_pattern_first_fault(const qp_pattern *pattern)
{
    return __atomic_exchange_n(pattern->fault, 1, __ATOMIC_RELAXED) == 0;
}

/* Readers of lists. ------------------------------------------------------ */

static const char *add_pattern(const char *line, qp_pattern_kind kind,
                               void **whole, apr_pool_t *pool)
{
    apr_array_header_t *patterns = *whole;
    qp_pattern *pattern = NULL;
    const char *error = qp_pattern_read(line, kind, &pattern, pool);

    if (error != NULL) {
        return error;
    }
    if (patterns == NULL) {
        patterns = apr_array_make(pool, 8, sizeof(pattern));
        *whole = patterns;
    }
    APR_ARRAY_PUSH(patterns, qp_pattern *) = pattern;
    return NULL;
}

const char *qp_pattern_mails(const char *line, void **whole, apr_pool_t *pool)
{
    return add_pattern(line, QP_PATTERN_MAIL, whole, pool);
}

const char *qp_pattern_words(const char *line, void **whole, apr_pool_t *pool)
{
    return add_pattern(line, QP_PATTERN_WORD, whole, pool);
}

const char *qp_pattern_helos(const char *line, void **whole, apr_pool_t *pool)
{
    return add_pattern(line, QP_PATTERN_HELO, whole, pool);
}

const char *qp_pattern_regexes(const char *line, void **whole, apr_pool_t *pool)
{
    return add_pattern(line, QP_PATTERN_REGEX, whole, pool);
}
