/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file random_error.h
 * @brief The note by which other plugins set the chance of random_error.
 */
#ifndef RANDOM_ERROR_H
#define RANDOM_ERROR_H

#include "qpsmtpd.h"

/** A number of the connection: of 100 sessions so many fail. */
#define QP_NOTE_RANDOM_FAIL "random_fail_%"

#endif /* RANDOM_ERROR_H */
