# SPDX-License-Identifier: Apache-2.0
# fcrdns against a real name server: the client's name is verified, or not, and
# stands in the header (RFC 8601 2.7.3).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Dns;
use QP::Server;

plan tests => 22, QP::Server->need('plugins/fcrdns', 'bin/nsd');

my $dns = QP::Dns->new;
my %config = (dns_servers => $dns->address, dns_timeout => '1s',
              rcpthosts => ['example.org'], me => ['mx.example.org']);
my $server = QP::Server->new(
    plugins => ['fcrdns', 'rcpt_ok', 'queue/maildir @MAILDIR@'],
    config  => \%config)->start;

# The header of a message from 127.0.1.N.
sub header {
    my ($n) = @_;
    my ($old) = scalar $server->messages;
    my $client = $server->client(local => "127.0.1.$n")->hello;

    $client->send_message('s@example.net', 'r@example.org', "Subject: $n\n\n");
    $client->close;
    my ($message) = grep {/^Subject: $n$/m} $server->messages;

    return $message // '';
}

my @results = (
    [1, 'pass', 'client1.test'],
    [2, 'fail', 'Unknown'],
    [3, 'pass', 'client3.test'],
    [4, 'fail', 'Unknown'],
    [5, 'permerror', 'Unknown'],
    [6, 'temperror', 'Unknown'],
    [7, 'temperror', 'Unknown'],
);

for my $row (@results) {
    my ($n, $result, $name) = @$row;
    my $header = header($n);

    ok t_cmp($header, qr/iprev=$result policy\.iprev=127\.0\.1\.$n/,
             "127.0.1.$n: $result");
    ok t_cmp($header, qr/^Received: from \S+ \(\Q$name\E \[127\.0\.1\.$n\]\)/m,
             "its name is $name");
}
ok defined $server->wait_log(
    qr/fail, tolerated, no name of 127\.0\.1\.2 leads back to it: client2/),
    'a failure is logged';
ok defined $server->wait_log(
    qr/fcrdns: skip, the DNS does not say who 127\.0\.1\.6 is/),
    'an unknown is another thing';
$server->client->expect(220);
ok defined $server->wait_log(qr/fcrdns: skip, local client/), 'a local client';
$server->stop;

$server = QP::Server->new(plugins => ['relay', 'fcrdns reject yes', 'rcpt_ok'],
                          config => { %config,
                                      relayclients => ['127.0.1.4'] })->start;
ok t_cmp($server->client(local => '127.0.1.1')->reply, qr/^220 /,
         'reject yes: pass');
ok t_cmp($server->client(local => '127.0.1.2')->reply,
         qr/^550 5\.7\.1 no name of 127\.0\.1\.2/, 'fail');
ok t_cmp($server->client(local => '127.0.1.5')->reply,
         qr/^550 5\.7\.1 127\.0\.1\.5 has no name/, 'permerror');
ok t_cmp($server->client(local => '127.0.1.6')->reply, qr/^220 /,
         'temperror is no reason');
ok t_cmp($server->client(local => '127.0.1.4')->reply, qr/^220 /,
         'nor is fail for a relay client');
$server->stop;
