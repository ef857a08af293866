# SPDX-License-Identifier: Apache-2.0
# naughty: what is found early is refused late, at the hook that is named.
# t/dialog/naughty*.smtp have the fine points.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

# The hook, and the commands up to the one that is refused.
my $mail = 'MAIL FROM:<s@example.net>';
my $rcpt = 'RCPT TO:<a@example.org>';
my @hooks = (
    ['connect'],
    ['helo', 'HELO client.example'],
    ['helo', 'EHLO client.example'],
    ['mail', 'EHLO client.example', $mail],
    ['rcpt', 'EHLO client.example', $mail, $rcpt],
    ['data', 'EHLO client.example', $mail, $rcpt, 'DATA'],
    ['data_post', 'EHLO client.example', $mail, $rcpt, 'DATA', '.'],
);

plan tests => 4 * @hooks + 5,
    QP::Server->need('plugins/naughty', 'plugins/badmailfrom',
                     'testplugins/mark');

for my $case (@hooks) {
    my ($hook, @commands) = @$case;
    my $name = $commands[0] // 'connect';
    my $server = QP::Server->new(
        testplugins => 1,
        plugins => ['mark connect reject naughty', "naughty reject $hook",
                    'rcpt_ok'],
        config => { rcpthosts => 'example.org' })->start;
    my $client = $server->client;
    my @replies = ($client->reply, map { $client->cmd($_) } @commands);

    ok t_cmp($replies[-1], qr/^55[024] 5\.7\.1 is not liked$/,
             "$hook, $name: refused there");
    ok t_cmp(scalar(grep {/^[45]/} @replies), 1, 'and not before');
    ok $client->eof, 'and hung up on';
    ok defined $server->wait_log(qr/naughty: fail, is not liked/), 'the log';
    $server->stop;
}

# The mark is the connection's, and stays for the next message.
my $server = QP::Server->new(
    plugins => ['badmailfrom reject naughty',
                'naughty reject rcpt reject_type perm', 'rcpt_ok'],
    config => { rcpthosts => 'example.org', badmailfrom => '@bad.example' },
)->start;
my $client = $server->client->hello;

$client->expect(250, 'MAIL FROM:<s@bad.example>');
ok t_cmp($client->cmd($rcpt), qr/^550 5\.7\.1 Mail from this sender is not/,
         'a marked client');
$client->expect(250, 'RSET');
$client->expect(250, $mail);
ok t_cmp($client->cmd($rcpt), qr/^550 5\.7\.1 Mail from this sender is not/,
         'stays marked');
$client = $server->client->hello->envelope('s@example.net', 'a@example.org');
ok t_cmp($client->cmd('NOOP'), qr/^250 /, 'others are not');
ok defined $server->wait_log(qr/badmailfrom: fail, naughty, Mail from/),
    'the log says why';
ok defined $server->wait_log(qr/naughty: pass, nothing is said/),
    'and when nothing was found';
$server->stop;
