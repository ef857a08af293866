/* SPDX-License-Identifier: Apache-2.0 */
/* Streams to other servers, for jobs. Every wait ends with the deadline, or
 * with the job's; what the other side sends is taken into a buffer of a fixed
 * size, and what it is sent is gathered in another. A stream may outlive the
 * job that made it. What is said on it is the plugin's business. */

#include "wire/qp_peer.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_strings.h>

/* How often a wait looks whether its job is still wanted. */
#define LOOK_EVERY apr_time_from_msec(100)

/* What went wrong. --------------------------------------------------------- */

apr_status_t qp_peer_note(qp_peer *peer, apr_status_t rv, const char *doing)
{
    char text[128];
    const char *why = text;

    if (APR_STATUS_IS_TIMEUP(rv)) {
        why = "it takes too long";
    }
    else if (APR_STATUS_IS_EINTR(rv)) {
        why = "nobody waits for it any more";
    }
    else if (APR_STATUS_IS_EOF(rv)) {
        why = "it has closed the connection";
    }
    else if (peer->tls_error[0] != '\0') {
        why = peer->tls_error;
    }
    else {
        apr_strerror(rv, text, sizeof(text));
    }
    apr_snprintf(peer->error, sizeof(peer->error), "cannot %s %s: %s", doing,
                 peer->name, why);
    peer->tls_error[0] = '\0';
    return rv;
}

apr_status_t qp_peer_fail(qp_peer *peer, const char *fmt, ...)
{
    char why[384];
    va_list ap;

    va_start(ap, fmt);
    apr_vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    apr_snprintf(peer->error, sizeof(peer->error),
                 "cannot use the answer of "
                 "%s: %s",
                 peer->name, why);
    return APR_EGENERAL;
}

const char *qp_peer_error(const qp_peer *peer)
{
    return peer->error;
}

const char *qp_peer_name(const qp_peer *peer)
{
    return peer->name;
}

/* Time. -------------------------------------------------------------------- */

void qp_peer_deadline(qp_peer *peer, apr_interval_time_t from_now)
{
    peer->deadline = from_now > 0 ? qp_now() + from_now : 0;
}

/* @return how long a wait may take, at most until it has to look again; or 0
 * and in *rv why not */
static apr_interval_time_t look_up_time(const qp_peer *peer,
                                        apr_time_t deadline, apr_status_t *rv)
{
    apr_interval_time_t left = LOOK_EVERY;

    *rv = APR_SUCCESS;
    if (peer->job != NULL && qp_job_is_cancelled(peer->job)) {
        *rv = APR_EINTR;
        return 0;
    }
    if (deadline != 0) {
        left = deadline - qp_now();
    }
    if (left <= 0) {
        *rv = APR_TIMEUP;
        return 0;
    }
    return left < LOOK_EVERY ? left : LOOK_EVERY;
}

apr_status_t qp_peer_wait(qp_peer *peer, short events, apr_time_t deadline)
{
    struct pollfd waiting = { peer->fd, events, 0 };
    apr_interval_time_t time;
    apr_status_t rv;
    int n = 0;

    while (n == 0) {
        time = look_up_time(peer, deadline, &rv);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        n = poll(&waiting, 1, (int)apr_time_as_msec(time) + 1);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        n = n < 0 ? 0 : n;
    }
    return APR_SUCCESS;
}

/* In clear. ---------------------------------------------------------------- */

static apr_status_t recv_clear(qp_peer *peer, char *data, apr_size_t *len,
                               short *wait)
{
    ssize_t n = recv(peer->fd, data, *len, 0);

    *wait = POLLIN;
    if (n > 0) {
        *len = (apr_size_t)n;
        return APR_SUCCESS;
    }
    return n == 0 ? APR_EOF : errno;
}

static apr_status_t send_clear(qp_peer *peer, const char *data, apr_size_t *len,
                               short *wait)
{
    ssize_t n = send(peer->fd, data, *len, MSG_NOSIGNAL);

    *wait = POLLOUT;
    if (n >= 0) {
        *len = (apr_size_t)n;
        return APR_SUCCESS;
    }
    return errno;
}

static const qp_peer_way clear_way = { recv_clear, send_clear, NULL };

/* Beginning and end. ------------------------------------------------------- */

void qp_peer_close(qp_peer *peer)
{
    if (peer->way->close != NULL) {
        peer->way->close(peer);
    }
    if (peer->fd >= 0) {
        close(peer->fd);
    }
    peer->fd = -1;
    peer->way = &clear_way;
    peer->in_start = 0;
    peer->in_end = 0;
    peer->out_len = 0;
}

static apr_status_t close_peer(void *data)
{
    qp_peer_close(data);
    return APR_SUCCESS;
}

qp_peer *qp_peer_create(qp_job *job, apr_pool_t *pool)
{
    qp_peer *peer = apr_palloc(pool, sizeof(*peer));

    peer->job = job;
    peer->fd = -1;
    peer->deadline = 0;
    apr_cpystrn(peer->name, "nobody", sizeof(peer->name));
    peer->error[0] = '\0';
    peer->tls_error[0] = '\0';
    peer->tls = NULL;
    peer->way = &clear_way;
    qp_peer_close(peer);
    apr_pool_cleanup_register(pool, peer, close_peer, apr_pool_cleanup_null);
    return peer;
}

void qp_peer_use(qp_peer *peer, qp_job *job)
{
    peer->job = job;
}

/* Waits for the end of a connect() that has begun. */
static apr_status_t await_connect(qp_peer *peer, apr_time_t deadline)
{
    socklen_t len = sizeof(int);
    int error = 0;
    apr_status_t rv = qp_peer_wait(peer, POLLOUT, deadline);

    if (rv == APR_SUCCESS
        && getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0) {
        rv = error;
    }
    return rv;
}

/* The queue of a socket in the file system may be full, and then there is
 * nothing to poll for. */
static apr_status_t dial_again(qp_peer *peer, const struct sockaddr *addr,
                               socklen_t len, apr_time_t deadline)
{
    apr_interval_time_t time;
    apr_status_t rv = APR_EAGAIN;

    while (rv == APR_EAGAIN) {
        time = look_up_time(peer, deadline, &rv);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        apr_sleep(time < 10000 ? time : 10000);
        rv = connect(peer->fd, addr, len) == 0 ? APR_SUCCESS : errno;
    }
    return rv;
}

static apr_status_t dial(qp_peer *peer, const struct sockaddr *addr,
                         socklen_t len, apr_time_t deadline)
{
    apr_status_t rv = APR_SUCCESS;
    int one = 1;

    qp_peer_close(peer);
    peer->fd =
        socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (peer->fd < 0) {
        return errno;
    }
    if (connect(peer->fd, addr, len) != 0) {
        rv = errno;
    }
    if (rv == EINPROGRESS) {
        rv = await_connect(peer, deadline);
    }
    else if (rv == EAGAIN) {
        rv = dial_again(peer, addr, len, deadline);
    }
    if (rv != APR_SUCCESS) {
        qp_peer_close(peer);
        return rv;
    }
    /* What is sent has been gathered already; without it Nagle would hold
     * back the last piece. */
    if (addr->sa_family != AF_UNIX) {
        QP_IGNORE(setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &one,
                             sizeof(one)),
                  "it works without");
    }
    return APR_SUCCESS;
}

/* Tries the addresses in their order, each for its share of the time. */
static apr_status_t dial_each(qp_peer *peer, const struct addrinfo *found)
{
    const struct addrinfo *each;
    apr_status_t rv = APR_EGENERAL;
    apr_time_t until = 0;
    apr_time_t now;
    int left = 0;

    for (each = found; each != NULL; each = each->ai_next) {
        left++;
    }
    for (; found != NULL; found = found->ai_next) {
        now = qp_now();
        if (peer->deadline != 0) {
            until = now + (peer->deadline - now) / left--;
        }
        rv = dial(peer, found->ai_addr, found->ai_addrlen, until);
        if (rv == APR_SUCCESS || APR_STATUS_IS_EINTR(rv)) {
            break;
        }
    }
    return rv;
}

apr_status_t qp_peer_connect(qp_peer *peer, const char *host, int port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    char digits[16];
    apr_status_t rv;
    int error;

    qp_peer_close(peer);
    apr_snprintf(digits, sizeof(digits), "%d", port);
    apr_snprintf(peer->name, sizeof(peer->name),
                 strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, digits);
    error = getaddrinfo(host, digits, &hints, &found);
    if (error == EAI_SYSTEM) {
        return qp_peer_note(peer, errno, "find");
    }
    if (error != 0) {
        apr_snprintf(peer->error, sizeof(peer->error), "cannot find %s: %s",
                     peer->name, gai_strerror(error));
        return APR_EGENERAL;
    }
    rv = dial_each(peer, found);
    freeaddrinfo(found);
    return rv != APR_SUCCESS ? qp_peer_note(peer, rv, "connect to") : rv;
}

apr_status_t qp_peer_connect_unix(qp_peer *peer, const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    apr_status_t rv = APR_ENAMETOOLONG;

    qp_peer_close(peer);
    apr_cpystrn(peer->name, path, sizeof(peer->name));
    if (strlen(path) < sizeof(addr.sun_path)) {
        apr_cpystrn(addr.sun_path, path, sizeof(addr.sun_path));
        rv = dial(peer, (const struct sockaddr *)&addr, sizeof(addr),
                  peer->deadline);
    }
    return rv != APR_SUCCESS ? qp_peer_note(peer, rv, "connect to") : rv;
}

/* Sending. ----------------------------------------------------------------- */

static apr_status_t send_all(qp_peer *peer, const char *data, apr_size_t len)
{
    apr_status_t rv = peer->fd < 0 ? APR_EOF : APR_SUCCESS;
    apr_size_t n;
    short wait;

    while (rv == APR_SUCCESS && len > 0) {
        n = len;
        rv = peer->way->send(peer, data, &n, &wait);
        if (rv == APR_SUCCESS) {
            data += n;
            len -= n;
            /* Also one that takes an octet at a time has no more time. */
            QP_IGNORE(look_up_time(peer, peer->deadline, &rv), "it is rv");
        }
        else if (APR_STATUS_IS_EAGAIN(rv)) {
            rv = qp_peer_wait(peer, wait, peer->deadline);
        }
        else if (APR_STATUS_IS_EINTR(rv)) {
            rv = APR_SUCCESS;
        }
    }
    return rv != APR_SUCCESS ? qp_peer_note(peer, rv, "send to") : rv;
}

apr_status_t qp_peer_flush(qp_peer *peer)
{
    apr_size_t len = peer->out_len;

    peer->out_len = 0;
    return len > 0 ? send_all(peer, peer->out, len) : APR_SUCCESS;
}

apr_status_t qp_peer_write(qp_peer *peer, const void *data, apr_size_t len)
{
    apr_status_t rv;

    if (len > sizeof(peer->out) - peer->out_len) {
        rv = qp_peer_flush(peer);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    if (len > sizeof(peer->out)) {
        return send_all(peer, data, len);
    }
    memcpy(peer->out + peer->out_len, data, len);
    peer->out_len += len;
    return APR_SUCCESS;
}

apr_status_t qp_peer_puts(qp_peer *peer, const char *text)
{
    return qp_peer_write(peer, text, strlen(text));
}

apr_status_t qp_peer_shut(qp_peer *peer)
{
    apr_status_t rv = qp_peer_flush(peer);

    if (rv == APR_SUCCESS && peer->way == &clear_way
        && shutdown(peer->fd, SHUT_WR) != 0) {
        rv = qp_peer_note(peer, errno, "send to");
    }
    return rv;
}

/* One octet with the descriptor of a file beside it (unix(7), SCM_RIGHTS). */
static apr_status_t send_rights(qp_peer *peer, int fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } rights;
    struct iovec octet = { (char[1]){ 0 }, 1 };
    struct msghdr msg = { .msg_iov = &octet,
                          .msg_iovlen = 1,
                          .msg_control = &rights,
                          .msg_controllen = sizeof(rights.room) };
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

    memset(&rights, 0, sizeof(rights));
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof(int));
    return sendmsg(peer->fd, &msg, MSG_NOSIGNAL) == 1 ? APR_SUCCESS : errno;
}

apr_status_t qp_peer_send_fd(qp_peer *peer, int fd)
{
    apr_status_t rv = qp_peer_flush(peer);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    do {
        rv = qp_peer_wait(peer, POLLOUT, peer->deadline);
        rv = rv == APR_SUCCESS ? send_rights(peer, fd) : rv;
    } while (APR_STATUS_IS_EAGAIN(rv));
    return rv != APR_SUCCESS ? qp_peer_note(peer, rv, "pass a file to") : rv;
}

/* Receiving. --------------------------------------------------------------- */

/* Takes what there is, after waiting for it. */
static apr_status_t fill(qp_peer *peer)
{
    apr_status_t rv = qp_peer_flush(peer);
    apr_size_t len;
    short wait;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (peer->in_start > 0) {
        memmove(peer->in, peer->in + peer->in_start,
                peer->in_end - peer->in_start);
        peer->in_end -= peer->in_start;
        peer->in_start = 0;
    }
    QP_IGNORE(look_up_time(peer, peer->deadline, &rv), "it is rv");
    if (rv == APR_SUCCESS) {
        rv = peer->fd < 0 ? APR_EOF : APR_EAGAIN;
    }
    while (APR_STATUS_IS_EAGAIN(rv)) {
        len = sizeof(peer->in) - peer->in_end;
        rv = peer->way->recv(peer, peer->in + peer->in_end, &len, &wait);
        if (APR_STATUS_IS_EINTR(rv)) {
            rv = APR_EAGAIN;
        }
        else if (APR_STATUS_IS_EAGAIN(rv)) {
            rv = qp_peer_wait(peer, wait, peer->deadline);
            rv = rv == APR_SUCCESS ? APR_EAGAIN : rv;
        }
    }
    if (rv != APR_SUCCESS) {
        return qp_peer_note(peer, rv, "get an answer from");
    }
    peer->in_end += len;
    return APR_SUCCESS;
}

apr_status_t qp_peer_read(qp_peer *peer, void *data, apr_size_t max,
                          apr_size_t *len)
{
    apr_status_t rv = APR_SUCCESS;

    *len = 0;
    if (peer->in_start == peer->in_end) {
        rv = fill(peer);
    }
    if (rv == APR_SUCCESS) {
        *len = peer->in_end - peer->in_start;
        *len = *len < max ? *len : max;
        memcpy(data, peer->in + peer->in_start, *len);
        peer->in_start += *len;
    }
    return rv;
}

apr_status_t qp_peer_read_all(qp_peer *peer, void *data, apr_size_t len)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t n = 0;
    char *to = data;

    while (rv == APR_SUCCESS && len > 0) {
        rv = qp_peer_read(peer, to, len, &n);
        to += n;
        len -= n;
    }
    return rv;
}

apr_status_t qp_peer_line(qp_peer *peer, apr_size_t max, const char **line,
                          apr_size_t *len)
{
    apr_status_t rv = APR_SUCCESS;
    apr_size_t seen = 0;
    const char *start;
    const char *lf;

    QP_ASSERT(max <= QP_PEER_LINE_MAX);
    for (;;) {
        start = peer->in + peer->in_start;
        *len = peer->in_end - peer->in_start;
        lf = memchr(start + seen, '\n', *len - seen);
        if ((lf == NULL && *len >= max)
            || (lf != NULL && (apr_size_t)(lf - start) + 1 > max)) {
            return qp_peer_fail(peer, "it is too long");
        }
        if (lf != NULL) {
            break;
        }
        seen = *len;
        rv = fill(peer);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    peer->in_start += (apr_size_t)(lf - start) + 1;
    *len = (apr_size_t)(lf - start);
    *len -= *len > 0 && start[*len - 1] == '\r' ? 1 : 0;
    peer->in[start - peer->in + (ptrdiff_t)*len] = '\0';
    *line = start;
    return APR_SUCCESS;
}

/* With TLS the socket may be readable without anything to read. */
int qp_peer_is_readable(qp_peer *peer)
{
    apr_size_t len = sizeof(peer->in);
    apr_status_t rv;
    short wait;

    if (peer->in_start < peer->in_end || peer->fd < 0) {
        return 1;
    }
    peer->in_start = 0;
    peer->in_end = 0;
    rv = peer->way->recv(peer, peer->in + peer->in_end, &len, &wait);
    if (rv == APR_SUCCESS) {
        peer->in_end += len;
    }
    return !APR_STATUS_IS_EAGAIN(rv) && !APR_STATUS_IS_EINTR(rv);
}
