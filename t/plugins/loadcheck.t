# SPDX-License-Identifier: Apache-2.0
# loadcheck: no service while the load is too high.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 5, QP::Server->need('plugins/loadcheck');

sub load { return (split ' ', QP::Server::slurp('/proc/loadavg'))[0] }

my $server = QP::Server->new(plugins => ['loadcheck max_load 10000',
                                         'rcpt_ok'])->start;

ok t_cmp($server->client->reply, qr/^220 /, 'the load is below 10000');
ok defined $server->wait_log(qr/loadcheck: pass, load \d+\.\d\d/), 'logged';
$server->stop;

# This test is some load itself: looking at it without a pause.
$server = QP::Server->new(plugins => ['loadcheck max_load 0', 'rcpt_ok'])
    ->start;
my $end = time + 60;

1 while load() == 0 && time < $end;
ok t_cmp($server->client->reply, qr/^450 4\.3\.2 This server is too busy/,
         'the load is above 0');
ok defined $server->wait_log(qr/loadcheck: fail, load \d+\.\d\d is above 0/),
    'logged';
$server->stop;
$server = QP::Server->new(plugins => ['loadcheck max_load high']);
ok t_cmp(($server->configtest)[1], qr/loadcheck: max_load: /,
         'a faulty option stops the start');
