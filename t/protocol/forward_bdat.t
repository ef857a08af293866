# SPDX-License-Identifier: Apache-2.0
# queue/smtp-forward and queue/lmtp: messages that only BDAT can carry, to a
# server that does what it is told, and extensions that only one of several has.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Smtpd;
my $plugin = 'queue/smtp-forward';
my $HEAD = "Subject: x\r\nContent-Transfer-Encoding: binary\r\n\r\n";
my $OCTETS = "\0\r.\n.\r\n..\r\n\n\xff" . "\r\n.\r\n" . 'no end';
my $CAN = '250-fake.example\n250-PIPELINING\n250-CHUNKING\n250 BINARYMIME';

# What the server says; the reply to the client; what the log says.
my @answers = (
    [{ DOT => '250 ok' }, qr/^250 2\.0\.0 queued: ok/, qr/pass, message/],
    [{ DOT => '452 4.3.1 full' }, qr/^452 4\.3\.1 full$/, qr/message: 452/],
    [{ DOT => '554-5.6.0 a\n554 5.6.0 b' }, qr/^552 5\.6\.0 a b$/, qr/: 554/],
    [{ MIDDLE => '452 4.3.1 full' }, qr/^452 4\.3\.1 full$/, qr/fail, .*: 452/],
    [{ MIDDLE => '552 5.3.4 big\c' }, qr/^552 5\.3\.4 big$/, qr/fail, .*: 552/],
    [{ BDAT => '503 5.5.1 no\c' }, qr/^552 5\.5\.1 no$/, qr/fail, .*: 503/],
    [{ BDAT => '421 4.3.2 bye\c' }, qr/^452 4\.3\.2 bye$/, qr/: 421 4\.3\.2/],
    [{ MAIL => '550 5.6.1 no' }, qr/^552 5\.6\.1 no$/, qr/fail, .* at MAIL/],
    [{ DOT => 'close' }, qr/^452 4\.4\.2 /, qr/closed.*; it may have the mess/],
    [{ MIDDLE => 'close' }, qr/^452 4\.4\.2 No/, qr/error, .*; it may have/],
    [{ DOT => '354 what' }, qr/^452 4\.4\.2 /, qr/it may have the message/],
    [{ EHLO => '250-x\n250 CHUNKING' }, qr/^552 5\.6\.1 The next server does/,
     qr/fail, .* at EHLO: 550 5\.6\.1 .* BINARYMIME/],
    [{ EHLO => '250-x\n250 BINARYMIME' }, qr/^552 5\.6\.1 /, qr/at EHLO: 550/],
);

plan tests => 23 + 2 * @answers, QP::Server->need(
    map {"plugins/$_"} 'rcpt_ok', $plugin, 'queue/lmtp');

my $smtpd = QP::Smtpd->new;
my $host = '127.0.0.1:' . $smtpd->port;

sub server {
    return QP::Server->new(plugins => ['rcpt_ok', @_],
                           config => { rcpthosts => 'example.org',
                                       size_threshold => 1000 })->start;
}

sub deliver {
    my ($client, $body, @to) = @_;
    my $text = $HEAD . $body;

    $client->expect(250, 'MAIL FROM:<s@example.net> BODY=BINARYMIME');
    $client->expect(250, "RCPT TO:<$_\@example.org>") for @to ? @to : 'a';
    $client->send('BDAT ' . length($text) . " LAST\r\n$text");
    return $client->reply;
}

# Without the option nobody may send it.
my $server = server("$plugin hosts $host");
my $client = $server->client;

$client->reply;
ok t_cmp($client->cmd('EHLO c.example'), qr/^250-(?:(?!BINARYMIME).)*$/s,
         'BINARYMIME is not offered');
ok t_cmp($client->cmd('MAIL FROM:<s@example.net> BODY=BINARYMIME'), qr/^501 /,
         'nor taken');
$server->stop;

# Every step may fail.
$server = server("$plugin hosts $host keep 0 binarymime yes timeout 20s");
$client = $server->client->hello;
for my $answer (@answers) {
    my ($says, $reply, $log) = @$answer;
    my $name = join ' ', %$says;

    $smtpd->will(EHLO => $CAN, %$says);
    $server->expect_log(qr/$plugin: error, /);
    ok t_cmp(deliver($client, $OCTETS), $reply, "$name: the reply");
    ok defined $server->wait_log(qr/$plugin: .*$log/), "$name: the log";
}

# What is sent; and lines still go by DATA.
$smtpd->will(EHLO => $CAN);
deliver($client, $OCTETS);
my ($data) = $smtpd->messages;

ok t_cmp(join('|', grep {/^[MB]/} $smtpd->commands),
         'MAIL FROM:<s@example.net> BODY=BINARYMIME|BDAT ' . length($data)
         . ' LAST', 'the commands');
ok t_cmp(substr($data, -length "$HEAD$OCTETS") eq "$HEAD$OCTETS", 1,
         'the octets');
$smtpd->will(EHLO => $CAN);
ok t_cmp($client->send_message('s@example.net', 'a@example.org', "S: x\n\nx\n"),
         qr/^250 /, 'lines');
ok t_cmp(scalar(grep {/^BDAT/} $smtpd->commands), 0, 'go by DATA');
$server->stop;
# A connection that is kept: a refusal spoils nothing.
$server = server("$plugin hosts $host binarymime yes");
$client = $server->client->hello;
$smtpd->will(EHLO => $CAN, DOT => '452 4.3.1 full');
ok t_cmp(deliver($client, $OCTETS), qr/^452 /, 'refused');
$smtpd->spurt(orders => "EHLO=$CAN\x01");
ok t_cmp(deliver($client, $OCTETS), qr/^250 /, 'and taken');
ok t_cmp(scalar($smtpd->sessions), 1, 'over the same connection');
$server->stop;

# What one does not know another may; what closes midway has nothing.
my $other = QP::Smtpd->new(buffer => 4096);
my $hosts = "127.0.0.1:@{[$other->port]}*100,$host*0";

$server = server("$plugin hosts $hosts keep 0 binarymime yes");
$client = $server->client->hello;
$smtpd->will(EHLO => $CAN);
$server->expect_log(qr/cannot take it: The next server does not know BINARYM/);
ok t_cmp(deliver($client, $OCTETS), qr/^250 /, 'one knows no BINARYMIME');
ok t_cmp(scalar($smtpd->messages), 1, 'another has it');
$smtpd->will(EHLO => '250 fake.example');
$other->will(EHLO => '250-fake.example\n250 CHUNKING');
ok t_cmp(deliver($client, $OCTETS), qr/^552 5\.6\.1 /, 'nobody knows it');
$smtpd->will(greeting => '421 4.3.2 busy');
$server->expect_log(qr/it greets with "421 busy"/);
ok t_cmp(deliver($client, $OCTETS), qr/^451 4\.4\.1 /,
         'one may know it, and does not answer');
$server->stop;
for my $way (['close', qr/$plugin: cannot \S.*127/],
             ['421 4.3.2 busy', qr/$plugin: 127\S+ says to BDAT: 421 4\.3/]) {
    my ($says, $log) = @$way;

    $server = server("$plugin hosts $hosts keep 0 binarymime yes");
    $smtpd->will(EHLO => $CAN);
    $other->will(EHLO => $CAN, MIDDLE => $says);
    $server->expect_log($log);
    ok t_cmp(deliver($server->client->hello, $OCTETS x 600_000), qr/^250 /,
             "$says, midway");
    ok t_cmp((map {length} $smtpd->messages)[0] > length($OCTETS) * 600_000, 1,
             'another has it, all of it');
    ok defined $server->wait_log($log), 'and why';
    $server->stop;
}

# LMTP: the chunk has an answer for each recipient.
my $lmtp = QP::Smtpd->new(lmtp => 1);

$server = server("queue/lmtp hosts 127.0.0.1:@{[$lmtp->port]} binarymime yes");
$client = $server->client->hello;
$lmtp->will(EHLO => $CAN, 'DOT:b@' => '552 5.2.2 full');
ok t_cmp(deliver($client, $OCTETS, 'a'), qr/^250 /, 'LMTP');
ok t_cmp(deliver($client, $OCTETS, qw(a b)), qr/^552 5\.2\.2 <b\S+: full$/,
         'one of two is refused');
ok t_cmp(deliver($client, $OCTETS, qw(a c)), qr/^250 /, 'both have it');
ok t_cmp(scalar($lmtp->sessions), 1, 'over one connection');
$server->stop;
