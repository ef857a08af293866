/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of what an introspection endpoint says of a token, and of what
 * the plugin auth/oauth2 makes of it (R111, R117).
 */
#include "fuzz.h"

#include "plugins/auth/oauth2_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();
    unsigned int choice = fuzz_byte(&in);
    struct token_wants wants = { "username", NULL, "", "" };
    struct token_answer answer = { .pool = pool, .now = 1000 };
    apr_array_header_t *scopes = apr_array_make(pool, 1, sizeof(const char *));
    size_t len = in.left;
    char *text = fuzz_take(&in, len);

    APR_ARRAY_PUSH(scopes, const char *) = "mail";
    wants.scopes = choice & 1 ? scopes : NULL;
    wants.audience = choice & 2 ? "smtp" : "";
    wants.issuer = choice & 4 ? "https://id.example/" : "";
    judge_answer(text, len, &wants, &answer);
    fuzz_check((answer.user != NULL) == (answer.verdict == TOKEN_GOOD));
    fuzz_check((answer.why == NULL) == (answer.verdict == TOKEN_GOOD));
    if (answer.verdict == TOKEN_GOOD) {
        fuzz_check(answer.user[0] != '\0');
        fuzz_check(strlen(answer.user) <= TOKEN_USER_MAX);
        fuzz_check(answer.exp == 0 || answer.exp > answer.now);
        fuzz_check(memmem(text, len, "true", 4) != NULL);
        fuzz_check(!(choice & 2) || memmem(text, len, "aud", 3) != NULL);
    }
    free(text);
    return fuzz_end(pool);
}
