/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of wire/qp_rate: the clock is a number that the test hands in.
 */
#include "tap.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/qp_rate.h"

#define PLACES 64

static qp_rates *make_rates(void)
{
    return qp_rates_init(calloc(1, qp_rates_size(PLACES)), PLACES);
}

/* How many of @a n are let through. */
static int take_some(qp_rates *rates, apr_uint64_t key, const qp_rate *rate,
                     apr_time_t now, int n)
{
    int taken = 0;

    while (n-- > 0) {
        taken += qp_rates_take(rates, key, rate, now);
    }
    return taken;
}

static void test_rate(void)
{
    static const qp_rate rate = { 10, apr_time_from_sec(60) };
    static const qp_rate none = { 0, 0 };
    apr_time_t now = apr_time_from_sec(1000);
    qp_rates *rates = make_rates();

    is_int(take_some(rates, 1, &none, now, 50), 50, "no limit");
    is_int(take_some(rates, 1, &rate, now, 50), 10, "ten at once");
    is_int(take_some(rates, 2, &rate, now, 50), 10, "and ten of another key");
    now += apr_time_from_sec(5);
    is_int(take_some(rates, 1, &rate, now, 50), 0, "none within its share");
    now += apr_time_from_sec(1);
    is_int(take_some(rates, 1, &rate, now, 50), 1, "one when that is over");
    now += apr_time_from_sec(18);
    is_int(take_some(rates, 1, &rate, now, 50), 3, "three after three shares");
    now += apr_time_from_sec(3600);
    is_int(take_some(rates, 1, &rate, now, 50), 10, "all after a long time");
    free(rates);
}

/* Keys that share all their places. */
static void test_full(void)
{
    static const qp_rate rate = { 1, apr_time_from_sec(60) };
    apr_time_t now = apr_time_from_sec(1000);
    qp_rates *rates = make_rates();
    int taken = 0;
    int i;

    for (i = 0; i < 16; i++) {
        taken += take_some(rates, 5 + (apr_uint64_t)i * PLACES, &rate, now, 2);
    }
    is_int(taken, 16, "sixteen keys find a place each");
    is_int(take_some(rates, 5 + 16 * PLACES, &rate, now, 5), 5,
           "one more is not limited");
    now += apr_time_from_sec(61);
    is_int(take_some(rates, 5 + 16 * PLACES, &rate, now, 5), 1,
           "until the time of another one is over");
    is_int(take_some(rates, 5, &rate, now, 5), 1, "which finds a place again");
    free(rates);
}

/* Over processes: what all of them are let through is the limit. */
static void test_processes(void)
{
    static const qp_rate rate = { 1000, apr_time_from_sec(6000) };
    size_t size = qp_rates_size(PLACES);
    char *memory = mmap(NULL, size + sizeof(int), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *sum = (int *)(void *)(memory + size);
    qp_rates *rates = qp_rates_init(memory, PLACES);
    int taken;
    int i;

    for (i = 0; i < 4; i++) {
        if (fork() == 0) {
            taken = take_some(rates, 7, &rate, apr_time_from_sec(9), 700);
            __atomic_add_fetch(sum, taken, __ATOMIC_SEQ_CST);
            _exit(0);
        }
    }
    while (wait(NULL) > 0) {
        continue;
    }
    ok(*sum >= 1000 && *sum <= 1003, "four processes share a limit (%d)", *sum);
}

int main(void)
{
    test_rate();
    test_full();
    test_processes();
    return done_testing();
}
