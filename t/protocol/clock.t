# SPDX-License-Identifier: Apache-2.0
# The clock of the machine is set, by an hour or by days, forward and back,
# while sessions wait: for their client, in a message, for a plugin, for AUTH,
# for a handshake. Our own times do not depend on it. With event the time-outs
# of clients are httpd's: a jump forward ends them, with 421. Nothing is lost,
# twice or half there (R21, R107), and dates are those of the clock.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use POSIX ();
use QP::Faults;
use QP::Senders;
use QP::Server;
use QP::Tls;

use constant { HOUR => 3600, DAYS => 40 * 86_400, MORE => 10 };

plan tests => 24, QP::Server->need(
    qw(plugins/auth/auth_flat_file plugins/rcpt_ok plugins/queue/maildir
       testplugins/delay_rcpt ssl socache_shmcb));

my $tls = QP::Tls->new;
my $server = QP::Server->new(
    plugins => ['auth/auth_flat_file', 'delay_rcpt delay 300ms', 'rcpt_ok',
                'queue/maildir @MAILDIR@'],
    config  => { rcpthosts => 'example.org', size_threshold => 1000,
                 flat_auth_pw => 'joe@example.org:open sesame',
                 tls_before_auth => 0, auth_delay => '300ms' },
    vhost   => $tls->vhost('mx.example.org'), httpd => QP::Tls->conf,
    expected => [qr/AH00484: server reached/],
    testplugins => 1);
my $clock = QP::Faults->clock($server)->start;
my @children = $server->children;

# A session in each state, then the clock is set, and all go on.
sub jump {
    my ($seconds, $name) = @_;
    my %at = map { $_ => $server->client->hello } qw(idle data rcpt auth tls);
    my $may_end = $seconds > 0 && QP::Server::mpm() eq 'event';
    my $answer = sub {
        my ($state, $re) = @_;
        my $reply = $at{$state}->reply;

        $re = qr/^421 |$re/ if $may_end;
        return ok t_cmp($reply, $re, "$name: $state");
    };

    $at{data}->envelope('a@b.example', 'user@example.org');
    $at{data}->expect(354, 'DATA');
    $at{rcpt}->envelope('a@b.example');
    $at{rcpt}->send("RCPT TO:<user\@example.org>\r\n");
    $at{auth}->send("AUTH PLAIN AGpvZQBub3Ro\r\n");
    $at{tls}->expect(220, 'STARTTLS');
    $clock->set_clock($seconds);

    $at{data}->send("Subject: m-clock-$name-\r\n\r\nthe end\r\n.\r\n");
    $at{idle}->send("NOOP\r\n");
    $answer->('rcpt', qr/^250 /);
    $answer->('auth', qr/^535 /);
    $answer->('data', qr/^250 /);
    $answer->('idle', qr/^250 /);
    local $SIG{PIPE} = 'IGNORE';
    ok +($at{tls}->start_tls || $may_end), "$name: handshake";
    return;
}

my $senders = QP::Senders->start($server, 2);

for my $jump ([-HOUR, 'back'], [HOUR, 'forward'], [DAYS, 'days'],
              [-DAYS, 'days back']) {
    $senders->wait_more(MORE);
    jump(@$jump);
}
$senders->wait_more(MORE);
$senders->finish;
my @acked = $senders->acked;

ok t_cmp($senders->count_mail, '',
         @acked . ' messages: none is lost, twice or cut');
my $month = POSIX::strftime('%b %Y', localtime(time - DAYS));
my $date = qr/;\s+\w{3}, \d{1,2} $month \d\d:\d\d:\d\d [+-]\d{4}/;
my $last = $server->client->hello->send_message('a@b.example',
    'user@example.org', "Subject: last\n\nthe end\n");

ok t_cmp($last, qr/^250 /, 'all goes on');
ok t_cmp(scalar(grep {/^Subject: last/m && $_ =~ $date} $server->messages), 1,
         'with the date of the clock');
ok t_cmp(join(' ', grep { kill 0, $_ } @children), "@children",
         'no process has ended');
$server->stop;
