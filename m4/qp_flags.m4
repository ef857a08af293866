dnl SPDX-License-Identifier: Apache-2.0

dnl QP_BUILD_KIND: the options that choose the kind of build. Sets
dnl enable_debug, enable_sanitize, enable_werror and, unless the caller has
dnl given one, CFLAGS.
AC_DEFUN([QP_BUILD_KIND],
[AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror],
        [warnings are errors (for developers)])], [], [enable_werror=no])
AC_ARG_ENABLE([debug],
    [AS_HELP_STRING([--enable-debug],
        [no optimisation, assertions, full debug information])],
    [], [enable_debug=no])
AC_ARG_ENABLE([sanitize],
    [AS_HELP_STRING([--enable-sanitize=LIST],
        [build with sanitizers: address,undefined (the default of the option) or thread])],
    [], [enable_sanitize=no])
AS_CASE([$enable_sanitize], [yes], [enable_sanitize=address,undefined])
AS_IF([test "${CFLAGS+set}" != set],
    [AS_IF([test "$enable_debug" != no], [CFLAGS='-O0 -g3'],
        [test "$enable_sanitize" != no], [CFLAGS='-O1 -g'],
        [CFLAGS='-O2 -g'])])])

dnl QP_ADD_CFLAG(FLAG): adds it to QP_CFLAGS if the compiler knows it.
AC_DEFUN([QP_ADD_CFLAG],
[AS_VAR_PUSHDEF([qp_cache], [qp_cv_cflag_$1])
AC_CACHE_CHECK([whether $CC accepts $1], [qp_cache],
    [qp_saved_cflags=$CFLAGS
    CFLAGS="$CFLAGS -Werror $1"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
        [AS_VAR_SET([qp_cache], [yes])], [AS_VAR_SET([qp_cache], [no])])
    CFLAGS=$qp_saved_cflags])
AS_VAR_IF([qp_cache], [yes], [QP_CFLAGS="$QP_CFLAGS $1"])
AS_VAR_POPDEF([qp_cache])])

dnl QP_ADD_LDFLAG(FLAG): adds it to QP_LDFLAGS if the linker knows it.
AC_DEFUN([QP_ADD_LDFLAG],
[AS_VAR_PUSHDEF([qp_cache], [qp_cv_ldflag_$1])
AC_CACHE_CHECK([whether $CC links with $1], [qp_cache],
    [qp_saved_ldflags=$LDFLAGS
    LDFLAGS="$LDFLAGS $1"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()],
        [AS_VAR_SET([qp_cache], [yes])], [AS_VAR_SET([qp_cache], [no])])
    LDFLAGS=$qp_saved_ldflags])
AS_VAR_IF([qp_cache], [yes], [QP_LDFLAGS="$QP_LDFLAGS $1"])
AS_VAR_POPDEF([qp_cache])])

dnl QP_FLAGS: sets QP_CPPFLAGS, QP_CFLAGS, QP_LDFLAGS, SANITIZE, and FUZZ_LIBS,
dnl which only programs with libFuzzer are linked with.
AC_DEFUN([QP_FLAGS],
[QP_CPPFLAGS=
QP_CFLAGS='-std=gnu11'
QP_LDFLAGS=
QP_WARNINGS
QP_ADD_CFLAG([-fvisibility=hidden])
QP_ADD_CFLAG([-fno-common])
AS_IF([test "$enable_werror" != no], [QP_CFLAGS="$QP_CFLAGS -Werror"])
AS_IF([test "$enable_debug$enable_sanitize" = nono],
    [QP_CPPFLAGS='-DNDEBUG'])
QP_ADD_LDFLAG([-Wl,-z,relro])
QP_ADD_LDFLAG([-Wl,-z,now])
AS_IF([test "$enable_sanitize" = no], [QP_HARDENING], [QP_SANITIZERS])
AC_SUBST([QP_CPPFLAGS])
AC_SUBST([QP_CFLAGS])
AC_SUBST([QP_LDFLAGS])
QP_FIND_PRELOAD])

dnl Each warning is tried, for compilers differ in what they know. clang sees a
dnl cast in the rings of APR, of which brigades are made.
AC_DEFUN([QP_WARNINGS],
[m4_foreach_w([qp_warning], [all extra shadow strict-prototypes
    missing-prototypes old-style-definition write-strings pointer-arith
    format=2 switch-enum vla undef cast-qual null-dereference
    implicit-fallthrough no-unused-parameter],
    [QP_ADD_CFLAG([-W]qp_warning)])
AC_CACHE_CHECK([whether $CC is clang], [qp_cv_clang],
    [AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
#ifndef __clang__
#error no
#endif]])], [qp_cv_clang=yes], [qp_cv_clang=no])])
AS_IF([test "$qp_cv_clang" = yes],
    [m4_foreach_w([qp_warning],
        [assign-enum shorten-64-to-32 unreachable-code],
        [QP_ADD_CFLAG([-W]qp_warning)])
    QP_CFLAGS="$QP_CFLAGS -Wno-cast-qual"])])

dnl _FORTIFY_SOURCE needs optimisation, and a distribution may have set it.
AC_DEFUN([QP_HARDENING],
[QP_ADD_CFLAG([-fstack-protector-strong])
AS_CASE([" $CPPFLAGS $CFLAGS "],
    [*_FORTIFY_SOURCE*|*' -O0 '*], [],
    [*' -O'*], [QP_CPPFLAGS="$QP_CPPFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])])

AC_DEFUN([QP_SANITIZERS],
[QP_CFLAGS="$QP_CFLAGS -fsanitize=$enable_sanitize -fno-omit-frame-pointer"
QP_LDFLAGS="$QP_LDFLAGS -fsanitize=$enable_sanitize"
AS_CASE([,$enable_sanitize,], [*,undefined,*],
    [QP_CFLAGS="$QP_CFLAGS -fno-sanitize-recover=undefined"])
FUZZ_LIBS=
AS_CASE([,$enable_sanitize,], [*,fuzzer-no-link,*],
    [FUZZ_LIBS=-fsanitize=fuzzer])
AC_MSG_CHECKING([whether $CC links with -fsanitize=$enable_sanitize])
qp_saved_cflags=$CFLAGS
CFLAGS="$CFLAGS -fsanitize=$enable_sanitize"
AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
    AC_MSG_ERROR([the compiler lacks these sanitizers])])
CFLAGS=$qp_saved_cflags])

dnl A program that was built without the sanitizer, as httpd is, must load the
dnl sanitizer's library before any module that needs it.
AC_DEFUN([QP_FIND_PRELOAD],
[QP_PRELOAD=
AS_CASE([,$enable_sanitize,],
    [*,fuzzer-no-link,*], [qp_sanitizer=],
    [*,address,*], [qp_sanitizer=asan],
    [*,thread,*], [qp_sanitizer=tsan],
    [*,undefined,*], [qp_sanitizer=ubsan],
    [qp_sanitizer=])
AS_IF([test -n "$qp_sanitizer"],
    [AS_IF([test "$qp_cv_clang" = yes],
        [QP_PRELOAD=`$CC -print-file-name=libclang_rt.$qp_sanitizer-$host_cpu.so`
        qp_folder=`dirname "$QP_PRELOAD"`
        QP_LDFLAGS="$QP_LDFLAGS -shared-libsan -Wl,-rpath,$qp_folder"],
        [QP_PRELOAD=`$CC -print-file-name=lib$qp_sanitizer.so`])])
AC_SUBST([QP_PRELOAD])
AC_SUBST([FUZZ_LIBS])
AC_SUBST([SANITIZE], [$enable_sanitize])])

dnl QP_SUMMARY: what was found, and what will be built.
AC_DEFUN([QP_SUMMARY],
[qp_plugins=`tr -s ' \t' '\n' <"$srcdir/Makefile.am" |
    $SED -n '/\/lib/d; /NAME/d; s|^plugins/\(.*\)\.la$|\1|p' |
    LC_ALL=C sort -u | tr '\n' ' '`
AS_IF([test "$qp_curl" = no],
    [qp_plugins=`echo "$qp_plugins" | $SED 's|http_config ||'`])
AS_IF([test "$qp_oauth2" = no],
    [qp_plugins=`echo "$qp_plugins" | $SED 's|auth/oauth2 ||'`])
AS_IF([test "$qp_psl" = no],
    [qp_plugins=`echo "$qp_plugins" | $SED 's|uribl ||'`])
for qp_name in moduledir plugindir sysconfdir; do
    eval "qp_value=\$$qp_name"
    eval "qp_value=\"$qp_value\""
    eval "qp_value=\"$qp_value\""
    eval "qp_shown_$qp_name=\"$qp_value\""
done
cat <<END

mod_qpsmtpd $PACKAGE_VERSION

  httpd             $HTTPD ($HTTPD_VERSION)
  apxs              $APXS
  APR               `"$APR_CONFIG" --version` ($APR_CONFIG)
  compiler          $CC $CFLAGS
  warnings          `if test "$enable_werror" != no; then echo are errors; else echo are shown; fi`
  debug             $enable_debug
  sanitizers        $enable_sanitize
  libcurl           $qp_curl (for http_config, auth/oauth2)
  jansson           $qp_jansson (for auth/oauth2)
  libpsl            $qp_psl (for uribl)
  libidn2           $qp_idn2 (to check domains in UTF-8)

  prefix            $prefix
  module            $qp_shown_moduledir
  plugins           $qp_shown_plugindir
  configuration     $qp_shown_sysconfdir/qpsmtpd

  plugins to build  $qp_plugins

Now: make, make check, make install; "make help" lists the rest.

END
])
