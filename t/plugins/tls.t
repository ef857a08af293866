# SPDX-License-Identifier: Apache-2.0
# tls: the line of qpsmtpd is accepted, with its arguments, and explained.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 4, QP::Server->need(qw(plugins/tls plugins/rcpt_ok));

my $server = QP::Server->new(
    plugins => ['tls ssl/my.crt ssl/my.key ssl/ca.crt', 'rcpt_ok'],
);
my ($exit, $said) = $server->configtest;

ok t_cmp($exit, 0, 'it may stand there');
$server->expect_log(qr/tls: TLS is configured by /);
$server->start;
ok defined $server->wait_log(
    qr/notice.*tls: TLS is configured by SSLEngine and SSLCertificateFile/),
    'and is explained';
my $client = $server->client;

$client->expect(220);
ok $client->cmd('EHLO c.example') !~ /STARTTLS/, 'it brings no TLS';
ok $server->stop, 'and that is all';
