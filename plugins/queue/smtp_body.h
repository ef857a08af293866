/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file smtp_body.h
 * @brief The octets of a message on their way to a server, by DATA or by BDAT.
 *
 * All but the last ones: as long as these have not been sent, the server cannot
 * have the message.
 */
#ifndef SMTP_BODY_H
#define SMTP_BODY_H

#include "qpsmtpd.h"

/** What is left to send. */
typedef struct smtp_end {
    char octets[5];
    apr_size_t len;
} smtp_end;

/** As lines, for DATA. A server that speaks meanwhile has seen enough.
 *  @param end  out
 *  @return APR_EGENERAL: it speaks, or has gone; APR_EOF: the message cannot be
 *  read */
apr_status_t smtp_body_lines(qp_peer *peer, qp_reader *reader, smtp_end *end);

/** How many octets a reader has. */
apr_status_t smtp_body_count(qp_reader *reader, apr_off_t *octets);

/** As they are, for BDAT. @param octets  what was counted
 *  @return as above */
apr_status_t smtp_body_octets(qp_peer *peer, qp_reader *reader,
                              apr_off_t octets, smtp_end *end);

#endif /* SMTP_BODY_H */
