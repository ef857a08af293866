# SPDX-License-Identifier: Apache-2.0
# TLS that is implicit, TLS that is required, and what openssl makes of all that
# (R76): versions, names, ALPN, sessions, certificates of clients.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Tls;

plan tests => 22,
    QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir ssl
                        socache_shmcb));

my $tls = QP::Tls->new;
my $other = $tls->vhost('mx2.example.org');
my $implicit = QP::Server::free_port();
my $required = QP::Server::free_port();
my ($client_file, $client_key) = $tls->certificate('client.example');
my $ca = $tls->ca;
my $same = 'QpsmtpdEngine On' . "\n" . 'QpsmtpdConfigDir "@DIR@/config"' . "\n"
    . 'QpsmtpdPluginDirs "' . QP::Server::builddir() . '/lib/plugins"' . "\n";
my $first = $tls->vhost('mx.example.org');
my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config  => { rcpthosts => 'example.org' },
    vhost   => $first
        . "SSLVerifyClient optional\nSSLCACertificateFile \"$ca\"\nTimeout 5",
    httpd => QP::Tls->conf . <<"END",
Listen 127.0.0.1:$implicit smtps
<VirtualHost 127.0.0.1:$implicit>
ServerName mx.example.org
$same$first
QpsmtpdTLS implicit
Timeout 5
</VirtualHost>
Listen 127.0.0.1:$required smtp
<VirtualHost 127.0.0.1:$required>
ServerName mx.example.org
$same$first
QpsmtpdTLS required
</VirtualHost>
<VirtualHost 127.0.0.1:\@PORT\@>
ServerName mx2.example.org
$other
</VirtualHost>
END
);

# The virtual hosts above come first in the file, but for the one of the port.
$server->{httpd} =~ s{(<VirtualHost 127\.0\.0\.1:\@PORT\@>.*)\z}{}s;
$server->{vhost} .= "\n</VirtualHost>\n" . $1 =~ s{</VirtualHost>\s*\z}{}r;
$server->start;

# Implicit TLS.
my $client = $server->client(port => $implicit);
ok $client->start_tls, 'implicit: the handshake comes first';
$client->expect(220);
ok $client->cmd('EHLO c.example') !~ /STARTTLS/, 'no STARTTLS';
ok t_cmp($client->cmd('STARTTLS'), qr/^503 /, 'it is refused');
ok t_cmp($client->send_message('a@example.net', 'b@example.org', "x: y\n\nz\n"),
         qr/^250 /, 'a message');
$client = $server->client(port => $implicit);
$client->send("EHLO c.example\r\n");
ok $client->drain !~ /^\d\d\d[ -]/m, 'no word in clear';
$client = $server->client(port => $implicit);
ok t_cmp(scalar($client->drain), '', 'a silent client hears nothing');

# Required.
$client = $server->client(port => $required)->hello;
ok t_cmp($client->cmd('MAIL FROM:<a@example.net>'), qr/^530 5\.7\.0 /,
         'required: no MAIL in clear');
ok t_cmp($client->cmd('VRFY b'), qr/^530 /, 'nor VRFY');
$client->expect(250, 'NOOP');
$client->expect(220, 'STARTTLS');
ok $client->start_tls, 'the handshake';
ok t_cmp($client->cmd('EHLO c.example'), qr/^250 /m, 'a new EHLO');
$client->expect(250, 'MAIL FROM:<a@example.net>');

# openssl.
my $port = $server->port;

for my $version (qw(tls1_2 tls1_3)) {
    for my $name (qw(mx mx2)) {
        my $said = $tls->s_client(
            $port, ['QUIT'], '-starttls smtp', "-$version", '-alpn smtp',
            "-servername $name.example.org -verify_return_error");

        ok t_cmp($said, qr/^subject=CN = $name\.example\.org$/m,
                 "$version: the certificate of $name");
        ok t_cmp($said, qr/^ALPN protocol: smtp$/m, 'ALPN') if $name eq 'mx';
        ok t_cmp($said, qr/^221 /m, 'QUIT') if $name eq 'mx';
    }
}
my $session = $tls->dir . '/session';

$tls->s_client($port, ['QUIT'], "-starttls smtp -tls1_3 -sess_out $session");
ok t_cmp($tls->s_client($port, ['QUIT'],
                        "-starttls smtp -tls1_3 -sess_in $session"),
         qr/^Reused, TLSv1\.3/m, 'a session is taken up again');
ok t_cmp($tls->s_client($port, ['QUIT'], '-starttls smtp -tls1_1',
                        '-cipher DEFAULT:@SECLEVEL=0'),
         qr/alert protocol version|no protocols|\(NONE\)/, 'no TLS 1.1');
$client = $server->client->hello;
$client->expect(220, 'STARTTLS');
$client->start_tls(SSL_cert_file => $client_file, SSL_key_file => $client_key);
ok t_cmp($client->cmd('QUIT'), qr/^221 /, 'with a certificate of the client');
ok defined $server->wait_log(qr/TLS: .*, client CN=client\.example/),
    'which is logged';
$server->stop;
