/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file http_get.h
 * @brief Gets a text by HTTP, for the plugin http_config.
 *
 * For one thread, which can be told to stop. A reply lives in its own pool.
 * What the text means, and how long it is good, is not decided here.
 */
#ifndef HTTP_GET_H
#define HTTP_GET_H

#include <curl/curl.h>

#include "http_reply.h"

/** What a request may cost. */
struct http_limits {
    apr_interval_time_t timeout; /**< in all */
    apr_off_t max_size;          /**< of the text */
    int redirects;
    const char *proxy; /**< or "" */
};

/** Lives as long as its thread. */
struct http_client {
    CURL *curl;
    CURLM *multi;
    const struct http_limits *limits;
    int stopping; /**< atomic: set by http_stop() */
};

static inline int http_open(struct http_client *client,
                            const struct http_limits *limits)
{
    client->limits = limits;
    client->curl = curl_easy_init();
    client->multi = curl_multi_init();
    return client->curl != NULL && client->multi != NULL;
}

static inline void http_close(struct http_client *client)
{
    curl_multi_cleanup(client->multi);
    curl_easy_cleanup(client->curl);
}

/** May be called by another thread. */
static inline void http_stop(struct http_client *client)
{
    __atomic_store_n(&client->stopping, 1, __ATOMIC_RELEASE);
    curl_multi_wakeup(client->multi);
}

static inline int http_is_stopping(const struct http_client *client)
{
    return __atomic_load_n(&client->stopping, __ATOMIC_ACQUIRE);
}

static inline void set_options(const struct http_client *client,
                               const char *url, struct http_reply *reply)
{
    const struct http_limits *limits = client->limits;
    int is_secure = strncasecmp(url, "https:", 6) == 0;
    CURL *curl = client->curl;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR,
                     is_secure ? "https" : "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)limits->redirects);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                     (long)apr_time_as_msec(limits->timeout));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, limits->proxy);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "mod_qpsmtpd");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_text);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply);
}

static inline CURLcode perform(const struct http_client *client)
{
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    const CURLMsg *message;
    int running = 1;
    int left;

    curl_multi_add_handle(client->multi, client->curl);
    while (running && !http_is_stopping(client)) {
        curl_multi_perform(client->multi, &running);
        if (running) {
            curl_multi_poll(client->multi, NULL, 0, 1000, NULL);
        }
    }
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            code = message->data.result;
        }
    }
    curl_multi_remove_handle(client->multi, client->curl);
    return code;
}

static inline struct curl_slist *add_validator(struct curl_slist *headers,
                                               const char *name,
                                               const char *value,
                                               apr_pool_t *pool)
{
    if (value[0] == '\0') {
        return headers;
    }
    return curl_slist_append(headers, apr_pstrcat(pool, name, value, NULL));
}

/**
 * Asks for a URL.
 * @param known  of the text that the caller has
 * @param reply  zeroed but for its pool
 * @return NULL, or what is wrong; the status is the caller's to judge
 */
static inline const char *http_get(const struct http_client *client,
                                   const char *url,
                                   const struct http_validators *known,
                                   struct http_reply *reply)
{
    struct curl_slist *headers = NULL;
    CURLcode code;

    reply->max = (apr_size_t)client->limits->max_size;
    reply->room = 4096;
    reply->text = apr_palloc(reply->pool, reply->room);
    set_options(client, url, reply);
    headers =
        add_validator(headers, "If-None-Match: ", known->etag, reply->pool);
    headers = add_validator(headers, "If-Modified-Since: ", known->modified,
                            reply->pool);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    code = perform(client);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &reply->status);
    curl_slist_free_all(headers);
    reply->text[reply->len] = '\0';
    if (code == CURLE_WRITE_ERROR) {
        return "the answer is larger than max_size";
    }
    return code == CURLE_OK ? NULL : curl_easy_strerror(code);
}

#endif /* HTTP_GET_H */
