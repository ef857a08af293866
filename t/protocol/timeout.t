# SPDX-License-Identifier: Apache-2.0
# A silent client is told 421 and its session ends like any other (R89, D8).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 9, QP::Server->need(qw(plugins/rcpt_ok testplugins/log_hooks));

my $server = QP::Server->new(
    plugins     => ['log_hooks', 'rcpt_ok'],
    config      => { rcpthosts => 'example.org' },
    vhost       => 'Timeout 2',
    testplugins => 1,
)->start;

# All wait at the same time, so that the test takes no longer than one.
my $idle = $server->client->hello;
my $mail = $server->client->hello->envelope('a@example.net', 'b@example.org');
my $data = $server->client->hello->envelope('a@example.net', 'b@example.org');
my $half = $server->client->hello;
my $mute = $server->client;

$data->expect(354, 'DATA');
$data->send("Subject: x\r\n\r\nhalf a mess");
$half->send('NOO');
$mute->expect(220);

my @clients = ([$idle, 'between commands'], [$mail, 'in a transaction'],
               [$data, 'in a message'], [$half, 'in a command'],
               [$mute, 'before EHLO']);

for my $pair (@clients) {
    my ($client, $where) = @$pair;

    ok t_cmp(scalar($client->drain), qr/\A421 4\.4\.2 [^\r\n]*\r\n\z/, $where);
}

my $log = $server->wait_log(qr/hook post_connection/, scalar @clients);

ok defined $log, 'the hooks of the end run';
for my $hook (qw(disconnect post_connection)) {
    my $count = grep {/hook $hook\b/} $server->log_lines;

    ok t_cmp($count, scalar @clients, "$hook once in each session");
}
ok t_cmp(scalar(grep {/hook reset_transaction/} $server->log_lines), 2,
         'reset_transaction where one was open');
$server->stop;
