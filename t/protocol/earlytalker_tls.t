# SPDX-License-Identifier: Apache-2.0
# earlytalker behind implicit TLS: the handshake is no speech, and what is said
# within TLS before the greeting is.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Tls;

plan tests => 7,
    QP::Server->need(qw(plugins/earlytalker plugins/rcpt_ok ssl
                        socache_shmcb));

my $tls = QP::Tls->new;
my $server;

sub start {
    my ($wait, $mode) = @_;

    $server->stop if $server;
    $server = QP::Server->new(
        plugins => ["earlytalker wait $wait", 'rcpt_ok'],
        config  => { pipelining => 'lenient' },
        vhost   => $tls->vhost('mx.example.org') . "QpsmtpdTLS $mode",
        listen  => $mode eq 'implicit' ? 'smtps' : 'smtp',
        httpd   => QP::Tls->conf)->start;
    return;
}

start('500ms', 'implicit');
my $client = $server->client;

ok $client->start_tls, 'a handshake';
ok t_cmp($client->reply, qr/^220 /, 'and then silence');
ok defined $server->wait_log(qr/earlytalker: pass, silent for 500 ms/),
    'is no early talk';
start('20s', 'implicit');
$client = $server->client;
$client->start_tls;
$client->send("EHLO x\r\n");
ok t_cmp($client->reply, qr/^550 5\.7\.1 you spoke/, 'a command within TLS');
ok $client->eof, 'is';

# Where TLS comes by STARTTLS, a handshake at once is what it looks like.
start('20s', 'starttls');
$client = $server->client;
ok !eval { $client->start_tls }, 'a handshake in place of a greeting';
ok defined $server->wait_log(qr/earlytalker: fail, you spoke/), 'is, too';
