# SPDX-License-Identifier: Apache-2.0
# logging/file: lines, names, rotation, programs, failures.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 34, QP::Server->need('plugins/logging/file', 'plugins/rcpt_ok');

# A server, with a folder that its children can write to.
sub make {
    my ($args) = @_;
    my $server = QP::Server->new(
        plugins  => ['rcpt_ok'],
        loglevel => 'debug',
        config   => { rcpthosts => ['example.org'],
                      logging   => ["logging/file $args"] },
    );

    make_folder($server->dir . '/out');
    return $server;
}

sub make_folder {
    mkdir $_[0] or die "$_[0]: $!";
    chown +(getpwnam 'www-data')[2, 3], $_[0] if $> == 0;
    return;
}

sub lines {
    my ($server, $name) = @_;
    return split /\n/, QP::Server::slurp($server->dir . "/out/$name");
}

# The files that have a line like this.
sub files_with {
    my ($server, $re) = @_;

    return grep { grep { $_ =~ $re } lines($server, $_) }
        map {s{.*/}{}r} glob $server->dir . '/out/*';
}

# A session whose transaction has two lines at the level info.
sub play {
    my ($server, $between) = @_;
    my $client = $server->client->hello;

    $client->expect(250, 'MAIL FROM:<s@example.net>');
    $client->expect(250, 'RCPT TO:<a@example.org>');
    $between->() if $between;
    $client->expect(250, 'RCPT TO:<b@example.org>');
    return $client->expect(221, 'QUIT');
}

# One file.
my $server = make('loglevel info @DIR@/out/log')->start;

play($server);
ok $server->poll(sub { files_with($server, qr/disconnect/) }), 'it has lines';
ok t_cmp((grep {/: pass/} lines($server, 'log'))[0], qr/^\w+\ \w+\ \d+
         \ [\d:]{8}\ \d{4}\ \S+\[\d+\]:\ \w+\.1\ \(rcpt\)\ rcpt_ok:\ pass/x,
         'one of a plugin');
ok t_cmp((lines($server, 'log'))[0], qr/\]: \w+ connect to \S+$/,
         'one of the server');
ok t_cmp(sprintf('%o', (stat $server->dir . '/out/log')[2] & 07777), '640',
         'the mode of the file');
ok t_cmp(scalar(grep {/rcpt_ok: pass/} $server->log_lines), 0,
         'httpd does not write it once more');
ok defined $server->wait_log(qr/:debug\].*< QUIT/), 'but what is above it';

# It is rotated.
for my $change (sub { rename $_[0], "$_[0].1" }, sub { unlink $_[0] }) {
    $change->($server->dir . '/out/log') or die $!;
    ok $server->poll(sub { play($server); lines($server, 'log') > 0 }),
        'a new file takes the place of the old one';
}

# Many sessions at a time.
my @clients = map { $server->client->hello } 1 .. 8;

for (1 .. 20) {
    $_->expect(250, 'MAIL FROM:<>') for @clients;
    $_->send("RCPT TO:<many\@example.org>\r\nRSET\r\n") for @clients;
    $_->expect(250) for @clients, @clients;
}
ok $server->poll(sub { 160 < grep {/rcpt_ok: pass/} lines($server, 'log') }),
    'the lines of many sessions';
ok t_cmp(scalar(grep { !/^\w+ \w+ \d\d [\d:]+ \d{4} \S+\[\d+\]: \S+ \S/ }
                lines($server, 'log')), 0, 'do not mix');
@clients = ();
$server->stop;

# Names with the session.
$server = make('loglevel info path @DIR@/out/%%%i.%Y tee')->start;
play($server) for 1 .. 2;
ok $server->poll(sub { 2 == grep {/^%\w+\.20\d\d$/}
                       files_with($server, qr/disconnect/) }),
    'each session has its file';
ok $server->poll(sub { 4 == grep {/rcpt_ok: pass/} $server->log_lines }),
    'with tee httpd has the lines, too';
$server->stop;

# Names with the time, which changes within a transaction.
for my $case (['split', 2, 2], ['reopen', 2, 2], ['nosplit', 1, 1],
              ['nosplit reopen', 1, 1], ['tsplit', 1, 2],
              ['tsplit reopen', 1, 2]) {
    my ($args, $of_transaction, $of_session) = @$case;

    $server = make("loglevel info $args \@DIR\@/out/%s tsformat %H")->start;
    play($server, sub { my $t = time; $server->poll(sub { time > $t + 1 }) });
    $server->poll(sub { files_with($server, qr/disconnect/) });
    ok t_cmp(scalar(files_with($server, qr/\w\.1 /)), $of_transaction,
             "$args: files of the transaction");
    ok t_cmp(scalar(files_with($server, qr/\w\.1 |connect/)) >= $of_session, 1,
             "$args: files of the session");
    $server->stop;
}

# A program, which ends after a line and is started again.
$server = make('loglevel info "|@DIR@/program @DIR@/out/log"');
QP::Server::write_file($server->dir . '/program',
                       "#!/bin/sh\nread -r line\necho got \$line >>\$1\n");
chmod 0755, $server->dir . '/program' or die $!;
play($server->start);
ok $server->poll(sub { lines($server, 'log') }), 'a program gets a line';
ok t_cmp((lines($server, 'log'))[0], qr/^got \w+ \w+ .*\]: \w+ connect to /,
         'all of it');
ok $server->poll(sub { play($server);
                       lines($server, 'log') > $server->children }),
    'it is started again';
$server->stop;

# Failures.
$server = make('loglevel info @DIR@/gone/log')
    ->expect_log(qr{logging/file: \S+/gone/log: cannot be opened: No such});
play($server->start);
ok defined $server->wait_log(qr/rcpt_ok: pass/), 'httpd has the lines';
make_folder($server->dir . '/gone');
ok $server->poll(sub { play($server); -s $server->dir . '/gone/log' }),
    'it is tried again';
$server->stop;
for my $case (['info', qr/path: the absolute path/], ['', qr/path: the abs/],
              ['nosplit tsplit /x', qr/only one of them/],
              ['"|cat"', qr/absolute path of a program/],
              ['tsformat "" /x', qr/tsformat: it makes no time/]) {
    ok t_cmp((make($case->[0])->configtest)[1], $case->[1],
             "refused: $case->[0]");
}
