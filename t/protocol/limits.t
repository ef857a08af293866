# SPDX-License-Identifier: Apache-2.0
# Limits of connections, commands and mistakes (R71, R88, R91, R95, R113, R115):
# each is told once, named once in the log, and hits nobody else.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

use constant { MANY => 60, MAX_IP => 6 };

plan tests => 20, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir));

my %plain = (
    plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    children => 2,
);
my $server = QP::Server->new(%plain, config => {
    rcpthosts => 'example.org', max_errors => 5, max_commands => 12,
    pipelining => 'strict',
    max_messages => 3, max_conn_ip => [MAX_IP, '127.0.0.2 2'],
    max_connections => 12, max_rate_ip => '0',
})->start;

sub count { my ($re) = @_; return scalar grep { $_ =~ $re } $server->log_lines }

# Opens one; what it is greeted with, and it if it is let in. Those of the start
# or of before, which are just ending, may still count.
sub open_one {
    my ($ip, $wanted) = @_;
    my ($code, $client);

    $server->poll(sub {
        $client = $server->client(local => $ip);
        $code = $client->reply ? $client->code : 0;
        return $code eq $wanted;
    });
    return ($code, $client);
}

my @open;

for my $n (1 .. MAX_IP) {
    push @open, [open_one('127.0.0.1', 220)];
}
ok t_cmp(scalar(grep { $_->[0] eq '220' } @open), MAX_IP, 'so many are let in');

my $more = $server->client;

ok t_cmp($more->reply, qr/^421 4\.7\.0 Too many connections from/, 'no more');
ok $more->eof, 'which is all that it hears';
ok defined $server->wait_log(qr/info.*of this address \(max_conn_ip\)/),
    'the log names the limit';
push @open, [open_one('127.0.0.2', 220)] for 1 .. 2;
ok t_cmp($server->client(local => '127.0.0.2')->reply, qr/^421 /,
         'a network may have another number');
push @open, [open_one("127.0.0.$_", 220)] for 3 .. 6;
ok t_cmp($server->client(local => '127.0.0.7')->reply,
         qr/^421 4\.7\.0 Too many/, 'all together have one, too');
ok defined $server->wait_log(qr/info.* 13 connections \(max_connections/),
    'which the log names';
$_->[1]->close for splice @open;
ok t_cmp((open_one('127.0.0.1', 220))[0], 220, 'who leaves makes room');

# Commands, messages, mistakes.
my ($code, $client) = open_one('127.0.0.8', 220);
my @codes = map { $client->cmd($_) ? $client->code : 0 }
    'EHLO x', ('NOOP') x 11, 'NOOP';

ok t_cmp("@codes", '250 ' . '250 ' x 11 . '421', 'max_commands');
ok t_cmp(count(qr/\(max_commands\)/), 1, 'is one line');
($code, $client) = open_one('127.0.0.9', 220);
$client->expect(250, 'EHLO x');
ok t_cmp(scalar(grep {/^250 /} map {
             $client->send_message('a@b.example', 'c@example.org', "S: x\n\nx")
         } 1 .. 3), 3, 'messages');
ok t_cmp($client->cmd('MAIL FROM:<a@b.example>'), qr/^421 4\.7\.0 /,
         'max_messages');
($code, $client) = open_one('127.0.0.10', 220);
$client->expect(250, 'EHLO x');
$client->expect(250, 'MAIL FROM:<a@b.example>');
@codes = map { $client->cmd("RCPT TO:<x$_\@elsewhere.example>")
        ? $client->code : 0 } 1 .. 5;
ok t_cmp("@codes", '550 550 550 550 421', 'refused recipients are mistakes');

# Those who do not speak SMTP, or out of turn.
for my $case (["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", qr/\(TLS\)/],
              ["\xff\xfd\x03", qr/0xff/],
              ["GET / HTTP/1.0\r\n\r\n", qr/HTTP/],
              ["EHLO x\r\nMAIL FROM:<a\@b.example>\r\n", qr/\(pipelining\)/]) {
    ($code, $client) = open_one('127.0.0.11', 220);
    $client->send($case->[0]);
    my $said = $client->drain;

    ok t_cmp($said, qr/\A5\d\d [^\n]*\r\n\z/, 'told so once, and closed')
        if defined $server->wait_log($case->[1]);
}
$server->stop;

# Many at once: told so or served; normal service right after (R91).
$server = QP::Server->new(%plain, config => { rcpthosts => 'example.org',
    max_conn_ip => MANY / 2 })->start;

my @many = map { $server->client } 1 .. (QP::Server::mpm() eq 'prefork'
                                         ? 20 : MANY);
my @greeted = map { $_->reply // '' } @many;

ok t_cmp(scalar(grep {/^(?:220|421) /} @greeted), scalar @many,
         'each of many at once is told something');
$_->abort for @many;
my $served = $server->poll(sub {
    my $one = $server->client;

    return ($one->reply // '') =~ /^220 / && $one->cmd('NOOP') =~ /^250 /;
});
ok $served, 'and then all is as before';
ok $server->stop, 'nothing of it is above info';
