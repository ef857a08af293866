# SPDX-License-Identifier: Apache-2.0
# noop_counter: too many NOOPs in a row close the connection (R88).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 9, QP::Server->need('plugins/noop_counter');

my $server = QP::Server->new(plugins => ['noop_counter', 'rcpt_ok'],
                             config  => { rcpthosts => ['example.org'] },
                             children => 1)->start;

# Each connection has a count of its own, in whichever process and in turn.
my @clients = map { $server->client->hello } 1 .. 3;

for my $client (@clients, @clients) {
    $client->expect(250, 'NOOP');
}
ok t_cmp($_->cmd('NOOP'), qr/^500 5\.5\.1 3 times NOOP/, 'the third')
    for @clients;
ok !grep({ !$_->eof } @clients), 'closes all of them';
my $client = $server->client->hello;

for (1 .. 4) {
    $client->pipeline('NOOP', 'NOOP');
    $client->expect(250, 'MAIL FROM:<a@example.net>');
    $client->pipeline('NOOP', 'NOOP', 'RSET');
}
ok t_cmp($client->cmd('NOOP'), qr/^250 /, 'other commands in between');
ok defined $server->wait_log(qr/noop_counter: fail, 3 in a row/), 'logged';
$server->stop;

$server = QP::Server->new(plugins => ['noop_counter 1', 'rcpt_ok'])->start;
$client = $server->client->hello;
ok t_cmp($client->cmd('NOOP'), qr/^500 /, 'max 1');
ok $client->eof, 'closes at once';
$server->stop;
$server = QP::Server->new(plugins => ['noop_counter 0']);
ok t_cmp(($server->configtest)[1],
         qr/plugins:1: noop_counter: max: .*1\.\.1000/, '0 is not allowed');
