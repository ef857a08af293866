/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of MAIL and RCPT: a row for each, with the extension that it
 * belongs to. Const data. What a parameter is good for is the business of
 * others. */

#include "smtp/qp_params.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "wire/qp_offer.h"

/* RFC 3461 4.2 and 4.4; RFC 4954 4. */
#define MAX_ORCPT 500
#define MAX_ENVID 100
#define MAX_AUTH  500

typedef struct row {
    const char *key;
    unsigned int offer;
    /* @return whether the value is good; else it has replied */
    int (*check)(qp_session *qp, const qp_envelope *envelope,
                 const char *value);
} row;

static int refuse_value(qp_session *qp, const char *text)
{
    return qp_envelope_refuse(qp, 501, "5.5.4", text);
}

/* More digits than a 64-bit number has are too big, not wrapped (R59). */
static int check_size(qp_session *qp, const qp_envelope *envelope QP_UNUSED,
                      const char *value)
{
    size_t zeros = strspn(value, "0");
    size_t digits = strspn(value + zeros, "0123456789");
    apr_off_t limit = qp->settings->databytes;
    apr_int64_t size = APR_INT64_MAX;

    if (zeros + digits == 0 || value[zeros + digits] != '\0') {
        return refuse_value(qp, "SIZE is not a number");
    }
    if (digits < 19) {
        size = apr_atoi64(value);
    }
    if (digits > 19 || (limit > 0 && size > limit)) {
        qp_session_log(qp, QP_LOG_INFO, "QP1511",
                       "SIZE=%s is over databytes (%" APR_OFF_T_FMT ")", value,
                       limit);
        qp_verdict_end_txn(qp, "MAIL refused");
        qp_session_reply(qp, 552, "5.3.4", "Message too big");
        return 0;
    }
    return 1;
}

/* @return whether the first @a len octets of a value are one of the words */
static int is_word(const char *value, size_t len, const char *const *words,
                   size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (len == strlen(words[i]) && strncasecmp(value, words[i], len) == 0) {
            return 1;
        }
    }
    return 0;
}

static int check_body(qp_session *qp, const qp_envelope *envelope QP_UNUSED,
                      const char *value)
{
    static const char *const bodies[] = { "7BIT", "8BITMIME", "BINARYMIME" };
    int is_binary = (qp->offers & QP_OFFER_BINARYMIME) != 0;

    return is_word(value, strlen(value), bodies, is_binary ? 3 : 2)
           || refuse_value(qp, is_binary
                                   ? "BODY is 7BIT, 8BITMIME or BINARYMIME"
                                   : "BODY is 7BIT or 8BITMIME");
}

static int check_flag(qp_session *qp, const qp_envelope *envelope QP_UNUSED,
                      const char *value)
{
    return value[0] == '\0' || refuse_value(qp, "Parameter takes no value");
}

/* ret-value = "FULL" / "HDRS" */
static int check_ret(qp_session *qp, const qp_envelope *envelope QP_UNUSED,
                     const char *value)
{
    static const char *const parts[] = { "FULL", "HDRS" };

    return is_word(value, strlen(value), parts, QP_ARRAY_LEN(parts))
           || refuse_value(qp, "RET is FULL or HDRS");
}

/* Printable ASCII, RFC 3461 4.4. */
static int is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            return 0;
        }
    }
    return 1;
}

static int check_envid(qp_session *qp, const qp_envelope *envelope QP_UNUSED,
                       const char *value)
{
    const char *id = qp_xtext_decode(value, qp_session_pcmd(qp));

    return (id != NULL && id[0] != '\0' && strlen(value) <= MAX_ENVID
            && is_printable(id))
           || refuse_value(qp, "ENVID is xtext of up to 100 characters");
}

/* A client that has not authenticated cannot say who has (RFC 4954 5). */
static int check_auth(qp_session *qp, const qp_envelope *envelope,
                      const char *value)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    const char *text = qp_xtext_decode(value, pool);
    qp_addr *addr;

    if (text == NULL || text[0] == '\0' || strlen(value) > MAX_AUTH
        || (strcmp(text, "<>") != 0
            && qp_addr_parse(apr_pstrcat(pool, "<", text, ">", NULL), &addr,
                             pool)
                   != NULL)) {
        return refuse_value(qp, "AUTH is an address in xtext, or <>");
    }
    if (qp_conn_auth_user(qp->conn) == NULL) {
        apr_table_setn(envelope->params, "auth", "<>");
    }
    return 1;
}

/*
 * by-value = by-time ";" by-mode [ "T" ]
 * by-time  = ["-" / "+"] 1*9DIGIT
 * by-mode  = "N" / "R"
 *
 * RFC 2852 4: a message to be returned at a time that has passed is refused.
 */
static int check_by(qp_session *qp, const qp_envelope *envelope QP_UNUSED,
                    const char *value)
{
    const char *start = value + (*value == '-' || *value == '+');
    size_t digits = strspn(start, "0123456789");
    const char *mode = start + digits;
    int is_return;

    if (digits == 0 || digits > 9 || *mode++ != ';'
        || strchr("NnRr", *mode) == NULL || *mode == '\0'
        || (mode[1] != '\0' && strcasecmp(mode + 1, "T") != 0)) {
        return refuse_value(qp, "BY is SECONDS;N or SECONDS;R, with T or not");
    }
    is_return = *mode == 'R' || *mode == 'r';
    if (is_return && (*value == '-' || strspn(start, "0") == digits)) {
        return refuse_value(qp, "The time to deliver by has passed");
    }
    return 1;
}

/* priority-value = (["-"] NZDIGIT) / "0" (RFC 6710 6) */
static int check_priority(qp_session *qp, const qp_envelope *envelope QP_UNUSED,
                          const char *value)
{
    const char *digit = value + (*value == '-');

    return ((*digit >= '1' && *digit <= '9' && digit[1] == '\0')
            || strcmp(value, "0") == 0)
           || refuse_value(qp, "MT-PRIORITY is -9 to 9");
}

/* notify-list = "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" ) */
static int check_notify(qp_session *qp, const qp_envelope *envelope QP_UNUSED,
                        const char *value)
{
    static const char *const words[] = { "SUCCESS", "FAILURE", "DELAY" };
    size_t len;

    if (strcasecmp(value, "NEVER") == 0) {
        return 1;
    }
    for (;;) {
        len = strcspn(value, ",");
        if (!is_word(value, len, words, QP_ARRAY_LEN(words))) {
            return refuse_value(qp, "NOTIFY is NEVER, or some of SUCCESS, "
                                    "FAILURE, DELAY");
        }
        if (value[len] == '\0') {
            return 1;
        }
        value += len + 1;
    }
}

/* \x{HEXPOINT}, which stands for a character (RFC 6533 3). @return its length,
 * or 0 */
static size_t measure_embedded(const char *text)
{
    size_t digits;

    if (strncmp(text, "\\x{", 3) != 0) {
        return 0;
    }
    digits = strspn(text + 3, "0123456789ABCDEF");
    return digits >= 2 && digits <= 6 && text[3 + digits] == '}' ? digits + 4
                                                                 : 0;
}

/* utf-8-enc-addr = utf-8-addr-xtext / utf-8-addr-unitext (RFC 6533 3). */
static int is_utf8_address(const char *text, int is_utf8)
{
    unsigned char octet;
    size_t len;

    for (; *text != '\0'; text += len) {
        octet = (unsigned char)*text;
        len = octet > 127
                  ? (size_t)is_utf8
                  : octet > ' ' && octet < 127 && octet != '+' && octet != '=';
        if (octet == '\\') {
            len = measure_embedded(text);
        }
        if (len == 0) {
            return 0;
        }
    }
    return 1;
}

/* original-recipient-address = addr-type ";" xtext; addr-type = atom */
static int is_orcpt(const char *value, const qp_envelope *envelope,
                    apr_pool_t *pool)
{
    static const char atext[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "!#$%&'*+-/=?^_`{|}~";
    size_t len = strspn(value, atext);
    const char *addr;

    if (len == 0 || value[len] != ';' || value[len + 1] == '\0'
        || strlen(value) > MAX_ORCPT) {
        return 0;
    }
    if (len == 5 && strncasecmp(value, "utf-8", 5) == 0) {
        return is_utf8_address(value + 6, envelope->is_utf8);
    }
    addr = qp_xtext_decode(value + len + 1, pool);
    return addr != NULL && is_printable(addr);
}

static int check_orcpt(qp_session *qp, const qp_envelope *envelope,
                       const char *value)
{
    return is_orcpt(value, envelope, qp_session_pcmd(qp))
           || refuse_value(qp, "ORCPT is TYPE;ADDRESS, the address in xtext");
}

static const row mail_rows[] = {
    { "size", QP_OFFER_SIZE, check_size },
    { "body", QP_OFFER_8BITMIME, check_body },
    { "smtputf8", QP_OFFER_SMTPUTF8, check_flag },
    { "ret", QP_OFFER_DSN, check_ret },
    { "envid", QP_OFFER_DSN, check_envid },
    { "auth", QP_OFFER_AUTH, check_auth },
    { "by", QP_OFFER_DELIVERBY, check_by },
    { "mt-priority", QP_OFFER_MT_PRIORITY, check_priority },
    { "requiretls", QP_OFFER_REQUIRETLS, check_flag },
};

static const row rcpt_rows[] = {
    { "notify", QP_OFFER_DSN, check_notify },
    { "orcpt", QP_OFFER_DSN, check_orcpt },
};

static const row *find_row(const qp_session *qp, const row *rows, size_t n,
                           const char *key)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (strcmp(rows[i].key, key) == 0) {
            return (rows[i].offer & qp->offers) != 0 ? &rows[i] : NULL;
        }
    }
    return NULL;
}

/* A value may have been replaced while the table is walked, but no row is
 * added. */
static int check_all(qp_session *qp, const qp_envelope *envelope,
                     const row *rows, size_t n)
{
    const apr_array_header_t *params = apr_table_elts(envelope->params);
    const apr_table_entry_t *entries = (const void *)params->elts;
    const row *found;
    int i;

    for (i = 0; i < params->nelts; i++) {
        found = find_row(qp, rows, n, entries[i].key);
        if (found == NULL) {
            /* RFC 5321 4.1.1.11 */
            return qp_envelope_refuse(qp, 555, "5.5.4",
                                      "Parameter is not known or not offered");
        }
        if (!found->check(qp, envelope, entries[i].val)) {
            return 0;
        }
    }
    return 1;
}

int qp_params_check_mail(qp_session *qp, const qp_envelope *envelope)
{
    return check_all(qp, envelope, mail_rows, QP_ARRAY_LEN(mail_rows));
}

int qp_params_check_rcpt(qp_session *qp, const qp_envelope *envelope)
{
    return check_all(qp, envelope, rcpt_rows, QP_ARRAY_LEN(rcpt_rows));
}
