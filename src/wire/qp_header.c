/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header section of a message: parse, get, change, write. Everything
 * lives in the pool that was given to qp_header_parse. Does not decode
 * (RFC 2047), refold or judge what it is given.
 *
 * The octets that came are kept twice: as they were, for writing them out
 * again; and cut into names and values with a NUL behind each, for plugins.
 * The order of the fields is the business of qp_field.
 */
#include "wire/qp_header.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

#include "wire/qp_field.h"

#define MBOX_FROM     "From "
#define MBOX_FROM_LEN (sizeof(MBOX_FROM) - 1)
#define MAIL_FROM     "Mail-From: "
#define MAIL_FROM_LEN (sizeof(MAIL_FROM) - 1)

struct qp_header {
    apr_pool_t *pool;
    const char *lead; /**< blank-led lines at the very start */
    apr_size_t leadlen;
    qp_fields *all;
    apr_hash_t *groups; /**< of qp_fields, by the name in lower case */
};

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int is_field(const qp_field *field)
{
    return field->group != NULL;
}

static qp_field *find_field(const qp_header *header, const char *name,
                            int index)
{
    qp_fields *group = qp_fields_find(header->groups, name);

    return group != NULL ? qp_fields_seek(group, index) : NULL;
}

/* ---- Parsing ------------------------------------------------------------ */

/**
 * field-name = 1*ftext, ftext = %d33-57 / %d59-126 (RFC 5322 3.6.8);
 * blanks in front of the colon are the obsolete syntax (4.5).
 * @param colon  out: the place of the colon
 * @return the length of the name, or 0 if the line is not a field
 */
static apr_size_t scan_name(const char *line, apr_size_t len, apr_size_t *colon)
{
    apr_size_t end = 0;
    apr_size_t i;

    while (end < len && line[end] > ' ' && line[end] <= '~'
           && line[end] != ':') {
        end++;
    }
    if (end == 0 || end > QP_FIELD_NAME_MAX) {
        return 0;
    }
    i = end;
    while (i < len && is_blank(line[i])) {
        i++;
    }
    if (i == len || line[i] != ':') {
        return 0;
    }
    *colon = i;
    return end;
}

static int is_mbox_from(const char *line, apr_size_t len)
{
    apr_size_t colon;

    return len >= MBOX_FROM_LEN && memcmp(line, MBOX_FROM, MBOX_FROM_LEN) == 0
           && scan_name(line, len, &colon) == 0;
}

int qp_header_may_start(const char *line, apr_size_t len)
{
    apr_size_t colon;

    return scan_name(line, len, &colon) > 0 || is_mbox_from(line, len);
}

/** The length of the line at @a text, with its line end if it has one. */
static apr_size_t measure_line(const char *text, apr_size_t len)
{
    const char *end = memchr(text, '\n', len);

    return end != NULL ? (apr_size_t)(end - text) + 1 : len;
}

/** Cuts name and value out of the copy for plugins. Where the value ends is
 *  not known yet; end_values cuts it there. */
static qp_field *make_field(qp_header *header, char *name, apr_size_t namelen,
                            char *value)
{
    qp_field *field = apr_pcalloc(header->pool, sizeof(*field));

    name[namelen] = '\0';
    field->name = name;
    field->value = is_blank(*value) ? value + 1 : value;
    field->group = qp_fields_need(header->groups, name);
    return field;
}

/** A text to parse, and its copy for plugins. */
struct source {
    const char *raw;
    char *cut;
    apr_size_t len;
    apr_size_t at; /**< start of the current line */
};

/** Takes one line: it begins a field or belongs to the one before. */
static void parse_line(qp_header *header, struct source *source, apr_size_t len)
{
    const char *line = source->raw + source->at;
    char *cut = source->cut + source->at;
    qp_field *last = header->all->last;
    apr_size_t colon;
    apr_size_t namelen = scan_name(line, len, &colon);
    qp_field *field;

    if (is_blank(*line) && last == NULL) {
        header->leadlen += len;
        return;
    }
    if (last != NULL
        && (is_blank(*line) || (namelen == 0 && !is_field(last)))) {
        last->len += len;
        return;
    }
    if (namelen > 0) {
        field = make_field(header, cut, namelen, cut + colon + 1);
        qp_fields_append(field->group, field);
    }
    else {
        field = apr_pcalloc(header->pool, sizeof(*field));
    }
    field->raw = line;
    field->len = len;
    field->seq = last != NULL ? last->seq + 1 : 0;
    qp_fields_append(header->all, field);
}

/** Takes the last line end off each value, now that it is known. */
static void end_values(qp_header *header, struct source *source)
{
    qp_field *field;
    apr_size_t last;

    for (field = header->all->first; field != NULL;
         field = field->next[QP_FIELDS_BY_PLACE]) {
        last = (apr_size_t)(field->raw - source->raw) + field->len - 1;
        if (source->raw[last] == '\n') {
            source->cut[last] = '\0';
        }
    }
}

/** The text to parse: a copy, with a first line of mbox as a field. */
static void copy_text(struct source *source, const char *text, apr_size_t len,
                      apr_pool_t *pool)
{
    char *copy = apr_palloc(pool, len + MAIL_FROM_LEN + 1);
    apr_size_t used = 0;

    if (is_mbox_from(text, measure_line(text, len))) {
        memcpy(copy, MAIL_FROM, MAIL_FROM_LEN);
        used = MAIL_FROM_LEN;
    }
    memcpy(copy + used, text, len);
    copy[used + len] = '\0';
    source->raw = copy;
    source->len = used + len;
    source->cut = apr_pmemdup(pool, copy, source->len + 1);
    source->at = 0;
}

qp_header *qp_header_parse(const char *text, apr_size_t len, apr_pool_t *pool)
{
    qp_header *header = apr_pcalloc(pool, sizeof(*header));
    struct source source;

    header->pool = pool;
    header->all = qp_fields_create(QP_FIELDS_BY_PLACE, pool);
    header->groups = apr_hash_make(pool);
    if (len == 0) {
        return header;
    }
    copy_text(&source, text, len, pool);
    header->lead = source.raw;
    while (source.at < source.len) {
        len = measure_line(source.raw + source.at, source.len - source.at);
        parse_line(header, &source, len);
        source.at += len;
    }
    end_values(header, &source);
    return header;
}

/* ---- Reading ------------------------------------------------------------ */

int qp_header_count(const qp_header *header, const char *name)
{
    qp_fields *group = qp_fields_find(header->groups, name);

    return group != NULL ? group->count : 0;
}

const char *qp_header_get(const qp_header *header, const char *name, int index)
{
    qp_field *field = find_field(header, name, index);

    return field != NULL ? field->value : NULL;
}

const char *qp_header_raw(const qp_header *header, const char *name, int index,
                          apr_size_t *len)
{
    qp_field *field = find_field(header, name, index);

    *len = field != NULL ? field->len : 0;
    return field != NULL ? field->raw : NULL;
}

int qp_header_field(const qp_header *header, int n, const char **name,
                    const char **value)
{
    qp_field *field = qp_fields_seek(header->all, n);

    if (field == NULL) {
        return 0;
    }
    *name = field->name;
    *value = field->value;
    return 1;
}

const char *qp_header_text(const qp_header *header, apr_size_t *len,
                           apr_pool_t *pool)
{
    apr_size_t total = header->leadlen;
    qp_field *field;
    char *text;
    char *p;

    for (field = header->all->first; field != NULL;
         field = field->next[QP_FIELDS_BY_PLACE]) {
        total += field->len;
    }
    text = apr_palloc(pool, total + 1);
    p = text;
    if (header->leadlen > 0) {
        memcpy(p, header->lead, header->leadlen);
        p += header->leadlen;
    }
    for (field = header->all->first; field != NULL;
         field = field->next[QP_FIELDS_BY_PLACE]) {
        memcpy(p, field->raw, field->len);
        p += field->len;
    }
    *p = '\0';
    *len = total;
    return text;
}

/* ---- Changing ----------------------------------------------------------- */

/** Makes a name that cannot be anything but a name (R28). */
static char *clean_name(const char *name, apr_pool_t *pool)
{
    char *clean = apr_pstrndup(pool, name, QP_FIELD_NAME_MAX);
    char *p;

    for (p = clean; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || *p == ':') {
            *p = '-';
        }
    }
    return clean;
}

/** Whether a line end may stay in a value: behind it stand blanks and then
 *  something else. A line of blanks alone would be taken for the end of the
 *  header by many (RFC 5322 3.2.2). */
static int is_fold(const char *behind)
{
    apr_size_t blanks = strspn(behind, " \t");
    unsigned char next = (unsigned char)behind[blanks];

    return blanks > 0 && next > ' ' && next != 127;
}

/** Makes a value that cannot begin another line of the header (R28). */
static char *clean_value(const char *value, apr_pool_t *pool)
{
    apr_size_t len = strlen(value);
    char *clean;
    char *p;

    while (len > 0 && (value[len - 1] == '\n' || value[len - 1] == '\r')) {
        len--;
    }
    clean = apr_pstrmemdup(pool, value, len);
    p = clean;
    for (value = clean; *value != '\0'; value++) {
        if (value[0] == '\r' && value[1] == '\n') {
            continue;
        }
        if (*value == '\n' && is_fold(value + 1)) {
            *p++ = '\n';
        }
        else if (((unsigned char)*value < ' ' && *value != '\t')
                 || *value == 127) {
            *p++ = ' ';
        }
        else {
            *p++ = *value;
        }
    }
    *p = '\0';
    return clean;
}

/** Gives a field a name and a value, which are clean. */
static void set_field(qp_field *field, const char *name, const char *value,
                      apr_pool_t *pool)
{
    int plain = *value == '\0' || *value == '\n';

    field->name = name;
    field->value = value;
    field->raw = apr_pstrcat(pool, name, plain ? ":" : ": ", value, "\n", NULL);
    field->len = strlen(field->raw);
}

/** Gives a last line its line end, so that another can follow. */
static void end_line(const char **raw, apr_size_t *len, apr_pool_t *pool)
{
    char *ended;

    if (*len == 0 || (*raw)[*len - 1] == '\n') {
        return;
    }
    ended = apr_palloc(pool, *len + 1);
    memcpy(ended, *raw, *len);
    ended[*len] = '\n';
    *raw = ended;
    (*len)++;
}

/*
 * On top means below blank-led lines with which the section began: a field in
 * front of them would swallow them as its continuation.
 */
void qp_header_add(qp_header *header, const char *name, const char *value,
                   qp_header_place place)
{
    apr_pool_t *pool = header->pool;
    qp_fields *all = header->all;
    qp_field *field;

    if (*name == '\0') {
        return;
    }
    field = apr_pcalloc(pool, sizeof(*field));
    set_field(field, clean_name(name, pool), clean_value(value, pool), pool);
    field->group = qp_fields_need(header->groups, field->name);
    end_line(&header->lead, &header->leadlen, pool);
    if (place == QP_HEADER_TOP) {
        field->seq = all->first != NULL ? all->first->seq - 1 : 0;
        qp_fields_prepend(all, field);
        qp_fields_prepend(field->group, field);
        return;
    }
    if (all->last != NULL) {
        end_line(&all->last->raw, &all->last->len, pool);
        field->seq = all->last->seq + 1;
    }
    qp_fields_append(all, field);
    qp_fields_append(field->group, field);
}

int qp_header_replace(qp_header *header, const char *name, int index,
                      const char *value)
{
    qp_field *field = find_field(header, name, index);

    if (field == NULL) {
        return 0;
    }
    set_field(field, field->name, clean_value(value, header->pool),
              header->pool);
    return 1;
}

/* The octets behind the name stay as they came, NUL and all. */
static void rename_field(qp_header *header, qp_field *field, const char *name)
{
    apr_size_t cut = strlen(field->name);
    apr_size_t namelen = strlen(name);
    qp_fields *group = qp_fields_need(header->groups, name);
    char *raw = apr_palloc(header->pool, namelen + field->len - cut);

    memcpy(raw, name, namelen);
    memcpy(raw + namelen, field->raw + cut, field->len - cut);
    field->raw = raw;
    field->len += namelen - cut;
    field->name = name;
    if (group != field->group) {
        qp_fields_remove(field->group, field);
        field->group = group;
        qp_fields_insert(group, field);
    }
}

int qp_header_rename(qp_header *header, const char *name, int index,
                     const char *to)
{
    qp_fields *group = qp_fields_find(header->groups, name);
    const char *clean = clean_name(to, header->pool);
    qp_field *field = NULL;
    qp_field *next;
    int renamed = 0;

    if (group == NULL || *clean == '\0') {
        return 0;
    }
    field = index == -1 ? group->first : qp_fields_seek(group, index);
    while (field != NULL) {
        next = field->next[QP_FIELDS_BY_NAME];
        rename_field(header, field, clean);
        renamed++;
        field = index == -1 ? next : NULL;
    }
    return renamed;
}

static void remove_field(qp_header *header, qp_field *field)
{
    qp_fields_remove(header->all, field);
    qp_fields_remove(field->group, field);
}

int qp_header_delete(qp_header *header, const char *name, int index)
{
    qp_fields *group = qp_fields_find(header->groups, name);
    qp_field *field;
    int removed = 0;

    if (group == NULL) {
        return 0;
    }
    if (index != -1) {
        field = qp_fields_seek(group, index);
        if (field != NULL) {
            remove_field(header, field);
        }
        return field != NULL;
    }
    while (group->first != NULL) {
        remove_field(header, group->first);
        removed++;
    }
    return removed;
}
