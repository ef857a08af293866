dnl SPDX-License-Identifier: Apache-2.0

dnl QP_QUERY(VARIABLE, NAME): asks apxs for NAME.
AC_DEFUN([QP_QUERY],
[$1=`"$APXS" -q $2 2>/dev/null` || $1=])

dnl QP_SYSTEM(VARIABLE): turns its -I into -isystem: the warnings are for our
dnl own sources. /usr/include is searched anyway.
AC_DEFUN([QP_SYSTEM],
[$1=`echo " $$1 " | $SED -e 's| -I/usr/include | |' -e 's| -I| -isystem |g'`
$1=`echo $$1`])

dnl QP_APXS: httpd and the APR that it was built with.
dnl Sets APXS HTTPD HTTPD_VERSION HTTPD_CPPFLAGS APR_CPPFLAGS APR_CFLAGS
dnl APR_LIBS APR_PC_CFLAGS moduledir plugindir.
AC_DEFUN([QP_APXS],
[AC_ARG_WITH([apxs],
    [AS_HELP_STRING([--with-apxs=FILE],
        [apxs of the httpd to build for (default: apxs2 or apxs in the PATH)])],
    [], [with_apxs=yes])
AC_ARG_WITH([moduledir],
    [AS_HELP_STRING([--with-moduledir=DIR],
        [where mod_qpsmtpd.so is installed (default: LIBEXECDIR of apxs)])],
    [], [with_moduledir=yes])
AC_ARG_WITH([plugindir],
    [AS_HELP_STRING([--with-plugindir=DIR],
        [where plugins are installed (default: LIBDIR/qpsmtpd/plugins)])],
    [], [with_plugindir=yes])

AS_CASE([$with_apxs],
    [no], [AC_MSG_ERROR([apxs is needed: Debian has it in apache2-dev])],
    [yes], [AC_PATH_PROGS([APXS], [apxs2 apxs], [],
        [$PATH$PATH_SEPARATOR/usr/sbin$PATH_SEPARATOR/usr/local/sbin])],
    [APXS=$with_apxs])
AS_IF([test -z "$APXS"],
    [AC_MSG_ERROR([apxs was not found: install apache2-dev (Debian), or say --with-apxs=FILE])])
AS_IF(["$APXS" -q LIBEXECDIR >/dev/null 2>&1], [],
    [AC_MSG_ERROR([$APXS does not answer to "-q LIBEXECDIR"])])
AC_SUBST([APXS])

QP_QUERY([qp_libexecdir], [LIBEXECDIR])
QP_QUERY([qp_includedir], [exp_includedir])
QP_QUERY([qp_sbindir], [exp_sbindir])
QP_QUERY([qp_progname], [progname])
QP_QUERY([APR_CONFIG], [APR_CONFIG])
AS_IF([test -n "$qp_includedir"], [], [QP_QUERY([qp_includedir], [INCLUDEDIR])])
AS_IF([test -n "$qp_sbindir"], [], [QP_QUERY([qp_sbindir], [SBINDIR])])
AS_IF([test -n "$qp_progname"], [], [qp_progname=httpd])
AS_IF([test -x "$APR_CONFIG"], [], [AC_PATH_PROG([APR_CONFIG], [apr-1-config])])
AS_IF([test -n "$APR_CONFIG"], [],
    [AC_MSG_ERROR([apr-1-config was not found: Debian has it in libapr1-dev])])
AC_PATH_PROG([APU_CONFIG], [apu-1-config])
AS_IF([test -n "$APU_CONFIG"], [],
    [AC_MSG_ERROR([apu-1-config was not found: Debian has it in libaprutil1-dev])])
HTTPD=$qp_sbindir/$qp_progname
AC_SUBST([HTTPD])

APR_CPPFLAGS=`"$APR_CONFIG" --includes --cppflags; "$APU_CONFIG" --includes`
APR_CPPFLAGS=`echo $APR_CPPFLAGS`
APR_CFLAGS=`"$APR_CONFIG" --cflags`
APR_LIBS="`"$APR_CONFIG" --link-ld` `"$APU_CONFIG" --link-ld`"
APR_PC_CFLAGS=`echo $APR_CPPFLAGS $APR_CFLAGS`
QP_SYSTEM([APR_CPPFLAGS])
HTTPD_CPPFLAGS="-I$qp_includedir"
QP_SYSTEM([HTTPD_CPPFLAGS])
AC_SUBST([APR_CPPFLAGS])
AC_SUBST([APR_CFLAGS])
AC_SUBST([APR_LIBS])
AC_SUBST([APR_PC_CFLAGS])
AC_SUBST([HTTPD_CPPFLAGS])

AS_CASE([$with_moduledir], [yes|no], [moduledir=$qp_libexecdir],
    [moduledir=$with_moduledir])
AS_CASE([$with_plugindir], [yes|no], [plugindir='${libdir}/qpsmtpd/plugins'],
    [plugindir=$with_plugindir])
AC_SUBST([moduledir])
AC_SUBST([plugindir])

QP_HTTPD_HEADERS])

dnl QP_HTTPD_HEADERS: idle sessions are parked by CONN_STATE_ASYNC_WAITIO,
dnl which is there since httpd 2.4.63.
AC_DEFUN([QP_HTTPD_HEADERS],
[qp_saved_cppflags=$CPPFLAGS
CPPFLAGS="$CPPFLAGS $APR_CPPFLAGS $HTTPD_CPPFLAGS"
AC_MSG_CHECKING([for the headers of httpd 2.4.63 or newer])
AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <httpd.h>]],
        [[return CONN_STATE_ASYNC_WAITIO;]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
    AC_MSG_ERROR([httpd.h in $qp_includedir lacks CONN_STATE_ASYNC_WAITIO (see config.log)])])
CPPFLAGS=$qp_saved_cppflags
QP_QUERY([HTTPD_VERSION], [HTTPD_VERSION])
AS_IF([test -n "$HTTPD_VERSION"], [], [HTTPD_VERSION='2.4.63 or newer'])])
