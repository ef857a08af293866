/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes and encodes xtext. Results live in the caller's pool.
 *
 *     xtext   = *( xchar / hexchar )
 *     xchar   = %d33-42 / %d44-60 / %d62-126
 *     hexchar = "+" 2(%d48-57 / %d65-70)
 *
 * RFC 3461 4.
 */
#include "wire/qp_xtext.h"

#include <string.h>

/* Upper case only, as the RFC has it; -1 if it is none. */
static int hex_digit(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

static int is_xchar(char c)
{
    return c > ' ' && c <= '~' && c != '+' && c != '=';
}

const char *qp_xtext_decode(const char *text, apr_pool_t *pool)
{
    char *decoded = apr_palloc(pool, strlen(text) + 1);
    char *to = decoded;
    int high;
    int low;

    for (; *text != '\0'; text++) {
        if (is_xchar(*text)) {
            *to++ = *text;
            continue;
        }
        high = *text == '+' ? hex_digit(text[1]) : -1;
        low = high >= 0 ? hex_digit(text[2]) : -1;
        /* A NUL would cut the text short (R6). */
        if (low < 0 || high * 16 + low == 0) {
            return NULL;
        }
        *to++ = (char)(high * 16 + low);
        text += 2;
    }
    *to = '\0';
    return decoded;
}

const char *qp_xtext_encode(const char *text, apr_pool_t *pool)
{
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = apr_palloc(pool, 3 * strlen(text) + 1);
    char *to = encoded;

    for (; *text != '\0'; text++) {
        if (is_xchar(*text)) {
            *to++ = *text;
            continue;
        }
        *to++ = '+';
        *to++ = digits[(unsigned char)*text >> 4];
        *to++ = digits[(unsigned char)*text & 15];
    }
    *to = '\0';
    return encoded;
}
