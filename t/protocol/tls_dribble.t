# SPDX-License-Identifier: Apache-2.0
# A handshake has its time, however it is divided: a client that sends octet by
# octet does not get more for each of them (R75, R89). STARTTLS and implicit.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Tls;
use Time::HiRes ();

use constant { STEP => 0.1, OCTETS => 250 };

plan tests => 6, QP::Server->need(qw(plugins/rcpt_ok ssl socache_shmcb));

my $tls = QP::Tls->new;
my $implicit = QP::Server::free_port();
my $ssl = $tls->vhost('mx.example.org') . "Timeout 1\n";
my $server = QP::Server->new(
    plugins => ['rcpt_ok'],
    vhost   => $ssl,
    httpd   => $tls->implicit($implicit, $ssl),
)->start;
my @children = $server->children;

# The record says that it has 16 KiB, which would take half an hour.
my @octets = split //, "\x16\x03\x01\x40\x00\x01\x00\x3f\xfc" . 'x' x OCTETS;
my @dribblers = ($server->client->hello, $server->client(port => $implicit));

$dribblers[0]->expect(220, 'STARTTLS');
my @open = @dribblers;

while (@open && @octets) {
    my $octet = shift @octets;

    @open = grep { !$_->readable && $_->send($octet) } @open;
    Time::HiRes::sleep(STEP);
}
ok t_cmp(scalar(@open), 0, 'those who dribble are cut off');
ok t_cmp(@octets > 0, 1, 'long before they are done');
ok t_cmp(join(' ', map { $_->drain } @dribblers), ' ', 'without a word');
ok defined $server->wait_log(qr/disconnect, no TLS/, 2), 'each is logged';
my $client = $server->client->hello;

$client->expect(220, 'STARTTLS');
ok $client->start_tls, 'others have their handshake';
ok t_cmp(join(' ', grep { kill 0, $_ } @children), "@children",
         'no process has ended');
$server->stop;
