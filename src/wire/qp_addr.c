/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses: parse, format, compare. All results live in the caller's pool.
 * Takes the grammar of RFC 5321 4.1.2, with that of RFC 6531 3.3 where UTF-8 is
 * allowed, and nothing more; whether a domain
 * exists or a user is ours is the plugins' business.
 */
#include "wire/qp_addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <apr_cstr.h>
#include <apr_strings.h>

/* RFC 5321 4.5.3.1.1 to 4.5.3.1.3. */
#define MAX_LOCAL    64
#define MAX_DOMAIN   255
#define MAX_PATH     256
/* RFC 1035 2.3.4: longer ones are not in the DNS. */
#define MAX_LABEL    63

#define IPV6_TAG     "IPv6:"
#define IPV6_TAG_LEN (sizeof(IPV6_TAG) - 1)

/*
 * SMTPUTF8 (RFC 6531 3.3) adds UTF8-non-ascii to atext, to qtext and to the
 * letters of a sub-domain. Where text is scanned, it is known to be valid, or
 * to be ASCII.
 */
static int is_utf8(char c)
{
    return (unsigned char)c > 127;
}

static int is_letdig(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
           || (c >= 'a' && c <= 'z') || is_utf8(c);
}

static int is_atext(char c)
{
    return is_letdig(c)
           || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static int is_printable(char c)
{
    return (c >= ' ' && c <= '~') || is_utf8(c);
}

/*
 * Each of the scanners below takes the longest text that fits its rule, and
 * returns the place behind it, or NULL.
 */

/** Dot-string = Atom *("." Atom) */
static const char *scan_dot_string(const char *p)
{
    for (;;) {
        if (!is_atext(*p)) {
            return NULL;
        }
        while (is_atext(*p)) {
            p++;
        }
        if (*p != '.') {
            return p;
        }
        p++;
    }
}

/**
 * Quoted-string  = DQUOTE *QcontentSMTP DQUOTE
 * QcontentSMTP   = qtextSMTP / quoted-pairSMTP
 * quoted-pairSMTP = "\" %d32-126
 * qtextSMTP      = %d32-33 / %d35-91 / %d93-126
 */
static const char *scan_quoted(const char *p)
{
    for (p++; *p != '"'; p++) {
        if (*p == '\\') {
            p++;
        }
        if (!is_printable(*p)) {
            return NULL;
        }
    }
    return p + 1;
}

/**
 * Domain     = sub-domain *("." sub-domain)
 * sub-domain = Let-dig [Ldh-str]
 * No underscore and no dot at the end, as the RFC has it.
 */
static const char *scan_domain(const char *p)
{
    const char *start;

    for (;;) {
        if (!is_letdig(*p)) {
            return NULL;
        }
        start = p;
        while (is_letdig(*p) || *p == '-') {
            p++;
        }
        if (p[-1] == '-' || p - start > MAX_LABEL) {
            return NULL;
        }
        if (*p != '.') {
            return p;
        }
        p++;
    }
}

/**
 * A-d-l ":" with A-d-l = At-domain *( "," At-domain ). RFC 5321 4.1.1.3 and
 * appendix C: a source route is accepted and ignored.
 */
static const char *scan_route(const char *p)
{
    while (*p == '@') {
        p = scan_domain(p + 1);
        if (p == NULL) {
            return NULL;
        }
        if (*p == ':') {
            return p + 1;
        }
        if (*p != ',') {
            return NULL;
        }
        p++;
    }
    return NULL;
}

/**
 * address-literal = "[" ( IPv4-address-literal / IPv6-address-literal ) "]"
 * RFC 5321 4.1.3. No other tag is registered. A leading zero in an IPv4
 * address is refused: some read it as octal, some do not.
 */
int qp_addr_is_literal(const char *host)
{
    unsigned char binary[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];
    apr_size_t len = strlen(host);
    int family = AF_INET;

    if (len < 2 || host[0] != '[' || host[len - 1] != ']') {
        return 0;
    }
    host++;
    len -= 2;
    if (apr_cstr_casecmpn(host, IPV6_TAG, IPV6_TAG_LEN) == 0) {
        family = AF_INET6;
        host += IPV6_TAG_LEN;
        len -= IPV6_TAG_LEN;
    }
    if (len >= sizeof(text)) {
        return 0;
    }
    memcpy(text, host, len);
    text[len] = '\0';
    return inet_pton(family, text, binary) == 1;
}

/** "1.2.3.4" and its like: no top level domain is a number (RFC 1123 2.1), so
 *  this is an address literal without its brackets. */
static int is_dotted_number(const char *host)
{
    return strchr(host, '.') != NULL
           && host[strspn(host, "0123456789.")] == '\0';
}

static int count_dots(const char *host)
{
    int n = 0;

    while ((host = strchr(host, '.')) != NULL) {
        host++;
        n++;
    }
    return n;
}

/** A domain with U-labels: its form in the DNS must be one as well. */
static const char *check_unicode(const char *host, apr_pool_t *pool)
{
    const char *ascii;

    if (!qp_utf8_is_needed(host) || !qp_utf8_has_idn()) {
        return NULL;
    }
    ascii = qp_utf8_ascii_domain(host, pool);
    if (ascii == NULL || scan_domain(ascii) != ascii + strlen(ascii)
        || count_dots(ascii) != count_dots(host)) {
        return "domain is not an internationalized name";
    }
    return strlen(ascii) > MAX_DOMAIN ? "domain is too long" : NULL;
}

/** @return NULL, or what is wrong */
static const char *check_host(const char *host, apr_pool_t *pool)
{
    const char *end;

    if (*host == '\0') {
        return "domain is missing";
    }
    if (strlen(host) > MAX_DOMAIN) {
        return "domain is too long";
    }
    if (*host == '[') {
        return qp_addr_is_literal(host) ? NULL : "bad address literal";
    }
    end = scan_domain(host);
    if (end == NULL || *end != '\0') {
        return "syntax error in domain";
    }
    if (is_dotted_number(host)) {
        return "address literal needs square brackets";
    }
    return check_unicode(host, pool);
}

/** Takes the quotes and backslashes off a Quoted-string. */
static const char *unquote_local(const char *text, apr_size_t len,
                                 apr_pool_t *pool)
{
    const char *end = text + len - 1; /* the closing quote */
    char *local = apr_palloc(pool, len);
    char *p = local;

    for (text++; text < end; text++) {
        if (*text == '\\') {
            text++;
        }
        *p++ = *text;
    }
    *p = '\0';
    return local;
}

/**
 * Mailbox    = Local-part "@" ( Domain / address-literal )
 * Local-part = Dot-string / Quoted-string
 */
static const char *parse_mailbox(const char *text, qp_addr *addr,
                                 apr_pool_t *pool)
{
    const char *end;
    const char *error;
    apr_size_t len;

    end = *text == '"' ? scan_quoted(text) : scan_dot_string(text);
    if (end == NULL) {
        return "syntax error in local part";
    }
    if (*end == '\0') {
        return "domain is missing";
    }
    if (*end != '@') {
        return "syntax error in local part";
    }
    len = (apr_size_t)(end - text);
    if (len > MAX_LOCAL) {
        return "local part is too long";
    }
    error = check_host(end + 1, pool);
    if (error != NULL) {
        return error;
    }
    addr->user = *text == '"' ? unquote_local(text, len, pool)
                              : apr_pstrmemdup(pool, text, len);
    addr->host = apr_pstrdup(pool, end + 1);
    return NULL;
}

/** Path = "<" [ A-d-l ":" ] Mailbox ">", here without the brackets. */
static const char *parse_path(const char *text, qp_addr *addr, apr_pool_t *pool)
{
    if (*text == '\0') {
        return NULL;
    }
    /* RFC 5321 4.1.1.3 and 4.5.1: this one recipient, in any case, needs no
     * domain. It is a word of its own, not a Local-part: no quotes. */
    if (apr_cstr_casecmp(text, "postmaster") == 0) {
        addr->user = "postmaster";
        return NULL;
    }
    if (*text == '@') {
        /* RFC 5321 4.5.3.1.3. Without a route the limits of the two parts
         * decide: a domain of 255 octets never fits into a path of 256, and
         * is to be taken all the same (4.5.3.1.2, R50). */
        if (strlen(text) + 2 > MAX_PATH) {
            return "path is too long";
        }
        text = scan_route(text);
        if (text == NULL) {
            return "syntax error in source route";
        }
    }
    return parse_mailbox(text, addr, pool);
}

static const char *parse_text(const char *path, qp_addr **out, apr_pool_t *pool)
{
    apr_size_t len = strlen(path);
    qp_addr *addr;
    const char *error;

    if (len < 2 || path[0] != '<' || path[len - 1] != '>') {
        return "address needs angle brackets";
    }
    addr = apr_palloc(pool, sizeof(*addr));
    addr->user = "";
    addr->host = "";
    error = parse_path(apr_pstrmemdup(pool, path + 1, len - 2), addr, pool);
    if (error == NULL) {
        *out = addr;
    }
    return error;
}

const char *qp_addr_parse(const char *path, qp_addr **out, apr_pool_t *pool)
{
    if (qp_utf8_is_needed(path)) {
        return "address has octets that are not ASCII";
    }
    return parse_text(path, out, pool);
}

const char *qp_addr_parse_utf8(const char *path, qp_addr **out,
                               apr_pool_t *pool)
{
    if (!qp_utf8_is_printable(path)) {
        return "address is not UTF-8, or has control characters";
    }
    return parse_text(path, out, pool);
}

const char *qp_addr_ascii_host(const qp_addr *addr, apr_pool_t *pool)
{
    return qp_utf8_ascii_domain(addr->host, pool);
}

qp_addr *qp_addr_dup(const qp_addr *addr, apr_pool_t *pool)
{
    qp_addr *copy = apr_palloc(pool, sizeof(*copy));

    copy->user = apr_pstrdup(pool, addr->user);
    copy->host = apr_pstrdup(pool, addr->host);
    return copy;
}

int qp_addr_is_null(const qp_addr *addr)
{
    return addr->user[0] == '\0' && addr->host[0] == '\0';
}

int qp_addr_equal(const qp_addr *a, const qp_addr *b)
{
    return strcmp(a->user, b->user) == 0
           && apr_cstr_casecmp(a->host, b->host) == 0;
}

const char *qp_addr_text(const qp_addr *addr, apr_pool_t *pool)
{
    if (qp_addr_is_null(addr)) {
        return "<>";
    }
    return apr_pstrcat(pool, addr->user, addr->host[0] != '\0' ? "@" : "",
                       addr->host, NULL);
}

/** A control character, which only a plugin can have put there, must not
 *  break the line that the address is written to (R28). */
static char clean_octet(char c)
{
    return (unsigned char)c < ' ' || c == 127 ? '?' : c;
}

/** Writes a local part as a Quoted-string, with no more backslashes than
 *  needed. @return the place behind it */
static char *format_quoted(char *out, const char *user)
{
    *out++ = '"';
    for (; *user != '\0'; user++) {
        if (*user == '"' || *user == '\\') {
            *out++ = '\\';
        }
        *out++ = clean_octet(*user);
    }
    *out++ = '"';
    return out;
}

static char *format_host(char *out, const char *host)
{
    *out++ = '@';
    for (; *host != '\0'; host++) {
        *out++ = strchr("<> ", *host) != NULL ? '?' : clean_octet(*host);
    }
    return out;
}

const char *qp_addr_format(const qp_addr *addr, apr_pool_t *pool)
{
    apr_size_t len = strlen(addr->user);
    const char *end = scan_dot_string(addr->user);
    char *text;
    char *p;

    if (qp_addr_is_null(addr)) {
        return "<>";
    }
    text = apr_palloc(pool, 2 * len + strlen(addr->host) + sizeof("<\"\"@>"));
    p = text;
    *p++ = '<';
    if (end != NULL && *end == '\0') {
        memcpy(p, addr->user, len);
        p += len;
    }
    else {
        p = format_quoted(p, addr->user);
    }
    if (addr->host[0] != '\0') {
        p = format_host(p, addr->host);
    }
    *p++ = '>';
    *p = '\0';
    return text;
}
