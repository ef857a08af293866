# SPDX-License-Identifier: Apache-2.0
# auth/authdeny: AUTH is offered, and nobody gets in.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use MIME::Base64 qw(encode_base64);
use QP::Server;

plan tests => 5, QP::Server->need('plugins/auth/authdeny', 'plugins/rcpt_ok');

my $server = QP::Server->new(
    plugins => ['auth/authdeny', 'rcpt_ok'],
    config  => { tls_before_auth => 'no', auth_delay => '10ms' })->start;
my $client = $server->client;

$client->expect(220);
ok t_cmp($client->cmd('EHLO client.example'),
         qr/^250.AUTH CRAM-MD5 PLAIN LOGIN$/m, 'AUTH is offered');
ok t_cmp($client->cmd('HELP'), qr/^214-.* BDAT AUTH$/m, 'and in HELP');
ok t_cmp($client->cmd('AUTH PLAIN ' . encode_base64("\0joe\0sesame", '')),
         qr/^535 5\.7\.8 /, 'nobody gets in');
ok defined $server->wait_log(
    qr{auth/authdeny: fail, nobody knows this user \(plain\)}), 'the log';
ok !grep({/sesame/} $server->log_lines), 'without the password';
