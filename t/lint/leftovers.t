# SPDX-License-Identifier: Apache-2.0
# Nothing is left lying about.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

my @code = (sources(), files(qr/\.[ch]\z/, 't'));
my @perl = (files(qr/\.(?:t|pm|pl)\z/, 't'), files(qr/\A/, 'src/tools'));
my @texts = (@code, @perl,
             files(qr/\A/, qw(docs conf changes README configure.ac
                              Makefile.am quickstart t/dialog t/run)));

sub find {
    my ($re, @files) = @_;
    my @found;

    for my $file (@files) {
        next if $file eq 't/lint/leftovers.t';
        my $text = text($file);

        while ($text =~ /$re/g) {
            push @found, "$file:" . line_of($text, $-[0]) . ": $&";
        }
    }
    return @found;
}

# Comments that hold statements.
sub dead_code {
    my ($file) = @_;
    my $text = text($file);
    my @found;

    while ($text =~ m{/\*(?!\*)(.*?)\*/}gs) {
        my ($comment, $at) = ($1, $-[0]);

        next if $comment =~ /^=\w+|^\n=\w+/m;    # POD
        push @found, "$file:" . line_of($text, $at) . ': commented-out code'
            if $comment =~ /^[ *]*\w[\w>.\[\]-]* ?(?:=|\().*;\s*$/m;
    }
    return @found;
}

plan tests => 9;
verdict('no XXX, FIXME, HACK, TODO without an issue',
        find(qr/\b(?:XXX|FIXME|HACK|TBD)\b|\bTODO\b(?!\(#\d+\))/,
             grep { $_ ne 't/lint/calls.t' } @texts));
verdict('no #if 0', find(qr/^\s*#\s*if\s+[01]\b/m, @code));
verdict('no // comment in C', find(qr{^\s*//[^\n]*}m, @code));
verdict('no commented-out code', map { dead_code($_) } @code);
verdict('no tabs', find(qr/\t/, grep { !/Makefile/ } @texts));
verdict('no blanks at the end of a line', find(qr/[ \t]+$/m, @texts));
verdict('no line over 80 columns',
        find(qr/^(?!.*"[^" ]{60,}"|=item |#pragma )[^\n]{81,}$/m, @code, @perl));
verdict('ASCII only', find(qr/[^\x00-\x7F]+/, @code, @perl));
verdict('no paths of one machine', find(qr{(?<![\w.])/(?:work|home|root)/\w+},
                                        @texts));
