# SPDX-License-Identifier: Apache-2.0
# bogus_bounce: a bounce has one recipient. t/dialog/bogus_bounce*.smtp have
# the fine points.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my @two = ('a@example.org', 'b@example.org');

plan tests => 9, QP::Server->need(
    map {"plugins/$_"} qw(bogus_bounce relay queue/maildir));

my $server = QP::Server->new(
    plugins => ['relay', 'bogus_bounce', 'rcpt_ok', 'queue/maildir @MAILDIR@'],
    config => { rcpthosts => 'example.org', relayclients => '127.0.0.2' },
)->start;
my $client = $server->client->hello;

ok t_cmp($client->send_message('', \@two, "Subject: x\n\n"),
         qr/^552 5\.7\.1 A bounce goes to one recipient only$/, 'two of them');
ok t_cmp($client->send_message('', $two[0],
                               "Return-Path: <s\@example.net>\n\n"),
         qr/^552 5\.7\.1 The Return-Path of a bounce is <>$/,
         'another return path');
ok t_cmp($client->send_message('', $two[0], "Return-Path: <>\n\n"), qr/^250 /,
         'a true bounce');
ok t_cmp($client->send_message('s@example.net', \@two, "Subject: x\n\n"),
         qr/^250 /, 'no bounce at all');
ok t_cmp($server->client(local => '127.0.0.2')->hello->send_message(
             '', \@two, "Subject: x\n\n"), qr/^250 /, 'a relay client');
ok t_cmp(scalar($server->messages), 3, 'what is refused is not there');
ok defined $server->wait_log(qr/bogus_bounce: fail, A bounce goes to one/),
    'the log';
$server->stop;

# Words.
ok t_cmp((QP::Server->new(plugins => ['bogus_bounce perhaps'])->configtest)[1],
         qr/bogus_bounce: action: "perhaps" is none of default, log, deny,/,
         'a mistake');
$server = QP::Server->new(plugins => ['bogus_bounce denysoft', 'rcpt_ok'],
                          config => { rcpthosts => 'example.org' })->start;
ok t_cmp($server->client->hello->send_message('', \@two, "\n"), qr/^452 4\./,
         'denysoft');
$server->stop;
