# SPDX-License-Identifier: Apache-2.0
# Who leaves while a hook waits takes everything along, but for a message that
# was handed over; who only stops talking gets that message's reply (R39). The
# server itself leaves nobody without a word.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use List::Util qw(max sum0);
use POSIX ();
use QP::Server;

use constant { LEAVERS => 100, TALKERS => 12, RESTARTS => 4 };

plan tests => 14, QP::Server->need(qw(plugins/rcpt_ok testplugins/delay_rcpt
                                      testplugins/linger));

my $server = QP::Server->new(
    plugins => ['linger go @DIR@/spool/go', 'delay_rcpt delay 1h', 'rcpt_ok'],
    config => { rcpthosts => 'example.org' }, testplugins => 1,
    expected => [qr/AH00045:/])->start;

# Descriptors for waiting in the child that has most of them.
sub waiting {
    return max(0, map {
        my $pid = $_;

        scalar grep { (readlink $_ // '') =~ /eventfd|eventpoll/ }
            glob "/proc/$pid/fd/*";
    } $server->children);
}

sub count { my ($re) = @_; return scalar grep { $_ =~ $re } $server->log_lines }

# Many that leave at RCPT: their waits end with them, though an hour is left.
$server->client->hello->expect(221, 'QUIT');

my $before = waiting();

for my $n (1 .. LEAVERS) {
    my $client = $server->client->hello->envelope('a@example.net');

    $client->send("RCPT TO:<user$n\@example.org>\r\n");
    $server->wait_log(qr/delay_rcpt: user$n waits/);
    $n % 2 ? $client->close : $client->abort;
}
ok defined $server->wait_log(qr/QP1603: .*connection lost/, LEAVERS),
    'clients that leave at RCPT are noticed';
ok t_cmp(count(qr/delay_rcpt: user\d+ goes on/), 0, 'their hooks are over');
ok $server->poll(sub { waiting() <= $before }),
    'and no descriptor stays behind';

# Says no more, but listens.
my $client = $server->client->hello->envelope('a@example.net');

$client->send("RCPT TO:<half\@example.org>\r\n");
$server->wait_log(qr/delay_rcpt: half waits/);
$client->shutdown_write;
ok t_cmp($client->reply, undef, 'who has nothing more to say at RCPT leaves');
ok t_cmp(count(qr/delay_rcpt: half goes on/), 0, 'its hook is over, too');
$server->stop;

# The same with a message that was handed over.
$server = QP::Server->new(
    plugins => ['linger go @DIR@/spool/go', 'rcpt_ok'],
    config => { rcpthosts => 'example.org' }, testplugins => 1,
    expected => [qr/AH00045:/, qr/AH00484:/])->start;
$client = $server->client->hello->envelope('a@example.net', 'b@example.org');
$client->expect(354, 'DATA');
$client->send("Subject: x\r\n\r\ntext\r\n.\r\n");
ok defined $server->wait_log(qr/linger: queue waits/), 'the queue waits';
$client->shutdown_write;

# The hook is asked time and again after the client's end has come.
ok defined $server->wait_log(qr/linger: queue waits/,
                             3 + count(qr/linger: queue waits/)),
    'still, when the client has closed its side';
ok !$client->readable, 'which is not told anything yet';
open my $go, '>', $server->spool . '/go' or die "go: $!";
close $go or die "go: $!";
ok t_cmp($client->reply, qr/^250 .*queued at last/, 'until it is queued');
ok $client->eof, 'then it ends';

# Busy sessions while the server is restarted, again and again. Each session
# must end by 421. Returns how many did, and how many did not.
sub talk {
    my ($end) = @_;
    my %count = (told => 0, lost => 0);

    while (!-e $end) {
        my $client = $server->client;
        my ($reply, $n) = ('', 0);

        while (defined $reply && $reply !~ /^421 / && !($n > 2 && -e $end)) {
            $reply = $n == 0 ? $client->reply
                : $n == 1 ? $client->cmd('EHLO client.example')
                : $client->cmd($n % 2 ? 'RSET' : 'MAIL FROM:<a@example.net>');
            ++$n;
            select undef, undef, undef, rand 0.01;
        }
        ++$count{told} if defined $reply && $reply =~ /^421 /;
        ++$count{lost} if !defined $reply;
        $client->close;
    }
    return "$count{told} $count{lost}\n";
}

my $end = $server->dir . '/end';
my $sessions = TALKERS + count(qr/QP1601/);
my @pids;

pipe my $in, my $out or die "pipe: $!";
for (1 .. TALKERS) {
    my $pid = fork() // die "fork: $!";

    if (!$pid) {
        my $said = eval { talk($end) } // "0 1 $@";

        syswrite $out, $said;
        POSIX::_exit(0);
    }
    push @pids, $pid;
}
close $out;
$server->wait_log(qr/QP1601/, $sessions);
for (1 .. RESTARTS) {
    my %old = map { $_ => 1 } $server->children;

    $server->graceful;
    $server->poll(sub { !grep { $old{$_} } $server->children });
}
QP::Server::write_file($end, '');
waitpid $_, 0 for @pids;
my @results = <$in>;

diag(grep {/[a-z]/} @results) if grep {/[a-z]/} @results;
ok t_cmp(scalar(grep {/^\d+ \d+$/} @results), TALKERS, 'all have talked');
ok t_cmp(sum0(map { (split)[0] } @results) > 0, 1, 'some were told 421');
ok t_cmp(sum0(map { (split)[1] } @results), 0, 'none was cut off');
ok t_cmp($server->client->hello->cmd('RSET'), qr/^250 /, 'and all goes on');
$server->stop;
