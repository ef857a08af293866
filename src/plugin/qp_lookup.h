/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_lookup.h
 * @brief Lookups of a session in the DNS. What plugins see of them is declared
 *        in qpsmtpd.h.
 */
#ifndef QP_LOOKUP_H
#define QP_LOOKUP_H

#include "plugin/qp_plugin.h"
#include "plugin/qp_settings.h"
#include "wire/qp_resolver.h"

/** The server's own plugin of `hostname_lookups on`: at hook connect it waits
 *  until it is known who the client is, and declines. Lives in @a pool. */
qp_plugin *qp_lookup_plugin(const qp_plugin_home *home, apr_pool_t *pool);

#endif /* QP_LOOKUP_H */
