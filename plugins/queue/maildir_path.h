/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file maildir_path.h
 * @brief Where a recipient's Maildir is: the pattern of queue/maildir, with the
 *        recipient put in.
 *
 * What it makes lives in the pool that it is given. It does not look at the
 * file system.
 */
#ifndef MAILDIR_PATH_H
#define MAILDIR_PATH_H

#include <string.h>
#include <strings.h>

#include <apr_escape.h>
#include <apr_lib.h>
#include <apr_sha1.h>
#include <apr_strings.h>

#include "qpsmtpd.h"

/* Other characters of ASCII become '_'. */
#define MAILDIR_SAFE                                                           \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-+_.,@="

/* A name in a folder. File systems take 255 octets (NAME_MAX), some of those
 * that encrypt names fewer. */
#define MAILDIR_NAME_MAX 200

/* Octets of a SHA-1 at the end of a name that was cut, two digits each. */
#define MAILDIR_HASH     16
#define MAILDIR_KEPT     (MAILDIR_NAME_MAX - 1 - 2 * MAILDIR_HASH)

/** A part of a path that stays within it, whatever the client has sent
 *  (R57). */
static inline const char *maildir_clean(const char *text, apr_pool_t *pool)
{
    char *clean = apr_pstrdup(pool, text[0] != '\0' ? text : "_");
    char *p;

    for (p = clean; *p != '\0'; p++) {
        if ((unsigned char)*p < 128 && strchr(MAILDIR_SAFE, *p) == NULL) {
            *p = '_';
        }
    }
    if (clean[0] == '.') {
        clean[0] = '_';
    }
    return clean;
}

static inline const char *clean_user(const char *user, apr_pool_t *pool)
{
    /* RFC 5321 4.5.1: postmaster is known in any case. */
    return strcasecmp(user, "postmaster") == 0 ? "postmaster"
                                               : maildir_clean(user, pool);
}

static inline const char *clean_host(qp_session *qp, const char *host,
                                     apr_pool_t *pool)
{
    char *lower;
    char *p;

    if (host[0] == '\0') {
        host = qp_config_first(qp, "me");
    }
    lower = apr_pstrdup(pool, host != NULL ? host : "");
    for (p = lower; *p != '\0'; p++) {
        *p = (char)apr_tolower(*p);
    }
    return maildir_clean(lower, pool);
}

/* A client may make a name longer than the file system takes; the hash tells
 * it from others that begin in the same way. */
static inline const char *fit_name(const char *name, apr_pool_t *pool)
{
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    apr_size_t len = strlen(name);
    apr_sha1_ctx_t sha1;

    if (len <= MAILDIR_NAME_MAX) {
        return name;
    }
    apr_sha1_init(&sha1);
    apr_sha1_update(&sha1, name, (unsigned int)len);
    apr_sha1_final(digest, &sha1);
    return apr_psprintf(pool, "%.*s_%s", MAILDIR_KEPT, name,
                        apr_pescape_hex(pool, digest, MAILDIR_HASH, 0));
}

/* One component of the pattern. */
static inline const char *expand_name(const char *pattern, const char *user,
                                      const char *host, apr_pool_t *pool)
{
    const char *name = "";
    const char *p, *end;

    for (p = pattern; (end = strchr(p, '%')) != NULL; p = end + 2) {
        name = apr_psprintf(pool, "%s%.*s%s%s%s", name, (int)(end - p), p,
                            end[1] != 'd' ? user : "", end[1] == 'u' ? "@" : "",
                            end[1] != 'l' ? host : "");
    }
    return fit_name(apr_pstrcat(pool, name, p, NULL), pool);
}

/** Puts the recipient into the pattern, which maildir_check() has seen. */
static inline const char *maildir_path(qp_session *qp, const char *pattern,
                                       const qp_addr *rcpt, apr_pool_t *pool)
{
    const char *user = clean_user(rcpt->user, pool);
    const char *host = clean_host(qp, rcpt->host, pool);
    char *rest = apr_pstrdup(pool, pattern);
    const char *path = "";
    char *slash;

    while ((slash = strchr(rest, '/')) != NULL) {
        *slash = '\0';
        path = apr_pstrcat(pool, path, expand_name(rest, user, host, pool), "/",
                           NULL);
        rest = slash + 1;
    }
    return apr_pstrcat(pool, path, expand_name(rest, user, host, pool), NULL);
}

/** @return NULL, or what is wrong with a pattern */
static inline const char *maildir_check(const char *pattern, apr_pool_t *pconf)
{
    const char *path = apr_pstrcat(pconf, "/", pattern, "/", NULL);
    const char *problem = NULL;
    const char *p = strchr(pattern, '%');

    if (p == NULL) {
        problem = "has none of %l, %d and %u";
    }
    for (; p != NULL; p = strchr(p + 1, '%')) {
        if (p[1] != 'l' && p[1] != 'd' && p[1] != 'u') {
            problem = "has a % without l, d or u behind it";
        }
    }
    if (strstr(path, "/./") != NULL || strstr(path, "/../") != NULL) {
        problem = "has . or .. in it";
    }
    return problem == NULL
               ? NULL
               : apr_psprintf(pconf, "subdir: \"%s\" %s", pattern, problem);
}

#endif /* MAILDIR_PATH_H */
