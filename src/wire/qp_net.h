/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_net.h
 * @brief Networks: parse them, and match addresses against them.
 *
 * The functions are public, and declared in qpsmtpd.h.
 */
#ifndef QP_NET_H
#define QP_NET_H

#include "base/qp_base.h"

#endif /* QP_NET_H */
