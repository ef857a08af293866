/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file earlytalker.h
 * @brief The notes of the connection that earlytalker shares with others.
 */
#ifndef EARLYTALKER_H
#define EARLYTALKER_H

#include "qpsmtpd.h"

/** Set: the client has spoken out of turn. */
#define QP_NOTE_EARLYTALKER      "earlytalker"
/** A number, in seconds: in place of the option wait. */
#define QP_NOTE_EARLYTALKER_WAIT "earlytalker_wait"

#endif /* EARLYTALKER_H */
