/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_xtext.h
 * @brief Values of ESMTP parameters in the form xtext (RFC 3461 4).
 *
 * The functions are public, and declared in qpsmtpd.h.
 */
#ifndef QP_XTEXT_H
#define QP_XTEXT_H

#include "base/qp_base.h"

#endif /* QP_XTEXT_H */
