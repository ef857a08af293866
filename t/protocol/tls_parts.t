# SPDX-License-Identifier: Apache-2.0
# Records of TLS that come in parts: the session waits in the middle of one, and
# reads it when the rest has come. What OpenSSL has of it by then stays where it
# is: there are versions that would use it after it is freed (CVE-2024-4741).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use IO::Select ();
use IO::Socket::INET ();
use POSIX ();
use QP::Faults;
use QP::Server;
use QP::Tls;
use Time::HiRes ();

# A record has a header of so many octets.
use constant { HEADER => 5, PAUSE => 0.02, COMMANDS => 20 };

plan tests => 5, QP::Server->need(qw(event plugins/rcpt_ok
                                     plugins/queue/discard ssl socache_shmcb));

my $tls = QP::Tls->new;
my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/discard'],
    config  => { rcpthosts => 'example.org' },
    vhost   => $tls->vhost('mx.example.org'), httpd => QP::Tls->conf);
my $buffers = QP::Faults->buffers($server)->start;
my $relay = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
    or die $@;

sub put {
    my ($to, $octets) = @_;

    while (length $octets) {
        my $n = syswrite $to, $octets;

        return 0 if !$n;
        substr $octets, 0, $n, '';
    }
    return 1;
}

# What the client says is passed on in three parts.
sub pass_on {
    my ($client, $said) = @_;

    for my $part (substr($said, 0, HEADER, ''), substr($said, 0, 1, ''), $said)
    {
        return 0 if !put($client, $part);
        Time::HiRes::sleep(PAUSE);
    }
    return 1;
}

sub be_relay {
    my $client = $relay->accept;
    my $peer = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $server->port);
    my $both = IO::Select->new($client, $peer);

    while (my @ready = $both->can_read) {
        for my $from (@ready) {
            my $octets;

            return if !sysread $from, $octets, 65_536;
            return if !($from == $peer ? put($client, $octets)
                        : pass_on($peer, $octets));
        }
    }
    return;
}

my $pid = fork // die $!;

if ($pid == 0) {
    be_relay();
    POSIX::_exit(0);
}
my $client = $server->client(port => $relay->sockport)->hello;

$client->expect(220, 'STARTTLS');
ok $client->start_tls, 'a handshake in parts';
ok t_cmp(join(' ', map { substr $client->cmd('NOOP'), 0, 3 } 1 .. COMMANDS),
         join(' ', (250) x COMMANDS), 'commands in parts');
$client->expect(250, 'EHLO c.example');
$client->send_message('a@example.net', 'b@example.org',
                             "Subject: x\n\n" . 'a message' x 4000);
ok t_cmp($client->code, 250, 'a message in parts');
$client->expect(221, 'QUIT');
waitpid $pid, 0;

my %states = map { $_ => 1 } $buffers->states;

ok $states{RH}, 'between records buffers are given back';
ok t_cmp(join(' ', grep { $_ ne 'RH' } keys %states), '', 'and not within');
$server->stop;
