/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splits input into command lines. An incomplete line is held in memory from
 * malloc, for it may wait much longer than any pool should grow; it is wiped
 * when it goes, since lines of AUTH are secrets. Lines handed out live in the
 * caller's pool. It does not judge: what a strange line is answered is the
 * caller's business.
 */
#include "wire/qp_line.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#define HELD_FIRST    256

/** RFC 4954 4: lines of this command may be longer than others. */
#define LONG_VERB     "AUTH "
#define LONG_VERB_LEN 5

/** A line as it is handed out. */
struct found {
    char *text;
    apr_size_t len;
    qp_line_kind kind;
};

void qp_line_clear(qp_line *line)
{
    if (line->held != NULL) {
        explicit_bzero(line->held, line->len);
        free(line->held);
    }
    memset(line, 0, sizeof(*line));
}

static void hold_octets(qp_line *line, const char *data, apr_size_t len)
{
    apr_size_t cap = line->cap > 0 ? line->cap : HELD_FIRST;
    char *larger;

    while (cap - line->len < len) {
        cap *= 2;
    }
    if (cap > line->cap) {
        larger = malloc(cap);
        if (larger == NULL) {
            abort();
        }
        if (line->held != NULL) {
            memcpy(larger, line->held, line->len);
            explicit_bzero(line->held, line->len);
            free(line->held);
        }
        line->held = larger;
        line->cap = cap;
    }
    memcpy(line->held + line->len, data, len);
    line->len += len;
}

/* The line has used up its octets: from now on only CR LF ends it. */
static void start_discarding(qp_line *line, const char *data, apr_size_t len)
{
    apr_size_t held = line->len < QP_LINE_START ? line->len : QP_LINE_START;
    apr_size_t more = len < QP_LINE_START - held ? len : QP_LINE_START - held;
    char start[QP_LINE_START + 1] = "";
    int last_cr;

    if (held > 0) {
        memcpy(start, line->held, held);
    }
    memcpy(start + held, data, more);

    if (len > 0) {
        last_cr = data[len - 1] == '\r';
    }
    else {
        last_cr = line->len > 0 && line->held[line->len - 1] == '\r';
    }
    qp_line_clear(line);
    memcpy(line->start, start, sizeof(start));
    line->too_long = 1;
    line->last_cr = last_cr;
}

/* Throws away up to CR LF. A bare LF does not count, lest the rest of the
 * line become a command (R3). @return how many octets belong to the line */
static apr_size_t discard_octets(qp_line *line, const char *data,
                                 apr_size_t len, int *complete)
{
    const char *end = data + len;
    const char *p = data;
    const char *lf;

    while ((lf = memchr(p, '\n', (apr_size_t)(end - p))) != NULL) {
        if (lf > data ? lf[-1] == '\r' : line->last_cr) {
            *complete = 1;
            return (apr_size_t)(lf - data) + 1;
        }
        p = lf + 1;
    }
    line->last_cr = data[len - 1] == '\r';
    return len;
}

/* How many octets the line may have. As long as it is too short to tell, it is
 * too short for either limit. */
static apr_size_t choose_max(const qp_line *line, const char *data,
                             apr_size_t len, apr_size_t max)
{
    char start[LONG_VERB_LEN];
    apr_size_t held = line->len < LONG_VERB_LEN ? line->len : LONG_VERB_LEN;

    if (max >= QP_LINE_LONG_MAX || held + len < LONG_VERB_LEN) {
        return max;
    }
    if (held > 0) {
        memcpy(start, line->held, held);
    }
    memcpy(start + held, data, LONG_VERB_LEN - held);
    return strncasecmp(start, LONG_VERB, LONG_VERB_LEN) == 0 ? QP_LINE_LONG_MAX
                                                             : max;
}

/* Looks for the end of the line in new octets.
 * @return how many octets belong to the line */
static apr_size_t scan_octets(qp_line *line, const char *data, apr_size_t len,
                              apr_size_t max, int *complete)
{
    apr_size_t room;
    apr_size_t used;
    const char *lf;

    *complete = 0;
    if (line->too_long) {
        return discard_octets(line, data, len, complete);
    }
    max = choose_max(line, data, len, max);
    room = max > line->len ? max - line->len : 0;
    used = len < room ? len : room;
    lf = memchr(data, '\n', used);
    if (lf != NULL) {
        *complete = 1;
        return (apr_size_t)(lf - data) + 1;
    }
    if (used == room) {
        start_discarding(line, data, used);
    }
    return used;
}

/* Copies a line that ends in LF. */
static struct found copy_line(const char *data, apr_size_t len,
                              apr_pool_t *pool)
{
    int has_cr = len > 1 && data[len - 2] == '\r';
    struct found found;

    found.len = len - 1 - (has_cr ? 1 : 0);
    found.text = apr_pstrmemdup(pool, data, found.len);
    found.kind = has_cr ? QP_LINE_GOOD : QP_LINE_BARE_LF;
    if (memchr(data, '\r', found.len) != NULL
        || memchr(data, '\0', found.len) != NULL) {
        found.kind = QP_LINE_CONTROLS;
    }
    return found;
}

/* The whole line is there: the held octets, or else these. */
static struct found finish_line(const qp_line *line, const char *data,
                                apr_size_t len, apr_pool_t *pool)
{
    struct found found = { NULL, 0, QP_LINE_TOO_LONG };

    if (line->too_long) {
        found.text = apr_pstrdup(pool, line->start);
        found.len = strlen(found.text);
        return found;
    }
    if (line->len > 0) {
        return copy_line(line->held, line->len, pool);
    }
    return copy_line(data, len, pool);
}

apr_status_t qp_line_read(qp_line *line, qp_io *io, apr_size_t max, char **text,
                          apr_size_t *len, qp_line_kind *kind, apr_pool_t *pool)
{
    struct found found = { NULL, 0, QP_LINE_TOO_LONG };
    const char *data;
    apr_size_t avail;
    apr_size_t used;
    apr_status_t rv;
    int complete = 0;

    while (!complete) {
        rv = qp_io_peek(io, &data, &avail);
        if (rv != APR_SUCCESS) {
            if (!APR_STATUS_IS_EAGAIN(rv)) {
                qp_line_clear(line);
            }
            return rv;
        }
        used = scan_octets(line, data, avail, max, &complete);
        if (!line->too_long && (!complete || line->len > 0)) {
            hold_octets(line, data, used);
        }
        if (complete) {
            found = finish_line(line, data, used, pool);
        }
        qp_io_skip(io, used);
    }
    qp_line_clear(line);
    *text = found.text;
    *len = found.len;
    *kind = found.kind;
    return APR_SUCCESS;
}
