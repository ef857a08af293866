/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file oauth2_ask.h
 * @brief Asks an introspection endpoint about a token (RFC 7662 2.1), for the
 *        plugin auth/oauth2.
 *
 * For jobs: it blocks, up to the time-out, and ends when the job is cancelled.
 * The endpoint is never trusted: what it says is bounded, and not redirected.
 */
#ifndef OAUTH2_ASK_H
#define OAUTH2_ASK_H

#include <curl/curl.h>

#include "../http_reply.h"
#include "qpsmtpd.h"

/** Octets of an answer. */
#define TOKEN_ANSWER_MAX 65536

struct endpoint {
    const char *url;     /**< https */
    const char *ca_file; /**< or NULL: whom the system trusts */
    const char *id;      /**< of this server there, or NULL */
    const char *secret;
    apr_interval_time_t timeout;
};

/** Not 0: give up. */
static inline int is_given_up(void *job, curl_off_t dltotal, curl_off_t dlnow,
                              curl_off_t ultotal, curl_off_t ulnow)
{
    (void)dltotal;
    (void)dlnow;
    (void)ultotal;
    (void)ulnow;
    return qp_job_is_cancelled(job);
}

/** Encoded for a form, in the pool. */
static inline char *encode_form(CURL *curl, const char *text, apr_pool_t *pool)
{
    char *encoded = curl_easy_escape(curl, text, (int)strlen(text));
    char *copy = apr_pstrdup(pool, encoded != NULL ? encoded : "");

    qp_secret_wipe(encoded);
    curl_free(encoded);
    return copy;
}

static inline void set_request(CURL *curl, const struct endpoint *to,
                               qp_job *job, struct http_reply *reply)
{
    curl_easy_setopt(curl, CURLOPT_URL, to->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                     (long)apr_time_as_msec(to->timeout));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "mod_qpsmtpd");
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_given_up);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, job);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_text);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    if (to->ca_file != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, to->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    if (to->id != NULL) {
        /* Both are encoded before (RFC 6749 2.3.1). */
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME,
                         encode_form(curl, to->id, reply->pool));
        curl_easy_setopt(curl, CURLOPT_PASSWORD,
                         encode_form(curl, to->secret, reply->pool));
    }
}

/** @return NULL, or what is wrong with a reply that came */
static inline const char *check_reply(CURL *curl, struct http_reply *reply)
{
    const char *type = NULL;

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    if (reply->status != 200) {
        return apr_psprintf(reply->pool, "the answer is %ld", reply->status);
    }
    if (type == NULL || strncasecmp(type, "application/json", 16) != 0
        || (type[16] != '\0' && strchr("; \t", type[16]) == NULL)) {
        return "the answer is not of type application/json";
    }
    return NULL;
}

/**
 * Asks. @param reply  out: its text and length; its pool is given
 * @return NULL, or what is wrong, in that pool
 */
static inline const char *ask_endpoint(const struct endpoint *to,
                                       const char *token, qp_job *job,
                                       struct http_reply *reply)
{
    CURL *curl = curl_easy_init();
    const char *error = NULL;
    char *encoded, *body;
    CURLcode code;

    if (curl == NULL) {
        return "libcurl cannot be set up";
    }
    reply->max = TOKEN_ANSWER_MAX;
    reply->room = 4096;
    reply->text = apr_palloc(reply->pool, reply->room);
    set_request(curl, to, job, reply);
    encoded = encode_form(curl, token, reply->pool);
    body = apr_pstrcat(reply->pool,
                       "token_type_hint=access_token&token=", encoded, NULL);
    qp_secret_wipe(encoded);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    code = curl_easy_perform(curl);
    if (code == CURLE_WRITE_ERROR) {
        error = "the answer is too large";
    }
    else if (code != CURLE_OK) {
        error = curl_easy_strerror(code);
    }
    else {
        error = check_reply(curl, reply);
    }
    curl_easy_cleanup(curl);
    qp_secret_wipe(body);
    return error;
}

#endif /* OAUTH2_ASK_H */
