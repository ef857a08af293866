# SPDX-License-Identifier: Apache-2.0
# The PROXY header comes ahead of TLS, implicit or by STARTTLS (R110).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Tls;

plan tests => 7, QP::Server->need(qw(ssl plugins/rcpt_ok));

my $HEADER = "PROXY TCP4 192.0.2.7 198.51.100.2 40007 26\r\n";
my $tls = QP::Tls->new;
my $vhost = $tls->vhost('mx.example.org');

for my $mode (qw(implicit starttls)) {
    my $server = QP::Server->new(
        plugins => ['rcpt_ok'], httpd => QP::Tls->conf,
        config  => { rcpthosts => 'example.org' },
        vhost   => "$vhost\nQpsmtpdTLS $mode\nQpsmtpdProxy 127.0.0.1\n"
            . 'Timeout 5',
    )->start;
    my $client = $server->client;

    $client->send($HEADER);
    if ($mode eq 'starttls') {
        $client->hello;
        ok t_cmp($client->cmd('STARTTLS'), qr/^220 /, 'STARTTLS');
    }
    ok $client->start_tls, "$mode: a handshake behind the header";
    $client->expect(220) if $mode eq 'implicit';
    ok t_cmp($client->cmd('EHLO x'), qr/^250-.*\[192\.0\.2\.7\]/,
             'the address of the header');
    $client = $server->client;
    $client->send("\x16\x03\x01");
    ok t_cmp($client->drain, '', 'nothing is said to one without');
    $server->stop;
}
