# SPDX-License-Identifier: Apache-2.0
# dns_whitelist_soft against a real name server: whom it vouches for, others let
# pass.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Dns;
use QP::Server;

plan tests => 9,
    QP::Server->need('plugins/dns_whitelist_soft', 'plugins/dnsbl', 'bin/nsd');

my $dns = QP::Dns->new;
my $server = QP::Server->new(
    plugins => ['dns_whitelist_soft', 'dnsbl', 'rcpt_ok'],
    config  => { dns_servers => $dns->address, dns_timeout => '1s',
                 rcpthosts => ['example.org'], dnsbl_zones => ['list.test'],
                 whitelist_zones => ['white.test'] })->start;

sub rcpt {
    my ($n, $to) = @_;
    my $client = $server->client(local => "127.0.2.$n")->hello;

    $client->expect(250, 'MAIL FROM:<s@example.net>');
    my $reply = $client->cmd('RCPT TO:<' . ($to // 'r@example.org') . '>');

    $client->close;
    return $reply;
}

ok t_cmp(rcpt(6), qr/^250 /, 'a client on both lists is let in');
ok defined $server->wait_log(
    qr/dns_whitelist_soft: pass, 127\.0\.2\.6 is whitelisted by white\.test/),
    'that is logged';
ok defined $server->wait_log(qr/dnsbl: skip, whitelisted host/),
    'and the other plugin does not look';
ok t_cmp(rcpt(6, 'r@elsewhere.example'), qr/^550 5\.7\.1 /,
         'it may not relay');
ok t_cmp(rcpt(2), qr/^550 5\.7\.1 listed/, 'a client on the other list only');
ok t_cmp(rcpt(7), qr/^250 /, 'an error code');
ok defined $server->wait_log(
    qr/skip, 127\.0\.2\.7 is on no list; no use of white\.test/),
    'does not whitelist';
$server->set_config(whitelist_zones => ['silent.fault.test', 'white.test']);
ok $server->poll(sub { rcpt(6) =~ /^250 / }), 'one list that answers is enough';
$server->set_config(whitelist_zones => ['silent.fault.test',
                                        'white.test=127.0.8.0/24']);
ok $server->poll(sub { rcpt(6) =~ /^550 / }), 'with another code it is none';
$server->stop;
