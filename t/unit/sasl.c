/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of wire/qp_sasl: messages of PLAIN, CRAM-MD5, OAUTHBEARER, XOAUTH2 and
 * the header of GS2. In the tables | stands for NUL and ^ for ^A. */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "wire/qp_sasl.h"

typedef const char *parse(char *message, apr_size_t len, apr_pool_t *pool);

static const char *parse_plain(char *message, apr_size_t len, apr_pool_t *pool)
{
    qp_sasl_plain out;

    if (!qp_sasl_parse_plain(message, len, &out)) {
        return NULL;
    }
    return apr_pstrcat(pool, out.authzid, "/", out.user, "/", out.password,
                       NULL);
}

static const char *parse_cram(char *message, apr_size_t len, apr_pool_t *pool)
{
    const char *user;
    char *digest;

    if (!qp_sasl_parse_cram(message, len, &user, &digest)) {
        return NULL;
    }
    return apr_pstrcat(pool, user, "/", digest, NULL);
}

static const char *show_token(const qp_sasl_token *token, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s/%s/%s/%d", token->user, token->token,
                        token->host, token->port);
}

static const char *parse_bearer(char *message, apr_size_t len, apr_pool_t *pool)
{
    qp_sasl_token token;

    return qp_sasl_parse_bearer(message, len, &token, pool)
               ? show_token(&token, pool)
               : NULL;
}

static const char *parse_xoauth2(char *message, apr_size_t len,
                                 apr_pool_t *pool)
{
    qp_sasl_token token;

    return qp_sasl_parse_xoauth2(message, len, &token)
               ? show_token(&token, pool)
               : NULL;
}

static const char *parse_gs2(char *message, apr_size_t len QP_UNUSED,
                             apr_pool_t *pool)
{
    const char *rest = message;
    const char *flag, *authzid;

    return qp_sasl_parse_gs2(&rest, &flag, &authzid, pool)
               ? apr_pstrcat(pool, flag, "/", authzid, "/", rest, NULL)
               : NULL;
}

#define DIGEST "b913a602c7eda7a495b4e6e7334d3890"

static const struct {
    parse *parse;
    const char *in;
    const char *out; /* NULL: malformed */
} cases[] = {
    { parse_plain, "|tim|tanstaaf", "/tim/tanstaaf" },
    { parse_plain, "Ursel|Kurt|xipj3", "Ursel/Kurt/xipj3" },
    { parse_plain, "||", "//" },
    { parse_plain, "|tim", NULL },
    { parse_plain, "tim", NULL },
    { parse_plain, "", NULL },
    { parse_plain, "|tim|x|", NULL },
    { parse_cram, "tim " DIGEST, "tim/" DIGEST },
    { parse_cram, "t i m B913A602C7EDA7A495B4E6E7334D3890", "t i m/" DIGEST },
    { parse_cram, " " DIGEST, "/" DIGEST },
    { parse_cram, "tim " DIGEST " ", NULL },
    { parse_cram, "tim " DIGEST "|", NULL },
    { parse_cram, "tim", NULL },
    { parse_cram, "tim b913", NULL },
    { parse_cram, "", NULL },
    { parse_bearer, "n,a=u@x.org,^host=x^port=587^auth=Bearer vF9d==^^",
      "u@x.org/vF9d==/x/587" },
    { parse_bearer, "n,,^auth=Bearer   a^^", "/a//0" },
    { parse_bearer, "n,,^x=y=z^auth=Bearer a^^", "/a//0" },
    { parse_bearer, "n,,^user=evil^auth=Bearer a^^", "/a//0" },
    { parse_bearer, "n,,^auth=Bearer a^auth=Bearer b^^", NULL },
    { parse_bearer, "n,,^auth=Bearer a b^^", NULL },
    { parse_bearer, "n,,^auth=Bearer a^^^", NULL },
    { parse_bearer, "n,,^auth=Bearer a^^x", NULL },
    { parse_bearer, "n,,^auth=Bearer a|^^", NULL },
    { parse_bearer, "n,,^auth=Bearer a^", NULL },
    { parse_bearer, "n,,^=x^auth=Bearer a^^", NULL },
    { parse_bearer, "n,,^x^auth=Bearer a^^", NULL },
    { parse_bearer, "n,,^port=^auth=Bearer a^^", NULL },
    { parse_bearer, "n,,^port=99999999^auth=Bearer a^^", NULL },
    { parse_bearer, "p=x,,^auth=Bearer a^^", NULL },
    { parse_bearer, "n,,auth=Bearer a^^", NULL },
    { parse_bearer, "", NULL },
    { parse_xoauth2, "user=u@x.org^auth=Bearer ya29^^", "u@x.org/ya29//0" },
    { parse_xoauth2, "user=u@x.org^^", NULL },
    { parse_xoauth2, "^^", NULL },
    { parse_xoauth2, "", NULL },
    { parse_gs2, "n,,rest", "n//rest" },
    { parse_gs2, "y,,", "y//" },
    { parse_gs2, "p=tls-exporter,,x", "p=tls-exporter//x" },
    { parse_gs2, "n,a=a=2Cb=3Dc,", "n/a,b=c/" },
    { parse_gs2, "n,a=,", NULL },
    { parse_gs2, "n,a=x=2,", NULL },
    { parse_gs2, "n,a=x=2c,", NULL },
    { parse_gs2, "n,b=x,", NULL },
    { parse_gs2, "p=,,", NULL },
    { parse_gs2, "p,,", NULL },
    { parse_gs2, "n", NULL },
    { parse_gs2, "n,", NULL },
    { parse_gs2, "", NULL },
};

static void test_names(void)
{
    char name[QP_SASL_NAME_MAX + 2];

    memset(name, 'x', sizeof(name));
    name[QP_SASL_NAME_MAX] = '\0';
    ok(qp_sasl_is_name(name), "the longest name");
    name[QP_SASL_NAME_MAX] = 'x';
    name[QP_SASL_NAME_MAX + 1] = '\0';
    ok(!qp_sasl_is_name(name), "one that is longer");
    ok(!qp_sasl_is_name(""), "an empty one");
    ok(!qp_sasl_is_name("a\nb") && !qp_sasl_is_name("a\177"),
       "control characters");
    ok(qp_sasl_is_name("J\303\274rgen von D."), "everything else");
}

int main(void)
{
    apr_pool_t *pool;
    apr_size_t len;
    char *message;
    size_t i;
    char *p;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    for (i = 0; i < QP_ARRAY_LEN(cases); i++) {
        len = strlen(cases[i].in);
        message = apr_pstrdup(pool, cases[i].in);
        for (p = message; p < message + len; p++) {
            *p = *p == '|' ? '\0' : *p == '^' ? '\001' : *p;
        }
        is_str(cases[i].parse(message, len, pool), cases[i].out, "<%s>",
               cases[i].in);
    }
    test_names();
    apr_pool_destroy(pool);
    return done_testing();
}
