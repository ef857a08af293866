/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file auth_kit.h
 * @brief What the tests of AUTH share: a store, a connection with TLS, lines.
 */
#ifndef AUTH_KIT_H
#define AUTH_KIT_H

#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"
#include "smtp/qp_mech.h"
#include "wire/qp_base64.h"

#define HELLO "EHLO client.example\r\n"

/* A store with one user, "user", whose password is "secret"; "down" is out of
 * order, "old" needs a new password. */
static inline qp_rc judge(const char *user, int is_right, qp_session *qp)
{
    if (strcmp(user, "down") == 0) {
        return qp_return(qp, QP_DENYSOFT, "no database");
    }
    if (strcmp(user, "old") == 0) {
        return qp_return_dsn(qp, QP_DENYSOFT, 7, 12, "old");
    }
    if (strcmp(user, "weak") == 0) {
        return qp_return_dsn(qp, QP_DENY, 7, 9, "weak");
    }
    if (strcmp(user, "out") == 0) {
        return QP_DENY_DISCONNECT;
    }
    if (strcmp(user, "user") != 0) {
        return QP_DECLINED;
    }
    return is_right ? QP_OK : QP_DENY;
}

static inline qp_rc check_password(const qp_plugin *self, qp_session *qp,
                                   const qp_auth_arg *arg)
{
    return judge(arg->user, qp_secret_equal("secret", arg->password), qp);
}

static inline qp_rc check_cram(const qp_plugin *self, qp_session *qp,
                               const qp_auth_arg *arg)
{
    return judge(arg->user,
                 qp_secret_check_cram_md5("secret", arg->ticket, arg->hash),
                 qp);
}

static inline qp_rc find_secret(const qp_plugin *self, qp_session *qp,
                                qp_auth_scram_arg *arg)
{
    qp_rc rc = judge(arg->user, 1, qp);

    if (rc == QP_OK) {
        arg->password = apr_pstrdup(arg->pool, "secret");
    }
    return rc;
}

static inline qp_rc check_token(const qp_plugin *self, qp_session *qp,
                                qp_auth_token_arg *arg)
{
    if (strcmp(arg->token, "c2VjcmV0") != 0) {
        arg->scope = "mail\"";
        return QP_DENY;
    }
    arg->user = "user";
    return QP_OK;
}

static inline qp_rc check_certificate(const qp_plugin *self, qp_session *qp,
                                      qp_auth_external_arg *arg)
{
    if (strcmp(arg->subject, "CN=user") != 0 || arg->user[0] == 'o') {
        return QP_DENY;
    }
    arg->user = "user";
    return QP_OK;
}

static const qp_plugin_def store = {
    .hooks.auth_plain = check_password,
    .hooks.auth_login = check_password,
    .hooks.auth_cram_md5 = check_cram,
    .hooks.auth_scram = find_secret,
    .hooks.auth_token = check_token,
    .hooks.auth_external = check_certificate,
};

static const qp_tls tls = { "TLSv1.3", "TLS_AES_256_GCM_SHA384", NULL,
                            "CN=user", 1 };
static const unsigned char channel[] = "0123456789abcdef0123456789abcdef";

static inline const unsigned char *give_binding(void *ctx, const char *type,
                                                apr_size_t *len,
                                                apr_pool_t *pool)
{
    *len = sizeof(channel) - 1;
    return strcmp(type, "tls-exporter") == 0 ? channel : NULL;
}

static inline void start(engine_kit *kit, const qp_plugin_def *def)
{
    const char *error;

    kit_plugin(kit, def, "store", NULL);
    kit_plugin(kit, &kit_base_def, "base", kit);
    kit_set(kit, "auth_delay", "0");
    kit_set(kit, "max_auth_errors", "0");
    kit_set(kit, "max_errors", "0");
    error = kit_start(kit);
    if (error != NULL) {
        diag("%s", error);
        abort();
    }
    kit->carrier.tls_binding = give_binding;
}

static inline void open_session(engine_kit *kit)
{
    kit_open(kit);
    kit_talk(kit, "");
}

static inline void open_tls(engine_kit *kit)
{
    open_session(kit);
    kit->qp->conn->tls = &tls;
    kit_talk(kit, HELLO);
}

/* Lines: {TEXT} is base64 of it, with | for NUL and ^ for ^A. */
static inline void append_base64(apr_array_header_t *out, const char *text,
                                 size_t len, apr_pool_t *pool)
{
    char *octets = apr_pstrmemdup(pool, text, len);
    size_t i;

    for (i = 0; i < len; i++) {
        octets[i] = octets[i] == '|'   ? '\0'
                    : octets[i] == '^' ? '\001'
                                       : octets[i];
    }
    APR_ARRAY_PUSH(out, const char *) = qp_base64_encode(octets, len, pool);
}

static inline const char *expand(const char *lines, apr_pool_t *pool)
{
    apr_array_header_t *out = apr_array_make(pool, 8, sizeof(const char *));
    size_t len;

    while (*lines != '\0') {
        if (*lines == '{') {
            len = strcspn(lines, "}");
            append_base64(out, lines + 1, len - 1, pool);
            lines += len + 1;
            continue;
        }
        len = strcspn(lines, "{\n");
        APR_ARRAY_PUSH(out, const char *) = apr_pstrmemdup(pool, lines, len);
        lines += len;
        if (*lines == '\n') {
            APR_ARRAY_PUSH(out, const char *) = "\r\n";
            lines++;
        }
    }
    APR_ARRAY_PUSH(out, const char *) = "\r\n";
    return apr_array_pstrcat(pool, out, '\0');
}

/* Neither what was typed nor what it means. */
static inline int has_secret(const char *log)
{
    return strstr(log, "secret") != NULL || strstr(log, "wr0ng") != NULL
           || strstr(log, "c2Vj") != NULL || strstr(log, "d3Iw") != NULL
           || strstr(log, "AHVz") != NULL || strstr(log, "dXNlcg") != NULL;
}

#endif /* AUTH_KIT_H */
