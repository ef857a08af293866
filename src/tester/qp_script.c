/* SPDX-License-Identifier: Apache-2.0 */
/* Divides dialogs into turns. They live in the caller's pool. How octets get
 * to the server is qp_play's. */

#include "tester/qp_script.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

/* Whether a client has to wait for the reply to this line (RFC 2920 3.1). */
static int is_last(const qp_dialog_line *line)
{
    static const char *const verbs[] = { "EHLO", "HELO", "DATA", "VRFY",
                                         "EXPN", "NOOP", "HELP", "QUIT",
                                         "AUTH", "STARTTLS" };
    size_t n = 0;
    size_t i;

    while (n < line->len && isalpha((unsigned char)line->text[n])) {
        n++;
    }
    for (i = 0; i < QP_ARRAY_LEN(verbs); i++) {
        if (strlen(verbs[i]) == n && strncasecmp(verbs[i], line->text, n) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A dialog while it is divided. */
struct division {
    qp_script *script;
    apr_array_header_t *text; /* of char: of the turn */
    int nlines;               /* expected before the turn */
    int nafter;               /* expected since the turn has text */
    int is_batch;
    int may_grow; /* more may be said before the replies have come */
    int in_data;
    apr_pool_t *pool;
};

static void end_turn(struct division *division)
{
    qp_script_turn *turn;

    if (division->text->nelts > 0) {
        turn = apr_array_push(division->script->turns);
        turn->text = apr_pmemdup(division->pool, division->text->elts,
                                 (apr_size_t)division->text->nelts);
        turn->len = (apr_size_t)division->text->nelts;
        turn->nlines = division->nlines;
        division->text->nelts = 0;
    }
    division->nlines += division->nafter;
    division->nafter = 0;
}

static void add_client(struct division *division, const qp_dialog_line *line)
{
    apr_array_header_t *text = division->text;
    apr_array_header_t more = { .pool = division->pool,
                                .elt_size = 1,
                                .nelts = (int)line->len,
                                .nalloc = (int)line->len,
                                .elts = NULL };

    if (division->nafter > 0 && !(division->is_batch && division->may_grow)) {
        end_turn(division);
    }
    more.elts = apr_pmemdup(division->pool, line->text, line->len);
    apr_array_cat(text, &more);
    division->may_grow = division->in_data || !is_last(line);
    if (line->len == 3 && memcmp(line->text, ".\r\n", 3) == 0) {
        division->in_data = 0;
    }
}

static void add_server(struct division *division, const qp_dialog_line *line)
{
    if (strcmp(line->text, QP_DIALOG_EOF) == 0) {
        return;
    }
    division->nafter++;
    if (strncmp(line->text, "354", 3) == 0) {
        division->in_data = 1;
    }
}

qp_script *qp_script_create(const qp_dialog *dialog, int is_batch,
                            apr_pool_t *pool)
{
    qp_script *script = apr_pcalloc(pool, sizeof(*script));
    struct division division = { .script = script,
                                 .text = apr_array_make(pool, 4096, 1),
                                 .is_batch = is_batch,
                                 .pool = pool };
    const qp_dialog_line *line;
    int i;

    script->dialog = dialog;
    script->turns = apr_array_make(pool, 16, sizeof(qp_script_turn));
    for (i = 0; i < dialog->lines->nelts; i++) {
        line = &APR_ARRAY_IDX(dialog->lines, i, qp_dialog_line);
        if (line->kind == 'C') {
            add_client(&division, line);
        }
        else if (line->kind == 'S') {
            add_server(&division, line);
        }
    }
    end_turn(&division);
    script->nlines = division.nlines;
    return script;
}
