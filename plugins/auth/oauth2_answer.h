/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file oauth2_answer.h
 * @brief What a token is worth, from the JSON that an introspection endpoint
 *        says of it (RFC 7662 2.2), for the plugin auth/oauth2.
 *
 * Pure functions; all that they make is in the caller's pool. Members that are
 * not what the RFC says make the answer useless: it is never guessed at.
 */
#ifndef OAUTH2_ANSWER_H
#define OAUTH2_ANSWER_H

#include "oauth2_member.h"

/** Octets of a name. */
#define TOKEN_USER_MAX 256

/** What a token must have. */
struct token_wants {
    const char *member;               /**< that has the name */
    const apr_array_header_t *scopes; /**< of const char *: all; or NULL */
    const char *audience;             /**< or "" */
    const char *issuer;               /**< or "" */
};

enum token_verdict {
    TOKEN_USELESS, /**< the answer is not one */
    TOKEN_BAD,
    TOKEN_GOOD
};

struct token_answer {
    apr_pool_t *pool;
    json_int_t now; /**< in: seconds since 1970 */
    enum token_verdict verdict;
    const char *user; /**< of a good token */
    const char *why;  /**< of any other; without text from the answer */
    json_int_t exp;   /**< of a good token: when it ends; 0: not said */
};

static inline enum token_verdict say_token(struct token_answer *out,
                                           enum token_verdict verdict,
                                           const char *why)
{
    out->why = why;
    return verdict;
}

/** Its time. */
static inline enum token_verdict judge_time(const json_t *json,
                                            struct token_answer *out)
{
    json_int_t nbf;

    if (!get_seconds(json, "exp", &out->exp)
        || !get_seconds(json, "nbf", &nbf)) {
        return say_token(out, TOKEN_USELESS, "exp or nbf is no time");
    }
    if (out->exp > 0 && out->exp <= out->now) {
        return say_token(out, TOKEN_BAD, "it has expired");
    }
    if (nbf > out->now) {
        return say_token(out, TOKEN_BAD, "it is not valid yet");
    }
    return TOKEN_GOOD;
}

/** Who it is for. */
static inline enum token_verdict judge_target(const json_t *json,
                                              const struct token_wants *wants,
                                              struct token_answer *out)
{
    const char *scope, *issuer;

    if (!get_text(json, "scope", &scope) || !get_text(json, "iss", &issuer)) {
        return say_token(out, TOKEN_USELESS, "scope or iss is no text");
    }
    if (!has_scopes(scope, wants->scopes)) {
        return say_token(out, TOKEN_BAD, "it lacks a scope");
    }
    if (!has_audience(json, wants->audience)) {
        return say_token(out, TOKEN_BAD, "it is for another audience");
    }
    if (wants->issuer[0] != '\0'
        && !is_text(json_object_get(json, "iss"), wants->issuer)) {
        return say_token(out, TOKEN_BAD, "it is from another issuer");
    }
    return TOKEN_GOOD;
}

static inline enum token_verdict judge_json(const json_t *json,
                                            const struct token_wants *wants,
                                            struct token_answer *out)
{
    const json_t *active = json_object_get(json, "active");
    enum token_verdict verdict;
    const char *user;

    if (!json_is_boolean(active)) {
        return say_token(out, TOKEN_USELESS, "it does not say \"active\"");
    }
    if (json_is_false(active)) {
        return say_token(out, TOKEN_BAD, "it is not active");
    }
    verdict = judge_time(json, out);
    if (verdict == TOKEN_GOOD) {
        verdict = judge_target(json, wants, out);
    }
    if (verdict != TOKEN_GOOD) {
        return verdict;
    }
    if (!get_text(json, wants->member, &user)) {
        return say_token(out, TOKEN_USELESS, "the name is no text");
    }
    if (user == NULL || user[0] == '\0' || strlen(user) > TOKEN_USER_MAX) {
        return say_token(out, TOKEN_BAD, "there is no name with it");
    }
    out->user = apr_pstrdup(out->pool, user);
    return TOKEN_GOOD;
}

/** Sets the verdict and what belongs to it. Names that come twice and NULs are
 *  not taken. */
static inline void judge_answer(const char *text, size_t len,
                                const struct token_wants *wants,
                                struct token_answer *out)
{
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

    out->user = NULL;
    out->exp = 0;
    out->verdict = json_is_object(json)
                       ? judge_json(json, wants, out)
                       : say_token(out, TOKEN_USELESS, "it is no JSON object");
    json_decref(json);
}

#endif /* OAUTH2_ANSWER_H */
