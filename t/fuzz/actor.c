/* SPDX-License-Identifier: Apache-2.0 */
/* The other server of a fuzz target. */
#include "actor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "session/qp_txn.h"
#include "wire/qp_job.h"
#include "wire/qp_peer.h"

enum {
    LITERAL = 0xfa,
    REFUSE = 0xfb,
    DEAFEN = 0xfc,
    RESET = 0xfd,
    CLOSE = 0xfe,
    PAUSE = 0xff
};

/* What the linker puts in the place of qp_peer_*. */
apr_status_t __wrap_qp_peer_connect(qp_peer *peer, const char *host, int port);
apr_status_t __wrap_qp_peer_connect_unix(qp_peer *peer, const char *path);
apr_status_t __wrap_qp_peer_start_tls(qp_peer *peer, const qp_tls *tls,
                                      const char *host);
const char *__wrap_qp_peer_tls(const qp_peer *peer);

static actor current;

static void wake_nobody(qp_waker *waker)
{
}

static qp_waker waker = { .wake = wake_nobody,
                          .destroy = wake_nobody,
                          .refs = 1 };

actor *actor_begin(const fuzz_input *in, size_t chunk)
{
    memset(&current, 0, sizeof(current));
    current.in = *in;
    current.chunk = chunk;
    return &current;
}

int actor_count(const actor *who, const char *text, size_t len)
{
    const char *at = who->heard;
    size_t left = who->heard_len;
    int count = 0;

    while ((at = memmem(at, left, text, len)) != NULL) {
        count++;
        at += len;
        left = who->heard_len - (size_t)(at - who->heard);
    }
    return count;
}

/* The octets that are said as they are, up to what fits. */
static size_t say(char *data, size_t room)
{
    size_t len = 0;

    room = current.chunk > 0 && current.chunk < room ? current.chunk : room;
    while (len < room && current.in.left > 0) {
        if (*current.in.next == LITERAL) {
            fuzz_byte(&current.in);
        }
        else if (*current.in.next > LITERAL) {
            break;
        }
        data[len++] = (char)fuzz_byte(&current.in);
    }
    return len;
}

static apr_status_t recv_said(qp_peer *peer, char *data, apr_size_t *len,
                              short *wait)
{
    size_t n = say(data, *len);

    *wait = POLLIN;
    if (n > 0) {
        *len = n;
        return APR_SUCCESS;
    }
    if (current.in.left == 0) {
        return APR_EOF;
    }
    switch (*current.in.next) {
    case PAUSE:
        fuzz_byte(&current.in);
        return APR_EAGAIN;
    case RESET:
        return ECONNRESET;
    case DEAFEN:
        fuzz_byte(&current.in);
        current.is_deaf = 1;
        return APR_EAGAIN;
    default:
        return APR_EOF;
    }
}

static void check_secrets(const char *data, size_t len)
{
    size_t i;

    for (i = 0; i < 2; i++) {
        fuzz_check(
            current.secrets[i] == NULL
            || memmem(data, len, current.secrets[i], strlen(current.secrets[i]))
                   == NULL);
    }
}

static apr_status_t send_heard(qp_peer *peer, const char *data, apr_size_t *len,
                               short *wait)
{
    size_t n = *len;

    fuzz_check(n > 0);
    *wait = POLLOUT;
    if (current.is_deaf) {
        return EPIPE;
    }
    if (!current.is_secret) {
        check_secrets(data, n);
    }
    n = current.takes > 0 && current.takes < n ? current.takes : n;
    *len = n;
    n = n < ACTOR_HEARD - current.heard_len ? n
                                            : ACTOR_HEARD - current.heard_len;
    memcpy(current.heard + current.heard_len, data, n);
    current.heard_len += n;
    return APR_SUCCESS;
}

static const qp_peer_way actor_way = { recv_said, send_heard, NULL };

/* What is left of the connection before is not for this one. */
static void skip_rest(void)
{
    unsigned int octet = 0;

    while (current.in.left > 0 && octet != CLOSE && octet != RESET) {
        octet = fuzz_byte(&current.in);
        if (octet == LITERAL) {
            fuzz_byte(&current.in);
        }
    }
}

/* @return whether what comes now is to fail */
static int is_refused(void)
{
    if (current.in.left == 0 || *current.in.next != REFUSE) {
        return 0;
    }
    fuzz_byte(&current.in);
    return 1;
}

static apr_status_t meet(qp_peer *peer, int is_here)
{
    qp_peer_close(peer);
    if (current.connects++ > 0) {
        skip_rest();
    }
    current.is_deaf = 0;
    current.is_secret = is_here;
    current.is_tls = 0;
    apr_cpystrn(peer->name, "actor", sizeof(peer->name));
    if (is_refused()) {
        return qp_peer_note(peer, ECONNREFUSED, "connect to");
    }
    peer->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    fuzz_check(peer->fd >= 0);
    peer->way = &actor_way;
    return APR_SUCCESS;
}

apr_status_t __wrap_qp_peer_connect(qp_peer *peer, const char *host, int port)
{
    fuzz_check(host != NULL && port > 0);
    return meet(peer, 0);
}

apr_status_t __wrap_qp_peer_connect_unix(qp_peer *peer, const char *path)
{
    fuzz_check(path != NULL);
    return meet(peer, 1);
}

/* As the real one, octets behind the answer to STARTTLS are not forgiven. */
apr_status_t __wrap_qp_peer_start_tls(qp_peer *peer, const qp_tls *tls,
                                      const char *host)
{
    apr_status_t rv = qp_peer_flush(peer);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (peer->fd < 0 || peer->in_start < peer->in_end || is_refused()) {
        qp_peer_close(peer);
        return qp_peer_fail(peer, "no TLS");
    }
    current.is_secret = 1;
    current.is_tls = 1;
    return APR_SUCCESS;
}

const char *__wrap_qp_peer_tls(const qp_peer *peer)
{
    return current.is_tls ? "TLSv1.3" : NULL;
}

/* What a job has. */

qp_job *actor_job(apr_pool_t *pool)
{
    qp_jobs *jobs;

    fuzz_check(qp_jobs_create(&jobs, 1, pool) == APR_SUCCESS);
    return qp_jobs_prepare(jobs, &waker, pool);
}

static void put(qp_txn *txn, const char *text)
{
    memcpy(qp_spool_reserve(txn->spool, strlen(text), QP_SPOOL_KEEP), text,
           strlen(text));
    qp_spool_commit(txn->spool, strlen(text));
}

qp_reader *actor_message(apr_pool_t *pool)
{
    static const char header[] = "Subject: caf\xc3\xa9\n";
    static const char body[] = ".\n..\nbare\rCR\n\r.\r\n\x80 end";
    qp_txn *txn = qp_txn_create("id.1", pool, NULL);

    txn->spool = qp_spool_create("/nowhere", 10000, txn->pool);
    txn->header = qp_header_parse(header, strlen(header), txn->pool);
    txn->body_start = (apr_off_t)sizeof(header);
    txn->has_empty_line = 1;
    put(txn, header);
    put(txn, "\n");
    put(txn, body);
    return qp_txn_reader(txn, QP_READ_MESSAGE | QP_READ_DETACHED, pool);
}
