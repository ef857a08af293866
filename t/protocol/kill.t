# SPDX-License-Identifier: Apache-2.0
# R107: kill -9 of children under load. No message that was answered 250 is
# lost, none is there twice, and none is half written where a reader looks.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use QP::Client ();
use QP::Server;

use constant { SENDERS => 6, KILLS => 5, BODY => 'x' x 60 . "\n" };

plan tests => 5, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir));

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config  => { rcpthosts => ['example.org'] },
)->start;
$server->expect_log(qr/exit signal Killed/, qr/AH00484: server reached/);

my $stop  = $server->dir . '/stop';
my $acked = $server->dir . '/acked';

# Sends until it is told to stop. Connections that break are made anew; what
# was answered 250 is written down.
sub send_all {
    my ($sender) = @_;
    my $n = 0;

    open my $out, '>>', $acked or die "$acked: $!";
    $out->autoflush(1);
    while (!-e $stop) {
        eval {
            my $client = QP::Client->new(port => $server->port, timeout => 10);

            $client->hello;
            while (!-e $stop) {
                my $id = "m-$sender-" . ++$n . '-';

                my $reply = $client->send_message('a@b.example',
                    'user@example.org',
                    "Subject: $id\n\n" . BODY x 100 . "the end\n");

                syswrite $out, "$id\n" if $reply =~ /^250/;
            }
        };
    }
    return;
}

my @senders = map {
    my $pid = fork // die "fork: $!";

    if (!$pid) {
        send_all($_);
        POSIX::_exit(0);
    }
    $pid;
} 1 .. SENDERS;

# Each kill comes after more messages have been answered.
sub count_acked {
    return scalar(() = QP::Server::slurp($acked) =~ /\n/g);
}

my $killed = 0;

for (1 .. KILLS) {
    my $before = count_acked();

    $server->poll(sub { count_acked() > $before + 30 });
    my ($child) = $server->children;

    $killed += kill 'KILL', $child if defined $child;
}
my $before = count_acked();

$server->poll(sub { count_acked() > $before + 30 });
open my $flag, '>', $stop or die "$stop: $!";
waitpid $_, 0 for @senders;

my @acked = split /\n/, QP::Server::slurp($acked);
my (%found, @broken);

for my $text ($server->messages) {
    $found{$1}++ if $text =~ /^Subject: (m-\S+)/m;
    push @broken, $text if $text !~ /\nthe end\n\z/;
}
is $killed, KILLS, 'children were killed';
ok @acked > 30 * KILLS, @acked . ' messages were answered 250';
is_deeply [grep { !$found{$_} } @acked], [], 'none of them is lost';
is_deeply [grep { $found{$_} > 1 } keys %found], [], 'none is there twice';
is_deeply \@broken, [], 'none is half written';
$server->stop;
