# SPDX-License-Identifier: Apache-2.0
# badrcptto: listed recipients are refused.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my %answer = (
    'gone@example.org'       => qr/^550 5\.1\.1 /,
    'GONE@example.ORG'       => qr/^550 5\.1\.1 /,
    'sales@example.org'      => qr/^550 5\.\d\.\d Please write to service$/,
    'a@old.example.org'      => qr/^550 5\.1\.1 /,
    'test7@example.org'      => qr/^550 5\.1\.1 /,
    'test+7@example.org'     => qr/^250 /,
    'notgone@example.org'    => qr/^250 /,
    'postmaster'             => qr/^250 /,
    'plus+tag@example.org'   => qr/^550 5\.1\.1 /,
    'plusstag@example.org'   => qr/^550 5\.1\.1 /,
);

plan tests => keys(%answer) + 5,
    QP::Server->need('plugins/badrcptto', 'plugins/relay', 'plugins/rcpt_ok');

my $server = QP::Server->new(
    plugins => ['relay', 'badrcptto', 'rcpt_ok'],
    config  => {
        rcpthosts => ['example.org', 'old.example.org'],
        badrcptto => ['gone@example.org',
                      'sales@example.org  Please write to service',
                      '@old.example.org', '/^test\d+@/',
                      'plus+tag@example.org'],
        relayclients => ['127.0.0.2'],
    },
)->start;
my $client = $server->client->hello;

$client->expect(250, 'MAIL FROM:<s@example.net>');
for my $rcpt (sort keys %answer) {
    ok t_cmp($client->cmd("RCPT TO:<$rcpt>"), $answer{$rcpt}, "<$rcpt>");
}
ok defined $server->wait_log(
    qr/badrcptto: fail, gone\@example\.org is listed \(gone\@example\.org\)/),
    'the line is logged';
ok defined $server->wait_log(qr/badrcptto: pass, notgone\@example\.org is not/),
    'and what passed';

my $relay = $server->client(local => '127.0.0.2')->hello;

$relay->expect(250, 'MAIL FROM:<s@example.net>');
ok t_cmp($relay->cmd('RCPT TO:<gone@example.org>'), qr/^250 /,
         'a relay client');
$server->set_config(badrcptto => ['new@example.org']);
ok $server->poll(sub { $client->cmd('RCPT TO:<new@example.org>') =~ /^550/ }),
    'the list is read again';
ok t_cmp($client->cmd('RCPT TO:<gone@example.org>'), qr/^250 /,
         'without the old lines');
