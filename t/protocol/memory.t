# SPDX-License-Identifier: Apache-2.0
# R92: nothing grows with the length of a session or of a message. Resident
# memory of a single child is read from outside.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use QP::Server;

plan tests => 4, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/discard));

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/discard'],
    config  => { max_commands => 0, pipelining => 'lenient',
                 rcpthosts => ['example.org'], max_errors => 0 },
    httpd   => QP::Server::mpm() eq 'prefork'
    ? "StartServers 1\nMinSpareServers 1\nMaxSpareServers 1\n"
    : '',
)->start;
my $client = $server->client->hello;

# Sends a command so many times, in batches, and reads the replies.
sub repeat {
    my ($line, $count) = @_;

    while ($count > 0) {
        my $batch = $count > 500 ? 500 : $count;

        $client->send("$line\r\n" x $batch);
        $client->reply for 1 .. $batch;
        $count -= $batch;
    }
    return $server->rss;
}

# The same once it has been done a thousand times as a hundred thousand times.
for my $line ('NOOP', 'EHLO some.client.example') {
    my $early = repeat($line, 1_000);
    my $late  = repeat($line, $line eq 'NOOP' ? 99_000 : 9_000);

    ok $late <= $early + ($ENV{QP_PRELOAD} ? 8_192 : 64),
        "$line: $early KiB, then $late KiB";
}

# Mistakes too.
my $early = repeat('XYZZY', 1_000);
my $late  = repeat('XYZZY', 9_000);

ok $late <= $early + ($ENV{QP_PRELOAD} ? 8_192 : 64),
    "unknown commands: $early KiB, then $late KiB";

# A message of 60 MB.
my $before = $server->rss;
my $text   = ('x' x 70 . "\n") x 10_000;

$client->envelope('a@b.example', 'user@example.org');
$client->expect(354, 'DATA');
$text =~ s/\n/\r\n/g;
$client->send($text) for 1 .. 85;
$client->send(".\r\n");
$client->reply;
my $after = $server->rss;

ok $client->code == 250
    && $after < $before + ($ENV{QP_PRELOAD} ? 16_384 : 2_048),
    "60 MB: $before KiB before, $after KiB after";
$server->stop;
