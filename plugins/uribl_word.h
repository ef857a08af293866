/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file uribl_word.h
 * @brief Takes the hosts of links out of the words of a decoded text. Bounded
 *        in all respects; the text is hostile.
 */
#ifndef URIBL_WORD_H
#define URIBL_WORD_H

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_tables.h>

/* Octets of a word that are looked at together. */
#define SCAN_WORD    1024
/* What is kept of a longer one, for a host that begins at its end. */
#define SCAN_OVERLAP 300
/* Octets of the longest escape, "&#x0010FFFF;". */
#define SCAN_ESCAPE  12
#define SCAN_HOST    253

/** One kind of decoding; what is decoded goes to the next stage. */
typedef struct scan_stage {
    char held[SCAN_ESCAPE + 1]; /* the begin of what may be an escape */
    int nheld;
} scan_stage;

/** Zeroed, but for hosts and max. */
typedef struct scan {
    scan_stage stages[2]; /* quoted-printable; then URL and HTML */
    char word[SCAN_WORD + 1];
    apr_size_t len;
    int is_cut;                /* the word goes on behind its end */
    apr_array_header_t *hosts; /* of const char *, each once */
    int max;                   /* of them */
    apr_pool_t *pool;
} scan;

/* Hosts. ----------------------------------------------------------------- */

/* A host that reaches the cut is found when the rest of it is there. */
static void add_host(scan *s, const char *host, apr_size_t len)
{
    const char *other;
    int i;

    if (s->is_cut && host + len == s->word + s->len) {
        return;
    }
    while (len > 0 && host[len - 1] == '.') {
        len--;
    }
    if (len == 0 || len > SCAN_HOST || s->hosts->nelts >= s->max) {
        return;
    }
    for (i = 0; i < s->hosts->nelts; i++) {
        other = APR_ARRAY_IDX(s->hosts, i, const char *);
        if (strncmp(other, host, len) == 0 && other[len] == '\0') {
            return;
        }
    }
    APR_ARRAY_PUSH(s->hosts, const char *) = apr_pstrmemdup(s->pool, host, len);
}

static apr_size_t host_length(const char *p)
{
    return strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789.-_");
}

/* Behind "://" there may be a user, who is no host (RFC 3986 3.2). */
static void take_authority(scan *s, const char *p)
{
    apr_size_t len = strcspn(p, "/?#\\");
    const char *at = NULL;
    const char *q;

    for (q = p; q < p + len; q++) {
        at = *q == '@' ? q : at;
    }
    p = at != NULL ? at + 1 : p;
    add_host(s, p, host_length(p));
}

static void inspect_word(scan *s)
{
    const char *p;

    s->word[s->len] = '\0';
    for (p = s->word; (p = strstr(p, "://")) != NULL; p += 3) {
        take_authority(s, p + 3);
    }
    for (p = s->word; (p = strstr(p, "www.")) != NULL; p += 4) {
        if (p == s->word || !apr_isalnum(p[-1])) {
            add_host(s, p, host_length(p));
        }
    }
}

static void feed_word(scan *s, char c)
{
    if ((unsigned char)c <= ' ' || strchr("<>\"'`(){}|", c) != NULL) {
        inspect_word(s);
        s->len = 0;
        return;
    }
    if (s->len == SCAN_WORD) {
        s->is_cut = 1;
        inspect_word(s);
        s->is_cut = 0;
        memmove(s->word, s->word + s->len - SCAN_OVERLAP, SCAN_OVERLAP);
        s->len = SCAN_OVERLAP;
    }
    s->word[s->len++] = (char)apr_tolower(c);
}

#endif /* URIBL_WORD_H */
