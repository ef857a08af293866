/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of what plugin spamassassin makes of the answers of spamd: scores,
 * verdicts, lengths, fields of all forms, and octets at random. Covers R111.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>

#include "base/qp_base.h"
#include "plugins/spamassassin_fields.h"

static struct spam_reply *make_reply(apr_pool_t *pool)
{
    struct spam_reply *reply = apr_pcalloc(pool, sizeof(*reply));

    reply->pool = pool;
    reply->length = -1;
    reply->fields = apr_array_make(pool, 4, sizeof(struct spam_field));
    return reply;
}

static void test_scores(void)
{
    static const struct {
        const char *text;
        int good;
        long want;
    } rows[] = {
        { "0", 1, 0 },
        { "5", 1, 5000 },
        { "7.2", 1, 7200 },
        { "-1.25", 1, -1250 },
        { "-0.0", 1, 0 },
        { "1004.3", 1, 1004300 },
        { "99999.9", 1, 99999900 },
        { "5.", 1, 5000 },
        { "0.1239", 1, 123 },
        { "005", 1, 5000 },
        { "", 0, 0 },
        { "-", 0, 0 },
        { ".5", 0, 0 },
        { "5x", 0, 0 },
        { "5 ", 0, 0 },
        { "--5", 0, 0 },
        { "+5", 0, 0 },
        { "1e3", 0, 0 },
        { "nan", 0, 0 },
        { "0x10", 0, 0 },
        { "1000000", 0, 0 },
        { "99999999999999999999", 0, 0 },
        { "1.00000000000001", 0, 0 },
    };
    long score;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_int(parse_score(rows[i].text, &score), rows[i].good,
               "score <%s>: is it one", rows[i].text);
        if (rows[i].good) {
            is_int(score, rows[i].want, "score <%s>", rows[i].text);
        }
    }
}

static void test_status(void)
{
    static const struct {
        const char *line;
        int want;
    } rows[] = {
        { "SPAMD/1.1 0 EX_OK", 1 },
        { "SPAMD/1.0 0  EX_OK", 1 },
        { "SPAMD/1.1 76 EX_OK", 0 },
        { "SPAMD/1.1 0 EX_OKAY", 0 },
        { "SPAMD/1.1 0", 0 },
        { "SPAMD/1.1", 0 },
        { "SPAMD/ 0 EX_OK", 0 },
        { "HTTP/1.1 0 EX_OK", 0 },
        { "", 0 },
        { "SPAMD/1.1 64 EX_USAGE", 0 },
        { "SPAMD/1.1 00 EX_OK", 0 },
    };
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_int(is_ok_status(rows[i].line), rows[i].want, "status <%s>",
               rows[i].line);
    }
}

static void test_head(apr_pool_t *pool)
{
    static const struct {
        const char *line;
        int good;
        int is_spam;
        const char *score; /* NULL: there is none */
        const char *required;
    } rows[] = {
        { "Spam: True ; 15.5 / 5.0", 1, 1, "15.5", "5.0" },
        { "spam: false;-0.1/5", 1, 0, "-0.1", "5" },
        { "Spam: Yes ; 5 / 5 ", 1, 1, "5", "5" },
        { "Spam:No;0/0", 1, 0, "0", "0" },
        { "Content-length: 12", 1, 0, NULL, NULL },
        { "DidSet: local", 1, 0, NULL, NULL },
        { "Spam: True", 0, 0, NULL, NULL },
        { "Spam: True ; 5", 0, 0, NULL, NULL },
        { "Spam: True ; 5 / ", 0, 0, NULL, NULL },
        { "Spam: True ; / 5", 0, 0, NULL, NULL },
        { "Spam: True ; 5 / 5 / 5", 0, 0, NULL, NULL },
        { "Spam: True 5 / 5", 0, 0, NULL, NULL },
        { "Spam: Trueish ; 5 / 5", 0, 0, NULL, NULL },
        { "Spam: Perhaps ; 5 / 5", 0, 0, NULL, NULL },
        { "Spam:", 0, 0, NULL, NULL },
        { "Content-length:", 0, 0, NULL, NULL },
        { "Content-length: -1", 0, 0, NULL, NULL },
        { "Content-length: 1x", 0, 0, NULL, NULL },
        { "Content-length: 9999999999999", 0, 0, NULL, NULL },
        { "no colon", 0, 0, NULL, NULL },
    };
    struct spam_reply *reply;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        reply = make_reply(pool);
        is_int(parse_head(reply, rows[i].line) == NULL, rows[i].good,
               "head <%s>: is it one", rows[i].line);
        if (rows[i].score != NULL) {
            is_int(reply->result.is_spam, rows[i].is_spam, "is it spam");
            is_str(reply->result.score, rows[i].score, "the score");
            is_str(reply->result.required, rows[i].required, "and the limit");
        }
    }
    reply = make_reply(pool);
    ok(parse_head(reply, "content-LENGTH:\t123456") == NULL
           && reply->length == 123456,
       "a length");
}

/* @return "NAME=VALUE|..." of the fields that were taken */
static const char *fields_of(const char *text, struct spam_reply *reply)
{
    char *copy = apr_pstrdup(reply->pool, text);
    const char *all = "";
    int i;

    parse_header(reply, copy, strlen(copy));
    for (i = 0; i < reply->fields->nelts; i++) {
        struct spam_field *field =
            &APR_ARRAY_IDX(reply->fields, i, struct spam_field);

        all = apr_pstrcat(reply->pool, all, field->name, "=", field->value, "|",
                          NULL);
    }
    return all;
}

static void test_fields(apr_pool_t *pool)
{
    static const char *const rows[][2] = {
        { "X-Spam-Flag: YES\r\n\r\n", "X-Spam-Flag=YES|" },
        { "X-Spam-Status: Yes,\r\n\tscore=1\r\nSubject: x\n",
          "X-Spam-Status=Yes,\n\tscore=1|" },
        { "A: b\nx-spam-Level:\nB: c\nX-Spam-A_b:d\n\nX-Spam-No: body\n\n",
          "x-spam-Level=|X-Spam-A_b=d|" },
        { "X-Spam-Report: a\n b\nX-Spam-Reports: c\nX-Spam-Prev-Subject: d\n\n",
          "X-Spam-Reports=c|" },
        { "X-Spam-: a\nX-Spam-A B: c\nX-Spam-A\nX-Spam: d\nX-Spam-\xe9: e\n\n",
          "" },
        { "X-Spam-A: is cut o", "" },
        { "X-Spam-A: is whole\nX-Sp", "X-Spam-A=is whole|" },
        { " X-Spam-A: b\n\n", "" },
        { "X-Spam-A: a\x01\x1b[m\n\n", "X-Spam-A=a  [m|" },
        { "\nX-Spam-A: body\n\n", "" },
        { "", "" },
    };
    struct spam_reply *reply;
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        is_str(fields_of(rows[i][0], make_reply(pool)), rows[i][1], "fields %d",
               (int)i);
    }
    reply = make_reply(pool);
    fields_of("X-Spam-Status: Yes, score=7.2 required=5.0 tests=ONE,TWO,\n"
              "\tTHREE autolearn=ham version=4\n\n",
              reply);
    is_str(find_status(reply, "tests="), "ONE,TWO,THREE", "tests");
    is_str(find_status(reply, "autolearn="), "ham", "autolearn");
    is_str(find_status(reply, "version="), "4", "the last word");
    is_str(find_status(reply, "none="), "", "a word that is not there");
    is_str(find_status(make_reply(pool), "tests="), "", "nor any status");
}

/* Whatever comes, no more is taken than is allowed. */
static void test_limits(apr_pool_t *pool)
{
    static const char set[] = "X-Spam-: \n\r\tAb\xff";
    struct spam_reply *reply = make_reply(pool);
    unsigned int state = 783;
    char *text = apr_palloc(pool, 65537);
    int i;
    int k;

    for (i = 0; i < 65536; i++) {
        text[i] = "X-Spam-A: b\n"[i % 12];
    }
    parse_header(reply, text, 65536);
    is_int(reply->fields->nelts, SPAM_MAX_FIELDS, "so many fields");
    reply = make_reply(pool);
    memcpy(text, "X-Spam-A:", 9);
    memset(text + 9, 'x', 65536 - 9);
    memcpy(text + 65534, "\n\n", 2);
    parse_header(reply, text, 65536);
    is_int(reply->fields->nelts, 0, "not one that is too long");
    for (i = 0; i < 2000; i++) {
        char *copy = malloc(200);

        for (k = 0; k < 200; k++) {
            state = state * 1103515245u + 12345u;
            copy[k] = set[(state >> 16) % (sizeof(set) - 1)];
        }
        parse_header(reply, copy, 200);
        free(copy);
    }
    ok(reply->fields->nelts <= SPAM_MAX_FIELDS, "octets at random");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    test_scores();
    test_status();
    test_head(pool);
    test_fields(pool);
    test_limits(pool);
    return done_testing();
}
