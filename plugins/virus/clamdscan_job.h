/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file clamdscan_job.h
 * @brief Asks clamd about a message, for plugin virus/clamdscan: a job, which
 *        sees nothing of the session.
 *
 * Commands begin with z and end with NUL.
 */
#ifndef CLAMDSCAN_JOB_H
#define CLAMDSCAN_JOB_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "clamdscan_answer.h"

/* clamd knows a message by its first field, and looks into attachments only if
 * it does: this is one that it knows, whatever stands on top of ours. */
#define FIRST_FIELD "Return-Path: <>\n"

static inline apr_status_t send_piece(struct scan *scan, const char *data,
                                      apr_size_t len)
{
    uint32_t count = htonl((uint32_t)len);
    apr_status_t rv = qp_peer_write(scan->peer, &count, sizeof(count));

    return rv == APR_SUCCESS && len > 0 ? qp_peer_write(scan->peer, data, len)
                                        : rv;
}

/* The message in pieces, each behind its length; a length of 0 ends it. */
static inline apr_status_t send_stream(struct scan *scan)
{
    apr_status_t rv =
        qp_peer_write(scan->peer, "zINSTREAM", sizeof("zINSTREAM"));
    const char *data = FIRST_FIELD;
    apr_size_t len = strlen(FIRST_FIELD);

    while (rv == APR_SUCCESS) {
        rv = send_piece(scan, data, len);
        if (rv == APR_SUCCESS) {
            rv = qp_reader_block(scan->reader, &data, &len);
        }
    }
    if (rv == APR_EOF) {
        rv = send_piece(scan, "", 0);
    }
    return rv == APR_SUCCESS ? qp_peer_flush(scan->peer) : rv;
}

static inline apr_status_t write_all(int fd, const char *data, apr_size_t len)
{
    ssize_t n;

    while (len > 0) {
        n = write(fd, data, len);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        if (n > 0) {
            data += n;
            len -= (apr_size_t)n;
        }
    }
    return APR_SUCCESS;
}

/* Makes the file and writes the message. @return *fd to be closed, also after
 * an error; or -1 */
static inline apr_status_t write_file(struct scan *scan, int *fd)
{
    const char *data = FIRST_FIELD;
    apr_size_t len = strlen(FIRST_FIELD);
    apr_status_t rv = APR_SUCCESS;

    *fd = open(scan->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
               0600);
    if (*fd < 0) {
        return errno;
    }
    while (rv == APR_SUCCESS) {
        rv = write_all(*fd, data, len);
        if (rv == APR_SUCCESS) {
            rv = qp_reader_block(scan->reader, &data, &len);
        }
    }
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

static inline apr_status_t send_file(struct scan *scan, int fd)
{
    apr_status_t rv = qp_peer_write(scan->peer, "zFILDES", sizeof("zFILDES"));

    return rv == APR_SUCCESS ? qp_peer_send_fd(scan->peer, fd) : rv;
}

static inline apr_status_t send_name(struct scan *scan)
{
    const char *command = apr_pstrcat(scan->pool, "zSCAN ", scan->file, NULL);
    apr_status_t rv = qp_peer_write(scan->peer, command, strlen(command) + 1);

    return rv == APR_SUCCESS ? qp_peer_flush(scan->peer) : rv;
}

/* Up to the NUL, or to the end of the stream. */
static inline apr_status_t read_answer(struct scan *scan, char *answer)
{
    apr_size_t have = 0;
    apr_size_t len;
    apr_status_t rv;

    do {
        if (have == MAX_ANSWER) {
            return qp_peer_fail(scan->peer, "it is too long");
        }
        rv = qp_peer_read(scan->peer, answer + have, MAX_ANSWER - have, &len);
        have += rv == APR_SUCCESS ? len : 0;
    } while (rv == APR_SUCCESS && memchr(answer, '\0', have) == NULL);
    if (rv != APR_SUCCESS && (rv != APR_EOF || have == 0)) {
        return rv;
    }
    answer[have] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
    return APR_SUCCESS;
}

static inline apr_status_t send_message(struct scan *scan, int fd)
{
    switch (scan->by) {
    case BY_STREAM:
        return send_stream(scan);
    case BY_FILE:
        return send_file(scan, fd);
    case BY_NAME:
        return send_name(scan);
    }
    return APR_EGENERAL;
}

static inline apr_status_t ask_clamd(struct scan *scan, int fd)
{
    char *answer = apr_palloc(scan->pool, MAX_ANSWER + 1);
    apr_status_t rv = scan->port != 0
                          ? qp_peer_connect(scan->peer, scan->host, scan->port)
                          : qp_peer_connect_unix(scan->peer, scan->host);

    if (rv == APR_SUCCESS) {
        rv = send_message(scan, fd);
        /* A clamd that does not take it all may have said why. */
        if (rv != APR_SUCCESS && *qp_peer_error(scan->peer) == '\0') {
            return rv;
        }
        rv = read_answer(scan, answer);
    }
    return rv == APR_SUCCESS ? judge_answer(scan, answer) : rv;
}

static inline apr_status_t run_scan(qp_job *job, void *baton)
{
    struct scan *scan = baton;
    apr_interval_time_t left = scan->end - qp_now();
    apr_status_t rv = APR_SUCCESS;
    int fd = -1;

    scan->peer = qp_peer_create(job, scan->pool);
    qp_peer_deadline(scan->peer, left > 1 ? left : 1);
    if (scan->by != BY_STREAM) {
        rv = write_file(scan, &fd);
    }
    if (rv == APR_SUCCESS) {
        rv = ask_clamd(scan, fd);
    }
    qp_peer_close(scan->peer);
    if (fd >= 0) {
        close(fd);
        unlink(scan->file);
    }
    return rv;
}

#endif /* CLAMDSCAN_JOB_H */
