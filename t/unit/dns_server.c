/* SPDX-License-Identifier: Apache-2.0 */
/* The name server of tests: one thread, one port for UDP and TCP. It makes an
 * answer of the question itself, which it trusts: it comes from us. */

#include "dns_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_strings.h>

struct packet {
    unsigned char octets[4096];
    size_t len;
};

static void put(struct packet *p, const void *octets, size_t len)
{
    memcpy(p->octets + p->len, octets, len);
    p->len += len;
}

static void put_name(struct packet *p, const char *name)
{
    unsigned char len;

    for (; *name != '\0'; name += name[len] == '.' ? len + 1 : len) {
        len = (unsigned char)strcspn(name, ".");
        put(p, &len, 1);
        put(p, name, len);
    }
    put(p, "", 1);
}

/* An A record of the question's name. */
static void put_a(struct packet *p, int last)
{
    unsigned char a[] = {
        0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 0
    };

    a[15] = (unsigned char)last;
    put(p, a, sizeof(a));
    p->octets[7]++;
}

static int is_word(const unsigned char *label, const char *word)
{
    return label[0] == strlen(word)
           && memcmp(label + 1, word, strlen(word)) == 0;
}

/* An alias of which this server says no more: "far" is one of "here". */
static void put_far(struct packet *p)
{
    static const char alias[] = "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\6\4here\0";

    put(p, alias, sizeof(alias) - 1);
    p->octets[7]++;
}

/* Adds a row as a record of the question's name. */
static void put_row(struct packet *p, const dns_row *row)
{
    struct packet data = { .len = 0 };
    unsigned char frame[] = { 0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 60, 0, 0 };
    unsigned char ip[16];
    unsigned char octet;

    if (row->type == QP_DNS_A || row->type == QP_DNS_AAAA) {
        inet_pton(row->type == QP_DNS_A ? AF_INET : AF_INET6, row->value, ip);
        put(&data, ip, row->type == QP_DNS_A ? 4 : 16);
    }
    else if (row->type == QP_DNS_TXT) {
        octet = (unsigned char)strlen(row->value);
        put(&data, &octet, 1);
        put(&data, row->value, octet);
    }
    else {
        if (row->type == QP_DNS_MX) {
            put(&data, "\0\x0a", 2);
        }
        put_name(&data, row->value);
    }
    frame[3] = (unsigned char)row->type;
    frame[11] = (unsigned char)data.len;
    put(p, frame, sizeof(frame));
    put(p, data.octets, data.len);
    p->octets[7]++;
}

/* Answers from the zone. */
static void look_up(const dns_row *zone, struct packet *p)
{
    const unsigned char *label = p->octets + 12;
    char name[256];
    size_t len = 0;
    int is_there = 0;
    int type;

    for (; *label != 0; label += 1 + *label) {
        memcpy(name + len, label + 1, *label);
        len += *label;
        name[len++] = '.';
    }
    name[len > 0 ? len - 1 : 0] = '\0';
    type = label[1] << 8 | label[2];
    for (; zone->name != NULL; zone++) {
        if (strcasecmp(zone->name, name) == 0) {
            is_there = 1;
            if (zone->type == type) {
                put_row(p, zone);
            }
        }
    }
    p->octets[3] |= is_there ? 0 : 3;
}

/* Makes the answer out of the question. @return whether there is one */
static int answer(const dns_row *zone, struct packet *p, int by_tcp)
{
    const unsigned char *label = p->octets + 12;
    size_t end = 12;
    int i;

    while (p->octets[end] != 0) {
        end += 1u + p->octets[end];
    }
    p->len = end + 5;    /* without EDNS */
    p->octets[2] = 0x81; /* a response */
    p->octets[3] = 0x80;
    p->octets[11] = 0;
    if (is_word(label, "silent")) {
        return 0;
    }
    if (is_word(label, "nothing")) {
        p->octets[3] |= 3;
    }
    else if (is_word(label, "broken")) {
        p->octets[3] |= 2;
    }
    else if (is_word(label, "refused")) {
        p->octets[3] |= 5;
    }
    else if (is_word(label, "long") && !by_tcp) {
        p->octets[2] |= 2;
    }
    else if (is_word(label, "far")) {
        put_far(p);
    }
    else if (is_word(label, "garbage")) {
        memset(p->octets + 12, 0xc1, 60);
        p->len = 72;
    }
    else if (is_word(label, "cut")) {
        put_a(p, 1);
        p->len -= 3;
    }
    else if (zone != NULL) {
        look_up(zone, p);
    }
    else if (!is_word(label, "empty")) {
        for (i = is_word(label, "long") ? 100 : 1; i > 0; i--) {
            put_a(p, i);
        }
    }
    return 1;
}

/* "forged": a wrong id first, and another name, then the answer. */
static void send_forged(struct dns_server *server, const struct packet *good,
                        const struct sockaddr_in *to)
{
    struct packet bad = *good;

    bad.octets[0] ^= 1;
    bad.octets[bad.len - 1] = 66;
    sendto(server->udp, bad.octets, bad.len, 0, (const void *)to, sizeof(*to));
    bad = *good;
    bad.octets[13] ^= 1;
    bad.octets[bad.len - 1] = 66;
    sendto(server->udp, bad.octets, bad.len, 0, (const void *)to, sizeof(*to));
}

static void serve_udp(struct dns_server *server)
{
    struct packet p;
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    ssize_t n = recvfrom(server->udp, p.octets, 512, 0, (void *)&from, &size);

    if (n < 17) {
        return;
    }
    __atomic_add_fetch(&server->nasked, 1, __ATOMIC_ACQ_REL);
    p.len = (size_t)n;
    if (answer(server->zone, &p, 0)) {
        if (is_word(p.octets + 12, "forged")) {
            send_forged(server, &p, &from);
        }
        sendto(server->udp, p.octets, p.len, 0, (const void *)&from, size);
    }
}

static void serve_tcp(struct dns_server *server)
{
    struct packet p;
    unsigned char len[2];
    int fd = accept(server->tcp, NULL, NULL);
    ssize_t n;

    if (fd < 0 || recv(fd, len, 2, MSG_WAITALL) != 2) {
        close(fd);
        return;
    }
    n = recv(fd, p.octets, (size_t)(len[0] << 8 | len[1]), MSG_WAITALL);
    __atomic_add_fetch(&server->nasked, 1, __ATOMIC_ACQ_REL);
    __atomic_add_fetch(&server->ntcp, 1, __ATOMIC_ACQ_REL);
    p.len = n > 0 ? (size_t)n : 0;
    if (n > 16 && answer(server->zone, &p, 1)) {
        len[0] = (unsigned char)(p.len >> 8);
        len[1] = (unsigned char)p.len;
        n = write(fd, len, 2);
        n = write(fd, p.octets, p.len);
    }
    close(fd);
}

static void *run_server(void *data)
{
    struct dns_server *server = data;
    struct pollfd fds[] = { { server->udp, POLLIN, 0 },
                            { server->tcp, POLLIN, 0 },
                            { server->stop[0], POLLIN, 0 } };

    while (poll(fds, 3, -1) > 0 && fds[2].revents == 0) {
        if (fds[0].revents != 0) {
            serve_udp(server);
        }
        if (fds[1].revents != 0) {
            serve_tcp(server);
        }
    }
    return NULL;
}

/* UDP and TCP on one free port. */
static int bind_both(struct dns_server *server)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(addr);

    server->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    server->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->udp, (void *)&addr, sizeof(addr)) != 0
        || getsockname(server->udp, (void *)&addr, &size) != 0
        || bind(server->tcp, (void *)&addr, sizeof(addr)) != 0
        || listen(server->tcp, 5) != 0) {
        close(server->udp);
        close(server->tcp);
        return 0;
    }
    server->port = ntohs(addr.sin_port);
    return 1;
}

struct dns_server *dns_server_start(const dns_row *zone, apr_pool_t *pool)
{
    struct dns_server *server = apr_pcalloc(pool, sizeof(*server));
    int i;

    server->zone = zone;
    for (i = 0; i < 100 && !bind_both(server); i++) {
        continue; /* the port was free for UDP only */
    }
    if (i == 100 || pipe(server->stop) != 0
        || pthread_create(&server->thread, NULL, run_server, server) != 0) {
        abort();
    }
    server->csv = apr_psprintf(pool, "127.0.0.1:%d", server->port);
    return server;
}

void dns_server_stop(struct dns_server *server)
{
    if (write(server->stop[1], "x", 1) != 1) {
        abort();
    }
    pthread_join(server->thread, NULL);
    close(server->stop[0]);
    close(server->stop[1]);
    close(server->udp);
    close(server->tcp);
}

int dns_server_asked(const struct dns_server *server)
{
    return __atomic_load_n(&server->nasked, __ATOMIC_ACQUIRE);
}

int dns_server_by_tcp(const struct dns_server *server)
{
    return __atomic_load_n(&server->ntcp, __ATOMIC_ACQUIRE);
}
