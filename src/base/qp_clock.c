/* SPDX-License-Identifier: Apache-2.0 */
/* The clock by which all deadlines are measured. It is the kernel's, and so the
 * same in all processes; setting the date does not move it. */
#include "qpsmtpd.h"

#include <time.h>

#include "base/qp_base.h"

apr_time_t qp_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}
