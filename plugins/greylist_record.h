/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file greylist_record.h
 * @brief The keys of the plugin greylisting, and what it makes of a record.
 *
 * Nothing is kept. It knows no sessions and no store.
 */
#ifndef GREYLIST_RECORD_H
#define GREYLIST_RECORD_H

#include <apr_lib.h>

#include "greylist_set.h"

/* ---- keys ---------------------------------------------------------------- */

/** The network of an address as a text: IPv4 with dots, whole parts only where
 *  the prefix says so, IPv6 in hexadecimal digits. */
static inline const char *grey_network(const char *text,
                                       const struct grey_set *set,
                                       apr_pool_t *pool)
{
    static const char digits[] = "0123456789abcdef";
    char *hex = apr_pcalloc(pool, 2 * QP_IP_LEN + 1);
    qp_ip ip;
    int bits, i;

    if (!qp_net_ip(text, &ip)) {
        return text;
    }
    bits = qp_net_is_v4(&ip) ? 96 + set->ipv4_prefix : set->ipv6_prefix;
    for (i = 0; i < QP_IP_LEN; i++) {
        if (bits < 8 * (i + 1)) {
            ip.octets[i] &=
                bits > 8 * i ? (unsigned char)(0xff00 >> (bits - 8 * i)) : 0;
        }
        hex[2 * i] = digits[ip.octets[i] >> 4];
        hex[2 * i + 1] = digits[ip.octets[i] & 15];
    }
    if (qp_net_is_v4(&ip)) {
        return apr_psprintf(pool, "%d.%d.%d.%d", ip.octets[12], ip.octets[13],
                            ip.octets[14], ip.octets[15]);
    }
    return hex;
}

static inline const char *grey_addr(const qp_addr *addr, apr_pool_t *pool)
{
    char *text = apr_pstrcat(pool, addr->user, "@", addr->host, NULL);
    char *p;

    for (p = text; *p != '\0'; p++) {
        *p = (char)apr_tolower(*p);
    }
    return text;
}

/** The key of a client, a sender and a recipient; @a rcpt may be NULL. NULL if
 *  the settings have nothing to go by. */
static inline const char *grey_key(const struct grey_set *set, const char *ip,
                                   const qp_addr *sender, const qp_addr *rcpt,
                                   apr_pool_t *pool)
{
    const char *key = NULL;

    if (set->remote_ip) {
        key = grey_network(ip, set, pool);
    }
    if (set->sender) {
        key = apr_pstrcat(pool, key != NULL ? key : "", key != NULL ? ":" : "",
                          grey_addr(sender, pool), NULL);
    }
    if (set->recipient && rcpt != NULL) {
        key = apr_pstrcat(pool, key != NULL ? key : "", key != NULL ? ":" : "",
                          grey_addr(rcpt, pool), NULL);
    }
    return key;
}

/* ---- records ------------------------------------------------------------- */

/** "TIME:NEW:BLACK:WHITE": when a key was first seen, or was last white; and
 *  how often it was new, came too early, and was let pass. */
struct grey_record {
    apr_int64_t time; /* seconds */
    apr_int64_t fresh, black, white;
};

/** What comes of a message. */
enum grey_verdict { GREY_NEW, GREY_BLACK, GREY_WHITE };

struct grey_judgement {
    enum grey_verdict verdict;
    apr_int64_t count; /* of this verdict */
    apr_int64_t wait;  /* of BLACK and NEW: seconds until it will pass */
};

/* Longer numbers are none of ours: one may be added to each, and microseconds
 * made of each. */
#define GREY_FIELD_MAX 1000000000000

/* A record that is none begins anew. */
static inline int read_record(const char *text, struct grey_record *record)
{
    apr_int64_t *const fields[] = { &record->time, &record->fresh,
                                    &record->black, &record->white };
    char *end = NULL;
    int i;

    memset(record, 0, sizeof(*record));
    for (i = 0; text != NULL && i < 4; i++) {
        *fields[i] = apr_strtoi64(text, &end, 10);
        if (end == text || *fields[i] < 0 || *fields[i] > GREY_FIELD_MAX
            || *end != (i < 3 ? ':' : '\0')) {
            memset(record, 0, sizeof(*record));
            return 0;
        }
        text = end + 1;
    }
    return i == 4;
}

/**
 * The algorithm of 2008: a new key is black for a while, then grey, and if it
 * comes back as long as it is grey, it becomes white; a white one stays so if
 * it is used often enough.
 * @param record  in and out
 */
static inline void judge_record(const struct grey_set *set, apr_time_t now,
                                struct grey_record *record, int is_known,
                                struct grey_judgement *out)
{
    apr_int64_t sec = apr_time_sec(now);
    apr_int64_t black = apr_time_sec(set->black_timeout);
    apr_int64_t age = sec - record->time;
    apr_int64_t limit = apr_time_sec(record->white > 0 ? set->white_timeout
                                                       : set->grey_timeout);

    out->wait = black;
    if (!is_known || age >= limit || age < 0) {
        out->verdict = GREY_NEW;
        out->count = ++record->fresh;
        record->time = sec;
        record->black = 0;
        record->white = 0;
    }
    else if (record->white == 0 && age < black) {
        out->verdict = GREY_BLACK;
        out->count = ++record->black;
        out->wait = black - age;
    }
    else {
        out->verdict = GREY_WHITE;
        out->count = ++record->white;
        out->wait = 0;
        record->time = sec;
    }
}

/** How long a record is of use. */
static inline apr_interval_time_t record_life(const struct grey_set *set,
                                              apr_time_t now,
                                              const struct grey_record *record)
{
    apr_interval_time_t life =
        record->white > 0 ? set->white_timeout : set->grey_timeout;

    life -= now - apr_time_from_sec(record->time);
    return life > APR_USEC_PER_SEC ? life : APR_USEC_PER_SEC;
}

#endif /* GREYLIST_RECORD_H */
