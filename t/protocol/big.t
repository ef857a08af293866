# SPDX-License-Identifier: Apache-2.0
# A large message goes through a file of spool_dir: stored octet for octet, in
# bounded memory, with nothing left behind (D22, R16, R92).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

use constant MEGA => 1 << 20;

plan tests => 9, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir));

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config  => { rcpthosts => 'example.org', size_threshold => 10000 },
)->start;

# Lines of many lengths, with every octet but CR, LF and a leading dot.
sub make_body {
    my ($size) = @_;
    my $octets = join '', map {chr} grep { $_ != 10 && $_ != 13 } 0 .. 255;
    my ($body, $n) = ('', 0);

    while (length $body < $size) {
        my $line = substr $octets x 4, ++$n % 254, $n % 998;

        $body .= "x$line\n";
    }
    return $body;
}

my $body = make_body(5 * MEGA);
my $client = $server->client->hello;

$client->envelope('a@example.net', 'b@example.org');
$client->expect(354, 'DATA');
my $wire = "Subject: big\n\n$body" =~ s/\n/\r\n/gr;

$client->send(substr $wire, 0, MEGA);
ok $server->poll(sub { $server->spooled || 0 }), 'it is in a spool file';
my ($file) = $server->spooled;

ok t_cmp(sprintf('%o', (stat $file)[2] & 07777), 600, 'that is private')
    if defined $file;
$client->send(substr($wire, MEGA) . ".\r\n");
ok t_cmp($client->reply, qr/^250 /, 'a message of 5 MB is taken');
ok t_cmp(scalar($server->spooled), 0, 'the spool file has gone');

my ($stored) = $server->messages;

ok $stored =~ /\n\n(.*)\z/s && $1 eq $body, 'and stored octet for octet';

# Memory does not grow with the message.
my $before = $server->rss;

$client = $server->client->hello;
$client->envelope('a@example.net', 'b@example.org');
$client->expect(354, 'DATA');
$client->send($wire) for 1 .. 10;
$client->send(".\r\n");
ok t_cmp($client->reply, qr/^250 /, 'so is one of 50 MB');
my $grown = $server->rss - $before;

ok $grown < 4096, "memory has grown by $grown KiB";

# A client that leaves leaves nothing.
$client = $server->client->hello;
$client->envelope('a@example.net', 'b@example.org');
$client->expect(354, 'DATA');
$client->send($wire);
ok $server->poll(sub { $server->spooled || 0 }), 'another one is spooled';
$client->abort;
ok $server->poll(sub { !$server->spooled }), 'and goes with its client';
$server->stop;
