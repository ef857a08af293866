# SPDX-License-Identifier: Apache-2.0
# Each requirement of docs/security.md, R1 to R118, is named by a test that
# covers it, or stands with the reason in requirements.exempt; and each group in
# the table there has tests that exist.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

use constant LAST => 118;

my $exempt = exempt('requirements');
my @tests  = grep { !m{^t/lint/requirements} }
    files(qr/\.(?:t|c|h|pm|smtp)\z/, 't');
my %named;

# "R7", "R1 to R6", "R1-R6".
sub note_numbers {
    my ($file) = @_;
    my $text = text($file) =~ s/\s*\n(?:#| \*|\/\/)?\s*/ /gr;

    while ($text =~ /\bR(\d{1,3})\b(?:\s*(?:to|-)\s*R(\d{1,3})\b)?/g) {
        push @{ $named{$_} }, $file for $1 .. $2 // $1;
    }
    return;
}

note_numbers($_) for @tests;

# The rows "| 1-7 lines | `t/...`, `t/...` |" of the table.
my %in_table;
my @missing;

for my $row (grep {/^\| R\d/} split /\n/, text('docs/security.md')) {
    my ($from, $to) = $row =~ /^\| R(\d+)(?: to R(\d+))?\b/;

    $in_table{$_} = 1 for $from .. $to // $from;
    push @missing, map {"$_ (of R$from)"}
        grep { !grep {-e} glob srcdir() . "/$_" } $row =~ /`(t\/[^`]+)`/g;
}

plan tests => 5;
verdict('each has a test', map {"R$_"}
        grep { !$named{$_} && !$exempt->{"R$_"} } 1 .. LAST);
verdict('there are no others', map {"R$_: @{ $named{$_} }"}
        grep { $_ < 1 || $_ > LAST } sort { $a <=> $b } keys %named);
verdict('exemptions are needed',
        grep { my ($n) = /(\d+)/; $named{$n} } sort keys %$exempt);
verdict('each stands in the table', map {"R$_"}
        grep { !$in_table{$_} } 1 .. LAST);
verdict('what the table names is there', @missing);
