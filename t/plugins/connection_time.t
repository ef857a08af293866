# SPDX-License-Identifier: Apache-2.0
# connection_time: a line at the end of each connection.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Faults;
use QP::Server;

plan tests => 7, QP::Server->need('plugins/connection_time',
                                  'plugins/hosts_allow');

my $server = QP::Server->new(
    plugins => ['connection_time', 'hosts_allow', 'rcpt_ok'],
    config  => { hosts_allow => ['127.0.0.9 DENY'] })->start;
my $line = qr/connection_time: \d+\.\d{3} s, from/;

$server->client->hello->cmd('QUIT');
ok defined $server->wait_log(qr/$line 127\.0\.0\.1$/), 'after QUIT';
$server->client(local => '127.0.0.2')->hello->close;
ok defined $server->wait_log(qr/$line 127\.0\.0\.2$/), 'after a client left';
ok t_cmp($server->client(local => '127.0.0.9')->reply, qr/^550 /,
         'a client that is turned away');
$server->stop;
ok !grep(/$line 127\.0\.0\.9/, $server->log_lines), 'has no line';

$server = QP::Server->new(plugins => ['connection_time debug', 'rcpt_ok'])
    ->start;
$server->client->hello->cmd('QUIT');
$server->wait_log(qr/quit/i);
$server->stop;
ok !grep(/$line/, $server->log_lines), 'debug lines are below the LogLevel';
$server = QP::Server->new(plugins => ['connection_time often']);
ok t_cmp(($server->configtest)[1],
         qr/plugins:1: connection_time: loglevel: "often" is none of/,
         'a faulty level stops the start');

# The clock of the machine is set.
$server = QP::Server->new(plugins => ['connection_time', 'rcpt_ok']);
my $clock = QP::Faults->clock($server)->start;
my $client = $server->client->hello;

$clock->set_clock(3600);
$client->cmd('QUIT');
ok defined $server->wait_log(qr/connection_time: \d{1,3}\.\d{3} s, from/),
    'an hour that has not passed is not counted';
