/* SPDX-License-Identifier: Apache-2.0 */
/* Constant databases. A file begins with 256 pairs of a position and a number
 * of slots, one for each table. A slot is a hash and the position of a record,
 * which is two lengths, a key and a value. All numbers have 32 bits, the low
 * octet first. The file is open for one call only, so that nothing is kept. */

#include "wire/qp_cdb.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAIR     8
#define TABLES   256
#define HEAD_LEN (TABLES * PAIR)

/* Two numbers in a row. */
typedef struct pair {
    uint32_t first, second;
} pair;

static uint32_t read_number(const unsigned char *octets)
{
    return (uint32_t)octets[0] | (uint32_t)octets[1] << 8
           | (uint32_t)octets[2] << 16 | (uint32_t)octets[3] << 24;
}

/* @return APR_EINVAL if the file ends before */
static apr_status_t read_at(int fd, uint64_t at, void *data, size_t len)
{
    char *to = data;
    ssize_t n;

    while (len > 0) {
        n = pread(fd, to, len, (off_t)at);
        if (n == 0) {
            return APR_EINVAL;
        }
        if (n < 0 && errno != EINTR) {
            return APR_FROM_OS_ERROR(errno);
        }
        if (n > 0) {
            to += n;
            at += (uint64_t)n;
            len -= (size_t)n;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t read_pair(int fd, uint64_t at, pair *out)
{
    unsigned char octets[PAIR];
    apr_status_t rv = read_at(fd, at, octets, sizeof(octets));

    if (rv == APR_SUCCESS) {
        out->first = read_number(octets);
        out->second = read_number(octets + 4);
    }
    return rv;
}

static uint32_t hash_key(const char *key)
{
    uint32_t hash = 5381;

    for (; *key != '\0'; key++) {
        hash = ((hash << 5) + hash) ^ (unsigned char)*key;
    }
    return hash;
}

/* Compares the key of a record, a piece at a time. */
static apr_status_t compare_key(int fd, uint64_t at, const char *key)
{
    char piece[256];
    size_t left = strlen(key);
    size_t len;
    apr_status_t rv;

    while (left > 0) {
        len = left < sizeof(piece) ? left : sizeof(piece);
        rv = read_at(fd, at, piece, len);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (memcmp(piece, key, len) != 0) {
            return APR_NOTFOUND;
        }
        key += len;
        at += len;
        left -= len;
    }
    return APR_SUCCESS;
}

/* @return APR_NOTFOUND if the record has another key */
static apr_status_t read_record(int fd, uint32_t at, const char *key,
                                const char **value, apr_pool_t *pool)
{
    size_t len = strlen(key);
    pair lens = { 0, 0 };
    char *text;
    apr_status_t rv = read_pair(fd, at, &lens);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (lens.first != len) {
        return APR_NOTFOUND;
    }
    rv = compare_key(fd, (uint64_t)at + PAIR, key);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (lens.second > QP_CDB_VALUE_MAX) {
        return APR_EINVAL;
    }
    text = apr_palloc(pool, (size_t)lens.second + 1);
    text[lens.second] = '\0';
    *value = text;
    return read_at(fd, (uint64_t)at + PAIR + len, text, lens.second);
}

/* The slots from where the key would stand, to an empty one. */
static apr_status_t search_table(int fd, const pair *table, const char *key,
                                 const char **value, apr_pool_t *pool)
{
    uint32_t hash = hash_key(key);
    uint32_t at = table->second > 0 ? (hash >> 8) % table->second : 0;
    apr_status_t rv = APR_NOTFOUND;
    pair slot = { 0, 0 };
    uint32_t i;

    for (i = 0; i < table->second && APR_STATUS_IS_NOTFOUND(rv); i++) {
        rv = read_pair(fd, (uint64_t)table->first + (uint64_t)at * PAIR, &slot);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (slot.second == 0) {
            return APR_NOTFOUND;
        }
        rv = slot.first == hash ? read_record(fd, slot.second, key, value, pool)
                                : APR_NOTFOUND;
        at = (at + 1) % table->second;
    }
    return rv;
}

static apr_status_t open_file(const char *file, int *fd)
{
    *fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (*fd < 0) {
        return errno == ENOENT ? APR_NOTFOUND : APR_FROM_OS_ERROR(errno);
    }
    return APR_SUCCESS;
}

apr_status_t qp_cdb_find(const char *file, const char *key, const char **value,
                         apr_pool_t *pool)
{
    pair table = { 0, 0 };
    int fd;
    apr_status_t rv = open_file(file, &fd);

    *value = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = read_pair(fd, (uint64_t)(hash_key(key) % TABLES) * PAIR, &table);
    if (rv == APR_SUCCESS) {
        rv = search_table(fd, &table, key, value, pool);
    }
    close(fd);
    return rv;
}

apr_status_t qp_cdb_check(const char *file)
{
    unsigned char head[HEAD_LEN];
    struct stat info;
    uint64_t end;
    int fd, i;
    apr_status_t rv = open_file(file, &fd);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = fstat(fd, &info) == 0 && S_ISREG(info.st_mode)
             ? read_at(fd, 0, head, sizeof(head))
             : APR_EINVAL;
    for (i = 0; i < TABLES && rv == APR_SUCCESS; i++) {
        end = (uint64_t)read_number(head + i * PAIR)
              + (uint64_t)read_number(head + i * PAIR + 4) * PAIR;
        if (end > (uint64_t)info.st_size) {
            rv = APR_EINVAL;
        }
    }
    close(fd);
    return rv;
}
