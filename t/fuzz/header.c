/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of wire/qp_header: a section comes out as it went in, and no
 * change makes more or fewer fields than it should (R16, R18, R19, R28, R104).
 */
#include "fuzz.h"

#include "wire/qp_header.h"

static int count_fields(const qp_header *header)
{
    const char *name;
    const char *value;
    int n = 0;

    while (qp_header_field(header, n, &name, &value)) {
        fuzz_check(name != NULL && value != NULL);
        n++;
    }
    return n;
}

/* What is written is read as the same fields. */
static void check_text(const qp_header *header, apr_pool_t *pool)
{
    apr_size_t len;
    const char *text = qp_header_text(header, &len, pool);
    qp_header *again = qp_header_parse(text, len, pool);

    fuzz_check(count_fields(again) == count_fields(header));
}

static void change_header(qp_header *header, fuzz_input *in, apr_pool_t *pool)
{
    static const char *const names[] = { "Subject", "X-A", "Received", "To" };
    unsigned int choice = fuzz_byte(in);
    const char *name = names[choice >> 4 & 3];
    const char *to = names[choice >> 6];
    const char *value = fuzz_text(in, pool);
    int before = count_fields(header);
    int same = qp_header_count(header, name);
    int index = (int)(choice >> 2 & 3) - 1;

    switch (choice & 3) {
    case 0:
        qp_header_add(header, name, value,
                      index < 1 ? QP_HEADER_TOP : QP_HEADER_END);
        fuzz_check(count_fields(header) == before + 1);
        fuzz_check(qp_header_count(header, name) == same + 1);
        break;
    case 1:
        index = index < 0 ? 0 : index;
        fuzz_check(qp_header_replace(header, name, index, value)
                   == (index < same));
        fuzz_check(count_fields(header) == before);
        break;
    case 2:
        same = qp_header_rename(header, name, index, to);
        fuzz_check(count_fields(header) == before && same <= before);
        break;
    default:
        same = qp_header_delete(header, name, index);
        fuzz_check(count_fields(header) == before - same);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();
    unsigned int changes = fuzz_byte(&in) % 8;
    fuzz_input head = in;
    apr_size_t len;
    const char *text;
    qp_header *header;
    char *octets = fuzz_take(&head, head.left);

    header = qp_header_parse(octets, in.left, pool);
    free(octets);
    text = qp_header_text(header, &len, pool);
    /* The line of an mbox becomes a field. */
    if (in.left < 5 || memcmp(in.next, "From ", 5) != 0) {
        fuzz_check(len == in.left || len == in.left + 1);
        fuzz_check(in.left == 0 || memcmp(text, in.next, in.left) == 0);
    }
    check_text(header, pool);
    for (; changes > 0; changes--) {
        change_header(header, &in, pool);
        check_text(header, pool);
    }
    return fuzz_end(pool);
}
