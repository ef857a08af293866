dnl SPDX-License-Identifier: Apache-2.0

dnl QP_IDN2: libidn2, which checks the domains of addresses in UTF-8. Without,
dnl SMTPUTF8 is offered all the same, and such domains are only checked for
dnl their form. Sets IDN2_CFLAGS, IDN2_LIBS and qp_idn2.
AC_DEFUN([QP_IDN2],
[AC_ARG_WITH([idn2],
    [AS_HELP_STRING([--without-idn2],
        [do not look for libidn2, which checks domains in UTF-8])],
    [], [with_idn2=check])
qp_idn2=no
AS_IF([test "$with_idn2" != no],
    [PKG_CHECK_MODULES([IDN2], [libidn2 >= 2.0.0],
        [qp_idn2=yes
         IDN2_CFLAGS="$IDN2_CFLAGS -DQP_HAVE_IDN2"], [qp_idn2=no])])
AS_IF([test "$with_idn2$qp_idn2" = yesno],
    [AC_MSG_ERROR([libidn2 was not found: Debian has it in libidn2-dev])])])
