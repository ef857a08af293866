# SPDX-License-Identifier: Apache-2.0
# The module exports what qpsmtpd.h declares; a plugin exports two symbols.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

my $lib = builddir() . '/lib';

skip_test('nothing is built') if !-e "$lib/mod_qpsmtpd.so";

# Names that a shared object exports, but for those of sanitizers.
sub exports {
    my ($file) = @_;

    return grep { !/^(?:_init|_fini|_edata|_end|__bss_start)$/ }
        grep { !/^__\w*[au]san[\w.]*$/ }
        map { /^\S+ [A-Z] (\S+)$/ ? $1 : () }
        split /\n/, qx(nm -D --defined-only '$file');
}

# Functions of the public header.
my %public = map { $_ => 1 }
    strip(text('src/qpsmtpd.h')) =~ /\bQP_EXPORT\b[^;(]*?\b(qp_\w+)\s*\(/g;
my %exported = map { $_ => 1 } exports("$lib/mod_qpsmtpd.so");

$public{qpsmtpd_module} = 1;

sub judge_plugin {
    my ($source) = @_;
    my $name = $source =~ s{^plugins/|\.c\z}{}gr;
    my $suffix = $name =~ s/\W/_/gr;
    my @got = sort(exports("$lib/plugins/$name.so"));
    my @want = ("qp_abi_$suffix", "qp_plugin_$suffix");

    return "@got" eq "@want" ? () : "$name exports: @got";
}

plan tests => 4;
ok(keys %public > 50, 'the header has been understood');
verdict('the module exports no more than the header says',
        grep { !$public{$_} } sort keys %exported);
verdict('and no less', grep { !$exported{$_} } sort keys %public);
verdict('plugins', map { judge_plugin($_) } plugins());
