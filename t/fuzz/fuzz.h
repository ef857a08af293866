/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fuzz.h
 * @brief What the fuzz targets share.
 *
 * A target is a file with one function, LLVMFuzzerTestOneInput, which gives the
 * octets to a part of the library and checks what must always hold:
 *
 *     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
 *     {
 *         fuzz_input in = { data, size };
 *         apr_pool_t *pool = fuzz_begin();
 *
 *         fuzz_check(strlen(frob(fuzz_text(&in, pool))) < 10);
 *         return fuzz_end(pool);
 *     }
 *
 * "make fuzz" links it with libFuzzer. In the usual build replay.c has a main
 * that plays the corpus, and as many variations of it as it is told to.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Ends the program if something does not hold, also with NDEBUG. */
#define fuzz_check(what)                                                       \
    do {                                                                       \
        if (!(what)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                           \
        }                                                                      \
    } while (0)

/** What is left of the input. */
typedef struct fuzz_input {
    const uint8_t *next;
    size_t left;
} fuzz_input;

static inline apr_pool_t *fuzz_begin(void)
{
    apr_pool_t *pool;

    fuzz_check(apr_initialize() == APR_SUCCESS);
    fuzz_check(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    return pool;
}

/** @return what a target returns */
static inline int fuzz_end(apr_pool_t *pool)
{
    apr_pool_destroy(pool);
    return 0;
}

/** The next octet, or 0 at the end: for choices. */
static inline unsigned int fuzz_byte(fuzz_input *in)
{
    if (in->left == 0) {
        return 0;
    }
    in->left--;
    return *in->next++;
}

/** Takes up to @a len octets, in memory of just that size; to be freed. */
static inline char *fuzz_take(fuzz_input *in, size_t len)
{
    char *taken = malloc(len > 0 ? len : 1);

    fuzz_check(taken != NULL && len <= in->left);
    if (len > 0) {
        memcpy(taken, in->next, len);
    }
    in->next += len;
    in->left -= len;
    return taken;
}

/** Takes the next line, or the rest; terminated, and a NUL in it ends it. */
static inline char *fuzz_text(fuzz_input *in, apr_pool_t *pool)
{
    const uint8_t *end = in->left > 0 ? memchr(in->next, '\n', in->left) : NULL;
    size_t len = end != NULL ? (size_t)(end - in->next) : in->left;
    char *text = apr_pstrndup(pool, (const char *)in->next, len);

    len += end != NULL;
    in->next += len;
    in->left -= len;
    return text;
}

/** Takes all that is left; terminated, and a NUL in it ends it. */
static inline char *fuzz_rest(fuzz_input *in, apr_pool_t *pool)
{
    char *text = apr_pstrndup(pool, (const char *)in->next, in->left);

    in->next += in->left;
    in->left = 0;
    return text;
}

/** Whether a text can stand in a line: no control character. */
static inline int fuzz_is_clean(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 127) {
            return 0;
        }
    }
    return 1;
}

#endif /* FUZZ_H */
