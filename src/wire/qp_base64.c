/* SPDX-License-Identifier: Apache-2.0 */
/* Base64, both ways. What is decoded here may be a secret: nothing of it is
 * kept, and the caller wipes what it got. */

#include "wire/qp_base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz0123456789+/";

char *qp_base64_encode(const void *data, apr_size_t len, apr_pool_t *pool)
{
    const unsigned char *in = data;
    char *text = apr_palloc(pool, (len + 2) / 3 * 4 + 1);
    char *to = text;
    unsigned int bits;
    apr_size_t n;

    while (len > 0) {
        n = len < 3 ? len : 3;
        bits = (unsigned int)in[0] << 16;
        bits |= n > 1 ? (unsigned int)in[1] << 8 : 0;
        bits |= n > 2 ? (unsigned int)in[2] : 0;
        *to++ = alphabet[bits >> 18];
        *to++ = alphabet[bits >> 12 & 63];
        *to++ = n > 1 ? alphabet[bits >> 6 & 63] : '=';
        *to++ = n > 2 ? alphabet[bits & 63] : '=';
        in += n;
        len -= n;
    }
    *to = '\0';
    return text;
}

/* @return 0 to 63, or -1 */
static int find_value(char c)
{
    const char *at = memchr(alphabet, c, sizeof(alphabet) - 1);

    return at != NULL ? (int)(at - alphabet) : -1;
}

/* Four characters, of which the last @a npad are padding.
 * @return how many octets, or -1 */
static int decode_group(const char *text, int npad, char *to)
{
    int bits = 0;
    int value;
    int i;

    for (i = 0; i < 4 - npad; i++) {
        value = find_value(text[i]);
        if (value < 0) {
            return -1;
        }
        bits = bits << 6 | value;
    }
    bits <<= 6 * npad;
    if ((npad > 0 && (bits & 0xff) != 0)
        || (npad > 1 && (bits & 0xff00) != 0)) {
        return -1;
    }
    to[0] = (char)(bits >> 16);
    to[1] = (char)(bits >> 8);
    to[2] = (char)bits;
    return 3 - npad;
}

static int count_padding(const char *text, apr_size_t len)
{
    if (len == 0 || text[len - 1] != '=') {
        return 0;
    }
    return text[len - 2] == '=' ? 2 : 1;
}

char *qp_base64_decode(const char *text, apr_size_t len, apr_size_t *out_len,
                       apr_pool_t *pool)
{
    char *out;
    char *to;
    apr_size_t i;
    int npad;
    int n;

    *out_len = 0;
    if (len % 4 != 0) {
        return NULL;
    }
    npad = count_padding(text, len);
    out = apr_palloc(pool, len / 4 * 3 + 1);
    to = out;
    for (i = 0; i < len; i += 4) {
        n = decode_group(text + i, i + 4 == len ? npad : 0, to);
        if (n < 0) {
            explicit_bzero(out, (apr_size_t)(to - out));
            return NULL;
        }
        to += n;
    }
    *to = '\0';
    *out_len = (apr_size_t)(to - out);
    return out;
}
