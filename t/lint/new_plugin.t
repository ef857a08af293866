# SPDX-License-Identifier: Apache-2.0
# "make plugin" in a copy of the tree: what it makes compiles, keeps the rules
# and passes at once. The same for qpsmtpd-plugin-new outside of it.
use strict;
use warnings FATAL => 'all';

use File::Temp ();
use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

my @NAMES = qw(virus/foo foo-bar queue/foo);
my @PARTS = qw(.clang-format Makefile.am Makefile.in aclocal.m4 build-aux
               changes conf configure configure.ac docs m4 mod_qpsmtpd.c
               plugins qpsmtpd.pc.in src t);

skip_test('automake is not installed')
    if (qx(automake --version 2>/dev/null) // '') eq '';
skip_test('nothing is built') if !-x builddir() . '/qpsmtpd-plugin-test';

my $temp = File::Temp->newdir('qpsmtpd-' . 'X' x 8, TMPDIR => 1);
my ($top, $build) = ("$temp/tree", "$temp/build");

# What a command says, standard error included; "" if all is well and quiet.
sub run {
    my ($command) = @_;
    my $said = qx(( $command ) 2>&1);

    return $? == 0 ? '' : "$command: $said";
}

sub make_plugin {
    my ($name) = @_;

    return run("perl '$top/src/tools/new_plugin' --tree '$top' '$name'");
}

sub slurp {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}

# Lines of the lint tests about the new plugins.
sub complaints {
    my $tests = join ' ', map {"t/lint/$_.t"} qw(pod format exports style);
    my $said = qx(QP_BUILDDIR='$build' '$top/t/run' $tests 2>&1);
    my $names = join '|', map {quotemeta} @NAMES;

    return grep {/$names/} split /\n/, $said;
}

plan tests => 12;
mkdir $_ or die "$_: $!" for $top, $build;
my @there = grep { -e srcdir() . "/$_" } @PARTS;

is(run(join ' ', 'cp -R', (map {"'${\ srcdir()}/$_'"} @there),
       "'$top' && chmod -R u+w '$top'"), '', 'a copy');
unlink "$top/t/env";
is(make_plugin($_), '', $_) for @NAMES;
my $makefile = slurp("$top/Makefile.am");

like(make_plugin('virus/foo'), qr/exists; nothing was changed|already/,
     'not twice');
like(make_plugin('Virus/../foo'), qr/is no name for a plugin/, 'a bad name');
is(slurp("$top/Makefile.am"), $makefile, 'nothing was changed');
is(run("cd '$build' && '$top/configure' -q CFLAGS=-O0 --enable-werror"
       . ' --with-apxs=' . ($ENV{QP_APXS} || 'apxs')
       . " >/dev/null && make -s -j2 all t/env"), '', 'make');
is(run("cd '$build' && QP_MPMS=event QP_BUILDDIR=. '$top/t/run' "
       . join ' ', map {"t/plugins/$_.t"} @NAMES), '', 'they pass');
verdict('they keep the rules', complaints());

# Outside of the tree, with what is not installed put in its place.
my $path = join ':', "$temp/bin", builddir(), $ENV{PATH};
my $set = "cd '$temp/out' && PATH='$path' PKG_CONFIG_PATH='$temp/bin'";

mkdir "$temp/$_" or die $! for qw(bin out);
my $pc = slurp(builddir() . '/qpsmtpd.pc')
    =~ s{^includedir=.*}{"includedir=" . srcdir() . '/src'}mer;

open my $out, '>', "$temp/bin/qpsmtpd.pc" or die $!;
print {$out} $pc;
close $out or die $!;
is(run("$set perl '" . srcdir() . "/src/tools/new_plugin' hello"), '',
   'outside of the tree');
is(run("$set make -s check CFLAGS='-Wall -Wextra -Werror "
       . "-Wno-unused-parameter'"), '', 'make check');
