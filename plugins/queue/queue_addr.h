/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file queue_addr.h
 * @brief Addresses as programs want them that know no quotes and brackets.
 */
#ifndef QUEUE_ADDR_H
#define QUEUE_ADDR_H

#include <apr_strings.h>

#include "qpsmtpd.h"

/** USER@HOST, or "" for the null sender. @param host  of one without; NULL: it
 *  stays without */
static inline const char *queue_address(const qp_addr *addr, const char *host,
                                        apr_pool_t *pool)
{
    if (qp_addr_is_null(addr)) {
        return "";
    }
    if (addr->host[0] != '\0') {
        host = addr->host;
    }
    return host == NULL ? apr_pstrdup(pool, addr->user)
                        : apr_pstrcat(pool, addr->user, "@", host, NULL);
}

#endif /* QUEUE_ADDR_H */
