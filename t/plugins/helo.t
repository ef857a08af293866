# SPDX-License-Identifier: Apache-2.0
# helo against a real name server: what the policies rfc and strict ask it, and
# that its silence refuses nobody.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Dns;
use QP::Server;

plan tests => 21, QP::Server->need('plugins/helo', 'plugins/relay', 'bin/nsd');

my $dns = QP::Dns->new;
my %config = (dns_servers => $dns->address, dns_timeout => '1s',
              badhelo => ['bad.example'], rcpthosts => ['example.org'],
              relayclients => ['127.0.1.2']);
my $server;

sub start {
    my ($line) = @_;

    $server->stop if $server;
    $server = QP::Server->new(
        plugins => ['relay', $line, 'rcpt_ok', 'queue/maildir @MAILDIR@'],
        config  => \%config)->start;
    return;
}

sub hello {
    my ($n, $host) = @_;
    my $client = $server->client(local => "127.0.1.$n");

    $client->expect(220);
    return $client->cmd("EHLO $host");
}

start('helo');
ok t_cmp(hello(1, 'bad.example'), qr/^550 5\.7\.1 .* not welcome here/,
         'badhelo');
ok t_cmp(hello(2, 'bad.example'), qr/^250/, 'not for relay clients');
ok t_cmp(hello(1, 'nobody.test'), qr/^250/, 'lenient does not ask the DNS');
my $client = $server->client(local => '127.0.1.1')->hello('HELO client1.test');

$client->send_message('a@example.net', 'b@example.org',
                      "X-HELO: other\nSubject: x\n\n");
ok t_cmp(($server->messages)[0], qr/^X-HELO: client1\.test$/m, 'X-HELO');
ok t_cmp(($server->messages)[0], qr/\A(?!.*other)/s, 'is not the client\'s');

start('helo policy rfc');
my @rfc = (
    [1, 'client1.test',      qr/^250/, 'a good one'],
    [3, 'client3.test',      qr/^250/, 'by way of an alias'],
    [1, 'a.test',            qr/^250/, 'another\'s name'],
    [1, 'nobody.test',       qr/^550 .*has no address/, 'no such name'],
    [1, 'empty.test',        qr/^550 .*has no address/, 'no address'],
    [5, 'a.test',            qr/^550 .*your address has no name/, 'no PTR'],
    [1, 'silent.fault.test', qr/^250/, 'no answer'],
    [7, 'broken.fault.test', qr/^250/, 'a broken answer'],
    [1, 'nodot',             qr/^550 .*fully qualified/, 'no dot'],
);

ok t_cmp(hello($_->[0], $_->[1]), $_->[2], "rfc: $_->[3]") for @rfc;

start('helo policy strict reject_type perm');
my @strict = (
    [1, 'client1.test',      qr/^250/, 'both match'],
    [2, 'a.test',            qr/^250/, 'a relay client'],
    [4, 'host.nobody.test',  qr/^550 .*has no address/, 'no address'],
    [1, 'other.test',        qr/^550 .*has no address/, 'near, no address'],
    [3, 'mail.mx.test',      qr/^550 .*does not go with/, 'no match'],
    [7, 'silent.fault.test', qr/^250/, 'nobody knows'],
);

ok t_cmp(hello($_->[0], $_->[1]), $_->[2], "strict: $_->[3]") for @strict;
$server->stop;

$server = QP::Server->new(plugins => ['helo'],
                          config  => { badhelo => ['x', '^a(b'] });
ok t_cmp(($server->configtest)[1], qr/badhelo:2: /,
         'a faulty expression stops the start');
