/* SPDX-License-Identifier: Apache-2.0 */
/* Reads golden sessions. A dialog is data in the caller's pool. What it means
 * that a line is not met is not known here: that is qp_judge's. */

#include "tester/qp_dialog.h"

#include <ctype.h>
#include <string.h>

#include <apr_strings.h>

#include "base/qp_str.h"

/* The most that \{N*x} may stand for, in octets. */
#define MAX_REPEAT 100000000

/* Escapes. --------------------------------------------------------------- */

/* What grows while it is unescaped. */
struct octets {
    apr_pool_t *pool;
    char *text;
    apr_size_t len;
    apr_size_t cap;
};

static void add_octets(struct octets *out, char octet, apr_size_t n)
{
    char *grown;

    if (out->len + n > out->cap) {
        out->cap = 2 * (out->len + n);
        grown = apr_palloc(out->pool, out->cap);
        if (out->len > 0) {
            memcpy(grown, out->text, out->len);
        }
        out->text = grown;
    }
    memset(out->text + out->len, octet, n);
    out->len += n;
}

static int hex_value(char digit)
{
    if (isdigit((unsigned char)digit)) {
        return digit - '0';
    }
    return tolower((unsigned char)digit) - 'a' + 10;
}

/* \{N*x} at the brace. @return how much it takes up; 0 if it is none */
static apr_size_t repeat_octet(struct octets *out, const char *text)
{
    char *end = NULL;
    apr_int64_t n = apr_strtoi64(text + 1, &end, 10);

    if (!isdigit((unsigned char)text[1]) || n > MAX_REPEAT || end[0] != '*'
        || end[1] == '\0' || end[2] != '}') {
        return 0;
    }
    add_octets(out, end[1], (apr_size_t)n);
    return (apr_size_t)(end - text) + 3;
}

/* What stands behind a backslash. @return how much it takes up; 0 if it is no
 * escape */
static apr_size_t take_escape(struct octets *out, const char *text)
{
    static const char letters[] = "rnt0\\";
    static const char values[] = { '\r', '\n', '\t', '\0', '\\' };
    const char *letter = strchr(letters, text[0]);

    if (text[0] == '\0') {
        return 0;
    }
    if (letter != NULL) {
        add_octets(out, values[letter - letters], 1);
        return 1;
    }
    if (text[0] == 'x' && isxdigit((unsigned char)text[1])
        && isxdigit((unsigned char)text[2])) {
        add_octets(out, (char)(hex_value(text[1]) * 16 + hex_value(text[2])),
                   1);
        return 3;
    }
    return text[0] == '{' ? repeat_octet(out, text) : 0;
}

static void unescape(qp_dialog_line *line, const char *text, int add_crlf,
                     apr_pool_t *pool)
{
    struct octets out = { pool, NULL, 0, 0 };
    apr_size_t used;

    while (*text != '\0') {
        used = *text == '\\' ? take_escape(&out, text + 1) : 0;
        if (used == 0) {
            add_octets(&out, *text, 1);
        }
        text += 1 + used;
    }
    if (add_crlf) {
        add_octets(&out, '\r', 1);
        add_octets(&out, '\n', 1);
    }
    line->text = out.text != NULL ? out.text : "";
    line->len = out.len;
}

/* Lines. ----------------------------------------------------------------- */

/* "# KEY: VALUE". @return whether it is one */
static int read_setting(qp_dialog_line *line, const char *text,
                        apr_pool_t *pool)
{
    const char *key = text + 1 + (text[1] == ' ');
    const char *end = key;

    while (islower((unsigned char)*end) || isdigit((unsigned char)*end)
           || *end == '_' || *end == '-') {
        end++;
    }
    if (!islower((unsigned char)*key) || *end != ':') {
        return 0;
    }
    line->kind = 'K';
    line->key = apr_pstrmemdup(pool, key, (apr_size_t)(end - key));
    line->text = end + 1 + (end[1] == ' ');
    line->len = strlen(line->text);
    return 1;
}

/* @return NULL, or what is wrong */
static const char *read_said(qp_dialog_line *line, const char *text,
                             apr_pool_t *pool)
{
    if (strchr("CSLXVNME", text[0]) == NULL
        || (text[1] != ':' && (text[1] != '-' || text[0] != 'C'))
        || (text[2] != ' ' && text[2] != '\0')) {
        return "is none of C: C- S: L: X: V: N: M: E: and #";
    }
    line->kind = text[0];
    line->text = text + 2 + (text[2] == ' ');
    line->len = strlen(line->text);
    if (text[0] == 'C') {
        unescape(line, line->text, text[1] == ':', pool);
    }
    return NULL;
}

static const char *read_line(qp_dialog *dialog, const char *text, int number,
                             apr_pool_t *pool)
{
    qp_dialog_line line = { 0, number, NULL, NULL, 0 };
    const char *error;

    if (text[strspn(text, " \t")] == '\0') {
        return NULL;
    }
    if (text[0] == '#') {
        if (dialog->nsteps == 0 && read_setting(&line, text, pool)) {
            APR_ARRAY_PUSH(dialog->lines, qp_dialog_line) = line;
        }
        return NULL;
    }
    error = read_said(&line, text, pool);
    if (error != NULL) {
        return apr_psprintf(pool, "%s:%d: \"%.40s\" %s", dialog->file, number,
                            text, error);
    }
    dialog->nsteps += line.kind == 'C' || line.kind == 'S';
    dialog->nfaults += line.kind == 'E';
    APR_ARRAY_PUSH(dialog->lines, qp_dialog_line) = line;
    return NULL;
}

/* Files. ----------------------------------------------------------------- */

/* The whole file, with a NUL behind it. */
static apr_status_t read_file(const char *file, char **text, apr_pool_t *pool)
{
    apr_file_t *in = NULL;
    apr_finfo_t info;
    apr_size_t len = 0;
    apr_status_t rv;

    rv = apr_file_open(&in, file, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_info_get(&info, APR_FINFO_SIZE, in);
    }
    if (rv == APR_SUCCESS) {
        *text = apr_pcalloc(pool, (apr_size_t)info.size + 1);
        rv = apr_file_read_full(in, *text, (apr_size_t)info.size, &len);
    }
    if (in != NULL) {
        QP_IGNORE(apr_file_close(in), "it was only read");
    }
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

static qp_dialog *make_dialog(const char *file, apr_pool_t *pool)
{
    qp_dialog *dialog = apr_pcalloc(pool, sizeof(*dialog));
    const char *base = strrchr(file, '/');
    apr_size_t len;

    base = base != NULL ? base + 1 : file;
    len = strlen(base);
    if (len > 5 && strcmp(base + len - 5, ".smtp") == 0) {
        len -= 5;
    }
    dialog->file = file;
    dialog->name = apr_pstrmemdup(pool, base, len);
    dialog->lines = apr_array_make(pool, 64, sizeof(qp_dialog_line));
    return dialog;
}

const char *qp_dialog_read(qp_dialog **out, const char *file, apr_pool_t *pool)
{
    qp_dialog *dialog = make_dialog(file, pool);
    const char *error = NULL;
    char *text = NULL;
    char *end;
    apr_status_t rv = read_file(file, &text, pool);
    char reason[128];
    int number;

    *out = dialog;
    if (rv != APR_SUCCESS) {
        return apr_psprintf(pool, "%s: %s", file,
                            apr_strerror(rv, reason, sizeof(reason)));
    }
    for (number = 1; error == NULL && *text != '\0'; number++) {
        end = text + strcspn(text, "\n");
        if (*end == '\n') {
            *end++ = '\0';
        }
        error = read_line(dialog, text, number, pool);
        text = end;
    }
    if (error == NULL && dialog->nsteps + dialog->nfaults == 0) {
        error = apr_psprintf(pool, "%s: nothing is said in it", file);
    }
    return error;
}

qp_dialog *qp_dialog_create(const char *name, const char *input, apr_size_t len,
                            apr_pool_t *pool)
{
    qp_dialog *dialog = make_dialog(name, pool);
    qp_dialog_line line = { 'C', 1, NULL, input, len };

    APR_ARRAY_PUSH(dialog->lines, qp_dialog_line) = line;
    dialog->nsteps = 1;
    return dialog;
}

/* Options. --------------------------------------------------------------- */

int qp_dialog_is_option(const char *key)
{
    static const char *const keys[] = { "transports", "chunkings", "remote" };
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(keys); i++) {
        if (strcmp(keys[i], key) == 0) {
            return 1;
        }
    }
    return 0;
}

const char *qp_dialog_option(const qp_dialog *dialog, const char *key)
{
    const qp_dialog_line *line;
    int i;

    for (i = 0; i < dialog->lines->nelts; i++) {
        line = &APR_ARRAY_IDX(dialog->lines, i, qp_dialog_line);
        if (line->kind == 'K' && strcmp(line->key, key) == 0) {
            return line->text;
        }
    }
    return NULL;
}

int qp_dialog_wants(const qp_dialog *dialog, const char *key, const char *word)
{
    const char *words = qp_dialog_option(dialog, key);
    const char *found = words;
    size_t len = strlen(word);

    if (words == NULL) {
        return 1;
    }
    while ((found = strstr(found, word)) != NULL) {
        if ((found == words || found[-1] == ' ')
            && (found[len] == ' ' || found[len] == '\0')) {
            return 1;
        }
        found += len;
    }
    return 0;
}
