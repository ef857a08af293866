/* SPDX-License-Identifier: Apache-2.0 */
/* The octets of a message, as a server gets them. The message is read where it
 * is stored, a block at a time. By DATA it has CR LF line ends, no other CR or
 * LF, and stuffed dots, whatever it was: nobody behind us sees an end of data
 * that is none. By BDAT it is what is stored, for its length is said before. */
#include "smtp_body.h"

#include <string.h>

/* By DATA. --------------------------------------------------------------- */

/* Where in a line the sender is. */
typedef struct stuffer {
    qp_peer *peer;
    int at_start; /* of a line */
} stuffer;

/* A part of a line: without LF, a bare CR in it becomes a blank. */
static apr_status_t put_part(stuffer *out, const char *data, apr_size_t len)
{
    apr_status_t rv = APR_SUCCESS;
    const char *cr;
    apr_size_t n;

    if (len > 0 && out->at_start && data[0] == '.') {
        rv = qp_peer_puts(out->peer, ".");
    }
    out->at_start = out->at_start && len == 0;
    while (len > 0 && rv == APR_SUCCESS) {
        cr = memchr(data, '\r', len);
        n = cr != NULL ? (apr_size_t)(cr - data) : len;
        rv = qp_peer_write(out->peer, data, n);
        if (cr != NULL && rv == APR_SUCCESS) {
            rv = qp_peer_puts(out->peer, " ");
            n++;
        }
        data += n;
        len -= n;
    }
    return rv;
}

static apr_status_t put_block(stuffer *out, const char *data, apr_size_t len)
{
    apr_status_t rv = APR_SUCCESS;
    const char *lf;
    apr_size_t n;

    while (len > 0 && rv == APR_SUCCESS) {
        lf = memchr(data, '\n', len);
        n = lf != NULL ? (apr_size_t)(lf - data) : len;
        rv = put_part(out, data, n);
        if (lf != NULL && rv == APR_SUCCESS) {
            rv = qp_peer_puts(out->peer, "\r\n");
            out->at_start = 1;
            n++;
        }
        data += n;
        len -= n;
    }
    return rv;
}

apr_status_t smtp_body_lines(qp_peer *peer, qp_reader *reader, smtp_end *end)
{
    stuffer out = { peer, 1 };
    apr_status_t rv = APR_SUCCESS;
    const char *data;
    apr_size_t len;

    qp_reader_rewind(reader);
    while (rv == APR_SUCCESS) {
        rv = qp_reader_block(reader, &data, &len);
        if (rv != APR_SUCCESS) {
            break;
        }
        rv = put_block(&out, data, len);
        if (rv != APR_SUCCESS || qp_peer_is_readable(peer)) {
            return APR_EGENERAL;
        }
    }
    if (!APR_STATUS_IS_EOF(rv)) {
        return APR_EOF;
    }
    end->len = out.at_start ? 3 : 5;
    memcpy(end->octets, out.at_start ? ".\r\n" : "\r\n.\r\n", end->len);
    return APR_SUCCESS;
}

/* By BDAT. --------------------------------------------------------------- */

apr_status_t smtp_body_count(qp_reader *reader, apr_off_t *octets)
{
    const char *data;
    apr_size_t len;
    apr_status_t rv;

    *octets = 0;
    qp_reader_rewind(reader);
    while ((rv = qp_reader_block(reader, &data, &len)) == APR_SUCCESS) {
        *octets += (apr_off_t)len;
    }
    return APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : rv;
}

apr_status_t smtp_body_octets(qp_peer *peer, qp_reader *reader,
                              apr_off_t octets, smtp_end *end)
{
    apr_off_t left = octets;
    const char *data;
    apr_size_t len;

    end->len = 0;
    qp_reader_rewind(reader);
    while (left > 0) {
        if (qp_reader_block(reader, &data, &len) != APR_SUCCESS
            || (apr_off_t)len > left) {
            return APR_EOF;
        }
        left -= (apr_off_t)len;
        if (left == 0) {
            end->octets[end->len++] = data[--len];
        }
        if (qp_peer_write(peer, data, len) != APR_SUCCESS
            || qp_peer_is_readable(peer)) {
            return APR_EGENERAL;
        }
    }
    return APR_SUCCESS;
}
