# SPDX-License-Identifier: Apache-2.0
# A plugin that adds a command with a dialogue of its own: lines and octets, in
# pieces of all sizes; it holds no thread while the client thinks.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my $big = join '', map { chr($_ % 256) } 1 .. 300_000;
my $sum = unpack '%32C*', $big;
my $line = 'x' x 98;

# What the client says; all replies behind the greeting.
my @dialogues = (
    ["XTALK 5\r\none\r\ntwo\r\n12345",
     ['334 first', '334 second', '250 2.0.0 one|two|sum 255']],
    ["XTALK\r\n\r\n.\r\n", ['334 first', '334 second', '250 2.0.0 |.|sum 0']],
    ["xtalk\r\n$line\r\n$line\r\n",
     ['334 first', '334 second', "250 2.0.0 $line|$line|sum 0"]],
    ["XTALK 3\r\n*\r\n", ['334 first', '501 5.7.0 Cancelled']],
    ["XTALK\r\na\r\n*\r\n", ['334 first', '334 second', '501 5.7.0 Cancelled']],
    ["XTALK\r\nx$line\r\n", ['334 first', '500 5.5.6 Line too long']],
    ["XTALK\r\none\nXTALK\r\none\rx\r\nXTALK\r\n\0\r\n",
     [('334 first', '501 5.5.2 Bad line') x 3]],
    ["XTALK 2\r\na\r\nb\r\n\r\nXTALK 1\r\nc\r\nd\r\ne",
     ['334 first', '334 second', '250 2.0.0 a|b|sum 23',
      '334 first', '334 second', '250 2.0.0 c|d|sum 101']],
    ["XTALK 300000\r\none\r\ntwo\r\n$big",
     ['334 first', '334 second', "250 2.0.0 one|two|sum $sum"]],
);

plan tests => 14 + 2 * @dialogues,
    QP::Server->need(qw(plugins/rcpt_ok testplugins/dialogue));

sub server {
    return QP::Server->new(plugins => [@_, 'rcpt_ok'], testplugins => 1,
                           config => { pipelining => 'lenient' })->start;
}

my $server = server('dialogue');

for my $n (0 .. $#dialogues) {
    my ($says, $want) = @{ $dialogues[$n] };

    for my $way (qw(send dribble)) {
        my $client = $server->client;
        my $text = "HELO x\r\n${says}NOOP\r\nQUIT\r\n";

        # The big one goes in pieces of its own.
        $client->send(substr $text, 0, 1000, '')
            while $way eq 'dribble' && length $text > 1000;
        $client->$way($text);
        my @replies = split /\r\n/, $client->drain;

        ok t_cmp(join(' / ', @replies[2 .. $#replies - 2]), join(' / ', @$want),
                 "dialogue $n, $way");
    }
}

# Step by step.
my $client = $server->client;

ok t_cmp($client->hello && $client->cmd('EHLO x'), qr/^250[- ]XTALK$/m,
         'it is announced');
ok t_cmp($client->cmd('XTALK 3'), '334 first', 'the first prompt is at once');
ok t_cmp($client->cmd('one'), '334 second', 'the second, too');
$client->send("two\r\nab");
ok t_cmp($client->cmd('c'), qr/^250 2\.0\.0 one\|two\|sum 294$/, 'the answer');
ok t_cmp($client->reply, qr/^500 5\.5\.1 /, 'what stands behind is a command');

# More of them than there are threads.
my $count = QP::Server->mpm eq 'event' ? 50 : 5;
my @clients = map { $server->client->hello } 1 .. $count;

$_->expect(334, 'XTALK 4') for @clients;
$_->expect(334, 'one') for @clients;
ok t_cmp($client->cmd('NOOP'), qr/^250 /, 'another session is served');
$_->send("two\r\nab") for @clients;
$_->send('cd') for @clients;
ok t_cmp(scalar(grep { $_->reply =~ /\|sum 394$/ } @clients), $count,
         'while they take their time');

# The client leaves within.
my $gone = $server->client->hello;

$gone->expect(334, 'XTALK');
$gone->expect(334, 'one');
$gone->close;
ok defined $server->wait_log(qr/dialogue: the client has left, 1 lines/),
    'the plugin is told that the client has left';
$gone = $server->client->hello;
$gone->expect(334, 'XTALK');
$gone->shutdown_write;
ok defined $server->wait_log(qr/dialogue: the client has left, 0 lines/),
    'or will send no more';
ok t_cmp($client->cmd('NOOP'), qr/^250 /, 'the others go on');
$server->stop;

# The plugin's timeout.
$server = server('dialogue timeout 300ms');
$server->expect_log(qr/QP1103: .*dialogue: no answer in the hook unrecog/);
$client = $server->client->hello;
$client->expect(334, 'XTALK');
ok t_cmp($client->reply, qr/^500 5\.5\.1 /, 'a client that takes too long');
ok t_cmp($client->cmd('XTALK'), '334 first', 'starts from the beginning');
ok t_cmp($client->cmd('*'), qr/^501 /, 'and can go on');
ok t_cmp($client->cmd('NOOP'), qr/^250 /, 'as ever');
$server->stop;
