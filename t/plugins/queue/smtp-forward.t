# SPDX-License-Identifier: Apache-2.0
# queue/smtp-forward against a server that does what it is told: each step may
# fail in each way. More of it in t/protocol/forward*.t.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Smtpd;

my $plugin = 'queue/smtp-forward';

# What the server says, the reply to the client, and a line of the log.
my @answers = (
    [{}, qr/^250 2\.0\.0 queued: taken as 12345 \w+\.\d+$/,
     qr/pass, message \w+\.\d+ queued by 127\.0\.0\.1:\d+: taken as 12345/],
    [{ DOT => '250 ok' }, qr/^250 2\.0\.0 queued: ok /, qr/pass, /],
    [{ DOT => '451-4.3.0 not\n451 4.3.0 now' }, qr/^452 4\.3\.0 not now$/,
     qr/fail, message \S+ refused by \S+, at the message: 451 4\.3\.0 not now/],
    [{ DOT => '554 5.7.1 spam' }, qr/^552 5\.7\.1 spam$/,
     qr/at the message: 554 5\.7\.1 spam/],
    [{ DATA => '452 4.3.1 full' }, qr/^452 4\.3\.1 full$/, qr/at DATA: 452/],
    [{ DATA => '554 5.5.1 no' }, qr/^552 5\.5\.1 no$/, qr/at DATA: 554/],
    [{ RCPT => '550 5.1.1 who?' }, qr/^552 5\.1\.1 <a\@example\.org>: who\?$/,
     qr/at RCPT: 550 5\.1\.1 <a\@example\.org>: who/],
    [{ RCPT => '450 4.2.0 later' }, qr/^452 4\.2\.0 <a\@\S+: later$/,
     qr/at RCPT: 450/],
    [{ MAIL => '550 5.7.1 not you' }, qr/^552 5\.7\.1 not you$/,
     qr/at MAIL: 550/],
    [{ EHLO => '500 what?' }, qr/^250 /, qr/pass, /],
    [{ DOT => "250 a\rb\x80c" }, qr/^250 2\.0\.0 queued: a b c /, qr/pass/],
);

# What goes wrong; the error in the log; the reply, if it is not 451 4.4.1.
my @troubles = (
    [{ greeting => '554 go away' }, qr/it greets with "554 go away"/],
    [{ greeting => '421 4.3.2 busy' }, qr/it greets with "421 busy"/],
    [{ greeting => 'close' }, qr/get an answer from \S+: it has closed/],
    [{ greeting => 'hello there' }, qr/use the answer .*: it is no SMTP/],
    [{ greeting => '220\0x' }, qr/it is no SMTP/],
    [{ greeting => '220-a\n221 b' }, qr/it is no SMTP/],
    [{ greeting => '220 ' . 'x' x 3000 }, qr/it is too long/],
    [{ greeting => '220-x\n' x 200 }, qr/it has too many lines/],
    [{ EHLO => '421 no' }, qr/it is "421 no" to EHLO/],
    [{ EHLO => '550 no', HELO => '550 no' }, qr/it is "550 no" to HELO/],
    [{ EHLO => 'close' }, qr/it has closed/],
    [{ MAIL => 'close' }, qr/it has closed/],
    [{ MAIL => 'hello' }, qr/it is no SMTP/],
    [{ MAIL => '451 4.3.2 busy' }, qr/says to MAIL: 451 4\.3\.2 busy/,
     qr/^452 4\.3\.2 busy$/],
    [{ MAIL => '354 what' }, qr/the answer to MAIL is 354/],
    [{ RCPT => 'close' }, qr/it has closed/],
    [{ RCPT => '421 4.3.2 bye' }, qr/says to RCPT: 421/,
     qr/^452 4\.3\.2 <a\@\S+: bye$/],
    [{ DATA => 'close' }, qr/it has closed/],
    [{ DATA => '250 2.0.0 ok' }, qr/the answer to DATA is 250/],
    [{ DOT => 'close' }, qr/it has closed the .*; it may have the message/,
     qr/^452 4\.4\.2 No answer from the next server$/],
    [{ DOT => 'yes' }, qr/it is no SMTP; it may have the message/,
     qr/^452 4\.4\.2 /],
);

plan tests => 11 + 2 * (@answers + @troubles), QP::Server->need(
    map {"plugins/$_"} 'rcpt_ok', $plugin, 'queue/maildir');

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

my $server = server("$plugin $host keep 0 timeout 20s");
my $client = $server->client->hello;

for my $answer (@answers) {
    my ($says, $reply, $log) = @$answer;
    my $name = join ' ', %$says;

    $smtpd->will(%$says);
    ok t_cmp(deliver($client), $reply, "$name: the reply");
    ok defined $server->wait_log(qr/$plugin: .*$log/), "$name: the log";
}
for my $trouble (@troubles) {
    my ($says, $why, $reply) = @$trouble;
    my $name = substr join(' ', %$says), 0, 30;
    my $log = qr/$plugin: error, .*$why/;

    $smtpd->will(%$says);
    $server->expect_log($log);
    ok t_cmp(deliver($client), $reply // qr/^451 4\.4\.1 The message could/,
             "$name: the reply");
    ok defined $server->wait_log($log), "$name: the log";
}

# A client that leaves does not end the job; a slow server does.
$server->stop;
$server = server("$plugin $host timeout 1s");
$server->expect_log(qr/QP1103.*$plugin: no answer/);
$smtpd->will(DOT => 'hang');
ok t_cmp(deliver($server->client->hello), qr/^452 4\.3\.0 Cannot decide now/,
         'a server that is too slow');
ok $server->poll(sub { return ($smtpd->sessions)[0] =~ /left/ }), 'is left';
$server->stop;

# An IPv6 address without a port needs no brackets: its end is no port.
$server = server("$plugin hosts ::1 port 9 timeout 20s");
my $log = qr/$plugin: error, cannot connect to \[::1\]:9: /;

$server->expect_log($log);
ok t_cmp(deliver($server->client->hello), qr/^451 4\.4\.1 /, 'an address');
$server->stop;

# Mistakes stop the start.
for my $bad (['', qr/host: the server has to be given/],
             ['a!b', qr/"a!b" is no host/],
             ['hosts *5', qr/"" is no host/],
             ['hosts a:b', qr/hosts: "a:b" is not HOST, HOST:PORT/],
             ['a smtps tls no', qr/smtps: needs TLS/],
             ['a tls_key /dev/null', qr/tls_key: there is no tls_cert/],
             ['a tls verify tls_ca /dev/null', qr/trusted certificates: "/],
             ['a auth /dev/null', qr{auth: the first line of /dev/null is not}])
{
    ok t_cmp((QP::Server->new(plugins => ["$plugin $bad->[0]"])
              ->configtest)[1], $bad->[1], "mistake: $bad->[0]");
}
