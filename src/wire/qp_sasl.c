/* SPDX-License-Identifier: Apache-2.0 */
/* Parses what clients send in PLAIN, CRAM-MD5, OAUTHBEARER and XOAUTH2, and
 * the header of GS2. Pure functions; who may log in is not decided here. */

#include "wire/qp_sasl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define DIGEST_LEN 32 /* hexadecimal digits of MD5 */

/* Characters of a token (RFC 6750 2.1). */
#define TOKEN_CHARS                                                            \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="

int qp_sasl_is_mech(const char *name)
{
    static const char mechs[] = QP_SASL_MECHS;
    const char *at = mechs;
    size_t len;

    while (*at != '\0') {
        len = strcspn(at, ", ");
        if (strlen(name) == len && strncasecmp(at, name, len) == 0) {
            return 1;
        }
        at += len;
        at += strspn(at, ", ");
    }
    return 0;
}

int qp_sasl_is_name(const char *name)
{
    const unsigned char *p = (const unsigned char *)name;

    while (*p >= ' ' && *p != 0x7f) {
        p++;
    }
    return *p == '\0' && name[0] != '\0' && strlen(name) <= QP_SASL_NAME_MAX;
}

/* message = [authzid] NUL authcid NUL passwd; and nothing behind it (R78) */
int qp_sasl_parse_plain(char *message, apr_size_t len, qp_sasl_plain *out)
{
    char *end = message + len;
    char *user = memchr(message, '\0', len);
    char *password;

    if (user == NULL) {
        return 0;
    }
    user++;
    password = memchr(user, '\0', (apr_size_t)(end - user));
    if (password == NULL) {
        return 0;
    }
    password++;
    if (memchr(password, '\0', (apr_size_t)(end - password)) != NULL) {
        return 0;
    }
    out->authzid = message;
    out->user = user;
    out->password = password;
    return 1;
}

int qp_sasl_parse_cram(char *message, apr_size_t len, const char **user,
                       char **digest)
{
    char *blank = strrchr(message, ' '); /* a name may have blanks */
    char *p;

    if (strlen(message) != len || blank == NULL
        || strlen(blank + 1) != DIGEST_LEN) {
        return 0;
    }
    for (p = blank + 1; *p != '\0'; p++) {
        if (!apr_isxdigit(*p)) {
            return 0;
        }
        *p = (char)apr_tolower(*p);
    }
    *blank = '\0';
    *user = message;
    *digest = blank + 1;
    return 1;
}

const char *qp_sasl_decode_name(const char *text, apr_size_t len,
                                apr_pool_t *pool)
{
    char *name = apr_palloc(pool, len + 1);
    const char *end = text + len;
    char *to = name;

    while (text < end) {
        if (*text != '=') {
            *to++ = *text++;
        }
        else if (end - text >= 3 && strncmp(text, "=2C", 3) == 0) {
            *to++ = ',';
            text += 3;
        }
        else if (end - text >= 3 && strncmp(text, "=3D", 3) == 0) {
            *to++ = '=';
            text += 3;
        }
        else {
            return NULL;
        }
    }
    *to = '\0';
    return name;
}

/* gs2-header = ( "p=" cb-name / "n" / "y" ) "," [ "a=" saslname ] "," */
int qp_sasl_parse_gs2(const char **rest, const char **flag,
                      const char **authzid, apr_pool_t *pool)
{
    const char *comma = strchr(*rest, ',');
    const char *name;

    if (comma == NULL) {
        return 0;
    }
    *flag = apr_pstrmemdup(pool, *rest, (apr_size_t)(comma - *rest));
    if (strcmp(*flag, "n") != 0 && strcmp(*flag, "y") != 0
        && (strncmp(*flag, "p=", 2) != 0 || (*flag)[2] == '\0')) {
        return 0;
    }
    name = comma + 1;
    comma = strchr(name, ',');
    if (comma == NULL) {
        return 0;
    }
    *authzid = "";
    if (comma > name) {
        if (strncmp(name, "a=", 2) != 0 || comma == name + 2) {
            return 0;
        }
        *authzid =
            qp_sasl_decode_name(name + 2, (apr_size_t)(comma - name - 2), pool);
    }
    *rest = comma + 1;
    return *authzid != NULL;
}

/* The value of "auth": the scheme in any case, blanks, the token. */
static int parse_auth(char *value, qp_sasl_token *out)
{
    if (strncasecmp(value, "Bearer ", 7) != 0) {
        return 0;
    }
    value += 7;
    value += strspn(value, " ");
    out->token = value;
    return value[0] != '\0' && strspn(value, TOKEN_CHARS) == strlen(value);
}

static int parse_port(const char *value, qp_sasl_token *out)
{
    size_t len = strspn(value, "0123456789");

    if (len == 0 || len > 5 || value[len] != '\0') {
        return 0;
    }
    out->port = (int)strtol(value, NULL, 10);
    return out->port <= 65535;
}

/* KEY=VALUE; keys that are not known do not count (RFC 7628 3.1). */
static int parse_pair(char *pair, qp_sasl_token *out)
{
    char *value = strchr(pair, '=');

    if (value == NULL || value == pair) {
        return 0;
    }
    *value++ = '\0';
    if (strcmp(pair, "auth") == 0) {
        return out->token == NULL && parse_auth(value, out);
    }
    if (strcmp(pair, "user") == 0) {
        out->user = value;
    }
    else if (strcmp(pair, "host") == 0) {
        out->host = value;
    }
    else if (strcmp(pair, "port") == 0) {
        return parse_port(value, out);
    }
    return 1;
}

/* *( pair ^A ) ^A */
static int parse_pairs(char *pairs, qp_sasl_token *out)
{
    char *end;

    while (*pairs != '\001') {
        end = strchr(pairs, '\001');
        if (end == NULL) {
            return 0;
        }
        *end = '\0';
        if (!parse_pair(pairs, out)) {
            return 0;
        }
        pairs = end + 1;
    }
    return pairs[1] == '\0' && out->token != NULL;
}

static void clear_token(qp_sasl_token *out)
{
    out->user = "";
    out->host = "";
    out->token = NULL;
    out->port = 0;
}

/* gs2-header ^A *( pair ^A ) ^A; the name is in the header alone */
int qp_sasl_parse_bearer(char *message, apr_size_t len, qp_sasl_token *out,
                         apr_pool_t *pool)
{
    const char *rest = message;
    const char *flag;
    const char *authzid;

    clear_token(out);
    if (strlen(message) != len
        || !qp_sasl_parse_gs2(&rest, &flag, &authzid, pool) || flag[0] == 'p'
        || rest[0] != '\001'
        || !parse_pairs(message + (rest + 1 - message), out)) {
        return 0;
    }
    out->user = authzid;
    return 1;
}

/* "user=" name ^A "auth=Bearer " token ^A ^A */
int qp_sasl_parse_xoauth2(char *message, apr_size_t len, qp_sasl_token *out)
{
    clear_token(out);
    return strlen(message) == len && parse_pairs(message, out);
}
