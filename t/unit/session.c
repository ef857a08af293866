/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of session/qp_session, session/qp_client and plugin/qp_temp: replies,
 * states, pools and transactions of a session without an engine; dialogues
 * that plugins lead within a command of their own; temporary files; a hook
 * that has work done.
 */
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "engine_kit.h"

/* Without an engine. ----------------------------------------------------- */

static qp_session *make_session(engine_kit *kit)
{
    kit_close(kit);
    kit_clear(&kit->log);
    apr_pool_create(&kit->pconn, kit->pool);
    kit->io = mem_io_create(kit->pconn);
    kit->carrier.io = &kit->io->base;
    kit->qp = qp_session_create(&kit->carrier, &kit->peers, kit->pconn);
    return kit->qp;
}

static void test_replies(engine_kit *kit)
{
    qp_session *qp = make_session(kit);

    qp_session_reply(qp, 250, "2.1.0", "%s %d", "text", 7);
    is_str(mem_io_output(kit->io), "250 2.1.0 text 7\r\n", "a reply");
    is_int(qp->replied, 1, "is remembered");
    qp_session_reply(qp, 550, NULL, "again");
    is_str(mem_io_output(kit->io), "250 2.1.0 text 7\r\n", "a second is not");
    is_int(kit_count(kit_view(&kit->log), "2 QP1002 "), 1, "it is logged");
    qp_session_clear_command(qp);
    mem_io_clear_output(kit->io);
    qp_session_reply(qp, 550, "4.7.9", "one\ntwo");
    is_str(mem_io_output(kit->io), "550-5.7.9 one\r\n550 5.7.9 two\r\n",
           "the class of the status follows the code");
    qp_session_clear_command(qp);
    mem_io_clear_output(kit->io);
    qp_session_reply(qp, 354, NULL, "100%% %%s");
    is_str(mem_io_output(kit->io), "354 100% %s\r\n", "no status");
}

static const struct {
    int code;
    const char *text;
    const char *want;
} responses[] = {
    { 250, "ok", "250 2.0.0 ok\r\n" },
    { 550, "no", "550 5.0.0 no\r\n" },
    { 421, "later", "421 4.0.0 later\r\n" },
    { 550, "5.7.1 no", "550 5.7.1 no\r\n" },
    { 550, "5.7.1no", "550 5.0.0 5.7.1no\r\n" },
    { 250, "5 dots", "250 2.0.0 5 dots\r\n" },
    { 220, "hello", "220 hello\r\n" },
    { 354, "go on", "354 go on\r\n" },
    { 334, "", "334 \r\n" },
    { 214, "a\nb\r\nc", "214-2.0.0 a\r\n214-2.0.0 b\r\n214 2.0.0 c\r\n" },
    { 502, "a\r250 ok\033[m", "502-5.0.0 a\r\n502 5.0.0 250 ok?[m\r\n" },
};

static void test_responses(engine_kit *kit)
{
    qp_session *qp = make_session(kit);
    size_t i;

    for (i = 0; i < QP_ARRAY_LEN(responses); i++) {
        mem_io_clear_output(kit->io);
        qp_session_clear_command(qp);
        qp_respond(qp, responses[i].code, "%s", responses[i].text);
        is_str(mem_io_output(kit->io), responses[i].want, "response %d",
               (int)i);
    }
    qp_prompt(qp, 334, "%s", "more");
    is_int(kit_count(kit_view(&kit->log), "2 QP1005 "), 1,
           "a prompt behind the reply");
    qp_session_clear_command(qp);
    mem_io_clear_output(kit->io);
    qp_prompt(qp, 334, "%s", "more");
    qp_prompt(qp, 334, "%s", "");
    qp_respond(qp, 235, "done");
    is_str(mem_io_output(kit->io), "334 more\r\n334 \r\n235 2.0.0 done\r\n",
           "prompts are no replies");
}

static void test_answers(engine_kit *kit)
{
    qp_session *qp = make_session(kit);
    char text[] = "text";

    is_int(qp_return(qp, QP_DENY, "a %s", text), QP_DENY, "an answer");
    text[0] = 'X';
    is_str(qp->answer.text, "a text", "its text is copied");
    ok(qp->answer.subject == 0 && qp->answer.detail == 0, "no status");
    is_int(qp_return_dsn(qp, QP_OK, 1, 5, "b"), QP_OK, "with status");
    ok(qp->answer.subject == 1 && qp->answer.detail == 5, "its status");
    qp_return(qp, QP_DENY, "c");
    ok(qp->answer.subject == 0 && qp->answer.detail == 0,
       "the next one is without");
    is_int(qp_dsn_no_such_user(qp, NULL), QP_DENY, "by name");
    is_str(qp->answer.text, "No such user here", "default text");
    is_int(qp_dsn_no_such_user_rc(qp, QP_DENYSOFT, "50% off"), QP_DENYSOFT,
           "by name, another answer");
    is_str(qp->answer.text, "50% off", "own text");
    qp_session_clear_command(qp);
    ok(qp->answer.text == NULL && qp->answer.subject == 0,
       "forgotten with the command");
}

static void test_errors(engine_kit *kit)
{
    qp_session *qp = make_session(kit);
    int i;

    for (i = 0; i < 1000; i++) {
        qp_session_clear_command(qp);
        qp_session_error(qp, 500, "5.5.2", "bad");
    }
    is_int(qp->ending, QP_END_NONE, "no limit");
    qp->max_errors = 1001;
    mem_io_clear_output(kit->io);
    qp_session_clear_command(qp);
    qp_session_error(qp, 500, "5.5.2", "bad");
    ok(strncmp(mem_io_output(kit->io), "421 4.7.0 ", 10) == 0, "too many");
    is_int(qp->ending, QP_END_DENIED, "the session ends");
    qp_session_close(qp, QP_END_QUIT);
    is_int(qp->ending, QP_END_DENIED, "for its first reason");
}

static void test_states(engine_kit *kit)
{
    qp_session *qp = make_session(kit);
    apr_pool_t *first;

    qp_session_goto(qp, QP_STATE_READY, "a reason");
    ok(strstr(kit_view(&kit->log), "7 QP1001 : GREETED -> READY (a reason)\n")
           != NULL,
       "a change of state is logged");
    qp_session_goto(qp, QP_STATE_READY, "none");
    is_int(kit_count(kit_view(&kit->log), "QP1001"), 1, "no change is not");
    qp_session_begin_txn(qp);
    is_str(kit_normal(kit, qp_txn_id(qp->txn)), "ID.1", "a transaction's id");
    ok(qp_transaction(qp) == qp->txn && qp_txn_pool(qp) == qp->txn->pool,
       "its pool");
    is_int((long long)qp->logger.txn, 1, "its number in the log");
    qp_session_drop_txn(qp);
    qp_session_drop_txn(qp);
    ok(qp_transaction(qp) == NULL && qp->logger.txn == 0, "it has gone");
    ok(qp_txn_pool(qp) == qp_pool(qp), "the command's pool in place of it");
    qp_session_begin_txn(qp);
    is_str(kit_normal(kit, qp_txn_id(qp->txn)), "ID.2", "the next id");
    first = qp_pool(qp);
    qp_session_clear_command(qp);
    ok(qp_pool(qp) == first, "the command's pool is kept for the next one");
    qp_session_drop_pcmd(qp);
    ok(qp->pcmd == NULL, "and given back when the session is idle");
    ok(qp_conn_pool(qp) == kit->pconn, "the connection's pool");
    qp_karma_adjust(qp, 3);
    qp_karma_adjust(qp, -5);
    is_int(qp_note_num(qp_conn_notes(qp->conn), QP_NOTE_KARMA), -2, "karma");
}

/* Dialogues. ------------------------------------------------------------- */

/** Reads lines until one says "end", and tells how many octets they had. */
struct dialogue {
    int lines;
    int octets;
    int faults;
};

static qp_rc next_line(qp_session *qp, struct dialogue *state)
{
    const char *line;
    apr_status_t rv;

    while ((rv = qp_client_line(qp, 20, &line)) != APR_EAGAIN) {
        if (rv == APR_ENOSPC || rv == APR_EINVAL) {
            state->faults += rv == APR_ENOSPC ? 10 : 1;
            continue;
        }
        if (rv != APR_SUCCESS) {
            return QP_DONE;
        }
        if (strcmp(line, "end") == 0) {
            qp_respond(qp, 250, "%d lines, %d octets, %d", state->lines,
                       state->octets, state->faults);
            return QP_DONE;
        }
        state->octets += (int)strlen(line);
        if (++state->lines % 2 == 0) {
            qp_prompt(qp, 334, "%s", line);
        }
    }
    return qp_await(qp, qp_client_input(qp));
}

static qp_rc read_lines(const qp_plugin *self, qp_session *qp,
                        const qp_command_arg *arg)
{
    struct dialogue *state = qp_conn_data(self, qp);

    if (strcmp(arg->verb, "xlines") != 0) {
        return QP_DECLINED;
    }
    return next_line(qp, state);
}

/* The rest of a command as raw octets: XRAW n. */
static qp_rc read_raw(const qp_plugin *self, qp_session *qp,
                      const qp_command_arg *arg)
{
    struct dialogue *state = qp_conn_data(self, qp);
    int want = atoi(arg->line);
    const char *data;
    apr_size_t len;

    if (strcmp(arg->verb, "xraw") != 0) {
        return QP_DECLINED;
    }
    while (state->octets < want) {
        if (qp_client_peek(qp, &data, &len) != APR_SUCCESS) {
            return qp_await(qp, qp_client_input(qp));
        }
        len = len < (apr_size_t)(want - state->octets)
                  ? len
                  : (apr_size_t)(want - state->octets);
        qp_client_skip(qp, len);
        state->octets += (int)len;
    }
    qp_respond(qp, 250, "%d octets", state->octets);
    return QP_DONE;
}

static void start_dialogue(engine_kit *kit)
{
    static const qp_plugin_def lines = {
        .conn_size = sizeof(struct dialogue),
        .hooks = { .unrecognized_command = read_lines },
    };
    static const qp_plugin_def raw = {
        .conn_size = sizeof(struct dialogue),
        .hooks = { .unrecognized_command = read_raw },
    };

    kit_reset(kit);
    kit_plugin(kit, &lines, "lines", NULL);
    kit_plugin(kit, &raw, "raw", NULL);
    kit_start(kit);
    kit_open(kit);
    kit->hold = 1;
    kit_talk(kit, "");
    mem_io_clear_output(kit->io);
}

static void test_dialogue(engine_kit *kit)
{
    static const apr_size_t chunks[] = { 0, 1, 2, 3, 7, 4096 };
    size_t i;

    for (i = 0; i < 2 * QP_ARRAY_LEN(chunks); i++) {
        start_dialogue(kit);
        kit->io->chunk = chunks[i / 2];
        kit->io->stutter = (int)i % 2;
        kit_talk(kit, "XLINES\r\none\r\ntwo\r\n\r\n"
                      "a line that is far too long\r\nbare\nfour\r\nend\r\n"
                      "NOOP\r\nXRAW 7\r\n\r\n\n\rabcNOOP\r\n");
        is_str(mem_io_output(kit->io),
               "334 two\r\n334 four\r\n250 2.0.0 4 lines, 10 octets, 11\r\n"
               "250 2.0.0 Nothing done\r\n250 2.0.0 7 octets\r\n"
               "250 2.0.0 Nothing done\r\n",
               "a dialogue, by %d, %d", (int)chunks[i / 2], (int)i % 2);
    }
}

static void test_slow_dialogue(engine_kit *kit)
{
    start_dialogue(kit);
    is_str(kit_talk(kit, "XLINES\r\n"), "", "it waits for a line");
    is_int(kit->want, QP_WANT_WAKE_OR_INPUT, "of the client");
    is_str(kit_talk(kit, "on"), "", "for all of it");
    is_int(kit->want, QP_WANT_WAKE_OR_INPUT, "still of the client");
    is_str(kit_talk(kit, "e\r\ntwo\r\nth"), "334 two\r\n", "a prompt");
    is_int((long long)kit->io->flushed, (long long)mem_io_output_len(kit->io),
           "is on its way");
    is_str(kit_talk(kit, "ree\r\nend\r\nNO"),
           "250 2.0.0 3 lines, 11 octets, "
           "0\r\n",
           "the reply");
    is_str(kit_talk(kit, "OP\r\n"), "250 2.0.0 Nothing done\r\n",
           "the next command");
    kit_talk(kit, "XLINES\r\nfour");
    kit->io->at_end = APR_EOF;
    kit_run(kit);
    is_int(kit->want, QP_WANT_CLOSE, "the client leaves in a dialogue");
    kit->hold = 0;
    kit_close(kit);
}

/* Temporary files. ------------------------------------------------------- */

static int has_mode(const char *path, int mode)
{
    struct stat info;

    return path != NULL && stat(path, &info) == 0
           && (info.st_mode & 07777) == (mode_t)mode;
}

static void make_file(engine_kit *kit, const char *path)
{
    FILE *out = fopen(path, "w");

    ok(out != NULL, "%s can be made", path + strlen(kit->dir));
    if (out != NULL) {
        fclose(out);
    }
}

static void test_temporary(engine_kit *kit)
{
    const char *spool;
    const char *file;
    const char *dir;
    const char *stays;

    kit_reset(kit);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, "EHLO x\r\nMAIL FROM:<>\r\n");
    spool = apr_pstrdup(kit->pool, qp_spool_dir(kit->qp));
    ok(strncmp(spool, kit->dir, strlen(kit->dir)) == 0, "spool_dir");
    dir = apr_pstrdup(kit->pool, qp_temp_dir(kit->qp));
    ok(has_mode(dir, 0700), "a folder for nobody else");
    ok(has_mode(spool, 0700), "in a spool that nobody else reads");
    file = apr_pstrdup(kit->pool, qp_temp_file(kit->qp));
    ok(strncmp(file, spool, strlen(spool)) == 0 && access(file, F_OK) != 0,
       "the name of a file");
    ok(strcmp(file, qp_temp_file(kit->qp)) != 0, "another each time");
    make_file(kit, file);
    make_file(kit, apr_pstrcat(kit->pool, dir, "/file", NULL));
    mkdir(apr_pstrcat(kit->pool, dir, "/sub", NULL), 0700);
    make_file(kit, apr_pstrcat(kit->pool, dir, "/sub/file", NULL));
    is_int(symlink("/etc", apr_pstrcat(kit->pool, dir, "/link", NULL)), 0,
           "a link");
    stays = apr_pstrdup(kit->pool, qp_make_temp_dir(kit->qp, 0750));
    ok(has_mode(stays, 0750), "a folder of another mode");
    kit_talk(kit, "RSET\r\n");
    ok(access(file, F_OK) != 0 && access(dir, F_OK) != 0,
       "gone with the transaction");
    ok(has_mode(stays, 0750) && access("/etc", F_OK) == 0, "what stays");
    kit_close(kit);
}

/* Work on another thread. -------------------------------------------------- */

struct lookup {
    const char *name;
    const char *found;
};

static apr_status_t look_up(qp_job *job, void *baton)
{
    struct lookup *lookup = baton;

    apr_sleep(5000);
    lookup->found = apr_pstrcat(qp_job_pool(job), "found ", lookup->name, NULL);
    return strcmp(lookup->name, "bad") == 0 ? APR_EGENERAL : APR_SUCCESS;
}

struct txn_data {
    struct lookup *lookup;
    qp_wait *done;
};

static qp_rc look_up_rcpt(const qp_plugin *self, qp_session *qp,
                          const qp_rcpt_arg *arg)
{
    struct txn_data *data = qp_txn_data(self, qp);
    qp_wait *done = data->done;
    qp_job *job;

    if (done == NULL) {
        job = qp_job_create(qp, qp_txn_pool(qp));
        data->lookup = apr_pcalloc(qp_job_pool(job), sizeof(*data->lookup));
        data->lookup->name = apr_pstrdup(qp_job_pool(job), arg->rcpt->user);
        data->done = qp_job_start(job, look_up, data->lookup);
        return qp_await(qp, data->done);
    }
    data->done = NULL;
    return qp_return(qp,
                     qp_wait_status(done) == APR_SUCCESS ? QP_DENY
                                                         : QP_DENYSOFT,
                     "%s", data->lookup->found);
}

static void test_job(engine_kit *kit)
{
    static const qp_plugin_def def = { .txn_size = sizeof(struct txn_data),
                                       .hooks = { .rcpt = look_up_rcpt } };

    kit_reset(kit);
    kit_plugin(kit, &def, "lookup", NULL);
    kit_start(kit);
    kit_open(kit);
    kit_talk(kit, "EHLO x\r\nMAIL FROM:<>\r\n");
    is_str(kit_talk(kit, "RCPT TO:<a@b>\r\nRCPT TO:<bad@b>\r\nNOOP\r\n"),
           "550 5.7.1 found a\r\n450 4.7.1 found bad\r\n"
           "250 2.0.0 Nothing done\r\n",
           "a hook that waits for work");
    kit->hold = 1;
    kit_talk(kit, "RCPT TO:<c@b>\r\n");
    is_int(kit->want, QP_WANT_WAKE_OR_INPUT,
           "a session leaves its work behind");
    kit_close(kit);
    kit->hold = 0;
}

int main(void)
{
    apr_pool_t *pool;
    engine_kit *kit;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    kit = kit_create(pool);
    test_replies(kit);
    test_responses(kit);
    test_answers(kit);
    test_errors(kit);
    test_states(kit);
    test_dialogue(kit);
    test_slow_dialogue(kit);
    test_temporary(kit);
    test_job(kit);
    kit_close(kit);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
