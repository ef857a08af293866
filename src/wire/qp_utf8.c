/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks UTF-8, and turns domains into ASCII by libidn2. Results live in the
 * caller's pool. Nothing is normalized: what a client sends is taken or
 * refused as it is.
 */
#include "wire/qp_utf8.h"

#include <string.h>

#include <apr_strings.h>

#ifdef QP_HAVE_IDN2
#include <idn2.h>
#endif

int qp_utf8_is_needed(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text > 127) {
            return 1;
        }
    }
    return 0;
}

/* The next character, in its shortest form. @return its length, or 0 */
static int read_char(const char *text, unsigned int *code)
{
    static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char first = (unsigned char)*text;
    int len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    int i;

    *code = first;
    if (len == 1) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    *code = first & (0x7fu >> len);
    for (i = 1; i < len; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        *code = *code << 6 | (text[i] & 0x3f);
    }
    if (*code < least[len] || *code > 0x10ffff
        || (*code >= 0xd800 && *code <= 0xdfff)) {
        return 0;
    }
    return len;
}

int qp_utf8_is_valid(const char *text)
{
    unsigned int code;
    int len;

    for (; *text != '\0'; text += len) {
        len = read_char(text, &code);
        if (len == 0) {
            return 0;
        }
    }
    return 1;
}

int qp_utf8_is_printable(const char *text)
{
    unsigned int code;
    int len;

    for (; *text != '\0'; text += len) {
        len = read_char(text, &code);
        /* C0, DEL and C1; LINE SEPARATOR and PARAGRAPH SEPARATOR (R8). */
        if (len == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0)
            || code == 0x2028 || code == 0x2029) {
            return 0;
        }
    }
    return 1;
}

#ifdef QP_HAVE_IDN2

int qp_utf8_has_idn(void)
{
    return 1;
}

/* IDNA2008 to the letter (RFC 6531 3.2), for what TR46 maps to another name is
 * another name. Only the case of ASCII letters means nothing. */
const char *qp_utf8_ascii_domain(const char *domain, apr_pool_t *pool)
{
    char *lower = apr_pstrdup(pool, domain);
    char *ascii = NULL;
    char *p;

    if (!qp_utf8_is_needed(domain)) {
        return lower; /* as it is */
    }
    for (p = lower; *p != '\0'; p++) {
        if (*p >= 'A' && *p <= 'Z') {
            *p = (char)(*p - 'A' + 'a');
        }
    }
    if (idn2_to_ascii_8z(lower, &ascii, IDN2_NO_TR46) != IDN2_OK) {
        return NULL;
    }
    lower = apr_pstrdup(pool, ascii);
    idn2_free(ascii);
    return lower;
}

#else

int qp_utf8_has_idn(void)
{
    return 0;
}

const char *qp_utf8_ascii_domain(const char *domain, apr_pool_t *pool)
{
    return qp_utf8_is_needed(domain) ? NULL : apr_pstrdup(pool, domain);
}

#endif
