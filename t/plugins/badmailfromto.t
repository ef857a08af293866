# SPDX-License-Identifier: Apache-2.0
# badmailfromto: mail from certain senders to certain recipients is refused.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 15, QP::Server->need('plugins/badmailfromto', 'plugins/relay');

my %config = (
    rcpthosts     => ['example.org'],
    relayclients  => ['127.0.0.2'],
    badmailfromto => ['ex@example.net one@example.org', '@example.net   '
                      . 'two@example.org  Not to two', '/^bulk/ @example.org',
                      'ex@example.net three@example.org'],
);
my $server = QP::Server->new(
    plugins => ['relay', 'badmailfromto', 'rcpt_ok'], config => \%config,
)->start;

# A sender of several lines: all of them count.
for my $case (
    ['ex@example.net',    'one@example.org',    qr/^550 5\.7\.1 Mail from /],
    ['EX@example.NET',    'ONE@Example.org',    qr/^550 /],
    ['ex@example.net',    'two@example.org',    qr/^550 \S+ Not to two$/],
    ['ex@example.net',    'three@example.org',  qr/^550 /],
    ['ex@example.net',    'four@example.org',   qr/^250 /],
    ['other@example.net', 'one@example.org',    qr/^250 /],
    ['other@example.net', 'two@example.org',    qr/^550 /],
    ['bulk1@example.com', 'anybody@example.org', qr/^550 /],
    ['',                  'one@example.org',    qr/^250 /],
) {
    my ($from, $to, $reply) = @$case;
    my $client = $server->client->hello;

    $client->expect(250, "MAIL FROM:<$from>");
    ok t_cmp($client->cmd("RCPT TO:<$to>"), $reply, "<$from> to <$to>");
}

# Several recipients of one message, each by itself.
my $client = $server->client->hello->envelope('ex@example.net',
                                              'four@example.org');

$client->expect(550, 'RCPT TO:<one@example.org>');
$client->expect(250, 'RCPT TO:<five@example.org>');
ok t_cmp($client->cmd('DATA'), qr/^354 /, 'others get the message');
$client->close;
$client = $server->client(local => '127.0.0.2')->hello;
$client->expect(250, 'MAIL FROM:<ex@example.net>');
ok t_cmp($client->cmd('RCPT TO:<one@example.org>'), qr/^250 /,
         'a relay client');
ok defined $server->wait_log(qr/badmailfromto: fail, Not to two/), 'logged';
$server->stop;

for my $case (['a@b.example', qr/:1: a recipient is missing behind "a\@b/],
              ['a@b.example word', qr/:1: "word" is no address/],
              ['*@b a@b.example', qr/:1: "\*\@b" is no regular expression/]) {
    my ($line, $said) = @$case;

    $server = QP::Server->new(plugins => ['badmailfromto', 'rcpt_ok'],
                              config => { badmailfromto => [$line] });
    ok t_cmp(($server->configtest)[1], $said, "\"$line\" stops the start");
}
