/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_pattern.h
 * @brief A line of a list: an address, a domain, a word, or a regular
 *        expression.
 *
 * What makes patterns of lines is public, and declared in qpsmtpd.h.
 */
#ifndef QP_PATTERN_H
#define QP_PATTERN_H

#include "base/qp_str.h"

/** What matching may cost is bounded.
 *  @return 1, 0, or -1: it would cost too much */
int qp_pattern_match(const qp_pattern *pattern, const char *text);

/** Whether it is to be said that it costs too much: once for each. */
int qp_pattern_first_fault(const qp_pattern *pattern);

#endif /* QP_PATTERN_H */
