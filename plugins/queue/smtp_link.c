/* SPDX-License-Identifier: Apache-2.0 */
/* The start of a session with a server: greeting, EHLO or LHLO, STARTTLS, AUTH,
 * XCLIENT. The link is its owner's, and is used by one thread at a time. */
#include "smtp_link.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_base64.h>
#include <apr_lib.h>
#include <apr_md5.h>
#include <apr_strings.h>

/* Names of XCLIENT that we know. */
static const char *const xclient_names[] = { "NAME", "ADDR",  "PORT",
                                             "HELO", "PROTO", "LOGIN" };
#define XCLIENT_NAMES (sizeof(xclient_names) / sizeof(xclient_names[0]))
/* Octets of a command XCLIENT. */
#define XCLIENT_MAX   500

/* Commands. -------------------------------------------------------------- */

apr_status_t smtp_link_ask(smtp_link *link, const char *command,
                           smtp_reply *reply)
{
    apr_status_t rv = qp_peer_puts(link->peer, command);

    if (rv == APR_SUCCESS) {
        rv = smtp_reply_read(link->peer, reply, NULL, NULL);
    }
    return rv;
}

/* The server has said no. */
static apr_status_t rejects(smtp_link *link, const char *what,
                            const smtp_reply *reply)
{
    char text[REPLY_TEXT_MAX + 64];

    apr_snprintf(text, sizeof(text), "it is \"%d %s\" to %s", reply->code,
                 reply->text, what);
    return qp_peer_fail(link->peer, "%s", text);
}

/* EHLO. ------------------------------------------------------------------ */

static const struct {
    const char *word;
    unsigned int can;
} cap_words[] = {
    { "PIPELINING", CAN_PIPELINING },
    { "SIZE", CAN_SIZE },
    { "8BITMIME", CAN_8BITMIME },
    { "SMTPUTF8", CAN_SMTPUTF8 },
    { "CHUNKING", CAN_CHUNKING },
    { "BINARYMIME", CAN_BINARYMIME },
    { "DSN", CAN_DSN },
    { "STARTTLS", CAN_STARTTLS },
    { "XCLIENT", CAN_XCLIENT },
};

static const struct {
    const char *word;
    unsigned int can;
} auth_words[] = {
    { "PLAIN", CAN_PLAIN },
    { "LOGIN", CAN_LOGIN },
    { "CRAM-MD5", CAN_CRAM_MD5 },
};

static void note_auth(smtp_link *link, const char *word)
{
    apr_size_t i;

    for (i = 0; i < sizeof(auth_words) / sizeof(auth_words[0]); i++) {
        if (strcasecmp(word, auth_words[i].word) == 0) {
            link->can |= auth_words[i].can;
        }
    }
}

static void note_xclient(smtp_link *link, const char *word)
{
    apr_size_t i;

    for (i = 0; i < XCLIENT_NAMES; i++) {
        if (strcasecmp(word, xclient_names[i]) == 0) {
            link->xclient |= 1u << i;
        }
    }
}

static void note_size(smtp_link *link, const char *word)
{
    char *end = NULL;
    apr_off_t size;

    if (apr_isdigit(*word) && apr_strtoff(&size, word, &end, 10) == APR_SUCCESS
        && *end == '\0') {
        link->size = size;
    }
}

/* Keywords whose parameters count. */
static const struct {
    const char *keyword;
    void (*note)(smtp_link *link, const char *word);
} params[] = {
    { "AUTH", note_auth },
    { "XCLIENT", note_xclient },
    { "SIZE", note_size },
};

static void note_word(smtp_link *link, const char *keyword, const char *word)
{
    apr_size_t i;

    for (i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
        if (strcasecmp(keyword, params[i].keyword) == 0) {
            params[i].note(link, word);
        }
    }
}

/* ehlo-line = ehlo-keyword *( SP ehlo-param ) (RFC 5321 4.1.1.1) */
static void note_capability(void *baton, const char *text)
{
    smtp_link *link = baton;
    char line[REPLY_LINE_MAX];
    char *last = NULL;
    char *keyword;
    char *word;
    apr_size_t i;

    apr_cpystrn(line, text, sizeof(line));
    keyword = apr_strtok(line, " \t", &last);
    if (keyword == NULL) {
        return;
    }
    for (i = 0; i < sizeof(cap_words) / sizeof(cap_words[0]); i++) {
        if (strcasecmp(keyword, cap_words[i].word) == 0) {
            link->can |= cap_words[i].can;
        }
    }
    while ((word = apr_strtok(NULL, " \t", &last)) != NULL) {
        note_word(link, keyword, word);
    }
}

/* Old servers know HELO only. */
static apr_status_t say_hello(smtp_link *link, const smtp_way *way,
                              const char *me)
{
    const char *verb = way->is_lmtp ? "LHLO" : "EHLO";
    smtp_reply reply;
    char line[512];
    apr_status_t rv;

    link->can = 0;
    link->xclient = 0;
    link->size = 0;
    apr_snprintf(line, sizeof(line), "%s %s\r\n", verb, me);
    rv = qp_peer_puts(link->peer, line);
    if (rv == APR_SUCCESS) {
        rv = smtp_reply_read(link->peer, &reply, note_capability, link);
    }
    if (rv == APR_SUCCESS && reply.code / 100 == 5 && !way->is_lmtp) {
        link->can = 0;
        verb = "HELO";
        apr_snprintf(line, sizeof(line), "HELO %s\r\n", me);
        rv = smtp_link_ask(link, line, &reply);
    }
    if (rv == APR_SUCCESS && reply.code / 100 != 2) {
        rv = rejects(link, verb, &reply);
    }
    return rv;
}

/* TLS. ------------------------------------------------------------------- */

/* RFC 3207 4.2: what was said before is forgotten, and said again. */
static apr_status_t start_tls(smtp_link *link, const smtp_way *way,
                              const smtp_server *server, const char *me)
{
    smtp_reply reply;
    apr_status_t rv = smtp_link_ask(link, "STARTTLS\r\n", &reply);

    if (rv == APR_SUCCESS && reply.code != 220) {
        rv = rejects(link, "STARTTLS", &reply);
    }
    if (rv == APR_SUCCESS) {
        rv = qp_peer_start_tls(link->peer, way->tls,
                               way->tls_name != NULL ? way->tls_name
                                                     : server->host);
    }
    return rv == APR_SUCCESS ? say_hello(link, way, me) : rv;
}

/* AUTH (RFC 4954). ------------------------------------------------------- */

static const char *encode(const char *text, apr_size_t len, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, (apr_size_t)apr_base64_encode_len((int)len));

    apr_base64_encode_binary(out, (const unsigned char *)text, (int)len);
    return out;
}

/* RFC 4616: nobody NUL user NUL password. */
static apr_status_t auth_plain(smtp_link *link, const smtp_way *way,
                               smtp_reply *reply, apr_pool_t *pool)
{
    apr_size_t user = strlen(way->user);
    apr_size_t password = strlen(way->password);
    char *text = apr_pcalloc(pool, user + password + 3);

    memcpy(text + 1, way->user, user);
    memcpy(text + user + 2, way->password, password);
    return smtp_link_ask(link,
                         apr_pstrcat(pool, "AUTH PLAIN ",
                                     encode(text, user + password + 2, pool),
                                     "\r\n", NULL),
                         reply);
}

static apr_status_t auth_login(smtp_link *link, const smtp_way *way,
                               smtp_reply *reply, apr_pool_t *pool)
{
    apr_status_t rv = smtp_link_ask(link, "AUTH LOGIN\r\n", reply);

    if (rv == APR_SUCCESS && reply->code == 334) {
        rv = smtp_link_ask(
            link,
            apr_pstrcat(pool, encode(way->user, strlen(way->user), pool),
                        "\r\n", NULL),
            reply);
    }
    if (rv == APR_SUCCESS && reply->code == 334) {
        rv = smtp_link_ask(link,
                           apr_pstrcat(pool,
                                       encode(way->password,
                                              strlen(way->password), pool),
                                       "\r\n", NULL),
                           reply);
    }
    return rv;
}

/* HMAC (RFC 2104) with MD5, as CRAM-MD5 (RFC 2195) wants it. */
static void hash_password(const char *password, const char *challenge,
                          apr_size_t len, unsigned char *digest)
{
    unsigned char key[64] = { 0 };
    unsigned char pad[64];
    apr_md5_ctx_t md5;
    int i;

    if (strlen(password) > sizeof(key)) {
        apr_md5(key, password, strlen(password));
    }
    else {
        memcpy(key, password, strlen(password));
    }
    for (i = 0; i < 64; i++) {
        pad[i] = key[i] ^ 0x36;
    }
    apr_md5_init(&md5);
    apr_md5_update(&md5, pad, sizeof(pad));
    apr_md5_update(&md5, challenge, len);
    apr_md5_final(digest, &md5);
    for (i = 0; i < 64; i++) {
        pad[i] = key[i] ^ 0x5c;
    }
    apr_md5_init(&md5);
    apr_md5_update(&md5, pad, sizeof(pad));
    apr_md5_update(&md5, digest, APR_MD5_DIGESTSIZE);
    apr_md5_final(digest, &md5);
}

static apr_status_t auth_cram_md5(smtp_link *link, const smtp_way *way,
                                  smtp_reply *reply, apr_pool_t *pool)
{
    unsigned char digest[APR_MD5_DIGESTSIZE];
    char hex[2 * APR_MD5_DIGESTSIZE + 1];
    char challenge[REPLY_TEXT_MAX + 1];
    apr_status_t rv = smtp_link_ask(link, "AUTH CRAM-MD5\r\n", reply);
    const char *answer;
    int len;
    int i;

    if (rv != APR_SUCCESS || reply->code != 334) {
        return rv;
    }
    len = apr_base64_decode_binary((unsigned char *)challenge, reply->text);
    hash_password(way->password, challenge, (apr_size_t)len, digest);
    for (i = 0; i < APR_MD5_DIGESTSIZE; i++) {
        apr_snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    answer = apr_pstrcat(pool, way->user, " ", hex, NULL);
    return smtp_link_ask(link,
                         apr_pstrcat(pool, encode(answer, strlen(answer), pool),
                                     "\r\n", NULL),
                         reply);
}

/* A password goes in clear only where nobody else listens. */
static apr_status_t log_in(smtp_link *link, const smtp_way *way,
                           const smtp_server *server, apr_pool_t *pool)
{
    int is_private = qp_peer_tls(link->peer) != NULL || server->port == 0;
    apr_status_t rv;
    smtp_reply reply;

    if (link->can & CAN_CRAM_MD5) {
        rv = auth_cram_md5(link, way, &reply, pool);
    }
    else if (is_private && (link->can & CAN_PLAIN)) {
        rv = auth_plain(link, way, &reply, pool);
    }
    else if (is_private && (link->can & CAN_LOGIN)) {
        rv = auth_login(link, way, &reply, pool);
    }
    else {
        return qp_peer_fail(link->peer, "it offers no way to log in%s",
                            is_private ? "" : " without telling the password");
    }
    if (rv == APR_SUCCESS && reply.code != 235) {
        rv = rejects(link, "AUTH", &reply);
    }
    return rv;
}

/* XCLIENT. --------------------------------------------------------------- */

/* In xtext (RFC 3461 4), which all servers with XCLIENT read. */
static const char *encode_attribute(const char *text, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, 3 * strlen(text) + 1);
    char *to = out;

    for (; *text != '\0'; text++) {
        if (*text > 32 && *text < 127 && *text != '+' && *text != '=') {
            *to++ = *text;
        }
        else {
            apr_snprintf(to, 4, "+%02X", (unsigned char)*text);
            to += 3;
        }
    }
    *to = '\0';
    return out;
}

static const char *attribute_value(const smtp_client *client, apr_size_t i,
                                   apr_pool_t *pool)
{
    const char *values[XCLIENT_NAMES] = { client->name,  client->addr,
                                          client->port,  client->helo,
                                          client->proto, client->login };

    if (values[i] == NULL || values[i][0] == '\0') {
        return "[UNAVAILABLE]";
    }
    return encode_attribute(values[i], pool);
}

static apr_status_t send_xclient(smtp_link *link, const char *attributes,
                                 apr_pool_t *pool)
{
    smtp_reply reply;
    apr_status_t rv =
        smtp_link_ask(link,
                      apr_pstrcat(pool, "XCLIENT", attributes, "\r\n", NULL),
                      &reply);

    if (rv == APR_SUCCESS && reply.code / 100 != 2) {
        rv = rejects(link, "XCLIENT", &reply);
    }
    return rv;
}

/* Whose message it is; the session begins anew behind it. */
static apr_status_t introduce(smtp_link *link, const smtp_client *client,
                              apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    const char *line = "";
    const char *more;
    apr_size_t i;

    for (i = 0; i < XCLIENT_NAMES && rv == APR_SUCCESS; i++) {
        if ((link->xclient & (1u << i)) == 0) {
            continue;
        }
        more = apr_pstrcat(pool, " ", xclient_names[i], "=",
                           attribute_value(client, i, pool), NULL);
        if (line[0] != '\0' && strlen(line) + strlen(more) > XCLIENT_MAX - 9) {
            rv = send_xclient(link, line, pool);
            line = "";
        }
        line = apr_pstrcat(pool, line, more, NULL);
    }
    if (rv == APR_SUCCESS && line[0] != '\0') {
        rv = send_xclient(link, line, pool);
    }
    return rv;
}

/* The whole. ------------------------------------------------------------- */

static apr_status_t dial(smtp_link *link, const smtp_way *way,
                         const smtp_server *server)
{
    apr_status_t rv;

    qp_peer_deadline(link->peer, way->connect_timeout);
    rv = server->port == 0
             ? qp_peer_connect_unix(link->peer, server->host)
             : qp_peer_connect(link->peer, server->host, server->port);
    qp_peer_deadline(link->peer, way->reply_timeout);
    if (rv == APR_SUCCESS && way->is_smtps) {
        rv = qp_peer_start_tls(link->peer, way->tls,
                               way->tls_name != NULL ? way->tls_name
                                                     : server->host);
    }
    return rv;
}

static apr_status_t greet(smtp_link *link, const smtp_way *way,
                          const smtp_server *server, const char *me)
{
    apr_status_t rv = dial(link, way, server);
    smtp_reply reply;

    if (rv == APR_SUCCESS) {
        rv = smtp_reply_read(link->peer, &reply, NULL, NULL);
    }
    if (rv == APR_SUCCESS && reply.code != 220) {
        return qp_peer_fail(link->peer, "it greets with \"%d %s\"", reply.code,
                            reply.text);
    }
    return rv == APR_SUCCESS ? say_hello(link, way, me) : rv;
}

/* With "may", a server whose TLS does not work is talked to without. */
static apr_status_t secure(smtp_link *link, const smtp_way *way,
                           const smtp_server *server, const char *me)
{
    apr_status_t rv;

    if (way->tls_mode == TLS_NO || way->is_smtps || server->port == 0) {
        return APR_SUCCESS;
    }
    if (link->can & CAN_STARTTLS) {
        rv = start_tls(link, way, server, me);
        if (rv != APR_SUCCESS && way->tls_mode == TLS_MAY
            && !APR_STATUS_IS_EINTR(rv)) {
            rv = greet(link, way, server, me);
        }
        return rv;
    }
    return way->tls_mode == TLS_MAY
               ? APR_SUCCESS
               : qp_peer_fail(link->peer, "it does not offer STARTTLS");
}

void smtp_link_close(smtp_link *link)
{
    apr_pool_destroy(link->pool);
}

smtp_link *smtp_link_make(qp_job *job, int server)
{
    apr_pool_t *pool;
    smtp_link *link;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS) {
        abort();
    }
    apr_pool_tag(pool, "smtp_link");
    link = apr_pcalloc(pool, sizeof(*link));
    link->pool = pool;
    link->server = server;
    link->peer = qp_peer_create(job, pool);
    return link;
}

apr_status_t smtp_link_open(smtp_link *link, const smtp_way *way,
                            const smtp_server *server, const char *me,
                            const smtp_client *client)
{
    apr_status_t rv = greet(link, way, server, me);

    if (rv == APR_SUCCESS) {
        rv = secure(link, way, server, me);
    }
    if (rv == APR_SUCCESS && way->user != NULL) {
        rv = log_in(link, way, server, link->pool);
    }
    if (rv == APR_SUCCESS && client != NULL && (link->can & CAN_XCLIENT)) {
        rv = introduce(link, client, link->pool);
        if (rv == APR_SUCCESS) {
            rv = say_hello(link, way, me);
        }
    }
    return rv;
}
