# SPDX-License-Identifier: Apache-2.0
# Idle sessions hold no thread: 200 of them on one child of four threads, and
# everybody is served. See t/bench/idle for more of them.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

use constant IDLE => 200;

plan tests => 6, QP::Server->need(qw(event plugins/rcpt_ok
                                     plugins/queue/discard));

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/discard'],
    config  => { rcpthosts => 'example.org' },
)->start;
my @idle = map { $server->client->hello } 1 .. IDLE;

ok t_cmp(scalar($server->children), 1, 'there is one child');
ok t_cmp($server->client->reply, qr/^220 /, 'one more is greeted');

my $client = $server->client->hello;
my $reply = $client->send_message('a@example.net', 'b@example.org', 'x');

ok t_cmp($reply, qr/^250 /, 'and can send a message');

# Some are in a transaction, some within a command, some within a message.
for my $n (0 .. $#idle) {
    my $kind = $n % 4;

    $idle[$n]->envelope('a@example.net', 'b@example.org') if $kind > 0;
    $idle[$n]->send('RSE') if $kind == 1;
    $idle[$n]->expect(354, 'DATA') if $kind >= 2;
    $idle[$n]->send("Subject: x\r\n\r\nhalf a mess") if $kind == 3;
}
ok t_cmp($server->client->hello->cmd('NOOP'), qr/^250 /,
         'unfinished input holds no thread');

my %finish = (0 => "NOOP\r\n", 1 => "T\r\n", 2 => ".\r\n", 3 => "age\r\n.\r\n");
my @replies = map { $idle[$_]->send($finish{ $_ % 4 }); $idle[$_]->reply }
    0 .. $#idle;

ok t_cmp(scalar(grep {/^250 /} @replies), IDLE, 'all go on where they were');
$_->send("QUIT\r\n") for @idle;
ok t_cmp(scalar(grep { $_->reply =~ /^221 / && $_->eof } @idle), IDLE,
         'and all can quit');
$server->stop;
