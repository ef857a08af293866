dnl SPDX-License-Identifier: Apache-2.0

dnl QP_CURL: libcurl, which the plugin http_config needs. It is not built
dnl without. Sets CURL_CFLAGS, CURL_LIBS, qp_curl and the condition HAVE_CURL.
AC_DEFUN([QP_CURL],
[AC_ARG_WITH([curl],
    [AS_HELP_STRING([--without-curl],
        [do not look for libcurl, and do not build http_config])],
    [], [with_curl=check])
qp_curl=no
AS_IF([test "$with_curl" != no],
    [PKG_CHECK_MODULES([CURL], [libcurl >= 7.85.0],
        [qp_curl=yes], [qp_curl=no])])
AS_IF([test "$with_curl$qp_curl" = yesno],
    [AC_MSG_ERROR([libcurl 7.85 was not found: Debian has it in libcurl4-openssl-dev])])
AM_CONDITIONAL([HAVE_CURL], [test "$qp_curl" = yes])])
