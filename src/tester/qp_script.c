/* SPDX-License-Identifier: Apache-2.0 */
/* Divides dialogs into turns. They live in the caller's pool. How octets get
 * to the server is qp_play's. */

#include "tester/qp_script.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

/* Whether a client has to wait for the reply to this line (RFC 2920 3.1). */
static int is_last(const qp_dialog_line *line)
{
    static const char *const verbs[] = {
        "EHLO", "HELO", "DATA", "VRFY",     "EXPN", "NOOP",
        "HELP", "QUIT", "AUTH", "STARTTLS", "LHLO", "XCLIENT"
    };
    size_t n = 0;
    size_t i;

    while (n < line->len && isalpha((unsigned char)line->text[n])) {
        n++;
    }
    for (i = 0; i < QP_ARRAY_LEN(verbs); i++) {
        if (strlen(verbs[i]) == n
            && strncasecmp(verbs[i], line->text, n) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A dialog while it is divided. */
struct division {
    qp_script *script;
    apr_array_header_t *said; /* of const qp_dialog_line *: of the turn */
    int nlines;               /* expected before the turn */
    int nafter;               /* expected since something was said */
    int is_batch;
    int may_grow; /* more may be said before the replies have come */
    int in_data;
    apr_pool_t *pool;
};

static void end_turn(struct division *division)
{
    apr_array_header_t *said = division->said;
    const qp_dialog_line *line;
    qp_script_turn *turn;
    char *to;
    int i;

    if (said->nelts > 0) {
        turn = apr_array_push(division->script->turns);
        for (i = 0; i < said->nelts; i++) {
            turn->len += APR_ARRAY_IDX(said, i, const qp_dialog_line *)->len;
        }
        turn->text = to = apr_palloc(division->pool, turn->len + 1);
        for (i = 0; i < said->nelts; i++) {
            line = APR_ARRAY_IDX(said, i, const qp_dialog_line *);
            memcpy(to, line->text, line->len);
            to += line->len;
        }
        turn->nlines = division->nlines;
        apr_array_clear(said);
    }
    division->nlines += division->nafter;
    division->nafter = 0;
}

static void add_client(struct division *division, const qp_dialog_line *line)
{
    if (division->nafter > 0 && !(division->is_batch && division->may_grow)) {
        end_turn(division);
    }
    APR_ARRAY_PUSH(division->said, const qp_dialog_line *) = line;
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
    struct division division = {
        .script = script,
        .said = apr_array_make(pool, 16, sizeof(qp_dialog_line *)),
        .is_batch = is_batch,
        .pool = pool
    };
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
    script->nlines = division.nlines > 0 ? division.nlines : INT_MAX;
    return script;
}
