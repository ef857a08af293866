# SPDX-License-Identifier: Apache-2.0
# A plugin may take its time: hundreds of sessions wait in it on one child of
# four threads, and others are served meanwhile (R116). Elsewhere it works as
# well, one thread each.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use List::Util qw(max min);
use QP::Server;

# Each session takes three descriptors of the child and one of the test.
my $limit = qx(sh -c 'ulimit -n') =~ /^(\d+)$/ ? $1 : 100_000;
my $count = QP::Server->mpm eq 'event' ? min(500, int($limit / 5)) : 5;

plan tests => 10, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir
                                      testplugins/delay_rcpt));

my $server = QP::Server->new(
    plugins => ['delay_rcpt delay 2s', 'rcpt_ok', 'queue/maildir @MAILDIR@'],
    config => { rcpthosts => 'example.org' }, testplugins => 1)->start;
my $other = $server->client->hello;
my @clients = map { $server->client->hello } 1 .. $count;

$_->send("MAIL FROM:<a\@example.net>\r\n") for @clients;
ok t_cmp(scalar(grep { $_->reply =~ /^250 / } @clients), $count,
         "$count sessions");
$clients[$_]->send("RCPT TO:<user$_\@example.org>\r\n") for 0 .. $#clients;
ok defined $server->wait_log(qr/delay_rcpt: user\d+ waits/), 'their hooks wait';

# Served meanwhile: before it nobody had an answer, behind it some still wait.
my $before = grep { $_->readable } @clients;

ok t_cmp($other->cmd('NOOP'), qr/^250 /, 'another session is served');
my $waiting = grep { !$_->readable } @clients;

ok t_cmp($before, 0, 'nobody had gone on before');
ok $waiting > 0, 'and some still wait';
ok t_cmp(scalar(grep { $_->reply =~ /^250 2\.1\.5 .*<user\d+@/ } @clients),
         $count, 'then all go on');

# How many waited at a time.
my $now = 0;
my @at_once = map { /user\d+ waits/ ? ++$now : /user\d+ goes/ ? --$now : () }
    $server->log_lines;

ok max(@at_once) > $count / 2, 'they waited at the same time: ' . max(@at_once);
ok t_cmp($now, 0, 'and all to the end');

# What they have is what they asked for.
$_->send("DATA\r\n") for @clients;
$_->expect(354) for @clients;
$clients[$_]->send("Subject: n$_\r\n\r\n.\r\n") for 0 .. $#clients;
ok t_cmp(scalar(grep { $_->reply =~ /^250 / } @clients), $count, 'messages');
my %seen = map {
    /^Delivered-To: user(\d+)@.*^Subject: n\1$/ms ? ($1 => 1) : ()
} $server->messages;

ok t_cmp(scalar(keys %seen), $count, 'none is mixed up');
$server->stop;
