/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of wire/qp_dot: for every cut it ends where CR LF . CR LF is, and
 * what comes out is what went in but for stuffed dots and line ends (R8 to R13,
 * R102, R104).
 */
#include "fuzz.h"

#include "wire/qp_dot.h"

/** A growing text of the size of the input. */
struct text {
    char *data;
    size_t len;
};

/* The reference: all of the input with CR LF before it, which is how it begins
 * behind the line of DATA. @return octets up to and with the end, or 0 */
static size_t find_end(const struct text *whole)
{
    const char *end = memmem(whole->data, whole->len, "\r\n.\r\n", 5);

    return end != NULL ? (size_t)(end - whole->data) + 5 : 0;
}

/* What the first @a len octets come to: CR LF . loses its dot, CR LF becomes
 * LF. */
static struct text unstuff(const struct text *whole, size_t len, int dots)
{
    struct text out = { malloc(len + 1), 0 };
    size_t i;

    for (i = 0; i < len; i++) {
        if (i + 1 < len && memcmp(whole->data + i, "\r\n", 2) == 0) {
            i++;
            i += dots && i + 1 < len && whole->data[i + 1] == '.';
            out.data[out.len++] = '\n';
        }
        else {
            out.data[out.len++] = whole->data[i];
        }
    }
    return out;
}

static void soften(struct text *text)
{
    size_t i;

    for (i = 0; i < text->len; i++) {
        if (text->data[i] == '\r') {
            text->data[i] = '\n';
        }
    }
}

/* @return octets used */
static size_t run_machine(qp_dot *dot, fuzz_input *in, size_t cut,
                          struct text *out)
{
    size_t total = 0;
    apr_size_t used;
    apr_size_t len;
    size_t piece;
    char *octets;

    while (in->left > 0 && dot->state != QP_DOT_END) {
        piece = 1 + (cut + total) % 7;
        piece = piece < in->left ? piece : in->left;
        octets = fuzz_take(in, piece);
        used = qp_dot_feed(dot, octets, piece, out->data + out->len, &len);
        free(octets);
        fuzz_check(len <= piece + QP_DOT_SLACK);
        fuzz_check(used == piece || dot->state == QP_DOT_END);
        out->len += len;
        total += used;
    }
    if (dot->no_dots) {
        out->len += qp_dot_finish(dot, out->data + out->len);
    }
    return total;
}

static void compare(const qp_dot *dot, const struct text *whole, size_t used,
                    const struct text *out)
{
    size_t end = dot->no_dots ? 0 : find_end(whole);
    struct text want =
        unstuff(whole, end > 0 ? end - 3 : whole->len, !dot->no_dots);

    fuzz_check((dot->state == QP_DOT_END) == (end > 0) || dot->no_dots);
    fuzz_check(used == (end > 0 ? end : whole->len) - 2);
    if (dot->policy == QP_DOT_NORMALIZE) {
        soften(&want);
    }
    /* The first LF is that of DATA. Up to CR at the end may be held back, and
     * a dot before that. */
    fuzz_check(out->len < want.len || out->len == want.len - 1);
    fuzz_check(memcmp(out->data, want.data + 1, out->len) == 0);
    fuzz_check(out->len + 1 == want.len
               || (end == 0 && !dot->no_dots && out->len + 3 >= want.len));
    free(want.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    unsigned int choice = fuzz_byte(&in);
    struct text whole = { malloc(size + 2), in.left + 2 };
    struct text out = { malloc(size + 4 * QP_DOT_SLACK), 0 };
    qp_dot dot = { .policy = choice & 1 ? QP_DOT_NORMALIZE : QP_DOT_KEEP };
    size_t used;

    dot.no_dots = (choice & 2) != 0;
    memcpy(whole.data, "\r\n", 2);
    if (in.left > 0) {
        memcpy(whole.data + 2, in.next, in.left);
    }
    used = run_machine(&dot, &in, choice >> 2, &out);
    compare(&dot, &whole, used, &out);
    free(whole.data);
    free(out.data);
    return 0;
}
