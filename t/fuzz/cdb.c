/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of wire/qp_cdb: a database that is damaged (R112, R117). The
 * first octets are the numbers of places with something in the table, so that
 * the two KiB of it need not be in the input.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "wire/qp_cdb.h"

#define TABLE_SIZE 2048

static void write_file(int fd, fuzz_input *in)
{
    unsigned char table[TABLE_SIZE] = { 0 };
    unsigned int count = fuzz_byte(in) % 32;
    unsigned int at;

    for (; count > 0; count--) {
        at = fuzz_byte(in) * 8 + fuzz_byte(in) % 8;
        table[at] = (unsigned char)fuzz_byte(in);
    }
    fuzz_check(write(fd, table, sizeof(table)) == TABLE_SIZE);
    fuzz_check(write(fd, in->next, in->left) == (ssize_t)in->left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();
    const char *key = fuzz_text(&in, pool);
    const char *value = NULL;
    const char *path;
    apr_status_t rv;
    int fd = memfd_create("cdb", 0);

    fuzz_check(fd >= 0);
    write_file(fd, &in);
    path = apr_psprintf(pool, "/proc/self/fd/%d", fd);
    rv = qp_cdb_check(path);
    fuzz_check(rv == APR_SUCCESS || rv == APR_EINVAL);
    rv = qp_cdb_find(path, key, &value, pool);
    fuzz_check(rv == APR_SUCCESS || rv == APR_EINVAL || rv == APR_NOTFOUND);
    fuzz_check(rv != APR_SUCCESS || strlen(value) <= QP_CDB_VALUE_MAX);
    close(fd);
    return fuzz_end(pool);
}
