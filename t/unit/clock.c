/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of qp_now(): it goes on in microseconds, never back, whatever becomes
 * of the date. */
#include "tap.h"

#include <unistd.h>

#include "qpsmtpd.h"

#define REPEATS 1000
#define NAP_US  2000

/* The date of this program: it has been set back to the year 1970. */
apr_time_t apr_time_now(void)
{
    return 0;
}

int main(void)
{
    apr_time_t start = qp_now();
    apr_time_t last = start;
    apr_time_t now;
    int back = 0;
    int i;

    for (i = 0; i < REPEATS; i++) {
        now = qp_now();
        back += now < last;
        last = now;
    }
    is_int(back, 0, "it does not go back");
    usleep(NAP_US);
    now = qp_now();
    ok(now - last >= NAP_US, "microseconds pass, the date or not");
    ok(now > apr_time_now() && start > 0, "it is not the date");
    return done_testing();
}
