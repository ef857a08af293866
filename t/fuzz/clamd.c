/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of what clamd answers, and of all that plugin virus/clamdscan
 * does with it in its job (R111, R117).
 */
#include "actor.h"

#include "plugins/virus/clamdscan.c"

static void check_result(const struct scan *scan, apr_status_t rv)
{
    const char *p = scan->virus;

    if (rv != APR_SUCCESS) {
        fuzz_check(*qp_peer_error(scan->peer) != '\0');
        fuzz_check(p == NULL);
        return;
    }
    if (p != NULL) {
        fuzz_check(*p != '\0' && strlen(p) <= MAX_NAME);
        while (apr_isgraph(*p)) {
            p++;
        }
        fuzz_check(*p == '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum way ways[] = { BY_STREAM, BY_FILE, BY_NAME, BY_STREAM };
    fuzz_input in = { data, size };
    apr_pool_t *pool = fuzz_begin();
    unsigned int choice = fuzz_byte(&in);
    struct scan scan = { .pool = pool };
    const char *dir;
    apr_status_t rv;

    fuzz_check(apr_temp_dir_get(&dir, pool) == APR_SUCCESS);
    scan.file = apr_psprintf(pool, "%s/scan.%d", dir, (int)getpid());
    scan.by = ways[choice & 3];
    scan.host = choice & 4 ? "scanner.example" : "/clamd.sock";
    scan.port = choice & 4 ? 3310 : 0;
    scan.end = qp_now() + apr_time_from_sec(60);
    scan.reader = actor_message(pool);
    actor_begin(&in, choice >> 4);
    rv = run_scan(actor_job(pool), &scan);
    check_result(&scan, rv);
    fuzz_check(access(scan.file, F_OK) != 0);
    return fuzz_end(pool);
}
