# SPDX-License-Identifier: Apache-2.0
# count_unrecognized_commands: the last unknown command closes (R48, R88).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 15, QP::Server->need('plugins/count_unrecognized_commands');

my $server = QP::Server->new(
    plugins => ['count_unrecognized_commands', 'rcpt_ok'])->start;
my $client = $server->client->hello;

for my $command ('FOO', 'bar baz', "X\x01Y") {
    ok t_cmp($client->cmd($command), qr/^500 5\.5\.\d /, 'one unknown');
    ok t_cmp($client->cmd('NOOP'), qr/^250 /, 'a known one does not count');
}
ok t_cmp($client->cmd('FOO'), qr/^521 5\.\d\.\d Too many unknown/,
         'the fourth');
ok $client->eof, 'closes';
ok defined $server->wait_log(
    qr/count_unrecognized_commands: fail, unknown command "bar", 2 of 4/),
    'each is logged';
ok defined $server->wait_log(qr/unknown command "x\\+x01y", 3 of 4/),
    'and harmless in the log';

# Each connection has its own count.
my ($one, $two) = map { $server->client->hello } 1 .. 2;

$_->pipeline(('FOO') x 3) for $one, $two;
ok t_cmp($one->cmd('NOOP'), qr/^250 /, 'three are allowed');
ok t_cmp($two->cmd('NOOP'), qr/^250 /, 'in each connection');
$server->stop;

$server = QP::Server->new(
    plugins => ['count_unrecognized_commands max 1', 'rcpt_ok'])->start;
$client = $server->client->hello;
ok t_cmp($client->cmd('GET / HTTP/1.0'), qr/^5\d\d /, 'max 1');
ok $client->eof, 'closes at once';
$server->stop;
$server = QP::Server->new(plugins => ['count_unrecognized_commands 0']);
ok t_cmp(($server->configtest)[1],
         qr/plugins:1: count_unrecognized_commands: max: .*1\.\.1000/,
         '0 is not allowed');
