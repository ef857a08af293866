/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of AUTH in a session over memory: every exchange, good or malformed,
 * gets one reply to each line, with the right code (RFC 4954; R45, R77 to
 * R86); no secret is in the log.
 */
#include "auth_kit.h"

#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

/* Exchanges. ------------------------------------------------------------- */

/* Lines as they are, behind EHLO under TLS; {TEXT} is base64 of it, with | for
 * NUL and ^ for ^A. */
static const struct {
    const char *lines;
    const char *codes;
} exchanges[] = {
    { "AUTH PLAIN {|user|secret}", "235" },
    { "auth plain {user|user|secret}  ", "235" },
    { "AUTH PLAIN\n{|user|secret}", "334 235" },
    { "AUTH PLAIN {|user|secret}\nAUTH PLAIN {|user|secret}", "235 503" },
    { "AUTH PLAIN {|user|wr0ng}", "535" },
    { "AUTH PLAIN {|user|Secret}", "535" },
    { "AUTH PLAIN {|user|secre}", "535" },
    { "AUTH PLAIN {|user|secrets}", "535" },
    { "AUTH PLAIN {|user|secret\n}", "535" },
    { "AUTH PLAIN {|User|secret}", "535" },
    { "AUTH PLAIN {|nobody|secret}", "535" },
    { "AUTH PLAIN {|user|}", "535" },
    { "AUTH PLAIN {||secret}", "535" },
    { "AUTH PLAIN {|us\ner|secret}", "535" },
    { "AUTH PLAIN {other|user|secret}", "535" },
    { "AUTH PLAIN {|user|secret|}", "501" },
    { "AUTH PLAIN {|user|secret|more}", "501" },
    { "AUTH PLAIN {user|secret}", "501" },
    { "AUTH PLAIN {user}", "501" },
    { "AUTH PLAIN =", "501" },
    { "AUTH PLAIN\n", "334 501" },
    { "AUTH PLAIN {|down|secret}", "454" },
    { "AUTH PLAIN {|old|secret}", "432" },
    { "AUTH PLAIN {|weak|secret}", "534" },
    { "AUTH PLAIN *", "501" },
    { "AUTH PLAIN\n*", "334 501" },
    { "AUTH PLAIN\n **", "334 501" },
    { "AUTH PLAIN AHVzZXIAc2VjcmV0=", "501" },
    { "AUTH PLAIN AHVzZXIAc2VjcmV", "501" },
    { "AUTH PLAIN AHVzZXIAc2V!cmV0", "501" },
    { "AUTH PLAIN AHVz=XIAc2VjcmV0", "501" },
    { "AUTH PLAIN ====", "501" },
    { "AUTH PLAIN A===", "501" },
    { "AUTH PLAIN AB==", "501" },
    { "AUTH PLAIN \303\244AAA", "501" },
    { "AUTH PLAIN AAAA BBBB", "501" },
    { "AUTH PLAIN\nQUIT", "334 501" },
    { "AUTH PLAIN\nMAIL FROM:<a@b.c>\nNOOP", "334 501 250" },
    { "AUTH LOGIN\n{user}\n{secret}", "334 334 235" },
    { "AUTH LOGIN {user}\n{secret}", "334 235" },
    { "AUTH LOGIN\n{user}\n{wr0ng}", "334 334 535" },
    { "AUTH LOGIN\n{nobody}\n{wr0ng}", "334 334 535" },
    { "AUTH LOGIN\n\n{secret}", "334 334 535" },
    { "AUTH LOGIN\n{user}\n", "334 334 535" },
    { "AUTH LOGIN =\n{secret}", "334 535" },
    { "AUTH LOGIN\n{us|er}\n{secret}", "334 334 535" },
    { "AUTH LOGIN\n{user}\n{secret|}", "334 334 501" },
    { "AUTH LOGIN\n*", "334 501" },
    { "AUTH LOGIN\n{user}\n*\nNOOP", "334 334 501 250" },
    { "AUTH LOGIN\nuser\nNOOP", "334 334 535" },
    { "AUTH LOGIN\n?\nNOOP", "334 501 250" },
    { "AUTH LOGIN\n{down}\n{secret}", "334 334 454" },
    { "AUTH CRAM-MD5\n*", "334 501" },
    { "AUTH CRAM-MD5 {user}", "501" },
    { "AUTH CRAM-MD5\n{user}", "334 501" },
    { "AUTH CRAM-MD5\n{user 0123}", "334 501" },
    { "AUTH CRAM-MD5\n{user 0123456789abcdef0123456789abcdeg}", "334 501" },
    { "AUTH CRAM-MD5\n{user 0123456789abcdef0123456789abcdef0}", "334 501" },
    { "AUTH CRAM-MD5\n{user 0123456789abcdef0123456789abcdef}", "334 535" },
    { "AUTH CRAM-MD5\n{nobody 0123456789abcdef0123456789abcdef}", "334 535" },
    { "AUTH CRAM-MD5\n{ 0123456789abcdef0123456789abcdef}", "334 535" },
    { "AUTH SCRAM-SHA-256 {n,,n=user,r=abc}\n*", "334 501" },
    { "AUTH SCRAM-SHA-256\n{n,,n=user,r=abc}\n*", "334 334 501" },
    { "AUTH SCRAM-SHA-256 {n,,n=nobody,r=abc}\n*", "334 501" },
    { "AUTH SCRAM-SHA-256 {n,,n=down,r=abc}", "454" },
    { "AUTH SCRAM-SHA-256 {n,a=other,n=user,r=abc}", "535" },
    { "AUTH SCRAM-SHA-256 {y,,n=user,r=abc}", "535" },
    { "AUTH SCRAM-SHA-256 {p=tls-exporter,,n=user,r=abc}", "535" },
    { "AUTH SCRAM-SHA-256-PLUS {n,,n=user,r=abc}", "535" },
    { "AUTH SCRAM-SHA-256-PLUS {p=tls-unique,,n=user,r=abc}", "535" },
    { "AUTH SCRAM-SHA-256 {n,,n=us=er,r=abc}", "501" },
    { "AUTH SCRAM-SHA-256 {n,,m=1,n=user,r=abc}", "501" },
    { "AUTH SCRAM-SHA-256 {n,,n=user,r=}", "501" },
    { "AUTH SCRAM-SHA-256 {n,,n=user}", "501" },
    { "AUTH SCRAM-SHA-256 {n,,n=,r=abc}", "535" },
    { "AUTH SCRAM-SHA-256 {x,,n=user,r=abc}", "501" },
    { "AUTH SCRAM-SHA-256 {n,n=user,r=abc}", "501" },
    { "AUTH SCRAM-SHA-256 {n,,n=user,r=a|b}", "501" },
    { "AUTH SCRAM-SHA-256 =", "501" },
    { "AUTH SCRAM-SHA-256 {n,,n=user,r=abc}\n{c=biws}", "334 501" },
    { "AUTH SCRAM-SHA-256 {n,,n=user,r=abc}\n{c=biws,r=abc}", "334 501" },
    { "AUTH SCRAM-SHA-256 {n,,n=user,r=abc}\n{c=biws,r=abc,p=AAAA}",
      "334 501" },
    { "AUTH SCRAM-SHA-256 {n,,n=user,r=abc}\n"
      "{c=biws,r=abc,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=}",
      "334 535" },
    { "AUTH SCRAM-SHA-256 {n,,n=user,r=abc}\n", "334 501" },
    { "AUTH OAUTHBEARER {n,,^auth=Bearer c2VjcmV0^^}", "235" },
    { "AUTH OAUTHBEARER {n,a=user,^host=x^port=25^auth=bearer c2VjcmV0^^}",
      "235" },
    { "AUTH OAUTHBEARER {n,,^auth=Bearer wr0ng^^}\nAQ==", "334 535" },
    { "AUTH OAUTHBEARER {n,,^auth=Bearer wr0ng^^}\n*", "334 501" },
    { "AUTH OAUTHBEARER {n,,^auth=Bearer ^^}", "501" },
    { "AUTH OAUTHBEARER {n,,^auth=Basic c2VjcmV0^^}", "501" },
    { "AUTH OAUTHBEARER {n,,^auth=Bearer c2VjcmV0^}", "501" },
    { "AUTH OAUTHBEARER {n,,^port=65536^auth=Bearer c2VjcmV0^^}", "501" },
    { "AUTH OAUTHBEARER {n,,^^}", "501" },
    { "AUTH OAUTHBEARER {auth=Bearer c2VjcmV0^^}", "501" },
    { "AUTH XOAUTH2 {user=user^auth=Bearer c2VjcmV0^^}", "235" },
    { "AUTH XOAUTH2 {user=user^auth=Bearer wr0ng^^}\n", "334 535" },
    { "AUTH XOAUTH2 {auth=Bearer c2VjcmV0^^}", "535" },
    { "AUTH XOAUTH2 {user=user^^}", "501" },
    { "AUTH EXTERNAL =", "235" },
    { "AUTH EXTERNAL {user}", "235" },
    { "AUTH EXTERNAL {other}", "535" },
    { "AUTH EXTERNAL\n", "334 235" },
    { "AUTH EXTERNAL\n*", "334 501" },
    { "AUTH EXTERNAL {us|er}", "501" },
    { "AUTH", "501" },
    { "AUTH  ", "501" },
    { "AUTH ANONYMOUS {x}", "504" },
    { "AUTH SCRAM-SHA-1", "504" },
    { "AUTH =PLAIN", "504" },
    { "AUTH ANONYMOUS\n{user}\n{secret}\nNOOP", "504 500 500 250" },
    { "MAIL FROM:<a@example.net>\nAUTH PLAIN {|user|secret}\nRSET",
      "250 503 250" },
    { "AUTH PLAIN {|user|secret}\nRSET\nRSET\nMAIL FROM:<a@example.net>",
      "235 250 250 250" },
    { "AUTH PLAIN {|user|secret}\nMAIL FROM:<a@example.net> AUTH", "235 501" },
    { "AUTH PLAIN {|out|secret}\nNOOP", "535" },
    { "HELO x.example\nAUTH PLAIN {|user|secret}", "250 503" },
};

static void test_exchanges(engine_kit *kit)
{
    apr_pool_t *pool;
    const char *lines;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(exchanges); i++) {
        apr_pool_create(&pool, kit->pool);
        lines = expand(exchanges[i].lines, pool);
        open_tls(kit);
        is_str(kit_codes(kit_talk(kit, lines), pool), exchanges[i].codes,
               "exchange %s", exchanges[i].lines);
        ok(!has_secret(kit_view(&kit->log)), "... and nothing is logged");
        ok(kit->qp->auth == NULL, "... and nothing is left");
        ok(!kit->qp->conn->relay_client
               == (strstr(exchanges[i].codes, "235") == NULL),
           "... and may it relay?");
        apr_pool_destroy(pool);
    }
}

/* SCRAM with a real client. ---------------------------------------------- */

static const char *decode(const char *reply, apr_pool_t *pool)
{
    apr_size_t len;
    const char *end = strchr(reply, '\r');

    if (strncmp(reply, "334 ", 4) != 0 || end == NULL) {
        diag("no challenge: %s", reply);
        return "";
    }
    return qp_base64_decode(reply + 4, (apr_size_t)(end - reply - 4), &len,
                            pool);
}

static const char *line_of(const char *text, apr_pool_t *pool)
{
    return apr_pstrcat(pool, qp_base64_encode(text, strlen(text), pool), "\r\n",
                       NULL);
}

static void make_client_key(const qp_verifier *verifier, const char *password,
                            unsigned char *key)
{
    unsigned char salted[QP_SHA256_LEN];

    if (PKCS5_PBKDF2_HMAC(password, (int)strlen(password), verifier->salt,
                          (int)verifier->salt_len, verifier->iterations,
                          EVP_sha256(), sizeof(salted), salted)
        != 1) {
        abort();
    }
    qp_secret_hmac(salted, sizeof(salted), "Client Key", 10, key);
}

/* What a client knows. */
struct client {
    const char *password;
    const char *bare;      /* its first message without header */
    const char *channel64; /* what it says of its channel */
    const char *wanted;    /* out: what the server has to prove */
};

/* The client's proof, for a challenge. */
static const char *prove(const char *challenge, struct client *client,
                         apr_pool_t *pool)
{
    const char *salt = strstr(challenge, ",s=") + 3;
    const char *iterations = strstr(challenge, ",i=") + 3;
    unsigned char mac[QP_SHA256_LEN], key[QP_SHA256_LEN], out[QP_SHA256_LEN];
    qp_verifier verifier;
    apr_size_t len;
    const char *message, *final;
    unsigned char *octets;
    int i;

    octets = (unsigned char *)qp_base64_decode(
        salt, (apr_size_t)(strchr(salt, ',') - salt), &len, pool);
    memcpy(verifier.salt, octets, len);
    verifier.salt_len = len;
    verifier.iterations = (int)strtol(iterations, NULL, 10);
    if (!qp_secret_make_verifier(&verifier, client->password)) {
        abort();
    }
    final = apr_psprintf(pool, "c=%s,r=%.*s", client->channel64,
                         (int)(strchr(challenge, ',') - challenge - 2),
                         challenge + 2);
    message = apr_pstrcat(pool, client->bare, ",", challenge, ",", final, NULL);
    qp_secret_hmac(verifier.stored_key, QP_SHA256_LEN, message, strlen(message),
                   mac);
    qp_secret_hmac(verifier.server_key, QP_SHA256_LEN, message, strlen(message),
                   out);
    client->wanted =
        apr_pstrcat(pool, "v=", qp_base64_encode(out, sizeof(out), pool), NULL);
    make_client_key(&verifier, client->password, key);
    for (i = 0; i < QP_SHA256_LEN; i++) {
        mac[i] ^= key[i];
    }
    return apr_pstrcat(pool, final,
                       ",p=", qp_base64_encode(mac, sizeof(mac), pool), NULL);
}

static const struct {
    const char *name;
    const char *mech, *header, *user, *password;
    int is_bound; /* 1: to the channel; 2: to another one */
    const char *codes;
} scrams[] = {
    { "the right password", "SCRAM-SHA-256", "n,,", "user", "secret", 0,
      "334 334 235" },
    { "with an authzid", "SCRAM-SHA-256", "n,a=user,", "user", "secret", 0,
      "334 334 235" },
    { "a wrong one", "SCRAM-SHA-256", "n,,", "user", "wr0ng", 0, "334 535" },
    { "nobody", "SCRAM-SHA-256", "n,,", "nobody", "nobody", 0, "334 535" },
    { "bound", "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "user", "secret", 1,
      "334 334 235" },
    { "bound to another channel", "SCRAM-SHA-256-PLUS", "p=tls-exporter,,",
      "user", "secret", 2, "334 535" },
    { "bound to none", "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "user",
      "secret", 0, "334 535" },
};

static void test_scram(engine_kit *kit, size_t i, apr_pool_t *pool)
{
    const char *bare = apr_psprintf(pool, "n=%s,r=cLiEnT", scrams[i].user);
    const char *bound = scrams[i].is_bound == 1   ? (const char *)channel
                        : scrams[i].is_bound == 2 ? "x"
                                                  : "";
    const char *channel64 = apr_pstrcat(pool, scrams[i].header, bound, NULL);
    struct client client = { scrams[i].password, bare, NULL, NULL };
    const char *first, *codes, *proof;

    client.channel64 = qp_base64_encode(channel64, strlen(channel64), pool);
    open_tls(kit);
    kit_talk(kit, apr_pstrcat(pool, "AUTH ", scrams[i].mech, "\r\n", NULL));
    first =
        apr_pstrdup(pool,
                    kit_talk(kit, line_of(apr_pstrcat(pool, scrams[i].header,
                                                      bare, NULL),
                                          pool)));
    codes = kit_codes(first, pool);
    proof = prove(decode(first, pool), &client, pool);
    first = apr_pstrdup(pool, kit_talk(kit, line_of(proof, pool)));
    codes = apr_pstrcat(pool, codes, " ", kit_codes(first, pool), NULL);
    if (strncmp(first, "334", 3) == 0) {
        is_str(decode(first, pool), client.wanted,
               "%s: the server proves itself", scrams[i].name);
        ok(kit->qp->conn->auth_user == NULL, "not yet authenticated");
        codes = apr_pstrcat(pool, codes, " ",
                            kit_codes(kit_talk(kit, "\r\n"), pool), NULL);
    }
    is_str(codes, scrams[i].codes, "SCRAM: %s", scrams[i].name);
    ok(!has_secret(kit_view(&kit->log)), "... and nothing is logged");
}

/* Whether a name exists cannot be told from salt and rounds. */
static void test_salt(engine_kit *kit, apr_pool_t *pool)
{
    const char *lines = expand("AUTH SCRAM-SHA-256 {n,,n=nobody,r=a}", pool);
    const char *salts[2];
    int i;

    for (i = 0; i < 2; i++) {
        open_tls(kit);
        salts[i] = strchr(decode(kit_talk(kit, lines), pool), ',');
        salts[i] = apr_pstrdup(pool, salts[i]);
    }
    is_str(salts[0], salts[1], "nobody has the same salt each time");
    is_int((long long)strlen(salts[0]), 34, "and it is as long as any");
}

/* CRAM-MD5. -------------------------------------------------------------- */

static const char *challenge(engine_kit *kit, apr_pool_t *pool)
{
    const char *text = decode(kit_talk(kit, "AUTH CRAM-MD5\r\n"), pool);

    kit_talk(kit, "*\r\n");
    return text;
}

/* Children of one parent do not repeat each other (R79). */
static void test_children(engine_kit *kit, apr_pool_t *pool)
{
    char texts[2][100] = { "", "" };
    const char *text;
    int ends[2];
    int i;

    for (i = 0; i < 2; i++) {
        if (pipe(ends) != 0) {
            abort();
        }
        if (fork() == 0) {
            text = challenge(kit, pool);
            _exit(write(ends[1], text, strlen(text)) < 0);
        }
        close(ends[1]);
        ok(read(ends[0], texts[i], sizeof(texts[i]) - 1) > 10, "child %d", i);
        close(ends[0]);
        wait(NULL);
    }
    ok(strcmp(texts[0], texts[1]) != 0,
       "children have challenges of their own");
}

static void test_cram(engine_kit *kit, apr_pool_t *pool)
{
    const char *first, *second;

    open_tls(kit);
    first = challenge(kit, pool);
    second = challenge(kit, pool);
    ok(strcmp(first, second) != 0, "challenges differ");
    test_children(kit, pool);
    ok(first[0] == '<' && strstr(first, "@mx.example.com>") != NULL,
       "and have the form of a message id");
    /* RFC 2195 2 */
    ok(qp_secret_check_cram_md5("tanstaaftanstaaf",
                                "<1896.697170952@postoffice.reston.mci.net>",
                                "b913a602c7eda7a495b4e6e7334d3890"),
       "the example of the RFC");
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;
    size_t i;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    start(kit, &store);
    test_exchanges(kit);
    for (i = 0; i < QP_ARRAY_LEN(scrams); i++) {
        test_scram(kit, i, pool);
    }
    test_salt(kit, pool);
    test_cram(kit, pool);
    kit_close(kit);
    apr_pool_destroy(pool);
    return done_testing();
}
