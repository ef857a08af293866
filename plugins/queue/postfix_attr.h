/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file postfix_attr.h
 * @brief What Postfix's cleanup(8) is told and says: records and lists of
 *        attributes. What it says is bounded and strictly parsed.
 */
#ifndef POSTFIX_ATTR_H
#define POSTFIX_ATTR_H

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "qpsmtpd.h"

/* Types of records. */
#define RECORD_TIME       'T' /* when the message came */
#define RECORD_ATTR       'A' /* name=value */
#define RECORD_FROM       'S'
#define RECORD_RCPT       'R'
#define RECORD_MESG       'M' /* the message begins */
#define RECORD_NORM       'N' /* a line, or its last part */
#define RECORD_CONT       'L' /* another part of it */
#define RECORD_XTRA       'X' /* the message ends */
#define RECORD_END        'E'

#define CLEANUP_NAME_MAX  64
#define CLEANUP_VALUE_MAX 512
/* Attributes of one list. */
#define CLEANUP_ATTRS_MAX 16

/* What it says first. */
typedef struct cleanup_hello {
    char queue_id[CLEANUP_NAME_MAX];
} cleanup_hello;

/* What it says in the end. */
typedef struct cleanup_answer {
    int status; /* bits; 0: it has the message; -1: it has not said so */
    char reason[CLEANUP_VALUE_MAX];
} cleanup_answer;

/* Is told each attribute of a list. @return whether it may be so */
typedef int take_attr(void *baton, const char *name, const char *value);

/* record = type length *OCTET ; the length in groups of 7 bits, the lowest
 *                             ; first; all but the last with the eighth set */
static apr_status_t put_record(qp_peer *peer, char type, const char *data,
                               apr_size_t len)
{
    char head[16];
    apr_size_t n = 0;
    apr_size_t left = len;
    apr_status_t rv;

    head[n++] = type;
    do {
        head[n++] = (char)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        left >>= 7;
    } while (left > 0);
    rv = qp_peer_write(peer, head, n);
    return rv == APR_SUCCESS && len > 0 ? qp_peer_write(peer, data, len) : rv;
}

static apr_status_t put_text(qp_peer *peer, char type, const char *text)
{
    return put_record(peer, type, text, strlen(text));
}

/* attributes = *( name NUL value NUL ) NUL */
static apr_status_t put_flags(qp_peer *peer, int flags)
{
    char text[32];
    apr_status_t rv = qp_peer_write(peer, "flags", sizeof("flags"));

    apr_snprintf(text, sizeof(text), "%d", flags);
    if (rv == APR_SUCCESS) {
        rv = qp_peer_write(peer, text, strlen(text) + 1);
    }
    return rv == APR_SUCCESS ? qp_peer_write(peer, "", 1) : rv;
}

/* Up to a NUL. @a size: of what is kept, that included */
static apr_status_t read_text(qp_peer *peer, char *text, apr_size_t size)
{
    apr_status_t rv;
    apr_size_t i;

    for (i = 0; i < size; i++) {
        rv = qp_peer_read_all(peer, text + i, 1);
        if (rv != APR_SUCCESS || text[i] == '\0') {
            return rv;
        }
    }
    return qp_peer_fail(peer, "it is too long");
}

static apr_status_t read_attrs(qp_peer *peer, take_attr *take, void *baton)
{
    char name[CLEANUP_NAME_MAX];
    char value[CLEANUP_VALUE_MAX];
    apr_status_t rv;
    int i;

    for (i = 0; i < CLEANUP_ATTRS_MAX; i++) {
        rv = read_text(peer, name, sizeof(name));
        if (rv != APR_SUCCESS || name[0] == '\0') {
            return rv;
        }
        rv = read_text(peer, value, sizeof(value));
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (!take(baton, name, value)) {
            return qp_peer_fail(peer, "it is not that of cleanup");
        }
    }
    return qp_peer_fail(peer, "it is too long");
}

static int is_word(const char *text)
{
    const char *p = text;

    while (apr_isalnum(*p)) {
        p++;
    }
    return p > text && *p == '\0';
}

/* Postfix has said its protocol since 3.6. */
static int take_hello(void *baton, const char *name, const char *value)
{
    cleanup_hello *hello = baton;

    if (strcmp(name, "protocol") == 0) {
        return strcmp(value, "cleanup_protocol") == 0;
    }
    if (strcmp(name, "queue_id") == 0) {
        apr_cpystrn(hello->queue_id, value, sizeof(hello->queue_id));
        return is_word(value);
    }
    return 1;
}

static int take_answer(void *baton, const char *name, const char *value)
{
    cleanup_answer *answer = baton;

    if (strcmp(name, "status") == 0) {
        answer->status = (int)apr_atoi64(value);
        return is_word(value) && strlen(value) < 7
               && strspn(value, "0123456789") == strlen(value);
    }
    if (strcmp(name, "reason") == 0) {
        apr_cpystrn(answer->reason, value, sizeof(answer->reason));
    }
    return 1;
}

static apr_status_t read_hello(qp_peer *peer, cleanup_hello *hello)
{
    apr_status_t rv;

    hello->queue_id[0] = '\0';
    rv = read_attrs(peer, take_hello, hello);
    if (rv == APR_SUCCESS && hello->queue_id[0] == '\0') {
        return qp_peer_fail(peer, "it has no queue_id");
    }
    return rv;
}

static apr_status_t read_answer(qp_peer *peer, cleanup_answer *answer)
{
    apr_status_t rv;

    answer->status = -1;
    answer->reason[0] = '\0';
    rv = read_attrs(peer, take_answer, answer);
    if (rv == APR_SUCCESS && answer->status < 0) {
        return qp_peer_fail(peer, "it has no status");
    }
    return rv;
}

#endif /* POSTFIX_ATTR_H */
