# SPDX-License-Identifier: Apache-2.0
# Handshakes that stall hold no thread (R75, R89): 200 of them on 4 threads,
# STARTTLS and implicit, and a newcomer is served at once.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Tls;

use constant STALLED => 100;

plan tests => 9, QP::Server->need(qw(event plugins/rcpt_ok ssl socache_shmcb));

my $tls = QP::Tls->new;
my $implicit = QP::Server::free_port();
my $ssl = $tls->vhost('mx.example.org') . "Timeout 8\n";
my $server = QP::Server->new(
    plugins => ['rcpt_ok'],
    threads => 4,
    vhost   => $ssl,
    httpd   => $tls->implicit($implicit, $ssl),
)->start;
my @children = $server->children;

ok t_cmp(scalar @children, 1, 'one child of 4 threads');

# Half of a record, or nothing at all.
my @stalled;

for my $n (1 .. STALLED) {
    my $client = $server->client->hello;

    $client->expect(220, 'STARTTLS');
    $client->send("\x16\x03\x01\x02\x00\x01") if $n % 2;
    push @stalled, $client;
    $client = $server->client(port => $implicit);
    $client->send("\x16\x03\x01") if $n % 2;
    push @stalled, $client;
}
my $newcomer = $server->client->hello;

$newcomer->expect(220, 'STARTTLS');
ok $newcomer->start_tls, 'a newcomer has its handshake';
$newcomer->expect(250, 'EHLO c.example');
ok t_cmp($newcomer->cmd('NOOP'), qr/^250 /, 'and is served');
ok t_cmp(scalar(grep { !$_->readable } @stalled), 2 * STALLED,
         'while the others stall');

# Their time is up, and nothing was said to them.
my @said = map { scalar $_->drain } @stalled;

ok t_cmp(scalar(grep { $_ ne '' } @said), 0, 'they end without a word');
ok defined $server->wait_log(qr/disconnect, (?:timeout|no TLS)/, 2 * STALLED),
    'each is logged';
$newcomer = $server->client->hello;
ok t_cmp($newcomer->cmd('QUIT'), qr/^221 /, 'the server is as it was');
ok t_cmp(join(' ', $server->children), "@children", 'with the same child');

# A stop does not wait for one.
my $last = $server->client(port => $implicit);

$last->send("\x16\x03\x01");
ok $server->stop, 'and stops';
