/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of a message: by block, by line, as buckets, with LF or CR LF line
 * ends. A reader lives in the pool it was opened with. It changes nothing. */

#include <string.h>

#include <apr_portable.h>

#include "session/qp_txn.h"

#define READ_BUFFER 65536

struct qp_reader {
    const qp_spool *spool; /* the transaction's, or a copy; or NULL */
    apr_status_t broken;
    unsigned int flags;
    const char *head;      /* what comes before the body */
    apr_size_t head_len;   /* 0: has been read */
    apr_size_t whole_head; /* what it was at first */
    apr_off_t start;       /* of the body, in the spool */
    apr_off_t offset;      /* in the spool */
    apr_off_t length;
    char *buf;        /* for the file */
    char *crlf;       /* for the other line ends */
    const char *rest; /* of the block before: an unfinished conversion */
    apr_size_t rest_len;
    const char *block; /* of the lines: what is left of it */
    apr_size_t block_len;
    char *line;
    apr_size_t line_cap;
    apr_pool_t *pool;
};

/* A binary message has one kind of line end, that of its body. */
static void put_crlf(qp_reader *reader)
{
    const char *text = reader->head;
    const char *end = text + reader->head_len;
    char *head = apr_palloc(reader->pool, 2 * reader->head_len);
    char *to = head;

    for (; text < end; text++) {
        if (*text == '\n') {
            *to++ = '\r';
        }
        *to++ = *text;
    }
    reader->head = head;
    reader->head_len = (apr_size_t)(to - head);
}

/* The header as it is now, with the empty line. */
static void make_head(qp_reader *reader, const qp_txn *txn)
{
    const char *text =
        qp_header_text(txn->header, &reader->head_len, reader->pool);
    char *head = apr_palloc(reader->pool, reader->head_len + 1);

    memcpy(head, text, reader->head_len);
    if (txn->has_empty_line) {
        head[reader->head_len++] = '\n';
    }
    reader->head = head;
    if (txn->is_binary && reader->head_len > 0) {
        put_crlf(reader);
    }
}

qp_reader *qp_txn_reader(qp_txn *txn, unsigned int flags, apr_pool_t *pool)
{
    qp_reader *reader = apr_pcalloc(pool, sizeof(*reader));
    qp_spool *copy = NULL;

    reader->pool = pool;
    reader->flags = txn->is_binary ? flags & ~QP_READ_CRLF : flags;
    reader->spool = txn->spool;
    reader->start = txn->body_start;
    if ((flags & QP_READ_MESSAGE) && txn->header != NULL) {
        make_head(reader, txn);
    }
    if ((flags & QP_READ_DETACHED) && txn->spool != NULL) {
        reader->broken = qp_spool_detach(txn->spool, &copy, pool);
        reader->spool = copy;
    }
    reader->length = (apr_off_t)reader->head_len + qp_txn_body_length(txn);
    reader->whole_head = reader->head_len;
    qp_reader_rewind(reader);
    return reader;
}

void qp_reader_rewind(qp_reader *reader)
{
    reader->head_len = reader->whole_head;
    reader->offset = reader->start;
    reader->rest_len = 0;
    reader->block_len = 0;
}

/* Whether all of the message is there. A spool that could not be written has
 * lost some of it, and half a message must not pass for a whole one. */
static apr_status_t check_spool(const qp_reader *reader)
{
    if (reader->broken != APR_SUCCESS || reader->spool == NULL) {
        return reader->broken;
    }
    return qp_spool_status(reader->spool);
}

/* The next octets as they are stored. */
static apr_status_t read_stored(qp_reader *reader, const char **data,
                                apr_size_t *len)
{
    apr_status_t rv = check_spool(reader);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (reader->head_len > 0) {
        *data = reader->head;
        *len = reader->head_len;
        reader->head_len = 0;
        return APR_SUCCESS;
    }
    if (reader->spool == NULL) {
        return APR_EOF;
    }
    if (reader->buf == NULL) {
        reader->buf = apr_palloc(reader->pool, READ_BUFFER);
    }
    *len = READ_BUFFER;
    rv = qp_spool_read(reader->spool, reader->offset, reader->buf, data, len);
    if (rv == APR_SUCCESS) {
        reader->offset += (apr_off_t)*len;
    }
    return rv;
}

/* As much of the rest as fits, with CR in front of each LF. */
static void convert_rest(qp_reader *reader, apr_size_t *len)
{
    const char *end;
    apr_size_t span;

    *len = 0;
    while (reader->rest_len > 0 && *len + 2 <= READ_BUFFER) {
        end = memchr(reader->rest, '\n', reader->rest_len);
        span =
            end != NULL ? (apr_size_t)(end - reader->rest) : reader->rest_len;
        if (span > READ_BUFFER - *len - 2) {
            span = READ_BUFFER - *len - 2;
            end = NULL;
        }
        memcpy(reader->crlf + *len, reader->rest, span);
        *len += span;
        reader->rest += span;
        reader->rest_len -= span;
        if (end != NULL) {
            reader->crlf[(*len)++] = '\r';
            reader->crlf[(*len)++] = '\n';
            reader->rest++;
            reader->rest_len--;
        }
        else if (span == 0) {
            return;
        }
    }
}

apr_status_t qp_reader_block(qp_reader *reader, const char **data,
                             apr_size_t *len)
{
    apr_status_t rv = APR_SUCCESS;

    if ((reader->flags & QP_READ_CRLF) == 0) {
        return read_stored(reader, data, len);
    }
    if (reader->crlf == NULL) {
        reader->crlf = apr_palloc(reader->pool, READ_BUFFER);
    }
    if (reader->rest_len == 0) {
        rv = read_stored(reader, &reader->rest, &reader->rest_len);
    }
    if (rv == APR_SUCCESS) {
        convert_rest(reader, len);
        *data = reader->crlf;
    }
    return rv;
}

/* Keeps what there is of a line that goes on in the next block. */
static void keep_part(qp_reader *reader, apr_size_t *kept, apr_size_t more)
{
    char *line;

    if (*kept + more > reader->line_cap) {
        reader->line_cap = 2 * (*kept + more);
        line = apr_palloc(reader->pool, reader->line_cap);
        if (*kept > 0) {
            memcpy(line, reader->line, *kept);
        }
        reader->line = line;
    }
    memcpy(reader->line + *kept, reader->block, more);
    *kept += more;
    reader->block += more;
    reader->block_len -= more;
}

apr_status_t qp_reader_line(qp_reader *reader, const char **line,
                            apr_size_t *len)
{
    apr_size_t kept = 0;
    const char *end;
    apr_status_t rv;

    for (;;) {
        if (reader->block_len == 0) {
            rv = qp_reader_block(reader, &reader->block, &reader->block_len);
            if (rv != APR_SUCCESS) {
                reader->block_len = 0;
                *line = reader->line;
                *len = kept;
                return APR_STATUS_IS_EOF(rv) && kept > 0 ? APR_SUCCESS : rv;
            }
        }
        end = memchr(reader->block, '\n', reader->block_len);
        if (end == NULL) {
            keep_part(reader, &kept, reader->block_len);
            continue;
        }
        *len = (apr_size_t)(end - reader->block) + 1;
        *line = reader->block;
        if (kept > 0) {
            keep_part(reader, &kept, *len);
            *line = reader->line;
            *len = kept;
            return APR_SUCCESS;
        }
        reader->block += *len;
        reader->block_len -= *len;
        return APR_SUCCESS;
    }
}

apr_off_t qp_reader_length(const qp_reader *reader)
{
    return reader->flags & QP_READ_CRLF ? -1 : reader->length;
}

/* Buckets. --------------------------------------------------------------- */

/* The part of the body that is in the file, without reading it. */
static apr_status_t append_file(const qp_reader *reader,
                                apr_bucket_brigade *brigade)
{
    apr_file_t *file = NULL;
    apr_off_t filed;
    apr_status_t rv;
    int fd;

    filed = qp_spool_filed(reader->spool, &fd);
    if (filed <= reader->offset) {
        return APR_SUCCESS;
    }
    rv = apr_os_file_put(&file, &fd, APR_READ, reader->pool);
    if (rv == APR_SUCCESS) {
        apr_brigade_insert_file(brigade, file, reader->offset,
                                filed - reader->offset, reader->pool);
    }
    return rv;
}

static apr_status_t append_stored(qp_reader *reader,
                                  apr_bucket_brigade *brigade)
{
    const char *data;
    apr_size_t len = 0;
    apr_off_t filed;
    apr_status_t rv = check_spool(reader);
    int fd;

    if (rv == APR_SUCCESS && reader->head_len > 0) {
        rv = apr_brigade_write(brigade, NULL, NULL, reader->head,
                               reader->head_len);
    }
    if (rv != APR_SUCCESS || reader->spool == NULL) {
        return rv;
    }
    rv = append_file(reader, brigade);
    filed = qp_spool_filed(reader->spool, &fd);
    if (filed < reader->offset) {
        filed = reader->offset;
    }
    if (rv == APR_SUCCESS
        && qp_spool_read(reader->spool, filed, NULL, &data, &len)
               == APR_SUCCESS) {
        APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_immortal_create(
                                             data, len, brigade->bucket_alloc));
    }
    return rv;
}

apr_status_t qp_txn_brigade(qp_txn *txn, unsigned int flags,
                            apr_bucket_brigade *brigade, apr_pool_t *pool)
{
    qp_reader *reader = qp_txn_reader(txn, flags, pool);
    const char *data;
    apr_size_t len;
    apr_status_t rv;

    if ((reader->flags & QP_READ_CRLF) == 0) {
        return append_stored(reader, brigade);
    }
    while ((rv = qp_reader_block(reader, &data, &len)) == APR_SUCCESS) {
        rv = apr_brigade_write(brigade, NULL, NULL, data, len);
        if (rv != APR_SUCCESS) {
            break;
        }
    }
    return APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : rv;
}
