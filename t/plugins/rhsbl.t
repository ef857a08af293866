# SPDX-License-Identifier: Apache-2.0
# rhsbl against a real name server.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Dns;
use QP::Server;

plan tests => 15, QP::Server->need('plugins/rhsbl', 'bin/nsd');

my $dns = QP::Dns->new;
my $server = QP::Server->new(
    plugins => ['rhsbl', 'rcpt_ok'],
    config  => { dns_servers => $dns->address, dns_timeout => '1s',
                 rcpthosts => ['example.org'],
                 rhsbl_zones => ['silent.fault.test', 'rhs.test'] })->start;

# The answer to a recipient.
sub rcpt {
    my ($sender, $to) = @_;
    my $client = $server->client->hello;

    $client->expect(250, "MAIL FROM:<$sender>");
    my $reply = $client->cmd('RCPT TO:<' . ($to // 'r@example.org') . '>');

    $client->close;
    return $reply;
}

ok t_cmp(rcpt('s@good.test'), qr/^250 /, 'a domain that is on no list');
ok defined $server->wait_log(
    qr/rhsbl: pass, good\.test is on no list; no use of silent\.fault\.test/),
    'is logged, with the list that does not answer';
ok t_cmp(rcpt('s@bad.test'),
         qr/^550 5\.7\.1 Mail from bad\.test is not accepted: a bad domain/,
         'one that is on one');
ok t_cmp(rcpt('s@Other.Test'),
         qr/^550 5\.7\.1 Mail from \S+ is not accepted: listed by rhs\.test/,
         'a list without a text');
ok t_cmp(rcpt('s@error.test'), qr/^250 /, 'an error code is no listing');
ok t_cmp(rcpt('s@sub.bad.test'), qr/^250 /, 'nor is that of another domain');
ok t_cmp(rcpt('s@bad.test', 'postmaster@example.org'), qr/^250 /,
         'mail to postmaster');
ok t_cmp(rcpt(''), qr/^250 /, 'the null sender');
ok t_cmp(rcpt('s@[127.0.0.1]'), qr/^250 /, 'an address literal');
ok defined $server->wait_log(
    qr/rhsbl: skip, \[127\.0\.0\.1\] cannot be looked up/),
    'is not asked about';

# The next message is another question.
my $client = $server->client->hello;

$client->expect(250, 'MAIL FROM:<s@bad.test>');
ok t_cmp($client->cmd('RCPT TO:<r@example.org>'), qr/^550 /, 'a bad sender');
$client->expect(250, 'RSET');
$client->expect(250, 'MAIL FROM:<s@good.test>');
ok t_cmp($client->cmd('RCPT TO:<r@example.org>'), qr/^250 /, 'then a good one');
$server->set_config(rhsbl_zones => ['rhs.test=127.0.1.4 of these codes']);
ok $server->poll(sub { rcpt('s@bad.test') =~ /^250 / }), 'a code that differs';
ok t_cmp(rcpt('s@other.test'),
         qr/^550 5\.7\.1 Mail from other\.test is not accepted: of these codes/,
         'a reason of the administrator');
$server->stop;

$server = QP::Server->new(
    plugins => ['rhsbl disconnect', 'rcpt_ok'],
    config  => { dns_servers => $dns->address, rcpthosts => ['example.org'],
                 rhsbl_zones => ['rhs.test'] })->start;
$client = $server->client->hello;
$client->expect(250, 'MAIL FROM:<s@bad.test>');
$client->expect(550, 'RCPT TO:<r@example.org>');
ok $client->eof, 'and closed';
$server->stop;
