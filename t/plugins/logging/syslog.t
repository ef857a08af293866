# SPDX-License-Identifier: Apache-2.0
# logging/syslog: what a daemon gets, and what happens without one.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use IO::Select ();
use IO::Socket::UNIX ();
use QP::Server;
use Socket qw(SOCK_DGRAM);

plan tests => 17, QP::Server->need('plugins/logging/syslog', 'plugins/rcpt_ok');

sub make {
    my ($args) = @_;

    return QP::Server->new(
        plugins => ['rcpt_ok'],
        config  => { rcpthosts => ['example.org'],
                     logging => ["logging/syslog logsock \@DIR\@/log $args"] },
    );
}

# The daemon.
sub open_log {
    my ($server) = @_;
    my $file = $server->dir . '/log';
    my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $file)
        or die "$file: $!";

    chmod 0666, $file or die "$file: $!";
    return $socket;
}

# Waits until the daemon gets a line that matches.
sub wait_line {
    my ($socket, $re) = @_;
    my $select = IO::Select->new($socket);

    while ($select->can_read(10)) {
        $socket->recv(my $line, 8192);
        return $line if $line =~ $re;
    }
    return;
}

sub play {
    my ($server) = @_;
    my $client = $server->client->hello;

    $client->expect(250, 'MAIL FROM:<s@example.net>');
    $client->expect(250, 'RCPT TO:<a@example.org>');
    $client->expect(221, 'QUIT');
    return;
}

my $server = make('loglevel info ident smtp');
my $log = open_log($server);

$server->start;
play($server);
ok t_cmp(wait_line($log, qr/rcpt_ok/),
         qr/^<22>[A-Z][a-z]{2}\ [\ \d]\d\ \d\d:\d\d:\d\d\ smtp\[\d+\]:
            \ \w+\.1\ \(rcpt\)\ rcpt_ok:\ pass,\ [^\n]+\z/x, 'a line');
ok t_cmp(scalar(grep {/rcpt_ok: pass/} $server->log_lines), 0,
         'httpd does not write it once more');

# The daemon is started again.
close $log;
unlink $server->dir . '/log';
$server->expect_log(qr{logging/syslog: \S+/log: cannot be reached: });
ok $server->poll(sub { play($server);
                       defined $server->wait_log(qr/cannot be reached: /) }),
    'it is said that there is none';
ok t_cmp(scalar(grep {/rcpt_ok: pass/} $server->log_lines) > 0, 1,
         'httpd has its lines');
$log = open_log($server);
ok $server->poll(sub { play($server); IO::Select->new($log)->can_read(0.1) }),
    'it is found again';
my $said = grep {/cannot be reached/} $server->log_lines;

# In prefork several processes say so.
ok t_cmp($said <= scalar($server->children), 1, 'it is said once');
$server->stop;

# Facility, priority, tee.
for my $case (['info facility local3', 158, 0],
              ['info facility LOG_DAEMON priority LOG_NOTICE tee', 29, 1],
              ['loglevel 6 facility local7 priority err', 187, 0]) {
    my ($args, $number, $has_httpd) = @$case;

    $server = make($args);
    $log = open_log($server);
    $server->start;
    play($server);
    ok t_cmp(wait_line($log, qr/rcpt_ok/), qr/^<$number>.* qpsmtpd\[\d+\]: /,
             $args);
    ok t_cmp(scalar(grep {/rcpt_ok: pass/} $server->log_lines) > 0,
             $has_httpd ? 1 : '', 'httpd');
    $server->stop;
}

# There is none at the start.
$server = make('info')->expect_log(qr/cannot be reached: /)->start;
play($server);
ok defined $server->wait_log(qr/cannot be reached: No such file/), 'no daemon';
ok defined $server->wait_log(qr/rcpt_ok: pass/), 'httpd has the lines';
$server->stop;

for my $case (['ident a:b', qr/ident: a word of at most 64/],
              ['facility local8', qr/facility: "local8" is none of/],
              ['logsock /' . 'x' x 120, qr/logsock: the path is too long/]) {
    ok t_cmp((QP::Server->new(
                  plugins => ['rcpt_ok'],
                  config  => { logging => ["logging/syslog $case->[0]"] },
              )->configtest)[1], $case->[1], 'refused: ' . $case->[0]);
}
