# SPDX-License-Identifier: Apache-2.0
# R107: kill -9 of children, and of the whole server, under load. No message
# that was answered 250 is lost, none is there twice, and none is half written
# where a reader looks. What was left in spool_dir and in the Maildir is gone
# after the next start (R106).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Senders;
use QP::Server;

use constant { SENDERS => 6, KILLS => 4, MORE => 20 };

plan tests => 9, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir));

my $server = QP::Server->new(
    fixed_port => 1,
    port       => QP::Server::free_port(),
    plugins    => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config     => { rcpthosts => 'example.org', size_threshold => 1000 },
    expected   => [qr/exit signal Killed/, qr/AH00484: server reached/,
                   qr/AH00098: pid file/, qr/AH10244:/],
)->start;
my $senders = QP::Senders->start($server, SENDERS);
my $killed = 0;

# Each kill comes after more messages have been answered.
for (1 .. KILLS) {
    $senders->wait_more(MORE);
    my ($child) = $server->children;

    $killed += kill 'KILL', $child if defined $child;
}
ok t_cmp($killed, KILLS, 'children were killed');

# All at once.
for (1 .. KILLS) {
    $senders->wait_more(MORE);
    $server->kill_all;
    $server->start;
}

# The parent alone: its children serve on, as nobody has told them to stop,
# until whoever starts httpd ends them, too.
ok $senders->wait_more(MORE), 'mail goes on';
$server->kill_parent;
ok $senders->wait_more(MORE), 'without a parent, too';
$server->kill_all;
$server->start;
ok $senders->wait_more(MORE), 'and goes on when all has started again';
$senders->finish;

my @acked = $senders->acked;

ok t_cmp(@acked >= (2 * KILLS + 3) * MORE, 1,
         @acked . ' messages were answered 250');
ok t_cmp($senders->count_mail, '', 'nothing is lost, twice or cut');

# A session that goes on while all is killed leaves something for certain.
my $client = $server->client->hello->envelope('a@b.example',
                                              'user@example.org');

$client->expect(354, 'DATA');
$client->send("Subject: x\r\n\r\n" . ('x' x 70 . "\r\n") x 3000);
ok $server->poll(sub { $server->spooled }), 'a spool file is there';
$server->kill_all;

# What was left long ago, in the name of another host; and no mail comes.
my $left = $server->maildir . '/tmp/1.M1P1Q1.elsewhere';

QP::Server::write_file($left, 'half a mess');
utime 0, 0, $left or die $!;
$server->start;
ok $server->poll(sub { !-e $left }), 'the start removes what was left';
$server->client->hello->send_message('a@b.example', 'user@example.org',
                                     "Subject: last\n\nthe end\n");
my @left = ($server->spooled, glob $server->maildir . '/tmp/*');

ok t_cmp("@left", '', 'what was left is removed');
$server->stop;
