/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in parsers of command lines. Results live in the pool of the
 * command that the caller names. Whether an address is valid is for
 * qp_addr_parse, whether a parameter is known for the verb that it came with.
 */
#include "wire/qp_cmdline.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

/** RFC 5321 4.5.3.1.2. */
#define MAX_HOST 255

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int is_letdig(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
           || (c >= 'a' && c <= 'z');
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

const char *qp_cmdline_split(char *line, const char **rest)
{
    char *end = line + strlen(line);
    char *space;

    /* RFC 5321 4.1.1: blanks in front of CRLF are tolerated (R47). */
    while (end > line && is_blank(end[-1])) {
        end--;
    }
    *end = '\0';
    if (is_blank(*line)) {
        *rest = skip_blanks(line);
        return "";
    }
    space = strchr(line, ' ');
    if (space == NULL) {
        *rest = "";
        return line;
    }
    *rest = skip_blanks(space);
    *space = '\0';
    return line;
}

/** Finds the end of a path: its first '>' that is not within quotes, where a
 *  backslash protects a quote. @return the place behind it, or NULL */
static const char *find_path_end(const char *p)
{
    int quoted = 0;

    for (; *p != '\0'; p++) {
        if (*p == '"') {
            quoted = !quoted;
        }
        else if (quoted && *p == '\\' && p[1] != '\0') {
            p++;
        }
        else if (!quoted && *p == '>') {
            return p + 1;
        }
    }
    return NULL;
}

/*
 * mail = "MAIL FROM:" Reverse-path [SP Mail-parameters]
 * rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" /
 *        Forward-path ) [SP Rcpt-parameters]
 */
const char *qp_cmdline_path(const char *line, const char *keyword,
                            qp_parsed *out)
{
    apr_size_t len = strlen(keyword);
    const char *end;

    if (apr_cstr_casecmpn(line, keyword, len) != 0) {
        return apr_psprintf(out->pool, "syntax error, %s is missing", keyword);
    }
    /* RFC 5321 3.3 forbids a blank behind the colon; so many clients send one
     * that it is tolerated. */
    line = skip_blanks(line + len);
    if (*line == '\0') {
        return "address is missing";
    }
    end = *line == '<' ? find_path_end(line) : line + strcspn(line, " \t");
    if (end == NULL) {
        return "address has no end";
    }
    if (*end != '\0' && !is_blank(*end)) {
        return "syntax error behind the address";
    }
    out->first = apr_pstrmemdup(out->pool, line, (apr_size_t)(end - line));
    out->rest = qp_str_words(end, out->pool);
    return NULL;
}

qp_rc qp_parse_path(const char *verb, const char *line, qp_parsed *out)
{
    out->error = qp_cmdline_path(
        line, apr_cstr_casecmp(verb, "rcpt") == 0 ? "TO:" : "FROM:", out);
    return out->error == NULL ? QP_OK : QP_DENY;
}

/** esmtp-value = 1*(%d33-60 / %d62-126), and UTF8-non-ascii (RFC 6531 3.3),
 *  which no parameter but ORCPT lets pass. */
static int is_value(const char *text)
{
    if (*text == '\0') {
        return 0;
    }
    if (!qp_utf8_is_printable(text)) {
        return 0;
    }
    for (; *text != '\0'; text++) {
        if (*text == ' ' || *text == '=') {
            return 0;
        }
    }
    return 1;
}

/** esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-") */
static int is_keyword(const char *text)
{
    if (!is_letdig(*text)) {
        return 0;
    }
    for (; *text != '\0'; text++) {
        if (!is_letdig(*text) && *text != '-') {
            return 0;
        }
    }
    return 1;
}

static void lower_word(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z') {
            *text = (char)(*text - 'A' + 'a');
        }
    }
}

/** esmtp-param = esmtp-keyword ["=" esmtp-value] */
static const char *add_param(apr_table_t *table, const char *word,
                             apr_pool_t *pool)
{
    char *key = apr_pstrdup(pool, word);
    char *value = strchr(key, '=');

    if (value != NULL) {
        *value++ = '\0';
    }
    if (!is_keyword(key) || (value != NULL && !is_value(value))) {
        return "syntax error in parameters";
    }
    lower_word(key);
    if (apr_table_get(table, key) != NULL) {
        return "parameter is given twice";
    }
    apr_table_setn(table, key, value != NULL ? value : "");
    return NULL;
}

const char *qp_cmdline_params(const apr_array_header_t *rest,
                              apr_table_t **table, apr_pool_t *pool)
{
    const char *error;
    int i;

    *table = apr_table_make(pool, 4);
    for (i = 0; i < rest->nelts; i++) {
        error = add_param(*table, APR_ARRAY_IDX(rest, i, const char *), pool);
        if (error != NULL) {
            return error;
        }
    }
    return NULL;
}

/** A host of HELO: an address literal, or a name; wider than RFC 5321 4.1.2,
 *  for underscores and trailing dots are common; narrow enough to stand in a
 *  header (R28). */
static int is_hello_host(const char *text)
{
    if (*text == '[') {
        return qp_addr_is_literal(text);
    }
    for (; *text != '\0'; text++) {
        if (!is_letdig(*text) && strchr("-._", *text) == NULL) {
            return 0;
        }
    }
    return 1;
}

static int has_control_or_8bit(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((*text < ' ' && *text != '\t') || *text > '~') {
            return 1;
        }
    }
    return 0;
}

/*
 * ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
 * helo = "HELO" SP Domain CRLF
 */
const char *qp_cmdline_hello(const char *line, qp_parsed *out)
{
    const char *end;
    apr_size_t len;

    line = skip_blanks(line);
    len = strcspn(line, " \t");
    end = line + len;
    if (len == 0) {
        return "host name is missing";
    }
    if (len > MAX_HOST) {
        return "host name is too long";
    }
    out->first = apr_pstrmemdup(out->pool, line, len);
    if (!is_hello_host(out->first) || has_control_or_8bit(end)) {
        return "syntax error in host name";
    }
    out->rest = qp_str_words(end, out->pool);
    return NULL;
}
