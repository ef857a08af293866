# SPDX-License-Identifier: Apache-2.0
# queue/smtp-forward: what is sent, and what the server does not know.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;
use QP::Smtpd;

my $plugin = 'queue/smtp-forward';
my $RAW = "Subject: x\r\n\r\n";

plan tests => 24, QP::Server->need(
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

my $server = server("$plugin $host keep 0 timeout 20s");
my $client = $server->client->hello;

# What is sent.
$smtpd->will;
$client->expect(250, 'MAIL FROM:<> BODY=8BITMIME RET=HDRS ENVID=q+2B');
$client->expect(250, 'RCPT TO:<"b c"@example.org> NOTIFY=SUCCESS,FAILURE');
$client->expect(250, 'RCPT TO:<postmaster> ORCPT=rfc822;p+2Bq@example.org');
$client->expect(354, 'DATA');
$client->send("${RAW}..\r\n...two\r\nbare\r.\r\nbare\n..lf\r\n"
              . "\xc3\xa9\r\nlast\r\n.\r\n");
$client->expect(250);
my ($mail, @rest) = grep {/^(?:MAIL|RCPT)/} $smtpd->commands;

ok t_cmp($mail, qr/^MAIL FROM:<> SIZE=\d+ BODY=8BITMIME RET=HDRS ENVID=q\+2B$/,
         'MAIL');
ok t_cmp(join('|', @rest), 'RCPT TO:<"b c"@example.org> NOTIFY=SUCCESS,FAILURE'
         . '|RCPT TO:<postmaster> ORCPT=rfc822;p+2Bq@example.org', 'RCPT');
my ($data) = $smtpd->messages;

ok t_cmp($data, qr/\AReceived:\ from\ .*^Subject:\ x\r\n\r\n
                   \.\.\r\n\.\.\.two\r\n
                   bare\ \.\r\nbare\r\n\.\.\.lf\r\n\xc3\xa9\r\nlast\r\n\z/msx,
         'dots are stuffed, and no line end is bare');
ok $data !~ /\r(?!\n)|(?<!\r)\n/, 'none at all';

# A large message, and one without an end of line.
my $big = join '', "Subject: big\n\n.\n..\n",
    map { '.' x ($_ % 3) . 'x' x ($_ * 7 % 900) . "\n" } 1 .. 4000;

$smtpd->will(EHLO => '250-fake.example\n250-8BITMIME\n250 PIPELINING');
ok t_cmp(deliver($client, $big), qr/^250 /, 'a large message');
($data) = $smtpd->messages;
ok $data =~ s/\A.*?^(?=Subject: big\r\n)//ms && $data =~ s/^\.//mgr
    =~ s/\r\n/\n/gr eq $big, 'arrives octet for octet';

# Recipients: one is refused, and nobody gets it.
$smtpd->will('RCPT:b@' => '550 5.1.1 no b', 'RCPT:c@' => '450 4.2.1 no c');
ok t_cmp(deliver($client, undef, map {"$_\@example.org"} qw(a c b)),
         qr/^552 5\.1\.1 <b\@example\.org>: no b$/, 'one of three is refused');
ok t_cmp(join(' ', map {/^(\w+)/} $smtpd->commands),
         'EHLO MAIL RCPT RCPT RCPT RSET', 'nothing is sent');

# More recipients than go out together; with and without PIPELINING.
for my $can ('PIPELINING', 'HELP') {
    $smtpd->will(EHLO => "250-fake.example\\n250 $can",
                 'RCPT:u77@' => '450 4.2.1 no');
    ok t_cmp(deliver($client, undef, map {"u$_\@example.org"} 1 .. 120),
             qr/^452 4\.2\.1 <u77\@/, "120 recipients, $can");
    $smtpd->will(EHLO => "250-fake.example\\n250 $can");
    ok t_cmp(deliver($client, undef, map {"u$_\@example.org"} 1 .. 120),
             qr/^250 /, 'all are accepted');
    ok t_cmp(scalar(grep {/^RCPT/} $smtpd->commands), 120, 'each once');
}

# What the server does not know.
$smtpd->will(EHLO => '250 fake.example');
ok t_cmp(deliver($client, "Subject: x\n\n\xe9\n"), qr/^552 5\.6\.3 /,
         'no 8BITMIME');
ok t_cmp(deliver($client), qr/^250 /, 'nor needed');
$client->expect(250, 'MAIL FROM:<s@example.net> SMTPUTF8');
$client->expect(250, "RCPT TO:<\xc3\xa9\@example.org>");
$client->expect(354, 'DATA');
ok t_cmp($client->cmd("$RAW."), qr/^552 5\.6\.7 /, 'no SMTPUTF8');
$smtpd->will(EHLO => '250-fake.example\n250 SIZE 100');
ok t_cmp(deliver($client, "Subject: x\n\n" . "long\n" x 100),
         qr/^552 5\.3\.4 /, 'SIZE');
$smtpd->will(MAIL => '250 ok', DATA => '354 go\n552 5.3.4 enough\c');
ok t_cmp(deliver($client, "Subject: x\n\n" . "long line\n" x 60_000),
         qr/^552 5\.3\.4 enough$/, 'an answer before the end is heard');

# What the client asks for by DSN: left out, and that is said.
$smtpd->will(EHLO => '250 fake.example');
$client->expect(250, 'MAIL FROM:<s@example.net>');
$client->expect(250, 'RCPT TO:<a@example.org> NOTIFY=SUCCESS');
$client->expect(354, 'DATA');
ok t_cmp($client->cmd("$RAW."), qr/^250 /, 'DSN, for a server without it');
ok t_cmp((grep {/^RCPT/} $smtpd->commands)[0], 'RCPT TO:<a@example.org>',
         'is left out');
ok defined $server->wait_log(qr/smtp-forward: 127\S+ knows no DSN: /), 'logged';
$server->stop;
$server = server("$plugin $host dsn no");
$client = $server->client;
$client->reply;
ok t_cmp($client->cmd('EHLO c.example'), qr/^250-(?:(?!DSN).)*$/s,
         'or is not announced at all');
$client->expect(250, 'MAIL FROM:<s@example.net>');
ok t_cmp($client->cmd('RCPT TO:<a@example.org> NOTIFY=SUCCESS'), qr/^555 /,
         'nor taken');
$server->stop;
