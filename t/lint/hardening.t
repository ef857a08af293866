# SPDX-License-Identifier: Apache-2.0
# R118: what is built is hardened: the stack has canaries, calls of the C
# library are checked, relocations are done at the start and then read-only, and
# nothing on the stack or in relocated text can be executed.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

my $lib = builddir() . '/lib';

skip_test('nothing is built') if !-e "$lib/mod_qpsmtpd.so";
skip_test('a build with sanitizers is for tests')
    if ($ENV{QP_SANITIZE} // 'no') ne 'no';
skip_test('there is no readelf') if !qx(readelf --version 2>/dev/null);

my @plugins = map {s{^plugins/|\.c\z}{}gr} plugins();
my @objects = ('mod_qpsmtpd', map {"plugins/$_"} @plugins);
my $makefile = do {
    open my $in, '<', builddir() . '/Makefile' or die "Makefile: $!";
    local $/;
    <$in>;
};
my ($cflags)   = $makefile =~ /^QP_CFLAGS = (.*)/m;
my ($cppflags) = $makefile =~ /^QP_CPPFLAGS = (.*)/m;

# What is wrong with a shared object.
sub judge {
    my ($name) = @_;
    my $file = "$lib/$name.so";

    return () if !-e $file;
    my $dynamic = qx(readelf -dW '$file');
    my $headers = qx(readelf -lW '$file');

    return map {"$name $_"}
        ($dynamic =~ /BIND_NOW|FLAGS_1.*\bNOW\b/ ? () : 'binds lazily',
         $headers =~ /GNU_RELRO/ ? () : 'has writable relocations',
         $dynamic =~ /TEXTREL/ ? 'has text relocations' : (),
         $headers =~ /GNU_STACK.*\bRWE\b/ ? 'has an executable stack' : (),
         $headers =~ /GNU_STACK/ ? () : 'does not say what its stack is',
         $headers =~ /LOAD.*\bRWE\b/ ? 'can write its own code' : (),
         $dynamic =~ /R(?:UN)?PATH/ ? 'has a path of libraries' : ());
}

sub imports {
    my ($name) = @_;

    return qx(nm -D --undefined-only '$lib/$name.so');
}

plan tests => 5;
ok -e "$lib/plugins/queue/maildir.so", 'plugins are built';
verdict('shared objects', map { judge($_) } @objects);
like $cflags, qr/-fstack-protector-strong/, 'the compiler knows canaries';
like imports('mod_qpsmtpd'), qr/\b__stack_chk_fail\b/, 'and uses them';
SKIP: {
    skip 'the caller chose to do without', 1
        if $cppflags !~ /_FORTIFY_SOURCE/;
    like imports('mod_qpsmtpd'), qr/\b__\w+_chk\b/,
        'the C library checks lengths';
}
