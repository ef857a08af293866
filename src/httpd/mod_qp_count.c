/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the open connections, all and those of each address, over all children
 * (D12, R115), and has the table of rates. It is shared memory that outlives
 * restarts. Each child writes a region of its own and reads them all; the
 * parent empties the region of a child that has died, however it did. Addresses
 * are known by a keyed hash only. */

#include "httpd/mod_qp_count.h"

#include <string.h>
#include <unistd.h>

#include <apr_shm.h>
#include <apr_strings.h>

APLOG_USE_MODULE(qpsmtpd);

/* An address is in one of so many places behind its hash; when all of them
 * are taken by others it is not counted. */
#define WINDOW          16
/* Places of a child with threads; one without has a single connection. */
#define PLACES_THREADED 16384
#define PLACES_SINGLE   WINDOW
/* Addresses whose rates are known at a time. */
#define PLACES_RATES    16384
/* Of an IPv6 address, the network that one customer gets (RFC 6177 2): with
 * all of the address every limit of it could be walked around. */
#define V6_OCTETS       8

typedef struct place {
    apr_uint64_t key;
    apr_uint32_t count;
} place;

/* The first place of a region is its head. */
typedef struct region {
    apr_int64_t pid;    /* whose it is; 0: nobody's */
    apr_uint32_t total; /* of its connections */
} region;

struct mod_qp_count {
    apr_shm_t *shm;
    char *base;
    qp_rates *rates;
    int nregions;
    apr_uint32_t nplaces;
    apr_uint64_t secret;
};

static const char retained_key[] = "mod_qpsmtpd_count_1";

static region *region_at(const mod_qp_count *count, int i)
{
    size_t size = (count->nplaces + 1) * sizeof(place);

    return (region *)(void *)(count->base + (size_t)i * size);
}

static place *places_of(region *own)
{
    return (place *)(void *)own + 1;
}

static apr_status_t create_table(mod_qp_count *count, apr_pool_t *pool)
{
    int is_threaded = 0;
    apr_size_t size;
    apr_size_t rates_at;
    apr_status_t rv;

    ap_mpm_query(AP_MPMQ_IS_THREADED, &is_threaded);
    ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &count->nregions);
    count->nplaces =
        is_threaded != AP_MPMQ_NOT_SUPPORTED ? PLACES_THREADED : PLACES_SINGLE;
    rates_at =
        (apr_size_t)count->nregions * (count->nplaces + 1) * sizeof(place);
    size = rates_at + qp_rates_size(PLACES_RATES);
    rv = apr_generate_random_bytes((unsigned char *)&count->secret,
                                   sizeof(count->secret));
    if (rv == APR_SUCCESS) {
        rv = apr_shm_create(&count->shm, size, NULL, pool);
    }
    if (rv == APR_SUCCESS) {
        count->base = apr_shm_baseaddr_get(count->shm);
        memset(count->base, 0, size);
        count->rates = qp_rates_init(count->base + rates_at, PLACES_RATES);
    }
    return rv;
}

mod_qp_count *mod_qp_count_get(server_rec *s)
{
    mod_qp_count *count = ap_retained_data_get(retained_key);
    apr_status_t rv;

    if (count != NULL) {
        return count->base != NULL ? count : NULL;
    }
    count = ap_retained_data_create(retained_key, sizeof(*count));
    rv = create_table(count, s->process->pool);
    if (rv != APR_SUCCESS) {
        count->base = NULL;
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                     "QP9103: no shared memory: connections of an address are "
                     "not counted");
        return NULL;
    }
    return count;
}

int mod_qp_count_claim(mod_qp_count *count)
{
    apr_int64_t nobody;
    int i;

    for (i = 0; i < count->nregions; i++) {
        nobody = 0;
        if (__atomic_compare_exchange_n(&region_at(count, i)->pid, &nobody,
                                        (apr_int64_t)getpid(), 0,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            return i;
        }
    }
    return -1;
}

void mod_qp_count_child_status(server_rec *s QP_UNUSED, pid_t pid,
                               ap_generation_t generation QP_UNUSED,
                               int slot QP_UNUSED, mpm_child_status status)
{
    const mod_qp_count *count = ap_retained_data_get(retained_key);
    region *own;
    int i;

    if (count == NULL || count->base == NULL || status != MPM_CHILD_EXITED) {
        return;
    }
    for (i = 0; i < count->nregions; i++) {
        own = region_at(count, i);
        if (own->pid == pid) {
            memset(places_of(own), 0, count->nplaces * sizeof(place));
            own->total = 0;
            __atomic_store_n(&own->pid, 0, __ATOMIC_RELEASE);
        }
    }
}

/* FNV-1a from a secret start; 0 is nobody's. */
apr_uint64_t mod_qp_count_key(const mod_qp_count *count, const char *ip)
{
    apr_uint64_t key = count->secret ^ APR_UINT64_C(0xcbf29ce484222325);
    qp_ip address;
    int n = V6_OCTETS;
    int i;

    if (!qp_net_ip(ip, &address)) {
        return 1; /* no address: of a unix socket behind a proxy */
    }
    if (qp_net_is_v4(&address)) {
        n = QP_IP_LEN;
    }
    for (i = 0; i < n; i++) {
        key = (key ^ address.octets[i]) * APR_UINT64_C(0x100000001b3);
    }
    return key != 0 ? key : 1;
}

qp_rates *mod_qp_count_rates(const mod_qp_count *count)
{
    return count->rates;
}

/* The place of an address, or one that it may have if that is wanted. */
static place *find_place(const mod_qp_count *count, int i, apr_uint64_t key,
                         int want_free)
{
    place *places = places_of(region_at(count, i));
    place *spare = NULL;
    place *at;
    apr_uint32_t n;

    for (n = 0; n < WINDOW; n++) {
        at = &places[(key + n) % count->nplaces];
        if (__atomic_load_n(&at->key, __ATOMIC_RELAXED) == key) {
            return at;
        }
        if (spare == NULL
            && __atomic_load_n(&at->count, __ATOMIC_RELAXED) == 0) {
            spare = at;
        }
    }
    return want_free ? spare : NULL;
}

void mod_qp_count_enter(mod_qp_count *count, int own, apr_uint64_t key)
{
    place *at = find_place(count, own, key, 1);

    __atomic_add_fetch(&region_at(count, own)->total, 1, __ATOMIC_RELAXED);
    if (at != NULL) {
        __atomic_store_n(&at->key, key, __ATOMIC_RELAXED);
        __atomic_add_fetch(&at->count, 1, __ATOMIC_RELAXED);
    }
}

void mod_qp_count_leave(mod_qp_count *count, int own, apr_uint64_t key)
{
    place *at = find_place(count, own, key, 0);

    __atomic_sub_fetch(&region_at(count, own)->total, 1, __ATOMIC_RELAXED);
    if (at != NULL && at->count > 0) {
        __atomic_sub_fetch(&at->count, 1, __ATOMIC_RELAXED);
    }
}

int mod_qp_count_sum(const mod_qp_count *count, apr_uint64_t key, int *all)
{
    apr_uint32_t sum = 0;
    apr_uint32_t total = 0;
    const region *own;
    const place *at;
    int i;

    for (i = 0; i < count->nregions; i++) {
        own = region_at(count, i);
        if (__atomic_load_n(&own->pid, __ATOMIC_ACQUIRE) == 0) {
            continue;
        }
        total += __atomic_load_n(&own->total, __ATOMIC_RELAXED);
        at = find_place(count, i, key, 0);
        if (at != NULL) {
            sum += __atomic_load_n(&at->count, __ATOMIC_RELAXED);
        }
    }
    *all = (int)total;
    return (int)sum;
}
