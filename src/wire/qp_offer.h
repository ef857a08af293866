/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_offer.h
 * @brief The service extensions of SMTP by name (RFC 5321 2.2.2).
 */
#ifndef QP_OFFER_H
#define QP_OFFER_H

#include "base/qp_base.h"

/** X(bit's name, keyword), in the order of the answer to EHLO. */
#define QP_OFFER_LIST(X)                                                       \
    X(PIPELINING, "PIPELINING")                                                \
    X(8BITMIME, "8BITMIME")                                                    \
    X(SIZE, "SIZE")                                                            \
    X(ENHANCEDSTATUSCODES, "ENHANCEDSTATUSCODES")                              \
    X(CHUNKING, "CHUNKING")                                                    \
    X(BINARYMIME, "BINARYMIME")                                                \
    X(SMTPUTF8, "SMTPUTF8")                                                    \
    X(DSN, "DSN")                                                              \
    X(DELIVERBY, "DELIVERBY")                                                  \
    X(MT_PRIORITY, "MT-PRIORITY")                                              \
    X(REQUIRETLS, "REQUIRETLS")                                                \
    X(LIMITS, "LIMITS")                                                        \
    X(XCLIENT, "XCLIENT")                                                      \
    X(XFORWARD, "XFORWARD")                                                    \
    X(STARTTLS, "STARTTLS")                                                    \
    X(AUTH, "AUTH")

#define QP_OFFER_INDEX(name, word) QP_OFFER_AT_##name,
enum { QP_OFFER_LIST(QP_OFFER_INDEX) QP_OFFER_COUNT };
#undef QP_OFFER_INDEX

#define QP_OFFER_BIT(name, word) QP_OFFER_##name = 1u << QP_OFFER_AT_##name,
enum { QP_OFFER_LIST(QP_OFFER_BIT) };
#undef QP_OFFER_BIT

/** The keyword of an extension, 0 to QP_OFFER_COUNT - 1. */
const char *qp_offer_keyword(int i);

/** Reads keywords in any case, between blanks.
 *  @param offers  out: their bits
 *  @return NULL, or the word that is none, in @a pool */
const char *qp_offer_parse(const char *words, unsigned int *offers,
                           apr_pool_t *pool) QP_CHECKED;

#endif /* QP_OFFER_H */
