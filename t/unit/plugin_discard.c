/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of the plugin queue/discard: which messages it takes.
 */
#include "plugin_test.h"

extern const qp_plugin_def qp_plugin_queue_discard;

/** A mark of the message, and the answer with and without if_noted. */
static const struct {
    const char *text;
    int number;
    qp_rc all;
    qp_rc noted;
} rows[] = {
    { NULL, 0, QP_OK, QP_DECLINED }, { "yes", 0, QP_OK, QP_OK },
    { "", 0, QP_OK, QP_OK },         { NULL, 1, QP_OK, QP_OK },
    { NULL, -1, QP_OK, QP_OK },
};

int main(void)
{
    struct plugin_test test = { 0 };
    qp_plugin *all = NULL;
    qp_plugin *noted = NULL;
    qp_notes *notes;
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_init(&test, pool);
    is_str(test_load(&test, &qp_plugin_queue_discard, "queue/discard", &all),
           NULL, "without arguments");
    is_str(test_load(&test, &qp_plugin_queue_discard, "queue/discard if_noted",
                     &noted),
           NULL, "if_noted");
    for (i = 0; i < QP_ARRAY_LEN(rows); i++) {
        test_connect(&test, "192.0.2.1");
        qp_session_begin_txn(test.qp);
        notes = qp_txn_notes(qp_transaction(test.qp));
        qp_note_set(notes, QP_NOTE_DISCARD_MAIL, rows[i].text);
        qp_note_set_num(notes, QP_NOTE_DISCARD_MAIL, rows[i].number);
        is_int(all->hooks.queue(all, test.qp, NULL), rows[i].all, "row %d, all",
               (int)i);
        is_int(noted->hooks.queue(noted, test.qp, NULL), rows[i].noted,
               "row %d, if_noted", (int)i);
    }
    ok(test_load(&test, &qp_plugin_queue_discard, "queue/discard if_noted 1",
                 &all)
           != NULL,
       "if_noted has no value");
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
