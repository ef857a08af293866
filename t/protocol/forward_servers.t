# SPDX-License-Identifier: Apache-2.0
# queue/smtp-forward: connections that are kept, several servers, XCLIENT.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Smtpd;

my $plugin = 'queue/smtp-forward';
my $RAW = "Subject: x\r\n\r\n";

plan tests => 22, QP::Server->need(
    map {"plugins/$_"} 'rcpt_ok', $plugin);

my $smtpd = QP::Smtpd->new;
my $host = '127.0.0.1 ' . $smtpd->port;

sub server {
    return QP::Server->new(plugins => ['rcpt_ok', @_],
                           config => { rcpthosts => 'example.org',
                                       bare_newline => 'accept-in-body' })
        ->start;
}

sub deliver {
    my ($client, $text, @to) = @_;

    return $client->send_message('s@example.net', @to ? [@to] : 'a@example.org',
                                 $text // "Subject: x\n\nhello\n");
}

# Connections are kept, checked, and left alone when they die.
my $server = server("$plugin $host");
my $client = $server->client->hello;
$smtpd->will;
ok t_cmp(deliver($client), qr/^250 /, 'kept') for 1 .. 3;
ok t_cmp(scalar($smtpd->sessions), 1, 'one connection for three');
$smtpd->will(DOT => '250 2.0.0 bye\c');
ok t_cmp(deliver($client), qr/^250 .*bye/, 'the server closes');
ok t_cmp(deliver($client), qr/^250 .*bye/, 'and a new connection is made');
$smtpd->will('RCPT' => '550 5.1.1 no');
ok t_cmp(deliver($client), qr/^552 /, 'a refusal');
$smtpd->will;
ok t_cmp(deliver($client), qr/^250 /, 'does not spoil what follows');
$server->stop;

# Several servers.
my $other = QP::Smtpd->new;
my $dead = QP::Server::free_port();
my $hosts = join ',', "127.0.0.1:$dead*100", '127.0.0.1:' . $smtpd->port,
    '127.0.0.1:' . $other->port . '*0';

$server = server("$plugin hosts $hosts keep 0");
$server->expect_log(qr/$plugin: cannot connect to 127.*refused/);
$client = $server->client->hello;
$smtpd->will;
ok t_cmp(deliver($client), qr/^250 /, 'a dead server');
ok t_cmp(scalar($smtpd->sessions) + $other->sessions, 1,
         'another has it, once');
$smtpd->will(DATA => 'close');
$server->expect_log(qr/$plugin: cannot get an answer from/);
ok t_cmp(deliver($client), qr/^250 /, 'one that fails');
ok t_cmp(scalar($other->messages), 1, 'the last one has it');
$server->stop;

# What one does not know another may, and only what nobody knows is refused.
my $two = '127.0.0.1:' . $smtpd->port . '*100,127.0.0.1:' . $other->port . '*0';
my $eight = "Subject: x\n\n\xc3\xa9\n";

$server = server("$plugin hosts $two keep 0");
$server->expect_log(qr/127\S+ cannot take it: The next server does not know/);
$client = $server->client->hello;
$smtpd->will(EHLO => '250-fake.example\n250 8BITMIME');
$other->will;
$client->expect(250, 'MAIL FROM:<s@example.net> SMTPUTF8');
$client->expect(250, "RCPT TO:<\xc3\xa9\@example.org>");
$client->expect(354, 'DATA');
ok t_cmp($client->cmd("$RAW."), qr/^250 /, 'one does not know SMTPUTF8');
$smtpd->will(EHLO => '250 fake.example');
ok t_cmp(deliver($client, $eight), qr/^250 /, 'nor 8BITMIME');
ok t_cmp(scalar($other->messages), 2, 'another has both');
ok t_cmp(deliver($client), qr/^250 /, 'what it can take it gets');
ok t_cmp(scalar($smtpd->messages), 1, 'for it is not down');
$server->stop;

# One that hangs is not dead: its other connections are not tried.
$server = server("$plugin hosts $two reply_timeout 5s");
$server->expect_log(qr/$plugin: cannot get an answer from/);
$client = $server->client->hello;
$_->will for $smtpd, $other;
ok t_cmp(deliver($client), qr/^250 /, 'a connection is kept');
$smtpd->will(MAIL => 'hang');
ok t_cmp(deliver($client), qr/^250 /, 'it hangs');
ok t_cmp(join(' ', map { scalar(grep {/^MAIL/} $_->commands) } $smtpd, $other),
         '1 1', 'and the next server has it');
$server->stop;

# XCLIENT.
$smtpd->will(EHLO => '250-fake.example\n'
             . '250 XCLIENT NAME ADDR HELO PROTO LOGIN');
$server = server("$plugin $host xclient");
ok t_cmp(deliver($server->client->hello('EHLO [127.0.0.1]')), qr/^250 /,
         'XCLIENT');
ok t_cmp(join('|', ($smtpd->commands)[0 .. 2]),
         qr/^EHLO\ mx\.example\.org\|XCLIENT\ NAME=\S+\ ADDR=127\.0\.0\.1
            \ HELO=\[127\.0\.0\.1\]\ PROTO=ESMTP\ LOGIN=\[UNAVAILABLE\]
            \|EHLO\ mx\.example\.org$/x, 'who the client is');
$server->stop;
