dnl SPDX-License-Identifier: Apache-2.0

dnl QP_PSL: libpsl, which the plugin uribl needs. It is not built without. Sets
dnl PSL_CFLAGS, PSL_LIBS, qp_psl and the condition HAVE_PSL.
AC_DEFUN([QP_PSL],
[AC_ARG_WITH([psl],
    [AS_HELP_STRING([--without-psl],
        [do not look for libpsl, and do not build uribl])],
    [], [with_psl=check])
qp_psl=no
AS_IF([test "$with_psl" != no],
    [PKG_CHECK_MODULES([PSL], [libpsl], [qp_psl=yes], [qp_psl=no])])
AS_IF([test "$with_psl$qp_psl" = yesno],
    [AC_MSG_ERROR([libpsl was not found: Debian has it in libpsl-dev])])
AM_CONDITIONAL([HAVE_PSL], [test "$qp_psl" = yes])])
