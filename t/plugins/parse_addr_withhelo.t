# SPDX-License-Identifier: Apache-2.0
# parse_addr_withhelo: parameters are for those who said EHLO.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 6, QP::Server->need('plugins/parse_addr_withhelo');

my $server = QP::Server->new(
    plugins => ['parse_addr_withhelo', 'rcpt_ok'],
    config  => { rcpthosts => ['example.org'] })->start;
my $client = $server->client->hello('EHLO client.example');
my $mail = 'MAIL FROM:<a@example.net>';

ok t_cmp($client->cmd("$mail SIZE=100"), qr/^250 /, 'EHLO');
$client->expect(250, 'HELO client.example');
ok t_cmp($client->cmd("$mail SIZE=100"), qr/^501 5\.5\.4 /, 'HELO');
ok t_cmp($client->cmd($mail), qr/^250 /, 'HELO without parameters');
ok t_cmp($client->cmd('RCPT TO:<b@example.org> NOTIFY=NEVER'),
         qr/^501 5\.5\.4 /, 'at RCPT');
ok t_cmp($client->cmd('RCPT TO:<b@example.org>'), qr/^250 /,
         'which harms nothing');
ok defined $server->wait_log(
    qr/parse_addr_withhelo: fail, "SIZE=100" behind HELO/), 'logged';
