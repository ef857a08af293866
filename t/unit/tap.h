/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tap.h
 * @brief Tests that speak TAP. A main() ends in: return done_testing();
 *
 * Counts in static variables, so one file is one test program.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TAP_PRINTF(f, a) __attribute__((format(printf, f, a)))

static struct {
    int planned; /**< -1: the number comes at the end */
    int run;
    int failed;
} tap = { -1, 0, 0 };

/** Says beforehand how many tests there are. */
static inline void plan(int count)
{
    tap.planned = count;
    printf("1..%d\n", count);
}

/** A remark on stderr. */
TAP_PRINTF(1, 2) static inline void diag(const char *fmt, ...)
{
    va_list ap;

    fflush(stdout);
    fputs("# ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

/** One line; what could mislead a reader of TAP in the name is escaped. */
TAP_PRINTF(2, 0)
static inline int tap_result(int good, const char *fmt, va_list ap)
{
    char name[256];
    const char *p;

    vsnprintf(name, sizeof(name), fmt, ap);
    tap.failed += good ? 0 : 1;
    printf("%s %d - ", good ? "ok" : "not ok", ++tap.run);
    for (p = name; *p != '\0'; p++) {
        if (*p == '#') {
            putchar('\\');
        }
        putchar((unsigned char)*p < ' ' ? '?' : *p);
    }
    putchar('\n');
    fflush(stdout); /* a child must not have it to say again */
    if (!good) {
        diag("failed: %s", name);
    }
    return good;
}

/** @return whether it was good, as the next two do */
TAP_PRINTF(2, 3) static inline int ok(int good, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    tap_result(good, fmt, ap);
    va_end(ap);
    return good;
}

/** Either may be NULL. */
TAP_PRINTF(3, 4)
static inline int is_str(const char *got, const char *want, const char *fmt,
                         ...)
{
    int good =
        got == want || (got != NULL && want != NULL && strcmp(got, want) == 0);
    va_list ap;

    va_start(ap, fmt);
    tap_result(good, fmt, ap);
    va_end(ap);
    if (!good) {
        diag("     got: %s%s", got != NULL ? "=" : "", got ? got : "NULL");
        diag("expected: %s%s", want != NULL ? "=" : "", want ? want : "NULL");
    }
    return good;
}

TAP_PRINTF(3, 4)
static inline int is_int(long long got, long long want, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    tap_result(got == want, fmt, ap);
    va_end(ap);
    if (got != want) {
        diag("     got: %lld", got);
        diag("expected: %lld", want);
    }
    return got == want;
}

/** Ends the tests. @return the exit status: 0 when all went well */
static inline int done_testing(void)
{
    if (tap.planned < 0) {
        plan(tap.run);
    }
    if (tap.planned != tap.run) {
        diag("planned %d, ran %d", tap.planned, tap.run);
    }
    if (tap.failed > 0) {
        diag("%d of %d failed", tap.failed, tap.run);
    }
    fflush(stdout);
    return tap.failed > 0 || tap.planned != tap.run || tap.run == 0;
}

#endif /* TAP_H */
