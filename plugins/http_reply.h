/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file http_reply.h
 * @brief An answer of a web server while it comes in, for the plugin
 *        http_config.
 *
 * Lives in a pool of its own. The functions are for libcurl to call. What the
 * answer means is not decided here.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#define HTTP_VALIDATOR_MAX 256

/** What the server has said of its last answer; "": nothing. */
struct http_validators {
    char etag[HTTP_VALIDATOR_MAX];
    char modified[HTTP_VALIDATOR_MAX];
};

struct http_reply {
    apr_pool_t *pool;
    long status;
    struct http_validators validators;
    char *text; /**< with a NUL behind it; or NULL */
    apr_size_t len;
    apr_size_t room;
    apr_size_t max;
};

static inline void make_room(struct http_reply *reply, apr_size_t len)
{
    char *larger;

    if (reply->room - reply->len > len) {
        return;
    }
    while (reply->room - reply->len <= len) {
        reply->room *= 2;
    }
    larger = apr_palloc(reply->pool, reply->room);
    memcpy(larger, reply->text, reply->len);
    reply->text = larger;
}

/* @return fewer octets than there are: give up */
static inline size_t take_text(char *data, size_t size, size_t count,
                               void *baton)
{
    struct http_reply *reply = baton;
    size_t len = size * count;

    if (len > reply->max - reply->len) {
        return 0;
    }
    make_room(reply, len);
    memcpy(reply->text + reply->len, data, len);
    reply->len += len;
    return len;
}

/* The value of a header line, if it is of this name. One that is too long is
 * as good as none. */
static inline void take_value(const char *line, size_t len, const char *name,
                              char *value)
{
    size_t start = strlen(name);

    if (len <= start || strncasecmp(line, name, start) != 0) {
        return;
    }
    while (start < len && (line[start] == ' ' || line[start] == '\t')) {
        start++;
    }
    while (len > start && strchr(" \t\r\n", line[len - 1]) != NULL) {
        len--;
    }
    value[0] = '\0';
    if (len - start < HTTP_VALIDATOR_MAX
        && memchr(line + start, '\0', len - start) == NULL) {
        apr_cpystrn(value, line + start, len - start + 1);
    }
}

/* After a redirection there are several replies; the last one counts. */
static inline size_t take_header(char *line, size_t size, size_t count,
                                 void *baton)
{
    struct http_reply *reply = baton;
    size_t len = size * count;

    if (len > 5 && strncasecmp(line, "HTTP/", 5) == 0) {
        memset(&reply->validators, 0, sizeof(reply->validators));
        reply->len = 0;
    }
    take_value(line, len, "ETag:", reply->validators.etag);
    take_value(line, len, "Last-Modified:", reply->validators.modified);
    return len;
}

#endif /* HTTP_REPLY_H */
