/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of session/qp_client: a plugin that has a dialogue of its own with the
 * client, by lines and by octets, in pieces of all sizes.
 */
#include "tap.h"

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

#define MAX_LINE 20
#define RAW      5

/** How far the dialogue is; lives as long as the command. */
typedef struct talk {
    int prompts, lines;
    char raw[RAW + 1];
    apr_size_t len;
} talk;

static const char *status_name(apr_status_t rv)
{
    return rv == APR_SUCCESS  ? "good"
           : rv == APR_EOF    ? "EOF"
           : rv == APR_EINVAL ? "EINVAL"
           : rv == APR_ENOSPC ? "ENOSPC"
                              : "?";
}

/* What is kept with the pool cannot outlive it. */
static talk *get_talk(qp_session *qp)
{
    void *found = NULL;

    apr_pool_userdata_get(&found, "talk", qp_pool(qp));
    if (found == NULL) {
        found = apr_pcalloc(qp_pool(qp), sizeof(talk));
        apr_pool_userdata_setn(found, "talk", NULL, qp_pool(qp));
    }
    return found;
}

/* Two lines, each after a prompt. @return APR_EAGAIN: not yet */
static apr_status_t read_lines(engine_kit *kit, qp_session *qp, talk *t)
{
    const char *line = NULL;
    apr_status_t rv;

    while (t->lines < 2) {
        if (t->prompts == t->lines) {
            qp_prompt(qp, 334, "line %d", ++t->prompts);
        }
        rv = qp_client_line(qp, MAX_LINE, &line);
        if (APR_STATUS_IS_EAGAIN(rv)) {
            return rv;
        }
        kit_print(&kit->trace, " %s", status_name(rv));
        if (rv == APR_EOF) {
            return rv;
        }
        kit_print(&kit->trace, "(%s)", line);
        t->lines++;
    }
    return APR_SUCCESS;
}

static apr_status_t read_raw(engine_kit *kit, qp_session *qp, talk *t)
{
    const char *data = NULL;
    apr_size_t len = 0;
    apr_status_t rv = APR_SUCCESS;

    while (t->len < RAW && rv == APR_SUCCESS) {
        rv = qp_client_peek(qp, &data, &len);
        if (rv == APR_SUCCESS) {
            len = len < RAW - t->len ? len : RAW - t->len;
            memcpy(t->raw + t->len, data, len);
            t->len += len;
            qp_client_skip(qp, len);
        }
    }
    if (rv == APR_SUCCESS) {
        kit_append(&kit->trace, t->raw, RAW);
    }
    return rv;
}

static qp_rc hold_talk(const qp_plugin *self, qp_session *qp,
                       const qp_command_arg *arg)
{
    engine_kit *kit = self->opts;
    talk *t = get_talk(qp);
    apr_status_t rv;

    if (strcmp(arg->verb, "xtalk") != 0) {
        return QP_DECLINED;
    }
    rv = read_lines(kit, qp, t);
    if (rv == APR_SUCCESS) {
        rv = read_raw(kit, qp, t);
    }
    if (APR_STATUS_IS_EAGAIN(rv)) {
        return qp_await(qp, qp_client_input(qp));
    }
    qp_respond(qp, 250, "done");
    qp_prompt(qp, 334, "never sent");
    return QP_DONE;
}

static qp_rc offer_talk(const qp_plugin *self, qp_session *qp,
                        const qp_helo_arg *arg)
{
    qp_add_capability(qp, "XTALK");
    return QP_DECLINED;
}

/* A handle that is not ready is the same for all who ask. */
static qp_rc ask_twice(const qp_plugin *self, qp_session *qp,
                       const qp_words_arg *arg)
{
    engine_kit *kit = self->opts;
    qp_wait *first = qp_client_input(qp);
    qp_wait *second = qp_client_input(qp);

    kit_print(&kit->trace, " %s %d", first == second ? "same" : "other",
              qp_ready(first) + qp_ready(second));
    return qp_ready(first) ? QP_DECLINED : qp_await(qp, first);
}

static const qp_plugin_def talk_def = {
    .hooks = { .unrecognized_command = hold_talk,
               .ehlo = offer_talk,
               .noop = ask_twice },
};

static void open_kit(engine_kit *kit, apr_size_t chunk, int stutter)
{
    kit_open(kit);
    kit->io->chunk = chunk;
    kit->io->stutter = stutter;
    kit_talk(kit, "");
}

/* What the client says; what the plugin sees; codes of the replies. */
static const struct {
    const char *says, *sees, *codes;
} dialogues[] = {
    { "XTALK\r\none\r\ntwo\r\nabcdeQUIT\r\n", " good(one) good(two)abcde",
      "334 334 250 221" },
    { "XTALK\r\n\r\n*\r\n\r\n\r\n.QUIT\r\n", " good() good(*)\r\n\r\n.",
      "334 334 250 221" },
    { "XTALK\r\n123456789012345678\r\n1234567890123456789\r\nabcdeQUIT\r\n",
      " good(123456789012345678) ENOSPC()abcde", "334 334 250 221" },
    { "XTALK\r\nAUTH 6789012345678\r\nAUTH 67890123456789\r\nabcdeQUIT\r\n",
      " good(AUTH 6789012345678) ENOSPC()abcde", "334 334 250 221" },
    { "XTALK\r\none\ntwo\rx\r\nabcdeQUIT\r\n",
      " EINVAL(one) EINVAL(two\rx)abcde", "334 334 250 221" },
    { "XTALK\r\none\r\ntwo\r\nabcdeXTALK\r\n1\r\n2\r\nfghijQUIT\r\n",
      " good(one) good(two)abcde good(1) good(2)fghij",
      "334 334 250 334 334 250 221" },
};

static void test_dialogues(engine_kit *kit)
{
    static const apr_size_t chunks[] = { 0, 1, 2, 3, 7 };
    const char *replies;
    size_t i, n;

    for (i = 0; i < QP_ARRAY_LEN(dialogues); i++) {
        for (n = 0; n < 2 * QP_ARRAY_LEN(chunks); n++) {
            open_kit(kit, chunks[n / 2], (int)n % 2);
            replies = kit_talk(kit, dialogues[i].says);
            is_str(kit_codes(replies, kit->pool), dialogues[i].codes,
                   "dialogue %d, way %d: replies", (int)i, (int)n);
            is_str(kit_view(&kit->trace), dialogues[i].sees,
                   "dialogue %d, way %d: what is seen", (int)i, (int)n);
            is_int(kit_count(kit_view(&kit->log), " QP1005 "),
                   kit_count(dialogues[i].codes, "250"),
                   "a prompt behind the reply is refused");
        }
    }
}

/* The client answers each prompt when it has seen it, then leaves. */
static void test_turns(engine_kit *kit)
{
    open_kit(kit, 0, 0);
    ok(strstr(kit_talk(kit, "EHLO x\r\n"), "XTALK\r\n") != NULL, "capability");
    is_str(kit_talk(kit, "XTALK\r\n"), "334 line 1\r\n", "the first prompt");
    is_int(kit->want, QP_WANT_WAKE_OR_INPUT, "it waits for the client");
    is_str(kit_talk(kit, "on"), "", "half a line");
    is_str(kit_talk(kit, "e\r\n"), "334 line 2\r\n", "the second prompt");
    is_str(kit_talk(kit, "two\r\n"), "", "no further one");
    is_str(kit_talk(kit, "abcde"), "250 2.0.0 done\r\n", "done");
    is_str(kit_view(&kit->trace), " good(one) good(two)abcde", "all is seen");
    kit_clear(&kit->trace);
    kit_talk(kit, "NOOP\r\n");
    is_str(kit_view(&kit->trace), " same 0", "one handle for all who ask");
    ok(strncmp(kit_talk(kit, "XTALK\r\n"), "250", 3) == 0, "it is ready then");
    kit_clear(&kit->trace);
    kit->io->at_end = APR_EOF;
    kit_run(kit);
    is_int(kit->want, QP_WANT_CLOSE, "the client leaves within");
    is_str(kit_view(&kit->trace), " EOF", "and the plugin sees it");
}

/* The plugin's timeout ends a dialogue; the next one starts anew. */
static void test_timeout(engine_kit *kit, qp_plugin *plugin)
{
    open_kit(kit, 0, 0);
    plugin->common.timeout = apr_time_from_msec(20);
    kit_talk(kit, "XTALK\r\none\r\n");
    ok(kit_wait(kit), "time is up");
    is_str(kit_codes(kit_talk(kit, ""), kit->pool), "500", "the reply");
    plugin->common.timeout = apr_time_from_sec(30);
    is_str(kit_talk(kit, "XTALK\r\n"), "334 line 1\r\n", "from the start");
    kit_close(kit);
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;
    qp_plugin *plugin;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    kit->hold = 1;
    plugin = kit_plugin(kit, &talk_def, "talk", kit);
    is_str(kit_start(kit), NULL, "a server");
    test_dialogues(kit);
    test_turns(kit);
    test_timeout(kit, plugin);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
