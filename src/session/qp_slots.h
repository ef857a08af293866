/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_slots.h
 * @brief The structs of the plugins in a connection or transaction, by slot.
 */
#ifndef QP_SLOTS_H
#define QP_SLOTS_H

#include "base/qp_base.h"

/** All zero at the start; nothing is allocated until a slot is used. */
typedef struct qp_slots {
    void **data;
} qp_slots;

/**
 * The struct in a slot, zeroed at its first use.
 * @param count  of slots that there are; always the same
 * @param pool   that the slots live in
 */
void *qp_slots_get(qp_slots *slots, int slot, int count, size_t size,
                   apr_pool_t *pool);

#endif /* QP_SLOTS_H */
