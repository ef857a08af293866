/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_io.h
 * @brief The octets of a client, whatever carries them. Never blocks.
 */
#ifndef QP_IO_H
#define QP_IO_H

#include "base/qp_base.h"

typedef struct qp_io qp_io;

typedef struct qp_io_vtable {
    /**
     * Shows unread input without consuming it.
     * @return APR_SUCCESS with *len > 0; APR_EAGAIN when nothing is there
     *         now; APR_EOF; or an error, after which the client is gone
     */
    apr_status_t (*peek)(qp_io *io, const char **data, apr_size_t *len);
    /** Consumes @a len octets of what peek() showed. Its pointer is then
     *  invalid. */
    void (*skip)(qp_io *io, apr_size_t len);
    /** Appends to the output, which is copied. Cannot fail. */
    void (*write)(qp_io *io, const char *data, apr_size_t len);
    /**
     * Hands the output to the client.
     * @return APR_SUCCESS when all is on its way; APR_EAGAIN when the client
     *         does not read: call again once it does; or an error
     */
    apr_status_t (*flush)(qp_io *io);
} qp_io_vtable;

/** Base of every transport. */
struct qp_io {
    const qp_io_vtable *vtable;
    apr_size_t unsent; /**< octets written since the last complete flush */
    apr_off_t taken;   /**< octets consumed, all told */
};

static inline apr_status_t qp_io_peek(qp_io *io, const char **data,
                                      apr_size_t *len)
{
    return io->vtable->peek(io, data, len);
}

static inline void qp_io_skip(qp_io *io, apr_size_t len)
{
    io->taken += (apr_off_t)len;
    io->vtable->skip(io, len);
}

static inline void qp_io_write(qp_io *io, const char *data, apr_size_t len)
{
    io->unsent += len;
    io->vtable->write(io, data, len);
}

/** Resets unsent when everything is out. */
static inline apr_status_t qp_io_flush(qp_io *io)
{
    apr_status_t rv = io->vtable->flush(io);

    if (rv == APR_SUCCESS) {
        io->unsent = 0;
    }
    return rv;
}

#endif /* QP_IO_H */
