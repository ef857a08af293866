/* SPDX-License-Identifier: Apache-2.0 */
/* XCLIENT and XFORWARD, extensions of Postfix by which a trusted server says
 * for whom it speaks. XCLIENT makes the session that of another client, from
 * its greeting on; XFORWARD is told to plugins with the next message.
 *
 *   xclient  = "XCLIENT" 1*( SP attribute "=" xtext )
 *   xforward = "XFORWARD" 1*( SP attribute "=" xtext )
 *
 * The client's facts live in a pool of their own, which goes with it; what
 * XFORWARD says lives up to the end of the next transaction. */

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "smtp/qp_greeting.h"
#include "smtp/qp_verb.h"
#include "wire/qp_cmdline.h"

#define MAX_VALUE    255
#define UNAVAILABLE  "[UNAVAILABLE]"
#define TEMP_UNAVAIL "[TEMPUNAVAIL]"
#define IPV6_TAG     "IPV6:"

/* What may stand in the value of an attribute. NULL: it is not known.
 * @return what is to be kept of it, or NULL if it is none */
typedef const char *checker(const char *value, apr_pool_t *pool);

typedef struct attribute {
    const char *name;
    checker *check;
    int may_lack; /* [UNAVAILABLE] is a value */
} attribute;

static const char *check_host(const char *value, apr_pool_t *pool)
{
    qp_parsed parsed = { pool, NULL, NULL, NULL };

    parsed.rest = apr_array_make(pool, 1, sizeof(const char *));
    return strchr(value, ' ') == NULL && strchr(value, '\t') == NULL
                   && qp_cmdline_hello(value, &parsed) == NULL
               ? value
               : NULL;
}

/* "192.0.2.1" or "IPV6:2001:db8::1". */
static const char *check_ip(const char *value, apr_pool_t *pool)
{
    int is_tagged = strncasecmp(value, IPV6_TAG, strlen(IPV6_TAG)) == 0;
    qp_ip ip;

    if (is_tagged) {
        value += strlen(IPV6_TAG);
    }
    if (strchr(value, '%') != NULL || !qp_net_ip(value, &ip)
        || (is_tagged && strchr(value, ':') == NULL)) {
        return NULL;
    }
    return value;
}

static const char *check_port(const char *value, apr_pool_t *pool)
{
    apr_int64_t port = 0;

    return strspn(value, "0123456789") == strlen(value)
                   && qp_str_number(value, &port) && port > 0 && port < 65536
               ? value
               : NULL;
}

static const char *check_protocol(const char *value, apr_pool_t *pool)
{
    return strcasecmp(value, "SMTP") == 0 || strcasecmp(value, "ESMTP") == 0
               ? value
               : NULL;
}

static const char *check_source(const char *value, apr_pool_t *pool)
{
    return strcasecmp(value, "LOCAL") == 0 || strcasecmp(value, "REMOTE") == 0
               ? value
               : NULL;
}

static const char *check_text(const char *value, apr_pool_t *pool)
{
    const char *p;

    for (p = value; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 127) {
            return NULL;
        }
    }
    return value[0] != '\0' ? value : NULL;
}

static const attribute client_attributes[] = {
    { "NAME", check_host, 1 },   { "ADDR", check_ip, 0 },
    { "PORT", check_port, 1 },   { "PROTO", check_protocol, 1 },
    { "HELO", check_host, 1 },   { "LOGIN", check_text, 1 },
    { "DESTADDR", check_ip, 1 }, { "DESTPORT", check_port, 1 },
};

static const attribute forward_attributes[] = {
    { "NAME", check_host, 1 },     { "ADDR", check_ip, 1 },
    { "PORT", check_port, 1 },     { "PROTO", check_text, 1 },
    { "HELO", check_text, 1 },     { "IDENT", check_text, 1 },
    { "SOURCE", check_source, 1 },
};

/* The value of an attribute as it is kept; "" for one that is not available.
 * @return NULL if it is malformed */
static const char *read_value(const attribute *known, const char *xtext,
                              apr_pool_t *pool)
{
    const char *value = qp_xtext_decode(xtext, pool);

    if (value == NULL || strlen(value) > MAX_VALUE) {
        return NULL;
    }
    if (strcasecmp(value, UNAVAILABLE) == 0
        || strcasecmp(value, TEMP_UNAVAIL) == 0) {
        return known->may_lack ? "" : NULL;
    }
    return known->check(value, pool);
}

/* One NAME=VALUE. @return NULL, or what is wrong */
static const char *read_attribute(const char *word, const attribute *known,
                                  size_t n, apr_table_t *values)
{
    apr_pool_t *pool = apr_table_elts(values)->pool;
    const char *equals = strchr(word, '=');
    const char *value;
    size_t i;

    for (i = 0; equals != NULL && i < n; i++) {
        if (strlen(known[i].name) == (size_t)(equals - word)
            && strncasecmp(word, known[i].name, (size_t)(equals - word)) == 0) {
            break;
        }
    }
    if (equals == NULL || i == n) {
        return "Unknown attribute";
    }
    if (apr_table_get(values, known[i].name) != NULL) {
        return "Attribute is given twice";
    }
    value = read_value(&known[i], equals + 1, pool);
    if (value == NULL) {
        return apr_psprintf(pool, "Bad value of %s", known[i].name);
    }
    apr_table_setn(values, known[i].name, value);
    return NULL;
}

/* @return the attributes; or NULL, and then it has replied */
static apr_table_t *read_attributes(qp_session *qp, const char *rest,
                                    const attribute *known, size_t n)
{
    apr_pool_t *pool = qp_session_pcmd(qp);
    const apr_array_header_t *words = qp_str_words(rest, pool);
    apr_table_t *values = apr_table_make(pool, 8);
    const char *error = words->nelts == 0 ? "Attributes are missing" : NULL;
    int i;

    for (i = 0; i < words->nelts && error == NULL; i++) {
        error = read_attribute(APR_ARRAY_IDX(words, i, const char *), known, n,
                               values);
    }
    if (error != NULL) {
        qp_session_error(qp, 501, "5.5.4", "%s", error);
        return NULL;
    }
    return values;
}

/* Whose words count: who the client was before it said otherwise. */
static int is_trusted(const qp_session *qp, const apr_array_header_t *nets)
{
    qp_ip ip;

    return nets != NULL && qp_net_ip(qp->peer_ip, &ip)
           && qp_net_find(nets, &ip) != NULL;
}

int qp_verb_offers_xclient(const qp_session *qp)
{
    return is_trusted(qp, qp->settings->xclient_nets);
}

int qp_verb_offers_xforward(const qp_session *qp)
{
    return is_trusted(qp, qp->settings->xforward_nets);
}

static void refuse_stranger(qp_session *qp, const qp_verb *verb)
{
    qp_session_log(qp, QP_LOG_INFO, "QP1609", "%s is not for this client",
                   verb->name);
    qp_session_error(qp, 550, "5.7.0", "%s is not for you", verb->name);
}

/* XCLIENT. --------------------------------------------------------------- */

/* Facts that are not given stay, but for the name, which is one of the address;
 * those that are not available go. */
static const char *choose_text(const apr_table_t *values, const char *name,
                               const char *before)
{
    const char *value = apr_table_get(values, name);

    if (value == NULL) {
        return before;
    }
    return value[0] != '\0' ? value : NULL;
}

static int choose_port(const apr_table_t *values, const char *name, int before)
{
    const char *value = apr_table_get(values, name);

    return value != NULL ? (int)apr_atoi64(value) : before;
}

static void choose_peers(const qp_session *qp, const apr_table_t *values,
                         qp_peers *peers)
{
    int is_new = apr_table_get(values, "ADDR") != NULL;
    const char *local;

    *peers = qp->conn->peers;
    peers->remote_host =
        choose_text(values, "NAME", is_new ? NULL : peers->remote_host);
    peers->remote_ip = choose_text(values, "ADDR", peers->remote_ip);
    peers->remote_port = choose_port(values, "PORT", peers->remote_port);
    local = choose_text(values, "DESTADDR", peers->local_ip);
    peers->local_ip = local != NULL ? local : peers->local_ip;
    peers->local_port = choose_port(values, "DESTPORT", peers->local_port);
}

/* The proxy has seen the client's hello and login. */
static void set_login(qp_conn *conn, const apr_table_t *values)
{
    const char *login = apr_table_get(values, "LOGIN");
    const char *host = apr_table_get(values, "HELO");
    const char *protocol = apr_table_get(values, "PROTO");

    if (login != NULL && login[0] != '\0') {
        conn->auth_user = apr_pstrdup(conn->pool, login);
        conn->auth_mechanism = "xclient";
        conn->relay_client = 1;
    }
    if (host != NULL && host[0] != '\0') {
        qp_conn_set_hello(conn,
                          protocol != NULL && strcasecmp(protocol, "SMTP") == 0
                              ? QP_HELLO_HELO
                              : QP_HELLO_EHLO,
                          host);
    }
}

void qp_verb_xclient(qp_session *qp, const qp_verb *verb, const char *rest)
{
    apr_table_t *values;
    qp_peers peers;

    if (!qp_verb_offers_xclient(qp)) {
        refuse_stranger(qp, verb);
        return;
    }
    values = read_attributes(qp, rest, client_attributes,
                             QP_ARRAY_LEN(client_attributes));
    if (values == NULL) {
        return;
    }
    choose_peers(qp, values, &peers);
    qp_session_log(qp, QP_LOG_INFO, "QP1610", "XCLIENT: the client is %s",
                   peers.remote_ip);
    qp_session_change_client(qp, &peers);
    set_login(qp->conn, values);
    qp_session_goto(qp, QP_STATE_GREETED, "XCLIENT");
    qp_greeting_start(qp);
}

/* XFORWARD. -------------------------------------------------------------- */

void qp_verb_xforward(qp_session *qp, const qp_verb *verb, const char *rest)
{
    const apr_table_t *values;

    if (!qp_verb_offers_xforward(qp)) {
        refuse_stranger(qp, verb);
        return;
    }
    values = read_attributes(qp, rest, forward_attributes,
                             QP_ARRAY_LEN(forward_attributes));
    if (values == NULL) {
        return;
    }
    qp_session_add_forwarded(qp, values);
    qp_session_reply(qp, 250, "2.0.0", "Noted");
}
