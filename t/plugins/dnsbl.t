# SPDX-License-Identifier: Apache-2.0
# dnsbl against a real name server: who is listed, what is no listing (R111),
# and that a list which says nothing harms nobody.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Dns;
use QP::Server;

plan tests => 25, QP::Server->need('plugins/dnsbl', 'bin/nsd');

my $dns = QP::Dns->new;

sub start {
    my ($arguments, %config) = @_;

    return QP::Server->new(
        plugins => ["dnsbl $arguments", 'rcpt_ok'],
        config  => { dns_servers => $dns->address, dns_timeout => '1s',
                     rcpthosts => ['example.org'], %config })->start;
}

# The answer to a recipient, of a client 127.0.2.N.
sub rcpt {
    my ($server, $n, $to) = @_;
    my $client = $server->client(local => "127.0.2.$n")->hello;

    $client->expect(250, 'MAIL FROM:<s@example.net>');
    my $reply = $client->cmd('RCPT TO:<' . ($to // 'r@example.org') . '>');

    $client->close;
    return $reply;
}

my $server = start('', dnsbl_zones => ['other.test', 'list.test']);

ok t_cmp(rcpt($server, 1), qr/^250 /, 'a client that is on no list');
ok defined $server->wait_log(qr/dnsbl: pass, 127\.0\.2\.1 is on no list$/),
    'is logged';
ok t_cmp(rcpt($server, 2), qr{^550 5\.7\.1 listed, see http://list\.test/2},
         'one that is on one, with its text');
ok t_cmp(rcpt($server, 3), qr/^550 5\.7\.1 also in the other list/,
         'one that is on both');
ok t_cmp(rcpt($server, 6),
         qr/^550 5\.7\.1 127\.0\.2\.6 is listed by list\.test/,
         'a list without a text');
ok t_cmp(rcpt($server, 4), qr/^250 /, 'an error code is no listing');
ok defined $server->wait_log(
    qr/on no list; no use of list\.test \(127\.255\.255\.254\)/),
    'but is logged';
ok t_cmp(rcpt($server, 5), qr/^250 /, 'an address out of place is none');
ok t_cmp(rcpt($server, 2, 'PostMaster@example.org'), qr/^250 /,
         'mail to postmaster');
ok t_cmp(rcpt($server, 2, 'abuse@example.org'), qr/^250 /, 'and to abuse');

# All recipients of a session, and one more message.
my $client = $server->client(local => '127.0.2.2')->hello;

$client->expect(250, 'MAIL FROM:<s@example.net>');
$client->expect(550, 'RCPT TO:<a@example.org>');
$client->expect(550, 'RCPT TO:<b@example.org>');
$client->expect(250, 'RSET');
$client->expect(250, 'MAIL FROM:<s@example.net>');
$client->expect(550, 'RCPT TO:<a@example.org>');
ok 1, 'all of a session are refused';

# Changes of the list.
$server->set_config(dnsbl_zones => ['list.test:no mail from %IP%, sorry']);
ok $server->poll(sub { rcpt($server, 2)
                       =~ /^550 5\.7\.1 no mail from 127\.0\.2\.2, sorry/ }),
    'a message of the administrator';
$server->set_config(dnsbl_rejectmsg => ['We are sorry.']);
ok $server->poll(sub { rcpt($server, 2)
                       =~ /^550-5\.7\.1 We are sorry\.\n550 5\.7\.1 no mail/ }),
    'and one before it';
$server->set_config(dnsbl_zones => ['list.test=127.0.0.4/30:four']);
ok $server->poll(sub { rcpt($server, 2) =~ /^250 / }), 'a code that differs';
ok t_cmp(rcpt($server, 3), qr/550 5\.7\.1 four/, 'one of two that does not');
$server->set_config(dnsbl_zones => ['list.test=4:bit']);
ok $server->poll(sub { rcpt($server, 3) =~ /550 5\.7\.1 bit/ }), 'a mask';
$server->set_config(dnsbl_zones => ['list.test']);
$server->set_config(dnsbl_allow => ['127.0.2.2/31']);
ok $server->poll(sub { rcpt($server, 2) =~ /^250 / }), 'dnsbl_allow';
$server->stop;

# Lists that fail.
$server = start('', dnsbl_zones => ['silent.fault.test', 'broken.fault.test',
                                    'garbage.fault.test', 'forged.fault.test']);
ok t_cmp(rcpt($server, 2), qr/^250 /, 'lists that do not answer');
ok defined $server->wait_log(
    qr/no use of silent\.fault\.test \(no answer in time\), broken\.fault/),
    'are named in the log';
$server->set_config(dnsbl_zones => ['silent.fault.test', 'list.test']);
ok $server->poll(sub { rcpt($server, 2) =~ /^550 / }),
    'one that answers is enough';
$server->stop;

# At connect, and hanging up.
$server = start('at connect disconnect', dnsbl_zones => ['list.test']);
ok t_cmp($server->client(local => '127.0.2.2')->reply,
         qr/^550 5\.7\.1 listed/, 'refused before the greeting');
$server->client(local => '127.0.2.1')->expect(220);
ok 1, 'others are greeted';
$server->stop;
$server = start('disconnect', dnsbl_zones => ['list.test']);
$client = $server->client(local => '127.0.2.2')->hello;
$client->expect(250, 'MAIL FROM:<s@example.net>');
ok t_cmp($client->cmd('RCPT TO:<a@example.org>'), qr/^550 5\.7\.1 listed/,
         'refused at rcpt');
ok $client->eof, 'and closed';
$server->stop;

$server = QP::Server->new(
    plugins => ['dnsbl'],
    config  => { dnsbl_zones => ['a.test', 'list..test'] });
ok t_cmp(($server->configtest)[1], qr/dnsbl_zones:2: /,
         'a faulty list stops the start');
