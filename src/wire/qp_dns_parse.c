/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an answer of the DNS (RFC 1035 4). Every octet of it may be hostile:
 * nothing is believed that is not inside of the message, and all loops end. */

#include "wire/qp_dns.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define HEADER_LEN    12
#define QUESTION_LEN  4  /* behind the name */
#define RECORD_LEN    10 /* the same */
#define CLASS_IN      1
#define TYPE_CNAME    5
#define RCODE_OK      0
#define RCODE_NO_NAME 3
#define MAX_TTL       0x7fffffff /* RFC 2181 8 */
/* Records that are looked at, and aliases that are followed. */
#define MAX_SEEN      1000
#define MAX_ALIASES   16
#define MAX_LABEL     63

typedef struct message {
    const unsigned char *octets;
    apr_size_t len;
    apr_size_t answers;   /* where they begin */
    apr_size_t authority; /* the same; 0 as long as it is not known */
    int nanswers, nauthority;
    qp_dns_type type;
    char name[QP_DNS_NAME_MAX + 1]; /* of the records that count */
    apr_uint32_t ttl;               /* the smallest */
    qp_dns_record found[QP_DNS_MAX_RECORDS];
    int nfound;
    int is_odd; /* a record was of the type, but of no use */
} message;

/** The frame of a record; its content is at from, up to end. */
typedef struct frame {
    char owner[QP_DNS_NAME_MAX + 1];
    int type, class;
    apr_uint32_t ttl;
    apr_size_t from, end;
} frame;

static int get16(const message *m, apr_size_t at)
{
    return m->octets[at] << 8 | m->octets[at + 1];
}

static apr_uint32_t get32(const message *m, apr_size_t at)
{
    return (apr_uint32_t)get16(m, at) << 16 | (apr_uint32_t)get16(m, at + 2);
}

/* Names. ----------------------------------------------------------------- */

/* One label as text. @return whether it can be a part of one */
static int copy_label(char *to, const unsigned char *from, apr_size_t len)
{
    int good = 1;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        to[i] = (char)apr_tolower(from[i]);
        good &= apr_isalnum(from[i]) || from[i] == '-' || from[i] == '_'
                || from[i] == '/';
    }
    return good;
}

/** Where a name is read. */
typedef struct cursor {
    apr_size_t pos;
    apr_size_t limit; /* a pointer must point in front of it: so it ends */
    apr_size_t end;   /* behind the name; 0 as long as it is not known */
} cursor;

/* Follows a pointer, if there is one (RFC 1035 4.1.4). @return whether */
static int follow_pointer(const message *m, cursor *at)
{
    if ((m->octets[at->pos] & 0xc0) != 0xc0 || at->pos + 2 > m->len) {
        return 0;
    }
    if (at->end == 0) {
        at->end = at->pos + 2;
    }
    at->pos = (apr_size_t)get16(m, at->pos) & 0x3fff;
    return 1;
}

/**
 * Reads a name.
 * @param pos  where it is; out: what is behind it
 * @param to   out: "." for the root, "" for one that has no text form
 * @return whether it is well-formed
 */
static int read_name(const message *m, apr_size_t *pos, char *to)
{
    cursor at = { *pos, *pos, 0 };
    apr_size_t len = 0; /* of the text */
    apr_size_t n;
    int is_text = 1;

    while (at.pos < m->len && (n = m->octets[at.pos]) != 0) {
        if (follow_pointer(m, &at)) {
            if (at.pos >= at.limit) {
                return 0;
            }
            at.limit = at.pos;
            continue;
        }
        len += len > 0;
        if (n > MAX_LABEL || at.pos + 1 + n > m->len
            || len + n > QP_DNS_NAME_MAX) {
            return 0;
        }
        if (len > 0) {
            to[len - 1] = '.';
        }
        is_text &= copy_label(to + len, m->octets + at.pos + 1, n);
        len += n;
        at.pos += 1 + n;
    }
    if (at.pos >= m->len) {
        return 0;
    }
    *pos = at.end > 0 ? at.end : at.pos + 1;
    to[len] = '\0';
    if (len == 0 || !is_text) {
        apr_cpystrn(to, is_text ? "." : "", 2);
    }
    return 1;
}

/* Records. --------------------------------------------------------------- */

/* @return whether there is one, which is inside of the message */
static int read_frame(const message *m, apr_size_t *pos, frame *f)
{
    apr_size_t at = *pos;

    if (!read_name(m, &at, f->owner) || m->len - at < RECORD_LEN) {
        return 0;
    }
    f->type = get16(m, at);
    f->class = get16(m, at + 2);
    f->ttl = get32(m, at + 4);
    f->ttl = f->ttl > MAX_TTL ? 0 : f->ttl;
    f->from = at + RECORD_LEN;
    f->end = f->from + (apr_size_t)get16(m, at + 8);
    *pos = f->end;
    return f->end <= m->len;
}

/* The name in a record, which has to end where the record does, or @a more
 * octets before. */
static int read_target(const message *m, const frame *f, apr_size_t skip,
                       apr_size_t more, char *name)
{
    apr_size_t at = f->from + skip;

    return at < f->end && read_name(m, &at, name) && at + more == f->end;
}

/* The strings of a TXT record in one (RFC 7208 3.3). @return its length; -1:
 * they do not fill the record */
static int join_strings(const message *m, const frame *f, char *to)
{
    apr_size_t at = f->from;
    apr_size_t n;
    int len = 0;

    while (at < f->end) {
        n = m->octets[at++];
        if (n > f->end - at) {
            return -1;
        }
        memcpy(to + len, m->octets + at, n);
        len += (int)n;
        at += n;
    }
    to[len] = '\0';
    return len;
}

static int print_ip(const message *m, const frame *f, char *to)
{
    int family = f->type == QP_DNS_A ? AF_INET : AF_INET6;

    if (f->end - f->from != (f->type == QP_DNS_A ? 4 : 16)
        || inet_ntop(family, m->octets + f->from, to, INET6_ADDRSTRLEN)
               == NULL) {
        return -1;
    }
    return (int)strlen(to);
}

static int print_target(const message *m, const frame *f, char *to)
{
    apr_size_t skip = f->type == QP_DNS_MX ? 2 : 0;

    if (f->type == QP_DNS_SOA) {
        /* Its first name; the rest is in the data. */
        apr_size_t at = f->from;

        return read_name(m, &at, to) && at < f->end ? (int)strlen(to) : -1;
    }
    return read_target(m, f, skip, 0, to) ? (int)strlen(to) : -1;
}

/* The text of a record. @return its length; -1: it is of no use */
static int print_record(const message *m, const frame *f, char *to)
{
    switch (f->type) {
    case QP_DNS_A:
    case QP_DNS_AAAA:
        return print_ip(m, f, to);
    case QP_DNS_TXT:
        return join_strings(m, f, to);
    case QP_DNS_TLSA:
        to[0] = '\0';
        return 0;
    default:
        return print_target(m, f, to);
    }
}

/* Text and data of a record, in one piece. */
static void keep_record(message *m, const frame *f)
{
    apr_size_t size = f->end - f->from;
    apr_size_t room = size > QP_DNS_NAME_MAX ? size : QP_DNS_NAME_MAX;
    char *text = malloc(room + 1 + size + 1);
    qp_dns_record *record = &m->found[m->nfound];
    int len;

    if (text == NULL) {
        abort();
    }
    len = print_record(m, f, text);
    if (len < 0
        || (len == 0 && f->type != QP_DNS_TXT && f->type != QP_DNS_TLSA)) {
        m->is_odd = 1;
        free(text);
        return;
    }
    memcpy(text + room + 1, m->octets + f->from, size);
    record->text = text;
    record->len = (apr_size_t)len;
    record->data = (const unsigned char *)text + room + 1;
    record->data_len = size;
    record->preference = f->type == QP_DNS_MX ? get16(m, f->from) : 0;
    record->ttl = f->ttl;
    m->nfound++;
}

/* The sections. ---------------------------------------------------------- */

static int read_question(message *m)
{
    char name[QP_DNS_NAME_MAX + 1];
    apr_size_t at = HEADER_LEN;

    if (!read_name(m, &at, name) || m->len - at < QUESTION_LEN
        || strcmp(name, m->name) != 0 || get16(m, at) != (int)m->type
        || get16(m, at + 2) != CLASS_IN) {
        return 0;
    }
    m->answers = at + QUESTION_LEN;
    return 1;
}

/* @return whether this is the answer to the question */
static int read_header(message *m)
{
    int is_response;

    if (m->len < HEADER_LEN) {
        return 0;
    }
    is_response = (m->octets[2] & 0x80) != 0;
    m->nanswers = get16(m, 6);
    m->nauthority = get16(m, 8);
    return is_response && get16(m, 4) == 1 && read_question(m);
}

static void note_ttl(message *m, apr_uint32_t ttl)
{
    m->ttl = ttl < m->ttl ? ttl : m->ttl;
}

/* Goes on with the alias of the name, if there is one.
 * @return 1: there was one; 0: there is none; -1: nonsense */
static int follow_alias(message *m)
{
    apr_size_t at = m->answers;
    frame f;
    int i;

    for (i = 0; i < m->nanswers && i < MAX_SEEN; i++) {
        if (!read_frame(m, &at, &f)) {
            return -1;
        }
        if (f.type == TYPE_CNAME && f.class == CLASS_IN
            && strcmp(f.owner, m->name) == 0) {
            note_ttl(m, f.ttl);
            return read_target(m, &f, 0, 0, m->name) && m->name[0] != '\0' ? 1
                                                                           : -1;
        }
    }
    return 0;
}

/* Takes the records of the name. @return whether all is well-formed */
static int take_answers(message *m)
{
    apr_size_t at = m->answers;
    frame f;
    int i;

    for (i = 0; i < m->nanswers && i < MAX_SEEN; i++) {
        if (!read_frame(m, &at, &f)) {
            return 0;
        }
        if (f.type == (int)m->type && f.class == CLASS_IN
            && strcmp(f.owner, m->name) == 0
            && m->nfound < QP_DNS_MAX_RECORDS) {
            note_ttl(m, f.ttl);
            keep_record(m, &f);
        }
    }
    m->authority = i == m->nanswers ? at : 0;
    return 1;
}

/* How long nothing is nothing (RFC 2308 5). @return whether the authority says
 * so */
static int read_negative_ttl(message *m)
{
    apr_size_t at = m->authority;
    apr_uint32_t minimum;
    frame f;
    int i;

    for (i = 0; at > 0 && i < m->nauthority && i < MAX_SEEN; i++) {
        if (!read_frame(m, &at, &f)) {
            return 0;
        }
        if (f.type == QP_DNS_SOA && f.end - f.from > 22) {
            minimum = get32(m, f.end - 4);
            note_ttl(m, f.ttl < minimum ? f.ttl : minimum);
            return 1;
        }
    }
    return 0;
}

/* ------------------------------------------------------------------------- */

/* The lowest preference first; equal ones keep their order. */
static void sort_records(message *m)
{
    qp_dns_record moved;
    int i;
    int j;

    for (i = 1; i < m->nfound; i++) {
        moved = m->found[i];
        for (j = i; j > 0 && m->found[j - 1].preference > moved.preference;
             j--) {
            m->found[j] = m->found[j - 1];
        }
        m->found[j] = moved;
    }
}

static qp_dns_data *make_found(message *m)
{
    apr_size_t size = (apr_size_t)m->nfound * sizeof(qp_dns_record);
    qp_dns_data *data = calloc(1, sizeof(*data) + size);

    if (data == NULL) {
        abort();
    }
    sort_records(m);
    data->refs = 1;
    data->result = QP_DNS_FOUND;
    data->ttl = m->ttl;
    data->count = m->nfound;
    memcpy(data->records, m->found, size);
    return data;
}

static qp_dns_data *make_nothing(message *m, qp_dns_result result)
{
    qp_dns_data *data = qp_dns_data_create(result);

    data->ttl = read_negative_ttl(m) ? m->ttl : 0;
    return data;
}

static void drop_records(message *m)
{
    while (m->nfound > 0) {
        m->nfound--;
        free((void *)(uintptr_t)m->found[m->nfound].text);
    }
}

/* What the sections say; NULL: nonsense. */
static qp_dns_data *judge(message *m, int naliases, char *next)
{
    int rcode = m->octets[3] & 15;

    if (!take_answers(m)) {
        drop_records(m);
        return NULL;
    }
    if (m->nfound > 0) {
        return make_found(m);
    }
    if (rcode == RCODE_NO_NAME) {
        return make_nothing(m, QP_DNS_NXDOMAIN);
    }
    if (m->is_odd) {
        return NULL;
    }
    if (naliases > 0 && !read_negative_ttl(m)) {
        apr_cpystrn(next, m->name, QP_DNS_NAME_MAX + 1);
    }
    return make_nothing(m, QP_DNS_NODATA);
}

qp_dns_data *qp_dns_parse(const unsigned char *msg, apr_size_t len,
                          const char *name, qp_dns_type type, char *next)
{
    message m;
    qp_dns_data *data = NULL;
    int naliases = 0;
    int more = -1;
    int rcode;

    memset(&m, 0, sizeof(m));
    m.octets = msg;
    m.len = len;
    m.type = type;
    m.ttl = MAX_TTL;
    next[0] = '\0';
    apr_cpystrn(m.name, name, sizeof(m.name));
    if (read_header(&m)) {
        rcode = msg[3] & 15;
        more = rcode == RCODE_OK || rcode == RCODE_NO_NAME ? 1 : -1;
    }
    while (more > 0 && naliases <= MAX_ALIASES) {
        more = follow_alias(&m);
        naliases += more > 0;
    }
    if (more == 0) {
        data = judge(&m, naliases, next);
    }
    return data != NULL ? data : qp_dns_data_create(QP_DNS_FAILED);
}
