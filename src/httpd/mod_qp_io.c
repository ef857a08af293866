/* SPDX-License-Identifier: Apache-2.0 */
/* qp_io over httpd's filters. Buckets live in two brigades of the connection,
 * which are cleaned, never made anew. On an MPM that takes connections back
 * nothing here blocks. It does not look at what the octets say. */

#include "httpd/mod_qp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <apr_allocator.h>
#include <apr_portable.h>
#include <openssl/ssl.h>
#include <util_filter.h>

/* Asked of the filters at once. Larger means more memory for a session that
 * sends a message, smaller means more calls. */
#define READ_SIZE (4 * APR_BUCKET_BUFF_SIZE)
/* As long as poll() waits at a time; it counts in an int. */
#define MAX_POLL  apr_time_from_sec(3600)

static mod_qp_io *io_of(qp_io *base)
{
    return (mod_qp_io *)base;
}

/* The first unread octets of the brigade. @return APR_EAGAIN: it is empty */
static apr_status_t read_first(mod_qp_io *io, const char **data,
                               apr_size_t *len)
{
    apr_bucket *bucket;
    apr_status_t rv;

    while (!APR_BRIGADE_EMPTY(io->in)) {
        bucket = APR_BRIGADE_FIRST(io->in);
        if (APR_BUCKET_IS_EOS(bucket)) {
            io->broken = APR_EOF;
            return APR_EOF;
        }
        rv = apr_bucket_read(bucket, data, len, APR_BLOCK_READ);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (*len > io->consumed) {
            *data += io->consumed;
            *len -= io->consumed;
            return APR_SUCCESS;
        }
        apr_bucket_delete(bucket);
        io->consumed = 0;
    }
    return APR_EAGAIN;
}

/* How much has come from below mod_ssl so far. */
static apr_uint64_t count_below(const mod_qp_io *io)
{
    return io->ssl != NULL && io->broken == APR_SUCCESS
               ? BIO_number_read(SSL_get_rbio(io->ssl))
               : 0;
}

/* The core reads into buffers of one size until it has what it was asked for;
 * one that is not full was the last that the socket had. Above it there is
 * nothing that keeps octets, but for mod_ssl: its OpenSSL reads ahead, so it
 * asks for more than one buffer, too.
 * @param below  came from below mod_ssl for this */
static void note_read(mod_qp_io *io, apr_uint64_t below)
{
    apr_off_t len = 0;
    int nbuffers;

    if (apr_brigade_length(io->in, 0, &len) != APR_SUCCESS || len <= 0) {
        return;
    }
    if (!io->is_secure) {
        io->is_drained = len % APR_BUCKET_BUFF_SIZE != 0;
    }
    else if (io->ssl != NULL) {
        io->is_drained = below > 0 && below < APR_BUCKET_BUFF_SIZE
                         && !SSL_has_pending(io->ssl);
    }
    nbuffers = (int)(len / APR_BUCKET_BUFF_SIZE) + 1;
    if (nbuffers > io->nbuffers) {
        io->nbuffers = nbuffers;
    }
}

static apr_status_t fill(mod_qp_io *io, apr_read_type_e block)
{
    apr_uint64_t before = count_below(io);
    apr_status_t rv;

    rv = ap_get_brigade(io->c->input_filters, io->in, AP_MODE_READBYTES, block,
                        READ_SIZE);
    /* "Nothing there" is said in two ways, by the core and by mod_ssl. */
    if (rv == APR_SUCCESS && APR_BRIGADE_EMPTY(io->in)) {
        return APR_EAGAIN;
    }
    io->is_drained = 0;
    if (rv == APR_SUCCESS) {
        note_read(io, count_below(io) - before);
    }
    else if (!APR_STATUS_IS_EAGAIN(rv) && !APR_STATUS_IS_TIMEUP(rv)) {
        io->broken = rv;
    }
    return rv;
}

static apr_status_t peek_filters(mod_qp_io *io, const char **data,
                                 apr_size_t *len)
{
    apr_status_t rv;

    for (;;) {
        rv = read_first(io, data, len);
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            return rv;
        }
        if (io->broken != APR_SUCCESS) {
            return io->broken;
        }
        if (io->is_drained) {
            io->is_drained = 0; /* once: what comes later is looked for */
            return rv;
        }
        rv = fill(io, APR_NONBLOCK_READ);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
}

static apr_status_t peek(qp_io *base, const char **data, apr_size_t *len)
{
    mod_qp_io *io = io_of(base);
    apr_status_t rv = peek_filters(io, data, len);

    return io->was_shut && APR_STATUS_IS_EOF(rv) ? APR_EAGAIN : rv;
}

static void skip(qp_io *base, apr_size_t len)
{
    io_of(base)->consumed += len;
}

static void write_out(qp_io *base, const char *data, apr_size_t len)
{
    mod_qp_io *io = io_of(base);

    QP_IGNORE(apr_brigade_write(io->out, NULL, NULL, data, len),
              "without a flush function it cannot fail");
}

/* A bucket that makes mod_ssl's coalescing filter let go of what it holds, as
 * a FLUSH bucket does, without making the core filter block. */
static apr_status_t read_push(apr_bucket *bucket QP_UNUSED, const char **data,
                              apr_size_t *len, apr_read_type_e block QP_UNUSED)
{
    *data = "";
    *len = 0;
    return APR_SUCCESS;
}

static const apr_bucket_type_t push_type = { "QPPUSH",
                                             5,
                                             APR_BUCKET_METADATA,
                                             apr_bucket_destroy_noop,
                                             read_push,
                                             apr_bucket_setaside_noop,
                                             apr_bucket_split_notimpl,
                                             apr_bucket_simple_copy };

static apr_bucket *make_push(apr_bucket_alloc_t *list)
{
    apr_bucket *bucket = apr_bucket_alloc(sizeof(*bucket), list);

    APR_BUCKET_INIT(bucket);
    bucket->free = apr_bucket_free;
    bucket->list = list;
    bucket->type = &push_type;
    bucket->length = 0;
    bucket->start = 0;
    bucket->data = NULL;
    return bucket;
}

/* What event does itself for a connection in write completion. */
static apr_status_t write_pending(conn_rec *c)
{
    ap_filter_t *filter = c->output_filters;
    apr_status_t rv;

    while (filter->next != NULL) {
        filter = filter->next;
    }
    rv = filter->frec->filter_func.out_func(filter, NULL);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return c->data_in_output_filters ? APR_EAGAIN : APR_SUCCESS;
}

static apr_status_t pass_output(mod_qp_io *io, apr_bucket *last)
{
    apr_status_t rv;

    APR_BRIGADE_INSERT_TAIL(io->out, last);
    rv = ap_pass_brigade(io->c->output_filters, io->out);
    apr_brigade_cleanup(io->out);
    return rv;
}

apr_status_t mod_qp_io_wait_output(mod_qp_io *io)
{
    if (io->c->aborted) {
        return APR_ECONNABORTED;
    }
    return pass_output(io, apr_bucket_flush_create(io->c->bucket_alloc));
}

static apr_status_t flush_out(qp_io *base)
{
    mod_qp_io *io = io_of(base);
    apr_status_t rv;

    if (io->base.unsent == 0) {
        return APR_SUCCESS;
    }
    if (io->c->aborted) {
        return APR_ECONNABORTED;
    }
    if (!io->can_park) {
        return mod_qp_io_wait_output(io);
    }
    if (!APR_BRIGADE_EMPTY(io->out)) {
        rv = pass_output(io, make_push(io->c->bucket_alloc));
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return write_pending(io->c);
}

static const qp_io_vtable vtable = { peek, skip, write_out, flush_out };

void mod_qp_io_init(mod_qp_io *io, conn_rec *c, int can_park)
{
    io->base.vtable = &vtable;
    io->c = c;
    io->can_park = can_park;
    io->in = apr_brigade_create(c->pool, c->bucket_alloc);
    io->out = apr_brigade_create(c->pool, c->bucket_alloc);
}

/* Not in the middle of a record: there OpenSSL before 3.0.14 and 1.1.1y frees
 * what it goes on to use (CVE-2024-4741). Its state of reading is "RH" before a
 * header, and only behind it "RB" or "RD". */
static void give_back_tls(SSL *ssl)
{
    if (!SSL_has_pending(ssl) && strcmp(SSL_rstate_string(ssl), "RH") == 0) {
        QP_IGNORE(SSL_free_buffers(ssl), "they may be in use");
    }
}

/* What was read is consumed, but the allocator of the connection keeps the
 * buffers: more than a third of what a session holds that waits for minutes.
 * APR gives back what is freed beyond a limit, so the limit is lowered while
 * they are freed once more. */
static void give_back_buffers(mod_qp_io *io)
{
    apr_allocator_t *allocator = apr_pool_allocator_get(io->c->pool);
    apr_memnode_t *nodes = NULL;
    apr_memnode_t *node;

    if (io->ssl != NULL && io->broken == APR_SUCCESS && !io->c->aborted) {
        give_back_tls(io->ssl);
    }
    for (; io->nbuffers > 0; io->nbuffers--) {
        node = apr_allocator_alloc(allocator, APR_BUCKET_BUFF_SIZE);
        if (node != NULL) {
            node->next = nodes;
            nodes = node;
        }
    }
    if (nodes != NULL) {
        apr_allocator_max_free_set(allocator, 1);
        apr_allocator_free(allocator, nodes);
        apr_allocator_max_free_set(allocator, ap_max_mem_free);
    }
}

void mod_qp_io_secure(mod_qp_io *io, struct ssl_st *ssl)
{
    io->ssl = ssl;
    io->is_secure = 1;
    io->is_drained = 0; /* what was read in clear tells nothing now */
    if (ssl != NULL) {
        /* mod_ssl makes OpenSSL get and free buffers for each record. */
        SSL_clear_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
        /* Else the five octets before each record are a read of their own. */
        SSL_set_read_ahead(ssl, 1);
    }
}

void mod_qp_io_hold(mod_qp_io *io)
{
    apr_bucket *bucket;

    if (APR_BRIGADE_EMPTY(io->in)) {
        give_back_buffers(io);
    }
    for (bucket = APR_BRIGADE_FIRST(io->in);
         bucket != APR_BRIGADE_SENTINEL(io->in);
         bucket = APR_BUCKET_NEXT(bucket)) {
        QP_IGNORE(apr_bucket_setaside(bucket, io->c->pool),
                  "a bucket without it is stable");
    }
}

/* In milliseconds, and never too early. */
static int poll_time(apr_interval_time_t left)
{
    return (int)apr_time_as_msec(left < MAX_POLL ? left : MAX_POLL) + 1;
}

apr_status_t mod_qp_io_wait_octet(mod_qp_io *io, apr_time_t until)
{
    struct pollfd client = { -1, POLLIN, 0 };
    apr_interval_time_t left;
    int n;

    QP_IGNORE(apr_os_sock_get(&client.fd, ap_get_conn_socket(io->c)),
              "nothing comes from a descriptor that is none");
    do {
        left = until - qp_now();
        n = left > 0 ? poll(&client, 1, poll_time(left)) : 0;
    } while (left > 0 && (n == 0 || (n < 0 && errno == EINTR)));
    return n > 0 ? APR_SUCCESS : APR_TIMEUP;
}

apr_status_t mod_qp_io_wait_input(mod_qp_io *io)
{
    apr_status_t rv = fill(io, APR_BLOCK_READ);

    if (APR_STATUS_IS_TIMEUP(rv)) {
        return rv;
    }
    if (APR_STATUS_IS_EAGAIN(rv)) {
        io->broken = APR_EOF; /* a blocking read has nothing: no more comes */
    }
    return APR_SUCCESS;
}
