# SPDX-License-Identifier: Apache-2.0
# What is wrong with a plugin is found by the compiler where it can: with gcc
# and with clang, without any flags unless the case has some.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use IPC::Open3 qw(open3);
use Test::More;
use QP::Lint;

my $head = <<'END';
#include "qpsmtpd.h"
struct opts { int number; const char *text; apr_int32_t other; };
static qp_rc on_mail(const qp_plugin *self, qp_session *qp,
                     const qp_mail_arg *arg)
{
    (void)self; (void)qp; (void)arg;
    return QP_DECLINED;
}
END

sub hook {
    my ($type, $body) = @_;

    return "static qp_rc hook(const qp_plugin *self, qp_session *qp,\n"
        . "$type *arg)\n{ (void)self; (void)qp; (void)arg;\n"
        . "$body; return QP_OK; }\n";
}

sub plugin { return "QP_PLUGIN(x) = { $_[0] };\n" }

my $slot = plugin('.hooks.mail = on_mail, .hooks.rcpt = hook');
my $rcpt = 'const qp_rcpt_arg';

# What is wrong; the source behind the head; what is said, or undef if it is
# right; flags.
my @cases = (
    ['nothing', hook($rcpt, 'return QP_SUPER(self, qp, rcpt, arg)') . $slot,
     undef, '-Wall -Wextra -pedantic -Wno-gnu-zero-variadic-macro-arguments '
     . '-Wno-variadic-macros -Werror'],
    ['the slot', plugin('.hooks.rcpt = on_mail'), qr/incompatible/],
    ['the type of the argument', hook('const qp_data_arg', '') . $slot,
     qr/incompatible/],
    ['an argument that is not const', hook('qp_rcpt_arg', '') . $slot,
     qr/incompatible|discard/],
    ['the type of the answer',
     "static int hook(const qp_plugin *p, qp_session *q, $rcpt *a)\n"
     . "{ (void)p; (void)q; (void)a; return 0; }\n$slot", qr/incompatible/],
    ['a missing argument', "static qp_rc hook(const qp_plugin *p)\n"
     . "{ (void)p; return QP_OK; }\n$slot", qr/incompatible/],
    ['the name of the hook', plugin('.hooks.male = on_mail'), qr/male/],
    ['a name of the Perl time', plugin('.hooks.hook_mail = on_mail'),
     qr/hook_mail/],
    ['a hook that is registered elsewhere',
     'static const char *setup(qp_plugin *self, apr_pool_t *p) {' . "\n"
     . '(void)p; qp_register_rcpt(self, on_mail, QP_IN_ORDER); return NULL; }'
     . plugin('.setup = setup'), qr/incompatible/],
    ['what the parent is given',
     hook($rcpt, 'return QP_SUPER(self, qp, mail, arg)') . $slot,
     qr/incompatible/],
    ['a change of what is read only', hook($rcpt, 'arg->rcpt = 0') . $slot,
     qr/read-only|const/],
    ['a change of self', hook($rcpt, 'qp_plugin_hooks(self)') . $slot,
     qr/discards/],
    ['the field of an INT', 'static const qp_opt t[] = { '
     . 'QP_OPT_INT(struct opts, text, "n", "1", 0, 9), QP_OPT_END };'
     . plugin('.opts = t'), qr/negative/],
    ['the field of a STR', 'static const qp_opt t[] = { '
     . 'QP_OPT_STR(struct opts, number, "n", "1"), QP_OPT_END };'
     . plugin('.opts = t'), qr/negative/],
    ['a field that is not there', 'static const qp_opt t[] = { '
     . 'QP_OPT_STR(struct opts, nothing, "n", "1"), QP_OPT_END };'
     . plugin('.opts = t'), qr/nothing/],
    ['the format of a text',
     hook($rcpt, 'return qp_return(qp, QP_DENY, "%s", 5)') . $slot,
     qr/format/, '-Wformat -Werror'],
    ['a text as format', hook($rcpt,
     'return qp_return(qp, QP_DENY, arg->rcpt->user)') . $slot,
     qr/format/, '-Wformat -Wformat-security -Werror'],
    ['an outcome that nobody looks at',
     hook($rcpt, 'qp_txn_body_append(qp_transaction(qp), "x", 1)') . $slot,
     qr/unused/, '-Wunused-result -Werror'],
);

sub has {
    my ($program) = @_;

    return grep { -x "$_/$program" } split /:/, $ENV{PATH};
}

my $apxs = $ENV{QP_APXS} || 'apxs';

chomp(my $apr_config = qx($apxs -q APR_CONFIG));
chomp(my $apr = qx($apr_config --includes --cppflags));
chomp(my $apu = qx(apu-1-config --includes));
my @compilers = grep { has($_) } qw(gcc clang);

# What the compiler says, and whether it is content.
sub compile {
    my ($cc, $source, $flags) = @_;
    my @words = split ' ', "$cc -std=gnu11 -c -o /dev/null $flags $apr $apu -I"
        . srcdir() . '/src -x c -';
    my $pid = open3(my $in, my $out, undef, @words);

    print {$in} $head . $source;
    close $in or die $!;
    my $said = join '', <$out>;

    waitpid $pid, 0;
    return ($said, $? == 0);
}

skip_test('there is neither gcc nor clang') if !@compilers;
plan tests => @compilers * @cases;
for my $cc (@compilers) {
    for my $case (@cases) {
        my ($name, $source, $want, $flags) = @$case;
        my ($said, $is_good) = compile($cc, $source, $flags // '');
        my $is_right = defined $want ? !$is_good && $said =~ $want : $is_good;

        ok $is_right, "$cc: $name" or diag $said;
    }
}
