/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file uribl_zone.h
 * @brief The lines of config uribl_zones: ZONE [MASK,MASK...] [ACTION].
 */
#ifndef URIBL_ZONE_H
#define URIBL_ZONE_H

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "qpsmtpd.h"

/** What comes of a link that is listed; the worst wins. */
typedef enum uribl_action {
    URIBL_LOG,
    URIBL_HEADER,
    URIBL_DENYSOFT,
    URIBL_DENY,
    URIBL_DEFAULT /* that of the option */
} uribl_action;

static const char *const uribl_actions[] = { "log", "add-header", "denysoft",
                                             "deny", NULL };

/** Bits of an answer, taken as a number of 32 bits. */
typedef struct uribl_mask {
    apr_uint32_t bits;
    int want_all; /* else one of them is enough */
} uribl_mask;

typedef struct uribl_zone {
    const char *name;
    apr_array_header_t *masks; /* of uribl_mask; NULL: that of the option */
    uribl_action action;
} uribl_zone;

/* One mask: -N wants all bits of N. */
static const char *read_mask(const char *text, uribl_mask *mask)
{
    apr_int64_t value;
    char *end;

    mask->want_all = text[0] == '-';
    errno = 0;
    value = apr_strtoi64(text + mask->want_all, &end, 0);
    if (!apr_isdigit(text[mask->want_all]) || *end != '\0' || errno != 0
        || value < 1 || value > 0xffffffffLL) {
        return "a mask is a number from 1 to 0xffffffff, or - and one";
    }
    mask->bits = (apr_uint32_t)value;
    return NULL;
}

/* Numbers with commas between them. */
static const char *read_masks(const char *text, apr_array_header_t **masks,
                              apr_pool_t *pool)
{
    char *rest = apr_pstrdup(pool, text);
    const char *error = NULL;
    char *comma;

    *masks = apr_array_make(pool, 2, sizeof(uribl_mask));
    for (; error == NULL && rest != NULL; rest = comma) {
        comma = strchr(rest, ',');
        if (comma != NULL) {
            *comma++ = '\0';
        }
        error = read_mask(rest, apr_array_push(*masks));
    }
    return error;
}

static const char *read_word(const char *word, uribl_zone *zone,
                             apr_pool_t *pool)
{
    int i;

    for (i = 0; uribl_actions[i] != NULL; i++) {
        if (strcasecmp(word, uribl_actions[i]) == 0) {
            zone->action = (uribl_action)i;
            return NULL;
        }
    }
    if (apr_isdigit(word[0]) || word[0] == '-') {
        return read_masks(word, &zone->masks, pool);
    }
    return "behind the zone there may be masks, then add-header, deny, "
           "denysoft or log";
}

/* For qp_list(): what the lines come to is an array of uribl_zone. */
static const char *read_uribl_zone(const char *line, void **whole,
                                   apr_pool_t *pool)
{
    static const char blanks[] = " \t";
    uribl_zone zone = { NULL, NULL, URIBL_DEFAULT };
    const char *error = NULL;
    const char *p = line;
    apr_size_t len = strcspn(p, blanks);

    zone.name = apr_pstrmemdup(pool, p, len);
    if (!qp_dns_is_name(zone.name)) {
        error = "no name of a zone";
    }
    while (error == NULL && *(p += len) != '\0') {
        p += strspn(p, blanks);
        len = strcspn(p, blanks);
        if (len > 0) {
            error = read_word(apr_pstrmemdup(pool, p, len), &zone, pool);
        }
    }
    if (error != NULL) {
        return apr_psprintf(pool, "\"%s\": %s", line, error);
    }
    if (*whole == NULL) {
        *whole = apr_array_make(pool, 4, sizeof(uribl_zone));
    }
    *(uribl_zone *)apr_array_push(*whole) = zone;
    return NULL;
}

/* Whether an answer means that the link is listed. 127.255.255.x are error
 * codes, and what is not in 127.0.0.0/8 comes from somebody else. */
static int is_listed_by(const qp_dns_record *record,
                        const apr_array_header_t *masks)
{
    const unsigned char *octets = record->data;
    const uribl_mask *mask;
    apr_uint32_t value;
    int i;

    if (record->data_len != 4 || octets[0] != 127
        || (octets[1] == 255 && octets[2] == 255)) {
        return 0;
    }
    memcpy(&value, octets, sizeof(value));
    value = ntohl(value);
    for (i = 0; i < masks->nelts; i++) {
        mask = &APR_ARRAY_IDX(masks, i, uribl_mask);
        if (mask->want_all ? (value & mask->bits) == mask->bits
                           : (value & mask->bits) != 0) {
            return 1;
        }
    }
    return 0;
}

#endif /* URIBL_ZONE_H */
