/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file resolvable_fromhost.h
 * @brief What the plugin resolvable_fromhost tells others, in notes of the
 *        transaction.
 */
#ifndef RESOLVABLE_FROMHOST_H
#define RESOLVABLE_FROMHOST_H

/** How the sender's domain was found to be good, "null", "ip", "mx" or "a"; or
 *  why it was not. */
#define RESOLVABLE_NOTE      "resolvable_fromhost"
/** The name whose address was good. */
#define RESOLVABLE_NOTE_HOST "resolvable_fromhost_host"

#endif /* RESOLVABLE_FROMHOST_H */
