/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_list.h
 * @brief Lists: what readers of plugins make of config keys, kept as long as
 *        the lines are the same.
 *
 * The functions for plugins are public, and declared in qpsmtpd.h.
 */
#ifndef QP_LIST_H
#define QP_LIST_H

#include "plugin/qp_config.h"

#endif /* QP_LIST_H */
