# SPDX-License-Identifier: Apache-2.0
# temp_disable_connection: nobody gets in.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 4, QP::Server->need('plugins/temp_disable_connection');

my $server = QP::Server->new(plugins => ['temp_disable_connection'])->start;
my $client = $server->client;

ok t_cmp($client->reply, qr/\A450 4\.3\.2 No mail is taken /, 'no greeting');
ok $client->eof, 'the end';
ok defined $server->wait_log(
    qr/temp_disable_connection: fail, service is disabled/), 'it is logged';
$server->stop;
$server = QP::Server->new(plugins => ['temp_disable_connection now']);
ok t_cmp(($server->configtest)[1],
         qr/plugins:1: temp_disable_connection: unknown option "now"/,
         'it takes no arguments');
