# SPDX-License-Identifier: Apache-2.0
# Plays all dialogs over httpd, in three chunkings. The server says the same
# in all of them, and the same as over memory (R5, R7).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use QP::Dialog;
use QP::Server;

my @dialogs = grep { $_->wants(transports => 'httpd') }
    map { QP::Dialog->load($_) } sort glob "$FindBin::Bin/../dialog/*.smtp";

plan tests => scalar @dialogs, QP::Server->need;

# What is wrong with a dialog.
sub play {
    my ($dialog) = @_;
    my $server = QP::Server->new($dialog->server_args)->start;
    my (@wrong, %said);

    for my $chunking ($dialog->chunkings) {
        my $result = eval { $dialog->play_httpd($server, $chunking) }
            // { fault => $@ };

        push @wrong, map {"$chunking: $_"} $dialog->mismatches($result);
        $said{ QP::Dialog::normalize($result->{said} // '') } .= " $chunking";
    }
    if ($dialog->wants(transports => 'memory')) {
        my $result = $dialog->play_memory('batch');

        push @wrong, $result->{fault} // ();
        $said{ QP::Dialog::normalize($result->{said}) } .= ' memory';
    }
    push @wrong, 'transcripts differ:' . join ' |', sort values %said
        if keys %said > 1;
    push @wrong, 'spool files are left' if $server->spooled;
    push @wrong, $server->stop ? () : 'httpd has complained';
    return @wrong;
}

for my $dialog (@dialogs) {
    my @wrong = play($dialog);

    ok(!@wrong, $dialog->name) or diag join "\n", @wrong;
}
