# SPDX-License-Identifier: Apache-2.0
# Many commands in one write are answered in order (R68, RFC 2920), in one
# write, and as if they had come octet by octet.
use strict;
use warnings FATAL => 'all';

use FindBin ();
use lib "$FindBin::Bin/../lib";
use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

plan tests => 8, QP::Server->need(qw(plugins/rcpt_ok plugins/queue/discard));

my $server = QP::Server->new(
    plugins => ['rcpt_ok', 'queue/discard'],
    config  => { rcpthosts => 'example.org', max_errors => 0 },
)->start;

# 500 commands; every seventh is refused.
my @lines = ('MAIL FROM:<a@example.net>');
my @want = (250);

for my $n (1 .. 498) {
    my $domain = $n % 7 ? 'example.org' : 'elsewhere.example';

    push @lines, "RCPT TO:<user$n\@$domain>";
    push @want, $n % 7 ? "250 user$n" : 550;
}
push @lines, 'NOOP';
push @want, 250;

# The code of a reply, and the user in it.
sub summary {
    my ($reply) = @_;

    return $reply =~ /^(\d+).*<(user\d+)@/ ? "$1 $2" : substr $reply, 0, 3;
}

my $client = $server->client->hello;
my @at_once = $client->pipeline(@lines);

ok join("\n", map { summary($_) } @at_once) eq join("\n", @want),
    '500 commands in one write';

$client = $server->client->hello;
$client->dribble(join '', map {"$_\r\n"} @lines);
ok join("\n", map { $client->reply } @lines) eq join("\n", @at_once),
    'the same octet by octet';

# The input is idle: what one recv() returns was one write.
$client = $server->client->hello;
$client->send("MAIL FROM:<a\@example.net>\r\n"
              . "RCPT TO:<b\@example.org>\r\n" x 40 . "NOOP\r\n");
my $octets = $client->recv_once;

ok t_cmp(scalar(() = $octets =~ /\r\n/g), 42, 'replies leave in one write');

# Half a command holds nothing back.
$client = $server->client->hello;
$client->send("NOOP\r\nRSE");
ok t_cmp($client->reply, qr/^250 /, 'the whole command is answered');
$client->send("T\r\n");
ok t_cmp($client->reply, qr/^250 2\.0\.0 Reset/, 'and then the other');

# A message and the next transaction in one write; QUIT ends it.
$client = $server->client->hello;
$client->envelope('a@example.net', 'b@example.org');
$client->expect(354, 'DATA');
$client->send("Subject: x\r\n\r\ntext\r\n.\r\nMAIL FROM:<c\@example.net>\r\n"
              . "RCPT TO:<d\@example.org>\r\nDATA\r\n");
ok t_cmp(join(' ', map { $client->reply; $client->code } 1 .. 4),
         '250 250 250 354', 'commands behind the final dot');
$client->send(".\r\nQUIT\r\nNOOP\r\nNOOP\r\n");
ok t_cmp(join(' ', map { $client->reply; $client->code } 1 .. 2), '250 221',
         'QUIT behind a message');
ok $client->eof, 'nothing behind QUIT is run';
$server->stop;
