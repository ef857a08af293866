/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file actor.h
 * @brief The other server of a fuzz target, which says what the input says.
 *
 * A target with this in it is linked so that the functions of qp_peer which
 * connect and which start TLS go to the actor ("--wrap", see Makefile.am); all
 * of the rest is the real stream. There is one actor at a time.
 *
 * What it says stands in the input as it is. Some octets are not said, but done
 * when the reader comes to them:
 *
 *     0xff  nothing is there yet
 *     0xfe  it closes; what follows is for the next connection
 *     0xfd  it resets the connection
 *     0xfc  from here on it takes nothing more
 *     0xfb  the next connection, or handshake of TLS, fails
 *     0xfa  the octet behind it is said, whatever it is
 */
#ifndef ACTOR_H
#define ACTOR_H

#include "fuzz.h"

#include "qpsmtpd.h"

/** Octets that it remembers of what it is told. */
#define ACTOR_HEARD 65536

typedef struct actor {
    fuzz_input in;
    size_t chunk; /**< octets that it says at a time; 0: all */
    size_t takes; /**< octets that it takes at a time; 0: all */
    int connects;
    int is_deaf;
    int is_tls;
    int is_secret;          /**< TLS has been started, or it is on this host */
    const char *secrets[2]; /**< what it is told only then; or NULL */
    size_t heard_len;
    char heard[ACTOR_HEARD + 1]; /**< terminated */
} actor;

/** Who it is from now on. @return the actor, with nothing heard yet */
actor *actor_begin(const fuzz_input *in, size_t chunk);

/** A job that talks to it, which is never started. */
qp_job *actor_job(apr_pool_t *pool);

/** A message for it, in memory that stays: an 8-bit header and body with dots
 *  and bare CR. To be read by a job. */
qp_reader *actor_message(apr_pool_t *pool);

/** How often a text is in what it was told. */
int actor_count(const actor *who, const char *text, size_t len);

#endif /* ACTOR_H */
