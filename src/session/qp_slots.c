/* SPDX-License-Identifier: Apache-2.0 */
/* Slots for the plugins' own structs. They live in the pool of the connection
 * or transaction; which slot is whose is decided at start, not here. */

#include "session/qp_slots.h"

void *qp_slots_get(qp_slots *slots, int slot, int count, size_t size,
                   apr_pool_t *pool)
{
    QP_ASSERT(slot >= 0 && slot < count);
    if (slots->data == NULL) {
        slots->data = apr_pcalloc(pool, (size_t)count * sizeof(void *));
    }
    if (slots->data[slot] == NULL) {
        slots->data[slot] = apr_pcalloc(pool, size);
    }
    return slots->data[slot];
}
