# SPDX-License-Identifier: Apache-2.0
# A command that comes in one segment with the end of the handshake is
# answered, although the socket has nothing more to say.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use Net::SSLeay ();
use QP::Server;
use QP::Tls;

plan tests => 4, QP::Server->need(qw(plugins/rcpt_ok ssl socache_shmcb));

my $tls = QP::Tls->new;
my $server = QP::Server->new(
    plugins => ['rcpt_ok'],
    httpd   => QP::Tls->conf,
    vhost   => $tls->vhost('mx.example.org'),
)->start;

# Moves what TLS has to send to the socket.
sub pump_out {
    my ($socket, $out) = @_;
    my $octets = Net::SSLeay::BIO_read($out);

    syswrite $socket, $octets if length($octets // '');
    return;
}

sub pump_in {
    my ($socket, $in) = @_;
    my $count = sysread $socket, my $octets, 65536;

    die 'the server has closed' if !$count;
    Net::SSLeay::BIO_write($in, $octets);
    return;
}

# The reply to a command that is sent with the client's last message of the
# handshake.
sub first_reply {
    my ($version, $command) = @_;
    my $client = $server->client->hello;

    $client->expect(220, 'STARTTLS');
    my $socket = $client->socket;
    my $ctx = Net::SSLeay::CTX_new_with_method(Net::SSLeay::TLS_method());

    Net::SSLeay::CTX_set_max_proto_version($ctx, $version);
    $socket->blocking(1);
    my ($in, $out) = map { Net::SSLeay::BIO_new(Net::SSLeay::BIO_s_mem()) }
        1, 2;
    my $ssl = Net::SSLeay::new($ctx);

    Net::SSLeay::set_bio($ssl, $in, $out);
    while (Net::SSLeay::connect($ssl) != 1) {
        pump_out($socket, $out);
        pump_in($socket, $in);
    }
    Net::SSLeay::write($ssl, "$command\r\n");
    pump_out($socket, $out);
    local $SIG{ALRM} = sub { die "no answer\n" };
    alarm 10;
    my $reply = '';

    while (eval { length($reply .= Net::SSLeay::read($ssl) // '') == 0 }) {
        eval { pump_in($socket, $in); 1 } or last;
    }
    alarm 0;
    return $reply;
}

my $tls13 = Net::SSLeay::TLS1_3_VERSION();
my $tls12 = Net::SSLeay::TLS1_2_VERSION();

ok t_cmp(first_reply($tls13, 'EHLO c.example'), qr/^250[- ]/, 'EHLO, TLS 1.3');
ok t_cmp(first_reply($tls13, 'QUIT'), qr/^221 /, 'QUIT, TLS 1.3');
ok t_cmp(first_reply($tls12, 'NOOP'), qr/^250 /, 'NOOP, TLS 1.2');
ok $server->stop, 'and stops';
