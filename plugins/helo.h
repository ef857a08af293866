/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file helo.h
 * @brief The notes of the connection that helo leaves for others.
 */
#ifndef HELO_H
#define HELO_H

#include "qpsmtpd.h"

/** Numbers: 1 if an address of the name given in HELO is, nearly, the client's;
 *  if a name of the client's address is, nearly, that in HELO. */
#define QP_NOTE_HELO_FORWARD_MATCH "helo_forward_match"
#define QP_NOTE_HELO_REVERSE_MATCH "helo_reverse_match"

#endif /* HELO_H */
