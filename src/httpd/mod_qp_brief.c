/* SPDX-License-Identifier: Apache-2.0 */
/* Handing a session to the MPM and getting it back costs more than most
 * commands. A client that answers at once is therefore waited for on the spot,
 * for a moment; one that does not is not waited for again until it is quick. A
 * fifth of the threads never waits like this. Data: flags of the connection, a
 * counter of the child. */

#include "httpd/mod_qp.h"

#include <poll.h>

#include <apr_portable.h>

/* Milliseconds. A client in the same building answers within one. */
#define BRIEF_MS 2

static int is_answering(mod_qp_conn *m)
{
    struct pollfd client = { -1, POLLIN, 0 };
    apr_os_sock_t fd;

    if (apr_os_sock_get(&fd, ap_get_conn_socket(m->c)) != APR_SUCCESS) {
        return 0;
    }
    client.fd = fd;
    return poll(&client, 1, BRIEF_MS) > 0;
}

int mod_qp_brief_wait(mod_qp_conn *m)
{
    mod_qp_child *child = m->child;

    if (!m->is_brisk) {
        return 0;
    }
    m->is_brisk = __atomic_add_fetch(&child->nbrief, 1, __ATOMIC_RELAXED)
                      <= child->max_brief
                  && is_answering(m);
    __atomic_sub_fetch(&child->nbrief, 1, __ATOMIC_RELAXED);
    return m->is_brisk;
}

void mod_qp_brief_park(mod_qp_conn *m)
{
    m->parked_at = qp_now();
}

void mod_qp_brief_resume(mod_qp_conn *m)
{
    m->is_brisk = qp_now() - m->parked_at < apr_time_from_msec(BRIEF_MS);
}
