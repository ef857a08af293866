dnl SPDX-License-Identifier: Apache-2.0

dnl QP_OPENSSL: OpenSSL, which httpd's mod_ssl is built with, and mod_ssl's
dnl header for it. Call it after QP_APXS. Sets OPENSSL_CFLAGS and OPENSSL_LIBS.
AC_DEFUN([QP_OPENSSL],
[PKG_CHECK_MODULES([OPENSSL], [openssl >= 1.1.1], [],
    [AC_MSG_ERROR([OpenSSL 1.1.1 was not found: Debian has it in libssl-dev])])
QP_SYSTEM([OPENSSL_CFLAGS])
qp_saved_cppflags=$CPPFLAGS
CPPFLAGS="$CPPFLAGS $APR_CPPFLAGS $HTTPD_CPPFLAGS $OPENSSL_CFLAGS"
AC_CHECK_HEADER([mod_ssl_openssl.h], [],
    [AC_MSG_ERROR([mod_ssl_openssl.h was not found: Debian has it in apache2-ssl-dev])],
    [[#include <httpd.h>
#include <mod_ssl.h>]])
CPPFLAGS=$qp_saved_cppflags])
