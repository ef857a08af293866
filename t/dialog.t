# SPDX-License-Identifier: Apache-2.0
# Plays all dialogs over memory, in three chunkings.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/lib";
use Test::More;
use QP::Dialog;

my @dialogs = grep { $_->wants(transports => 'memory') }
    map { QP::Dialog->load($_) } sort glob "$FindBin::Bin/dialog/*.smtp";

plan tests => scalar @dialogs;
for my $dialog (@dialogs) {
    my (@wrong, %said);

    for my $chunking ($dialog->chunkings) {
        my $result = $dialog->play_memory($chunking);

        push @wrong, map {"$chunking: $_"} $dialog->mismatches($result);
        $said{ QP::Dialog::normalize($result->{said}) } = $chunking;
    }
    push @wrong, 'the chunkings differ: ' . join ', ', sort values %said
        if keys %said > 1;
    ok(!@wrong, $dialog->name) or diag join "\n", @wrong;
}
