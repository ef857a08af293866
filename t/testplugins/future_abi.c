/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin that was built for a server which does not exist yet. It must be
 * refused at start, with words. It has no data.
 */
#include "qpsmtpd.h"

extern QP_EXPORT const qp_abi qp_abi_future_abi;
extern QP_EXPORT const qp_plugin_def qp_plugin_future_abi;

const qp_abi qp_abi_future_abi = { QP_ABI_MAGIC, QP_ABI_MAJOR + 1, 0,
                                   sizeof(qp_plugin_def), sizeof(qp_hooks) };
const qp_plugin_def qp_plugin_future_abi = { .parent = NULL };
