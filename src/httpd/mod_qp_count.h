/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_qp_count.h
 * @brief Open connections and rates of addresses, over all child processes.
 */
#ifndef MOD_QP_COUNT_H
#define MOD_QP_COUNT_H

#include "httpd/mod_qp.h"

/** The table, made when it is first asked for, by the parent; or NULL. */
mod_qp_count *mod_qp_count_get(server_rec *s);
/** Takes a region for this child. @return it, or -1: none is left */
int mod_qp_count_claim(mod_qp_count *count);
/** What an address, or a network of 64 bits of IPv6, is known by. */
apr_uint64_t mod_qp_count_key(const mod_qp_count *count, const char *ip);
/** A connection comes or goes. Call with the child's mutex. */
void mod_qp_count_enter(mod_qp_count *count, int own, apr_uint64_t key);
void mod_qp_count_leave(mod_qp_count *count, int own, apr_uint64_t key);
/** Open connections of an address, over all children. @param all  out: those
 *  of everybody */
int mod_qp_count_sum(const mod_qp_count *count, apr_uint64_t key, int *all);
/** The table of rates; lives as long as the count. */
qp_rates *mod_qp_count_rates(const mod_qp_count *count);
/** Hook child_status, in the parent. */
void mod_qp_count_child_status(server_rec *s, pid_t pid,
                               ap_generation_t generation, int slot,
                               mpm_child_status status);

#endif /* MOD_QP_COUNT_H */
