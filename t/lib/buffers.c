/* SPDX-License-Identifier: Apache-2.0 */
/* For LD_PRELOAD: writes into the file that QP_BUFFERS names in what state of
 * reading each SSL is whose buffers are given back, a line of two letters for
 * each, by SSL_rstate_string(3). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

typedef const char *state_fn(const SSL *ssl);
typedef int free_fn(SSL *ssl);

int SSL_free_buffers(SSL *ssl)
{
    const char *name = getenv("QP_BUFFERS");
    state_fn *tell = (state_fn *)dlsym(RTLD_NEXT, "SSL_rstate_string");
    free_fn *next = (free_fn *)dlsym(RTLD_NEXT, "SSL_free_buffers");
    int fd = name != NULL
                 ? open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)
                 : -1;
    char line[4] = "??\n";

    memcpy(line, tell(ssl), 2);
    if (fd >= 0 && write(fd, line, 3) != 3) {
        abort();
    }
    if (fd >= 0) {
        close(fd);
    }
    return next(ssl);
}
