# SPDX-License-Identifier: Apache-2.0
# earlytalker: who speaks too early is refused, and the others do not wait in
# each other's way (R71, R116).
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 19, QP::Server->need('plugins/earlytalker', 'plugins/relay',
                                   'plugins/rcpt_ok');

my @others = ('rcpt_ok', 'queue/maildir @MAILDIR@');
my %config = (rcpthosts => ['example.org'], relayclients => ['127.0.0.9'],
              pipelining => 'lenient');
my $server;

sub start {
    my ($args) = @_;

    $server->stop if $server;
    $server = QP::Server->new(
        plugins => ['relay', "earlytalker $args", @others],
        config  => \%config)->start;
    return;
}

# Somebody who says so much before the greeting.
sub early {
    my ($text, %arg) = @_;
    my $client = $server->client(%arg);

    $client->send($text);
    return $client;
}

start('wait 20s check-at CONNECT');
my $client = early("EHLO x\r\n");

ok t_cmp($client->reply, qr/^550 5\.7\.1 you spoke before/, 'a command');
ok $client->eof, 'and the end';
ok t_cmp(early('E')->reply, qr/^550 /, 'an octet');
ok t_cmp(early("\r\n", local => '127.0.0.9')->reply, qr/^220 /,
         'a relay client may');

# More wait than there are threads on event, and one that speaks is heard at
# once; those who leave are forgotten.
my $n = QP::Server::mpm() eq 'event' ? 50 : 5;
my @patient = map { $server->client } 1 .. $n;

ok t_cmp(early("QUIT\r\n")->reply, qr/^550 /, "behind $n patient ones");
ok !grep({ $_->readable } @patient), 'who still wait';
$_->close for @patient;
my $gone = $server->client;

$gone->abort;
ok t_cmp(early("QUIT\r\n")->reply, qr/^550 /, 'when they have left');
ok defined $server->wait_log(qr/earlytalker: fail, you spoke before you/),
    'logged';

start('wait 100ms check-at connect check-at data');
$client = $server->client->hello;
ok t_cmp($client->send_message('a@example.net', 'b@example.org', "X: y\n\n"),
         qr/^250 /, 'in order');
$client->envelope('a@example.net', 'b@example.org');
$client->send("DATA\r\nSubject: early\r\n\r\n.\r\nNOOP\r\n");
ok t_cmp($client->reply, qr/^554 5\.7\.1 you spoke before the answer to DATA/,
         'the message with DATA');
ok $client->eof, 'nothing of it is a command';
ok t_cmp(scalar($server->messages), 1, 'or a message');
$client = $server->client->hello;
ok t_cmp(($client->pipeline('MAIL FROM:<a@example.net>',
                            'RCPT TO:<b@example.org>', 'DATA'))[2],
         qr/^354 /, 'a group that ends in DATA');
$client->close;

start('wait 100ms check-at DATA reject_type temp');
ok t_cmp(early("EHLO x\r\n")->reply, qr/^220 /, 'DATA only');
$client = $server->client->hello->envelope('a@example.net', 'b@example.org');
$client->send("DATA\r\n.");
ok t_cmp($client->reply, qr/^421 4\.7\.\d /, 'reject_type temp');
ok $client->eof, 'closes, too';
$server->stop;

my %wrong = ('wait 21s' => qr/wait: at most 20s/,
             'check-at HELO' => qr/check-at: "HELO" is none of CONNECT, DATA/,
             'wait soon' => qr/wait: "soon" is not a time/);

for my $args (sort keys %wrong) {
    $server = QP::Server->new(plugins => ["earlytalker $args"]);
    ok t_cmp(($server->configtest)[1], $wrong{$args}, $args);
}
