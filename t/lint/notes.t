# SPDX-License-Identifier: Apache-2.0
# A note's key is a constant with an owner, never a bare string.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use QP::Lint;

sub find_keys {
    my ($file) = @_;
    my $code = strip(text($file));
    my @found;

    while ($code =~ /\bqp_note_\w+\s*\(([^;]*?)"/gs) {
        my $before = $1;

        next if ($before =~ tr/,//) != 1;    # the key is the second argument
        push @found, "$file:" . line_of($code, $-[0]);
    }
    return @found;
}

plan tests => 1;
verdict('no string literal as a key', map { find_keys($_) }
        grep { !m{^src/session/qp_notes} } sources());
