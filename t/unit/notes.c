/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of session/qp_notes, session/qp_slots and session/qp_conn: values that
 * plugins share, structs of their own, facts of a connection.
 */
#include "tap.h"

#include <malloc.h>
#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "session/qp_conn.h"
#include "session/qp_slots.h"

static void test_kinds(apr_pool_t *pool)
{
    qp_notes *notes = qp_notes_create(pool);
    char text[] = "a text";
    char key[] = "key";
    int thing;

    is_str(qp_note_get(notes, "key"), NULL, "no text");
    is_int(qp_note_num(notes, "key"), 0, "no number");
    ok(!qp_note_has(notes, "key"), "nothing at all");
    qp_note_set_num(notes, "zero", 0);
    ok(qp_note_has(notes, "zero"), "a number that is 0 is there");
    qp_note_set(notes, "zero text", "");
    ok(qp_note_has(notes, "zero text"), "and so is an empty text");
    qp_note_set(notes, "zero text", NULL);
    ok(!qp_note_has(notes, "zero text"), "until it is removed");
    ok(qp_note_ptr(notes, "key") == NULL, "no pointer");
    qp_note_set(notes, "key", text);
    text[0] = 'X';
    is_str(qp_note_get(notes, key), "a text", "a text is copied");
    qp_note_set_num(notes, "number", APR_INT64_MIN);
    qp_note_set_ptr(notes, "thing", &thing);
    ok(qp_note_num(notes, "number") == APR_INT64_MIN, "a number");
    ok(qp_note_ptr(notes, "thing") == &thing, "a pointer");
    is_str(qp_note_get(notes, "number"), NULL, "a number is no text");
    is_str(qp_note_get(notes, "Key"), NULL, "case matters");
    is_str(qp_note_get(notes, "ke"), NULL, "a part of a key");
    qp_note_set_num(notes, "number", 5);
    is_int(qp_note_num(notes, "number"), 5, "another number");
    qp_note_set_ptr(notes, "thing", NULL);
    ok(qp_note_ptr(notes, "thing") == NULL, "a pointer taken away");
    qp_note_set(notes, "key", "");
    is_str(qp_note_get(notes, "key"), "", "an empty text");
    qp_note_set(notes, "key", NULL);
    is_str(qp_note_get(notes, "key"), NULL, "removed");
    qp_note_set(notes, "never", NULL);
    is_str(qp_note_get(notes, "never"), NULL, "removed without being there");
}

/* The text may be made of the one that is there. */
static void test_overlap(apr_pool_t *pool)
{
    qp_notes *notes = qp_notes_create(pool);

    qp_note_set(notes, "key", "one two three");
    qp_note_set(notes, "key", qp_note_get(notes, "key"));
    is_str(qp_note_get(notes, "key"), "one two three", "itself");
    qp_note_set(notes, "key", qp_note_get(notes, "key") + 4);
    is_str(qp_note_get(notes, "key"), "two three", "a part of itself");
}

/* A long session sets the same notes again and again. */
static void test_growth(apr_pool_t *pool)
{
    qp_notes *notes = qp_notes_create(pool);
    char text[101];
    size_t before = 0;
    int i;

    memset(text, 'x', sizeof(text));
    for (i = 0; i < 200000; i++) {
        text[100] = '\0';
        qp_note_set(notes, "text", text + i % 100);
        qp_note_set(notes, "gone", i % 2 ? NULL : text);
        qp_note_set_num(notes, "num", i);
        if (i == 1000) {
            before = mallinfo2().uordblks;
        }
    }
    ok(mallinfo2().uordblks <= before, "notes that are set again do not grow");
}

static void test_slots(apr_pool_t *pool)
{
    qp_slots slots = { NULL };
    int *first;
    char *second;
    int i;

    first = qp_slots_get(&slots, 2, 3, sizeof(*first), pool);
    is_int(*first, 0, "zeroed at first");
    *first = 7;
    second = qp_slots_get(&slots, 0, 3, 100, pool);
    for (i = 0; i < 100 && second[i] == 0; i++) {
        second[i] = 1;
    }
    is_int(i, 100, "another, of another size");
    ok(qp_slots_get(&slots, 2, 3, sizeof(*first), pool) == first && *first == 7,
       "the same again");
}

static void test_conn(apr_pool_t *pool)
{
    qp_peers peers = { "192.0.2.1", NULL, "192.0.2.25", 40000, 25, 1, 1 };
    qp_conn *conn = qp_conn_create(&peers, pool);
    qp_conn *other;
    char host[301];
    int same = 0;
    int i;

    is_int((long long)strlen(qp_conn_id(conn)), QP_ID_LEN, "an id");
    is_int((long long)strspn(qp_conn_id(conn), "0123456789abcdefghijklmnop"
                                               "qrstuvwxyz"),
           QP_ID_LEN, "of letters and digits");
    for (i = 0; i < 1000; i++) {
        other = qp_conn_create(&peers, pool);
        same += strcmp(qp_conn_id(conn), qp_conn_id(other)) == 0;
    }
    is_int(same, 0, "that no other has");
    is_str(qp_conn_remote_ip(conn), "192.0.2.1", "remote_ip");
    is_str(qp_conn_remote_host(conn), "Unknown", "remote_host is not known");
    is_str(qp_conn_local_ip(conn), "192.0.2.25", "local_ip");
    is_int(qp_conn_remote_port(conn), 40000, "remote_port");
    is_int(qp_conn_local_port(conn), 25, "local_port");
    is_str(qp_conn_hello(conn), "", "no hello");
    is_str(qp_conn_hello_host(conn), "", "no name");
    qp_conn_set_hello(conn, QP_HELLO_EHLO, "a.example");
    is_str(qp_conn_hello(conn), "ehlo", "hello");
    is_str(qp_conn_hello_host(conn), "a.example", "its name");
    memset(host, 'h', 300);
    host[300] = '\0';
    qp_conn_set_hello(conn, QP_HELLO_HELO, host);
    is_int((long long)strlen(qp_conn_hello_host(conn)), QP_HOST_MAX,
           "a name that is too long is cut");
    qp_conn_set_hello(conn, QP_HELLO_NONE, "");
    is_str(qp_conn_hello(conn), "", "forgotten");
    is_int(qp_conn_relay_client(conn), 0, "may not relay");
    qp_conn_set_relay_client(conn, 4);
    is_int(qp_conn_relay_client(conn), 1, "may relay");
    ok(qp_conn_notes(conn) != NULL
           && qp_conn_notes(conn) == qp_conn_notes(conn),
       "its notes");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_kinds(pool);
    test_overlap(pool);
    test_growth(pool);
    test_slots(pool);
    test_conn(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
