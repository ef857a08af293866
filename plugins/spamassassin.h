/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file spamassassin.h
 * @brief What plugin spamassassin leaves for others: a note of the
 *        transaction, a pointer (qp_note_ptr) that lives as long.
 */
#ifndef SPAMASSASSIN_H
#define SPAMASSASSIN_H

#define SPAMASSASSIN_NOTE "spamassassin"

typedef struct spamassassin_result {
    int is_spam;           /**< its score is not below the required one */
    const char *score;     /**< such as "7.2" */
    const char *required;  /**< such as "5.0" */
    const char *autolearn; /**< "ham", "spam", "no"...; "" if unknown */
    const char *tests;     /**< names with commas between them; or "" */
} spamassassin_result;

#endif /* SPAMASSASSIN_H */
