dnl SPDX-License-Identifier: Apache-2.0

dnl QP_JANSSON: jansson, which the plugin auth/oauth2 needs besides libcurl. It
dnl is not built without. Call it after QP_CURL. Sets JANSSON_CFLAGS,
dnl JANSSON_LIBS, qp_jansson, qp_oauth2 and the condition HAVE_OAUTH2.
AC_DEFUN([QP_JANSSON],
[AC_ARG_WITH([jansson],
    [AS_HELP_STRING([--without-jansson],
        [do not look for jansson, and do not build auth/oauth2])],
    [], [with_jansson=check])
qp_jansson=no
AS_IF([test "$with_jansson" != no],
    [PKG_CHECK_MODULES([JANSSON], [jansson >= 2.8],
        [qp_jansson=yes], [qp_jansson=no])])
AS_IF([test "$with_jansson$qp_jansson" = yesno],
    [AC_MSG_ERROR([jansson was not found: Debian has it in libjansson-dev])])
AS_IF([test "$qp_curl$qp_jansson" = yesyes], [qp_oauth2=yes], [qp_oauth2=no])
AM_CONDITIONAL([HAVE_OAUTH2], [test "$qp_oauth2" = yes])])
