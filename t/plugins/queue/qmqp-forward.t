# SPDX-License-Identifier: Apache-2.0
# queue/qmqp-forward: what a QMQP server says becomes the answer; the message
# arrives octet for octet; trouble leaves the message to the next queue plugin.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Qmqp;
use QP::Server;

use constant { CLIENTS => 50, BIG => 5_000_000 };
my $ok = QP::Qmqp::encode('Kok 1 qp');
my $plugin = 'queue/qmqp-forward';

# What the server says; the reply to the client; a line of the log.
my @answers = (
    [$ok, qr/^250 2\.0\.0 queued: ok 1 qp \w+\.\d+$/,
     qr/pass, message \w+\.1 queued by 127\.0\.0\.1: ok 1 qp$/],
    [QP::Qmqp::encode('Zbusy (#4.3.0)'),
     qr/^452 4\.3\.0 deferred: busy \(#4\.3\.0\)$/,
     qr/fail, message \S+ deferred by \S+: busy/],
    [QP::Qmqp::encode("Dno\r\n250 x"), qr/^552 5\.7\.1 denied: no  250 x$/,
     qr/fail, message \S+ denied by \S+: no  250 x$/],
    [QP::Qmqp::encode('K' . 'x' x 1015), qr/^250 2\.0\.0 queued: x{400} \w+/,
     qr/pass, message \S+ queued by \S+: x{100}/],
);

# What the server says, and what is then said of it. The client gets a 451.
my @troubles = (
    [QP::Qmqp::encode('Xyz'), qr/use the answer .*: it is neither K nor Z/],
    ['0:,', qr/use .*: it is no QMQP/],
    ['220 mx.example.org ESMTP', qr/use .*: it is no QMQP/],
    ['3:Kok;', qr/use .*: it is no QMQP/],
    ['30:Kok', qr/get .* from \S+: it has closed/],
    ['', qr/get .* from \S+: it has closed/],
    ['0' x 5000, qr/use .*: it is too long/],
    [QP::Qmqp::encode('K' . 'x' x 1020), qr/use .*: it is too long/],
    ['eof', qr/(?:send to|get .* from) \S+: \S/],
);

plan tests => 15 + 2 * (@answers + @troubles), QP::Server->need(
    map {"plugins/$_"} 'rcpt_ok', $plugin, 'queue/maildir');

my $qmqp = QP::Qmqp->new;
my $port = $qmqp->port;

sub server {
    return QP::Server->new(plugins => ['rcpt_ok', @_],
                           config => { rcpthosts => 'example.org' })->start;
}

sub deliver {
    return $_[0]->send_message('s@example.net', 'a@example.org',
                               "Subject: x\n folded\n\nhello\n.dot\n");
}

my $server = server("$plugin 127.0.0.1 $port timeout 20s");
my $client = $server->client->hello;

for my $answer (@answers) {
    my ($says, $reply, $log, $name) = (@$answer, substr $answer->[0], 0, 5);

    $qmqp->will($says);
    ok t_cmp(deliver($client), $reply, "$name: the reply");
    ok defined $server->wait_log(qr/$plugin: $log/), "$name: the log";
}
for my $trouble (@troubles) {
    my ($says, $why) = @$trouble;
    my $log = qr/$plugin: error, cannot $why/;
    my $name = substr $says, 0, 9;

    $qmqp->will($says);
    $server->expect_log($log);
    ok t_cmp(deliver($client), qr/^451 4\.4\.1 The message could not be forw/,
             "<$name>: the reply");
    ok defined $server->wait_log($log), "<$name>: the log";
}

# What the server gets.
$qmqp->will($ok);
my $big = join '', "Subject: big\n\n.\n..\n",
    map { 'x' x ($_ % 900) . "\n" } 1 .. BIG / 450;

$client->send_message('', ['a@example.org', '"b c"@example.org', 'postmaster'],
                      $big);
my ($message, @addrs) = @{ ($qmqp->packages)[0] };

ok t_cmp(join('|', @addrs),
         '|a@example.org|b c@example.org|postmaster@mx.example.org',
         'the envelope');
ok $message =~ /\AReceived: from client\.example /, 'our field is on top';
$message =~ s/\A(?:\S.*\n(?:[ \t].*\n)*?)(?=Subject: big\n)//;
ok $message eq $big, 'and all is as it was sent';

# Many at once.
$qmqp->will($ok);
my @clients = map { $server->client->hello } 1 .. CLIENTS;

$_->envelope('s@example.net', 'a@example.org')->expect(354, 'DATA')
    for @clients;
$clients[$_]->send("Subject: n$_\r\n\r\n" . "text $_\r\n" x 3000 . ".\r\n")
    for 0 .. $#clients;
ok t_cmp(scalar(grep { $_->reply =~ /^250 / } @clients), CLIENTS,
         'fifty at once');
my %seen = map { $_->[0] =~ /^Subject: n(\d+)\n\n((?:text \1\n){3000})\z/m
                 ? ($1 => 1) : () } $qmqp->packages;

ok t_cmp(scalar(keys %seen), CLIENTS, 'and none is mixed up');
$_->close for @clients;

# A client that leaves takes its job with it.
$qmqp->will('slow');
my $gone = $server->client->hello->envelope('s@example.net', 'a@example.org');

$gone->expect(354, 'DATA');
$gone->send("Subject: x\r\n\r\n.\r\n");
ok $server->poll(sub { return scalar $qmqp->notes('waits') }), 'a slow server';
$gone->abort;
ok $server->poll(sub { return scalar $qmqp->notes('left') }), 'the job ends';
ok t_cmp($client->cmd('NOOP'), qr/^250 /, 'the others go on');
ok t_cmp(scalar($server->spooled), 0, 'nothing is left');
$server->stop;

# Time is up: nothing is decided.
$server = server("$plugin 127.0.0.1 $port timeout 1s");
$server->expect_log(qr/QP1103.*$plugin: no answer/);
$qmqp->will('slow');
ok t_cmp(deliver($server->client->hello), qr/^452 4\.3\.0 Cannot decide now/,
         'a server that is too slow');
ok $server->poll(sub { return scalar $qmqp->notes('left') }),
    'the job ends then';
$server->stop;

# Two servers: the first refuses connections, the next is asked.
$qmqp->will($ok);
$server = server("$plugin localhost port " . QP::Server::free_port(),
                 "$plugin:1 127.0.0.1 $port");
$server->expect_log(qr/cannot connect to localhost:\d+: Connection refused/);
ok t_cmp(deliver($server->client->hello), qr/^250 2\.0\.0 queued: ok 1 qp /,
         'the next one is asked');
$server->stop;

# Mistakes stop the start.
for my $bad (['', qr/host: the QMQP server has to be given/],
             ['a/b', qr{host: "a/b" is no name or address}],
             ['mx.example.org 0', qr/port: "0" is not .* 1\.\.65535/]) {
    ok t_cmp((QP::Server->new(plugins => ["$plugin $bad->[0]"])
              ->configtest)[1], $bad->[1], "mistake: $bad->[0]");
}
