# SPDX-License-Identifier: Apache-2.0
# badmailfrom: listed senders are refused.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Apache::TestUtil qw(t_cmp);
use QP::Server;

my %answer = (
    's@example.net'     => qr/^550 5\.\d\.\d Mail from this sender /,
    'S@EXAMPLE.net'     => qr/^550 /,
    'x@bad.example'     => qr/^550 5\.\d\.\d Go away, please$/,
    '""@bad.example'    => qr/^550 /,
    'bounce-17@a.b'     => qr/^550 /,
    'a@sub.bad.example' => qr/^250 /,
    'ss@example.net'    => qr/^250 /,
    'bounce@a.b'        => qr/^250 /,
    ''                  => qr/^250 /,
);

plan tests => keys(%answer) + 9,
    QP::Server->need('plugins/badmailfrom', 'plugins/relay');

my %config = (
    badmailfrom => ['s@example.net', "\@bad.example \t Go away, please",
                    '/^bounce-\d+@/'],
    relayclients => ['127.0.0.2'],
);
my $server = QP::Server->new(plugins => ['relay', 'badmailfrom', 'rcpt_ok'],
                             config => \%config)->start;
my $client = $server->client->hello;

for my $sender (sort keys %answer) {
    ok t_cmp($client->cmd("MAIL FROM:<$sender>"), $answer{$sender},
             "<$sender>");
    $client->expect(250, 'RSET');
}
ok defined $server->wait_log(qr/badmailfrom: fail, Go away, please/),
    'the reason is logged';
ok defined $server->wait_log(qr/badmailfrom: pass, bounce\@a\.b is not /),
    'and what passed';
ok t_cmp($server->client(local => '127.0.0.2')->hello
             ->cmd('MAIL FROM:<s@example.net>'), qr/^250 /, 'a relay client');

# A faulty line is ignored, and a warning says so.
$server->expect_log(qr/badmailfrom: badmailfrom: "\*\@x": quantifier/);
$server->set_config(badmailfrom => ['*@x', 'new@example.net']);
ok $server->poll(sub {
    my $reply = $client->cmd('MAIL FROM:<new@example.net>');

    $client->expect(250, 'RSET');
    return $reply =~ /^550 /;
}), 'the list is read again';
ok t_cmp($client->cmd('MAIL FROM:<s@example.net>'), qr/^250 /,
         'without the old lines');
ok defined $server->wait_log(qr/"\*\@x": quantifier/), 'a warning';
$server->stop;

# The common options.
for my $case (['reject no', qr/^250 /], ['reject_type temp', qr/^450 4\./],
              ['reject_type disconnect', qr/^550 5\./]) {
    my ($option, $reply) = @$case;

    $server = QP::Server->new(plugins => ["badmailfrom $option", 'rcpt_ok'],
                              config => \%config)->start;
    ok t_cmp($server->client->hello->cmd('MAIL FROM:<s@example.net>'), $reply,
             $option);
    $server->stop;
}
