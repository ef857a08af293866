# SPDX-License-Identifier: Apache-2.0
# logging/adaptive: what is logged of refused and of accepted mail.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 22, QP::Server->need(
    map {"plugins/$_"} qw(logging/adaptive logging/file logging/devnull
                          rcpt_ok queue/maildir));

sub make {
    my ($args) = @_;
    my $server = QP::Server->new(
        plugins => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
        config  => { rcpthosts => ['example.org'],
                     logging   => ["logging/adaptive $args",
                                   'logging/file loglevel debug @MAILDIR@/log',
                                   'logging/devnull'] },
    );

    return $server->start;
}

# What has been logged since the last call.
my $seen;

sub news {
    my ($server) = @_;
    my $text = QP::Server::slurp($server->maildir . '/log');
    my $news = substr $text, $seen;

    $seen = length $text;
    return $news;
}

sub refused {
    my ($client) = @_;

    $client->expect(250, 'MAIL FROM:<s@example.net>');
    $client->expect(550, 'RCPT TO:<a@elsewhere.example>');
    return;
}

sub count {
    my ($text, $re) = @_;

    return scalar(() = $text =~ /$re/g);
}

# Refused mail in full, accepted mail not at all.
my $server = make('accept warn reject debug');
my $message = "Subject: x\n\ny\n";

$seen = 0;
my $client = $server->client->hello;

$client->send_message('s@example.net', 'a@example.org', $message);
ok t_cmp(news($server), '', 'nothing of a message that is accepted');
refused($client);
my $news = news($server);

ok t_cmp($news, qr/ \w+\.2 \(deny\) logging\/adaptive: < MAIL FROM:<s\@/,
         'what came before the refusal');
ok t_cmp($news, qr/adaptive: \(rcpt\) rcpt_ok: fail, /, 'the refusal');
ok t_cmp(count($news, 'connect to'), 0, 'but not what belongs to the first');
$client->expect(250, 'RCPT TO:<a@example.org>');
$news = news($server);
ok t_cmp($news, qr/ \w+\.2 \(rcpt\) rcpt_ok: pass, /, 'and what comes behind');
$client->expect(250, 'RSET');
news($server);
$client->send_message('s@example.net', 'a@example.org', $message);
ok t_cmp(news($server), '', 'a refusal ends with its transaction');

# Lines are not escaped twice.
$client->expect(250, 'NOOP a\\b');
refused($client);
ok t_cmp(news($server), qr/adaptive: < NOOP a\\{2}b$/m, 'a backslash');
$client->expect(221, 'QUIT');
news($server);

# A session that is refused in its first transaction.
$client = $server->client->hello;
refused($client);
$news = news($server);
ok t_cmp($news, qr/adaptive: connect to /, 'what belongs to the connection');
ok t_cmp($news, qr/adaptive: < EHLO/, 'and what the client said');
$client->expect(221, 'QUIT');

# Much of it.
$server->poll(sub { news($server) =~ /QUIT/ });
$client = $server->client->hello;
$client->expect(250, 'NOOP ' . 'x' x 400) for 1 .. 400;
refused($client);
$news = news($server);
ok t_cmp(length $news < 200_000, 1, 'no more than so much is kept');
ok t_cmp($news, qr/adaptive: \d+ more lines were not kept/, 'it is said');
$client->expect(250, 'RSET');
$client->expect(221, 'QUIT');
$server->stop;

# Accepted mail in full, refused mail not.
$server = make('accept info reject warn prefix +');
$seen = 0;
$client = $server->client->hello;
$client->send_message('s@example.net', 'a@example.org', $message);
$news = news($server);
ok t_cmp(count($news, qr/adaptive: \+connect to /), 1, 'with the prefix');
ok t_cmp($news, qr/ \w+\.1 \(reset_transaction\) logging\/adaptive: \+\(rcpt\)/,
         'the hook and the plugin');
ok t_cmp(count($news, '< MAIL'), 0, 'nothing above both levels');
refused($client);
ok t_cmp(news($server), '', 'nothing of what is refused');
$client->expect(250, 'RSET');
$client->expect(221, 'QUIT');
ok $server->poll(sub { $news = news($server); $news ne '' }), 'the end';
ok t_cmp($news, qr/\A\S.* \w+ disconnect, [^\n]*\n\z/, 'is no more than that');
$server->stop;

# The defaults.
$server = make('');
$seen = 0;
$client = $server->client->hello;
refused($client);
$client->expect(250, 'RSET');
$client->send_message('s@example.net', 'a@example.org', $message);
$client->expect(221, 'QUIT');
$server->graceful;
ok t_cmp(news($server), '', 'nothing at info');
$server->stop;
for my $case (['accept', qr/accept: a value is missing/],
              ['accept much', qr/accept: "much" is none of emerg/],
              ['reject 9', qr/reject: "9" is none of/], ['all', qr/unknown/]) {
    my $faulty = QP::Server->new(
        plugins => ['rcpt_ok'],
        config  => { logging => ["logging/adaptive $case->[0]"] });

    ok t_cmp(($faulty->configtest)[1], $case->[1], "refused: $case->[0]");
}
