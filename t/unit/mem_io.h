/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mem_io.h
 * @brief A qp_io over memory, which can be slow, broken or at its end.
 *
 *     mem_io *io = mem_io_create(pool);
 *
 *     io->chunk = 1;
 *     mem_io_feed_text(io, "NOOP\r\n");
 *     ... &io->base ...
 *     is_str(mem_io_output(io), "250 2.0.0 ok\r\n", "reply");
 */
#ifndef MEM_IO_H
#define MEM_IO_H

#include "wire/qp_io.h"

/** Fields may be set at any time. */
typedef struct mem_io {
    qp_io base;
    apr_size_t chunk;    /**< octets that a peek shows at most; 0: all */
    int stutter;         /**< APR_EAGAIN before each new chunk */
    apr_status_t at_end; /**< behind the input: APR_EAGAIN (as created),
                              APR_EOF, APR_ECONNRESET ... */

    int peek_fail_at;       /**< the n-th peek, from 1, ... */
    apr_status_t peek_fail; /**< ... and all later ones return this */
    int flush_fail_at;
    apr_status_t flush_fail;
    int flush_busy; /**< so many flushes return APR_EAGAIN first */

    int peeks; /**< calls so far */
    int writes;
    int flushes;
    apr_size_t flushed; /**< octets of the output that are out */

    /* Of mem_io.c alone. */
    char *in;
    apr_size_t in_len;
    apr_size_t in_cap;
    apr_size_t in_pos;
    char *out;
    apr_size_t out_len;
    apr_size_t out_cap;
    char *shown; /**< what peek showed, in memory of just that size */
    apr_size_t shown_len;
    int stuttered;
} mem_io;

/** Lives as long as @a pool. */
mem_io *mem_io_create(apr_pool_t *pool);

/** Appends to the input. */
void mem_io_feed(mem_io *io, const char *data, apr_size_t len);
void mem_io_feed_text(mem_io *io, const char *text);

/** Octets of the input that are not consumed. */
apr_size_t mem_io_left(const mem_io *io);

/** All that was written since the last mem_io_clear_output, terminated. */
const char *mem_io_output(mem_io *io);
apr_size_t mem_io_output_len(const mem_io *io);
void mem_io_clear_output(mem_io *io);

#endif /* MEM_IO_H */
