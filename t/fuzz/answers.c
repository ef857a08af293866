/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of what plugins read from others: spamd's verdict and fields,
 * links in the text of a message, the answer of a web server, a record of
 * greylisting that a store has (R111, R117).
 */
#include "fuzz.h"

#include "base/qp_base.h"
#include "plugins/greylist_record.h"
#include "plugins/http_reply.h"
#include "plugins/spamassassin_fields.h"
#include "plugins/uribl_scan.h"

static void check_spamd(fuzz_input in, apr_pool_t *pool)
{
    struct spam_reply reply = { .pool = pool, .length = -1 };
    const char *line;

    reply.fields = apr_array_make(pool, 1, sizeof(struct spam_field));
    while (in.left > 0) {
        line = fuzz_text(&in, pool);
        if (line[0] == '\0' || parse_head(&reply, line) != NULL) {
            break;
        }
    }
    if (reply.result.score != NULL) {
        fuzz_check(strlen(reply.result.score) <= SPAM_TEXT_MAX);
        fuzz_check(fuzz_is_clean(reply.result.score));
    }
}

static void check_links(fuzz_input in, apr_pool_t *pool)
{
    scan *s = apr_pcalloc(pool, sizeof(*s));
    char *text;
    int i;

    s->hosts = apr_array_make(pool, 4, sizeof(const char *));
    s->max = 8;
    s->pool = pool;
    while (in.left > 0) {
        size_t len = in.left < 7 ? in.left : 7;

        text = fuzz_take(&in, len);
        feed_text(s, text, len);
        free(text);
    }
    finish_scan(s);
    fuzz_check(s->hosts->nelts <= s->max);
    for (i = 0; i < s->hosts->nelts; i++) {
        const char *host = APR_ARRAY_IDX(s->hosts, i, const char *);

        fuzz_check(host[0] != '\0' && strlen(host) <= SCAN_HOST);
        fuzz_check(fuzz_is_clean(host) && strpbrk(host, " /@") == NULL);
    }
}

static void check_http(fuzz_input in, apr_pool_t *pool)
{
    struct http_reply reply = { .pool = pool, .room = 16, .max = 100 };
    char *line;
    size_t len;

    reply.text = apr_palloc(pool, reply.room);

    while (in.left > 0) {
        len = in.left < 32 ? in.left : 32;
        line = fuzz_take(&in, len);
        fuzz_check(take_header(line, 1, len, &reply) <= len);
        fuzz_check(take_text(line, 1, len, &reply) <= len);
        free(line);
    }
    fuzz_check(reply.len <= reply.max);
    fuzz_check(strlen(reply.validators.etag) < HTTP_VALIDATOR_MAX);
}

/* Whatever the store has, it counts up, and waits no longer than it should. */
static void check_greylist(fuzz_input in, apr_pool_t *pool)
{
    const struct grey_set set = { .black_timeout = apr_time_from_sec(100),
                                  .grey_timeout = apr_time_from_sec(1000),
                                  .white_timeout = apr_time_from_sec(9000) };
    const apr_time_t now = apr_time_from_sec(1000000000);
    struct grey_judgement judged = { .count = 0 };
    struct grey_record record;
    int is_known = read_record(fuzz_text(&in, pool), &record);
    apr_interval_time_t life;

    judge_record(&set, now, &record, is_known, &judged);
    fuzz_check(judged.count > 0 && judged.wait >= 0 && judged.wait <= 100);
    life = record_life(&set, now, &record);
    fuzz_check(life > 0 && life <= set.white_timeout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();

    check_spamd(in, pool);
    check_links(in, pool);
    check_http(in, pool);
    check_greylist(in, pool);
    return fuzz_end(pool);
}
