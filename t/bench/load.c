/* SPDX-License-Identifier: Apache-2.0 */
/* A client for what smtp-source lacks, compiled by t/bench/run: sessions that
 * only connect and quit (-q), and messages on connections with TLS (-t).
 *
 *   load [-q] [-t] [-s SESSIONS] [-m NUMBER] [-l OCTETS] PORT
 *
 * Fails at the first reply that is not the expected one. */

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct plan {
    int quit;
    int sessions;
    atomic_int left;
    int port;
    SSL_CTX *tls;
    char *body;
    size_t body_len;
};

struct client {
    const struct plan *plan;
    int fd;
    SSL *tls;
    size_t len;
    char in[4096];
};

static void give_up(const char *what, const char *said)
{
    fprintf(stderr, "load: %s: %s\n", what, said);
    exit(1);
}

static void say(struct client *client, const char *octets, size_t len)
{
    size_t at = 0;

    while (at < len) {
        ssize_t n = client->tls
                        ? SSL_write(client->tls, octets + at, (int)(len - at))
                        : write(client->fd, octets + at, len - at);

        if (n <= 0) {
            give_up("write", "the server has closed");
        }
        at += (size_t)n;
    }
}

/* Reads until the last line of a reply, which must begin with the code. */
static void hear(struct client *client, const char *code)
{
    char *line = client->in;

    client->len = 0;
    while (1) {
        char *end = memchr(line, '\n', client->len - (line - client->in));
        ssize_t n;

        if (end && line[3] != '-') {
            break;
        }
        if (end) {
            line = end + 1;
            continue;
        }
        n = (ssize_t)(sizeof(client->in) - 1 - client->len);
        n = client->tls
                ? SSL_read(client->tls, client->in + client->len, (int)n)
                : read(client->fd, client->in + client->len, (size_t)n);
        if (n <= 0) {
            give_up("read", "the server has closed, or says too much");
        }
        client->len += (size_t)n;
        client->in[client->len] = '\0';
    }
    if (strncmp(line, code, 3) != 0) {
        give_up("reply", client->in);
    }
}

static void ask(struct client *client, const char *line, const char *code)
{
    say(client, line, strlen(line));
    hear(client, code);
}

static void start_tls(struct client *client)
{
    SSL *tls = SSL_new(client->plan->tls);

    ask(client, "STARTTLS\r\n", "220");
    if (!tls || !SSL_set_fd(tls, client->fd) || SSL_connect(tls) != 1) {
        give_up("TLS", "no handshake");
    }
    client->tls = tls;
    ask(client, "EHLO client.example\r\n", "250");
}

static void open_session(struct client *client)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)client->plan->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (client->fd < 0
        || connect(client->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        give_up("connect", "no connection");
    }
    hear(client, "220");
}

static void close_session(struct client *client)
{
    ask(client, "QUIT\r\n", "221");
    if (client->tls) {
        SSL_free(client->tls);
        client->tls = NULL;
    }
    close(client->fd);
}

static void send_message(struct client *client)
{
    ask(client, "MAIL FROM:<a@example.net>\r\n", "250");
    ask(client, "RCPT TO:<b@example.org>\r\n", "250");
    ask(client, "DATA\r\n", "354");
    say(client, client->plan->body, client->plan->body_len);
    hear(client, "250");
}

static void *run_quits(struct plan *plan)
{
    struct client client = { .plan = plan };

    while (atomic_fetch_sub(&plan->left, 1) > 0) {
        open_session(&client);
        close_session(&client);
    }
    return NULL;
}

static void *run_session(void *arg)
{
    struct plan *plan = arg;
    struct client client = { .plan = plan };

    if (plan->quit) {
        return run_quits(plan);
    }
    open_session(&client);
    ask(&client, "EHLO client.example\r\n", "250");
    if (plan->tls) {
        start_tls(&client);
    }
    while (atomic_fetch_sub(&plan->left, 1) > 0) {
        send_message(&client);
    }
    close_session(&client);
    return NULL;
}

/* A header that every server takes, lines of 80 octets, and the dot. */
static void make_body(struct plan *plan, size_t len)
{
    static const char header[] = "From: a@example.net\r\n"
                                 "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
                                 "\r\n";
    static const char end[] = "\r\n.\r\n";

    plan->body_len = len + sizeof(end) - 1;
    plan->body = malloc(plan->body_len);
    if (!plan->body) {
        give_up("memory", "none");
    }
    for (size_t i = 0; i < len; ++i) {
        plan->body[i] = "\nX\r"[i % 80 == 79 ? 0 : i % 80 == 78 ? 2 : 1];
    }
    if (len >= sizeof(header)) {
        memcpy(plan->body, header, sizeof(header) - 1);
    }
    memcpy(plan->body + len, end, sizeof(end) - 1);
}

static void run_sessions(struct plan *plan)
{
    pthread_t *threads = calloc((size_t)plan->sessions, sizeof(*threads));

    for (int i = 0; threads && i < plan->sessions; ++i) {
        if (pthread_create(&threads[i], NULL, run_session, plan) != 0) {
            give_up("thread", "none");
        }
    }
    for (int i = 0; threads && i < plan->sessions; ++i) {
        pthread_join(threads[i], NULL);
    }
    free(threads);
}

int main(int argc, char **argv)
{
    struct plan plan = { .sessions = 20, .left = 1000 };
    size_t len = 1024;
    int option;

    while ((option = getopt(argc, argv, "qts:m:l:")) != -1) {
        if (option == 'q') {
            plan.quit = 1;
        }
        else if (option == 't') {
            plan.tls = SSL_CTX_new(TLS_client_method());
        }
        else if (option == 's') {
            plan.sessions = (int)strtol(optarg, NULL, 10);
        }
        else if (option == 'm') {
            plan.left = (int)strtol(optarg, NULL, 10);
        }
        else if (option == 'l') {
            len = strtoul(optarg, NULL, 10);
        }
        else {
            return 2;
        }
    }
    if (optind != argc - 1) {
        return 2;
    }
    plan.port = (int)strtol(argv[optind], NULL, 10);
    signal(SIGPIPE, SIG_IGN);
    make_body(&plan, len);
    run_sessions(&plan);
    free(plan.body);
    SSL_CTX_free(plan.tls);
    return 0;
}
