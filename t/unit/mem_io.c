/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A qp_io over memory, for tests. Its data live as long as the pool it was
 * made in. It is strict: what a peek shows lies in memory of just that size,
 * which is freed by the skip. It does not convert or check the octets.
 */
#include "mem_io.h"

#include <stdlib.h>
#include <string.h>

static void append_octets(char **buffer, apr_size_t *used, apr_size_t *cap,
                          const char *data, apr_size_t len)
{
    if (*used + len + 1 > *cap) {
        *cap = 2 * (*used + len + 1);
        *buffer = realloc(*buffer, *cap);
        if (*buffer == NULL) {
            abort();
        }
    }
    if (len > 0) {
        memcpy(*buffer + *used, data, len);
        *used += len;
    }
    (*buffer)[*used] = '\0';
}

static void hide_shown(mem_io *mem)
{
    free(mem->shown);
    mem->shown = NULL;
    mem->shown_len = 0;
}

static void show_chunk(mem_io *mem)
{
    apr_size_t len = mem_io_left(mem);

    if (mem->chunk > 0 && len > mem->chunk) {
        len = mem->chunk;
    }
    mem->shown = malloc(len);
    if (mem->shown == NULL) {
        abort();
    }
    memcpy(mem->shown, mem->in + mem->in_pos, len);
    mem->shown_len = len;
}

static apr_status_t peek_input(qp_io *io, const char **data, apr_size_t *len)
{
    mem_io *mem = (mem_io *)io;

    *data = NULL;
    *len = 0;
    mem->peeks++;
    if (mem->peek_fail_at > 0 && mem->peeks >= mem->peek_fail_at) {
        return mem->peek_fail;
    }
    if (mem->shown == NULL) {
        if (mem_io_left(mem) == 0) {
            return mem->at_end;
        }
        if (mem->stutter && !mem->stuttered) {
            mem->stuttered = 1;
            return APR_EAGAIN;
        }
        mem->stuttered = 0;
        show_chunk(mem);
    }
    *data = mem->shown;
    *len = mem->shown_len;
    return APR_SUCCESS;
}

static void skip_input(qp_io *io, apr_size_t len)
{
    mem_io *mem = (mem_io *)io;

    if (len > mem->shown_len) {
        abort();
    }
    mem->in_pos += len;
    hide_shown(mem);
}

static void write_output(qp_io *io, const char *data, apr_size_t len)
{
    mem_io *mem = (mem_io *)io;

    mem->writes++;
    append_octets(&mem->out, &mem->out_len, &mem->out_cap, data, len);
}

static apr_status_t flush_output(qp_io *io)
{
    mem_io *mem = (mem_io *)io;

    mem->flushes++;
    if (mem->flush_fail_at > 0 && mem->flushes >= mem->flush_fail_at) {
        return mem->flush_fail;
    }
    if (mem->flush_busy > 0) {
        mem->flush_busy--;
        return APR_EAGAIN;
    }
    mem->flushed = mem->out_len;
    return APR_SUCCESS;
}

static apr_status_t free_buffers(void *data)
{
    mem_io *mem = data;

    hide_shown(mem);
    free(mem->in);
    free(mem->out);
    return APR_SUCCESS;
}

mem_io *mem_io_create(apr_pool_t *pool)
{
    static const qp_io_vtable vtable = { peek_input, skip_input, write_output,
                                         flush_output };
    mem_io *mem = apr_pcalloc(pool, sizeof(*mem));

    mem->base.vtable = &vtable;
    mem->at_end = APR_EAGAIN;
    apr_pool_cleanup_register(pool, mem, free_buffers, apr_pool_cleanup_null);
    return mem;
}

void mem_io_feed(mem_io *io, const char *data, apr_size_t len)
{
    append_octets(&io->in, &io->in_len, &io->in_cap, data, len);
}

void mem_io_feed_text(mem_io *io, const char *text)
{
    mem_io_feed(io, text, strlen(text));
}

apr_size_t mem_io_left(const mem_io *io)
{
    return io->in_len - io->in_pos;
}

const char *mem_io_output(mem_io *io)
{
    return io->out != NULL ? io->out : "";
}

apr_size_t mem_io_output_len(const mem_io *io)
{
    return io->out_len;
}

void mem_io_clear_output(mem_io *io)
{
    io->out_len = 0;
    io->flushed = 0;
    if (io->out != NULL) {
        io->out[0] = '\0';
    }
}
