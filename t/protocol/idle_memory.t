# SPDX-License-Identifier: Apache-2.0
# R92: an idle session takes less than 18 KiB of resident memory, also after a
# message: what it was read with is given back.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use QP::Server;

use constant SESSIONS => 300;

plan tests => 2, QP::Server->need(qw(event plugins/rcpt_ok
                                     plugins/queue/discard));

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/discard'],
    config  => { rcpthosts => 'example.org' },
)->start;
my $text = join '', map {"line $_\n"} 1 .. 3000;
my $most = SESSIONS * ($ENV{QP_PRELOAD} ? 180 : 18);

sub send_message {
    my ($client) = @_;

    $client->send_message('a@example.net', 'b@example.org', $text);
    return $client;
}

# What the process takes once, it has taken before.
send_message($server->client->hello)->expect(221, 'QUIT') for 1 .. 50;
my $before = $server->rss;
my @idle = map { $server->client->hello } 1 .. SESSIONS;
my $greeted = $server->rss - $before;

ok $greeted < $most, SESSIONS . " after EHLO take $greeted KiB";
send_message($_) for @idle;
my $used = $server->rss - $before;

ok $used < $most, SESSIONS . " after a message take $used KiB";
$server->stop;
