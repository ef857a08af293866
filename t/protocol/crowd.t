# SPDX-License-Identifier: Apache-2.0
# R91: 500 connections at once. Each is served, or waits for its turn, or is
# told 421; and right after there is normal service by processes that live.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

use constant CROWD => 500;

plan tests => 6, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir));

for my $max (0, 100) {
    my $server = QP::Server->new(
        plugins  => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
        config   => { rcpthosts => 'example.org', max_connections => $max },
        expected => [qr/AH00(?:161|484): server reached/])->start;
    my @crowd = map { $server->client(timeout => 30) } 1 .. CROWD;
    my %count = (220 => 0, 421 => 0);

    # On prefork one can be served only when another has gone.
    for my $client (@crowd) {
        $client->reply;
        $count{ $client->code }++;
        if (QP::Server::mpm() ne 'event') {
            $client->send("QUIT\r\n");
            $client->close;
        }
    }
    ok t_cmp($count{220} + $count{421}, CROWD, "at most $max: all answered");
    ok t_cmp($max ? $count{220} > 0 : $count{421} == 0, 1,
             "$count{220} are served, $count{421} told 421");
    $_->close for @crowd;
    my $reply;

    $server->poll(sub {
        my $client = $server->client;

        $reply = eval {
            $client->hello->send_message('a@b.example', 'user@example.org',
                                         "Subject: x\n\nx\n");
        };
        return ($reply // '') =~ /^250 /;
    });
    ok t_cmp($reply, qr/^250 /, 'normal service afterwards');
    $server->stop;
}
