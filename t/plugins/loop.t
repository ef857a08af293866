# SPDX-License-Identifier: Apache-2.0
# loop: too many hops are refused. t/dialog/loop*.smtp have the fine points.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 7, QP::Server->need(map {"plugins/$_"} 'loop', 'queue/maildir');

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'loop 30', 'queue/maildir @MAILDIR@'],
    config => { rcpthosts => 'example.org', max_errors => 0 })->start;
my $client = $server->client->hello;

sub pass_hosts {
    my ($received, $delivered) = @_;

    return $client->send_message('s@example.net', 'a@example.org',
        "Received: from x by y; date\n" x $received
        . "Delivered-To: a\@example.org\n" x $delivered . "\nhello\n");
}

ok t_cmp(pass_hosts(25, 0), qr/^250 /, '25 are fine (R31)');
ok t_cmp(pass_hosts(20, 8), qr/^250 /, 'so are 29 of both kinds');
ok t_cmp(pass_hosts(20, 9), qr/^552 5\.4\.6 /, '30 are not');
ok t_cmp(pass_hosts(90, 0), qr/^552 5\.4\.6 /, 'nor are 90');
ok t_cmp(scalar($server->messages), 2, 'what is refused is not there');
ok defined $server->wait_log(
    qr/loop: fail, the message has made 30 hops, it is in a loop/), 'the log';
ok defined $server->wait_log(qr/loop: pass, 29 hops/), 'what passes';
$server->stop;
