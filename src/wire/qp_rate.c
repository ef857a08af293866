/* SPDX-License-Identifier: Apache-2.0 */
/* Rates by a leaky bucket: a key has one time, until when its events so far
 * last if they come at the rate that is allowed. The table is fixed, without
 * locks, and may be written by several processes; two that meet at one place
 * may at worst let one event more through. A place whose time is over is free.
 */

#include "wire/qp_rate.h"

/* A key is in one of so many places behind it. */
#define WINDOW 16

typedef struct place {
    apr_uint64_t key;
    apr_time_t busy_until;
} place;

struct qp_rates {
    apr_uint64_t nplaces;
    place places[];
};

apr_size_t qp_rates_size(apr_uint32_t nplaces)
{
    return sizeof(qp_rates) + nplaces * sizeof(place);
}

qp_rates *qp_rates_init(void *memory, apr_uint32_t nplaces)
{
    qp_rates *rates = memory;

    rates->nplaces = nplaces;
    return rates;
}

/* @return the key's place, which it may have just been given, or NULL */
static place *find_place(qp_rates *rates, apr_uint64_t key, apr_time_t now)
{
    place *spare = NULL;
    place *at;
    apr_uint64_t old;
    apr_uint64_t n;

    for (n = 0; n < WINDOW; n++) {
        at = &rates->places[(key + n) % rates->nplaces];
        if (__atomic_load_n(&at->key, __ATOMIC_RELAXED) == key) {
            return at;
        }
        if (spare == NULL
            && __atomic_load_n(&at->busy_until, __ATOMIC_RELAXED) <= now) {
            spare = at;
        }
    }
    if (spare == NULL) {
        return NULL;
    }
    old = __atomic_load_n(&spare->key, __ATOMIC_RELAXED);
    return __atomic_compare_exchange_n(&spare->key, &old, key, 0,
                                       __ATOMIC_RELAXED, __ATOMIC_RELAXED)
               ? spare
               : NULL;
}

int qp_rates_take(qp_rates *rates, apr_uint64_t key, const qp_rate *rate,
                  apr_time_t now)
{
    apr_interval_time_t share;
    place *at;
    apr_time_t old;
    apr_time_t next;

    if (rate->limit <= 0) {
        return 1;
    }
    share = rate->period / rate->limit;
    at = find_place(rates, key, now);
    if (at == NULL) {
        return 1;
    }
    old = __atomic_load_n(&at->busy_until, __ATOMIC_RELAXED);
    do {
        next = (old > now ? old : now) + share;
        if (next > now + share * rate->limit) {
            return 0;
        }
    } while (!__atomic_compare_exchange_n(&at->busy_until, &old, next, 0,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return 1;
}
