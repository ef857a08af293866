# SPDX-License-Identifier: Apache-2.0
# Each requirement of docs/security.md, R1 to R118, is named by a test that
# covers it, or stands with the reason in requirements.exempt; and the table
# there has, for each, tests that exist, one of which names it.
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
my (%in_table, %is_shown);
my @missing;

for my $row (grep {/^\| R\d/} split /\n/, text('docs/security.md')) {
    my ($from, $to) = $row =~ /^\| R(\d+)(?: to R(\d+))?\b/;
    my @patterns = $row =~ /`(t\/[^`]+)`/g;
    my %files = map { $_ => 1 } map { glob srcdir() . "/$_" } @patterns;

    for my $number ($from .. $to // $from) {
        $in_table{$number} = 1;
        $is_shown{$number} = grep { $files{ srcdir() . "/$_" } }
            @{ $named{$number} // [] };
    }
    push @missing, map {"$_ (of R$from)"}
        grep { !grep {-e} glob srcdir() . "/$_" } @patterns;
}

plan tests => 7;
verdict('each has a test', map {"R$_"}
        grep { !$named{$_} && !$exempt->{"R$_"} } 1 .. LAST);
verdict('there are no others', map {"R$_: @{ $named{$_} }"}
        grep { $_ < 1 || $_ > LAST } sort { $a <=> $b } keys %named);
verdict('exemptions are needed',
        grep { my ($n) = /(\d+)/; $named{$n} } sort keys %$exempt);
verdict('each stands in the table', map {"R$_"}
        grep { !$in_table{$_} } 1 .. LAST);
verdict('what the table names is there', @missing);
verdict('a test of its row names each', map {"R$_"}
        grep { $in_table{$_} && !$is_shown{$_} && !$exempt->{"R$_"} }
        1 .. LAST);

# The fuzz targets, and what each is for.
my $table = join '', grep {/^\|.*\|$/} split /^/, text('docs/security.md');

verdict('each fuzz target stands there, too', grep { $table !~ /`\Q$_\E`/ }
        map {m{^t/fuzz/(\w+)\.c\z}} grep { text($_) =~ /Fuzz target/ }
        files(qr/\.c\z/, 't/fuzz'));
