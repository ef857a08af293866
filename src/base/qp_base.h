/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_base.h
 * @brief Attributes and small macros for the sources of the server.
 */
#ifndef QP_BASE_H
#define QP_BASE_H

#include <assert.h>
#include <stddef.h>

#include "qpsmtpd.h"

#define QP_UNUSED           __attribute__((unused))
#define QP_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/** An invariant; checked in builds without NDEBUG. */
#define QP_ASSERT(cond)     assert(cond)

/** A status that may be ignored, with the reason why. */
#define QP_IGNORE(call, reason)                                                \
    do {                                                                       \
        if (call) {                                                            \
        }                                                                      \
    } while (0)

#endif /* QP_BASE_H */
