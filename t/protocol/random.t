# SPDX-License-Identifier: Apache-2.0
# Sessions of t/dialog with octets changed, left out and doubled, and what no
# client would send: no child ends by it, nothing is stored that was not
# acknowledged, and who comes then is served (R24, R69, R93, R99, R100).
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Dialog;
use QP::Server;

use constant { ROUNDS => 3, MANY => 10_000 };

plan tests => 7, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/maildir));

my $server = QP::Server->new(
    plugins  => ['rcpt_ok', 'queue/maildir @MAILDIR@'],
    config   => { rcpthosts => 'example.org', pipelining => 'lenient' },
    loglevel => 'error',
)->start;
my $state = 1;

# The same numbers each time.
sub draw {
    my ($below) = @_;

    $state = ($state * 1664525 + 1013904223) & 0xffffffff;
    return ($state >> 8) % $below;
}

sub change {
    my ($text) = @_;

    for (1 .. 1 + draw(8)) {
        my $at  = draw(1 + length $text);
        my $len = draw(20);
        my $was = substr $text, $at, $len;
        my $to  = ('', chr draw(256), "\r\n", "\n.\n", "\0", $was x 2)[draw(6)];

        substr $text, $at, $len, $to;
    }
    return $text;
}

# @return how many messages are said to be stored
sub play {
    my ($text) = @_;
    my $client = $server->client;
    my $stored = 0;

    eval {
        $client->reply;
        $client->send($text);
        $client->shutdown_write;
        while (defined(my $reply = $client->reply)) {
            $stored += $reply =~ /^250 .* Queued/i;
        }
    };
    $client->close;
    return $stored;
}

my $acknowledged = 0;
my $played = 0;

for my $dialog (map { QP::Dialog->load($_) }
                sort glob "$FindBin::Bin/../dialog/*.smtp") {
    my $input = $dialog->input;

    next if $input eq '' || length $input > 100_000;
    for (1 .. ROUNDS) {
        $acknowledged += play(change($input));
        $played++;
    }
}
ok $played > 200, "$played sessions have been played";
ok t_cmp($acknowledged > 0 && scalar(() = $server->messages), $acknowledged,
         "what is stored has been acknowledged: $acknowledged messages");
ok t_cmp(scalar(grep {/exit signal/} $server->log_lines), 0, 'no child died');

# All at once, the next message in the same segment as the end of the first.
my $client = $server->client->hello;
my @envelope = ('MAIL FROM:<a@b.example>', 'RCPT TO:<user@example.org>',
                'DATA');
my @codes = map {/^(\d+)/} $client->pipeline(@envelope);

$client->send("Bcc: victim\@example.org\r\nTo: other\@example.org\r\n\r\n"
    . "one\r\n.\r\n" . join('', map {"$_\r\n"} @envelope[0, 1]) . "QUIT\r\n");
push @codes, map { $client->reply =~ /^(\d+)/ } 1 .. 4;
ok t_cmp("@codes", '250 250 354 250 250 250 221', 'nothing is thrown away');
my @messages = $server->messages;

ok t_cmp(scalar @messages, $acknowledged + 1,
         'fields of the message make no recipients');

$client = $server->client->hello;
$client->cmd('MAIL FROM:<a@b.example>');
my %count;

for my $n (1 .. MANY / 100) {
    $client->send(join '', map {"RCPT TO:<u$_\@example.org>\r\n"} 1 .. 100);
    for (1 .. 100) {
        my $reply = $client->reply // last;

        $count{ substr $reply, 0, 3 }++;
    }
}
ok(($count{250} // 0) == 1000 && keys(%count) > 1,
    'many recipients: '
       . join ', ', map {"$count{$_} times $_"} sort keys %count);
$client->close;
$client = $server->client->hello;
ok t_cmp($client->cmd('QUIT'), qr/^221 /, 'and others are served');
$server->stop;
