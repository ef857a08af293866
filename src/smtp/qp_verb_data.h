/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_verb_data.h
 * @brief Reads the message that follows DATA.
 */
#ifndef QP_VERB_DATA_H
#define QP_VERB_DATA_H

#include "smtp/qp_message.h"

/**
 * In QP_MODE_DATA: takes what input there is. May start a chain of hooks, and
 * leaves the mode when the message is complete.
 * @return APR_SUCCESS, or what the input said: APR_EAGAIN, APR_EOF, an error
 */
apr_status_t qp_verb_data_read(qp_session *qp) QP_CHECKED;

#endif /* QP_VERB_DATA_H */
