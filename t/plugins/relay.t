# SPDX-License-Identifier: Apache-2.0
# relay: who may send to any domain (R110).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 18, QP::Server->need('plugins/relay', 'plugins/rcpt_ok');

# The answer to a recipient elsewhere, by a client with this address.
sub relayed {
    my ($server, $ip) = @_;
    my $client = $server->client(local => $ip)->hello;

    $client->expect(250, 'MAIL FROM:<s@example.net>');
    return $client->cmd('RCPT TO:<a@elsewhere.example>');
}

my $server = QP::Server->new(
    plugins => ['relay', 'rcpt_ok'],
    config  => { relayclients   => ['127.0.1.0/24', '127.1.'],
                 norelayclients => ['127.0.1.9'] },
)->start;

for my $ip ('127.0.1.0', '127.0.1.1', '127.0.1.255', '127.1.2.3') {
    ok t_cmp(relayed($server, $ip), qr/^250 /, "$ip may relay");
}
for my $ip ('127.0.0.1', '127.0.2.1', '127.0.1.9', '127.10.0.1') {
    ok t_cmp(relayed($server, $ip), qr/^550 5\.7\.1 /, "$ip may not");
}
ok defined $server->wait_log(
    qr{relay: pass, 127\.0\.1\.1 is in relayclients \(127\.0\.1\.0/24\)}),
    'the line is logged';
ok defined $server->wait_log(
    qr/relay: skip, 127\.0\.1\.9 is in norelayclients/), 'in both cases';
ok defined $server->wait_log(qr/relay: skip, 127\.0\.0\.1 is no relay client/),
    'and in none';
$server->set_config(relayclients => ['127.0.0.1']);
ok $server->poll(sub { relayed($server, '127.0.0.1') =~ /^250 / }),
    'the list is read again';
$server->expect_log(qr/"nonsense": no address and no network/);
$server->set_config(relayclients => ['127.0.0.2', 'nonsense']);
ok $server->poll(sub {
    my $client = $server->client->hello;

    return $server->said =~ /relayclients:2: .*the old value stays/;
}), 'a faulty one is not';
ok t_cmp(relayed($server, '127.0.0.2'), qr/^550 /, 'not a line of it');
$server->stop;

# With `only` it decides alone.
$server = QP::Server->new(plugins => ['relay only 1'],
                          config => { relayclients => ['127.0.0.2'] })->start;
ok t_cmp(relayed($server, '127.0.0.2'), qr/^250 /, 'a relay client');
ok t_cmp(relayed($server, '127.0.0.1'), qr/^550 5\.7\.1 /, 'somebody else');
$server->stop;
$server = QP::Server->new(plugins => ['relay only maybe']);
ok t_cmp(($server->configtest)[1], qr/plugins:1: relay: only: /,
         'a faulty option stops the start');
$server = QP::Server->new(plugins => ['relay'],
                          config => { norelayclients => ['127.0.0.1/33'] });
ok t_cmp(($server->configtest)[1],
         qr{norelayclients:1: "127\.0\.0\.1/33": .*0 to 32},
         'and so does a faulty list');
