# SPDX-License-Identifier: Apache-2.0
# queue/postfix-queue with a stand-in for cleanup, which says what it is told
# and what no cleanup should. With Postfix: t/protocol/postfix.t.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Cleanup;
use QP::Server;

my $plugin = 'queue/postfix-queue';
my @all = ('a@example.org', '"b c"@example.org');
my @hello = (protocol => 'cleanup_protocol', queue_id => '4XyZ');

# What the stand-in says in the end, the reply, and a line of the log.
my @answers = (
    [[status => 0, reason => ''], qr/^250 2\.0\.0 queued as 4XyZ /,
     qr/pass, message \S+ queued as 4XyZ/],
    [[status => 0], qr/^250 /, qr/pass, /],
    [[status => 8, reason => '5.7.1 not this'], qr/^552 5\.7\.1 not this$/,
     qr/fail, message \S+ refused as 4XyZ: not this/],
    [[status => 8, reason => '4.7.1 later'], qr/^452 4\.7\.1 later$/,
     qr/fail, /],
    [[status => 8, reason => ''], qr/^552 5\.7\.1 The message is refused/,
     qr/fail, /],
    [[status => 4, reason => ''], qr/^552 5\.3\.4 /, qr/fail, .*too large/],
    [[status => 16, reason => ''], qr/^552 5\.4\.6 /, qr/fail, .*hops/],
    [[status => 256, reason => ''], qr/^452 4\.7\.1 /, qr/fail, /],
    [[status => 2, reason => ''], qr/^452 4\.3\.0 The message cannot/,
     qr/error, message \S+ not queued as 4XyZ: status 2/],
    [[status => 1, reason => 'x'], qr/^452 /, qr/error, .*status 1 x/],
    [[reason => 'x'], qr/^452 4\.4\.2 No answer from Postfix$/,
     qr/error, .*it has no status; it may have the message/],
    [[status => '-1'], qr/^452 4\.4\.2 /, qr/error, .*it is not that of/],
    [[status => '0x'], qr/^452 4\.4\.2 /, qr/error, .*it is not that of/],
    [[status => '1' x 9], qr/^452 4\.4\.2 /, qr/error, .*it is not that of/],
    [[status => 8, reason => 'x' x 600], qr/^452 4\.4\.2 /,
     qr/error, .*it is too long/],
    [[map { ("x$_" => 1) } 1 .. 20], qr/^452 4\.4\.2 /,
     qr/error, .*it is too long/],
    [undef, qr/^452 4\.4\.2 /, qr/error, .*has closed.*may have the message/],
);

# What it says first, and what is said of it.
my @hellos = (
    [[protocol => 'smtp', queue_id => 'A1'], qr/it is not that of cleanup/],
    [[queue_id => '../x'], qr/it is not that of cleanup/],
    [[queue_id => ''], qr/it is not that of cleanup/],
    [[protocol => 'cleanup_protocol'], qr/it has no queue_id/],
    [['x' x 70 => 1], qr/it is too long/],
    [undef, qr/it has closed/],
);

plan tests => 8 + 2 * (@answers + @hellos), QP::Server->need(
    map {"plugins/$_"} 'rcpt_ok', $plugin);

sub server {
    my ($args, %config) = @_;

    return QP::Server->new(
        plugins => ['rcpt_ok', "$plugin $args"],
        config  => { rcpthosts => 'example.org',
                     bare_newline => 'accept-in-body', %config })->start;
}

sub deliver {
    my ($server, $from, $to, $text) = @_;

    return $server->client->hello->send_message(
        $from, $to, $text // "Subject: x\n\nhello\n.dot\n");
}

my $cleanup = QP::Cleanup->new;
my $server = server($cleanup->path . ' FLAG_HOLD timeout 20s');

for my $answer (@answers) {
    my ($says, $reply, $log) = @$answer;
    my $name = substr join(' ', $says ? @$says : 'nothing'), 0, 20;

    $cleanup->will(\@hello, $says);
    $server->expect_log(qr/$plugin: $log/) if $log =~ /error/;
    ok t_cmp(deliver($server, 's@example.net', [$all[0]]), $reply, $name);
    ok defined $server->wait_log(qr/$plugin: $log/), "$name: the log";
}
for my $hello (@hellos) {
    my ($says, $why) = @$hello;
    my $name = substr join(' ', $says ? @$says : 'nothing'), 0, 20;

    $cleanup->will($says, [status => 0]);
    $server->expect_log(qr/$plugin: error, .*$why/);
    ok t_cmp(deliver($server, 's@example.net', [$all[0]]),
             qr/^451 4\.3\.0 The message could not/, "first $name");
    ok defined $server->wait_log(qr/$plugin: error, .*$why/), "$name: the log";
}

# What it gets.
$cleanup->will([queue_id => 'A1'], [status => 0]);
deliver($server, '', \@all, "Subject: x\n\n" . 'y' x 2048 . "\n"
        . 'z' x 2049 . "\n\n.\n");
my ($flags, @records) = $cleanup->got;

ok t_cmp($flags, "flags\0" . "4\0\0", 'the flags');
ok t_cmp(join('|', @records), qr/\AT\d+\ \d+\|S\|Ra\@example\.org\|
         Rb\ c\@example\.org\|M\|NReceived:\ [^|]*\|.*\|NSubject:\ x\|N\|
         Ny{2048}\|Lz{2048}\|Nz\|N\|N\.\|X\|E\z/xs, 'the records');
$server->stop;

# Two sockets, of which one is there.
$cleanup->will(\@hello, [status => 0]);
$server = server('', cleanup_sockets => "/nowhere/cleanup\n" . $cleanup->path);
ok t_cmp(deliver($server, '', [$all[0]]), qr/^250 2\.0\.0 queued as 4XyZ /,
         'the second socket');
deliver($server, '', [$all[0]]);
ok t_cmp(($cleanup->got)[0], "flags\0" . "0\0\0", 'no flags');
$server->stop;
$server = server('/nowhere/cleanup');
$server->expect_log(qr{cannot connect to /nowhere/cleanup: No such file});
ok t_cmp(deliver($server, '', [$all[0]]), qr/^451 4\.3\.0 /, 'no Postfix');
$server->stop;

# Time is up.
$cleanup->will(\@hello, 'slow');
$server = server($cleanup->path . ' timeout 1s');
$server->expect_log(qr/QP1103.*$plugin: no answer/);
ok t_cmp(deliver($server, '', [$all[0]]), qr/^452 4\.3\.0 Cannot decide now/,
         'too slow');
ok $server->poll(sub { return scalar $cleanup->notes('left') }), 'is left';
$server->stop;

ok t_cmp((QP::Server->new(plugins => ["$plugin public/cleanup"])
          ->configtest)[1], qr{socket: "public/cleanup" is no path from /},
         'mistake');
