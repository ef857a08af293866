/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_verb_bdat.h
 * @brief Reads the octets that follow BDAT.
 */
#ifndef QP_VERB_BDAT_H
#define QP_VERB_BDAT_H

#include "session/qp_session.h"

/**
 * In QP_MODE_CHUNK: takes what input there is, but no more than the chunk. May
 * start a chain of hooks, and leaves the mode when the chunk is complete.
 * @return APR_SUCCESS, or what the input said: APR_EAGAIN, APR_EOF, an error
 */
apr_status_t qp_verb_bdat_read(qp_session *qp) QP_CHECKED;

#endif /* QP_VERB_BDAT_H */
