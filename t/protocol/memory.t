# SPDX-License-Identifier: Apache-2.0
# R92: nothing grows with the length of a session or of a message. Resident
# memory of a single child is read from outside.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use QP::Server;

plan tests => 5, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/discard));

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/discard'],
    config  => { max_commands => 0, pipelining => 'lenient',
                 rcpthosts => ['example.org'], max_errors => 0 },
    httpd   => QP::Server::mpm() eq 'prefork'
    ? "StartServers 1\nMinSpareServers 1\nMaxSpareServers 1\n"
    : '',
)->start;
my $client = $server->client->hello;

# Sends commands so many times, in batches, and reads the replies.
sub repeat {
    my ($text, $count) = @_;
    my $replies = () = $text =~ /\n/g;
    my $batch   = 100;

    for (1 .. $count / $batch) {
        $client->send($text x $batch);
        $client->reply for 1 .. $replies * $batch;
    }
    return $server->rss;
}

# How many KiB commands add: the least of up to three rounds. What
# grows with a session grows in each; a thread that comes to serve it for the
# first time touches its stack once.
sub growth {
    my ($text, $count) = @_;
    my $before = repeat($text, 1_000);
    my $least;

    for (1 .. 3) {
        my $after = repeat($text, $count);

        $least  = $after - $before if $_ == 1 || $after - $before < $least;
        $before = $after;
        last if $least <= 0;
    }
    return $least;
}

my @groups = (
    ['NOOP', "NOOP\r\n", 50_000],
    ['EHLO', "EHLO some.client.example\r\n", 10_000],
    ['errors', "XYZZY\r\nMAIL FROM:<\r\n", 10_000],
    ['transactions', "MAIL FROM:<a\@example.net>\r\n"
     . "RCPT TO:<b\@example.org>\r\nRSET\r\n", 10_000],
);

for my $group (@groups) {
    my ($name, $text, $count) = @$group;
    my $growth = growth($text, $count);

    ok $growth <= ($ENV{QP_PRELOAD} ? 8_192 : 32),
        "$count times $name: $growth KiB";
}

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
