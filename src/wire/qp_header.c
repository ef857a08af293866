/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header section of a message: parse, get, change, write. Everything
 * lives in the pool that was given to qp_header_parse. Does not decode
 * (RFC 2047), refold or judge what it is given.
 *
 * The octets that came are kept twice: as they were, for writing them out
 * again; and cut into names and values with a NUL behind each, for plugins.
 * Fields form two orders, by place and by name, each with a cursor, so that
 * no loop over a header of many thousand fields becomes quadratic.
 */
#include "wire/qp_header.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_hash.h>
#include <apr_strings.h>

/** A longer name is none: RFC 5322 2.1.1 has lines of at most 998 octets, and
 *  the longest registered name has less than 50. */
#define MAX_NAME      255

#define MBOX_FROM     "From "
#define MBOX_FROM_LEN (sizeof(MBOX_FROM) - 1)
#define MAIL_FROM     "Mail-From: "
#define MAIL_FROM_LEN (sizeof(MAIL_FROM) - 1)

enum order { BY_PLACE, BY_NAME, NORDERS };

/** One field, or a run of lines that are none. */
struct node {
    const char *raw; /**< as it is written, with its last line end */
    apr_size_t len;  /**< of raw */
    const char *name;
    const char *value;
    struct chain *group; /**< all of this name; NULL: not a field */
    struct node *next[NORDERS];
    struct node *prev[NORDERS];
    int seq; /**< grows with the place */
};

/** Nodes in one order. The cursor stands at a node, or behind the last one
 *  (NULL), and knows how many fields are before it. */
struct chain {
    enum order order;
    struct node *first;
    struct node *last;
    int count; /**< of fields */
    struct node *cursor;
    int before;
};

struct qp_header {
    apr_pool_t *pool;
    const char *lead; /**< blank-led lines at the very start */
    apr_size_t leadlen;
    struct chain *all;
    apr_hash_t *groups; /**< of struct chain, by the name in lower case */
};

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ---- Chains ------------------------------------------------------------- */

static struct chain *make_chain(enum order order, apr_pool_t *pool)
{
    struct chain *chain = apr_pcalloc(pool, sizeof(*chain));

    chain->order = order;
    return chain;
}

static int is_field(const struct node *node)
{
    return node->group != NULL;
}

static void prepend_node(struct chain *chain, struct node *node)
{
    node->next[chain->order] = chain->first;
    node->prev[chain->order] = NULL;
    if (chain->first != NULL) {
        chain->first->prev[chain->order] = node;
    }
    else {
        chain->last = node;
    }
    chain->first = node;
    chain->count += is_field(node);
    chain->before += is_field(node);
}

static void append_node(struct chain *chain, struct node *node)
{
    node->next[chain->order] = NULL;
    node->prev[chain->order] = chain->last;
    if (chain->last != NULL) {
        chain->last->next[chain->order] = node;
    }
    else {
        chain->first = node;
    }
    chain->last = node;
    chain->count += is_field(node);
    if (chain->cursor == NULL) {
        chain->cursor = node;
    }
}

static void unlink_node(struct chain *chain, struct node *node)
{
    struct node *next = node->next[chain->order];
    struct node *prev = node->prev[chain->order];

    if (next != NULL) {
        next->prev[chain->order] = prev;
    }
    else {
        chain->last = prev;
    }
    if (prev != NULL) {
        prev->next[chain->order] = next;
    }
    else {
        chain->first = next;
    }
    chain->count -= is_field(node);
    if (chain->cursor == node) {
        chain->cursor = next;
    }
    else if (chain->cursor == NULL || node->seq < chain->cursor->seq) {
        chain->before -= is_field(node);
    }
}

/** Moves the cursor to the @a n-th field. @return it, or NULL */
static struct node *seek_field(struct chain *chain, int n)
{
    struct node *node = chain->cursor;

    if (n < 0 || n >= chain->count) {
        return NULL;
    }
    if (n < chain->before / 2) {
        node = chain->first;
        chain->before = 0;
    }
    while (chain->before > n) {
        node = node != NULL ? node->prev[chain->order] : chain->last;
        chain->before -= is_field(node);
    }
    while (chain->before < n || !is_field(node)) {
        chain->before += is_field(node);
        node = node->next[chain->order];
    }
    chain->cursor = node;
    return node;
}

/* ---- Groups: the fields of one name ------------------------------------- */

/** Puts a name into lower case. @return its length; 0 if it is too long */
static apr_size_t fold_name(char *key, const char *name)
{
    apr_size_t len;

    for (len = 0; name[len] != '\0'; len++) {
        if (len == MAX_NAME) {
            return 0;
        }
        key[len] = name[len];
        if (key[len] >= 'A' && key[len] <= 'Z') {
            key[len] = (char)(key[len] - 'A' + 'a');
        }
    }
    return len;
}

/** @return NULL if there never was a field of that name */
static struct chain *find_group(const qp_header *header, const char *name)
{
    char key[MAX_NAME];
    apr_size_t len = fold_name(key, name);

    return apr_hash_get(header->groups, key, (apr_ssize_t)len);
}

static struct chain *need_group(qp_header *header, const char *name)
{
    char key[MAX_NAME];
    apr_size_t len = fold_name(key, name);
    struct chain *group = apr_hash_get(header->groups, key, (apr_ssize_t)len);

    if (group == NULL) {
        group = make_chain(BY_NAME, header->pool);
        apr_hash_set(header->groups, apr_pmemdup(header->pool, key, len),
                     (apr_ssize_t)len, group);
    }
    return group;
}

static struct node *find_field(const qp_header *header, const char *name,
                               int index)
{
    struct chain *group = find_group(header, name);

    return group != NULL ? seek_field(group, index) : NULL;
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
    if (end == 0 || end > MAX_NAME) {
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
static struct node *make_field(qp_header *header, char *name,
                               apr_size_t namelen, char *value)
{
    struct node *node = apr_pcalloc(header->pool, sizeof(*node));

    name[namelen] = '\0';
    node->name = name;
    node->value = is_blank(*value) ? value + 1 : value;
    node->group = need_group(header, name);
    return node;
}

/** A text to parse, and its copy for plugins. */
struct source {
    const char *raw;
    char *cut;
    apr_size_t len;
    apr_size_t at; /**< start of the current line */
};

/** Takes one line: it begins a node or belongs to the one before. */
static void parse_line(qp_header *header, struct source *source, apr_size_t len)
{
    const char *line = source->raw + source->at;
    char *cut = source->cut + source->at;
    struct node *last = header->all->last;
    apr_size_t colon;
    apr_size_t namelen = scan_name(line, len, &colon);
    struct node *node;

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
        node = make_field(header, cut, namelen, cut + colon + 1);
        append_node(node->group, node);
    }
    else {
        node = apr_pcalloc(header->pool, sizeof(*node));
    }
    node->raw = line;
    node->len = len;
    node->seq = last != NULL ? last->seq + 1 : 0;
    append_node(header->all, node);
}

/** Takes the last line end off each value, now that it is known. */
static void end_values(qp_header *header, struct source *source)
{
    struct node *node;
    apr_size_t last;

    for (node = header->all->first; node != NULL; node = node->next[BY_PLACE]) {
        last = (apr_size_t)(node->raw - source->raw) + node->len - 1;
        if (source->raw[last] == '\n') {
            source->cut[last] = '\0';
        }
    }
}

/** The text to parse: a copy, with a first line of mbox turned to a field. */
static void copy_text(struct source *source, const char *text, apr_size_t len,
                      apr_pool_t *pool)
{
    char *copy = apr_palloc(pool, len + MAIL_FROM_LEN + 1);
    apr_size_t used = 0;

    if (is_mbox_from(text, measure_line(text, len))) {
        memcpy(copy, MAIL_FROM, MAIL_FROM_LEN);
        used = MAIL_FROM_LEN;
        text += MBOX_FROM_LEN;
        len -= MBOX_FROM_LEN;
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
    header->all = make_chain(BY_PLACE, pool);
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
    struct chain *group = find_group(header, name);

    return group != NULL ? group->count : 0;
}

const char *qp_header_get(const qp_header *header, const char *name, int index)
{
    struct node *node = find_field(header, name, index);

    return node != NULL ? node->value : NULL;
}

int qp_header_field(const qp_header *header, int n, const char **name,
                    const char **value)
{
    struct node *node = seek_field(header->all, n);

    if (node == NULL) {
        return 0;
    }
    *name = node->name;
    *value = node->value;
    return 1;
}

const char *qp_header_text(const qp_header *header, apr_size_t *len,
                           apr_pool_t *pool)
{
    apr_size_t total = header->leadlen;
    struct node *node;
    char *text;
    char *p;

    for (node = header->all->first; node != NULL; node = node->next[BY_PLACE]) {
        total += node->len;
    }
    text = apr_palloc(pool, total + 1);
    p = text;
    if (header->leadlen > 0) {
        memcpy(p, header->lead, header->leadlen);
        p += header->leadlen;
    }
    for (node = header->all->first; node != NULL; node = node->next[BY_PLACE]) {
        memcpy(p, node->raw, node->len);
        p += node->len;
    }
    *p = '\0';
    *len = total;
    return text;
}

/* ---- Changing ----------------------------------------------------------- */

/** Makes a name that cannot be anything but a name (R28). */
static char *clean_name(const char *name, apr_pool_t *pool)
{
    char *clean = apr_pstrndup(pool, name, MAX_NAME);
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

/** Gives a node a name and a value, which are clean. */
static void set_field(struct node *node, const char *name, const char *value,
                      apr_pool_t *pool)
{
    int plain = *value == '\0' || *value == '\n';

    node->name = name;
    node->value = value;
    node->raw = apr_pstrcat(pool, name, plain ? ":" : ": ", value, "\n", NULL);
    node->len = strlen(node->raw);
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
    struct chain *all = header->all;
    struct node *node;

    if (*name == '\0') {
        return;
    }
    node = apr_pcalloc(pool, sizeof(*node));
    set_field(node, clean_name(name, pool), clean_value(value, pool), pool);
    node->group = need_group(header, node->name);
    end_line(&header->lead, &header->leadlen, pool);
    if (place == QP_HEADER_TOP) {
        node->seq = all->first != NULL ? all->first->seq - 1 : 0;
        prepend_node(all, node);
        prepend_node(node->group, node);
        return;
    }
    if (all->last != NULL) {
        end_line(&all->last->raw, &all->last->len, pool);
        node->seq = all->last->seq + 1;
    }
    append_node(all, node);
    append_node(node->group, node);
}

int qp_header_replace(qp_header *header, const char *name, int index,
                      const char *value)
{
    struct node *node = find_field(header, name, index);

    if (node == NULL) {
        return 0;
    }
    set_field(node, node->name, clean_value(value, header->pool), header->pool);
    return 1;
}

static void remove_field(qp_header *header, struct node *node)
{
    unlink_node(header->all, node);
    unlink_node(node->group, node);
}

int qp_header_delete(qp_header *header, const char *name, int index)
{
    struct chain *group = find_group(header, name);
    struct node *node;
    int removed = 0;

    if (group == NULL) {
        return 0;
    }
    if (index != -1) {
        node = seek_field(group, index);
        if (node != NULL) {
            remove_field(header, node);
        }
        return node != NULL;
    }
    while (group->first != NULL) {
        remove_field(header, group->first);
        removed++;
    }
    return removed;
}
