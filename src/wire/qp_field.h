/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_field.h
 * @brief Inside a header section: its fields in two orders.
 *
 * One list has all fields by their place, and there is a list for each name.
 * Each has a cursor, so that no loop over a header of many thousand fields
 * becomes quadratic (R92).
 */
#ifndef QP_FIELD_H
#define QP_FIELD_H

#include <apr_hash.h>

#include "base/qp_str.h"

/** A longer name is none: RFC 5322 2.1.1 has lines of at most 998 octets, and
 *  the longest registered name has less than 50. */
#define QP_FIELD_NAME_MAX 255

typedef enum qp_field_order {
    QP_FIELDS_BY_PLACE,
    QP_FIELDS_BY_NAME,
    QP_FIELDS_ORDERS
} qp_field_order;

typedef struct qp_fields qp_fields;

/** One field, or a run of lines that are none. */
typedef struct qp_field {
    const char *raw; /**< as it is written, with its last line end */
    apr_size_t len;  /**< of raw */
    const char *name;
    const char *value;
    qp_fields *group; /**< all of this name; NULL: not a field */
    struct qp_field *next[QP_FIELDS_ORDERS];
    struct qp_field *prev[QP_FIELDS_ORDERS];
    int seq; /**< grows with the place */
} qp_field;

/** Fields in one order. The cursor stands at one, or behind the last one
 *  (NULL), and knows how many fields are before it. */
struct qp_fields {
    qp_field_order order;
    qp_field *first;
    qp_field *last;
    int count; /**< of fields */
    qp_field *cursor;
    int before;
};

qp_fields *qp_fields_create(qp_field_order order, apr_pool_t *pool);
void qp_fields_prepend(qp_fields *fields, qp_field *field);
void qp_fields_append(qp_fields *fields, qp_field *field);
/** Puts a field where its seq belongs. Quick if it is near the one before. */
void qp_fields_insert(qp_fields *fields, qp_field *field);
void qp_fields_remove(qp_fields *fields, qp_field *field);
/** Moves the cursor to the @a n-th field. @return it, or NULL */
qp_field *qp_fields_seek(qp_fields *fields, int n);

/** The list for a name (any case) out of a hash of such lists; NULL if there
 *  never was a field of that name. */
qp_fields *qp_fields_find(apr_hash_t *groups, const char *name);
/** The same, made if need be. */
qp_fields *qp_fields_need(apr_hash_t *groups, const char *name);

#endif /* QP_FIELD_H */
