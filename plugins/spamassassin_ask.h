/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file spamassassin_ask.h
 * @brief Asks spamd about a message, for plugin spamassassin: a job, which
 *        sees nothing of the session.
 */
#ifndef SPAMASSASSIN_ASK_H
#define SPAMASSASSIN_ASK_H

#include "qpsmtpd.h"

#include "spamassassin_fields.h"

/* Of a reply: octets of a line, lines with the verdict, and octets of the
 * header behind, which holds that of the message too; what spamd adds is on
 * top. */
#define MAX_LINE  998
#define MAX_LINES 50
#define MAX_REPLY 65536

/* One message that spamd is asked about; in the job's pool. */
struct ask {
    const char *host;     /* or a path */
    int port;             /* 0: it is a path */
    int want_fields;      /* else the names of the tests are enough */
    const char *user;     /* or NULL */
    const char *envelope; /* a field with the sender */
    qp_reader *measured;  /* the message, to be counted */
    qp_reader *reader;    /* and to be sent */
    apr_time_t end;
    qp_peer *peer;
    struct spam_reply reply;
};

/* Octets of the message with CR LF, which nobody has counted so far. */
static apr_status_t count_octets(struct ask *ask, apr_off_t *octets)
{
    const char *data;
    apr_size_t len;
    apr_status_t rv = APR_SUCCESS;

    *octets = 0;
    while (rv == APR_SUCCESS) {
        rv = qp_reader_block(ask->measured, &data, &len);
        *octets += rv == APR_SUCCESS ? (apr_off_t)len : 0;
    }
    return rv == APR_EOF ? APR_SUCCESS : rv;
}

static apr_status_t send_request(struct ask *ask)
{
    apr_off_t octets;
    apr_status_t rv = count_octets(ask, &octets);
    const char *data;
    apr_size_t len;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    octets += (apr_off_t)strlen(ask->envelope);
    data = apr_psprintf(ask->reply.pool,
                        "%s SPAMC/1.4\r\n%s%s%s"
                        "Content-length: %" APR_OFF_T_FMT "\r\n\r\n%s",
                        ask->want_fields ? "HEADERS" : "SYMBOLS",
                        ask->user != NULL ? "User: " : "",
                        ask->user != NULL ? ask->user : "",
                        ask->user != NULL ? "\r\n" : "", octets, ask->envelope);
    rv = qp_peer_puts(ask->peer, data);
    while (rv == APR_SUCCESS) {
        rv = qp_reader_block(ask->reader, &data, &len);
        if (rv == APR_SUCCESS) {
            rv = qp_peer_write(ask->peer, data, len);
        }
    }
    return rv == APR_EOF ? qp_peer_shut(ask->peer) : rv;
}

/* The status, and the fields up to the empty line. */
static apr_status_t read_verdict(struct ask *ask)
{
    const char *line;
    const char *fault = NULL;
    apr_size_t len;
    apr_status_t rv = qp_peer_line(ask->peer, MAX_LINE, &line, &len);
    int lines = 0;

    if (rv == APR_SUCCESS && !is_ok_status(line)) {
        return qp_peer_fail(ask->peer, "it says \"%.100s\"", line);
    }
    while (rv == APR_SUCCESS) {
        rv = qp_peer_line(ask->peer, MAX_LINE, &line, &len);
        if (rv != APR_SUCCESS || len == 0) {
            break;
        }
        fault = ++lines > MAX_LINES ? "it does not end"
                                    : parse_head(&ask->reply, line);
        if (fault != NULL) {
            return qp_peer_fail(ask->peer, "%s", fault);
        }
    }
    if (rv == APR_SUCCESS && ask->reply.result.score == NULL) {
        return qp_peer_fail(ask->peer, "it has no verdict");
    }
    return rv;
}

/* What is behind the empty line, as far as it is of use. */
static apr_status_t read_body(struct ask *ask)
{
    apr_off_t length = ask->reply.length;
    apr_size_t max =
        length >= 0 && length < MAX_REPLY ? (apr_size_t)length : MAX_REPLY;
    char *text = apr_palloc(ask->reply.pool, MAX_REPLY + 1);
    apr_size_t have = 0;
    apr_size_t len;
    apr_status_t rv = APR_SUCCESS;

    while (rv == APR_SUCCESS && have < max) {
        rv = qp_peer_read(ask->peer, text + have, max - have, &len);
        have += rv == APR_SUCCESS ? len : 0;
    }
    if (rv != APR_SUCCESS && (rv != APR_EOF || length >= 0)) {
        return rv;
    }
    if (have < MAX_REPLY) {
        text[have++] = '\n'; /* it ends, and is not cut off */
    }
    if (ask->want_fields) {
        parse_header(&ask->reply, text, have);
        ask->reply.result.tests = find_status(&ask->reply, "tests=");
        ask->reply.result.autolearn = find_status(&ask->reply, "autolearn=");
    }
    else {
        have = clean_header(text, have);
        ask->reply.result.tests =
            apr_pstrmemdup(ask->reply.pool, text,
                           have < SPAM_VALUE_MAX ? have - 1 : 0);
    }
    return APR_SUCCESS;
}

static apr_status_t ask_spamd(qp_job *job, void *baton)
{
    struct ask *ask = baton;
    apr_interval_time_t left = ask->end - qp_now();
    apr_status_t rv;

    ask->peer = qp_peer_create(job, ask->reply.pool);
    qp_peer_deadline(ask->peer, left > 1 ? left : 1);
    rv = ask->port != 0 ? qp_peer_connect(ask->peer, ask->host, ask->port)
                        : qp_peer_connect_unix(ask->peer, ask->host);
    if (rv == APR_SUCCESS) {
        rv = send_request(ask);
    }
    if (rv == APR_SUCCESS) {
        rv = read_verdict(ask);
    }
    if (rv == APR_SUCCESS) {
        rv = read_body(ask);
    }
    qp_peer_close(ask->peer);
    return rv;
}

#endif /* SPAMASSASSIN_ASK_H */
