# SPDX-License-Identifier: Apache-2.0
# dont_require_anglebrackets: a message from and to addresses without brackets.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 7,
    QP::Server->need('plugins/dont_require_anglebrackets', 'plugins/rcpt_ok');

my @others = ('rcpt_ok', 'queue/maildir @MAILDIR@');
my %config = (rcpthosts => ['example.org']);
my $server = QP::Server->new(plugins => \@others, config => \%config)->start;
my $client = $server->client->hello;

ok t_cmp($client->cmd('MAIL FROM:a@example.net'), qr/^501 /, 'without it');
$server->stop;

$server = QP::Server->new(plugins => ['dont_require_anglebrackets', @others],
                          config => \%config)->start;
$client = $server->client->hello;
ok t_cmp($client->cmd('MAIL FROM:a@example.net SIZE=100 BODY=8BITMIME'),
         qr/^250 /, 'a sender, with parameters');
ok t_cmp($client->cmd('RCPT TO:x@elsewhere.example'), qr/^550 5\.7\.1 /,
         'no way around rcpt_ok');
ok t_cmp($client->cmd('RCPT TO:b@example.org'), qr/^250 /, 'a recipient');
$client->expect(354, 'DATA');
$client->send("Subject: bare\r\n\r\n.\r\n");
ok t_cmp($client->reply, qr/^250 /, 'a message');
ok t_cmp(($server->messages)[0], qr/^Return-Path: <a\@example\.net>$/m,
         'with its sender');
ok defined $server->wait_log(
    qr/brackets put around "b\@example\.org"/), 'logged';
